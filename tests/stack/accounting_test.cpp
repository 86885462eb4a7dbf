// Recovery's books over whole connections: after every ACK the sender's pipe, losses, phase and RTT are what a slow
// model says that has seen only the packets on the wire. The rules, event by event, are in
// tests/tcp/recovery_random_test.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <string_view>
#include <vector>

#include "stack/base/random.hpp"
#include "tests/support/segment_view.hpp"
#include "tests/support/world.hpp"
#include "tests/tcp/support_reference_scoreboard.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using tcp::Seq;
using tcp::SeqRange;
using tcp::WireSeq;
using Model = tcp::ReferenceScoreboard;

constexpr std::uint16_t kMss = 100;  // small: the model walks over each byte
constexpr Duration kDelay = 10ms;

// What the sender itself tells: bytes that it marked as lost, and retransmission timeouts.
struct Told final : Observer {
  void on_event(const TraceEvent& event) noexcept override {
    if (event.kind == TraceKind::loss) lost += static_cast<std::uint64_t>(event.fields[0].number);
    if (event.kind == TraceKind::timer_fired) timeouts += event.fields[0].text == std::string_view("retransmit");
  }
  std::uint64_t lost = 0;
  unsigned timeouts = 0;
};

struct Run {
  bool sack = true;
  double loss = 0.03;
  Duration jitter = 0ms;
  std::uint64_t seed = 1;
};

WorldSettings settings_for(const Run& run, Observer* told) {
  WorldSettings settings;
  settings.stream = run.seed;
  settings.left_observer = told;
  settings.left_tcp.sack = run.sack;
  settings.left_tcp.timestamps = false;  // PAWS drops ACKs that were overtaken
  return settings;
}

// The left sends to the right over a link that the test plays itself, and keeps the model beside it.
class Books {
 public:
  explicit Books(const Run& run)
      : run_(run), random_(run_key(run.seed), KeyUse::test), world_(settings_for(run, &told_)) {
    world_.take_packet = [this](bool to_right, Bytes packet) { return carry(to_right, packet); };
    std::tie(left_, right_) = world_.connect();
    world_.run_for(1s);
    una_ = nxt_ = Seq::initial(WireSeq{first_});
    model_ = std::make_unique<Model>(run.sack, nxt_);
    told_ = {};
  }

  void transfer(std::uint64_t bytes) {
    Transfer transfer(left_, right_, bytes);
    world_.on_step = [&] {
      step();
      transfer.step();
    };
    REQUIRE(world_.run_until([&] { return transfer.done() && left_.info()->unacked == 0; }, 1h));
    world_.on_step = nullptr;
  }
  unsigned acks() const { return acks_; }
  unsigned timeouts() const { return timeouts_; }
  std::uint64_t lost() const { return lost_; }

 private:
  struct Arrival {
    Time at;
    SegmentView segment;
  };

  bool carry(bool to_right, Bytes packet) {
    SegmentView segment = *open_segment(packet);
    if (segment.has(wire::tcp::syn)) {
      segment.header.options.mss = kMss;
      first_ = to_right ? segment.end() : first_;
      if (!to_right) rtt_.sample(2 * kDelay, world_.now() + kDelay);
      world_.inject(to_right, forge(segment), kDelay);
      return true;
    }
    if (to_right && model_) note_sent(segment);
    if (model_ && random_.below(10000) < static_cast<std::uint32_t>(run_.loss * 10000)) return true;
    const Duration jitter = run_.jitter * random_.below(1000) / 1000;
    const Duration after = kDelay + jitter + Duration(++order_ % 1000);  // no two at one moment
    world_.inject(to_right, {packet.begin(), packet.end()}, after);
    if (!to_right && model_) arrivals_.push_back({world_.now() + after, segment});
    return true;
  }

  void note_sent(const SegmentView& segment) {
    if (segment.text == 0) return;
    const Seq begin = Seq::unwrap(WireSeq{segment.header.seq}, nxt_);
    const SeqRange range{begin, begin + segment.text};
    if (begin < nxt_) return model_->resent(range, world_.now());
    REQUIRE(begin == nxt_);
    model_->sent(range, world_.now());
    frames_.push_back(range);
    nxt_ = range.end;
  }

  // Frames of which the model has every byte SACKed.
  std::size_t frames_sacked() const {
    return static_cast<std::size_t>(std::count_if(frames_.begin(), frames_.end(), [&](const SeqRange& frame) {
      const auto byte = model_->bytes().find(frame.begin.number());
      return byte != model_->bytes().end() && byte->second.sacked;
    }));
  }
  // The same with the blocks of an ACK that is about to be digested.
  std::size_t frames_sacked(Seq ack, const std::vector<SeqRange>& blocks) const {
    return static_cast<std::size_t>(std::count_if(frames_.begin(), frames_.end(), [&](const SeqRange& frame) {
      if (frame.begin < ack) return false;
      const auto byte = model_->bytes().find(frame.begin.number());
      const bool before = byte != model_->bytes().end() && byte->second.sacked;
      return before || std::any_of(blocks.begin(), blocks.end(), [&](const SeqRange& block) {
               return block.begin > ack && block.contains(frame.begin);
             });
    }));
  }

  void take(const SegmentView& segment) {
    const Seq ack = Seq::unwrap(WireSeq{segment.header.ack}, nxt_);
    if (ack < una_) return;
    std::vector<SeqRange> blocks;
    if (run_.sack)
      for (std::size_t i = 0; i < segment.header.options.sack_count; ++i)
        blocks.push_back({Seq::unwrap(WireSeq{segment.header.options.sacks[i].left}, una_),
                          Seq::unwrap(WireSeq{segment.header.options.sacks[i].right}, una_)});
    const bool duplicate = ack == una_ && nxt_ > una_ && segment.length() == 0 && segment.header.window == window_;
    window_ = segment.header.window;
    const tcp::AckInput input{
        .ack = ack, .sacks = blocks, .duplicate = duplicate, .smss = left_.info()->send_mss, .now = world_.now()};
    digest(model_->ack(input, rtt_, frames_sacked(ack, blocks)));
    una_ = ack;
    std::erase_if(frames_, [&](const SeqRange& frame) { return frame.end <= ack; });
    ++acks_;
  }

  void digest(const tcp::RecoveryFacts& facts) {
    lost_ += facts.sample.newly_lost;
    if (facts.sample.rtt == Duration::zero()) return;
    const std::uint64_t damping = facts.sample.in_flight_before / (2 * left_.info()->send_mss);
    rtt_.sample(facts.sample.rtt, world_.now(), static_cast<std::uint32_t>(std::max<std::uint64_t>(1, damping)));
  }

  // After the stack has digested what arrived, before it sends.
  void step() {
    std::sort(arrivals_.begin(), arrivals_.end(), [](const Arrival& a, const Arrival& b) { return a.at < b.at; });
    while (!arrivals_.empty() && arrivals_.front().at <= world_.now()) {
      take(arrivals_.front().segment);
      arrivals_.pop_front();
    }
    for (; timeouts_ < told_.timeouts; ++timeouts_) {
      if (!frames_.empty()) model_->head_ends_at(frames_.front().end);
      digest(model_->timeout(world_.now(), rtt_, frames_sacked()));
    }
    if (model_->deadline() <= world_.now()) digest(model_->timer(world_.now(), rtt_, frames_sacked()));
    compare();
  }

  void compare() {
    const tcp::Info info = *left_.info();
    CAPTURE(acks_);
    CAPTURE(run_.seed);
    REQUIRE(info.pipe == model_->pipe());
    REQUIRE(info.unacked == model_->bytes().size());
    REQUIRE(info.in_recovery == (model_->phase() != Model::Phase::open));
    REQUIRE(told_.lost == lost_);
    // After a spurious timeout the estimator is set anew (RFC 4015 3.3), which the model doesn't follow.
    const bool adapted = world_.left().tcp().counters()[tcp::Counter::spurious_timeouts] > 0;
    if (!adapted) REQUIRE(info.srtt == rtt_.srtt());
    REQUIRE(info.min_rtt == rtt_.min_rtt());
  }

  Run run_;
  Random random_;
  Told told_;
  World world_;
  tcp::Socket left_;
  tcp::Socket right_;
  std::unique_ptr<Model> model_;
  congestion::RttEstimator::Settings rtt_settings_;
  congestion::RttEstimator rtt_{rtt_settings_};
  std::deque<Arrival> arrivals_;
  std::deque<SeqRange> frames_;
  Seq una_;
  Seq nxt_;
  std::uint32_t first_ = 0;
  std::uint16_t window_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t order_ = 0;
  unsigned acks_ = 0;
  unsigned timeouts_ = 0;
};

TEST_CASE(
    "after every ACK of a lossy connection the sender's books say what the wire has shown [R8985-6.2-6, R6582-3.2-4, "
    "R6298-2.3a]") {
  std::uint64_t lost = 0;
  unsigned timeouts = 0, acks = 0;
  for (const bool sack : {true, false}) {
    for (const double loss : {0.01, 0.05, 0.15}) {
      for (const Duration jitter : {Duration(0), Duration(3ms)}) {
        for (std::uint64_t seed = 1; seed <= 2; ++seed) {
          CAPTURE(sack);
          CAPTURE(loss);
          Books books({sack, loss, jitter, seed});
          books.transfer(12'000);
          lost += books.lost();
          timeouts += books.timeouts();
          acks += books.acks();
        }
      }
    }
  }
  CHECK(lost > 5'000);
  CHECK(timeouts > 5);
  CHECK(acks > 1000);
}

}  // namespace
}  // namespace sluice::test
