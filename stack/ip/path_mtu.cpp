// The path MTU cache; see path_mtu.hpp.
#include "stack/ip/path_mtu.hpp"

#include <algorithm>
#include <array>

namespace sluice::ip {
namespace {

/// RFC 1191 7.1: MTUs that are common on links, for routers that do not say theirs.
constexpr std::array<std::size_t, 10> kPlateaus = {65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296};

}  // namespace

std::size_t plateau_below(std::size_t length) noexcept {
  for (const std::size_t plateau : kPlateaus)
    if (plateau < length) return plateau;
  return PathMtuCache::kMinimumV4;
}

PathMtuCache::PathMtuCache(const Key& key) : paths_(0, AddressHash{KeyedHash(key, KeyUse::hash_table)}) {}

std::size_t PathMtuCache::find(const IpAddress& destination, std::size_t interface_mtu) const noexcept {
  if (paths_.empty()) return interface_mtu;
  const auto found = paths_.find(destination);
  return found == paths_.end() ? interface_mtu : std::min(found->second.mtu, interface_mtu);
}

bool PathMtuCache::below_floor(const IpAddress& destination) const noexcept {
  const auto found = paths_.find(destination);
  return found != paths_.end() && found->second.below_floor;
}

bool PathMtuCache::lower(const IpAddress& destination, Claim claim, std::size_t interface_mtu, Time now) {
  std::size_t mtu = claim.mtu;
  if (destination.is_v4() && mtu == 0) mtu = plateau_below(claim.quoted_length);
  // [R1191-3-2], [R8201-4-1]
  if (mtu < (destination.is_v4() ? kMinimumV4 : kMinimumV6)) return false;
  const bool below_floor = destination.is_v4() && mtu < kFloorV4;
  if (below_floor) mtu = std::min(kFloorV4, interface_mtu);
  const std::size_t known = find(destination, interface_mtu);
  if (mtu > known || (mtu == known && !(below_floor && !this->below_floor(destination)))) return false;

  if (!paths_.contains(destination) && paths_.size() == kMaximumEntries) {
    Path* const oldest = timers_.pop_due(kNever);
    paths_.erase(IpAddress(oldest->destination));
  }
  Path& path = paths_[destination];
  path.destination = destination;
  path.mtu = mtu;
  path.below_floor = below_floor;
  path.expires = now + kLifetime;
  timers_.arm(path, path.expires);
  return true;
}

void PathMtuCache::expire(Time now) noexcept {
  while (Path* const path = timers_.pop_due(now)) {
    if (path->expires > now)
      timers_.arm(*path, path->expires);
    else
      paths_.erase(IpAddress(path->destination));
  }
}

}  // namespace sluice::ip
