// RFC 6298's arithmetic, in nanoseconds.
#include "stack/congestion/rtt.hpp"

#include <algorithm>
#include <chrono>

namespace sluice::congestion {
namespace {

using namespace std::chrono_literals;

constexpr Duration kGranularity = 1ms;   // G: what a timer of ours can be trusted with [R6298-4-1]
constexpr Duration kAfterLostSyn = 3s;   // [R6298-5.7]
constexpr Duration kMinimumPeriod = 5s;  // two of them are the window of min_rtt

Duration distance(Duration a, Duration b) noexcept { return a > b ? a - b : b - a; }

}  // namespace

void RttEstimator::sample(Duration rtt, Time now, std::uint32_t samples_per_rtt) noexcept {
  rtt = std::max(rtt, Duration(1));
  if (!has_sample()) {  // [R6298-2.2]
    srtt_ = rtt;
    rttvar_ = rtt / 2;
  } else {  // RTTVAR before SRTT [R6298-2.3a], gains 1/4 and 1/8 [R6298-2.3b], damped [R7323-4.2-1]
    const auto samples = static_cast<Duration::rep>(std::max(samples_per_rtt, 1u));
    rttvar_ += (distance(srtt_, rtt) - rttvar_) / (4 * samples);
    srtt_ += (rtt - srtt_) / (8 * samples);
  }
  take_minimum(rtt, now);
}

void RttEstimator::sample_after_spurious_timeout(Duration rtt, Time now) noexcept {
  srtt_ = std::max(srtt_ + 2 * kGranularity, rtt);
  rttvar_ = std::max(rttvar_, rtt / 2);
  take_minimum(rtt, now);
}

void RttEstimator::take_minimum(Duration rtt, Time now) noexcept {
  const bool first = minimum_now_ == Duration::zero();
  if (first || now - period_at_ >= 2 * kMinimumPeriod) {
    minimum_before_ = minimum_now_ = rtt;
    period_at_ = now;
  } else if (now - period_at_ >= kMinimumPeriod) {
    minimum_before_ = minimum_now_;
    minimum_now_ = rtt;
    period_at_ = now;
  } else {
    minimum_now_ = std::min(minimum_now_, rtt);
  }
}

void RttEstimator::syn_timed_out() noexcept { syn_timed_out_ = true; }

Duration RttEstimator::rto() const noexcept {
  if (!has_sample()) return syn_timed_out_ ? std::max(settings_->initial, kAfterLostSyn) : settings_->initial;
  const Duration variance = std::max({4 * rttvar_, settings_->variance_floor, kGranularity});
  return std::clamp(srtt_ + variance, settings_->floor, std::max(settings_->floor, settings_->ceiling));
}

Duration RttEstimator::rto(unsigned backoff) const noexcept {
  Duration timeout = rto();
  for (; backoff > 0 && timeout < settings_->ceiling; --backoff) timeout *= 2;  // [R6298-5.5]
  return std::min(timeout, std::max(settings_->ceiling, rto()));
}

}  // namespace sluice::congestion
