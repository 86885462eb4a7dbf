// IPv6 headers from and to bytes; see ipv6.hpp.
#include "stack/wire/ipv6.hpp"

namespace sluice::wire::ipv6 {

Parsed<Header, Fault> parse_quoted(Bytes quote) noexcept {
  if (quote.size() < kHeaderSize) return Fault::truncated;
  ByteReader reader(quote);
  const std::uint32_t first = reader.u32();
  if (first >> 28 != 6) return Fault::bad_version;
  Header header;
  header.dscp = static_cast<std::uint8_t>(first >> 22 & 0x3f);
  header.ecn = static_cast<Ecn>(first >> 20 & 3);
  header.flow_label = first & 0xfffff;
  header.payload_length = reader.u16();
  header.next_header = reader.u8();
  header.hop_limit = reader.u8();
  header.source = IpAddress::from_bytes(reader.take(16));
  header.destination = IpAddress::from_bytes(reader.take(16));
  return header;
}

Parsed<Header, Fault> parse(Bytes packet) noexcept {
  const Parsed<Header, Fault> header = parse_quoted(packet);
  if (header && header->payload_length > packet.size() - kHeaderSize) return Fault::bad_payload_length;
  return header;
}

std::size_t write(MutableBytes room, const Header& header) noexcept {
  ByteWriter writer(room.first(kHeaderSize));
  writer.u32(std::uint32_t{6} << 28 | std::uint32_t{header.dscp} << 22 | static_cast<std::uint32_t>(header.ecn) << 20 |
             (header.flow_label & 0xfffff));
  writer.u16(header.payload_length);
  writer.u8(header.next_header);
  writer.u8(header.hop_limit);
  writer.bytes(header.source.bytes());
  writer.bytes(header.destination.bytes());
  return kHeaderSize;
}

}  // namespace sluice::wire::ipv6
