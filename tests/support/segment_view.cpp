// Opening and forging segments; see segment_view.hpp.
#include "tests/support/segment_view.hpp"

#include <algorithm>
#include <cassert>

#include "lab/exchange.hpp"
#include "stack/ip/layer.hpp"
#include "stack/wire/icmp.hpp"
#include "stack/wire/pseudo_header.hpp"

namespace sluice::test {
namespace {

constexpr auto kTcp = static_cast<std::uint8_t>(ip::Protocol::tcp);

// RFC 1071 as it is written: words of 16 bits, carries folded at once.
void add_words(std::uint32_t& sum, Bytes bytes) {
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    sum += std::uint32_t{bytes[i]} << 8 | (i + 1 < bytes.size() ? bytes[i + 1] : 0u);
    sum = (sum & 0xffff) + (sum >> 16);
  }
}

}  // namespace

std::optional<SegmentView> open_segment(Bytes packet) {
  const auto opened = lab::open_packet(packet);
  if (!opened || opened->protocol != kTcp) return std::nullopt;
  SegmentView view{opened->source, opened->destination, {}, static_cast<std::uint32_t>(opened->payload.size())};
  if (wire::tcp::parse(opened->transport, view.header) != wire::tcp::ParseError::none) return std::nullopt;
  return view;
}

std::vector<std::uint8_t> forge(const SegmentView& view) {
  const std::size_t ip_size = ip::header_size(view.source.address.family());
  wire::tcp::Header header = view.header;
  header.source_port = view.source.port;
  header.destination_port = view.destination.port;
  header.checksum = 0;
  std::vector<std::uint8_t> packet(ip_size + wire::tcp::written_size(header.options) + view.text);
  const MutableBytes segment = MutableBytes(packet).subspan(ip_size);
  wire::tcp::write(segment, header);
  ChecksumSum sum = wire::pseudo_header(view.source.address, view.destination.address, kTcp, segment.size());
  sum.add(segment);
  wire::tcp::set_checksum(segment, sum.checksum());
  ip::write_header(
      packet, {.source = view.source.address, .destination = view.destination.address, .payload_size = segment.size()});
  return packet;
}

std::vector<std::uint8_t> too_big(Bytes packet, std::size_t mtu) {
  const bool v4 = packet[0] >> 4 == 4;
  const SegmentView quoted = *open_segment(packet);
  const std::size_t ip_size = ip::header_size(v4 ? Family::ipv4 : Family::ipv6);
  const Bytes quote = packet.first(std::min<std::size_t>(packet.size(), v4 ? 28 : 1280 - 48));
  std::vector<std::uint8_t> error(ip_size + wire::icmp::kHeaderSize + quote.size());
  const MutableBytes message = MutableBytes(error).subspan(ip_size);
  wire::icmp::Header header{.type = v4 ? wire::icmp::kUnreachable : std::uint8_t{2},
                            .code = v4 ? wire::icmp::kFragmentationNeeded : std::uint8_t{0},
                            .rest = static_cast<std::uint32_t>(mtu)};
  std::copy(quote.begin(), quote.end(), message.begin() + wire::icmp::kHeaderSize);
  wire::icmp::write(message, header);
  const auto protocol = v4 ? ip::Protocol::icmp : ip::Protocol::icmpv6;
  ChecksumSum sum;
  if (!v4)
    sum = wire::pseudo_header(quoted.destination.address, quoted.source.address, static_cast<std::uint8_t>(protocol),
                              message.size());
  sum.add(message);
  header.checksum = sum.checksum();
  wire::icmp::write(message, header);
  ip::write_header(error, {.source = quoted.destination.address,
                           .destination = quoted.source.address,
                           .protocol = protocol,
                           .payload_size = message.size()});
  return error;
}

bool checksums_hold(Bytes packet) {
  const bool v4 = packet[0] >> 4 == 4;
  const std::size_t ip_size = v4 ? std::size_t{packet[0] & 15u} * 4 : 40;
  std::uint32_t header = 0;
  if (v4) add_words(header, packet.first(ip_size));
  const Bytes segment = packet.subspan(ip_size);
  auto sum = static_cast<std::uint32_t>(segment.size() + kTcp);
  add_words(sum, v4 ? packet.subspan(12, 8) : packet.subspan(8, 32));
  add_words(sum, segment);
  return sum == 0xffff && (!v4 || header == 0xffff);
}

}  // namespace sluice::test
