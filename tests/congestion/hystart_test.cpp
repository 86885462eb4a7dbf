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
    // What is out after a round's first ACK is what its other ACKs cover.
    over = hystart.on_ack({.now = {}, .newly_acked = kSmss, .in_flight = (acks - 1) * kSmss, .rtt = rtt}) || over;
  }
  return over;
}

/// The first ACK only begins the first round.
HyStart begun(Duration rtt) {
  HyStart hystart;
  hystart.on_ack({.now = {}, .newly_acked = kSmss, .in_flight = 10 * kSmss, .rtt = rtt});
  return hystart;
}

/// ACKs as far apart as `gap` with an RTT of 64 ms, all of one round; after how many CSS began, 0 = it did not.
unsigned train(HyStart& hystart, Time& now, Duration gap, unsigned acks) {
  for (unsigned i = 1; i <= acks; ++i) {
    hystart.on_ack({.now = now += gap, .newly_acked = kSmss, .in_flight = 1000 * kSmss, .rtt = 64ms});
    if (hystart.conservative()) return i;
  }
  return 0;
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
  for (int i = 0; i < 20; ++i) hystart.on_ack({.now = {}, .newly_acked = kSmss, .in_flight = 40 * kSmss, .rtt = 50ms});
  for (int i = 0; i < 7; ++i) hystart.on_ack({.now = {}, .newly_acked = kSmss, .in_flight = 40 * kSmss, .rtt = 70ms});
  CHECK_FALSE(hystart.conservative());
  hystart.on_ack({.now = {}, .newly_acked = kSmss, .in_flight = 40 * kSmss, .rtt = 70ms});
  CHECK(hystart.conservative());
}

TEST_CASE("a flight that queues behind itself is one round, however often it has doubled [R9406-4.2-1] [R9406-4.2-4]") {
  HyStart hystart;
  for (unsigned flight = 10; flight <= 640; flight *= 2) {
    for (unsigned ack = 1; ack <= flight; ++ack) {
      // Each ACK let two segments go, but what this one lets go is yet to leave.
      const std::uint64_t in_flight = (flight - ack + 2 * (ack - 1)) * kSmss;
      hystart.on_ack({.now = {}, .newly_acked = kSmss, .in_flight = in_flight, .rtt = 100ms + ack * 120us});
    }
    CAPTURE(flight);
    CHECK_FALSE(hystart.conservative());
  }
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

TEST_CASE("a train of ACKs longer than half the shortest round trip begins CSS: the path is full") {
  Time now{1h};
  HyStart hystart;
  CHECK(train(hystart, now, 1ms, 100) == 34);  // the first begins it, and 33 more take 33 ms
  CHECK(hystart.growth_divisor() == HyStart::kTrainDivisor);
}

TEST_CASE("a pause longer than a sixteenth of the round trip begins a new train") {
  Time now{1h};
  HyStart hystart;
  CHECK(train(hystart, now, 4ms, 6) == 0);  // a sixteenth: still one train, of 20 ms
  CHECK(train(hystart, now, 4100us, 100) == 0);
  CHECK(train(hystart, now, 1ms, 32) == 0);
  CHECK(train(hystart, now, 1ms, 1) == 1);
}

TEST_CASE("a paced window takes half a round trip by itself, so there a train has to last a whole one") {
  Time now{1h};
  HyStart hystart(true);
  CHECK(train(hystart, now, 1ms, 100) == 66);
}

TEST_CASE("ACKs of which none has an RTT, by Karn's rule, are no train") {
  Time now{1h};
  HyStart hystart;
  for (int i = 0; i < 100; ++i) hystart.on_ack({.now = now += 1ms, .newly_acked = kSmss, .in_flight = 1000 * kSmss});
  CHECK_FALSE(hystart.conservative());
}

TEST_CASE("a train is no false alarm: no RTT leads back to slow start, and five rounds end it") {
  Time now{1h};
  HyStart hystart;
  REQUIRE(train(hystart, now, 1ms, 100) > 0);
  bool over = play(hystart, 10ms, 1000);  // the rest of the round in which CSS began
  CHECK(hystart.conservative());
  for (int round = 2; round <= 4; ++round) over = play(hystart, 10ms, 1000) || over;
  CHECK_FALSE(over);
  CHECK(play(hystart, 10ms, 1000));
}

TEST_CASE("a rising RTT leads to the RFC's own divisor [R9406-4.3-2]") {
  HyStart hystart = begun(50ms);
  CHECK(hystart.growth_divisor() == 1);
  play(hystart, 50ms);
  play(hystart, 70ms);
  CHECK(hystart.growth_divisor() == HyStart::kGrowthDivisor);
}

}  // namespace sluice::congestion
