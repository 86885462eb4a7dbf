// The Ethernet II header (IEEE 802.3 clause 3, RFC 894), with one VLAN tag if there is one (IEEE 802.1Q).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "stack/base/bytes.hpp"
#include "stack/wire/mac_address.hpp"
#include "stack/wire/parsed.hpp"

namespace sluice::wire::ethernet {

inline constexpr std::size_t kHeaderSize = 14;
inline constexpr std::size_t kTagSize = 4;

inline constexpr std::uint16_t kIpv4 = 0x0800;
inline constexpr std::uint16_t kArp = 0x0806;
inline constexpr std::uint16_t kIpv6 = 0x86dd;
inline constexpr std::uint16_t kVlan = 0x8100;
/// From here on the field is an EtherType; up to 1500 it is the length of an 802.3 frame.
inline constexpr std::uint16_t kSmallestType = 0x0600;

struct Header {
  MacAddress destination;
  MacAddress source;
  std::uint16_t type = 0;                            ///< EtherType of the payload, behind the tag
  std::optional<std::uint16_t> vlan = std::nullopt;  ///< 0..4095; 0 = a tag that carries a priority only
  std::uint8_t priority = 0;                         ///< 0..7, of the tag
  std::size_t header_size = kHeaderSize;
};

enum class Fault : std::uint8_t {
  truncated,    ///< fewer bytes than the header
  length_field  ///< an 802.3 frame with a length (LLC follows), or a number that is neither length nor type
};

/// The header at the front of a frame (without preamble and check sequence).
Parsed<Header, Fault> parse(Bytes frame) noexcept;

/// Writes 14 bytes, or 18 with a tag. REQUIRES the room.
std::size_t write(MutableBytes room, const Header& header) noexcept;

}  // namespace sluice::wire::ethernet
