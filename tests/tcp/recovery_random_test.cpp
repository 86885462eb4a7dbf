// Recovery against the slow reference, step by step, over long random lives of hostile connections.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <vector>

#include "stack/base/random.hpp"
#include "tests/tcp/support_reference_scoreboard.hpp"

namespace sluice::tcp {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kSmss = 10;
// Beyond so many cuts the log may refuse more; there the two would part.
constexpr std::size_t kPiecesToStayBelow = 50;

class Life {
 public:
  Life(bool sack, std::uint32_t seed)
      : random_(Key{static_cast<std::uint8_t>(seed), static_cast<std::uint8_t>(seed >> 8)}, KeyUse::test),
        una_(Seq::initial(WireSeq{0xffffffff - 2000 + random_.below(2000)})),
        nxt_(una_),
        reference_(sack, una_),
        sack_(sack) {
    recovery_.start(sack, una_);
  }

  void step() {
    now_ += Duration(1) + 1us * random_.below(3000);
    switch (random_.below(17)) {
      case 0:
      case 1:
      case 2:
      case 3: return send();
      case 4: return time_out();
      case 5:
      case 6:
      case 7: return resend();
      case 8: return fire_reorder_timer();
      case 9: return random_.below(20) == 0 ? refuse() : probe();
      case 10: return probe_tail();
      default: return acknowledge();
    }
  }

  void compare() const {
    CAPTURE(steps_);
    REQUIRE(recovery_.log().outstanding() == reference_.bytes().size());
    REQUIRE(recovery_.sacked_bytes() == reference_.sacked());
    REQUIRE(recovery_.lost_bytes() == reference_.lost());
    REQUIRE(recovery_.pipe() == reference_.pipe());
    REQUIRE(recovery_.in_recovery() == (reference_.phase() != ReferenceScoreboard::Phase::open));
    REQUIRE(recovery_.after_timeout() == (reference_.phase() == ReferenceScoreboard::Phase::timeout));
    REQUIRE(recovery_.reordering_seen() == reference_.reordering());
    REQUIRE(recovery_.reorder_deadline() == reference_.deadline());
    REQUIRE(reference_.may_resend(recovery_.next_to_resend(25), 25));
    REQUIRE((recovery_.footprint() > 0) == (recovery_.log().outstanding() > 0));
    compare_marks();
  }

  unsigned undone() const { return undone_; }

 private:
  void compare_marks() const {
    const SentLog& log = recovery_.log();
    std::size_t sacked = 0;
    std::size_t pieces = 0;
    for (std::size_t i = 0; i < log.size(); ++i) {
      const SentRange& range = log[i];
      sacked += range.sacked;
      pieces += range.piece;
      for (auto number = log.span(i).begin.number(); number < range.end.number(); ++number) {
        const ReferenceScoreboard::Byte& byte = reference_.bytes().at(number);
        const bool same = byte.sacked == range.sacked && byte.lost == range.lost && byte.resent == range.resent &&
                          byte.sent_at == range.sent_at;
        if (!same) FAIL("byte " << number - log.begin().number() << " is marked otherwise");
      }
    }
    REQUIRE(log.sacked_ranges() == sacked);
    REQUIRE(log.pieces() == pieces);
  }

  void compare_facts(const RecoveryFacts& ours, const RecoveryFacts& theirs) {
    CHECK(ours.congestion_event == theirs.congestion_event);
    CHECK(ours.event_flight == theirs.event_flight);
    CHECK(ours.recovery_ended == theirs.recovery_ended);
    CHECK(ours.undo == theirs.undo);
    CHECK(ours.undo_timeout == theirs.undo_timeout);
    CHECK(ours.probe_repaired == theirs.probe_repaired);
    undone_ += ours.undo;
    CHECK(ours.duplicate_reported == theirs.duplicate_reported);
    CHECK(ours.sample.newly_acked == theirs.sample.newly_acked);
    CHECK(ours.sample.newly_delivered == theirs.sample.newly_delivered);
    CHECK(ours.sample.newly_lost == theirs.sample.newly_lost);
    CHECK(ours.sample.in_flight_before == theirs.sample.in_flight_before);
    CHECK(ours.sample.in_flight == theirs.sample.in_flight);
    CHECK(ours.sample.rtt == theirs.sample.rtt);
    CHECK(ours.sample.in_recovery == theirs.sample.in_recovery);
    CHECK(recovery_.owes_fast_retransmit() <= (recovery_.lost_bytes() > 0));
    if (ours.sample.rtt > Duration::zero()) rtt_.sample(ours.sample.rtt, now_);
    // Rates are measured from what is certain.
    delivered_ += sack_ ? ours.sample.newly_delivered : ours.sample.newly_acked;
    CHECK(recovery_.delivered() == delivered_);
    ++steps_;
  }

  void send() {
    for (auto frames = 1 + random_.below(5); frames > 0 && nxt_ - una_ < 400; --frames) {
      const SeqRange range{nxt_, nxt_ + 1 + random_.below(4) * random_.below(12)};
      recovery_.on_sent(range, now_);
      reference_.sent(range, now_);
      nxt_ = range.end;
    }
  }

  void resend() {
    for (auto frames = 1 + random_.below(4); frames > 0; --frames) {
      const std::uint32_t limit = 1 + random_.below(3 * kSmss);
      auto range = recovery_.next_to_resend(limit);
      REQUIRE(reference_.may_resend(range, limit));
      if (!range) return;
      if (random_.below(8) == 0)
        range->end = range->begin + 1 + random_.below(static_cast<std::uint32_t>(range->size()));
      recovery_.on_resent(*range, now_);
      reference_.resent(*range, now_);
      resent_.push_back(*range);
      CHECK_FALSE(recovery_.owes_fast_retransmit());
    }
  }

  // A zero-window probe: the head leaves again, lost or not.
  void probe() {
    if (nxt_ == una_ || random_.below(4) != 0 || recovery_.log()[0].sacked) return;
    const SeqRange range{una_, una_ + 1};
    recovery_.on_resent(range, now_);
    reference_.resent(range, now_);
  }

  // A tail loss probe: the end leaves again.
  void probe_tail() {
    if (!sack_ || nxt_ == una_ || random_.below(4) != 0) return;
    const SeqRange range = recovery_.tail(1 + random_.below(kSmss));
    const SentLog& log = recovery_.log();
    if (log[log.size() - 1].sacked) return;
    recovery_.on_resent(range, now_);
    reference_.resent(range, now_);
    recovery_.on_probe_sent(true);
    reference_.probed();
  }

  void time_out() {
    if (nxt_ == una_ || random_.below(3) != 0) return;
    reference_.head_ends_at(recovery_.log()[0].end);
    const std::size_t sacked = recovery_.log()[0].sacked ? 0 : recovery_.log().sacked_ranges();
    const RecoveryFacts ours = recovery_.on_timeout(now_, rtt_);
    compare_facts(ours, reference_.timeout(now_, rtt_, sacked));
    CHECK(recovery_.owes_fast_retransmit());
  }

  void refuse() {
    recovery_.on_refused();
    reference_.refused();
  }

  void fire_reorder_timer() {
    if (recovery_.reorder_deadline() == kNever) return;
    now_ = std::max(now_, recovery_.reorder_deadline());
    const RecoveryFacts ours = recovery_.on_reorder_timer(now_, rtt_);
    compare_facts(ours, reference_.timer(now_, rtt_, recovery_.log().sacked_ranges()));
    CHECK(recovery_.reorder_deadline() > now_);  // or it would fire for ever
  }

  Seq somewhere() {
    const auto out = static_cast<std::uint32_t>(nxt_ - una_);
    const Seq any = una_ + random_.below(out + 1);
    const SentLog& log = recovery_.log();
    if (log.empty() || (log.pieces() < kPiecesToStayBelow && random_.below(3) == 0)) return any;
    return log[random_.below(static_cast<std::uint32_t>(log.size()))].end;
  }

  void acknowledge() {
    AckInput input{.ack = una_, .sacks = {}, .duplicate = false, .smss = kSmss, .now = now_};
    if (random_.below(3) == 0) input.ack = somewhere();
    if (random_.below(12) == 0) input.ack = nxt_;
    input.duplicate = input.ack == una_ && nxt_ > una_ && random_.below(4) != 0;
    input.congestion_echoed = random_.below(20) == 0;
    if (random_.below(5) == 0) input.echoed_before = now_ - 1us * random_.below(3000);
    std::array<SeqRange, 4> blocks;
    const std::size_t count = sack_ ? random_.below(5) : 0;
    for (std::size_t i = 0; i < count; ++i) {
      const Seq a = somewhere();
      const Seq b = somewhere();
      blocks[i] = random_.below(10) == 0 ? SeqRange{a, b} : SeqRange{std::min(a, b), std::max(a, b)};
      if (random_.below(20) == 0) blocks[i].end += 1000;
      if (random_.below(20) == 0) blocks[i].begin = blocks[i].begin - 500;
    }
    if (count > 0 && !resent_.empty() && random_.below(3) == 0) {  // a D-SACK of what was resent, sooner or later
      blocks[0] = resent_.front();
      if (random_.below(2) == 0) input.ack = std::max(input.ack, std::min(nxt_, blocks[0].end));
      resent_.pop_front();
    }
    input.sacks = std::span(blocks).first(count);
    if (nxt_ > una_) reference_.head_ends_at(recovery_.log()[0].end);
    const RecoveryFacts ours = recovery_.on_ack(input, rtt_);
    compare_facts(ours, reference_.ack(input, rtt_, recovery_.log().sacked_ranges()));
    una_ = input.ack;
  }

  Random random_;
  Seq una_;
  Seq nxt_;
  Time now_{Duration(1s)};
  congestion::RttEstimator::Settings settings_;
  congestion::RttEstimator rtt_{settings_};
  Recovery recovery_;
  ReferenceScoreboard reference_;
  std::uint64_t delivered_ = 0;
  unsigned steps_ = 0;
  unsigned undone_ = 0;
  std::deque<SeqRange> resent_;
  bool sack_;
};

// Answers how many recoveries were undone.
unsigned live(bool sack, std::uint32_t lives, int steps) {
  unsigned undone = 0;
  for (std::uint32_t seed = 1; seed <= lives; ++seed) {
    CAPTURE(seed);
    Life life(sack, seed);
    for (int i = 0; i < steps; ++i) {
      life.step();
      life.compare();
    }
    undone += life.undone();
  }
  return undone;
}

}  // namespace

TEST_CASE(
    "RACK's log says what a walk over all bytes would say, after any events, send times and pipe included [8985] "
    "[2018] "
    "[R8985-4-2] [R8985-9.2-1] [R9937-6.2-3] [A-TCP-30]") {
  CHECK(live(true, 100, 300) > 100);
}

TEST_CASE("NewReno's pipe says what a walk over all bytes would say, after any events [6582] [3042]") {
  CHECK(live(false, 50, 300) > 0);
}

}  // namespace sluice::tcp
