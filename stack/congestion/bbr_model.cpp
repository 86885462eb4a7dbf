// BBR's model of the path: bandwidth, round-trip time, aggregation, and the bounds that loss sets (draft-ietf-ccwg-bbr
// 5.5).
#include <algorithm>
#include <chrono>

#include "stack/congestion/bbr.hpp"

namespace sluice::congestion {
namespace {

using namespace std::chrono_literals;

constexpr Duration kMinRttFilter = 10s;
constexpr Duration kProbeRttInterval = 5s;
constexpr std::uint64_t kLossPercent = 2;
constexpr std::uint64_t kExtraAckedRounds = 10;

// Beta: what a round with loss leaves of the bounds.
constexpr std::uint64_t seventy_percent(std::uint64_t value) noexcept { return value / 10 * 7 + value % 10 * 7 / 10; }

}  // namespace

// A sample that took less than the shortest round trip is no measurement (4.1.2.3).
void Bbr::take_sample(const AckSample& sample) noexcept {
  delivered_ = std::max(delivered_ + (sample.delivered == 0 ? sample.newly_delivered : 0), sample.delivered);
  rs_delivered_ = sample.delivered - std::min(sample.delivered, sample.prior_delivered);
  const bool measured =
      sample.rate_interval > Duration::zero() && (min_rtt_ == Duration::max() || sample.rate_interval >= min_rtt_);
  rate_ = measured ? rs_delivered_ * 1'000'000'000 / static_cast<std::uint64_t>(sample.rate_interval.count()) : 0;
  app_limited_ = sample.app_limited || sample.prior_delivered < probe_rtt_limited_until_;
  update_round(sample);
  update_max_bw();
}

void Bbr::update_round(const AckSample& sample) noexcept {
  round_start_ = sample.prior_delivered >= next_round_delivered_;
  if (!round_start_) return;
  start_round();
  ++rounds_;
  ++rounds_since_probe_;
}

void Bbr::update_max_bw() noexcept {
  if (rate_ == 0 || (app_limited_ && rate_ < max_bandwidth())) return;
  max_bw_[0] = std::max(max_bw_[0], rate_);
}

void Bbr::advance_max_bw_filter() noexcept {
  if (max_bw_[0] == 0) return;  // nothing measured in this cycle: the last one still counts
  max_bw_[1] = max_bw_[0];
  max_bw_[0] = 0;
}

void Bbr::update_latest_signals(const AckSample& sample) noexcept {
  bw_latest_ = std::max(bw_latest_, rate_);
  inflight_latest_ = std::max(inflight_latest_, rs_delivered_);
  loss_round_start_ = sample.prior_delivered >= loss_round_delivered_;
  if (loss_round_start_) loss_round_delivered_ = delivered_;
}

void Bbr::update_congestion_signals(const AckSample& sample) noexcept {
  if (sample.newly_lost > 0) {
    loss_in_round_ = true;
    ++loss_events_;
  }
  if (!loss_round_start_) return;
  adapt_lower_bounds();
}

bool Bbr::probes_bandwidth() const noexcept {
  return state_ == State::startup || state_ == State::probe_refill || state_ == State::probe_up;
}

// At the end of a round with loss, unless we probe and cause it on purpose.
void Bbr::adapt_lower_bounds() noexcept {
  if (loss_in_round_ && !probes_bandwidth()) {
    const std::uint64_t bw = bw_lo_ == kNone ? max_bandwidth() : bw_lo_;
    const std::uint64_t inflight = inflight_lo_ == kNone ? cwnd_ : inflight_lo_;
    bw_lo_ = std::max(bw_latest_, seventy_percent(bw));
    inflight_lo_ = std::max(inflight_latest_, seventy_percent(inflight));
  }
  // Startup looks at the losses of this round after us.
  if (state_ != State::startup) loss_events_ = 0;
  if (state_ != State::startup) loss_in_round_ = false;
}

// How much more than the bandwidth explains is acknowledged at once: the window has to cover it.
void Bbr::update_aggregation(const AckSample& sample) noexcept {
  const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::microseconds>(sample.now - aggregation_began_).count()));
  std::uint64_t expected = bw_ * std::min<std::uint64_t>(us, 100'000'000) / 1'000'000;
  if (aggregation_delivered_ <= expected) {
    aggregation_delivered_ = 0;
    aggregation_began_ = sample.now;
    expected = 0;
  }
  aggregation_delivered_ += sample.newly_delivered;
  const std::uint64_t extra = std::min(aggregation_delivered_ - std::min(aggregation_delivered_, expected), cwnd_);
  const std::uint64_t rounds = full_bw_reached_ ? kExtraAckedRounds / 2 : 1;  // of each half of the filter
  if (rounds_ >= extra_acked_round_ + rounds) {
    extra_acked_[1] = extra_acked_[0];
    extra_acked_[0] = 0;
    extra_acked_round_ = rounds_;
  }
  extra_acked_[0] = std::max(extra_acked_[0], extra);
}

void Bbr::update_min_rtt(const AckSample& sample) noexcept {
  probe_rtt_expired_ = probe_rtt_min_ != Duration::max() && sample.now > probe_rtt_min_at_ + kProbeRttInterval;
  if (sample.rtt > Duration::zero() && (sample.rtt < probe_rtt_min_ || probe_rtt_expired_)) {
    probe_rtt_min_ = sample.rtt;
    probe_rtt_min_at_ = sample.now;
  }
  const bool expired = sample.now > min_rtt_at_ + kMinRttFilter;
  if (probe_rtt_min_ < min_rtt_ || (expired && probe_rtt_min_ != Duration::max())) {
    min_rtt_ = probe_rtt_min_;
    min_rtt_at_ = probe_rtt_min_at_;
  }
}

// Three rounds that don't deliver a quarter more: the pipe is full.
void Bbr::check_full_bw() noexcept {
  if (full_bw_now_ || !round_start_ || app_limited_ || rate_ == 0) return;
  if (rate_ >= full_bw_ + full_bw_ / 4) {
    reset_full_bw();
    full_bw_ = rate_;
    return;
  }
  full_bw_now_ = ++full_bw_count_ >= 3;
  full_bw_reached_ = full_bw_reached_ || full_bw_now_;
}

void Bbr::reset_full_bw() noexcept {
  full_bw_ = 0;
  full_bw_count_ = 0;
  full_bw_now_ = false;
}

void Bbr::reset_congestion_signals() noexcept {
  loss_in_round_ = false;
  loss_events_ = 0;
  bw_latest_ = inflight_latest_ = 0;
}

void Bbr::reset_short_term_model() noexcept { bw_lo_ = inflight_lo_ = kNone; }

// --- how much the path holds -------------------------------------------------------------------------------------

bool Bbr::inflight_too_high(const AckSample& sample) const noexcept {
  return sample.lost_since_sent * 100 > sample.tx_in_flight * kLossPercent;
}

void Bbr::handle_inflight_too_high(const AckSample& sample) noexcept {
  probe_samples_ = false;
  if (!app_limited_) {
    const std::uint64_t target = std::min(bdp(bw_, 100), cwnd_);
    inflight_hi_ = std::max(sample.tx_in_flight, seventy_percent(target));
  }
  if (state_ == State::probe_up) start_down(sample.now);
}

// What a probe taught, once its ACKs come in.
void Bbr::adapt_long_term_model(const AckSample& sample) noexcept {
  if (ack_phase_ == AckPhase::probe_starting && round_start_) ack_phase_ = AckPhase::probe_feedback;
  if (ack_phase_ == AckPhase::probe_stopping && round_start_) {
    probe_samples_ = false;
    ack_phase_ = AckPhase::init;
    if (in_probe_bw() && !app_limited_) advance_max_bw_filter();
  }
  if (inflight_too_high(sample)) {
    if (probe_samples_) handle_inflight_too_high(sample);
    return;
  }
  if (inflight_hi_ == kNone) return;
  inflight_hi_ = std::max(inflight_hi_, sample.tx_in_flight);
  if (state_ == State::probe_up) probe_inflight_hi_upward(sample);
}

void Bbr::probe_inflight_hi_upward(const AckSample& sample) noexcept {
  if (!sample.cwnd_limited || cwnd_ < inflight_hi_) return;  // it isn't what limits
  probe_up_acks_ += sample.newly_delivered;
  if (probe_up_acks_ >= probe_up_count_) {
    inflight_hi_ += probe_up_acks_ / probe_up_count_ * smss_;
    probe_up_acks_ %= probe_up_count_;
  }
  if (round_start_) raise_inflight_hi_slope();
}

// One segment in the first round, then two, four…
void Bbr::raise_inflight_hi_slope() noexcept {
  const std::uint64_t segments = std::uint64_t{1} << probe_up_rounds_;
  probe_up_rounds_ = std::min<std::uint32_t>(probe_up_rounds_ + 1, 30);
  probe_up_count_ = std::max<std::uint64_t>(cwnd_ / segments, 1);
}

}  // namespace sluice::congestion
