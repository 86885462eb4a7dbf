// Token buckets kept as the time at which they are full again; see limiter.hpp.
#include "stack/ip/limiter.hpp"

#include <algorithm>

namespace sluice::ip {

Limiter::Limiter(std::uint32_t per_second, const Key& key, std::uint64_t stream)
    : interval_(per_second ? Duration(std::chrono::seconds(1)) / per_second : Duration::zero()),
      hash_(key, KeyUse::icmp),
      random_(key, KeyUse::icmp, stream) {}

Time& Limiter::bucket_of(const IpAddress& peer) {
  if (neighbourhoods_.empty()) neighbourhoods_.resize(kNeighbourhoods);
  // Two neighbourhoods that share a bucket share its rate; the keyed hash keeps it secret who does.
  return neighbourhoods_[hash_(peer.bytes().first(peer.is_v4() ? 3 : 8)) % kNeighbourhoods];
}

bool Limiter::allow(const IpAddress& peer, Time now) {
  if (interval_ == Duration::zero()) return false;
  Time& bucket = bucket_of(peer);
  const Duration cost = interval_ / 2 + interval_ * random_.below(1024) / 1024;
  const Time overall = std::max(overall_, now) + cost;
  const Time own = std::max(bucket, now) + 2 * cost;
  // Even a slow limiter lets one message go when its bucket is full.
  if (overall > now + std::max(kBurst, 2 * interval_) || own > now + std::max(kBurst, 4 * interval_)) return false;
  overall_ = overall;
  bucket = own;
  return true;
}

}  // namespace sluice::ip
