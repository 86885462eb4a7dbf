// What packet-too-big messages taught us about paths (RFC 1191, RFC 8201).
#pragma once

#include <cstddef>
#include <unordered_map>

#include "stack/base/random.hpp"
#include "stack/base/time.hpp"
#include "stack/base/timers.hpp"
#include "stack/ip/address_hash.hpp"
#include "stack/wire/address.hpp"

namespace sluice::ip {

/// RFC 1191 7.1: the largest of the common MTUs that is smaller than a packet of this length.
std::size_t plateau_below(std::size_t length) noexcept;

/// Path MTUs by destination, bounded in number; each is forgotten ten minutes after it was last lowered
/// (RFC 1191 6.3, RFC 8201 5.3), so that a path that has become wider is noticed.
class PathMtuCache {
 public:
  static constexpr Duration kLifetime = std::chrono::minutes(10);
  static constexpr std::size_t kMaximumEntries = 1024;
  /// No IPv4 path narrower than this is believed to the letter: below it, packets go out without DF instead.
  static constexpr std::size_t kFloorV4 = 552;
  /// RFC 1191 section 3: a smaller value is nonsense.
  static constexpr std::size_t kMinimumV4 = 68;
  static constexpr std::size_t kMinimumV6 = 1280;

  explicit PathMtuCache(const Key& key);

  /// At most `interface_mtu`, which is also what holds where nothing was learned.
  std::size_t find(const IpAddress& destination, std::size_t interface_mtu) const noexcept;
  bool below_floor(const IpAddress& destination) const noexcept;

  /// What a packet-too-big message says.
  struct Claim {
    std::size_t mtu = 0;            ///< 0: the next plateau (RFC 1191 7.1) below `quoted_length`
    std::size_t quoted_length = 0;  ///< of the packet that was too big, bytes
  };
  /// Believes a message that the transport has checked. False when nothing changed: a message never raises the MTU
  /// [R1191-3-3].
  bool lower(const IpAddress& destination, Claim claim, std::size_t interface_mtu, Time now);

  void expire(Time now) noexcept;
  Time next_expiry() const noexcept { return timers_.next(); }
  std::size_t size() const noexcept { return paths_.size(); }

 private:
  struct Path {
    IpAddress destination;
    std::size_t mtu = 0;
    bool below_floor = false;
    Time expires = kNever;
    TimerEntry timer;
  };
  static TimerEntry& timer_of(Path& path) noexcept { return path.timer; }

  std::unordered_map<IpAddress, Path, AddressHash> paths_;
  TimerQueue<Path, timer_of> timers_;
};

}  // namespace sluice::ip
