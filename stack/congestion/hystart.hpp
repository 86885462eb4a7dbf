// When to leave the first slow start before it loses half a window: HyStart++ (RFC 9406), and of the older HyStart the
// ACK train.
#pragma once

#include <cstdint>

#include "stack/congestion/controller.hpp"

namespace sluice::congestion {

/// Watches the RTT of each round. While it rises, growth is cut to a quarter (CSS); if it keeps up for five rounds,
/// slow start is over. Only for the first slow start [R9406-4.3-3].
///
/// The RTT tells of a queue a round trip after it has formed, when a window twice as large is under way. ACKs tell
/// sooner: they come as far apart as the bottleneck lets packets through, and a train of them that lasts half a round
/// trip is half of what the path holds; what left meanwhile is the other half (Ha and Rhee, Taming the elephants: New
/// TCP slow start, 2011). So such a train begins CSS, too, and a slower one: only the queue is left to fill.
class HyStart {
 public:
  static constexpr std::uint32_t kGrowthDivisor = 4;  ///< CSS_GROWTH_DIVISOR [R9406-4.3-2]
  static constexpr std::uint32_t kCssRounds = 5;
  static constexpr std::uint32_t kRttSamples = 8;  ///< N_RTT_SAMPLE
  static constexpr std::uint32_t kLimit = 8;       ///< L where nothing is paced [R9406-4.3-1]
  static constexpr Duration kMinimumThreshold = std::chrono::milliseconds(4);
  static constexpr Duration kMaximumThreshold = std::chrono::milliseconds(16);
  static constexpr std::uint32_t kTrainDivisor = 8;  ///< of growth after a train
  static constexpr std::uint32_t kTrainPause = 16;   ///< a pause of this part of the shortest RTT ends a train

  /// `paced`: the sender spreads a window over half a round trip, so a train has to last a whole one.
  explicit HyStart(bool paced = false) noexcept : paced_(paced) {}

  /// An ACK in slow start; true = slow start is over: ssthresh = cwnd.
  bool on_ack(const AckSample& sample) noexcept;
  /// In conservative slow start (CSS).
  bool conservative() const noexcept { return baseline_ != kNone; }
  /// What an ACK adds is divided by this.
  std::uint32_t growth_divisor() const noexcept {
    if (!conservative()) return 1;
    return baseline_ == kByTrain ? kTrainDivisor : kGrowthDivisor;
  }

 private:
  static constexpr Duration kNone = Duration::max();      // "infinity"
  static constexpr Duration kByTrain = Duration::zero();  // a baseline that no RTT is below

  void begin_round(std::uint64_t in_flight) noexcept;
  void judge() noexcept;
  bool fills_path(Time now) noexcept;

  std::uint64_t acked_ = 0;       // bytes so far
  std::uint64_t window_end_ = 0;  // the round is over when acked_ gets here
  Duration last_ = kNone;         // lastRoundMinRTT
  Duration current_ = kNone;      // currentRoundMinRTT
  Duration baseline_ = kNone;     // cssBaselineMinRtt; kNone = not in CSS
  Duration shortest_ = kNone;     // of all rounds
  Time train_began_{};
  Time last_ack_{};
  std::uint32_t samples_ = 0;
  std::uint32_t css_rounds_ = 0;
  bool paced_;
};

}  // namespace sluice::congestion
