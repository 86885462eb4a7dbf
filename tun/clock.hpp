// The door to the world's time and randomness: nobody below this room reads either.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "stack/base/random.hpp"
#include "stack/base/time.hpp"

namespace sluice::tun {

/// CLOCK_MONOTONIC as the stack's Time.
Time monotonic_now() noexcept;

/// How much time the system has spent suspended since it started: CLOCK_MONOTONIC stands still then.
Duration time_asleep() noexcept;

/// What to add to a Time to get nanoseconds since 1970 (UTC), as of now: for captures and logs.
std::chrono::nanoseconds wall_clock_offset() noexcept;

/// A key from the kernel's generator (getrandom). Throws Error when there is none.
Key random_key();

/// The same key for the same text: what `--seed` gives.
Key key_from_seed(std::string_view seed) noexcept;

}  // namespace sluice::tun
