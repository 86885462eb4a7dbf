// Which way a packet takes from here: the longest prefix wins, then the smallest metric (RFC 1122 3.3.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "stack/base/packet.hpp"
#include "stack/wire/address.hpp"

namespace sluice::ip {

/// Who put a route there; what configures itself removes its own.
enum class RouteOrigin : std::uint8_t { connected, fixed, dhcp, advertised, redirect };
std::string_view name(RouteOrigin origin) noexcept;

struct Route {
  Prefix destination;                               ///< host bits are ignored; length 0: the default
  std::optional<IpAddress> gateway = std::nullopt;  ///< none: the destination is on the link itself
  std::uint32_t metric = 0;
  RouteOrigin origin = RouteOrigin::fixed;
  InterfaceNumber interface = 0;  ///< out of which it leads
  bool leads_to(const IpAddress& to) const noexcept {
    return destination.address.family() == to.family() && destination.contains(to);
  }
  friend bool operator==(const Route&, const Route&) noexcept = default;
};

class Routes {
 public:
  static constexpr std::size_t kMaximum = 256;

  /// False when the table is full. One route per destination, gateway, origin and interface: a second one replaces the
  /// metric.
  bool add(const Route& route);
  /// That route, whatever its metric.
  void remove(const Route& route) noexcept;
  /// Those of this origin and interface: to one network through whatever gateway; all; all through one gateway.
  void remove_network(const Prefix& destination, RouteOrigin origin, InterfaceNumber interface = 0) noexcept;
  void remove_all(RouteOrigin origin, InterfaceNumber interface = 0) noexcept;
  void remove_gateway(const IpAddress& gateway, RouteOrigin origin, InterfaceNumber interface = 0) noexcept;

  /// The equally good routes to `destination` out of one interface, the best: more than one when there are several
  /// gateways. Empty: no way.
  std::span<const Route> find(const IpAddress& destination) const noexcept;
  /// The same among the routes out of this interface.
  std::span<const Route> find(const IpAddress& destination, InterfaceNumber out) const noexcept;
  std::span<const Route> all() const noexcept { return routes_; }

 private:
  std::span<const Route> group_from(std::vector<Route>::const_iterator first) const noexcept;

  std::vector<Route> routes_;  ///< longest prefixes first, then by metric and interface
};

}  // namespace sluice::ip
