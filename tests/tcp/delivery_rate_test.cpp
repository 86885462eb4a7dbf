// Rate samples: what each ACK tells congestion control about the speed of delivery (draft-ietf-ccwg-bbr 4.1).
#include <doctest/doctest.h>

#include "tests/tcp/support_flight.hpp"

namespace sluice::tcp {
namespace {

using namespace std::chrono_literals;

// Ten segments out, one each 10 ms, and the ACK of the first is due.
Flight stream() {
  Flight flight(true);
  for (int i = 0; i < 10; ++i) {
    flight.send(1);
    flight.wait(10ms);
  }
  return flight;
}

}  // namespace

TEST_CASE("the sample is that of the newest transmission delivered") {
  Flight flight = stream();
  const auto sample = flight.ack(3).sample;
  CHECK(sample.delivered == 3000);
  CHECK(sample.prior_delivered == 0);
  CHECK(sample.tx_in_flight == 3000);
  CHECK(sample.rate_interval == 100ms);  // from the first sending, when delivery had last grown
}

TEST_CASE("the interval is the longer one of sending and of acknowledging") {
  Flight flight = stream();
  flight.ack(1);
  for (unsigned last = 2; last <= 10; ++last) {
    flight.send(1);
    flight.wait(10ms);
    flight.ack(last);
  }
  SUBCASE("ACKs as regular as the sending was") {
    flight.send(1);
    flight.wait(10ms);
    const auto sample = flight.ack(11).sample;
    CHECK(sample.delivered - sample.prior_delivered == 10000);
    CHECK(sample.rate_interval == 100ms);
  }
  SUBCASE("ACKs that come late, and together, tell no greater speed") {
    flight.wait(200ms);
    flight.ack(11);
    const auto sample = flight.ack(19).sample;
    CHECK(sample.delivered - sample.prior_delivered == 10000);
    CHECK(sample.rate_interval == 210ms);
  }
}

TEST_CASE("ACKs compressed into an instant leave the time of sending as the interval") {
  Flight flight(true);
  for (unsigned i = 0; i < 12; ++i) {
    flight.send(1);
    flight.wait(10ms);
  }
  flight.ack(1);
  flight.send(1);  // segment 13 left when segment 1 had just been delivered
  flight.wait(100ms);
  for (unsigned last = 2; last <= 12; ++last) flight.ack(last);
  const auto sample = flight.ack(13).sample;
  CHECK(sample.prior_delivered == 1000);
  CHECK(sample.delivered == 13000);
  CHECK(sample.rate_interval == 120ms);  // from segment 1's departure to segment 13's
}

TEST_CASE("bytes marked lost since the newest transmission left are told") {
  Flight flight(true);
  flight.send(10);
  flight.wait(Flight::kTrip);
  flight.ack(1);
  flight.send(2);
  const auto sample = flight.ack(1, {flight.segment(4, 6)}).sample;
  CHECK(sample.newly_lost == 2000);
  CHECK(sample.lost_since_sent == 2000);
  flight.wait(Flight::kTrip);
  CHECK(flight.ack(1, {flight.segment(4, 6), flight.segment(11)}).sample.lost_since_sent == 6000);
  flight.resend();
  flight.wait(Flight::kTrip);
  CHECK(flight.ack(12).sample.lost_since_sent == 0);
}

TEST_CASE("an ACK that can't be a retransmission's gives no interval") {
  Flight flight(true);
  flight.send(1);
  flight.wait(300ms);
  flight.time_out();
  flight.resend();
  flight.wait(1ms);
  const auto sample = flight.ack(1).sample;
  CHECK(sample.newly_delivered == 1000);
  CHECK(sample.rate_interval == 0ms);
}

TEST_CASE("an ACK without news is no sample") {
  Flight flight(true);
  flight.send(2);
  flight.wait(Flight::kTrip);
  flight.ack(1);
  const auto sample = flight.ack(1).sample;
  CHECK(sample.rate_interval == 0ms);
  CHECK(sample.delivered == 1000);
}

TEST_CASE("samples belong to the application until what was out when it had nothing more is delivered") {
  Flight flight(true);
  flight.send(2);
  CHECK(flight.mark(1).app_limited);  // nothing was out when it began
  flight.wait(Flight::kTrip);
  CHECK(flight.ack(1).sample.app_limited);
  flight.send(3);
  CHECK_FALSE(flight.mark(5).app_limited);
  flight.recovery.on_app_limited();  // 2 to 5 are out
  flight.send(1);
  CHECK(flight.mark(6).app_limited);
  flight.wait(Flight::kTrip);
  CHECK_FALSE(flight.ack(5).sample.app_limited);
  flight.send(1);
  CHECK(flight.mark(7).app_limited);  // the bubble itself is not delivered yet
  CHECK(flight.ack(6).sample.app_limited);
  flight.send(1);
  CHECK_FALSE(flight.mark(8).app_limited);
}

TEST_CASE("a part of a frame that several ACKs deliver is measured from the frame's departure") {
  Flight flight(true);
  flight.send_frame(10000);
  flight.wait(Flight::kTrip);
  CHECK(flight.ack(2).sample.tx_in_flight == 10000);
  const auto sample = flight.ack(5).sample;
  CHECK(sample.prior_delivered == 0);
  CHECK(sample.delivered == 5000);
}

}  // namespace sluice::tcp
