// A short sorted list does for a host; see routes.hpp.
#include "stack/ip/routes.hpp"

#include <algorithm>
#include <utility>

namespace sluice::ip {
namespace {

bool same_network(const Prefix& a, const Prefix& b) noexcept {
  return a.address.family() == b.address.family() && a.length == b.length && a.contains(b.address);
}

/// What find() answers together stands together: equal networks, metrics and interfaces.
bool before(const Route& a, const Route& b) noexcept {
  if (a.destination.length != b.destination.length) return a.destination.length > b.destination.length;
  if (!same_network(a.destination, b.destination)) return a.destination.address < b.destination.address;
  return std::pair(a.metric, a.interface) < std::pair(b.metric, b.interface);
}

}  // namespace

std::string_view name(RouteOrigin origin) noexcept {
  switch (origin) {
    case RouteOrigin::connected: return "connected";
    case RouteOrigin::fixed: return "static";
    case RouteOrigin::dhcp: return "dhcp";
    case RouteOrigin::advertised: return "ra";
    case RouteOrigin::redirect: return "redirect";
  }
  return "";
}

bool Routes::add(const Route& route) {
  remove(route);
  if (routes_.size() >= kMaximum) return false;
  Route added = route;
  added.destination = route.destination.network();
  routes_.insert(std::upper_bound(routes_.begin(), routes_.end(), added, before), added);
  return true;
}

void Routes::remove(const Route& route) noexcept {
  std::erase_if(routes_, [&](const Route& one) {
    return same_network(one.destination, route.destination) && one.gateway == route.gateway &&
           one.origin == route.origin && one.interface == route.interface;
  });
}

void Routes::remove_all(RouteOrigin origin, InterfaceNumber interface) noexcept {
  std::erase_if(routes_, [&](const Route& one) { return one.origin == origin && one.interface == interface; });
}

void Routes::remove_network(const Prefix& destination, RouteOrigin origin, InterfaceNumber interface) noexcept {
  std::erase_if(routes_, [&](const Route& one) {
    return same_network(one.destination, destination) && one.origin == origin && one.interface == interface;
  });
}

void Routes::remove_gateway(const IpAddress& gateway, RouteOrigin origin, InterfaceNumber interface) noexcept {
  std::erase_if(routes_, [&](const Route& one) {
    return one.gateway == gateway && one.origin == origin && one.interface == interface;
  });
}

std::span<const Route> Routes::group_from(std::vector<Route>::const_iterator first) const noexcept {
  auto last = first;
  while (last != routes_.end() && !before(*first, *last)) ++last;
  return {first, last};
}

std::span<const Route> Routes::find(const IpAddress& destination) const noexcept {
  return group_from(
      std::find_if(routes_.begin(), routes_.end(), [&](const Route& route) { return route.leads_to(destination); }));
}

std::span<const Route> Routes::find(const IpAddress& destination, InterfaceNumber out) const noexcept {
  return group_from(std::find_if(routes_.begin(), routes_.end(), [&](const Route& route) {
    return route.interface == out && route.leads_to(destination);
  }));
}

}  // namespace sluice::ip
