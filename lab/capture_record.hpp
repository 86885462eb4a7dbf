// One packet of a capture file, whatever the format, and the way from its link header to the IP packet.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "stack/base/bytes.hpp"

namespace sluice::lab {

/// LINKTYPE_ values as tcpdump.org lists them; a file may carry others, which ip_packet() doesn't understand.
enum class LinkType : std::uint16_t {
  null = 0,  ///< BSD loopback: the address family in four bytes
  ethernet = 1,
  raw = 101,        ///< begins with an IPv4 or IPv6 header: what a TUN carries
  linux_sll = 113,  ///< "any" of tcpdump
  ipv4 = 228,
  ipv6 = 229,
  linux_sll2 = 276,
};

/// Seen from the machine that captured.
enum class Direction : std::uint8_t { unknown = 0, in = 1, out = 2 };

struct CapturedPacket {
  std::chrono::nanoseconds time{};  ///< since 1970, UTC; 0 when the file doesn't say
  LinkType link = LinkType::raw;
  Direction direction = Direction::unknown;
  Bytes bytes;                    ///< as captured, from the link header on; a view into the file
  std::size_t original_size = 0;  ///< on the wire; more than bytes.size() when the capture was cut
  std::string comment;            ///< several comments stand on a line each
};

/// From the IP header on, or empty when there is no IP packet inside.
Bytes ip_packet(LinkType link, Bytes bytes) noexcept;
inline Bytes ip_packet(const CapturedPacket& packet) noexcept { return ip_packet(packet.link, packet.bytes); }

}  // namespace sluice::lab
