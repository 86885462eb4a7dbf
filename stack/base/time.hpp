// Time as a value: the stack never reads a clock, it is told what time it is.
#pragma once

#include <chrono>

namespace sluice {

/// A monotonic clock without now(): only the owner of the event loop (or a test) makes Times.
struct Clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = true;
};

using Duration = Clock::duration;
using Time = Clock::time_point;

/// Later than every deadline: "no timer".
inline constexpr Time kNever = Time::max();

}  // namespace sluice
