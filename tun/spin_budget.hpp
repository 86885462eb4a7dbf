// How much processor time a loop may spend on looking for work instead of sleeping.
#pragma once

#include <algorithm>
#include <chrono>

#include "stack/base/time.hpp"

namespace sluice::tun {

/// A bucket that time fills at `share` of its own pace, and looking for work empties: in any span of time T at most
/// share * (T + kWindow) is spent. So a burst is answered quickly and a steady trickle costs no more than its share.
class SpinBudget {
 public:
  /// What is unspent is kept for so long.
  static constexpr Duration kWindow = std::chrono::milliseconds(100);

  /// `share` of one processor, from 0 (never) to 1 (no bound). The bucket is full at first.
  SpinBudget(double share, Time now) noexcept : share_(share), filled_(now), left_(part_of(kWindow)) {}

  /// How long may be spent from `now` on. Time that goes back counts for nothing.
  Duration left(Time now) noexcept {
    if (share_ >= 1) return Duration::max();
    const Duration passed = std::clamp(now - filled_, Duration(0), kWindow);
    filled_ = now;
    left_ = std::min(left_ + part_of(passed), part_of(kWindow));
    return std::max(left_, Duration(0));
  }
  /// After left(). A little too much is a debt.
  void spend(Duration time) noexcept { left_ -= time; }

 private:
  Duration part_of(Duration time) const noexcept {
    return Duration(static_cast<Duration::rep>(static_cast<double>(time.count()) * std::min(share_, 1.0)));
  }

  double share_;
  Time filled_;    // when left_ was brought up to date
  Duration left_;  // negative: a debt
};

}  // namespace sluice::tun
