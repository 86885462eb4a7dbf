// Packets larger than any MTU, as devices with offloads exchange them: the checksum field holds the pseudo-header's
// sum.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lab/exchange.hpp"
#include "stack/base/packet.hpp"
#include "stack/wire/pseudo_header.hpp"
#include "tests/support/world.hpp"

namespace sluice::test {

/// The packet of a line in the notation, such as "P. 1:9001(9000) ack 1" or "udp (5000)", with text that says where it
/// stands.
inline std::vector<std::uint8_t> whole_packet(Family family, const std::string& line) {
  const bool v4 = family == Family::ipv4;
  lab::PacketLine packet = *lab::parse_packet(line);
  const std::size_t size = packet.segment() ? packet.segment()->length : std::get<lab::UdpLine>(packet.body).length;
  const std::vector<std::uint8_t> text = pattern(3, 0, size);
  return lab::to_wire(packet, {.source = *Endpoint::parse(v4 ? "10.0.0.1:40000" : "[fd00::1]:40000"),
                               .destination = *Endpoint::parse(v4 ? "10.0.0.2:80" : "[fd00::2]:80"),
                               .payload = text})
      .value();
}

inline std::size_t network_size(const std::vector<std::uint8_t>& packet) { return packet[0] >> 4 == 4 ? 20 : 40; }
/// Where in the packet its TCP or UDP checksum stands.
inline std::size_t checksum_at(const std::vector<std::uint8_t>& packet) {
  const bool tcp = packet[packet[0] >> 4 == 4 ? 9 : 6] == 6;
  return network_size(packet) + (tcp ? 16 : 6);
}

/// The same with a checksum that is yet to be completed.
inline std::vector<std::uint8_t> super_packet(Family family, const std::string& line) {
  std::vector<std::uint8_t> packet = whole_packet(family, line);
  const bool v4 = family == Family::ipv4;
  const std::size_t from = v4 ? 12 : 8, width = v4 ? 4 : 16;
  const Bytes all(packet);
  const std::uint16_t sum = wire::pseudo_header(IpAddress::from_bytes(all.subspan(from, width)),
                                                IpAddress::from_bytes(all.subspan(from + width, width)),
                                                packet[v4 ? 9 : 6], packet.size() - network_size(packet))
                                .folded();
  ByteWriter(MutableBytes(packet).subspan(checksum_at(packet), 2)).u16(sum);
  return packet;
}

}  // namespace sluice::test
