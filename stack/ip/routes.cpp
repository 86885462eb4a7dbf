// A short sorted list does for a host; see routes.hpp.
#include "stack/ip/routes.hpp"

#include <algorithm>

namespace sluice::ip {
namespace {

bool same_network(const Prefix& a, const Prefix& b) noexcept {
  return a.address.family() == b.address.family() && a.length == b.length && a.contains(b.address);
}

/// What find() answers together stands together: equal networks and metrics.
bool before(const Route& a, const Route& b) noexcept {
  if (a.destination.length != b.destination.length) return a.destination.length > b.destination.length;
  if (!same_network(a.destination, b.destination)) return a.destination.address < b.destination.address;
  return a.metric < b.metric;
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
  remove(route.destination, route.gateway, route.origin);
  if (routes_.size() >= kMaximum) return false;
  Route added = route;
  added.destination = route.destination.network();
  routes_.insert(std::upper_bound(routes_.begin(), routes_.end(), added, before), added);
  return true;
}

void Routes::remove(const Prefix& destination, const std::optional<IpAddress>& gateway, RouteOrigin origin) noexcept {
  std::erase_if(routes_, [&](const Route& route) {
    return same_network(route.destination, destination) && route.gateway == gateway && route.origin == origin;
  });
}

void Routes::remove_all(RouteOrigin origin) noexcept {
  std::erase_if(routes_, [&](const Route& route) { return route.origin == origin; });
}

void Routes::remove_network(const Prefix& destination, RouteOrigin origin) noexcept {
  std::erase_if(routes_, [&](const Route& route) {
    return same_network(route.destination, destination) && route.origin == origin;
  });
}

void Routes::remove_gateway(const IpAddress& gateway, RouteOrigin origin) noexcept {
  std::erase_if(routes_, [&](const Route& route) { return route.gateway == gateway && route.origin == origin; });
}

std::span<const Route> Routes::find(const IpAddress& destination) const noexcept {
  const auto first = std::find_if(routes_.begin(), routes_.end(), [&](const Route& route) {
    return route.destination.address.family() == destination.family() && route.destination.contains(destination);
  });
  auto last = first;
  while (last != routes_.end() && same_network(last->destination, first->destination) && last->metric == first->metric)
    ++last;
  return {first, last};
}

}  // namespace sluice::ip
