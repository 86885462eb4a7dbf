// ARP packets from and to bytes; see arp.hpp.
#include "stack/wire/arp.hpp"

#include "stack/wire/ethernet.hpp"

namespace sluice::wire::arp {
namespace {

constexpr std::uint16_t kEthernet = 1;
constexpr std::uint8_t kIpv4Size = 4;

}  // namespace

Parsed<Packet, Fault> parse(Bytes payload) noexcept {
  if (payload.size() < kSize) return Fault::truncated;
  ByteReader reader(payload);
  bool right = reader.u16() == kEthernet;
  right &= reader.u16() == ethernet::kIpv4;
  right &= reader.u8() == MacAddress::kSize;
  right &= reader.u8() == kIpv4Size;
  if (!right) return Fault::wrong_kind;
  Packet packet;
  const std::uint16_t operation = reader.u16();
  if (operation != 1 && operation != 2) return Fault::wrong_operation;
  packet.operation = static_cast<Operation>(operation);
  packet.sender_mac = MacAddress::from_bytes(reader.take(MacAddress::kSize));
  packet.sender = IpAddress::v4(reader.u32());
  packet.target_mac = MacAddress::from_bytes(reader.take(MacAddress::kSize));
  packet.target = IpAddress::v4(reader.u32());
  return packet;
}

std::size_t write(MutableBytes room, const Packet& packet) noexcept {
  ByteWriter writer(room);
  writer.u16(kEthernet);
  writer.u16(ethernet::kIpv4);
  writer.u8(MacAddress::kSize);
  writer.u8(kIpv4Size);
  writer.u16(static_cast<std::uint16_t>(packet.operation));
  writer.bytes(packet.sender_mac.bytes());
  writer.u32(packet.sender.v4_number());
  writer.bytes(packet.target_mac.bytes());
  writer.u32(packet.target.v4_number());
  return writer.used();
}

}  // namespace sluice::wire::arp
