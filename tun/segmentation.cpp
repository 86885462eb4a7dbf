// Headers of the pieces of a super-segment.
#include "tun/segmentation.hpp"

#include <algorithm>
#include <utility>

#include "stack/wire/ipv4.hpp"
#include "stack/wire/ipv6.hpp"
#include "stack/wire/ipv6_chain.hpp"
#include "stack/wire/pseudo_header.hpp"
#include "stack/wire/tcp.hpp"
#include "stack/wire/udp.hpp"

namespace sluice::tun {
namespace {

constexpr std::uint8_t kTcp = 6, kUdp = 17;
constexpr std::size_t kTcpFlags = 13;  // in the TCP header

bool is_transport(std::uint8_t protocol) noexcept { return protocol == kTcp || protocol == kUdp; }

std::optional<TransportPlace> place_v4(Bytes packet) noexcept {
  if (packet.size() < wire::ipv4::kMinimumHeader) return std::nullopt;
  const std::size_t size = (packet[0] & 15u) * 4u;
  const bool fragment = (packet[6] & 0x3f) != 0 || packet[7] != 0;
  if (size < wire::ipv4::kMinimumHeader || size > packet.size() || fragment) return std::nullopt;
  if (!is_transport(packet[9])) return std::nullopt;
  return TransportPlace{packet[9], size};
}

std::optional<TransportPlace> place_v6(Bytes packet) noexcept {
  if (packet.size() < wire::ipv6::kHeaderSize) return std::nullopt;
  if (is_transport(packet[6])) return TransportPlace{packet[6], wire::ipv6::kHeaderSize};
  const auto header = wire::ipv6::parse(packet);
  if (!header) return std::nullopt;
  const auto chain = wire::ipv6::walk(packet.first(wire::ipv6::kHeaderSize + header->payload_length));
  if (!chain || chain->fragment || !is_transport(chain->upper)) return std::nullopt;
  return TransportPlace{chain->upper, chain->size};
}

std::uint16_t load16(Bytes bytes, std::size_t at) noexcept { return ByteReader(bytes.subspan(at)).u16(); }
void store16(MutableBytes bytes, std::size_t at, std::size_t value) noexcept {
  ByteWriter(bytes.subspan(at)).u16(static_cast<std::uint16_t>(value));
}

/// What the IP header says.
std::size_t ip_size(Bytes packet) noexcept {
  return packet[0] >> 4 == 4 ? load16(packet, 2) : std::size_t{load16(packet, 4)} + wire::ipv6::kHeaderSize;
}

/// Lengths for a packet of `size` bytes, and of IPv4 the id of piece `number` and the header's checksum.
void write_ip(MutableBytes packet, std::size_t header_size, std::size_t size, unsigned number) noexcept {
  if (packet[0] >> 4 == 6) return store16(packet, 4, size - wire::ipv6::kHeaderSize);
  store16(packet, 2, size);
  store16(packet, 4, load16(packet, 4) + number);
  store16(packet, 10, 0);
  store16(packet, 10, internet_checksum(Bytes(packet).first(header_size)));
}

/// Zero would say of a datagram that it has no checksum [R768-4].
void store_checksum(MutableBytes packet, std::size_t at, std::uint16_t checksum, bool udp) noexcept {
  store16(packet, at, udp && checksum == 0 ? 0xffff : checksum);
}

ChecksumSum pseudo_sum(Bytes packet, std::uint8_t protocol, std::size_t length) noexcept {
  const bool v4 = packet[0] >> 4 == 4;
  const std::size_t width = v4 ? 4 : 16, from = v4 ? 12 : 8;
  return wire::pseudo_header(IpAddress::from_bytes(packet.subspan(from, width)),
                             IpAddress::from_bytes(packet.subspan(from + width, width)), protocol, length);
}

}  // namespace

std::optional<TransportPlace> find_transport(Bytes packet) noexcept {
  if (packet.empty()) return std::nullopt;
  if (packet[0] >> 4 == 4) return place_v4(packet);
  return packet[0] >> 4 == 6 ? place_v6(packet) : std::nullopt;
}

std::size_t transport_header_size(Bytes packet, const TransportPlace& place) noexcept {
  const std::size_t room = packet.size() - std::min(packet.size(), place.offset);
  if (!place.is_tcp()) return room >= wire::udp::kHeaderSize ? wire::udp::kHeaderSize : 0;
  if (room < wire::tcp::kMinimumHeader) return 0;
  const std::size_t size = (packet[place.offset + 12] >> 4) * std::size_t{4};
  return size >= wire::tcp::kMinimumHeader && size <= room ? size : 0;
}

void complete_checksum(MutableBytes packet, std::size_t start, std::size_t offset) noexcept {
  ChecksumSum sum;
  sum.add(Bytes(packet).subspan(start));
  store_checksum(packet, start + offset, sum.checksum(), offset == 6);
}

void PieceHeads::write_next(MutableBytes head, std::uint16_t text_sum) noexcept {
  const std::size_t size = text();
  const bool last = size == text_ - at_;
  write_ip(head, place_.offset, head_size_ + size, number_);
  const MutableBytes transport = head.subspan(place_.offset);
  write_transport(transport, transport.size() + size, last);
  store16(transport, place_.checksum_offset(), 0);
  ChecksumSum sum = pseudo_sum(head, place_.protocol, transport.size() + size);
  sum.add(transport);  // of an even size, so that the text's words stand as they were summed
  sum.add_word(text_sum);
  store_checksum(transport, place_.checksum_offset(), sum.checksum(), !place_.is_tcp());
  at_ += size;
  ++number_;
  done_ = last;
}

/// `size`: bytes of header and text.
void PieceHeads::write_transport(MutableBytes transport, std::size_t size, bool last) const noexcept {
  if (!place_.is_tcp()) return store16(transport, 4, size);
  const std::uint32_t seq = ByteReader(Bytes(transport).subspan(4)).u32();
  ByteWriter(transport.subspan(4)).u32(seq + static_cast<std::uint32_t>(at_));
  std::uint8_t& flags = transport[kTcpFlags];
  if (!last) flags &= static_cast<std::uint8_t>(~(wire::tcp::psh | wire::tcp::fin));
  if (at_ > 0) flags &= static_cast<std::uint8_t>(~wire::tcp::cwr);
}

Segments::Segments(Bytes packet, std::uint16_t gso_size) noexcept : packet_(packet) {
  const auto place = find_transport(packet);
  const std::size_t header = place ? transport_header_size(packet, *place) : 0;
  if (header == 0 || ip_size(packet) != packet.size()) {
    as_it_is_ = true;
    return;
  }
  at_ = head_size_ = place->offset + header;
  const std::size_t text = packet.size() - head_size_;
  heads_ = PieceHeads(*place, head_size_, text, gso_size == 0 ? text : gso_size);
}

Bytes Segments::next() {
  if (std::exchange(as_it_is_, false)) return packet_;
  if (heads_.done()) return {};
  const Bytes head = packet_.first(head_size_), text = packet_.subspan(at_, heads_.text());
  piece_.assign(head.begin(), head.end());
  piece_.insert(piece_.end(), text.begin(), text.end());
  ChecksumSum sum;
  sum.add(text);
  heads_.write_next(MutableBytes(piece_).first(head_size_), sum.folded());
  at_ += text.size();
  return piece_;
}

}  // namespace sluice::tun
