// CUBIC (RFC 9438): the window is a cubic function of the time since the last reduction. Integers only, so that a run
// is the same everywhere: bytes, and milliseconds for the curve.
#include <algorithm>

#include "stack/congestion/cubic_curve.hpp"
#include "stack/congestion/hystart.hpp"
#include "stack/congestion/loss_based.hpp"

namespace sluice::congestion {
namespace {

class Cubic final : public LossBased {
 public:
  // beta_cubic [R9438-4.1-1], and RFC 8511's for marks.
  explicit Cubic(const Settings& settings) noexcept
      : LossBased(settings, {.loss = {7, 10}, .mark = {17, 20}, .of_window = true}), hystart_(settings.pacing) {}

 private:
  /// What an undo brings back (RFC 9438 4.9).
  struct State {
    std::uint64_t w_max = 0;       // bytes; 0 = no reduction yet
    std::uint64_t cwnd_prior = 0;  // cwnd before the last reduction
    std::uint64_t w_est = 0;       // what Reno would have
    std::uint64_t k_ms = 0;        // how long the curve takes back to w_max
    Duration time{};               // t: how long this stage has been probing
    bool started = false;          // the stage has begun
    bool after_timeout = false;    // K = 0 in the next stage
  };

  std::uint64_t slow_start_growth(const AckSample& sample, std::uint64_t bytes) noexcept override;
  void avoid_congestion(const AckSample& sample, std::uint64_t bytes) noexcept override;
  void before_reduction(bool timeout) noexcept override;
  void restore() noexcept override { now_ = before_; }
  void restart_avoidance() noexcept override { now_.started = false; }
  void skip_time(Duration unused) noexcept override { stage_began_ += unused; }

  void begin_stage(Time now) noexcept;
  void grow_estimate(std::uint64_t bytes) noexcept;
  std::uint64_t window_at(Duration t) const noexcept;

  State now_;
  State before_;
  HyStart hystart_;
  Time stage_began_{};             // moved on by the time that doesn't count [R9438-4.2-3]
  std::uint64_t growth_rest_ = 0;  // of a byte, in 1/cwnd
  std::uint64_t estimate_rest_ = 0;
};

// HyStart++ watches the first slow start [R9438-4.10-2] [R9406-4.3-3]. Its limit L holds where nothing is paced
// [R9406-4.2-2] [R9406-4.3-1]; but an ACK of what left in one burst, as a super-segment, lets that go again.
std::uint64_t Cubic::slow_start_growth(const AckSample& sample, std::uint64_t bytes) noexcept {
  if (!in_first_slow_start()) return bytes;
  if (hystart_.on_ack(sample)) {
    end_slow_start();
    return 0;
  }
  if (!paced())
    bytes = std::min(bytes, std::max<std::uint64_t>(HyStart::kLimit * std::uint64_t{smss()}, 2 * largest_frame()));
  return bytes / hystart_.growth_divisor();  // [R9406-4.2-5]
}

// RFC 9438 4.2, 4.8, 4.10: without a reduction before, or after a timeout, the plateau is where we are.
void Cubic::begin_stage(Time now) noexcept {
  stage_began_ = now;
  growth_rest_ = estimate_rest_ = 0;
  const bool below = now_.w_max > cwnd() && !now_.after_timeout;
  if (!below) now_.w_max = cwnd();
  now_.k_ms = below ? cubic_k_ms(now_.w_max - cwnd(), smss()) : 0;
  now_.w_est = cwnd();
  now_.started = true;
  now_.after_timeout = false;
}

std::uint64_t Cubic::window_at(Duration t) const noexcept { return cubic_window(now_.w_max, now_.k_ms, t, smss()); }

void Cubic::avoid_congestion(const AckSample& sample, std::uint64_t bytes) noexcept {
  if (!now_.started) begin_stage(sample.now);
  bytes = std::min(bytes, cwnd());
  const Duration t = sample.now - stage_began_;
  grow_estimate(bytes);
  if (window_at(t) < now_.w_est) {  // the Reno-friendly region [R9438-4.3-2]
    growth_rest_ = 0;
    return grow_to(now_.w_est);
  }
  // [R9438-4.2-2] [R9438-4.4-1]
  const std::uint64_t target = std::clamp(window_at(t + srtt()), cwnd(), cwnd() + cwnd() / 2);
  growth_rest_ += (target - cwnd()) * bytes;
  const std::uint64_t growth = growth_rest_ / cwnd();
  growth_rest_ %= cwnd();
  grow_to(cwnd() + growth);
}

// alpha_cubic = 3 (1 - 0.7) / (1 + 0.7) = 9/17 [R9438-4.3-1], and 1 once the old window is reached [R9438-4.3-3].
void Cubic::grow_estimate(std::uint64_t bytes) noexcept {
  const bool caught_up = now_.w_est >= now_.cwnd_prior;
  estimate_rest_ += bytes * smss() * (caught_up ? 17u : 9u);
  now_.w_est += estimate_rest_ / (17 * full_flight());
  estimate_rest_ %= 17 * full_flight();
}

// Fast convergence: who did not get back to its old window leaves room for others [R9438-4.7-1]. After a timeout the
// stage that follows slow start begins with its plateau [R9438-4.8-1].
void Cubic::before_reduction(bool timeout) noexcept {
  before_ = now_;
  now_.cwnd_prior = cwnd();
  now_.w_max = cwnd() < now_.w_max ? cwnd() * 17 / 20 : cwnd();
  now_.started = false;
  now_.after_timeout = timeout;
}

}  // namespace

std::unique_ptr<Controller> make_cubic(const Settings& settings) { return std::make_unique<Cubic>(settings); }

}  // namespace sluice::congestion
