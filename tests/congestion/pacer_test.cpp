// The pacer's promise: never more than two quanta above the rate, and never less than the rate.
#include <doctest/doctest.h>

#include <chrono>
#include <vector>

#include "stack/congestion/controller.hpp"
#include "stack/congestion/pacer.hpp"

namespace sluice::congestion {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kSmss = 1000;

struct Departure {
  Time at;
  std::uint64_t bytes;
};

/// Sends as fast as the pacer permits, frames of `frame` bytes, for a second; the timer is late by `late`.
std::vector<Departure> greedy(std::uint64_t rate, std::uint64_t frame, Duration late = 0ns) {
  Pacer pacer;
  std::vector<Departure> out;
  const Time begin{Duration(100s)};
  for (Time now = begin; now < begin + 1s;) {
    const Time release = pacer.release_at(rate, kSmss);
    if (release > now) {
      now = release + late;
      continue;
    }
    out.push_back({now, frame});
    pacer.on_sent(now, frame, rate);
  }
  return out;
}

/// The most that any interval holds above rate times its length.
std::uint64_t largest_excess(const std::vector<Departure>& departures, std::uint64_t rate) {
  // Over all pairs of departures: sent up to the later one, minus the line through the earlier one.
  double sum = 0, lowest = 1e300, excess = 0;
  for (const Departure& one : departures) {
    const double line = static_cast<double>(one.at.time_since_epoch().count()) * 1e-9 * static_cast<double>(rate);
    lowest = std::min(lowest, sum - line);
    sum += static_cast<double>(one.bytes);
    excess = std::max(excess, sum - line - lowest);
  }
  return static_cast<std::uint64_t>(excess);
}

}  // namespace

TEST_CASE("a quantum is a millisecond's worth, two segments at least, one frame at most") {
  CHECK(Pacer::quantum(100'000, 1000) == 2000);
  CHECK(Pacer::quantum(10'000'000, 1000) == 10'000);
  CHECK(Pacer::quantum(10'000'000'000, 1000) == 65'535);
}

TEST_CASE("over any interval no more leaves than the rate and two quanta [R9937-6.4-2]") {
  for (const std::uint64_t rate : {10'000u, 125'000u, 12'500'000u, 1'250'000'000u}) {
    for (const std::uint64_t frame : {kSmss, Pacer::quantum(rate, kSmss)}) {
      for (const Duration late : {Duration(0), Duration(300us)}) {
        CAPTURE(rate);
        CAPTURE(frame);
        CHECK(largest_excess(greedy(rate, frame, late), rate) <= 2 * Pacer::quantum(rate, kSmss) + 1);
      }
    }
  }
}

TEST_CASE("the rate is reached, and timers late by less than a quantum don't lower it") {
  for (const std::uint64_t rate : {125'000u, 12'500'000u, 1'250'000'000u}) {
    for (const Duration late : {Duration(0), Duration(40us)}) {
      std::uint64_t sent = 0;
      for (const Departure& one : greedy(rate, kSmss, late)) sent += one.bytes;
      CHECK(sent >= rate * 98 / 100);
    }
  }
}

TEST_CASE("silence earns no more than a quantum") {
  Pacer pacer;
  const Time now{Duration(100s)};
  pacer.on_sent(now, 1000, 1'000'000);
  const Time later = now + 3600s;
  unsigned burst = 0;
  for (; pacer.release_at(1'000'000, kSmss) <= later; ++burst) pacer.on_sent(later, 1000, 1'000'000);
  CHECK(burst <= 3);
}

TEST_CASE("Reno and CUBIC pace only when asked: twice the window's rate in slow start, 1.2 times after") {
  for (auto* make : {&make_reno, &make_cubic}) {
    for (const bool pacing : {false, true}) {
      const auto controller = (*make)({.smss = 1000, .initial = 10'000, .pacing = pacing});
      CHECK(controller->pacing_rate() == 0);  // no round trip is known
      const Time now{Duration(1s)};
      controller->on_ack({.now = now, .newly_acked = 1000, .newly_delivered = 1000, .rtt = 100ms});
      CHECK(controller->pacing_rate() == (pacing ? 200'000u : 0u));
      controller->on_congestion_event(now, 10'000);
      controller->on_recovery_end(now);
      CHECK(controller->pacing_rate() == (pacing ? controller->cwnd() * 12 : 0u));
    }
  }
}

}  // namespace sluice::congestion
