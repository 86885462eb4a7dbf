// How fast bytes must move so that a peer can't hold a connection by a byte now and then.
#pragma once

#include <algorithm>
#include <cstdint>

#include "stack/base/time.hpp"

namespace sluice::http {

/// A deadline that each byte puts off by its share of a second, though never beyond `grace` from now: what moved fast
/// long ago excuses nothing.
class Pace {
 public:
  bool running() const noexcept { return due_ != kNever; }
  /// `rate` in bytes a second; 0: no limit.
  void start(Time now, Duration grace, std::uint64_t rate) noexcept {
    due_ = rate > 0 ? now + grace : kNever;
    grace_ = grace;
    rate_ = rate;
  }
  void stop() noexcept { due_ = kNever; }
  void moved(std::uint64_t bytes, Time now) noexcept {
    constexpr std::uint64_t kSecond = 1'000'000'000, kMost = std::uint64_t{1} << 32;
    if (!running()) return;
    const auto worth = Duration(static_cast<Duration::rep>(std::min(bytes, kMost) * kSecond / rate_));
    due_ = now + grace_ - due_ > worth ? due_ + worth : now + grace_;
  }
  /// kNever while it doesn't run.
  Time due() const noexcept { return due_; }

 private:
  Time due_ = kNever;
  Duration grace_{};
  std::uint64_t rate_ = 0;
};

}  // namespace sluice::http
