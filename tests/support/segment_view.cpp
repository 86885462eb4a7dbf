// Opening and forging segments; see segment_view.hpp.
#include "tests/support/segment_view.hpp"

#include <cassert>

#include "lab/exchange.hpp"
#include "stack/ip/layer.hpp"
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
