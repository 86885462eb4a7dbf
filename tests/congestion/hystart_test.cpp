// RFC 9406's walk: standard slow start, conservative slow start, back again or out.
#include <doctest/doctest.h>

#include <chrono>

#include "stack/congestion/hystart.hpp"

namespace sluice::congestion {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kSmss = 1000;

/// A round of `acks` ACKs of one segment with the RTT given; true = slow start is over.
bool play(HyStart& hystart, Duration rtt, unsigned acks = 10) {
  bool over = false;
  for (unsigned i = 0; i < acks; ++i) {
    // What is out when a round begins is what the next `acks` ACKs cover.
    over = hystart.on_ack({.now = {}, .newly_acked = kSmss, .in_flight = acks * kSmss, .rtt = rtt}) || over;
  }
  return over;
}

/// The first ACK only begins the first round.
HyStart begun(Duration rtt) {
  HyStart hystart;
  hystart.on_ack({.now = {}, .newly_acked = kSmss, .in_flight = 10 * kSmss, .rtt = rtt});
  return hystart;
}

}  // namespace

TEST_CASE("the constants are RFC 9406's [R9406-4.3-1] [R9406-4.3-2]") {
  CHECK(HyStart::kRttSamples == 8);
  CHECK(HyStart::kCssRounds == 5);
  CHECK(HyStart::kLimit == 8);
  CHECK(HyStart::kGrowthDivisor == 4);
  CHECK(HyStart::kMinimumThreshold == 4ms);
  CHECK(HyStart::kMaximumThreshold == 16ms);
}

TEST_CASE("an even RTT never ends slow start") {
  HyStart hystart = begun(50ms);
  for (int i = 0; i < 50; ++i) CHECK_FALSE(play(hystart, 50ms));
  CHECK_FALSE(hystart.conservative());
}

TEST_CASE(
    "a rise by an eighth of the last round's minimum begins CSS, within 4 and 16 ms [R9406-4.2-3] [R9406-4.2-4]") {
  struct Case {
    Duration before, after;
    bool conservative;
  };
  for (const Case& each : {Case{80ms, 89ms, false}, Case{80ms, 90ms, true}, Case{8ms, 11ms, false},
                           Case{8ms, 12ms, true}, Case{400ms, 415ms, false}, Case{400ms, 416ms, true}}) {
    HyStart hystart = begun(each.before);
    play(hystart, each.before);
    play(hystart, each.after);
    CHECK(hystart.conservative() == each.conservative);
  }
}

TEST_CASE("a round of fewer than eight samples decides nothing [R9406-4.2-4]") {
  HyStart hystart = begun(50ms);
  play(hystart, 50ms);
  HyStart more = hystart;
  for (int i = 0; i < 7; ++i) hystart.on_ack({.now = {}, .newly_acked = kSmss, .in_flight = 100 * kSmss, .rtt = 80ms});
  CHECK_FALSE(hystart.conservative());
  hystart.on_ack({.now = {}, .newly_acked = kSmss, .in_flight = 100 * kSmss, .rtt = 80ms});
  CHECK(hystart.conservative());
  for (int i = 0; i < 20; ++i)
    more.on_ack({.now = {}, .newly_acked = kSmss, .in_flight = 100 * kSmss});  // Karn: no samples
  CHECK_FALSE(more.conservative());
}

TEST_CASE("a round ends when what was out at its beginning is acknowledged [R9406-4.2-1]") {
  HyStart hystart;
  hystart.on_ack({.now = {}, .newly_acked = kSmss, .in_flight = 20 * kSmss, .rtt = 50ms});  // the round: 20 segments
  for (int i = 0; i < 19; ++i) hystart.on_ack({.now = {}, .newly_acked = kSmss, .in_flight = 40 * kSmss, .rtt = 50ms});
  // The 20th belongs to it, and with what is out then the next begins.
  hystart.on_ack({.now = {}, .newly_acked = kSmss, .in_flight = 40 * kSmss, .rtt = 50ms});
  for (int i = 0; i < 7; ++i) hystart.on_ack({.now = {}, .newly_acked = kSmss, .in_flight = 40 * kSmss, .rtt = 70ms});
  CHECK_FALSE(hystart.conservative());
  hystart.on_ack({.now = {}, .newly_acked = kSmss, .in_flight = 40 * kSmss, .rtt = 70ms});
  CHECK(hystart.conservative());
}

TEST_CASE("five rounds of CSS end slow start [R9406-4.2-7]") {
  HyStart hystart = begun(50ms);
  play(hystart, 50ms);
  CHECK_FALSE(play(hystart, 70ms));  // CSS begins here: the first of the five
  CHECK_FALSE(play(hystart, 70ms));
  CHECK_FALSE(play(hystart, 70ms));
  CHECK_FALSE(play(hystart, 70ms));
  CHECK(play(hystart, 70ms));
}

TEST_CASE("in CSS an RTT below that which led there is a false alarm [R9406-4.2-6]") {
  HyStart hystart = begun(50ms);
  play(hystart, 50ms);
  play(hystart, 70ms);
  play(hystart, 70ms);
  REQUIRE(hystart.conservative());
  play(hystart, 60ms);
  CHECK_FALSE(hystart.conservative());
  // The five rounds count anew.
  play(hystart, 80ms);
  REQUIRE(hystart.conservative());
  CHECK_FALSE(play(hystart, 80ms));
  CHECK_FALSE(play(hystart, 80ms));
  CHECK_FALSE(play(hystart, 80ms));
  CHECK(play(hystart, 80ms));
}

TEST_CASE("the smallest sample of a round counts, not its spikes [R9406-4.2-4]") {
  HyStart hystart = begun(50ms);
  play(hystart, 50ms);
  for (int i = 0; i < 100; ++i)
    hystart.on_ack({.now = {}, .newly_acked = kSmss, .in_flight = 10 * kSmss, .rtt = i % 10 == 0 ? 50ms : 200ms});
  CHECK_FALSE(hystart.conservative());
}

}  // namespace sluice::congestion
