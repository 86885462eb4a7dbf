// RFC 5681's window by its own numbers: growth counted in bytes, halving, timeouts, idleness.
#include <doctest/doctest.h>

#include <chrono>

#include "stack/congestion/controller.hpp"

namespace sluice::congestion {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kSmss = 1000;
constexpr Time kNow{Duration(1s)};

std::unique_ptr<Controller> make_reno(std::uint32_t smss, std::uint64_t initial) {
  return congestion::make_reno({.smss = smss, .initial = initial});
}

AckSample acked(std::uint64_t bytes) {
  return {.now = kNow, .newly_acked = bytes, .newly_delivered = bytes, .cwnd_limited = true};
}

// A window of `segments` in congestion avoidance.
std::unique_ptr<Controller> avoiding(std::uint64_t segments) {
  auto reno = make_reno(kSmss, 2 * segments * kSmss);
  reno->on_congestion_event(kNow, 2 * segments * kSmss);
  reno->on_recovery_end(kNow);
  return reno;
}

}  // namespace

TEST_CASE("the initial window is ten segments, 14600 bytes, or two big segments [R6928-2-1] [R5681-3.1-2]") {
  CHECK(initial_window(536) == 5360);
  CHECK(initial_window(1460) == 14600);
  CHECK(initial_window(1220) == 12200);
  CHECK(initial_window(4000) == 14600);
  CHECK(initial_window(8960) == 17920);
  CHECK(initial_window(65480) == 130960);
}

TEST_CASE("a connection whose SYN was lost starts with one segment [R6928-2-2] [R5681-3.1-4]") {
  CHECK(make_reno(kSmss, kSmss)->cwnd() == 1000);
  CHECK(make_reno(kSmss, 10)->cwnd() == 1000);  // never less than that
}

TEST_CASE("ssthresh is unlimited at first, and nothing is paced [R5681-3.1-6]") {
  const auto reno = make_reno(kSmss, 10000);
  CHECK(reno->ssthresh() > (std::uint64_t{1} << 40));
  CHECK(reno->pacing_rate() == 0);
}

TEST_CASE("slow start adds what was acknowledged, so cwnd doubles in a round trip [R5681-3.1-7] [R5681-3.1-8]") {
  const auto reno = make_reno(kSmss, 10000);
  for (int i = 0; i < 10; ++i) reno->on_ack(acked(1000));
  CHECK(reno->cwnd() == 20000);
}

TEST_CASE("half a segment doesn't leave until the other half has grown [R5681-3.1-9] [R5681-3.1-11]") {
  auto reno = make_reno(kSmss, 17 * kSmss);
  reno->on_congestion_event(kNow, 17 * kSmss);
  reno->on_recovery_end(kNow);
  REQUIRE(reno->cwnd() == 8500);
  for (int i = 0; i < 3; ++i) reno->on_ack(acked(1000));
  CHECK(reno->cwnd() == 8875);
  reno->on_ack(acked(1000));
  CHECK(reno->cwnd() == 9000);
  for (int i = 0; i < 9; ++i) reno->on_ack(acked(1000));
  CHECK(reno->cwnd() == 10000);
}

TEST_CASE("the ACK that ends a recovery counts as news, and for no more than a segment [R5681-3.1-8]") {
  const auto after_timeout = [](std::uint64_t news) {
    auto reno = make_reno(kSmss, 10000);
    reno->on_timeout(kNow, 10000, true);
    reno->on_recovery_end(kNow);
    AckSample sample = acked(10000);
    sample.newly_delivered = news;
    sample.in_recovery = sample.ended_recovery = true;
    reno->on_ack(sample);
    return reno->cwnd();
  };
  CHECK(after_timeout(10000) == 2000);
  CHECK(after_timeout(300) == 1300);
  CHECK(after_timeout(0) == 1000);
}

TEST_CASE("a merged ACK of many segments counts as those segments would [R5681-3.1-8]") {
  const auto reno = make_reno(kSmss, 10000);
  reno->on_ack(acked(10000));
  CHECK(reno->cwnd() == 20000);
}

TEST_CASE("dividing ACKs gains nothing, in slow start and in avoidance [A-TCP-33] [R5681-5-1]") {
  const auto starting = make_reno(kSmss, 10000);
  for (int i = 0; i < 1000; ++i) starting->on_ack(acked(1));
  CHECK(starting->cwnd() == 11000);
  const auto steady = avoiding(10);
  for (int i = 0; i < 9999; ++i) steady->on_ack(acked(1));
  CHECK(steady->cwnd() == 10999);  // as one ACK of 9999 bytes
}

TEST_CASE("avoidance adds one segment for each window of bytes [R5681-3.1-9] [R5681-3.1-10]") {
  const auto reno = avoiding(10);
  REQUIRE(reno->cwnd() == 10000);
  for (int i = 0; i < 9; ++i) reno->on_ack(acked(1000));
  CHECK(reno->cwnd() == 10900);
  reno->on_ack(acked(1000));
  CHECK(reno->cwnd() == 11000);
  for (int i = 0; i < 11; ++i) reno->on_ack(acked(1000));
  CHECK(reno->cwnd() == 12000);
}

TEST_CASE("one ACK for everything adds one segment in avoidance, however much it covers [R5681-3.1-9]") {
  const auto reno = avoiding(10);
  reno->on_ack(acked(1'000'000));
  CHECK(reno->cwnd() == 11000);
  reno->on_ack(acked(0));
  CHECK(reno->cwnd() == 11000);
}

TEST_CASE("slow start ends at ssthresh, and the rest of the bytes counts for avoidance [R5681-3.1-7]") {
  const auto reno = make_reno(kSmss, 20000);
  reno->on_timeout(kNow, 20000, true);
  reno->on_recovery_end(kNow);
  REQUIRE(reno->ssthresh() == 10000);
  reno->on_ack(acked(15000));  // 9000 to the threshold, 6000 of the next 10000
  CHECK(reno->cwnd() == 10600);
  reno->on_ack(acked(4000));
  CHECK(reno->cwnd() == 11000);
}

TEST_CASE("a window that the application didn't fill doesn't grow [R5681-3-1]") {
  const auto reno = make_reno(kSmss, 10000);
  AckSample sample = acked(5000);
  sample.cwnd_limited = false;
  reno->on_ack(sample);
  CHECK(reno->cwnd() == 10000);
}

TEST_CASE("loss halves the flight, not the window [R5681-3.2-6] [R5681-3.1-12]") {
  const auto reno = make_reno(kSmss, 20000);
  reno->on_congestion_event(kNow, 12000);
  CHECK(reno->ssthresh() == 6000);
  CHECK(reno->cwnd() == 6000);
}

TEST_CASE("ssthresh is at least two segments [R5681-3.1-12]") {
  const auto reno = make_reno(kSmss, 20000);
  reno->on_congestion_event(kNow, 1500);
  CHECK(reno->ssthresh() == 2000);
}

TEST_CASE("a loss never widens the window [R5681-3.1-12]") {
  const auto reno = make_reno(kSmss, 1000);
  reno->on_congestion_event(kNow, 50000);  // most of it sent under a wider window
  CHECK(reno->cwnd() == 1000);
  CHECK(reno->ssthresh() == 2000);
}

TEST_CASE("in fast recovery nothing grows; after it avoidance goes on from ssthresh [R5681-3.2-11] [R6582-3.2-3]") {
  const auto reno = make_reno(kSmss, 20000);
  reno->on_congestion_event(kNow, 20000);
  AckSample inside = acked(3000);
  inside.in_recovery = true;
  inside.in_flight = 12000;
  reno->on_ack(inside);  // RFC 9937 lets half of what was delivered go, and no more
  CHECK(reno->cwnd() == 12000 + 1500);
  reno->on_recovery_end(kNow);
  CHECK(reno->cwnd() == 10000);
  reno->on_ack(acked(10000));
  CHECK(reno->cwnd() == 11000);
}

TEST_CASE("a second congestion event lowers the window a second time [R5681-4.3-1]") {
  const auto reno = make_reno(kSmss, 40000);
  reno->on_congestion_event(kNow, 40000);
  reno->on_congestion_event(kNow, 20000);
  CHECK(reno->cwnd() == 10000);
}

TEST_CASE("a timeout leaves one segment and half the flight as threshold [R5681-3.1-12] [R5681-3.1-14]") {
  const auto reno = make_reno(kSmss, 20000);
  reno->on_timeout(kNow, 16000, true);
  CHECK(reno->cwnd() == 1000);
  CHECK(reno->ssthresh() == 8000);
}

TEST_CASE("a repeated timeout of the same segment keeps ssthresh [R5681-3.1-13]") {
  const auto reno = make_reno(kSmss, 20000);
  reno->on_timeout(kNow, 16000, true);
  reno->on_timeout(kNow, 1000, false);
  CHECK(reno->cwnd() == 1000);
  CHECK(reno->ssthresh() == 8000);
}

TEST_CASE("after a timeout slow start goes on inside recovery, one segment an ACK [R5681-3.1-8]") {
  const auto reno = make_reno(kSmss, 20000);
  reno->on_timeout(kNow, 20000, true);
  AckSample inside = acked(5000);  // most of it had arrived before the timeout
  inside.in_recovery = true;
  reno->on_ack(inside);
  CHECK(reno->cwnd() == 2000);
  reno->on_ack(inside);
  CHECK(reno->cwnd() == 3000);
  reno->on_recovery_end(kNow);
  reno->on_ack(acked(2000));
  CHECK(reno->cwnd() == 5000);
}

TEST_CASE("after idleness the window is at most the initial one [R5681-4.1-1]") {
  const auto wide = make_reno(kSmss, 50000);
  wide->on_idle(kNow);
  CHECK(wide->cwnd() == 10000);
  const auto narrow = make_reno(kSmss, 3000);
  narrow->on_idle(kNow);
  CHECK(narrow->cwnd() == 3000);
}

TEST_CASE("a smaller path MTU keeps the number of segments, not the bytes [R5681-3.1-5]") {
  const auto reno = make_reno(1000, 10000);
  reno->on_mss(500);
  CHECK(reno->cwnd() == 5000);
  reno->on_mss(1000);
  CHECK(reno->cwnd() == 5000);
  reno->on_mss(8000);
  CHECK(reno->cwnd() == 8000);
}

}  // namespace sluice::congestion
