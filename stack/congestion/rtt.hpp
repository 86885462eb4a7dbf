// Round-trip time and the retransmission timeout (RFC 6298), and the windowed minimum that RACK wants.
#pragma once

#include <cstdint>

#include "stack/base/time.hpp"

namespace sluice::congestion {

/// SRTT, RTTVAR and RTO. The caller obeys Karn: no sample from text that was retransmitted.
class RttEstimator {
 public:
  struct Settings {
    Duration initial{std::chrono::seconds(1)};
    Duration variance_floor{std::chrono::milliseconds(200)};  ///< RTO = SRTT + max(4 RTTVAR, this)
    Duration floor{};
    Duration ceiling{std::chrono::seconds(120)};
  };

  explicit RttEstimator(const Settings& settings) noexcept : settings_(&settings) {}

  /// `samples_per_rtt` >= 1 damps the gains when there are many samples a round trip (RFC 7323 appendix G).
  void sample(Duration rtt, Time now, std::uint32_t samples_per_rtt = 1) noexcept;
  /// The first sample of what was sent after a spurious timeout: the timer must not be so hasty again (RFC 4015 3.5).
  void sample_after_spurious_timeout(Duration rtt, Time now) noexcept;
  /// A SYN timed out: the data phase starts with 3 s unless a sample came (RFC 6298 5.7).
  void syn_timed_out() noexcept;

  bool has_sample() const noexcept { return srtt_ > Duration::zero(); }
  Duration srtt() const noexcept { return srtt_; }
  Duration rttvar() const noexcept { return rttvar_; }
  /// The smallest sample of the last ten seconds or so (RFC 8985 6.2 step 1); 0 before the first.
  Duration min_rtt() const noexcept { return minimum_now_ < minimum_before_ ? minimum_now_ : minimum_before_; }
  /// Without backoff.
  Duration rto() const noexcept;
  /// Doubled `backoff` times, up to the ceiling (RFC 6298 5.5).
  Duration rto(unsigned backoff) const noexcept;

 private:
  void take_minimum(Duration rtt, Time now) noexcept;

  const Settings* settings_;  ///< the layer's, outlives us
  Duration srtt_{};
  Duration rttvar_{};
  Duration minimum_before_{};  // of the period before this one
  Duration minimum_now_{};     // of the period that began at period_at_
  Time period_at_{};
  bool syn_timed_out_ = false;
};

}  // namespace sluice::congestion
