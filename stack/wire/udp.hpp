// The UDP header (RFC 768).
#pragma once

#include <cstddef>
#include <cstdint>

#include "stack/base/bytes.hpp"
#include "stack/wire/address.hpp"
#include "stack/wire/parsed.hpp"

namespace sluice::wire::udp {

inline constexpr std::size_t kHeaderSize = 8;

struct Header {
  std::uint16_t source_port = 0;  ///< 0 = none [R768-2]
  std::uint16_t destination_port = 0;
  std::uint16_t length = kHeaderSize;  ///< header and data, bytes: 8..65535
  std::uint16_t checksum = 0;          ///< 0 = the sender did not sum [R768-4]
};

enum class Fault : std::uint8_t {
  truncated,   ///< fewer than 8 bytes
  bad_length,  ///< below 8, or more than arrived
};

/// The header at the front of an IP payload; bytes behind `length` are not the datagram's. The checksum is the
/// caller's to verify, who knows the addresses.
Parsed<Header, Fault> parse(Bytes payload) noexcept;

/// Writes 8 bytes with the length and the checksum of this text, which follows; `header` names the ports. REQUIRES the
/// room, addresses of one family, and no more text than a datagram takes.
std::size_t write(MutableBytes room, const Header& header, const IpAddress& source, const IpAddress& destination,
                  Bytes text) noexcept;

/// Writes 8 bytes. REQUIRES the room.
std::size_t write(MutableBytes room, const Header& header) noexcept;

}  // namespace sluice::wire::udp
