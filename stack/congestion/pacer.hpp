// When the next bytes may leave, so that what cwnd allows is spread over the round trip.
#pragma once

#include <algorithm>
#include <cstdint>

#include "stack/base/time.hpp"

namespace sluice::congestion {

/// A clock of what has been sent and not been paid for by time. Rates are bytes per second, never 0 here. Over any
/// interval of length T no more leaves than rate * T and two quanta, if no frame is larger than a quantum.
class Pacer {
 public:
  /// What may leave at once: a millisecond's worth, at least two segments, at most what one frame can hold.
  static std::uint64_t quantum(std::uint64_t rate, std::uint64_t smss) noexcept {
    return std::max(2 * smss, std::min<std::uint64_t>(rate / 1000, 65535));
  }
  /// Nothing may leave before this time; one quantum of credit makes up for timers that fire late.
  Time release_at(std::uint64_t rate, std::uint64_t smss) const noexcept {
    return paid_at_ - time_of(quantum(rate, smss), rate);
  }
  void on_sent(Time now, std::uint64_t bytes, std::uint64_t rate) noexcept {
    paid_at_ = std::max(paid_at_, now) + time_of(bytes, rate);
  }

 private:
  static Duration time_of(std::uint64_t bytes, std::uint64_t rate) noexcept {
    constexpr std::uint64_t kLongest = 60'000'000'000;  // a minute: a rate that low is an error of measurement
    return Duration(static_cast<std::int64_t>(std::min(bytes * 1'000'000'000 / rate + 1, kLongest)));
  }

  Time paid_at_{};
};

}  // namespace sluice::congestion
