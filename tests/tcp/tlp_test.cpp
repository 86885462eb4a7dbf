// Tail loss probes, a test for each rule of RFC 8985 section 7.
#include <doctest/doctest.h>

#include "tests/tcp/support_flight.hpp"

namespace sluice::tcp {
namespace {

using namespace std::chrono_literals;

void schedule(Flight& flight, Duration rto = 10s) {
  flight.recovery.schedule_probe(flight.now, flight.now + rto, Flight::kSmss, flight.rtt);
}
Duration probe_after(const Flight& flight) { return flight.recovery.probe_deadline() - flight.now; }

// Segment `count` was sent, two round trips passed, and it left again as a probe.
Flight probed(unsigned count) {
  Flight flight(true);
  flight.send(count);
  schedule(flight);
  flight.wait(2 * Flight::kTrip);
  flight.recovery.on_probe_timer();
  flight.recovery.on_resent(flight.recovery.tail(Flight::kSmss), flight.now);
  flight.recovery.on_probe_sent(true);
  flight.wait(Flight::kTrip);
  return flight;
}

}  // namespace

TEST_CASE("the probe comes two round trips after the last sending [R8985-7.2-1] [R8985-7.2-2]") {
  Flight flight(true);
  flight.send(2);
  schedule(flight);
  CHECK(probe_after(flight) == 2 * Flight::kTrip);
  CHECK(flight.recovery.next_deadline() == flight.recovery.probe_deadline());
}

TEST_CASE("a lone segment's ACK may be delayed, so its probe comes later [R8985-7.2-2]") {
  Flight flight(true);
  flight.send(1);
  schedule(flight);
  CHECK(probe_after(flight) == 2 * Flight::kTrip + 200ms);
}

TEST_CASE("without any RTT sample the probe comes after a second [R8985-7.2-3]") {
  Flight flight(true);
  flight.rtt = congestion::RttEstimator(flight.settings);
  flight.send(1);
  schedule(flight);
  CHECK(probe_after(flight) == 1s);
}

TEST_CASE("the probe comes no later than the retransmission timer would fire [R8985-7.2-4]") {
  Flight flight(true);
  flight.send(2);
  schedule(flight, 150ms);
  CHECK(probe_after(flight) == 150ms);
}

TEST_CASE("no probe without SACK, with SACKed segments, in recovery, or when nothing is out [R8985-7.2-1]") {
  Flight plain(false);
  plain.send(2);
  schedule(plain);
  CHECK(plain.recovery.probe_deadline() == kNever);

  Flight flight(true);
  schedule(flight);
  CHECK(flight.recovery.probe_deadline() == kNever);
  flight.send(10);
  schedule(flight);
  flight.wait(Flight::kTrip);
  flight.ack(0, {flight.segment(2)});
  CHECK(flight.recovery.probe_deadline() == kNever);
  schedule(flight);
  CHECK(flight.recovery.probe_deadline() == kNever);
  flight.ack(0, {flight.segment(2, 4)});
  REQUIRE(flight.recovery.in_recovery());
  schedule(flight);
  CHECK(flight.recovery.probe_deadline() == kNever);
}

TEST_CASE("when all is acknowledged, or the timeout came first, there is nothing to probe for [R8985-7.2-1]") {
  Flight flight(true);
  flight.send(2);
  schedule(flight);
  flight.wait(Flight::kTrip);
  SUBCASE("acknowledged") { flight.ack(2); }
  SUBCASE("timed out") { flight.time_out(); }
  CHECK(flight.recovery.probe_deadline() == kNever);
  CHECK_FALSE(flight.recovery.probe_due());
}

TEST_CASE("the end of what was sent is the probe, at most a segment of it [R8985-7.3-2]") {
  Flight flight(true);
  flight.send(2);
  CHECK(flight.recovery.tail(Flight::kSmss) == flight.segment(2));
  flight.send_frame(5000);
  CHECK(flight.recovery.tail(Flight::kSmss) == flight.segment(7));
}

TEST_CASE("one probe at a time, and none before a new RTT sample [R8985-7.3-1]") {
  Flight flight = probed(3);
  schedule(flight);
  CHECK(flight.recovery.probe_deadline() == kNever);  // the first is out
  flight.ack(3, {flight.segment(3)});                 // it was needless
  flight.send(2);
  schedule(flight);
  CHECK(flight.recovery.probe_deadline() == kNever);  // the sample would be ambiguous
  flight.wait(Flight::kTrip);
  flight.ack(4);
  schedule(flight);
  CHECK(flight.recovery.probe_deadline() != kNever);
}

TEST_CASE(
    "a number beyond the probe without a word of a duplicate: it repaired a loss [R8985-7.4.2-1] [R8985-7.4.2-2]") {
  Flight flight = probed(3);
  CHECK_FALSE(flight.ack(3).congestion_event);  // which copy was it?
  flight.send(2);
  flight.wait(Flight::kTrip);
  const RecoveryFacts facts = flight.ack(4);
  CHECK(facts.probe_repaired);
  CHECK(facts.congestion_event);
  CHECK(facts.event_flight == 2000);
  CHECK_FALSE(flight.recovery.next_to_resend(1000));
  flight.wait(Flight::kTrip);
  const RecoveryFacts end = flight.ack(5);
  CHECK(end.recovery_ended);
  CHECK_FALSE(end.congestion_event);
}

TEST_CASE("a D-SACK of the probe: nothing was lost [R8985-7.4.2-1]") {
  Flight flight = probed(3);
  flight.ack(3);
  CHECK_FALSE(flight.ack(3, {flight.segment(3)}).congestion_event);
  flight.send(2);
  flight.wait(Flight::kTrip);
  CHECK_FALSE(flight.ack(5).congestion_event);
  CHECK_FALSE(flight.recovery.in_recovery());
}

TEST_CASE("a D-SACK of something else doesn't acquit the probe [R8985-7.4.2-1]") {
  Flight flight = probed(3);
  flight.ack(3, {flight.segment(1)});
  flight.send(2);
  flight.wait(Flight::kTrip);
  CHECK(flight.ack(4).congestion_event);
}

TEST_CASE("a plain duplicate of the probe's number: both copies arrived [R8985-7.4.2-1]") {
  Flight flight = probed(3);
  flight.ack(3);
  flight.recovery.on_ack(
      {.ack = flight.segment(3).end, .sacks = {}, .duplicate = true, .smss = 1000, .now = flight.now}, flight.rtt);
  flight.send(2);
  flight.wait(Flight::kTrip);
  CHECK_FALSE(flight.ack(5).congestion_event);
}

TEST_CASE("a probe with new text repairs nothing [R8985-7.4.2-1]") {
  Flight flight(true);
  flight.send(3);
  flight.wait(2 * Flight::kTrip);
  flight.send(1);
  flight.recovery.on_probe_sent(false);
  flight.wait(Flight::kTrip);
  CHECK_FALSE(flight.ack(4).congestion_event);
  flight.send(1);
  flight.wait(Flight::kTrip);
  CHECK_FALSE(flight.ack(5).congestion_event);
}

TEST_CASE("what is SACKed of the probe shows the hole before it [R8985-7.3-2] [R8985-6.2-6]") {
  Flight flight = probed(3);
  const RecoveryFacts facts = flight.ack(1, {flight.segment(3)});
  flight.fire();
  CHECK(flight.mark(2).lost);
  CHECK(flight.recovery.in_recovery());
  CHECK_FALSE(facts.probe_repaired);
}

TEST_CASE("the probe's duplicate makes nobody more patient [R8985-6.2-5]") {
  Flight flight = probed(3);
  flight.ack(3, {flight.segment(3)});
  flight.send(2);
  flight.wait(Flight::kTrip);
  flight.ack(3, {flight.segment(5)});
  CHECK(flight.recovery.reorder_deadline() == flight.now + 25ms);
}

}  // namespace sluice::tcp
