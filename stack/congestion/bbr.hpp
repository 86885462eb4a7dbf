// BBR version 3 (draft-ietf-ccwg-bbr): a model of the path (how fast, how long, how much it holds) decides the rate and
// the window; loss and marks only bound the model.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "stack/congestion/controller.hpp"

namespace sluice::congestion {

/// bbr.cpp: the interface, and what the model means for rate and window (section 5.6). bbr_model.cpp: the model (5.5).
/// bbr_states.cpp: the state machine (5.3). Names are the draft's. Bytes, and bytes per second.
class Bbr final : public Controller {
 public:
  enum class State : std::uint8_t { startup, drain, probe_down, probe_cruise, probe_refill, probe_up, probe_rtt };

  explicit Bbr(const Settings& settings) noexcept;

  void on_ack(const AckSample& sample) noexcept override;
  void on_congestion_event(Time now, std::uint64_t flight) noexcept override;
  void on_recovery_end(Time now) noexcept override;
  void on_timeout(Time now, std::uint64_t flight, bool first) noexcept override;
  void on_idle(Time /*now*/) noexcept override {}  // on_sent() sees each restart, however short the silence
  void on_undo(Time now) noexcept override;
  void on_ecn(Time now, std::uint64_t flight) noexcept override;
  void on_sent(Time now, std::uint64_t bytes, std::uint64_t in_flight) noexcept override;
  void on_mss(std::uint32_t smss) noexcept override;

  std::uint64_t cwnd() const noexcept override { return cwnd_; }
  std::uint64_t ssthresh() const noexcept override { return kNone; }
  std::uint64_t pacing_rate() const noexcept override { return pacing_rate_; }

  // For tests and traces.
  State state() const noexcept { return state_; }
  std::uint64_t max_bandwidth() const noexcept { return std::max(max_bw_[0], max_bw_[1]); }
  Duration min_rtt() const noexcept { return min_rtt_; }
  std::uint64_t inflight_hi() const noexcept { return inflight_hi_; }
  std::uint64_t inflight_lo() const noexcept { return inflight_lo_; }
  std::uint64_t bandwidth_lo() const noexcept { return bw_lo_; }
  std::uint64_t extra_acked() const noexcept { return std::max(extra_acked_[0], extra_acked_[1]); }
  bool full_bandwidth_reached() const noexcept { return full_bw_reached_; }

 private:
  static constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();  // "infinity"
  enum class AckPhase : std::uint8_t { init, refilling, probe_starting, probe_feedback, probe_stopping };

  // bbr_model.cpp
  void take_sample(const AckSample& sample) noexcept;
  void update_latest_signals(const AckSample& sample) noexcept;
  void update_round(const AckSample& sample) noexcept;
  void update_max_bw() noexcept;
  void advance_max_bw_filter() noexcept;
  void update_congestion_signals(const AckSample& sample) noexcept;
  void adapt_lower_bounds() noexcept;
  void update_aggregation(const AckSample& sample) noexcept;
  void update_min_rtt(const AckSample& sample) noexcept;
  void check_full_bw() noexcept;
  void reset_full_bw() noexcept;
  void reset_congestion_signals() noexcept;
  void reset_short_term_model() noexcept;
  void start_round() noexcept { next_round_delivered_ = delivered_; }
  bool inflight_too_high(const AckSample& sample) const noexcept;
  void handle_inflight_too_high(const AckSample& sample) noexcept;
  void adapt_long_term_model(const AckSample& sample) noexcept;
  void probe_inflight_hi_upward(const AckSample& sample) noexcept;
  void raise_inflight_hi_slope() noexcept;

  // bbr_states.cpp
  void check_startup_done(const AckSample& sample) noexcept;
  void check_startup_high_loss(const AckSample& sample) noexcept;
  void update_probe_bw_phase(const AckSample& sample) noexcept;
  void check_probe_rtt(const AckSample& sample) noexcept;
  void handle_probe_rtt(const AckSample& sample) noexcept;
  void check_probe_rtt_done(Time now) noexcept;
  bool time_to_probe(Time now) const noexcept;
  bool time_to_cruise(std::uint64_t in_flight) const noexcept;
  bool time_to_go_down(const AckSample& sample) noexcept;
  void start_down(Time now) noexcept;
  void start_refill() noexcept;
  void start_up() noexcept;
  std::uint32_t below(std::uint32_t bound) noexcept;

  // bbr.cpp
  std::uint64_t bdp(std::uint64_t bandwidth, std::uint32_t percent) const noexcept;
  std::uint64_t quantised(std::uint64_t in_flight) const noexcept;
  std::uint64_t inflight(std::uint32_t percent) const noexcept { return quantised(bdp(max_bandwidth(), percent)); }
  std::uint64_t inflight_with_headroom() const noexcept;
  std::uint64_t minimum_window() const noexcept { return 4 * std::uint64_t{smss_}; }
  std::uint64_t probe_rtt_window() const noexcept;
  std::uint32_t pacing_percent() const noexcept;
  std::uint32_t cwnd_percent() const noexcept;
  void set_pacing_rate(std::uint32_t percent) noexcept;
  void set_cwnd(const AckSample& sample) noexcept;
  void bound_cwnd() noexcept;
  void save_cwnd() noexcept;
  void restore_cwnd() noexcept { cwnd_ = std::max(cwnd_, prior_cwnd_); }
  bool in_probe_bw() const noexcept { return state_ >= State::probe_down && state_ <= State::probe_up; }
  bool probes_bandwidth() const noexcept;

  std::uint32_t smss_;
  State state_ = State::startup;
  AckPhase ack_phase_ = AckPhase::init;
  std::uint64_t initial_cwnd_;
  std::uint64_t cwnd_;
  std::uint64_t prior_cwnd_ = 0;
  std::uint64_t pacing_rate_ = 0;
  std::uint64_t random_;

  // The sample of this ACK.
  std::uint64_t rate_ = 0;  // bytes a second; 0 = none
  std::uint64_t rs_delivered_ = 0;
  std::uint64_t delivered_ = 0;  // on the connection
  bool app_limited_ = false;

  // Rounds and the bandwidth.
  std::uint64_t next_round_delivered_ = 0;
  std::uint64_t rounds_ = 0;
  std::array<std::uint64_t, 2> max_bw_{};  // this probing cycle's and the last one's
  std::uint64_t bw_ = 0;
  bool round_start_ = false;

  // The lower bounds, from the last rounds.
  std::uint64_t bw_lo_ = kNone, inflight_lo_ = kNone;
  std::uint64_t bw_latest_ = 0, inflight_latest_ = 0;
  std::uint64_t loss_round_delivered_ = 0;
  std::uint32_t loss_events_ = 0;  // ACKs that reported loss, in this round
  bool loss_round_start_ = false;
  bool loss_in_round_ = false;
  bool in_recovery_ = false;

  // What the path holds, from probing.
  std::uint64_t inflight_hi_ = kNone;
  std::uint64_t probe_up_count_ = kNone;  // bytes to be acknowledged for one SMSS more
  std::uint64_t probe_up_acks_ = 0;
  std::uint32_t probe_up_rounds_ = 0;
  bool probe_samples_ = false;  // samples may still tell of the probe

  // Is the pipe full?
  std::uint64_t full_bw_ = 0;
  std::uint32_t full_bw_count_ = 0;
  bool full_bw_now_ = false;
  bool full_bw_reached_ = false;

  // Aggregation of ACKs.
  Time aggregation_began_{};
  std::uint64_t aggregation_delivered_ = 0;
  std::array<std::uint64_t, 2> extra_acked_{};
  std::uint64_t extra_acked_round_ = 0;

  // The round-trip time.
  Duration min_rtt_ = Duration::max();
  Time min_rtt_at_{};
  Duration probe_rtt_min_ = Duration::max();
  Time probe_rtt_min_at_{};
  Time probe_rtt_done_at_{};  // 0 = the flight is still draining
  std::uint64_t probe_rtt_limited_until_ = 0;
  bool probe_rtt_expired_ = false;
  bool probe_rtt_round_done_ = false;
  bool idle_restart_ = false;

  // The probing cycle.
  Time cycle_began_{};
  Duration probe_wait_{};
  std::uint64_t rounds_since_probe_ = 0;

  // For an undo.
  std::uint64_t undo_bw_lo_ = kNone, undo_inflight_lo_ = kNone, undo_inflight_hi_ = kNone;
};

}  // namespace sluice::congestion
