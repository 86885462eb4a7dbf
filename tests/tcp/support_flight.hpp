// A flight of numbered segments over a path of 100 ms, for tests of loss recovery.
#pragma once

#include <chrono>
#include <initializer_list>
#include <vector>

#include "stack/tcp/recovery.hpp"

namespace sluice::tcp {

/// Segments 1, 2, 3 … of one SMSS each; the sequence number wraps inside segment 3.
class Flight {
 public:
  static constexpr std::uint32_t kSmss = 1000;
  static constexpr Duration kTrip = std::chrono::milliseconds(100);

  explicit Flight(bool sack) {
    recovery.start(sack, start);
    rtt.sample(kTrip, now);
  }

  /// Bytes of segments first to last.
  SeqRange segment(unsigned first, unsigned last = 0) const {
    return {start + (first - 1) * kSmss, start + (last ? last : first) * kSmss};
  }
  void wait(Duration duration) { now += duration; }
  /// The next `count` segments leave, a frame each, all at once.
  void send(unsigned count) {
    for (; count > 0; --count) send_frame(kSmss);
  }
  void send_frame(std::uint64_t bytes) {
    const Seq nxt = recovery.log().end();
    recovery.on_sent({nxt, nxt + bytes}, now);
  }
  /// What is lost leaves again, at most `frames` frames; says what left.
  std::vector<SeqRange> resend(unsigned frames = 1000) {
    std::vector<SeqRange> sent;
    for (; frames > 0; --frames) {
      const auto range = recovery.next_to_resend(kSmss);
      if (!range) break;
      recovery.on_resent(*range, now);
      sent.push_back(*range);
    }
    return sent;
  }
  /// An ACK of segments 1 to `last`, with these blocks. A duplicate if it acknowledges nothing new.
  RecoveryFacts ack(unsigned last, std::initializer_list<SeqRange> blocks = {}) {
    const Seq number = segment(1, last + 1).end - kSmss;
    const bool duplicate = number == recovery.log().begin() && !recovery.log().empty();
    return recovery.on_ack({.ack = number,
                            .sacks = std::span(blocks.begin(), blocks.size()),
                            .duplicate = duplicate,
                            .smss = kSmss,
                            .now = now,
                            .echoed_before = echoed_before},
                           rtt);
  }
  RecoveryFacts time_out() { return recovery.on_timeout(now, rtt); }
  RecoveryFacts fire() {
    if (recovery.reorder_deadline() != kNever) now = std::max(now, recovery.reorder_deadline());
    return recovery.on_reorder_timer(now, rtt);
  }
  /// Of a segment's first byte.
  const SentRange& mark(unsigned number) const { return recovery.log()[recovery.log().find(segment(number).begin)]; }
  /// Segments thought to be in the network.
  std::uint64_t pipe() const { return recovery.pipe() / kSmss; }

  const Seq start = Seq::initial(WireSeq{0xffffffff - 2500});
  Time now{std::chrono::seconds(50)};
  Time echoed_before = kNever;
  congestion::RttEstimator::Settings settings;
  congestion::RttEstimator rtt{settings};
  Recovery recovery;
};

}  // namespace sluice::tcp
