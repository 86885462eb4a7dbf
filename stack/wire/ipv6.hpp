// The IPv6 header (RFC 8200 section 3).
#pragma once

#include <cstddef>
#include <cstdint>

#include "stack/base/packet.hpp"
#include "stack/wire/address.hpp"
#include "stack/wire/parsed.hpp"

namespace sluice::wire::ipv6 {

inline constexpr std::size_t kHeaderSize = 40;

struct Header {
  IpAddress source = IpAddress::any(Family::ipv6);
  IpAddress destination = IpAddress::any(Family::ipv6);
  std::uint8_t next_header = 59;
  std::uint8_t hop_limit = 64;
  std::uint8_t dscp = 0;  ///< 0..63
  Ecn ecn = Ecn::not_ect;
  std::uint32_t flow_label = 0;      ///< 20 bits
  std::uint16_t payload_length = 0;  ///< extension headers and payload, bytes
};

enum class Fault : std::uint8_t {
  truncated,
  bad_version,
  bad_payload_length,  ///< more than arrived
};

/// The header at the front of a packet; bytes behind payload_length are link padding and the caller's to cut.
Parsed<Header, Fault> parse(Bytes packet) noexcept;

/// A header quoted in an ICMPv6 error: the text behind it may be cut short.
Parsed<Header, Fault> parse_quoted(Bytes quote) noexcept;

/// Writes 40 bytes. REQUIRES the room.
std::size_t write(MutableBytes room, const Header& header) noexcept;

}  // namespace sluice::wire::ipv6
