// Ethernet headers from and to bytes; see ethernet.hpp.
#include "stack/wire/ethernet.hpp"

namespace sluice::wire::ethernet {

Parsed<Header, Fault> parse(Bytes frame) noexcept {
  ByteReader reader(frame);
  Header header;
  if (frame.size() < kHeaderSize) return Fault::truncated;
  header.destination = MacAddress::from_bytes(reader.take(MacAddress::kSize));
  header.source = MacAddress::from_bytes(reader.take(MacAddress::kSize));
  header.type = reader.u16();
  if (header.type == kVlan) {
    const std::uint16_t control = reader.u16();
    header.vlan = static_cast<std::uint16_t>(control & 0xfff);
    header.priority = static_cast<std::uint8_t>(control >> 13);
    header.type = reader.u16();
    header.header_size = kHeaderSize + kTagSize;
  }
  if (!reader.ok()) return Fault::truncated;
  if (header.type < kSmallestType) return Fault::length_field;
  return header;
}

std::size_t write(MutableBytes room, const Header& header) noexcept {
  ByteWriter writer(room);
  writer.bytes(header.destination.bytes());
  writer.bytes(header.source.bytes());
  if (header.vlan) {
    writer.u16(kVlan);
    writer.u16(static_cast<std::uint16_t>(header.priority << 13 | (*header.vlan & 0xfff)));
  }
  writer.u16(header.type);
  return writer.used();
}

}  // namespace sluice::wire::ethernet
