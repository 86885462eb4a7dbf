// Needless recoveries: how they are found out and taken back (RFC 3522, RFC 4015, and D-SACKs after RFC 3708).
#include <doctest/doctest.h>

#include "tests/tcp/support_flight.hpp"

namespace sluice::tcp {
namespace {

using namespace std::chrono_literals;

// Ten segments out, nothing heard, the timeout, and the first segment again.
Flight timed_out(bool sack) {
  Flight flight(sack);
  flight.send(10);
  flight.wait(300ms);
  flight.time_out();
  flight.resend(1);
  flight.wait(50ms);
  return flight;
}

// 1 and 2 seem to be lost, and leave again.
Flight recovering() {
  Flight flight(true);
  flight.send(10);
  flight.wait(Flight::kTrip);
  flight.ack(0, {flight.segment(3, 5)});
  REQUIRE(flight.resend().size() == 2);
  flight.wait(5ms);
  return flight;
}

}  // namespace

TEST_CASE("an ACK that echoes an older time than the retransmission's shows a spurious timeout [3522]") {
  for (const bool sack : {true, false}) {
    CAPTURE(sack);
    Flight flight = timed_out(sack);
    flight.echoed_before = flight.now - 350ms + 1ms;
    const RecoveryFacts facts = flight.ack(1);
    CHECK(facts.undo);
    CHECK(facts.undo_timeout);
    CHECK_FALSE(facts.congestion_event);
    CHECK_FALSE(flight.recovery.in_recovery());
    CHECK(flight.recovery.lost_bytes() == 0);  // goes on with new text [4015]
    CHECK(flight.pipe() == 9);
    CHECK_FALSE(flight.ack(2).undo);
  }
}

TEST_CASE("an ACK that echoes the retransmission shows a true timeout [3522]") {
  Flight flight = timed_out(true);
  flight.echoed_before = flight.now - 50ms + 1ms;
  CHECK_FALSE(flight.ack(1).undo);
  flight.echoed_before = flight.now - 350ms + 1ms;
  CHECK_FALSE(flight.ack(2).undo);  // too late: the first acceptable ACK has judged
  CHECK(flight.recovery.after_timeout());
}

TEST_CASE("a timeout of the same segment again compares with the first retransmission [3522]") {
  Flight flight = timed_out(true);
  flight.wait(600ms);
  flight.time_out();
  flight.resend(1);
  flight.wait(10ms);
  flight.echoed_before = flight.now - 500ms;  // may be the first retransmission
  SUBCASE("not the original") { CHECK_FALSE(flight.ack(1).undo); }
  SUBCASE("the original") {
    flight.echoed_before = flight.now - 900ms;
    CHECK(flight.ack(1).undo);
  }
}

TEST_CASE("with ECE there is congestion, spurious or not [4015]") {
  Flight flight = timed_out(true);
  CHECK_FALSE(flight.recovery
                  .on_ack({.ack = flight.segment(1).end,
                           .sacks = {},
                           .smss = 1000,
                           .now = flight.now,
                           .echoed_before = flight.now - 300ms,
                           .congestion_echoed = true},
                          flight.rtt)
                  .undo);
}

TEST_CASE("a mark that shrank cwnd since then forbids to take the reduction back [4015]") {
  Flight flight = recovering();
  flight.echoed_before = flight.now - 100ms;
  flight.ack(1);
  flight.recovery.keep_reduction();
  CHECK_FALSE(flight.ack(5).undo);
}

TEST_CASE("the first sample of what was sent after a spurious timeout makes the timer patient [4015]") {
  Flight flight = timed_out(true);
  flight.echoed_before = flight.now - 340ms;
  const RecoveryFacts undone = flight.ack(1);
  REQUIRE(undone.undo);
  flight.send(1);
  CHECK_FALSE(flight.ack(10).adapt_rtt);  // sent before it
  flight.wait(120ms);
  CHECK(flight.ack(11).adapt_rtt);
  flight.send(1);
  flight.wait(120ms);
  CHECK_FALSE(flight.ack(12).adapt_rtt);
}

TEST_CASE("holes that their originals fill one by one show a spurious recovery [3522]") {
  Flight flight = recovering();
  flight.echoed_before = flight.now - 100ms;
  CHECK_FALSE(flight.ack(1).undo);
  const RecoveryFacts facts = flight.ack(5);
  CHECK(facts.undo);
  CHECK_FALSE(facts.undo_timeout);
  CHECK_FALSE(flight.recovery.in_recovery());
  CHECK(flight.recovery.reordering_seen());
}

TEST_CASE("the echo tells of the left edge only, not of holes behind it [3522]") {
  Flight flight = recovering();
  flight.echoed_before = flight.now - 100ms;
  CHECK_FALSE(flight.ack(5).undo);  // 2 may have been repaired
}

TEST_CASE("one true loss among many late segments is a true recovery [3522]") {
  Flight flight = recovering();
  flight.echoed_before = flight.now - 100ms;
  flight.ack(1);
  flight.wait(100ms);
  flight.echoed_before = flight.now;
  CHECK_FALSE(flight.ack(5).undo);
}

TEST_CASE("when D-SACKs report all retransmissions the recovery was needless [R2883-4-4] [3708]") {
  Flight flight = recovering();
  CHECK_FALSE(flight.ack(5).undo);
  flight.wait(Flight::kTrip);
  CHECK_FALSE(flight.ack(5, {flight.segment(1)}).undo);
  CHECK_FALSE(flight.ack(5, {flight.segment(1)}).undo);  // the network may duplicate, too
  const RecoveryFacts facts = flight.ack(5, {flight.segment(2)});
  CHECK(facts.undo);
  CHECK_FALSE(flight.ack(5, {flight.segment(2)}).undo);
}

TEST_CASE("D-SACKs prove nothing of what was resent twice [3708]") {
  Flight flight = timed_out(true);
  flight.wait(600ms);
  flight.time_out();
  flight.resend(1);
  flight.wait(10ms);
  CHECK_FALSE(flight.ack(10, {flight.segment(1)}).undo);
}

TEST_CASE("a lost retransmission is never undone") {
  Flight flight = recovering();
  flight.send(2);
  flight.wait(Flight::kTrip);
  REQUIRE(flight.ack(0, {flight.segment(3, 5), flight.segment(11, 12)}).sample.newly_lost > 0);
  flight.resend();
  CHECK_FALSE(flight.ack(0, {flight.segment(1), flight.segment(1, 12)}).undo);
  CHECK_FALSE(flight.ack(12, {flight.segment(2)}).undo);
}

TEST_CASE("after a needless recovery a true loss is found as ever, with more patience [R8985-6.2-3]") {
  Flight flight(true);
  flight.send(1);
  flight.wait(1ms);
  flight.send(9);
  flight.wait(Flight::kTrip);
  flight.ack(0, {flight.segment(2, 4)});
  REQUIRE(flight.resend().size() == 1);
  flight.wait(30ms);
  flight.echoed_before = flight.now - 100ms;
  const RecoveryFacts facts = flight.ack(4, {flight.segment(8, 10)});
  CHECK(facts.undo);
  CHECK_FALSE(facts.congestion_event);
  CHECK(flight.fire().congestion_event);  // 5 to 7
  CHECK(flight.recovery.lost_bytes() == 3000);
}

}  // namespace sluice::tcp
