// The events of BBR, and what its model means for the rate and the window (draft-ietf-ccwg-bbr 5.6).
#include "stack/congestion/bbr.hpp"

#include <algorithm>
#include <chrono>

namespace sluice::congestion {
namespace {

// Per cent.
constexpr std::uint32_t kStartupPacing = 277;
constexpr std::uint32_t kDrainPacing = 35;
constexpr std::uint32_t kDownPacing = 90;
constexpr std::uint32_t kUpPacing = 125;
constexpr std::uint32_t kCwndGain = 200;
constexpr std::uint32_t kUpCwndGain = 225;
constexpr std::uint32_t kProbeRttGain = 50;
constexpr std::uint32_t kMargin = 99;    // pacing leaves a hundredth free, so that queues drain
constexpr std::uint32_t kHeadroom = 15;  // for flows that begin
constexpr std::uint64_t kLargestQuantum = 65536;

}  // namespace

// 5.6.2: before any sample the rate is what sends the initial window in a millisecond.
Bbr::Bbr(const Settings& settings) noexcept
    : smss_(settings.smss),
      initial_cwnd_(std::max<std::uint64_t>(settings.initial, settings.smss)),
      cwnd_(initial_cwnd_),
      pacing_rate_(initial_cwnd_ * 1000 * kStartupPacing / 100),
      random_(settings.seed) {}

void Bbr::on_ack(const AckSample& sample) noexcept {
  if (sample.newly_acked == 0 && sample.newly_delivered == 0) return;
  take_sample(sample);
  update_latest_signals(sample);
  update_congestion_signals(sample);
  update_aggregation(sample);
  check_full_bw();
  check_startup_done(sample);
  update_probe_bw_phase(sample);
  update_min_rtt(sample);
  check_probe_rtt(sample);
  if (loss_round_start_) {
    bw_latest_ = rate_;
    inflight_latest_ = rs_delivered_;
  }
  bw_ = std::min(max_bandwidth(), bw_lo_);
  set_pacing_rate(pacing_percent());
  set_cwnd(sample);
}

void Bbr::on_congestion_event(Time /*now*/, std::uint64_t flight) noexcept {
  if (!in_recovery_) {
    save_cwnd();
    undo_bw_lo_ = bw_lo_;
    undo_inflight_lo_ = inflight_lo_;
    undo_inflight_hi_ = inflight_hi_;
  }
  in_recovery_ = true;
  loss_in_round_ = true;
  cwnd_ = std::max<std::uint64_t>(std::min(cwnd_, flight), smss_);  // what is lost leaves it with the same ACK
}

void Bbr::on_recovery_end(Time /*now*/) noexcept {
  if (in_recovery_) restore_cwnd();
  in_recovery_ = false;
}

// 5.6.4.4: what was out may be lost, so begin with one segment; the model stays.
void Bbr::on_timeout(Time /*now*/, std::uint64_t /*flight*/, bool first) noexcept {
  if (first) {
    save_cwnd();
    undo_bw_lo_ = bw_lo_;
    undo_inflight_lo_ = inflight_lo_;
    undo_inflight_hi_ = inflight_hi_;
  }
  in_recovery_ = true;
  cwnd_ = smss_;
}

// 5.5.11.3: what the false alarm lowered is as it was.
void Bbr::on_undo(Time /*now*/) noexcept {
  loss_in_round_ = false;
  reset_full_bw();
  bw_lo_ = std::max(bw_lo_, undo_bw_lo_);
  inflight_lo_ = std::max(inflight_lo_, undo_inflight_lo_);
  inflight_hi_ = std::max(inflight_hi_, undo_inflight_hi_);
  restore_cwnd();
  in_recovery_ = false;
}

// The draft leaves marks to others; RFC 3168 wants them answered as losses are.
void Bbr::on_ecn(Time /*now*/, std::uint64_t /*flight*/) noexcept { loss_in_round_ = true; }

// 5.4.1: a silence says nothing about the path, so the rate goes on where it was, and no probe for RTT is due.
void Bbr::on_sent(Time now, std::uint64_t bytes, std::uint64_t in_flight) noexcept {
  if (in_flight > bytes || bw_ == 0) return;
  idle_restart_ = true;
  aggregation_began_ = now;
  aggregation_delivered_ = 0;
  if (in_probe_bw()) set_pacing_rate(100);
  if (state_ == State::probe_rtt) check_probe_rtt_done(now);
}

void Bbr::on_mss(std::uint32_t smss) noexcept {
  if (smss < smss_) cwnd_ = cwnd_ * smss / smss_;
  smss_ = smss;
  cwnd_ = std::max<std::uint64_t>(cwnd_, smss_);
}

// --- rate --------------------------------------------------------------------------------------------------------

std::uint32_t Bbr::pacing_percent() const noexcept {
  switch (state_) {
    case State::startup: return kStartupPacing;
    case State::drain: return kDrainPacing;
    case State::probe_down: return kDownPacing;
    case State::probe_up: return kUpPacing;
    case State::probe_cruise:
    case State::probe_refill:
    case State::probe_rtt: break;
  }
  return 100;
}

// Until the pipe was full once, a lower rate only shows that there was too little to send.
void Bbr::set_pacing_rate(std::uint32_t percent) noexcept {
  const std::uint64_t rate = bw_ * percent / 100 * kMargin / 100;
  if (rate > 0 && (full_bw_reached_ || rate > pacing_rate_)) pacing_rate_ = rate;
}

// --- window ------------------------------------------------------------------------------------------------------

std::uint32_t Bbr::cwnd_percent() const noexcept {
  if (state_ == State::startup || state_ == State::drain) return kCwndGain;
  if (state_ == State::probe_up) return kUpCwndGain;
  return state_ == State::probe_rtt ? kProbeRttGain : kCwndGain;
}

std::uint64_t Bbr::bdp(std::uint64_t bandwidth, std::uint32_t percent) const noexcept {
  if (min_rtt_ == Duration::max()) return initial_cwnd_;
  const auto us = static_cast<std::uint64_t>(
      std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::microseconds>(min_rtt_).count()));
  return bandwidth * us / 1'000'000 * percent / 100;
}

// Bursts of the sender, the device and the receiver must not starve the path.
std::uint64_t Bbr::quantised(std::uint64_t in_flight) const noexcept {
  const std::uint64_t quantum =
      std::max(2 * std::uint64_t{smss_}, std::min<std::uint64_t>(pacing_rate_ / 1000, kLargestQuantum));
  const std::uint64_t budget = std::max({in_flight, 3 * quantum, minimum_window()});
  return state_ == State::probe_up ? budget + 2 * std::uint64_t{smss_} : budget;
}

std::uint64_t Bbr::inflight_with_headroom() const noexcept {
  if (inflight_hi_ == kNone) return kNone;
  const std::uint64_t headroom = std::max<std::uint64_t>(smss_, inflight_hi_ * kHeadroom / 100);
  return std::max(inflight_hi_ > headroom ? inflight_hi_ - headroom : 0, minimum_window());
}

std::uint64_t Bbr::probe_rtt_window() const noexcept { return std::max(bdp(bw_, kProbeRttGain), minimum_window()); }

void Bbr::set_cwnd(const AckSample& sample) noexcept {
  const std::uint64_t most = quantised(bdp(bw_, cwnd_percent()) + extra_acked());
  // What was lost is not to be replaced at once.
  if (sample.newly_lost > 0)
    cwnd_ = std::max<std::uint64_t>(cwnd_ > sample.newly_lost ? cwnd_ - sample.newly_lost : 0, smss_);
  if (full_bw_reached_)
    cwnd_ = std::min(cwnd_ + sample.newly_delivered, most);
  else if (cwnd_ < most || delivered_ < initial_cwnd_)
    cwnd_ += sample.newly_delivered;
  if (!in_recovery_) cwnd_ = std::max(cwnd_, minimum_window());
  bound_cwnd();
}

void Bbr::bound_cwnd() noexcept {
  if (state_ == State::probe_rtt) cwnd_ = std::min(cwnd_, probe_rtt_window());
  std::uint64_t cap = kNone;
  if (state_ == State::probe_rtt || state_ == State::probe_cruise)
    cap = inflight_with_headroom();
  else if (in_probe_bw())
    cap = inflight_hi_;
  cwnd_ = std::min(cwnd_, std::max(std::min(cap, inflight_lo_), minimum_window()));
}

void Bbr::save_cwnd() noexcept {
  const bool low = in_recovery_ || state_ == State::probe_rtt;
  prior_cwnd_ = low ? std::max(prior_cwnd_, cwnd_) : cwnd_;
}

std::unique_ptr<Controller> make_bbr(const Settings& settings) { return std::make_unique<Bbr>(settings); }

}  // namespace sluice::congestion
