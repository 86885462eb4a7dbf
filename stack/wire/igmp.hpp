// IGMP messages of all three versions (RFC 1112 appendix I, RFC 2236, RFC 3376).
#pragma once

#include <cstddef>
#include <cstdint>

#include "stack/wire/group_message.hpp"

namespace sluice::wire::igmp {

inline constexpr std::uint8_t kQuery = 0x11;
inline constexpr std::uint8_t kReportV1 = 0x12;
inline constexpr std::uint8_t kReportV2 = 0x16;
inline constexpr std::uint8_t kLeave = 0x17;
inline constexpr std::uint8_t kReportV3 = 0x22;

/// Of all messages but IGMPv3's, and of the head of its report.
inline constexpr std::size_t kSize = 8;
inline constexpr std::size_t kQueryV3 = 12;

/// The message that an IP datagram carries: the checksum is verified over all of it first [R3376-4.1.2-1]; bytes behind
/// the last field count there and nowhere else [R3376-4.1.10-1]. A query's version is told by its length and response
/// code [R3376-7.1-1].
Parsed<GroupMessage, GroupFault> parse(Bytes message) noexcept;

/// Each writes a whole message with its checksum and answers its size. REQUIRES the room and IPv4 addresses.
std::size_t write(MutableBytes room, const GroupQuery& query, std::span<const IpAddress> sources = {}) noexcept;
std::size_t write(MutableBytes room, const GroupReport& report) noexcept;
std::size_t write(MutableBytes room, const GroupLeave& leave) noexcept;
std::size_t write(MutableBytes room, std::span<const RecordFields> records) noexcept;

}  // namespace sluice::wire::igmp
