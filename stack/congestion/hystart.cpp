// RFC 9406 section 4.2, and the ACK train.
#include "stack/congestion/hystart.hpp"

#include <algorithm>

namespace sluice::congestion {

// The first ACK behind a round's end begins the next: what the last one let go belongs to that, too. Were it left out,
// rounds would end ever earlier within a flight, whose own queue then looks like a rising RTT. The round in which CSS
// began counts as its first.
bool HyStart::on_ack(const AckSample& sample) noexcept {
  const bool begins = acked_ >= window_end_;
  acked_ += sample.newly_acked;
  if (begins) begin_round(sample.in_flight);
  if (sample.rtt > Duration::zero()) {
    current_ = std::min(current_, sample.rtt);
    shortest_ = std::min(shortest_, sample.rtt);
    ++samples_;
  }
  judge();
  if (fills_path(sample.now) && !conservative()) baseline_ = kByTrain;
  return acked_ >= window_end_ && conservative() && ++css_rounds_ >= kCssRounds;  // [R9406-4.2-7]
}

// The round's own minimum against that of the round before [R9406-4.2-3] [R9406-4.2-4]; in CSS, against the minimum
// that led there: was it a false alarm? [R9406-4.2-6]
void HyStart::judge() noexcept {
  if (samples_ < kRttSamples || current_ == kNone) return;
  if (conservative()) {
    if (current_ >= baseline_) return;
    baseline_ = kNone;
    css_rounds_ = 0;
    return;
  }
  if (last_ == kNone) return;
  const Duration threshold = std::clamp(last_ / 8, kMinimumThreshold, kMaximumThreshold);
  if (current_ >= last_ + threshold) baseline_ = current_;
}

// Follows the train of ACKs; true = it lasts longer than half the shortest round trip, a paced one longer than all of
// it.
bool HyStart::fills_path(Time now) noexcept {
  if (shortest_ == kNone || now - last_ack_ > shortest_ / kTrainPause) train_began_ = now;
  last_ack_ = now;
  return shortest_ != kNone && now - train_began_ > (paced_ ? shortest_ : shortest_ / 2);
}

// The round ends with what is out now [R9406-4.2-1].
void HyStart::begin_round(std::uint64_t in_flight) noexcept {
  window_end_ = acked_ + in_flight;
  last_ = current_;
  current_ = kNone;
  samples_ = 0;
}

}  // namespace sluice::congestion
