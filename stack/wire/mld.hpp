// MLD messages of both versions (RFC 2710, RFC 3810): ICMPv6 messages about groups.
#pragma once

#include <cstddef>
#include <cstdint>

#include "stack/wire/group_message.hpp"

namespace sluice::wire::mld {

inline constexpr std::uint8_t kQuery = 130;
inline constexpr std::uint8_t kReportV1 = 131;
inline constexpr std::uint8_t kDone = 132;
inline constexpr std::uint8_t kReportV2 = 143;

/// Of MLDv1's messages.
inline constexpr std::size_t kSize = 24;
inline constexpr std::size_t kQueryV2 = 28;
/// Of the head of MLDv2's report.
inline constexpr std::size_t kReportHead = 8;

/// An ICMPv6 type that belongs here.
constexpr bool is_mld(std::uint8_t type) noexcept { return (type >= kQuery && type <= kDone) || type == kReportV2; }

/// The message in an ICMPv6 payload; the checksum with its pseudo-header is the caller's to verify. A query's version
/// is told by its length [R3810-8.1-1].
Parsed<GroupMessage, GroupFault> parse(Bytes message) noexcept;

/// Each writes a whole message with the checksum for these addresses and answers its size. REQUIRES the room and IPv6
/// addresses.
struct Way {
  IpAddress source;
  IpAddress destination;
};
std::size_t write(MutableBytes room, const GroupQuery& query, const Way& way,
                  std::span<const IpAddress> sources = {}) noexcept;
std::size_t write(MutableBytes room, const GroupReport& report, const Way& way) noexcept;
std::size_t write(MutableBytes room, const GroupLeave& leave, const Way& way) noexcept;
std::size_t write(MutableBytes room, std::span<const RecordFields> records, const Way& way) noexcept;

}  // namespace sluice::wire::mld
