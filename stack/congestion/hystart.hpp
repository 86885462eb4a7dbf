// When to leave the first slow start before it loses half a window: HyStart++ (RFC 9406).
#pragma once

#include <cstdint>

#include "stack/congestion/controller.hpp"

namespace sluice::congestion {

/// Watches the RTT of each round. While it rises, growth is cut to a quarter (CSS); if it keeps up for five rounds,
/// slow start is over. Only for the first slow start [R9406-4.3-3].
class HyStart {
 public:
  static constexpr std::uint32_t kGrowthDivisor = 4;  ///< CSS_GROWTH_DIVISOR [R9406-4.3-2]
  static constexpr std::uint32_t kCssRounds = 5;
  static constexpr std::uint32_t kRttSamples = 8;  ///< N_RTT_SAMPLE
  static constexpr std::uint32_t kLimit = 8;       ///< L where nothing is paced [R9406-4.3-1]
  static constexpr Duration kMinimumThreshold = std::chrono::milliseconds(4);
  static constexpr Duration kMaximumThreshold = std::chrono::milliseconds(16);

  /// An ACK in slow start; true = slow start is over: ssthresh = cwnd.
  bool on_ack(const AckSample& sample) noexcept;
  /// In conservative slow start: what an ACK adds is divided by kGrowthDivisor.
  bool conservative() const noexcept { return baseline_ != kNone; }

 private:
  static constexpr Duration kNone = Duration::max();  // "infinity"

  bool end_round(std::uint64_t in_flight) noexcept;
  void judge() noexcept;

  std::uint64_t acked_ = 0;       // bytes so far
  std::uint64_t window_end_ = 0;  // the round is over when acked_ gets here
  Duration last_ = kNone;         // lastRoundMinRTT
  Duration current_ = kNone;      // currentRoundMinRTT
  Duration baseline_ = kNone;     // cssBaselineMinRtt; kNone = not in CSS
  std::uint32_t samples_ = 0;
  std::uint32_t css_rounds_ = 0;
};

}  // namespace sluice::congestion
