// What both kinds of recovery share: round-trip samples, delivery records, limits on memory and work, strange input.
#include <doctest/doctest.h>

#include "stack/base/random.hpp"
#include "tests/tcp/support_flight.hpp"

namespace sluice::tcp {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kFrames = 2000;

}  // namespace

TEST_CASE("an ACK of what was sent once is a round-trip sample, of the latest sent [R6298-3-1]") {
  Flight flight(true);
  flight.send(1);
  flight.wait(30ms);
  flight.send(1);
  flight.wait(70ms);
  CHECK(flight.ack(2).sample.rtt == 70ms);
}

TEST_CASE("an ACK that covers a retransmission is no sample, with SACK or without [R6298-3-1] [9293 MUST-18]") {
  for (const bool sack : {true, false}) {
    CAPTURE(sack);
    Flight flight(sack);
    flight.send(5);
    flight.wait(300ms);
    flight.time_out();
    flight.resend(1);
    flight.wait(Flight::kTrip);
    CHECK(flight.ack(2).sample.rtt == 0s);
  }
}

TEST_CASE("what was SACKed for the first time and sent once is a sample [R6298-3-1]") {
  Flight flight(true);
  flight.send(4);
  flight.wait(90ms);
  CHECK(flight.ack(0, {flight.segment(3)}).sample.rtt == 90ms);
  flight.wait(5ms);
  CHECK(flight.ack(0, {flight.segment(3)}).sample.rtt == 0s);  // known already
  CHECK(flight.ack(0, {flight.segment(3, 4)}).sample.rtt == 95ms);
}

TEST_CASE("a new SACK gives a sample although the number covers a retransmission [R6298-3-1]") {
  Flight flight(true);
  flight.send(6);
  flight.wait(Flight::kTrip);
  flight.ack(0, {flight.segment(2, 4)});
  flight.resend();
  flight.wait(40ms);
  CHECK(flight.ack(4, {flight.segment(6)}).sample.rtt == 140ms);
}

TEST_CASE("what SACK delivered long ago gives no sample when the number passes it [R6298-3-1]") {
  Flight flight(true);
  flight.send(4);
  flight.wait(Flight::kTrip);
  flight.ack(0, {flight.segment(2, 4)});
  flight.resend();
  flight.wait(1s);
  const RecoveryFacts facts = flight.ack(4);
  CHECK(facts.sample.rtt == 0s);
  CHECK(facts.sample.newly_acked == 4000);
  CHECK(facts.sample.newly_delivered == 1000);
}

TEST_CASE("an instant round trip still is a sample") {
  Flight flight(true);
  flight.send(1);
  CHECK(flight.ack(1).sample.rtt == 1ns);
}

TEST_CASE("a part of a frame can be acknowledged, and its rest stays out [R2018-8-4]") {
  for (const bool sack : {true, false}) {
    CAPTURE(sack);
    Flight flight(sack);
    flight.send_frame(10000);
    flight.wait(Flight::kTrip);
    const RecoveryFacts facts = flight.ack(3);
    CHECK(facts.sample.newly_acked == 3000);
    CHECK(flight.pipe() == 7);
    CHECK(facts.sample.rtt == 100ms);
    CHECK(flight.recovery.log().size() == 1);
  }
}

TEST_CASE("the facts tell the pipe before and after") {
  Flight flight(true);
  flight.send(10);
  flight.wait(Flight::kTrip);
  const RecoveryFacts facts = flight.ack(1, {flight.segment(3, 5)});
  CHECK(facts.sample.in_flight_before == 10000);
  CHECK(facts.sample.in_flight == 5000);
  CHECK(facts.sample.newly_delivered == 4000);
  CHECK(facts.sample.newly_lost == 1000);
  CHECK(facts.sample.now == flight.now);
}

TEST_CASE("an ACK of what was never sent acknowledges what was [A-TCP-32]") {
  Flight flight(true);
  flight.send(2);
  const RecoveryFacts facts = flight.ack(50);
  CHECK(facts.sample.newly_acked == 2000);
  CHECK(flight.recovery.log().begin() == flight.segment(2).end);
}

TEST_CASE("each range notes what was delivered when it left") {
  Flight flight(true);
  flight.send(2);
  const Time first = flight.now;
  CHECK(flight.mark(1).delivered == 0);
  CHECK(flight.mark(1).delivered_at == first);
  flight.wait(Flight::kTrip);
  flight.ack(1);
  flight.wait(1ms);
  flight.send(1);
  CHECK(flight.mark(3).delivered == 1000);
  CHECK(flight.mark(3).delivered_at == first + Flight::kTrip);
  flight.ack(3);
  flight.wait(1s);
  flight.send(1);  // after silence the interval begins anew
  CHECK(flight.mark(4).delivered == 3000);
  CHECK(flight.mark(4).delivered_at == flight.now);
}

TEST_CASE("a retransmission notes what was delivered when it left") {
  Flight flight(true);
  flight.send(5);
  flight.wait(Flight::kTrip);
  flight.ack(0, {flight.segment(2, 4)});
  flight.wait(1ms);
  flight.resend();
  CHECK(flight.mark(1).delivered == 3000);
  CHECK(flight.mark(1).delivered_at == flight.now - 1ms);
}

TEST_CASE("the age of the oldest range is that of its latest transmission [R6298-5-0]") {
  Flight flight(true);
  CHECK(flight.recovery.oldest_sent_at() == kNever);
  flight.send(2);
  const Time sent_at = flight.now;
  flight.wait(300ms);
  CHECK(flight.recovery.oldest_sent_at() == sent_at);
  flight.time_out();
  flight.resend(1);
  CHECK(flight.recovery.oldest_sent_at() == flight.now);
}

TEST_CASE("an idle connection holds no memory, whatever happened before") {
  for (const bool sack : {true, false}) {
    CAPTURE(sack);
    Flight flight(sack);
    CHECK(flight.recovery.footprint() == 0);
    flight.send(100);
    flight.wait(Flight::kTrip);
    flight.ack(0, {flight.segment(50, 60)});
    flight.time_out();
    flight.resend();
    CHECK(flight.recovery.footprint() > 0);
    flight.wait(Flight::kTrip);
    flight.ack(100);
    CHECK(flight.recovery.footprint() == 0);
    CHECK(flight.recovery.reorder_deadline() == kNever);
  }
}

TEST_CASE("what the path refused leaves again at once, and that is no congestion [R8201-5.4-2] [R1191-6.4-1]") {
  for (const bool sack : {true, false}) {
    CAPTURE(sack);
    Flight flight(sack);
    flight.recovery.on_refused();
    CHECK_FALSE(flight.recovery.next_to_resend(1000));
    flight.send(10);
    flight.ack(0, {flight.segment(4)});
    flight.recovery.on_refused();
    CHECK(flight.recovery.pipe() == 0);
    CHECK_FALSE(flight.recovery.in_recovery());
    CHECK(flight.recovery.reorder_deadline() == kNever);
    CHECK(flight.resend().size() == (sack ? 9 : 10));
    flight.wait(Flight::kTrip);
    // Without SACK, duplicates of what had arrived in spite of all start nothing.
    for (int i = 0; i < 6; ++i) CHECK_FALSE(flight.ack(1).congestion_event);
    CHECK(flight.pipe() == (sack ? 8 : 7));
    const RecoveryFacts facts = flight.ack(10);
    CHECK(facts.sample.rtt == 0s);
    CHECK(flight.recovery.footprint() == 0);
  }
}

TEST_CASE("starting again forgets all") {
  Flight flight(true);
  flight.send(10);
  flight.time_out();
  flight.recovery.start(false, flight.start + 5);
  CHECK(flight.recovery.log().begin() == flight.start + 5);
  CHECK(flight.recovery.pipe() == 0);
  CHECK_FALSE(flight.recovery.in_recovery());
}

TEST_CASE("blocks of one byte everywhere don't shatter the log [A-TCP-30] [A-TCP-27]") {
  Flight flight(true);
  for (int i = 0; i < 100; ++i) flight.send_frame(10000);
  Random random(Key{7}, KeyUse::test);
  for (int i = 0; i < 20000; ++i) {
    const auto byte = [&] {
      const Seq begin = flight.start + 1 + random.below(999'998);
      return SeqRange{begin, begin + 1};
    };
    flight.ack(0, {byte(), byte(), byte(), byte()});
  }
  // A thousand segments in a hundred frames.
  CHECK(flight.recovery.log().pieces() <= 900 + 64);
  CHECK(flight.recovery.log().size() <= 1000 + 64);
}

TEST_CASE("frames of one segment are hardly ever cut: honest edges lie between them [A-TCP-30]") {
  Flight flight(true);
  flight.send(1000);
  for (unsigned number = 2; number < 1000; ++number) {
    const Seq middle = flight.segment(number).begin + 500;
    flight.ack(0, {SeqRange{middle, middle + 1}});
  }
  CHECK(flight.recovery.log().size() <= 1000 + 250 + 64);
}

TEST_CASE("each segment of a big frame can be SACKed by itself [R2018-5-1]") {
  Flight flight(true);
  for (int i = 0; i < 4; ++i) flight.send_frame(44 * Flight::kSmss);
  for (unsigned number = 2; number <= 4 * 44; number += 2) {
    flight.ack(0, {flight.segment(number)});
    REQUIRE(flight.recovery.sacked_bytes() == number / 2 * Flight::kSmss);
  }
}

TEST_CASE("when no more cuts are granted, ranges that are covered wholly are still SACKed [A-TCP-30]") {
  Flight flight(true);
  flight.send_frame(1000);
  for (int i = 0; i < 4; ++i) flight.send(1);
  for (std::uint64_t byte = 1; byte < 999; byte += 2) {
    const Seq begin = flight.start + byte;
    flight.ack(0, {SeqRange{begin, begin + 1}});
  }
  const std::size_t pieces = flight.recovery.log().pieces();
  const std::uint64_t sacked = flight.recovery.sacked_bytes();
  CHECK(pieces >= 64);
  CHECK(pieces <= 65);
  // From the middle of 2 to the middle of 4: only 3 is covered wholly.
  flight.ack(0, {SeqRange{flight.segment(2).begin + 500, flight.segment(4).begin + 500}});
  CHECK(flight.recovery.log().pieces() <= 65);
  CHECK(flight.mark(3).sacked);
  CHECK_FALSE(flight.mark(4).sacked);
  CHECK(flight.recovery.sacked_bytes() <= sacked + 1500);
  CHECK(flight.recovery.sacked_bytes() >= sacked + 1000);
}

TEST_CASE("a flight of more than 2^16 ranges is counted right [A-TCP-29]") {
  constexpr unsigned kMany = 70000;
  Flight flight(true);
  for (unsigned i = 0; i < kMany; ++i) flight.send_frame(8);
  flight.wait(Flight::kTrip);
  const Seq end = flight.recovery.log().end();
  flight.recovery.on_ack({.ack = flight.start,
                          .sacks = std::vector{SeqRange{flight.start + 8, end}},
                          .duplicate = true,
                          .smss = 8,
                          .now = flight.now},
                         flight.rtt);
  CHECK(flight.recovery.log().sacked_ranges() == kMany - 1);
  CHECK(flight.recovery.sacked_bytes() == 8 * (kMany - 1));
  CHECK(flight.recovery.next_to_resend(1000) == SeqRange{flight.start, flight.start + 8});
  flight.recovery.on_ack({.ack = end, .sacks = {}, .duplicate = false, .smss = 8, .now = flight.now}, flight.rtt);
  CHECK(flight.recovery.pipe() == 0);
}

TEST_CASE("a block that grows by one segment an ACK is one run, not a walk [A-TCP-30]") {
  Flight flight(true);
  flight.send(kFrames);
  flight.wait(Flight::kTrip);
  for (unsigned last = 2; last <= kFrames; ++last) {
    flight.ack(0, {flight.segment(2, last)});
    REQUIRE(flight.recovery.log()[1].sacked_run == last - 1);
  }
}

TEST_CASE("blocks that begin anywhere inside a run shorten it for those after them [A-TCP-30]") {
  Flight flight(true);
  flight.send(kFrames);
  flight.wait(Flight::kTrip);
  for (unsigned last = 2; last <= kFrames; ++last) flight.ack(0, {flight.segment(last)});  // a run of single ones
  flight.ack(0, {flight.segment(2, kFrames)});
  for (unsigned number = 2; number <= kFrames; ++number) {
    REQUIRE(flight.recovery.log()[number - 1].sacked_run == kFrames - number + 1);
  }
}

}  // namespace sluice::tcp
