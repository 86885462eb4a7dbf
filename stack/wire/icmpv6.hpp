// The numbers of ICMPv6 (RFC 4443); its header is icmp::Header.
#pragma once

#include <cstdint>

#include "stack/wire/icmp.hpp"

namespace sluice::wire::icmpv6 {

inline constexpr std::uint8_t kUnreachable = 1;
inline constexpr std::uint8_t kPacketTooBig = 2;
inline constexpr std::uint8_t kTimeExceeded = 3;
inline constexpr std::uint8_t kParameterProblem = 4;
inline constexpr std::uint8_t kEchoRequest = 128;
inline constexpr std::uint8_t kEchoReply = 129;
inline constexpr std::uint8_t kRouterSolicitation = 133;
inline constexpr std::uint8_t kRouterAdvertisement = 134;
inline constexpr std::uint8_t kNeighborSolicitation = 135;
inline constexpr std::uint8_t kNeighborAdvertisement = 136;
inline constexpr std::uint8_t kRedirect = 137;

/// Code of kUnreachable.
inline constexpr std::uint8_t kPortUnreachable = 4;
/// Codes of kParameterProblem.
inline constexpr std::uint8_t kErroneousField = 0;
inline constexpr std::uint8_t kUnknownNextHeader = 1;
inline constexpr std::uint8_t kUnknownOption = 2;
inline constexpr std::uint8_t kIncompleteFirstFragment = 3;  ///< RFC 7112 section 7

/// RFC 4861 4: what only hosts and routers of one link say to each other.
constexpr bool is_discovery(std::uint8_t type) noexcept { return type >= kRouterSolicitation && type <= kRedirect; }

/// RFC 4443 2.1: the top bit clear.
constexpr bool is_error(std::uint8_t type) noexcept { return type < 128; }

}  // namespace sluice::wire::icmpv6
