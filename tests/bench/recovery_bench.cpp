// What one ACK costs loss recovery, with few and with many ranges in flight: a script of ACKs is made first, then
// replayed.
#include <benchmark/benchmark.h>

#include <chrono>
#include <deque>
#include <iterator>
#include <map>
#include <vector>

#include "stack/base/random.hpp"
#include "stack/tcp/recovery.hpp"

namespace sluice::tcp {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kSmss = 1448;
constexpr Duration kGap = 1us;  // between arrivals
const Seq kStart = Seq::initial(WireSeq{0xffff0000});

SeqRange segments(unsigned first, unsigned last) { return {kStart + first * kSmss, kStart + last * kSmss}; }

struct Event {
  unsigned ack = 0;
  std::vector<SeqRange> blocks;
  bool duplicate = false;
};

/// A sender that keeps `window` segments out; what an event makes it send goes to `sent`.
class Sender {
 public:
  explicit Sender(unsigned window) : window_(window) {
    recovery_.start(true, kStart);
    rtt_.sample(window * kGap, now_);
    while (nxt_ < window_) send_new();
  }

  void take(const Event& event, std::vector<unsigned>* sent) {
    now_ += kGap;
    recovery_.on_ack({.ack = kStart + event.ack * kSmss,
                      .sacks = event.blocks,
                      .duplicate = event.duplicate,
                      .smss = kSmss,
                      .now = now_},
                     rtt_);
    while (recovery_.pipe() < std::uint64_t{window_} * kSmss) {
      const auto lost = recovery_.next_to_resend(kSmss);
      if (sent) sent->push_back(lost ? static_cast<unsigned>((lost->begin - kStart) / kSmss) : nxt_);
      if (lost) {
        recovery_.on_resent(*lost, now_);
      } else {
        send_new();
      }
    }
  }
  std::size_t ranges() const { return recovery_.log().size(); }

 private:
  void send_new() {
    recovery_.on_sent(segments(nxt_, nxt_ + 1), now_);
    ++nxt_;
  }

  unsigned window_;
  unsigned nxt_ = 0;
  Time now_{Duration(1s)};
  congestion::RttEstimator::Settings settings_;
  congestion::RttEstimator rtt_{settings_};
  Recovery recovery_;
};

/// Each `period`-th segment is lost the first time; 0 = none. Three blocks: the newest, and two before it.
std::vector<Event> script(unsigned window, unsigned period) {
  Sender sender(window);
  std::deque<unsigned> wire;
  for (unsigned i = 0; i < window; ++i) wire.push_back(i);
  std::map<unsigned, unsigned> received;  // begin to end
  std::vector<bool> dropped(20 * window);
  unsigned expected = 0;
  std::vector<Event> events;
  while (events.size() < 3 * window) {
    const unsigned number = wire.front();
    wire.pop_front();
    if (period && number % period == 0 && !dropped[number]) {
      dropped[number] = true;
      continue;
    }
    auto at = received.emplace(number, number + 1).first;
    if (at != received.begin() && std::prev(at)->second == number) {
      at = std::prev(at);
      received.erase(number);
      at->second = number + 1;
    }
    const auto after = std::next(at);
    if (after != received.end() && after->first == at->second) {
      at->second = after->second;
      received.erase(after);
    }
    Event event{expected, {}, true};
    if (at->first <= expected) {
      event = {expected = at->second, {}, false};
      received.erase(at);
    } else {
      for (unsigned i = 0; i < 3; ++i) {
        event.blocks.push_back(segments(at->first, at->second));
        if (at == received.begin()) break;
        --at;
      }
    }
    std::vector<unsigned> sent;
    sender.take(event, &sent);
    wire.insert(wire.end(), sent.begin(), sent.end());
    events.push_back(std::move(event));
  }
  return events;
}

/// Blocks that begin anywhere, of any length, on every ACK: what an attacker would send.
std::vector<Event> abuse(unsigned window) {
  Random random(Key{1}, KeyUse::test);
  std::vector<Event> events(3 * window);
  for (Event& event : events) {
    event.duplicate = true;
    for (int i = 0; i < 4; ++i) {
      const Seq begin = kStart + kSmss + random.below((window - 2) * kSmss);
      event.blocks.push_back({begin, std::min(begin + 1 + random.below(kSmss * 4), segments(0, window).end)});
    }
  }
  return events;
}

void replay(benchmark::State& state, const std::vector<Event>& events) {
  std::size_t most = 0;
  for (auto _ : state) {
    state.PauseTiming();
    Sender sender(static_cast<unsigned>(state.range(0)));
    state.ResumeTiming();
    for (const Event& event : events) sender.take(event, nullptr);
    most = std::max(most, sender.ranges());
  }
  const auto acks = static_cast<double>(events.size());
  state.counters["per_ack"] =
      benchmark::Counter(acks, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["ranges"] = static_cast<double>(most);
}

void clean(benchmark::State& state) { replay(state, script(static_cast<unsigned>(state.range(0)), 0)); }
void one_in_fifty_lost(benchmark::State& state) { replay(state, script(static_cast<unsigned>(state.range(0)), 50)); }
void one_in_five_lost(benchmark::State& state) { replay(state, script(static_cast<unsigned>(state.range(0)), 5)); }
void hostile_blocks(benchmark::State& state) { replay(state, abuse(static_cast<unsigned>(state.range(0)))); }

BENCHMARK(clean)->Arg(100)->Arg(10000)->Unit(benchmark::kMicrosecond);
BENCHMARK(one_in_fifty_lost)->Arg(100)->Arg(10000)->Unit(benchmark::kMicrosecond);
BENCHMARK(one_in_five_lost)->Arg(100)->Arg(10000)->Unit(benchmark::kMicrosecond);
BENCHMARK(hostile_blocks)->Arg(100)->Arg(10000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace sluice::tcp
