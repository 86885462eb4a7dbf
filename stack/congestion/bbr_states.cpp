// BBR's states: Startup, Drain, the four phases of ProbeBW, ProbeRTT (draft-ietf-ccwg-bbr 5.3).
#include <algorithm>
#include <chrono>

#include "stack/congestion/bbr.hpp"

namespace sluice::congestion {
namespace {

using namespace std::chrono_literals;

constexpr Duration kProbeRttDuration = 200ms;
constexpr Duration kShortestWait = 2s;
constexpr std::uint64_t kMostRounds = 63;  // a Reno flow of that window would have probed by then
constexpr std::uint32_t kStartupLossEvents = 6;

}  // namespace

// splitmix64: enough to keep flows from probing in step.
std::uint32_t Bbr::below(std::uint32_t bound) noexcept {
  std::uint64_t z = random_ += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return static_cast<std::uint32_t>((z ^ z >> 31) % bound);
}

void Bbr::check_startup_done(const AckSample& sample) noexcept {
  if (state_ == State::startup) {
    check_startup_high_loss(sample);
    if (loss_round_start_) {
      loss_in_round_ = false;
      loss_events_ = 0;
    }
    if (full_bw_reached_) state_ = State::drain;
  }
  if (state_ == State::drain && sample.in_flight <= inflight(100)) start_down(sample.now);
}

// A round of recovery with much and scattered loss: a shallow queue is full before the bandwidth shows it.
void Bbr::check_startup_high_loss(const AckSample& sample) noexcept {
  if (full_bw_reached_ || !loss_round_start_ || !sample.in_recovery) return;
  if (loss_events_ < kStartupLossEvents || !inflight_too_high(sample)) return;
  full_bw_reached_ = true;
  inflight_hi_ = std::max(bdp(max_bandwidth(), 100), inflight_latest_);
}

// --- ProbeBW -----------------------------------------------------------------------------------------------------

void Bbr::update_probe_bw_phase(const AckSample& sample) noexcept {
  if (!full_bw_reached_) return;
  adapt_long_term_model(sample);
  switch (state_) {
    case State::probe_down:
    case State::probe_cruise:
      if (time_to_probe(sample.now))
        start_refill();
      else if (state_ == State::probe_down && time_to_cruise(sample.in_flight))
        state_ = State::probe_cruise;
      return;
    case State::probe_refill:
      if (round_start_) start_up();
      return;
    case State::probe_up:
      if (time_to_go_down(sample)) start_down(sample.now);
      return;
    case State::startup:
    case State::drain:
    case State::probe_rtt: return;
  }
}

bool Bbr::time_to_probe(Time now) const noexcept {
  const std::uint64_t reno_rounds = std::min(bdp(bw_, 100), cwnd_) / smss_;
  return now > cycle_began_ + probe_wait_ || rounds_since_probe_ >= std::min(reno_rounds, kMostRounds);
}

bool Bbr::time_to_cruise(std::uint64_t in_flight) const noexcept {
  return in_flight <= inflight_with_headroom() && in_flight <= inflight(100);
}

// Where inflight_hi holds us back, it is what has to grow first.
bool Bbr::time_to_go_down(const AckSample& sample) noexcept {
  if (sample.cwnd_limited && cwnd_ >= inflight_hi_) {
    reset_full_bw();
    full_bw_ = rate_;
    return false;
  }
  return full_bw_now_;
}

void Bbr::start_down(Time now) noexcept {
  reset_congestion_signals();
  probe_up_count_ = kNone;
  rounds_since_probe_ = below(2);
  probe_wait_ = kShortestWait + std::chrono::milliseconds(below(1000));
  cycle_began_ = now;
  ack_phase_ = AckPhase::probe_stopping;
  start_round();
  state_ = State::probe_down;
}

// A round at the estimated rate fills the pipe, so that what is lost afterwards is due to the probe.
void Bbr::start_refill() noexcept {
  reset_short_term_model();
  probe_up_rounds_ = 0;
  probe_up_acks_ = 0;
  ack_phase_ = AckPhase::refilling;
  start_round();
  state_ = State::probe_refill;
}

void Bbr::start_up() noexcept {
  probe_samples_ = true;
  ack_phase_ = AckPhase::probe_starting;
  start_round();
  reset_full_bw();
  full_bw_ = rate_;
  state_ = State::probe_up;
  raise_inflight_hi_slope();
}

// --- ProbeRTT ----------------------------------------------------------------------------------------------------

// No sample as short as the shortest for five seconds: let the queue run empty and look.
void Bbr::check_probe_rtt(const AckSample& sample) noexcept {
  if (state_ != State::probe_rtt && probe_rtt_expired_ && !idle_restart_) {
    save_cwnd();
    state_ = State::probe_rtt;
    probe_rtt_done_at_ = Time{};
    ack_phase_ = AckPhase::probe_stopping;
    start_round();
  }
  if (state_ == State::probe_rtt) handle_probe_rtt(sample);
  if (sample.newly_delivered > 0) idle_restart_ = false;
}

// What is sent meanwhile says nothing about the bandwidth.
void Bbr::handle_probe_rtt(const AckSample& sample) noexcept {
  probe_rtt_limited_until_ = delivered_ + sample.in_flight;
  if (probe_rtt_done_at_ == Time{}) {
    if (sample.in_flight > probe_rtt_window()) return;
    probe_rtt_done_at_ = sample.now + kProbeRttDuration;
    probe_rtt_round_done_ = false;
    start_round();
    return;
  }
  probe_rtt_round_done_ = probe_rtt_round_done_ || round_start_;
  if (probe_rtt_round_done_) check_probe_rtt_done(sample.now);
}

void Bbr::check_probe_rtt_done(Time now) noexcept {
  if (probe_rtt_done_at_ == Time{} || now <= probe_rtt_done_at_) return;
  probe_rtt_min_at_ = now;
  restore_cwnd();
  reset_short_term_model();
  if (!full_bw_reached_) {
    state_ = State::startup;
    return;
  }
  start_down(now);
  state_ = State::probe_cruise;
}

}  // namespace sluice::congestion
