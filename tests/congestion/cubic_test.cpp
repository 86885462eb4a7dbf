// CUBIC against numbers worked out from RFC 9438's equations.
#include <doctest/doctest.h>

#include <chrono>
#include <cmath>

#include "stack/congestion/controller.hpp"
#include "stack/congestion/cubic_curve.hpp"

namespace sluice::congestion {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kSmss = 1000;
constexpr Time kStart{Duration(100s)};

std::unique_ptr<Controller> cubic(std::uint64_t segments, bool pacing = false) {
  return make_cubic({.smss = kSmss, .initial = segments * kSmss, .pacing = pacing});
}

AckSample acked(Time now, std::uint64_t bytes, Duration rtt = 100ms) {
  return {.now = now,
          .newly_acked = bytes,
          .newly_delivered = bytes,
          .in_flight = 1'000'000,
          .rtt = rtt,
          .cwnd_limited = true};
}

/// A loss with `segments` in flight, and the recovery after it.
void lose(Controller& controller, Time now, std::uint64_t segments) {
  controller.on_congestion_event(now, segments * kSmss);
  controller.on_recovery_end(now);
}

/// A window of data acknowledged each 100 ms, from `from` on.
void go_on(Controller& controller, Time from, Duration how_long) {
  for (Duration t = 0ms; t <= how_long; t += 100ms) controller.on_ack(acked(from + t, controller.cwnd()));
}

double segments_of(std::uint64_t bytes) { return static_cast<double>(bytes) / kSmss; }

}  // namespace

TEST_CASE("the cube root is the largest whole number whose cube fits") {
  for (const std::uint64_t root : {0ull, 1ull, 2ull, 9ull, 10ull, 4217ull, 2'000'000ull, 2'642'245ull}) {
    CHECK(cube_root(root * root * root) == root);
    if (root > 0) CHECK(cube_root(root * root * root - 1) == root - 1);
  }
  CHECK(cube_root(~std::uint64_t{0}) == 2'642'245);
}

TEST_CASE("K is the cube root of what is missing over C = 0.4 [R9438-4.2-1] [R9438-5.1-1]") {
  CHECK(cubic_k_ms(0, kSmss) == 0);
  for (const std::uint64_t missing : {1u, 30u, 300u, 30'000u}) {
    const double k = std::cbrt(static_cast<double>(missing) / 0.4) * 1000;
    CHECK(std::abs(static_cast<double>(cubic_k_ms(missing * kSmss, kSmss)) - k) <= 1);
  }
  CHECK(cubic_k_ms(30 * kSmss, kSmss) == 4217);  // W_max 100, after the loss 70
}

TEST_CASE("the curve is C (t - K)^3 above W_max, or below [R9438-4.2-1]") {
  for (const int ms : {0, 100, 1000, 4217, 5000, 10'000, 60'000}) {
    const double expected = 100 + 0.4 * std::pow(ms / 1000.0 - 4.217, 3);
    const double curve = segments_of(cubic_window(100 * kSmss, 4217, std::chrono::milliseconds(ms), kSmss));
    CHECK(std::abs(curve - std::max(0.0, expected)) < 0.01);
  }
  CHECK(cubic_window(10 * kSmss, 60'000, 0s, kSmss) == 0);
}

TEST_CASE("far from K the curve neither overflows nor wraps [R9438-4.2-1]") {
  const std::uint64_t far = cubic_window(1 << 30, 0, 1'000'000s, 65'535);
  CHECK(far > (std::uint64_t{1} << 32));
  CHECK(far < (std::uint64_t{1} << 60));
  CHECK(cubic_window(1 << 30, 200'000, 0s, 65'535) == 0);
}

TEST_CASE("a loss leaves seven tenths of the flight [R9438-4.1-1] [R9438-4.6-1]") {
  const auto controller = cubic(100);
  controller->on_congestion_event(kStart, 90 * kSmss);
  CHECK(controller->ssthresh() == 63 * kSmss);
  controller->on_recovery_end(kStart);
  CHECK(controller->cwnd() == 63 * kSmss);
}

TEST_CASE(
    "a flight that filled the window stands for all of it, half a segment that couldn't leave included [R9438-4.6-3]") {
  const auto controller = make_cubic({.smss = kSmss, .initial = 10 * kSmss + kSmss / 2});
  controller->on_congestion_event(kStart, 10 * kSmss);
  CHECK(controller->ssthresh() == (10 * kSmss + kSmss / 2) * 7 / 10);
  const auto underused = make_cubic({.smss = kSmss, .initial = 10 * kSmss + kSmss / 2});
  underused->on_congestion_event(kStart, 9 * kSmss);
  CHECK(underused->ssthresh() == 9 * kSmss * 7 / 10);
}

TEST_CASE("ssthresh is at least two segments [R9438-4.6-1]") {
  const auto controller = cubic(100);
  controller->on_congestion_event(kStart, kSmss);
  CHECK(controller->ssthresh() == 2 * kSmss);
}

TEST_CASE("after a loss the window follows the curve: concave to W_max, then convex [R9438-4.4-1] [R9438-4.2-1]") {
  const auto controller = cubic(1000);
  lose(*controller, kStart, 1000);
  // K = cbrt(300 / 0.4) = 9.086 s; the window of 1000 segments is far above what Reno would have.
  go_on(*controller, kStart, 4s);
  CHECK(segments_of(controller->cwnd()) == doctest::Approx(1000 + 0.4 * std::pow(4.1 - 9.086, 3)).epsilon(0.01));
  go_on(*controller, kStart + 4100ms, 4900ms);
  CHECK(segments_of(controller->cwnd()) == doctest::Approx(1000).epsilon(0.002));
  go_on(*controller, kStart + 9100ms, 4900ms);
  CHECK(segments_of(controller->cwnd()) == doctest::Approx(1000 + 0.4 * std::pow(14.1 - 9.086, 3)).epsilon(0.01));
}

TEST_CASE("in one round trip the window grows by half at most [R9438-4.2-2]") {
  const auto controller = cubic(10);
  lose(*controller, kStart, 10);
  controller->on_ack(acked(kStart, kSmss));
  const std::uint64_t before = controller->cwnd();
  controller->on_ack(acked(kStart + 100s, before));  // the curve is at 368,000 segments
  CHECK(controller->cwnd() <= before + before / 2);
}

TEST_CASE("the window never shrinks by following a curve that is below it [R9438-4.2-2]") {
  const auto controller = cubic(1000);
  lose(*controller, kStart, 1000);
  std::uint64_t last = controller->cwnd();
  for (Duration t = 0ms; t < 20s; t += 10ms) {
    controller->on_ack(acked(kStart + t, kSmss));
    CHECK(controller->cwnd() >= last);
    last = controller->cwnd();
  }
}

TEST_CASE("where Reno would have more, so has CUBIC: 9/17 of a segment a round trip [R9438-4.3-1] [R9438-4.3-2]") {
  const auto controller = cubic(20);
  lose(*controller, kStart, 20);  // 14 segments; K = 2.47 s, so the curve needs 2 s for the first 5 segments
  REQUIRE(controller->cwnd() == 14 * kSmss);
  // At an RTT of 10 ms a window is acknowledged in each: 10 rounds are 5.3 segments.
  for (int i = 0; i < 10; ++i) controller->on_ack(acked(kStart + i * 10ms, controller->cwnd(), 10ms));
  CHECK(segments_of(controller->cwnd()) == doctest::Approx(14 + 10 * 9.0 / 17).epsilon(0.01));
}

TEST_CASE("from the old window on Reno's estimate grows by a whole segment a round trip [R9438-4.3-3]") {
  const auto controller = cubic(20);
  lose(*controller, kStart, 20);
  Time now = kStart;
  const auto round = [&] {  // half a segment doesn't leave
    now += 1ms;
    controller->on_ack(acked(now, controller->cwnd() - controller->cwnd() % kSmss, 1ms));
  };
  while (controller->cwnd() < 20 * kSmss) round();
  const std::uint64_t at = controller->cwnd();
  for (int i = 0; i < 10; ++i) round();
  CHECK(segments_of(controller->cwnd() - at) == doctest::Approx(10).epsilon(0.02));
}

TEST_CASE("who did not get back to its old window aims lower [R9438-4.7-1]") {
  const auto controller = cubic(1000);
  lose(*controller, kStart, 1000);
  REQUIRE(controller->cwnd() == 700 * kSmss);
  controller->on_ack(acked(kStart, kSmss));
  lose(*controller, kStart + 1s, 700);  // W_max = 700 * 0.85 = 595, cwnd 490: K = cbrt(105 / 0.4) = 6.4 s
  go_on(*controller, kStart + 1s, 6400ms);
  CHECK(segments_of(controller->cwnd()) == doctest::Approx(595).epsilon(0.01));
}

TEST_CASE("time in which the application sent less than it might is none [R9438-4.2-3] [R9438-4.6-3]") {
  const auto busy = cubic(1000);
  const auto lazy = cubic(1000);
  for (Controller* each : {busy.get(), lazy.get()}) {
    lose(*each, kStart, 1000);
    each->on_ack(acked(kStart, kSmss));
  }
  // An hour of little use, told by ACKs, and one of silence, told by what leaves after it.
  for (int i = 1; i <= 3600; ++i) {
    AckSample sample = acked(kStart + i * 1s, kSmss);
    sample.cwnd_limited = false;
    lazy->on_ack(sample);
  }
  const Time late = kStart + 7200s;
  lazy->on_sent(late, kSmss, kSmss);
  go_on(*busy, kStart + 100ms, 2s);
  go_on(*lazy, late + 100ms, 2s);
  CHECK(segments_of(lazy->cwnd()) == doctest::Approx(segments_of(busy->cwnd())).epsilon(0.002));
}

TEST_CASE("a timeout leaves one segment; the next stage begins on its plateau [R9438-4.8-1]") {
  const auto controller = cubic(1000);
  controller->on_timeout(kStart, 1000 * kSmss, true);
  CHECK(controller->cwnd() == kSmss);
  CHECK(controller->ssthresh() == 700 * kSmss);
  controller->on_timeout(kStart + 1s, kSmss, false);
  CHECK(controller->ssthresh() == 700 * kSmss);
  controller->on_recovery_end(kStart + 2s);
  controller->on_ack(acked(kStart + 2s, 699 * kSmss));
  REQUIRE(controller->cwnd() == 700 * kSmss);
  // K = 0: the curve is at 700 + 0.4 t^3; Reno's estimate at 700 + 0.53 for each of 10 rounds, and 1.1 s after it.
  go_on(*controller, kStart + 3s, 5s);
  CHECK(segments_of(controller->cwnd()) == doctest::Approx(700 + 0.4 * std::pow(5.1, 3)).epsilon(0.01));
}

TEST_CASE("a spurious loss leaves no trace: window, threshold and curve are what they were [R9438-4.9-1]") {
  const auto harmed = cubic(1000);
  const auto spared = cubic(1000);
  for (Controller* each : {harmed.get(), spared.get()}) {
    lose(*each, kStart, 1000);
    go_on(*each, kStart, 3s);
  }
  harmed->on_congestion_event(kStart + 3050ms, harmed->cwnd());
  CHECK(harmed->cwnd() < spared->cwnd());
  harmed->on_undo(kStart + 3090ms);
  CHECK(harmed->cwnd() == spared->cwnd());
  CHECK(harmed->ssthresh() == spared->ssthresh());
  for (Controller* each : {harmed.get(), spared.get()}) go_on(*each, kStart + 3100ms, 3s);
  CHECK(segments_of(harmed->cwnd()) == doctest::Approx(segments_of(spared->cwnd())).epsilon(0.002));
}

TEST_CASE("slow start goes up to ssthresh and no further [R9438-4.10-1]") {
  const auto controller = cubic(100);
  controller->on_timeout(kStart, 40 * kSmss, true);
  controller->on_recovery_end(kStart);
  REQUIRE(controller->ssthresh() == 28 * kSmss);
  controller->on_ack(acked(kStart, 9 * kSmss));
  CHECK(controller->cwnd() == 10 * kSmss);
  controller->on_ack(acked(kStart, 18 * kSmss));
  CHECK(controller->cwnd() == 28 * kSmss);
  controller->on_ack(acked(kStart, kSmss));
  CHECK(controller->cwnd() < 28 * kSmss + 100);
}

TEST_CASE("the first slow start is HyStart++'s: a rising RTT ends it without a loss [R9438-4.10-2] [R9406-4.2-7]") {
  const auto controller = cubic(10);
  Time now = kStart;
  for (int round = 0; round < 8 && controller->ssthresh() > (1u << 30); ++round) {
    // Each round's RTT is 5 ms above that of the one before.
    const int acks = static_cast<int>(controller->cwnd() / kSmss);
    for (int i = 0; i < acks; ++i) {
      AckSample sample = acked(now += 1ms, kSmss, 40ms + round * 5ms);
      sample.in_flight = controller->cwnd();
      controller->on_ack(sample);
    }
  }
  CHECK(controller->ssthresh() <= controller->cwnd());
}

TEST_CASE("only the first slow start watches the RTT [R9406-4.3-3]") {
  const auto controller = cubic(100);
  controller->on_timeout(kStart, 2000 * kSmss, true);
  controller->on_recovery_end(kStart);
  Time now = kStart;
  std::uint64_t expected = kSmss;
  for (int i = 0; i < 40; ++i) {
    controller->on_ack(acked(now += 10ms, kSmss, 40ms + i * 5ms));
    expected += kSmss;
    CHECK(controller->cwnd() == expected);
  }
}

TEST_CASE(
    "unpaced, an ACK in slow start adds eight segments at most; paced, all it covers [R9406-4.2-2] [R9406-4.3-1]") {
  for (const bool paced : {false, true}) {
    const auto controller = cubic(100, paced);
    controller->on_ack(acked(kStart, 20 * kSmss));
    CHECK(controller->cwnd() == (paced ? 120 : 108) * kSmss);
  }
  // What left as one super-segment may leave again.
  const auto merged = cubic(100);
  merged->on_sent(kStart, 40 * kSmss, 40 * kSmss);
  merged->on_ack(acked(kStart, 40 * kSmss));
  CHECK(merged->cwnd() == 140 * kSmss);
}

TEST_CASE("a mark shrinks the window like a loss, but by less in avoidance, and once a window [R9438-4.6-2]") {
  const auto controller = cubic(100);
  lose(*controller, kStart, 100);  // 70, in avoidance
  controller->on_ecn(kStart, 70 * kSmss);
  CHECK(controller->cwnd() == 59'500);  // RFC 8511: 0.85
  CHECK(controller->ssthresh() == 59'500);
  const auto starting = cubic(100);
  starting->on_ecn(kStart, 100 * kSmss);
  CHECK(starting->cwnd() == 70 * kSmss);
}

TEST_CASE("marks alone can shrink the window to one segment [R9438-4.6-2]") {
  const auto controller = cubic(100);
  for (int i = 0; i < 50; ++i) controller->on_ecn(kStart + i * 1s, controller->cwnd());
  CHECK(controller->cwnd() == kSmss);
  CHECK(controller->ssthresh() == 2 * kSmss);
}

TEST_CASE("after a long silence the window is the initial one, and slow start leads back to most of the old") {
  const auto controller = cubic(1000);
  lose(*controller, kStart, 1000);
  controller->on_idle(kStart + 100s);
  CHECK(controller->cwnd() == initial_window(kSmss));
  CHECK(controller->ssthresh() == 700 * kSmss);
}

TEST_CASE("in conservative slow start the window grows by a quarter of what is acknowledged [R9406-4.2-5]") {
  const auto controller = cubic(10);
  const auto growth = [&controller](Duration rtt) {
    const std::uint64_t before = controller->cwnd();
    for (int i = 0; i < 10; ++i) {
      AckSample sample = acked(kStart, kSmss, rtt);
      sample.in_flight = 10 * kSmss;
      controller->on_ack(sample);
    }
    return controller->cwnd() - before;
  };
  growth(50ms);
  CHECK(growth(50ms) == 10 * kSmss);
  growth(80ms);
  CHECK(growth(80ms) == 10 * kSmss / 4);
}

}  // namespace sluice::congestion
