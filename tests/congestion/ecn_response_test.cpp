// What marks do: RFC 3168's and RFC 8511's answer, and DCTCP's in proportion (RFC 8257).
#include <doctest/doctest.h>

#include <chrono>

#include "stack/congestion/dctcp.hpp"

namespace sluice::congestion {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kSmss = 1000;
constexpr Time kNow{Duration(1s)};

/// `windows` of ten segments, of which `marked` carry a mark.
void deliver(MarkedShare& share, unsigned windows, unsigned marked) {
  for (unsigned i = 0; i < windows * 10; ++i)
    share.on_ack(
        {.now = {}, .newly_delivered = kSmss, .in_flight = 10 * kSmss, .marked = i % 10 < marked ? kSmss : 0u});
}

}  // namespace

TEST_CASE("alpha begins at one, so the first mark halves (RFC 8257 3.3)") {
  const MarkedShare share;
  CHECK(share.alpha() == MarkedShare::kOne);
  CHECK(share.reduced(10'000) == 5000);
}

TEST_CASE("each window moves alpha by a sixteenth of the way to the share of marks (RFC 8257 3.3)") {
  MarkedShare share;
  share.on_ack({.now = {}, .newly_delivered = kSmss, .in_flight = 10 * kSmss});  // the first window is one ACK: 15/16
  double expected = 15.0 / 16;
  for (int i = 0; i < 10; ++i) {
    deliver(share, 1, 2);
    expected += (0.2 - expected) / 16;
    CHECK(share.alpha() / double{MarkedShare::kOne} == doctest::Approx(expected).epsilon(0.001));
  }
}

TEST_CASE("alpha settles where the marks are, and at nothing without any (RFC 8257 3.3)") {
  MarkedShare share;
  deliver(share, 200, 3);
  CHECK(share.alpha() / double{MarkedShare::kOne} == doctest::Approx(0.3).epsilon(0.01));
  deliver(share, 400, 0);
  CHECK(share.alpha() == 0);
  deliver(share, 400, 10);
  CHECK(share.alpha() / double{MarkedShare::kOne} == doctest::Approx(1).epsilon(0.01));
}

TEST_CASE("DCTCP shrinks the window by half of alpha; a loss halves it as ever (RFC 8257 3.3, 3.5)") {
  const auto controller = make_reno({.smss = kSmss, .initial = 100 * kSmss, .ecn = EcnResponse::dctcp});
  for (int i = 0; i < 20'000; ++i)
    controller->on_ack({.now = kNow,
                        .newly_acked = kSmss,
                        .newly_delivered = kSmss,
                        .in_flight = 10 * kSmss,
                        .marked = i % 10 == 0 ? kSmss : 0u});
  controller->on_ecn(kNow, 100 * kSmss);
  CHECK(controller->cwnd() == doctest::Approx(95'000).epsilon(0.01));  // alpha = 0.1
  controller->on_congestion_event(kNow, 90 * kSmss);
  CHECK(controller->ssthresh() == 45 * kSmss);
}

TEST_CASE("Reno answers a mark in avoidance with eight tenths, in slow start with a half (RFC 8511 3.1)") {
  const auto controller = make_reno({.smss = kSmss, .initial = 100 * kSmss});
  controller->on_ecn(kNow, 100 * kSmss);
  CHECK(controller->cwnd() == 50 * kSmss);
  controller->on_ecn(kNow, 50 * kSmss);
  CHECK(controller->cwnd() == 40 * kSmss);
}

TEST_CASE("an ACK that tells of a mark doesn't widen the window [R3168-6.1.2-2]") {
  for (const EcnResponse response : {EcnResponse::classic, EcnResponse::dctcp}) {
    const auto controller = make_reno({.smss = kSmss, .initial = 10 * kSmss, .ecn = response});
    controller->on_ack(
        {.now = kNow, .newly_acked = kSmss, .newly_delivered = kSmss, .cwnd_limited = true, .marked = kSmss});
    CHECK(controller->cwnd() == (response == EcnResponse::classic ? 10 : 11) * kSmss);
  }
}

TEST_CASE("marks in a round trip that lost are answered already [R3168-6.1.2-1]") {
  const auto controller = make_reno({.smss = kSmss, .initial = 100 * kSmss});
  controller->on_congestion_event(kNow, 100 * kSmss);
  controller->on_ecn(kNow, 100 * kSmss);
  CHECK(controller->ssthresh() == 50 * kSmss);
}

}  // namespace sluice::congestion
