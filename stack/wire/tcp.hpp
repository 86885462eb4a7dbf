// The TCP header and its options (RFC 9293 3.1, 3.2; RFC 7323; RFC 2018).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "stack/base/bytes.hpp"

namespace sluice::wire::tcp {

/// The control bits, in the order of the header.
enum Flag : std::uint8_t { fin = 1, syn = 2, rst = 4, psh = 8, ack = 16, urg = 32, ece = 64, cwr = 128 };

inline constexpr std::size_t kMinimumHeader = 20;
inline constexpr std::size_t kMaximumHeader = 60;

/// One SACK block: left is the first sequence number, right the one behind the last.
struct SackBlock {
  std::uint32_t left = 0;
  std::uint32_t right = 0;
  friend constexpr bool operator==(const SackBlock&, const SackBlock&) noexcept = default;
};

/// TCP Fast Open (RFC 7413 4.1.1): a cookie, or by an empty one the wish for it.
struct FastOpen {
  bool present = false;
  bool experimental = false;  ///< kind 254 with 0xf989, as before the RFC
  std::uint8_t size = 0;      ///< bytes: 0, or even and 4..16
  std::array<std::uint8_t, 16> cookie{};
  /// Bytes of the option without padding; 0 if there is none.
  std::size_t written_size() const noexcept { return present ? (experimental ? 4u : 2u) + size : 0u; }
  friend constexpr bool operator==(const FastOpen&, const FastOpen&) noexcept = default;
};

/// The AccECN options: bytes of text by the IP mark with which they came, modulo 2^24 (RFC 9768 3.2.3). What did not
/// change may be missing from the tail.
struct AccurateEcn {
  static constexpr std::uint8_t kOrder0 = 172;  ///< ECT(0), CE, ECT(1)
  static constexpr std::uint8_t kOrder1 = 174;  ///< ECT(1), CE, ECT(0)
  std::uint8_t kind = 0;                        ///< 0 = no such option
  std::uint8_t fields = 0;                      ///< 0..3
  std::array<std::uint32_t, 3> bytes{};         ///< in the order of the kind
  /// With the NOPs that go before it.
  std::size_t padded_size() const noexcept { return kind == 0 ? 0u : (2u + 3u * fields + 3u) / 4 * 4; }
  friend constexpr bool operator==(const AccurateEcn&, const AccurateEcn&) noexcept = default;
};

/// What the known options say. An option that appears twice counts as it appeared last.
struct Options {
  std::optional<std::uint16_t> mss;          ///< kind 2
  std::optional<std::uint8_t> window_scale;  ///< kind 3, as received: may exceed 14
  bool sack_permitted = false;               ///< kind 4
  bool timestamps = false;                   ///< kind 8
  std::uint32_t ts_value = 0;
  std::uint32_t ts_echo = 0;
  std::uint8_t sack_count = 0;  ///< kind 5
  std::array<SackBlock, 4> sacks{};
  std::uint16_t user_timeout = 0;  ///< kind 28 (RFC 5482 3.3): 1 bit for minutes, 15 for how many; 0 = none
  FastOpen fast_open;              ///< kind 34, or the experimental one
  AccurateEcn accurate_ecn;        ///< kinds 172 and 174
};

/// A header that is valid in itself: the data offset lies inside the segment. Ports, numbers and windows in host order.
struct Header {
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t seq = 0;
  std::uint32_t ack = 0;
  std::uint8_t flags = 0;
  bool ae = false;           ///< the ninth control bit (RFC 9768)
  std::uint16_t window = 0;  ///< as on the wire, unscaled
  std::uint16_t checksum = 0;
  std::uint16_t urgent = 0;
  Options options;
  std::uint8_t size = kMinimumHeader;  ///< bytes with options
  bool malformed_options =
      false;  ///< an option had an impossible length; it and all behind it were ignored [9293 MUST-7]

  bool has(Flag flag) const noexcept { return (flags & flag) != 0; }
  /// AE, CWR and ECE as one number (RFC 9768 figure 3).
  std::uint8_t ace() const noexcept { return static_cast<std::uint8_t>((ae ? 4 : 0) | flags >> 6); }
  void set_ace(unsigned bits) noexcept {
    ae = (bits & 4) != 0;
    flags = static_cast<std::uint8_t>((flags & 63) | (bits & 3) << 6);
  }
};

enum class ParseError : std::uint8_t { none, truncated, bad_data_offset };

/// Reads the header at the front of `segment` (header, options and text). The checksum is the caller's to verify.
ParseError parse(Bytes segment, Header& header) noexcept;

/// Bytes that write() will take: 20 and the options, padded to a multiple of 4.
std::size_t written_size(const Options& options) noexcept;

/// Writes header and options; the checksum field as given. Options stand in the order mss, sack-permitted, timestamps,
/// window scale, user timeout, fast open, AccECN, sack. REQUIRES room for written_size().
std::size_t write(MutableBytes room, const Header& header) noexcept;

/// Stores a checksum in a written header.
void set_checksum(MutableBytes header, std::uint16_t checksum) noexcept;

}  // namespace sluice::wire::tcp
