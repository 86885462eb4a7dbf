// The Router Alert option (RFC 2113, RFC 2711), which asks routers to look at a packet that is not for them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "stack/base/bytes.hpp"
#include "stack/wire/ipv6.hpp"

namespace sluice::wire {

/// The IPv4 option, value 0.
inline constexpr std::array<std::uint8_t, 4> kRouterAlertOption = {148, 4, 0, 0};

/// Bytes of an IPv6 hop-by-hop header that holds the option alone.
inline constexpr std::size_t kRouterAlertHeader = 8;

/// Writes a hop-by-hop header that says "MLD inside" (value 0). REQUIRES room for kRouterAlertHeader.
std::size_t write_router_alert(MutableBytes room, std::uint8_t next_header) noexcept;

/// True when a packet has the option: among its IPv4 options, or with value 0 in an IPv6 hop-by-hop header.
/// REQUIRES a packet whose headers a parser accepted before.
bool has_router_alert(Bytes packet) noexcept;

}  // namespace sluice::wire
