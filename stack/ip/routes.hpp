// Which way a packet takes from here: the longest prefix wins, then the smallest metric (RFC 1122 3.3.1).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

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
  friend bool operator==(const Route&, const Route&) noexcept = default;
};

class Routes {
 public:
  static constexpr std::size_t kMaximum = 256;

  /// False when the table is full. One route per destination, gateway and origin: a second one replaces the metric.
  bool add(const Route& route);
  void remove(const Prefix& destination, const std::optional<IpAddress>& gateway, RouteOrigin origin) noexcept;
  /// The same with whatever gateway.
  void remove_network(const Prefix& destination, RouteOrigin origin) noexcept;
  void remove_all(RouteOrigin origin) noexcept;
  /// All routes of this origin through a gateway.
  void remove_gateway(const IpAddress& gateway, RouteOrigin origin) noexcept;

  /// The equally good routes to `destination`: more than one when there are several gateways. Empty: no way.
  std::span<const Route> find(const IpAddress& destination) const noexcept;
  std::span<const Route> all() const noexcept { return routes_; }

 private:
  std::vector<Route> routes_;  ///< longest prefixes first, then by metric
};

}  // namespace sluice::ip
