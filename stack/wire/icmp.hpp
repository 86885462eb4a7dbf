// The ICMP header (RFC 792), which ICMPv6 shares but for its numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "stack/base/bytes.hpp"

namespace sluice::wire::icmp {

inline constexpr std::size_t kHeaderSize = 8;

inline constexpr std::uint8_t kEchoReply = 0;
inline constexpr std::uint8_t kUnreachable = 3;
inline constexpr std::uint8_t kSourceQuench = 4;
inline constexpr std::uint8_t kRedirect = 5;
inline constexpr std::uint8_t kEchoRequest = 8;
inline constexpr std::uint8_t kTimeExceeded = 11;
inline constexpr std::uint8_t kParameterProblem = 12;

/// Codes of kUnreachable.
inline constexpr std::uint8_t kProtocolUnreachable = 2;
inline constexpr std::uint8_t kPortUnreachable = 3;
inline constexpr std::uint8_t kFragmentationNeeded = 4;
/// The code of kTimeExceeded that tells of a reassembly given up, in both families.
inline constexpr std::uint8_t kReassemblyTimeExceeded = 1;

struct Header {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint16_t checksum = 0;
  std::uint32_t rest = 0;  ///< by type: identifier and sequence number, next-hop MTU, pointer, or unused
};

/// nullopt when there are fewer than 8 bytes. The checksum is the caller's to verify: ICMPv6 has a pseudo-header.
std::optional<Header> parse(Bytes message) noexcept;

/// Writes 8 bytes. REQUIRES the room.
std::size_t write(MutableBytes room, const Header& header) noexcept;

/// False for the queries of RFC 792 and its successors; what isn't known to be a query counts as an error, so that
/// nobody answers it with one.
bool is_error(std::uint8_t type) noexcept;

}  // namespace sluice::wire::icmp
