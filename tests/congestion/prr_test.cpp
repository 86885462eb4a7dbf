// Proportional rate reduction by RFC 9937's rules: one ACK at a time, and over whole recoveries.
#include <doctest/doctest.h>

#include "stack/congestion/prr.hpp"

namespace sluice::congestion {
namespace {

constexpr std::uint32_t kSmss = 1000;

/// A recovery from a flight of `flight` segments, towards `ssthresh` segments. Segments in all places.
class Recovering {
 public:
  Recovering(std::uint64_t flight, std::uint64_t ssthresh) : ssthresh_(ssthresh), in_flight_(flight) {
    prr_.begin(flight * kSmss);
  }

  /// An ACK that delivers, loses and advances so much; gives back how many segments leave.
  std::uint64_t ack(std::uint64_t delivered, std::uint64_t lost, std::uint64_t advanced) {
    in_flight_ -= delivered + lost;
    const AckSample sample{.now = {},
                           .newly_acked = advanced * kSmss,
                           .newly_delivered = delivered * kSmss,
                           .newly_lost = lost * kSmss,
                           .in_flight = in_flight_ * kSmss};
    const std::uint64_t cwnd = prr_.on_ack(sample, cwnd_, ssthresh_ * kSmss, kSmss);
    cwnd_ = cwnd;
    std::uint64_t sent = 0;
    for (; (in_flight_ + 1) * kSmss <= cwnd; ++in_flight_, ++sent) prr_.on_sent(kSmss);
    total_ += sent;
    return sent;
  }

  std::uint64_t in_flight() const { return in_flight_; }
  std::uint64_t total() const { return total_; }
  std::uint64_t cwnd() const { return cwnd_; }
  Prr& prr() { return prr_; }

 private:
  Prr prr_;
  std::uint64_t ssthresh_, in_flight_, cwnd_ = 0, total_ = 0;
};

}  // namespace

TEST_CASE("with little loss the flight goes down evenly: halving sends one for two [R9937-6.2-1] [R9937-6.2-6]") {
  // 20 in flight, one lost: the first ACK lets the retransmission go, then every other lets one go.
  Recovering recovery(20, 10);
  CHECK(recovery.ack(1, 1, 0) == 1);
  for (int i = 2; i <= 19; ++i) recovery.ack(1, 0, 0);
  CHECK(recovery.total() == 10);
  CHECK(recovery.in_flight() == 10);
}

TEST_CASE("seven tenths send seven for ten [R9937-6.2-1]") {
  Recovering recovery(100, 70);
  recovery.ack(1, 1, 0);
  for (int i = 2; i <= 99; ++i) recovery.ack(1, 0, 0);
  CHECK(recovery.total() == 70);
  CHECK(recovery.in_flight() == 70);
}

TEST_CASE("the first ACK of a recovery always frees a retransmission [R9937-6.2-5]") {
  Recovering recovery(4, 2);
  CHECK(recovery.ack(0, 1, 0) == 1);  // a timer found the loss: nothing was delivered
  CHECK(recovery.ack(0, 0, 0) == 0);  // and only the first
}

TEST_CASE("an ACK that delivers nothing frees nothing [R9937-6.2-1]") {
  Recovering recovery(20, 10);
  recovery.ack(1, 1, 0);
  const std::uint64_t cwnd = recovery.cwnd();
  CHECK(recovery.ack(0, 0, 0) == 0);
  CHECK(recovery.cwnd() == cwnd);
}

TEST_CASE("below ssthresh, while losses go on, one leaves for each delivered (CRB) [R9937-6.2-4]") {
  Recovering recovery(20, 10);
  CHECK(recovery.ack(1, 15, 0) == 1);  // 4 in flight, and one goes
  REQUIRE(recovery.in_flight() == 5);
  CHECK(recovery.ack(1, 1, 0) == 1);
  CHECK(recovery.ack(1, 0, 0) == 1);  // nothing lost, but the left edge didn't move either: not safe
  CHECK(recovery.in_flight() == 4);
}

TEST_CASE("below ssthresh, an ACK that advances without new loss lets one more go (SSRB) [R9937-6.2-4]") {
  Recovering recovery(20, 10);
  recovery.ack(1, 15, 0);
  REQUIRE(recovery.in_flight() == 5);
  CHECK(recovery.ack(1, 0, 1) == 2);
  CHECK(recovery.in_flight() == 6);
  CHECK(recovery.ack(1, 1, 1) == 1);  // it advances, but tells of a loss
}

TEST_CASE("the flight never grows beyond ssthresh [R9937-6.2-4]") {
  Recovering recovery(20, 10);
  recovery.ack(1, 15, 0);
  for (int i = 0; i < 40; ++i) {
    recovery.ack(1, 0, 1);
    CHECK(recovery.in_flight() <= 10);
  }
  CHECK(recovery.in_flight() == 10);
}

TEST_CASE("a fifth lost: what leaves in the round trip and what stays make ssthresh [R9937-6.2-6]") {
  // 100 in flight, each fifth lost: 80 delivered, and 70 is the aim.
  Recovering recovery(100, 70);
  for (int i = 0; i < 20; ++i) {
    recovery.ack(1, 1, 0);
    for (int k = 0; k < 3; ++k) recovery.ack(1, 0, 0);
  }
  // Of the old flight nothing is left; what left since is it all: 56 by proportion until the flight was below 70, and
  // then one for one.
  CHECK(recovery.in_flight() == recovery.total());
  CHECK(recovery.total() >= 56);
  CHECK(recovery.total() <= 70);
  CHECK(recovery.prr().active());
}

TEST_CASE("bytes that are left over are not lost: small segments add up [R9937-6.2-1]") {
  Prr prr;
  prr.begin(20 * kSmss);
  std::uint64_t in_flight = 20 * kSmss;
  std::uint64_t sent = 0;
  for (int i = 0; i < 100; ++i) {  // ten segments, delivered by tenths
    in_flight -= 100;
    const std::uint64_t cwnd =
        prr.on_ack({.now = {}, .newly_delivered = 100, .in_flight = in_flight}, 0, 10 * kSmss, kSmss);
    if (in_flight + kSmss > cwnd) continue;
    prr.on_sent(kSmss);
    in_flight += kSmss;
    sent += kSmss;
  }
  CHECK(sent == 5 * kSmss);
}

TEST_CASE("each recovery begins anew [R9937-6.1-1] [R9937-6.1-2]") {
  Recovering recovery(20, 10);
  for (int i = 0; i < 10; ++i) recovery.ack(1, 0, 0);
  recovery.prr().begin(10 * kSmss);
  CHECK(recovery.prr().active());
  // As the first of a recovery, it frees one although a tenth of a segment is its share.
  const AckSample sample{.now = {}, .newly_delivered = 100, .in_flight = 15 * kSmss};
  CHECK(recovery.prr().on_ack(sample, 0, 5 * kSmss, kSmss) == 16 * kSmss);
}

TEST_CASE("after recovery the window is ssthresh, whatever is in flight [R9937-6.4-1]") {
  for (auto* make : {&make_reno, &make_cubic}) {
    const auto controller = (*make)({.smss = kSmss, .initial = 20 * kSmss});
    const Time now{Duration(1'000'000'000)};
    controller->on_congestion_event(now, 20 * kSmss);
    controller->on_ack(
        {.now = now, .newly_delivered = kSmss, .newly_lost = 10 * kSmss, .in_flight = 9 * kSmss, .in_recovery = true});
    CHECK(controller->cwnd() == 10 * kSmss);
    controller->on_recovery_end(now);
    CHECK(controller->cwnd() == controller->ssthresh());
  }
}

TEST_CASE("a timeout ends proportional reduction [R5681-3.1-14]") {
  const auto controller = make_reno({.smss = kSmss, .initial = 20 * kSmss});
  const Time now{Duration(1'000'000'000)};
  controller->on_congestion_event(now, 20 * kSmss);
  controller->on_timeout(now, 20 * kSmss, true);
  controller->on_ack({.now = now,
                      .newly_acked = kSmss,
                      .newly_delivered = kSmss,
                      .in_flight = 9 * kSmss,
                      .in_recovery = true,
                      .cwnd_limited = true});
  CHECK(controller->cwnd() == 2 * kSmss);
}

}  // namespace sluice::congestion
