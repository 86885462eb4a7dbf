// What Reno and CUBIC share: slow start, when the window may grow, recovery by PRR, timeouts, idleness, undo, ECN.
#pragma once

#include <cstdint>
#include <limits>

#include "stack/congestion/controller.hpp"
#include "stack/congestion/dctcp.hpp"
#include "stack/congestion/prr.hpp"

namespace sluice::congestion {

/// An exact fraction.
struct Factor {
  std::uint32_t numerator;
  std::uint32_t denominator;
  constexpr std::uint64_t of(std::uint64_t bytes) const noexcept { return bytes * numerator / denominator; }
};

/// RFC 5681's frame; what differs between the two stands in the virtual functions below.
class LossBased : public Controller {
 public:
  struct Factors {
    Factor loss;             ///< what a loss leaves of the flight
    Factor mark;             ///< and a mark: a queue that marks is short, so it asks for less (RFC 8511 3.1)
    bool of_window = false;  ///< of cwnd instead, where the flight filled it (RFC 9438 4.6)
  };

  LossBased(const Settings& settings, const Factors& factors) noexcept;

  void on_ack(const AckSample& sample) noexcept final;
  void on_congestion_event(Time now, std::uint64_t flight) noexcept final;
  void on_recovery_end(Time now) noexcept final;
  void on_timeout(Time now, std::uint64_t flight, bool first) noexcept final;
  void on_idle(Time now) noexcept final;
  void on_undo(Time now) noexcept final;
  void on_ecn(Time now, std::uint64_t flight) noexcept final;
  void on_sent(Time now, std::uint64_t bytes, std::uint64_t in_flight) noexcept final;
  void on_mss(std::uint32_t smss) noexcept final;

  std::uint64_t cwnd() const noexcept final { return cwnd_; }
  std::uint64_t ssthresh() const noexcept final { return ssthresh_; }
  std::uint64_t pacing_rate() const noexcept final;

 protected:
  /// What an ACK of `bytes` adds to cwnd in slow start (before the cut at ssthresh). May call end_slow_start().
  virtual std::uint64_t slow_start_growth(const AckSample& sample, std::uint64_t bytes) noexcept = 0;
  /// Congestion avoidance: `bytes` were acknowledged.
  virtual void avoid_congestion(const AckSample& sample, std::uint64_t bytes) noexcept = 0;
  /// cwnd is about to shrink.
  virtual void before_reduction(bool timeout) noexcept = 0;
  /// What the last before_reduction() changed is to be as it was.
  virtual void restore() noexcept = 0;
  /// Congestion avoidance begins anew: the window was set from outside.
  virtual void restart_avoidance() noexcept = 0;
  /// So long the window could not grow.
  virtual void skip_time(Duration /*unused*/) noexcept {}

  bool in_first_slow_start() const noexcept { return ssthresh_ == kUnlimited; }
  void end_slow_start() noexcept { ssthresh_ = cwnd_; }
  /// The whole segments of cwnd: what one round trip of bulk carries, as half a segment doesn't leave.
  std::uint64_t full_flight() const noexcept { return cwnd_ - cwnd_ % smss_; }
  /// Four times the largest window that TCP can express bounds all arithmetic.
  void grow_to(std::uint64_t cwnd) noexcept;
  bool paced() const noexcept { return pacing_; }
  /// Bytes of the largest frame that left, super-segments included.
  std::uint64_t largest_frame() const noexcept { return largest_frame_; }
  Duration srtt() const noexcept { return srtt_; }
  std::uint32_t smss() const noexcept { return smss_; }

 private:
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

  std::uint64_t growth_credit(const AckSample& sample) const noexcept;
  std::uint64_t slow_start(const AckSample& sample, std::uint64_t bytes) noexcept;
  void take_rtt(const AckSample& sample) noexcept;
  void remember() noexcept;
  std::uint64_t base_of(std::uint64_t flight) const noexcept;
  std::uint64_t at_least_two(std::uint64_t bytes) const noexcept;

  std::uint64_t cwnd_;
  std::uint64_t ssthresh_ = kUnlimited;  // [R5681-3.1-6]
  std::uint64_t cwnd_before_ = 0;        // the last reduction; 0 = none
  std::uint64_t ssthresh_before_ = 0;
  std::uint64_t largest_frame_ = 0;
  Duration srtt_{};
  Time judged_at_{};  // up to when time counts as used or skipped
  Prr prr_;
  MarkedShare marked_share_;
  Factors factors_;
  std::uint32_t smss_;
  EcnResponse ecn_;
  bool pacing_;
  bool after_timeout_ = false;
};

}  // namespace sluice::congestion
