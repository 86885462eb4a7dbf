// RFC 6298 by its own numbers, and the windowed minimum.
#include <doctest/doctest.h>

#include <chrono>

#include "stack/congestion/rtt.hpp"

namespace sluice::congestion {
namespace {

using namespace std::chrono_literals;

const RttEstimator::Settings kOurs;
// RFC 6298 to the letter.
const RttEstimator::Settings kLetter{.initial = 1s, .variance_floor = Duration::zero(), .floor = 1s, .ceiling = 60s};
const RttEstimator::Settings kBare{
    .initial = 1s, .variance_floor = Duration::zero(), .floor = Duration::zero(), .ceiling = 120s};
constexpr Time kStart{Duration(100s)};

}  // namespace

TEST_CASE("before any sample the RTO is one second and there is no round-trip time [R6298-2.1] [R8961-4.1]") {
  const RttEstimator rtt(kOurs);
  CHECK(rtt.rto() == 1s);
  CHECK_FALSE(rtt.has_sample());
  CHECK(rtt.srtt() == 0s);
  CHECK(rtt.min_rtt() == 0s);
}

TEST_CASE("the first sample R gives SRTT = R, RTTVAR = R/2, RTO = 3 R [R6298-2.2]") {
  RttEstimator rtt(kBare);
  rtt.sample(400ms, kStart);
  CHECK(rtt.srtt() == 400ms);
  CHECK(rtt.rttvar() == 200ms);
  CHECK(rtt.rto() == 1200ms);
}

TEST_CASE(
    "later samples move RTTVAR by the old SRTT, then SRTT, by 1/4 and 1/8 [R6298-2.3a] [R6298-2.3b] [R8961-4.2a]") {
  RttEstimator rtt(kBare);
  rtt.sample(400ms, kStart);
  rtt.sample(800ms, kStart + 1s);
  CHECK(rtt.rttvar() == 250ms);  // 3/4 * 200 + 1/4 * |400 - 800|; with the new SRTT it would be 237.5
  CHECK(rtt.srtt() == 450ms);    // 7/8 * 400 + 1/8 * 800
  CHECK(rtt.rto() == 1450ms);
  rtt.sample(130ms, kStart + 2s);
  CHECK(rtt.rttvar() == 267500us);  // 3/4 * 250 + 1/4 * 320
  CHECK(rtt.srtt() == 410ms);       // 7/8 * 450 + 1/8 * 130
}

TEST_CASE("with RFC 6298's own settings the RTO is never below one second [R6298-2.4]") {
  RttEstimator rtt(kLetter);
  for (int i = 0; i < 100; ++i) rtt.sample(10ms, kStart);
  CHECK(rtt.rto() == 1s);
}

TEST_CASE("with our settings a steady path waits its SRTT and 200 ms [R6298-2.4]") {
  RttEstimator rtt(kOurs);
  for (int i = 0; i < 100; ++i) rtt.sample(10ms, kStart);
  CHECK(rtt.rto() == 210ms);
}

TEST_CASE("the RTO has a ceiling, before and after backoff [R6298-2.5] [R8961-4.4c]") {
  RttEstimator rtt(kLetter);
  rtt.sample(50s, kStart);
  CHECK(rtt.rto() == 60s);
  CHECK(rtt.rto(1) == 60s);
  CHECK(rtt.rto(4'000'000'000u) == 60s);
}

TEST_CASE("a variance of zero counts as the granularity of the clock [R6298-4-1]") {
  RttEstimator rtt(kBare);
  for (int i = 0; i < 200; ++i) rtt.sample(10ms, kStart);
  CHECK(rtt.rttvar() < 1us);
  CHECK(rtt.rto() == 11ms);
}

TEST_CASE("each backoff doubles the RTO up to the ceiling [R6298-5.5]") {
  const RttEstimator rtt(kOurs);
  CHECK(rtt.rto(0) == 1s);
  CHECK(rtt.rto(1) == 2s);
  CHECK(rtt.rto(6) == 64s);
  CHECK(rtt.rto(7) == 120s);
  CHECK(rtt.rto(255) == 120s);
}

TEST_CASE("after a SYN timed out the first data waits three seconds [R6298-5.7]") {
  RttEstimator rtt(kOurs);
  rtt.syn_timed_out();
  CHECK(rtt.rto() == 3s);
  CHECK(rtt.rto(1) == 6s);
  rtt.sample(100ms, kStart);
  CHECK(rtt.rto() == 300ms);
}

TEST_CASE("a SYN timeout doesn't shorten an RTO that starts above three seconds [R6298-5.7]") {
  const RttEstimator::Settings slow{.initial = 5s, .variance_floor = 200ms, .floor = 0s, .ceiling = 120s};
  RttEstimator rtt(slow);
  rtt.syn_timed_out();
  CHECK(rtt.rto() == 5s);
}

TEST_CASE("many samples a round trip move the estimate less each [R7323-4.2-1]") {
  RttEstimator one(kBare);
  RttEstimator damped(kBare);
  one.sample(400ms, kStart);
  damped.sample(400ms, kStart);
  one.sample(800ms, kStart);
  damped.sample(800ms, kStart, 10);
  CHECK(damped.srtt() == 405ms);    // an eightieth of 400
  CHECK(damped.rttvar() == 205ms);  // a fortieth of 200 more
  for (int i = 1; i < 10; ++i) damped.sample(800ms, kStart, 10);
  CHECK(damped.srtt() > one.srtt() - 5ms);  // ten of them: about as much as one undamped
  CHECK(damped.srtt() < one.srtt() + 5ms);
}

TEST_CASE("a damping of zero is none") {
  RttEstimator rtt(kBare);
  rtt.sample(400ms, kStart, 0);
  rtt.sample(800ms, kStart, 0);
  CHECK(rtt.srtt() == 450ms);
}

TEST_CASE("a sample of no time at all still is one") {
  RttEstimator rtt(kOurs);
  rtt.sample(0s, kStart);
  CHECK(rtt.has_sample());
  CHECK(rtt.min_rtt() == 1ns);
}

TEST_CASE("min_rtt is the smallest sample of about ten seconds [R8985-6.2-1]") {
  RttEstimator rtt(kOurs);
  rtt.sample(20ms, kStart);
  rtt.sample(5ms, kStart + 1s);
  rtt.sample(30ms, kStart + 4s);
  CHECK(rtt.min_rtt() == 5ms);
  rtt.sample(20ms, kStart + 6s);  // the second period
  CHECK(rtt.min_rtt() == 5ms);
  rtt.sample(25ms, kStart + 10s);
  CHECK(rtt.min_rtt() == 5ms);
  rtt.sample(30ms, kStart + 12s);  // the third: the first one's minimum is too old
  CHECK(rtt.min_rtt() == 20ms);
}

TEST_CASE("after a long silence min_rtt begins anew [R8985-6.2-1]") {
  RttEstimator rtt(kOurs);
  rtt.sample(5ms, kStart);
  rtt.sample(80ms, kStart + 1h);
  CHECK(rtt.min_rtt() == 80ms);
  rtt.sample(70ms, kStart + 1h + 1s);
  CHECK(rtt.min_rtt() == 70ms);
}

}  // namespace sluice::congestion
