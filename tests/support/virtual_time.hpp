// How the time of a test moves: from one thing that is due to the next.
#pragma once

#include <algorithm>

#include "stack/base/time.hpp"

namespace sluice::test {

/// Moves `now` until condition() holds; false when `limit` passes first. settle() lets everybody act without moving
/// time, next() tells when somebody wants to act again.
template <class Settle, class Next, class Condition>
bool advance_until(Time& now, Duration limit, const Settle& settle, const Next& next, const Condition& condition) {
  const Time end = now + limit;
  settle();
  while (!condition() && now < end) {
    now = std::max(now, std::min(end, next()));
    settle();
  }
  return condition();
}

/// When the first of these hosts wants to act; each has a pointer `stack`.
template <class Hosts>
Time earliest_timeout(const Hosts& hosts) {
  Time first = kNever;
  for (const auto& host : hosts) first = std::min(first, host.stack->next_timeout());
  return first;
}

}  // namespace sluice::test
