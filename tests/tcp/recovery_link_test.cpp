// Recovery, RTT and Reno together over a model of a link and a receiver: does a transfer flow, and does it recover?
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <vector>

#include "stack/base/random.hpp"
#include "stack/tcp/recovery.hpp"

namespace sluice::tcp {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kSmss = 1000;

struct Link {
  Duration trip = 40ms;          ///< both ways together
  Duration per_segment = 100us;  ///< the bottleneck: 10,000 segments a second
  std::size_t queue = 200;       ///< segments that wait for it
  double loss = 0;               ///< of segments
  double ack_loss = 0;
  double late = 0;  ///< of segments: so many come `lateness` after their turn
  Duration lateness{};
  std::set<unsigned> drop{};  ///< transmissions that are lost, counted from 1
};

struct Outcome {
  Duration took{};
  unsigned sent = 0;
  unsigned resent = 0;
  unsigned timeouts = 0;
  unsigned events = 0;
};

/// Segments, not bytes: number n stands for kSmss bytes.
class Transfer {
 public:
  Transfer(bool sack, unsigned segments, const Link& link, std::uint8_t seed = 1)
      : random_(Key{seed}, KeyUse::test), link_(link), sack_(sack), segments_(segments) {
    recovery_.start(sack, kStart);
    rtt_.sample(link.trip, now_);
  }

  Outcome run() {
    const Time begin = now_;
    arm();
    send();
    while (una_ < segments_ && now_ < begin + 600s) turn();
    REQUIRE(una_ == segments_);
    outcome_.took = now_ - begin;
    return outcome_;
  }

 private:
  // One event: an arrival at either side, or a timer.
  void turn() {
    const Time wire =
        std::min(arrivals_.empty() ? kNever : arrivals_.begin()->first, acks_.empty() ? kNever : acks_.begin()->first);
    const Time timer = std::min(deadline_, recovery_.reorder_deadline());
    now_ = std::min(wire, timer);
    REQUIRE(now_ != kNever);
    if (timer < wire) {
      fire();
    } else if (!arrivals_.empty() && arrivals_.begin()->first == now_) {
      receive(arrivals_.extract(arrivals_.begin()).mapped());
    } else {
      take_ack(acks_.extract(acks_.begin()).mapped());
    }
    send();
  }

  void fire() {
    if (deadline_ > now_) return digest(recovery_.on_reorder_timer(now_, rtt_));
    const RecoveryFacts facts = recovery_.on_timeout(now_, rtt_);
    reno_->on_timeout(now_, facts.event_flight, backoff_ == 0);
    ++backoff_;
    ++outcome_.timeouts;
    digest(facts);
    arm();
  }

  void send() {
    for (;;) {
      const std::uint64_t pipe = recovery_.pipe();
      const bool permitted = pipe + kSmss <= reno_->cwnd() || pipe == 0;
      if (!permitted && !recovery_.owes_fast_retransmit()) return;
      if (const auto lost = recovery_.next_to_resend(kSmss)) {
        recovery_.on_resent(*lost, now_);
        ++outcome_.resent;
        transmit(static_cast<unsigned>((lost->begin - kStart) / kSmss));
      } else if (permitted && nxt_ < segments_) {
        recovery_.on_sent({kStart + nxt_ * kSmss, kStart + (nxt_ + 1) * kSmss}, now_);
        transmit(nxt_++);
      } else {
        return;
      }
    }
  }

  void transmit(unsigned number) {
    ++outcome_.sent;
    reno_->on_sent(now_, kSmss, recovery_.pipe());
    const Duration waiting = std::max(bottleneck_free_ - now_, Duration::zero());
    if (waiting > link_.per_segment * link_.queue) return;
    bottleneck_free_ = now_ + waiting + link_.per_segment;
    if (random_.unit() < link_.loss || link_.drop.contains(outcome_.sent)) return;
    const Duration late = random_.unit() < link_.late ? link_.lateness : Duration::zero();
    arrivals_.emplace(bottleneck_free_ + link_.trip / 2 + late, number);
  }

  // The receiver: an ACK for each segment, the block that holds it first, then the highest others.
  void receive(unsigned number) {
    received_.insert(number);
    while (received_.contains(expected_)) received_.erase(expected_++);
    Ack ack{expected_, {}};
    std::vector<SeqRange> others;
    for (auto i = received_.begin(); i != received_.end();) {
      const unsigned first = *i;
      unsigned last = first;
      while (i != received_.end() && *i == last) ++i, ++last;
      const SeqRange block{kStart + first * kSmss, kStart + last * kSmss};
      (first <= number && number < last ? ack.blocks : others).push_back(block);
    }
    for (; ack.blocks.size() < 3 && !others.empty(); others.pop_back()) ack.blocks.push_back(others.back());
    if (random_.unit() >= link_.ack_loss) acks_.emplace(now_ + link_.trip / 2, ack);
  }

  struct Ack {
    unsigned number;
    std::vector<SeqRange> blocks;
  };

  void take_ack(const Ack& ack) {
    const bool duplicate = ack.number == una_ && nxt_ > una_;
    if (ack.number < una_) return;
    const bool advances = ack.number > una_;
    una_ = ack.number;
    digest(recovery_.on_ack({.ack = kStart + una_ * kSmss,
                             .sacks = sack_ ? std::span<const SeqRange>(ack.blocks) : std::span<const SeqRange>(),
                             .duplicate = duplicate,
                             .smss = kSmss,
                             .now = now_},
                            rtt_));
    if (!advances) return;
    backoff_ = 0;
    arm();
  }

  void digest(RecoveryFacts facts) {
    if (facts.sample.rtt > Duration::zero()) {
      rtt_.sample(facts.sample.rtt, now_, static_cast<std::uint32_t>(facts.sample.in_flight_before / (2 * kSmss)));
    }
    facts.sample.cwnd_limited = nxt_ < segments_;
    if (facts.recovery_ended) reno_->on_recovery_end(now_);
    if (facts.congestion_event) {
      ++outcome_.events;
      reno_->on_congestion_event(now_, facts.event_flight);
    }
    reno_->on_ack(facts.sample);
  }

  void arm() { deadline_ = now_ + rtt_.rto(backoff_); }

  static constexpr Seq kStart = Seq::initial(WireSeq{0xffffffff - 20000});
  Random random_;
  Link link_;
  bool sack_;
  unsigned segments_;
  unsigned una_ = 0;
  unsigned nxt_ = 0;
  unsigned expected_ = 0;
  unsigned backoff_ = 0;
  Time now_{Duration(10s)};
  Time deadline_ = kNever;
  Time bottleneck_free_{};
  std::multimap<Time, unsigned> arrivals_;
  std::multimap<Time, Ack> acks_;
  std::set<unsigned> received_;
  congestion::RttEstimator::Settings settings_;
  congestion::RttEstimator rtt_{settings_};
  std::unique_ptr<congestion::Controller> reno_ = congestion::make_reno({.smss = kSmss, .initial = 10 * kSmss});
  Recovery recovery_;
  Outcome outcome_;
};

}  // namespace

TEST_CASE("over a clean link nothing is resent, and the link is full [R5681-3.1-7]") {
  for (const bool sack : {true, false}) {
    CAPTURE(sack);
    const Outcome outcome = Transfer(sack, 400, {.queue = 1000}).run();
    CHECK(outcome.resent == 0);
    CHECK(outcome.sent == 400);
    // Ten, twenty, … a round trip: 400 segments are six of them.
    CHECK(outcome.took < 7 * 40ms);
  }
}

TEST_CASE("any single loss in the middle costs one retransmission and no timeout [R5681-3.2-3]") {
  for (const bool sack : {true, false}) {
    for (unsigned lost = 1; lost <= 95; ++lost) {
      CAPTURE(sack);
      CAPTURE(lost);
      const Outcome outcome = Transfer(sack, 100, {.drop = {lost}}).run();
      CHECK(outcome.timeouts == 0);
      CHECK(outcome.resent == 1);
      CHECK(outcome.events == 1);
    }
  }
}

TEST_CASE("any pair of losses is repaired, with SACK always without a timeout [R8985-9.3-3]") {
  for (unsigned first = 20; first <= 50; first += 3) {
    for (unsigned second = first + 1; second <= 64; ++second) {
      CAPTURE(first);
      CAPTURE(second);
      const Outcome outcome = Transfer(true, 120, {.drop = {first, second}}).run();
      CHECK(outcome.timeouts == 0);
      CHECK(outcome.resent == 2);
      CHECK(outcome.events <= 2);
      CHECK(Transfer(false, 120, {.drop = {first, second}}).run().timeouts <= 1);
    }
  }
}

TEST_CASE("the last segment of a transfer is repaired by the timeout, and it alone is resent [R6298-5.4]") {
  for (const bool sack : {true, false}) {
    CAPTURE(sack);
    const Outcome outcome = Transfer(sack, 100, {.drop = {100}}).run();
    CHECK(outcome.timeouts == 1);
    CHECK(outcome.resent == 1);
  }
}

TEST_CASE("a whole flight lost is sent again by slow start, each segment once [R5681-3.1-14] [R8985-6.3-1]") {
  Link link;
  for (unsigned i = 31; i <= 70; ++i) link.drop.insert(i);
  for (const bool sack : {true, false}) {
    CAPTURE(sack);
    const Outcome outcome = Transfer(sack, 70, link).run();
    CHECK(outcome.timeouts == 1);
    CHECK(outcome.resent == 40);
  }
}

TEST_CASE("with SACK a lossy link costs few timeouts and resends little more than was lost [R8985-6.2-6]") {
  for (const double loss : {0.005, 0.02, 0.05}) {
    CAPTURE(loss);
    Outcome sum;
    for (std::uint8_t seed = 1; seed <= 4; ++seed) {
      const Outcome outcome = Transfer(true, 3000, {.loss = loss, .ack_loss = loss}, seed).run();
      sum.sent += outcome.sent;
      sum.resent += outcome.resent;
      sum.timeouts += outcome.timeouts;
    }
    const double rate = static_cast<double>(sum.resent) / sum.sent;
    CHECK(rate < 1.1 * loss + 0.003);
    CHECK(sum.timeouts <= 4 * 20 * loss / 0.02);
  }
}

TEST_CASE("without SACK a lossy link is still crossed [R6582-3.2-4]") {
  for (std::uint8_t seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    const Outcome outcome = Transfer(false, 3000, {.loss = 0.01}, seed).run();
    CHECK(outcome.resent < 3000 / 10);
  }
}

TEST_CASE(
    "of segments that are late by less than a quarter trip few are resent, once reordering was seen [R8985-3.3-1]") {
  const Outcome outcome = Transfer(true, 3000, {.late = 0.05, .lateness = 5ms}).run();
  CHECK(outcome.events <= 5);
  CHECK(outcome.resent <= 15);  // of 150 that are late
  CHECK(outcome.timeouts == 0);
}

TEST_CASE("an overrun queue is answered by halving, not by silence [R5681-3.1-12]") {
  for (const bool sack : {true, false}) {
    CAPTURE(sack);
    const Outcome outcome = Transfer(sack, 5000, {.queue = 100}).run();
    CHECK(outcome.events >= 1);
    // At the link's rate it takes 0.5 s; recovery without SACK repairs one hole a round trip.
    CHECK(outcome.took < (sack ? 2s : 8s));
  }
}

}  // namespace sluice::tcp
