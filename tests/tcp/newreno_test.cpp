// Loss by counting duplicates, a test for each rule of RFC 6582, 3042 and 5681 3.2.
#include <doctest/doctest.h>

#include "tests/tcp/support_flight.hpp"

namespace sluice::tcp {
namespace {

using namespace std::chrono_literals;

Flight ten_out() {
  Flight flight(false);
  flight.send(10);
  flight.wait(Flight::kTrip);
  return flight;
}

// Segments 1 and 4 of ten lost, 1 resent, all duplicates here.
Flight recovering() {
  Flight flight = ten_out();
  for (int i = 0; i < 3; ++i) flight.ack(0);
  flight.resend();
  for (int i = 0; i < 5; ++i) flight.ack(0);
  return flight;
}

}  // namespace

TEST_CASE("the third duplicate loses the head, and nothing else [R5681-3.2-3] [R5681-3.2-7]") {
  Flight flight = ten_out();
  CHECK_FALSE(flight.ack(0).congestion_event);
  CHECK_FALSE(flight.ack(0).congestion_event);
  const RecoveryFacts facts = flight.ack(0);
  CHECK(facts.congestion_event);
  CHECK(facts.sample.newly_lost == 1000);
  CHECK(flight.recovery.owes_fast_retransmit());
  CHECK(flight.resend() == std::vector{flight.segment(1)});
  CHECK(flight.pipe() == 7);
}

TEST_CASE("the first two duplicates make room for one new segment each [R3042-2-1] [R5681-3.2-4]") {
  Flight flight = ten_out();
  flight.ack(0);
  CHECK(flight.pipe() == 9);
  flight.ack(0);
  CHECK(flight.pipe() == 8);
}

TEST_CASE(
    "limited transmit is all in pipe: before the third, a duplicate is no congestion and acknowledges nothing "
    "[R3042-2-2]") {
  Flight flight = ten_out();
  for (int i = 0; i < 2; ++i) {
    const RecoveryFacts facts = flight.ack(0);
    CHECK(facts.sample.newly_acked == 0);
    CHECK(facts.sample.newly_delivered == 1000);  // what it tells of has arrived [R9937-6.2-2]
    CHECK_FALSE(facts.congestion_event);
  }
}

TEST_CASE("the flight that is halved doesn't count what limited transmit sent [R5681-3.2-6]") {
  Flight flight = ten_out();
  flight.ack(0);
  flight.send(1);
  flight.ack(0);
  flight.send(1);
  CHECK(flight.ack(0).event_flight == 10000);
}

TEST_CASE("each further duplicate makes room for one more [R5681-3.2-8] [R5681-3.2-10]") {
  Flight flight = recovering();
  CHECK(flight.pipe() == 2);  // the retransmission and 4, which is lost too
}

TEST_CASE("duplicates from nowhere release one flight and no more [R5681-3.2-9] [R9937-6.2-2] [A-TCP-34]") {
  Flight flight = ten_out();
  std::uint64_t told = 0;
  for (int i = 0; i < 1000; ++i) told += flight.ack(0).sample.newly_delivered;
  CHECK(told == 10000);
  CHECK(flight.recovery.pipe() == 0);
  flight.send(8);
  for (int i = 0; i < 1000; ++i) told += flight.ack(0).sample.newly_delivered;
  CHECK(told == 10000);
  CHECK(flight.pipe() == 7);  // all of the first flight is thought delivered, and nothing of what it released but 1
}

TEST_CASE("what isn't a duplicate by definition counts for nothing [R5681-2-1]") {
  Flight flight = ten_out();
  for (int i = 0; i < 5; ++i) {
    flight.recovery.on_ack({.ack = flight.start, .sacks = {}, .duplicate = false, .smss = 1000, .now = flight.now},
                           flight.rtt);
  }
  CHECK(flight.pipe() == 10);
  CHECK_FALSE(flight.recovery.in_recovery());
}

TEST_CASE("SACK blocks that nobody agreed on are ignored [R2018-4-1]") {
  Flight flight = ten_out();
  const RecoveryFacts facts = flight.ack(0, {flight.segment(4, 10)});
  CHECK(flight.recovery.sacked_bytes() == 0);
  CHECK(facts.sample.newly_delivered == 1000);  // for the duplicate alone
}

TEST_CASE("a partial ACK loses the next hole and stays in recovery [R6582-3.2-4]") {
  Flight flight = recovering();
  flight.wait(Flight::kTrip);
  const RecoveryFacts facts = flight.ack(3);
  CHECK_FALSE(facts.congestion_event);
  CHECK_FALSE(facts.recovery_ended);
  CHECK(facts.sample.newly_lost == 1000);
  CHECK(flight.recovery.owes_fast_retransmit());
  CHECK(flight.resend() == std::vector{flight.segment(4)});
  // Seven out, eight duplicates of which two were for what this ACK covers beyond the retransmission.
  CHECK(flight.pipe() == 1);
}

TEST_CASE("an ACK of all that was out at the loss ends recovery, and what was inflated is gone [R6582-3.2-3]") {
  Flight flight = recovering();
  flight.send(2);
  flight.wait(Flight::kTrip);
  flight.ack(3);
  flight.resend();
  flight.wait(Flight::kTrip);
  const RecoveryFacts facts = flight.ack(10);
  CHECK(facts.recovery_ended);
  CHECK(facts.sample.in_recovery);
  CHECK_FALSE(flight.recovery.in_recovery());
  CHECK(flight.pipe() == 2);
  CHECK_FALSE(flight.recovery.owes_fast_retransmit());
}

TEST_CASE("a loss in the first flight counts as one: recover starts left of it [R6582-3.2-1]") {
  Flight flight = ten_out();
  for (int i = 0; i < 3; ++i) flight.ack(0);
  CHECK(flight.recovery.in_recovery());
}

TEST_CASE("duplicates of what was resent needlessly start no second recovery [R6582-3.2-2] [R6582-4-1]") {
  Flight flight = recovering();
  flight.send(4);
  flight.wait(Flight::kTrip);
  flight.ack(10);
  for (int i = 0; i < 5; ++i) flight.ack(10);
  CHECK_FALSE(flight.recovery.in_recovery());
  CHECK(flight.pipe() == 2);  // limited transmit, as far as it goes
  flight.ack(11);
  for (int i = 0; i < 3; ++i) flight.ack(11);
  CHECK(flight.recovery.in_recovery());
}

TEST_CASE("after a timeout everything is lost, and duplicates of it are no evidence [R6582-3.2-6] [R6298-5.4]") {
  Flight flight = ten_out();
  flight.ack(0);
  flight.wait(300ms);
  const RecoveryFacts facts = flight.time_out();
  CHECK(facts.sample.newly_lost == 10000);
  CHECK(facts.event_flight == 10000);
  CHECK(flight.pipe() == 0);
  CHECK(flight.recovery.duplicates() == 0);
  CHECK(flight.resend(2).size() == 2);
  flight.wait(Flight::kTrip);
  flight.ack(1);
  flight.resend(2);
  for (int i = 0; i < 5; ++i) CHECK_FALSE(flight.ack(1).congestion_event);
  CHECK(flight.pipe() == 3);
  CHECK(flight.recovery.after_timeout());
  CHECK(flight.ack(10).recovery_ended);
}

TEST_CASE("a timeout in recovery leaves it and takes the duplicates back [R6582-3.2-6]") {
  Flight flight = recovering();
  flight.wait(300ms);
  flight.time_out();
  CHECK(flight.recovery.after_timeout());
  CHECK(flight.recovery.lost_bytes() == 10000);
  CHECK(flight.recovery.pipe() == 0);
  flight.resend(1);
  CHECK(flight.pipe() == 1);
}

TEST_CASE("of a merged frame at the head one segment is lost, not all [R5681-3.2-7]") {
  Flight flight(false);
  flight.send_frame(10000);
  flight.wait(Flight::kTrip);
  for (int i = 0; i < 3; ++i) flight.ack(0);
  CHECK(flight.resend() == std::vector{flight.segment(1)});
  CHECK(flight.pipe() == 7);
  flight.wait(Flight::kTrip);
  flight.ack(4);
  CHECK(flight.resend() == std::vector{flight.segment(5)});
}

TEST_CASE("duplicates with nothing out mean nothing [R5681-2-1]") {
  Flight flight(false);
  for (int i = 0; i < 5; ++i) flight.ack(0);
  CHECK(flight.recovery.duplicates() == 0);
  flight.send(4);
  CHECK(flight.pipe() == 4);
}

TEST_CASE("without SACK no reordering timer runs") {
  Flight flight = recovering();
  CHECK(flight.recovery.reorder_deadline() == kNever);
  CHECK(flight.fire().sample.newly_lost == 0);
}

}  // namespace sluice::tcp
