// Loss by time and SACK, a test for each rule of RFC 8985, 2018 and 2883.
#include <doctest/doctest.h>

#include "tests/tcp/support_flight.hpp"

namespace sluice::tcp {
namespace {

using namespace std::chrono_literals;

// Ten segments out, and one round trip later.
Flight ten_out() {
  Flight flight(true);
  flight.send(10);
  flight.wait(Flight::kTrip);
  return flight;
}

// Segment 1 lost and found so: fast recovery, the retransmission out at the same time.
Flight recovering() {
  Flight flight = ten_out();
  flight.ack(0, {flight.segment(2, 4)});
  flight.resend();
  return flight;
}

}  // namespace

TEST_CASE("three segments SACKed beyond a hole lose it at once [R8985-3.3-1] [R5681-3.2-3]") {
  Flight flight = ten_out();
  flight.ack(0, {flight.segment(2)});
  flight.ack(0, {flight.segment(2, 3)});
  CHECK_FALSE(flight.mark(1).lost);
  const RecoveryFacts facts = flight.ack(0, {flight.segment(2, 4)});
  CHECK(flight.mark(1).lost);
  CHECK(facts.congestion_event);
  CHECK(facts.sample.newly_lost == 1000);
  CHECK(facts.sample.in_recovery);
  CHECK(flight.recovery.in_recovery());
  CHECK_FALSE(flight.recovery.after_timeout());
  CHECK(flight.pipe() == 6);
  CHECK(flight.recovery.next_to_resend(1000) == flight.segment(1));
}

TEST_CASE("what lies beyond the highest SACK isn't judged [R8985-6.2-6]") {
  Flight flight = recovering();
  for (unsigned number = 5; number <= 10; ++number) CHECK_FALSE(flight.mark(number).lost);
}

TEST_CASE("three segments in one SACKed frame are three segments [R8985-3.3-1]") {
  Flight flight(true);
  flight.send(1);
  flight.send_frame(3000);
  flight.wait(Flight::kTrip);
  CHECK(flight.ack(0, {flight.segment(2, 4)}).congestion_event);
}

TEST_CASE("less than three SACKed segments wait a quarter of min_rtt for reordering [R8985-3.3-2] [R8985-6.2-7]") {
  Flight flight = ten_out();
  const RecoveryFacts facts = flight.ack(0, {flight.segment(2)});
  CHECK_FALSE(facts.congestion_event);
  CHECK(flight.recovery.reorder_deadline() == flight.now + 25ms);
  const RecoveryFacts fired = flight.fire();
  CHECK(fired.congestion_event);
  CHECK(fired.event_flight == 9000);
  CHECK(fired.sample.newly_lost == 1000);
  CHECK(flight.mark(1).lost);
  CHECK(flight.recovery.reorder_deadline() == kNever);
}

TEST_CASE("a late segment that arrives in time stops the reordering timer [R8985-6.2-7]") {
  Flight flight = ten_out();
  flight.ack(0, {flight.segment(2)});
  flight.wait(10ms);
  const RecoveryFacts facts = flight.ack(2);
  CHECK(facts.sample.newly_lost == 0);
  CHECK(flight.recovery.reorder_deadline() == kNever);
  CHECK(flight.recovery.reordering_seen());
}

TEST_CASE("where reordering was seen three SACKs still wait [R8985-3.3-1] [R8985-6.2-3]") {
  Flight flight = ten_out();
  flight.ack(0, {flight.segment(2)});
  flight.ack(2);
  const RecoveryFacts facts = flight.ack(2, {flight.segment(4, 8)});
  CHECK_FALSE(facts.congestion_event);
  CHECK(flight.recovery.reorder_deadline() == flight.now + 25ms);
  flight.fire();
  CHECK(flight.mark(3).lost);
}

TEST_CASE("a hole filled by its retransmission is no reordering [R8985-6.2-3]") {
  Flight flight = recovering();
  flight.wait(Flight::kTrip);
  flight.ack(4);
  CHECK_FALSE(flight.recovery.reordering_seen());
}

TEST_CASE("lower blocks in the ACK that brings the highest are no reordering [R8985-6.2-3]") {
  Flight flight = ten_out();
  flight.ack(0, {flight.segment(8), flight.segment(5), flight.segment(2)});
  CHECK_FALSE(flight.recovery.reordering_seen());
  flight.ack(0, {flight.segment(6), flight.segment(8)});
  CHECK(flight.recovery.reordering_seen());
}

TEST_CASE("the reordering window is at most SRTT [R8985-6.2-4] [R8985-3.3-4]") {
  Flight flight(true);
  for (int i = 0; i < 50; ++i) flight.rtt.sample(1ms, flight.now);
  flight.wait(1h);
  flight.rtt.sample(10s, flight.now);  // min_rtt forgets the hour before, SRTT doesn't
  REQUIRE(flight.rtt.min_rtt() / 4 > flight.rtt.srtt());
  flight.send(2);
  flight.wait(12s);
  flight.ack(0, {flight.segment(2)});
  CHECK(flight.recovery.reorder_deadline() == flight.now + flight.rtt.srtt());
}

TEST_CASE("a retransmission that was needless makes more patient, by a quarter of min_rtt [R8985-4-3] [R8985-6.2-5]") {
  Flight flight = recovering();
  flight.wait(Flight::kTrip);
  flight.ack(4, {flight.segment(1)});
  flight.ack(10);
  flight.send(2);
  flight.wait(Flight::kTrip);
  flight.ack(10, {flight.segment(12)});
  CHECK(flight.recovery.reorder_deadline() == flight.now + 2 * flight.rtt.min_rtt() / 4);
}

TEST_CASE("of segments that left in one instant the higher number left later [R8985-6.2-8]") {
  Flight flight = ten_out();
  flight.ack(0, {flight.segment(3, 4), flight.segment(6)});
  CHECK(flight.mark(1).lost);
  CHECK(flight.mark(2).lost);
  CHECK(flight.mark(5).lost);
  CHECK_FALSE(flight.mark(7).lost);
}

TEST_CASE("where a trip takes no time, a resend isn't lost in the instant that it left [R8985-4-2] [R8985-6.2-6]") {
  Flight flight(true);
  flight.send(4);
  flight.ack(0, {flight.segment(2, 4)});
  flight.resend();
  flight.ack(0, {flight.segment(2, 4)});
  CHECK_FALSE(flight.mark(1).lost);
  flight.fire();
  CHECK(flight.resend() == std::vector{flight.segment(1)});
  flight.ack(0, {flight.segment(2, 4)});
  CHECK_FALSE(flight.mark(1).lost);
  CHECK(flight.recovery.reorder_deadline() == kNever);  // only the retransmission timer sends it once more
}

TEST_CASE("the send times say what is lost, not the numbers [R8985-6.2-6]") {
  Flight flight(true);
  flight.send(3);
  flight.wait(60ms);
  flight.send(3);
  flight.wait(40ms);
  flight.ack(0, {flight.segment(2, 3)});  // of the first burst
  flight.fire();
  CHECK(flight.mark(1).lost);
  CHECK_FALSE(flight.mark(4).lost);
}

TEST_CASE("each burst is judged when its own time is over [R8985-6.2-7]") {
  Flight flight(true);
  flight.send(2);
  flight.wait(20ms);
  flight.send(2);
  flight.wait(90ms);
  flight.ack(0, {flight.segment(4)});  // its trip took 90 ms, and the window is 25 ms
  CHECK(flight.recovery.reorder_deadline() == flight.now + 5ms);
  flight.fire();
  CHECK(flight.mark(1).lost);
  CHECK(flight.mark(2).lost);
  CHECK_FALSE(flight.mark(3).lost);
  CHECK(flight.recovery.reorder_deadline() == flight.now + 20ms);
}

TEST_CASE("a retransmission has a new time and is no longer lost [R8985-6.1-1]") {
  Flight flight = ten_out();
  flight.ack(0, {flight.segment(2, 4)});
  CHECK(flight.recovery.owes_fast_retransmit());
  flight.resend();
  CHECK(flight.mark(1).sent_at == flight.now);
  CHECK(flight.mark(1).resent);
  CHECK_FALSE(flight.mark(1).lost);
  CHECK_FALSE(flight.recovery.owes_fast_retransmit());
  CHECK(flight.pipe() == 7);
}

TEST_CASE("an ACK sooner than any round trip is not the retransmission's [R8985-6.2-2]") {
  Flight flight(true);
  flight.send(10);
  flight.wait(150ms);
  flight.ack(0, {flight.segment(4, 6)});  // loses 1 to 3
  flight.resend();
  flight.wait(30ms);
  flight.ack(0, {flight.segment(3, 6)});  // the original of 3, late
  flight.wait(60ms);
  flight.ack(0, {flight.segment(3, 6)});
  CHECK(flight.recovery.lost_bytes() == 0);
}

TEST_CASE("an ACK that echoes an older timestamp is not the retransmission's [R8985-6.2-2]") {
  Flight flight(true);
  flight.send(10);
  flight.wait(100ms);
  flight.ack(0, {flight.segment(4, 6)});
  flight.resend();
  flight.wait(120ms);
  SUBCASE("with the echo the original of 1 came late, and 7 to 10 may still come") {
    flight.echoed_before = flight.now - 120ms;
    flight.ack(1, {flight.segment(4, 6)});
    CHECK_FALSE(flight.mark(7).lost);
  }
  SUBCASE("without it they were overtaken by the retransmission") {
    flight.ack(1, {flight.segment(4, 6)});
    CHECK(flight.mark(7).lost);
  }
  SUBCASE("of what was SACKed behind a gap the echo tells nothing") {
    flight.echoed_before = flight.now - 120ms;
    flight.ack(0, {flight.segment(3, 6)});
    CHECK(flight.mark(1).lost);
    CHECK(flight.mark(2).lost);
  }
}

TEST_CASE("a retransmission that is lost again goes again, and PRR slows down for it by itself [R8985-9.3-3]") {
  Flight flight = recovering();
  flight.wait(1ms);
  flight.send(2);
  flight.wait(Flight::kTrip);
  const RecoveryFacts facts = flight.ack(0, {flight.segment(2, 4), flight.segment(11)});
  CHECK(flight.mark(1).lost);
  CHECK(facts.sample.newly_lost == 7000);     // 5 to 10 as well
  CHECK_FALSE(facts.sample.newly_acked > 0);  // so PRR lets out what came in, and no more
  CHECK_FALSE(facts.congestion_event);
  CHECK(flight.resend(1).size() == 1);
}

TEST_CASE("more of the same window lost inside recovery is no second sign [R5681-4.3-1]") {
  Flight flight = recovering();
  const RecoveryFacts facts = flight.ack(0, {flight.segment(2, 4), flight.segment(6, 8)});
  CHECK(flight.mark(5).lost);
  CHECK(facts.sample.newly_lost == 1000);
  CHECK_FALSE(facts.congestion_event);
}

TEST_CASE("what was sent after the reduction and lost is the next recovery's [R5681-4.3-1]") {
  Flight flight = recovering();
  flight.wait(1ms);
  flight.send(5);
  flight.wait(Flight::kTrip);
  flight.ack(4, {flight.segment(6, 10), flight.segment(13, 15)});  // 5 of the old window, 11 and 12 of the new
  CHECK(flight.mark(5).lost);
  CHECK(flight.mark(11).lost);
  flight.resend();
  flight.wait(Flight::kTrip);
  const RecoveryFacts facts = flight.ack(10, {flight.segment(13, 15)});
  CHECK(facts.recovery_ended);
  CHECK(facts.congestion_event);
  CHECK(flight.recovery.in_recovery());
  CHECK(flight.ack(15).recovery_ended);
  CHECK_FALSE(flight.recovery.in_recovery());
}

TEST_CASE("recovery ends when all that was out at its begin is acknowledged [R6582-3.2-3]") {
  Flight flight = recovering();
  flight.send(2);
  flight.wait(Flight::kTrip);
  CHECK_FALSE(flight.ack(9).recovery_ended);
  const RecoveryFacts facts = flight.ack(10);
  CHECK(facts.recovery_ended);
  CHECK(facts.sample.in_recovery);  // of this ACK; of the next one no more
  CHECK_FALSE(flight.ack(11).sample.in_recovery);
}

TEST_CASE("the flight at a loss doesn't count what limited transmit added [R5681-3.2-6] [R9937-6.1-2]") {
  Flight flight = ten_out();
  flight.ack(0, {flight.segment(2)});
  flight.send(1);
  flight.ack(0, {flight.segment(2, 3)});
  flight.send(1);
  const RecoveryFacts facts = flight.ack(0, {flight.segment(2, 4)});
  CHECK(facts.congestion_event);
  CHECK(facts.event_flight == 10000);
}

TEST_CASE("a SACK makes room for one new segment, a duplicate without news doesn't [R5681-3.2-4] [R5681-3.2-5]") {
  Flight flight = ten_out();
  flight.ack(0, {flight.segment(2)});
  CHECK(flight.pipe() == 9);
  CHECK(flight.recovery.duplicates() == 1);
  flight.ack(0, {flight.segment(2)});
  flight.ack(0);
  flight.ack(0);
  CHECK(flight.pipe() == 9);
  CHECK(flight.recovery.duplicates() == 1);
  CHECK_FALSE(flight.recovery.in_recovery());
}

TEST_CASE("duplicates don't outlive an advance or an empty line") {
  Flight flight = ten_out();
  flight.ack(0, {flight.segment(2)});
  flight.ack(2);
  CHECK(flight.recovery.duplicates() == 0);
  flight.ack(10);
  flight.ack(10);
  CHECK(flight.recovery.duplicates() == 0);
}

TEST_CASE("the first block below the ACK number reports a duplicate [R2883-4-4] [R2883-5-1]") {
  Flight flight = ten_out();
  flight.ack(4);
  const RecoveryFacts facts = flight.ack(6, {flight.segment(5)});  // above the old snd.una, below this ACK
  CHECK(facts.duplicate_reported);
  CHECK(flight.recovery.sacked_bytes() == 0);
}

TEST_CASE("the first block inside the second reports a duplicate, and the second is a SACK [R2883-4-4] [R2883-4-3]") {
  Flight flight = ten_out();
  const RecoveryFacts facts = flight.ack(0, {flight.segment(6), flight.segment(5, 7)});
  CHECK(facts.duplicate_reported);
  CHECK(facts.sample.newly_delivered == 3000);
  CHECK_FALSE(flight.ack(0, {flight.segment(8), flight.segment(5, 7)}).duplicate_reported);
}

TEST_CASE("a reported duplicate is no evidence of loss [R2883-4-4]") {
  Flight flight = ten_out();
  flight.ack(2);
  for (int i = 0; i < 5; ++i) flight.ack(2, {flight.segment(1)});
  CHECK(flight.recovery.duplicates() == 0);
  CHECK(flight.pipe() == 8);
}

TEST_CASE("blocks that can't be true are ignored [R2018-5-1]") {
  Flight flight = ten_out();
  const SeqRange reversed{flight.segment(5).end, flight.segment(5).begin};
  const SeqRange empty{flight.segment(5).begin, flight.segment(5).begin};
  flight.ack(0, {flight.segment(9), reversed, empty, flight.segment(10, 11)});
  CHECK(flight.recovery.sacked_bytes() == 1000);
  flight.ack(0, {flight.segment(9), flight.segment(1, 2), SeqRange{flight.start - 500, flight.segment(2).end}});
  CHECK(flight.recovery.sacked_bytes() == 1000);
}

TEST_CASE("SACK marks free nothing; only the ACK number does [R2018-8-4]") {
  Flight flight = ten_out();
  flight.ack(0, {flight.segment(2, 10)});
  CHECK(flight.recovery.log().outstanding() == 10000);
  CHECK(flight.recovery.log().begin() == flight.start);
}

TEST_CASE("a frame that is SACKed in part is cut there [R2018-5-1]") {
  Flight flight(true);
  flight.send_frame(10000);
  flight.wait(Flight::kTrip);
  flight.ack(0, {flight.segment(4, 6)});
  CHECK(flight.recovery.log().size() == 3);
  CHECK(flight.recovery.log().pieces() == 2);
  CHECK(flight.recovery.sacked_bytes() == 3000);
  CHECK(flight.recovery.lost_bytes() == 3000);  // three of one frame SACKed: what lies left of them is lost
  CHECK(flight.pipe() == 4);
}

TEST_CASE("lost neighbours leave together, up to the limit") {
  Flight flight = ten_out();
  flight.ack(0, {flight.segment(4, 6), flight.segment(8, 10)});
  CHECK(flight.recovery.next_to_resend(1) == SeqRange{flight.start, flight.start + 1});
  CHECK(flight.recovery.next_to_resend(2500) == flight.segment(1, 2));  // no cut for the last fifth
  CHECK(flight.recovery.next_to_resend(60000) == flight.segment(1, 3));
  flight.recovery.on_resent({flight.start, flight.start + 1500}, flight.now);
  CHECK(flight.recovery.next_to_resend(60000) == SeqRange{flight.start + 1500, flight.segment(3).end});
  CHECK(flight.recovery.lost_bytes() == 2500);
}

TEST_CASE("a lost segment that is SACKed after all isn't resent") {
  Flight flight = ten_out();
  flight.ack(0, {flight.segment(3, 5)});
  flight.ack(0, {flight.segment(2, 5)});
  CHECK(flight.resend() == std::vector{flight.segment(1)});
  CHECK(flight.recovery.sacked_bytes() == 4000);
}

TEST_CASE("when all that was lost turns up, no retransmission is owed") {
  Flight flight = ten_out();
  flight.ack(0, {flight.segment(2, 4)});
  flight.ack(4);
  CHECK_FALSE(flight.recovery.next_to_resend(1000));
  CHECK_FALSE(flight.recovery.owes_fast_retransmit());
}

TEST_CASE("marking doesn't wait for anybody's permit to send [R8985-9.3-1]") {
  Flight flight = ten_out();
  flight.ack(0, {flight.segment(2), flight.segment(4), flight.segment(6), flight.segment(10)});
  CHECK(flight.recovery.lost_bytes() == 6000);
  CHECK(flight.pipe() == 0);
}

TEST_CASE("a timeout loses the left edge and what is overdue, not what left a moment ago [R8985-6.3-1]") {
  Flight flight = ten_out();
  flight.ack(2);
  flight.wait(250ms);
  flight.send(2);
  flight.wait(50ms);
  const RecoveryFacts facts = flight.time_out();
  CHECK(flight.mark(3).lost);
  CHECK(flight.mark(10).lost);
  CHECK_FALSE(flight.mark(11).lost);
  CHECK(facts.sample.newly_lost == 8000);
  CHECK(facts.event_flight == 10000);
  CHECK_FALSE(facts.congestion_event);
  CHECK(facts.sample.in_recovery);
  CHECK(flight.recovery.after_timeout());
  CHECK(flight.recovery.owes_fast_retransmit());
}

TEST_CASE("before any delivery a timeout judges by SRTT [R8985-6.3-1]") {
  Flight flight(true);
  flight.send(3);
  flight.wait(250ms);
  flight.send(3);
  flight.wait(50ms);
  CHECK(flight.time_out().sample.newly_lost == 3000);
}

TEST_CASE("a timeout keeps the SACK marks of what is not at the left edge [R2018-5-2]") {
  Flight flight = ten_out();
  flight.ack(0, {flight.segment(5, 6)});
  flight.wait(300ms);
  flight.time_out();
  CHECK(flight.recovery.sacked_bytes() == 2000);
  CHECK(flight.recovery.lost_bytes() == 8000);
  CHECK(flight.resend().size() == 8);
}

TEST_CASE(
    "a timeout resends the left edge even if it was SACKed, and trusts no mark any more [R2018-5-3] [R2018-8-1]") {
  Flight flight = recovering();
  flight.wait(Flight::kTrip);
  flight.ack(1);  // and not 4: the receiver threw 2 to 4 away
  flight.wait(300ms);
  flight.time_out();
  CHECK(flight.recovery.sacked_bytes() == 0);
  CHECK(flight.recovery.lost_bytes() == 9000);
  CHECK(flight.recovery.next_to_resend(1000) == flight.segment(2));
  flight.ack(1, {flight.segment(4, 6)});
  CHECK(flight.recovery.sacked_bytes() == 3000);
  CHECK_FALSE(flight.recovery.reordering_seen());
}

TEST_CASE("SACK marks taken back leave nothing that is never judged again [R2018-8-1]") {
  Flight flight = recovering();
  flight.wait(Flight::kTrip);
  flight.ack(1);
  flight.send(4);
  flight.time_out();
  flight.wait(100ms);
  flight.ack(1, {flight.segment(12, 14)});
  CHECK(flight.recovery.lost_bytes() == 10000);
}

TEST_CASE("retransmissions after a timeout that get lost lower the window once more [R5681-4.3-1] [R8985-9.3-3]") {
  Flight flight = ten_out();
  flight.wait(300ms);
  flight.time_out();
  REQUIRE(flight.resend().size() == 10);
  flight.wait(Flight::kTrip);
  const RecoveryFacts facts = flight.ack(1, {flight.segment(3, 5)});
  CHECK(facts.congestion_event);
  CHECK(flight.recovery.in_recovery());
  CHECK_FALSE(flight.recovery.after_timeout());
}

TEST_CASE("a timeout on an empty line does nothing") {
  Flight flight(true);
  const RecoveryFacts facts = flight.time_out();
  CHECK(facts.sample.newly_lost == 0);
  CHECK_FALSE(flight.recovery.in_recovery());
  CHECK_FALSE(flight.recovery.owes_fast_retransmit());
}

TEST_CASE("timeout after timeout of the same segment needs no more memory [A-TCP-30]") {
  Flight flight = ten_out();
  flight.time_out();
  flight.resend(1);
  const std::size_t footprint = flight.recovery.footprint();
  for (int i = 0; i < 1000; ++i) {
    flight.wait(1s);
    flight.time_out();
    flight.resend(1);
  }
  CHECK(flight.recovery.footprint() <= footprint);
}

TEST_CASE("probes of the same byte for days need no more memory [A-TCP-30]") {
  Flight flight = ten_out();
  for (int i = 0; i < 100000; ++i) {
    flight.wait(1s);
    flight.recovery.on_resent({flight.start, flight.start + 1}, flight.now);
    flight.ack(0);
  }
  CHECK(flight.recovery.footprint() < 2000);
  CHECK(flight.pipe() == 10);
}

}  // namespace sluice::tcp
