// The extension headers between an IPv6 header and what it carries (RFC 8200 section 4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "stack/base/bytes.hpp"
#include "stack/wire/parsed.hpp"

namespace sluice::wire::ipv6 {

inline constexpr std::uint8_t kHopByHop = 0;
inline constexpr std::uint8_t kRouting = 43;
inline constexpr std::uint8_t kFragment = 44;
inline constexpr std::uint8_t kNoNextHeader = 59;
inline constexpr std::uint8_t kDestinationOptions = 60;

/// More headers, or options other than padding in one of them, are an attack (RFC 8504 5.3).
inline constexpr int kMaximumExtensions = 8;
inline constexpr int kMaximumOptions = 8;

/// RFC 8200 4.5.
struct FragmentHeader {
  static constexpr std::size_t kSize = 8;
  std::uint8_t next_header = kNoNextHeader;
  std::uint16_t offset = 0;  ///< bytes, a multiple of 8
  bool more = false;
  std::uint32_t identification = 0;

  /// Stands alone: the whole packet in one "fragment" (RFC 6946).
  bool is_atomic() const noexcept { return offset == 0 && !more; }
};

/// Writes 8 bytes. REQUIRES the room.
std::size_t write(MutableBytes room, const FragmentHeader& header) noexcept;

/// What the walk found. It ends at the first header that is no extension header, or behind a real fragment header.
struct Chain {
  std::uint8_t upper = kNoNextHeader;  ///< what follows: a protocol, or what the fragment header names
  std::size_t size = 0;                ///< bytes from the front of the packet to there
  std::size_t named_at = 0;            ///< where in the packet the byte stands that says `upper`
  std::optional<FragmentHeader> fragment = std::nullopt;  ///< set when the packet is a fragment and not an atomic one
  std::size_t fragment_at = 0;                            ///< where that fragment header begins
  std::size_t fragment_named_at = 0;                      ///< where in the packet the byte stands that says 44
};

enum class ChainFault : std::uint8_t {
  malformed,       ///< a header or option runs past its end, or a second fragment header
  limit,           ///< more headers or options than allowed
  unknown_option,  ///< its top bits say that the packet must go [R8200-4.2-1]
  routing,         ///< segments left for others [R8200-4.4-1]
};

/// Why the packet must be dropped, and the parameter problem (RFC 4443 3.4) that its sender is owed, if any.
struct ChainProblem {
  ChainFault fault = ChainFault::malformed;
  bool answered = false;       ///< a parameter problem is due
  bool even_to_group = false;  ///< also when the packet went to a multicast address
  std::uint8_t code = 0;
  std::uint32_t pointer = 0;  ///< offset in the packet
};

/// Walks the headers of a packet that parse() accepted and that is cut to its payload length.
Parsed<Chain, ChainProblem> walk(Bytes packet) noexcept;

/// Goes on behind the header of a first fragment, of which `walk` found `chain`: to the upper-layer header, which must
/// begin in this fragment (RFC 7112).
Parsed<Chain, ChainProblem> walk_fragmentable(Bytes packet, const Chain& chain) noexcept;

/// Where a quoted packet's upper-layer header begins, without judging what stands before it.
struct QuotedUpper {
  std::uint8_t protocol = kNoNextHeader;
  std::size_t at = 0;
};

/// nullopt when the quote ends before it, or belongs to a later fragment.
std::optional<QuotedUpper> find_quoted_upper(Bytes quote) noexcept;

}  // namespace sluice::wire::ipv6
