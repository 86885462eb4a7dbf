// How many ICMP messages may leave, overall and towards one neighbourhood.
#pragma once

#include <cstdint>
#include <vector>

#include "stack/base/random.hpp"
#include "stack/base/time.hpp"
#include "stack/wire/address.hpp"

namespace sluice::ip {

/// Token buckets [R4443-2.4f]: one for all, and one for each /24 or /64 that gets half of its rate. What a message
/// costs is random, so that nobody can count with them how many messages others drew [A-TCP-11].
class Limiter {
 public:
  /// `per_second` 0 allows nothing. `stream` separates limiters that share a key.
  Limiter(std::uint32_t per_second, const Key& key, std::uint64_t stream);

  /// True, and the message is paid for, or false.
  bool allow(const IpAddress& peer, Time now);

 private:
  static constexpr std::size_t kNeighbourhoods = 1024;
  /// A full bucket lets this long's worth of messages go at once.
  static constexpr Duration kBurst = std::chrono::milliseconds(50);

  Time& bucket_of(const IpAddress& peer);

  Duration interval_;  // between messages, overall; 0 = none allowed
  Time overall_{};     // when the bucket will be full again; the same for each neighbourhood
  std::vector<Time> neighbourhoods_;
  KeyedHash hash_;
  Random random_;
};

}  // namespace sluice::ip
