// The IPv4 header (RFC 791 3.1) and a look at its options.
#pragma once

#include <cstddef>
#include <cstdint>

#include "stack/base/packet.hpp"
#include "stack/wire/address.hpp"
#include "stack/wire/parsed.hpp"

namespace sluice::wire::ipv4 {

inline constexpr std::size_t kMinimumHeader = 20;
inline constexpr std::size_t kMaximumHeader = 60;

/// A header whose lengths fit each other and the packet that it came from.
struct Header {
  IpAddress source;
  IpAddress destination;
  std::uint8_t protocol = 0;
  std::uint8_t hop_limit = 64;
  std::uint8_t dscp = 0;  ///< 0..63
  Ecn ecn = Ecn::not_ect;
  std::uint16_t identification = 0;
  bool dont_fragment = false;
  bool more_fragments = false;
  std::uint16_t fragment_offset = 0;            ///< bytes, a multiple of 8
  std::uint8_t header_size = kMinimumHeader;    ///< with options, bytes: 20..60, a multiple of 4
  std::uint16_t total_length = kMinimumHeader;  ///< header_size..65535

  bool is_fragment() const noexcept { return more_fragments || fragment_offset != 0; }
  std::size_t payload_size() const noexcept { return std::size_t{total_length} - header_size; }
};

enum class Fault : std::uint8_t {
  truncated,  ///< fewer bytes than a header, or than the header says it has
  bad_version,
  bad_header_length,  ///< below 20
  bad_total_length,   ///< below the header's size, or above what arrived
  bad_checksum,
};

/// The header at the front of a packet; bytes behind total_length are link padding and the caller's to cut.
Parsed<Header, Fault> parse(Bytes packet) noexcept;

/// A header quoted in an ICMP error: the text behind it is cut short, and routers have touched its checksum, so that
/// neither is judged.
Parsed<Header, Fault> parse_quoted(Bytes quote) noexcept;

/// Writes 20 bytes and the options, with checksum; header.header_size is taken as that. REQUIRES the room, and options
/// of a multiple of 4 bytes, at most 40.
std::size_t write(MutableBytes room, const Header& header, Bytes options = {}) noexcept;

enum class OptionsVerdict : std::uint8_t {
  harmless,      ///< nothing that concerns a host
  source_route,  ///< loose or strict source route (RFC 7126 4.3, 4.4: to be dropped)
  malformed,     ///< a length below 2 or past the header's end
};

struct OptionsScan {
  OptionsVerdict verdict = OptionsVerdict::harmless;
  std::size_t at = 0;  ///< where in `options` the culprit begins
};

/// Walks the bytes between the fixed header and its end.
OptionsScan scan_options(Bytes options) noexcept;

}  // namespace sluice::wire::ipv4
