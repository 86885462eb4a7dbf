// RFC 5681 in bytes, its fast recovery replaced by RFC 9937's.
#include "stack/congestion/loss_based.hpp"

#include <algorithm>

namespace sluice::congestion {
namespace {

constexpr std::uint64_t kMaximumWindow = std::uint64_t{1} << 32;

}  // namespace

LossBased::LossBased(const Settings& settings, const Factors& factors) noexcept
    : cwnd_(std::max<std::uint64_t>(settings.initial, settings.smss)),
      factors_(factors),
      smss_(settings.smss),
      ecn_(settings.ecn),
      pacing_(settings.pacing) {}

// A window that the application doesn't fill was never tried, so it doesn't grow (RFC 7661 4.2). In fast recovery
// nothing grows either: PRR says how much may leave. The ACK that ends a recovery is one of the time after it.
void LossBased::on_ack(const AckSample& sample) noexcept {
  take_rtt(sample);
  marked_share_.on_ack(sample);
  if (prr_.active()) cwnd_ = prr_.on_ack(sample, cwnd_, ssthresh_, smss_);
  const bool marked = sample.marked > 0 && ecn_ == EcnResponse::classic;  // [R3168-6.1.2-2]
  const bool grows = sample.cwnd_limited && !marked && (!sample.in_recovery || after_timeout_ || sample.ended_recovery);
  if (!grows && judged_at_ != Time{}) skip_time(sample.now - judged_at_);
  judged_at_ = sample.now;
  if (!grows) return;
  const std::uint64_t bytes = growth_credit(sample);
  const std::uint64_t rest = cwnd_ < ssthresh_ ? slow_start(sample, bytes) : bytes;  // [R5681-3.1-7]
  if (cwnd_ >= ssthresh_ && rest > 0) avoid_congestion(sample, rest);
}

// RFC 3465: as many bytes as were acknowledged, so dividing ACKs gains nothing [A-TCP-33]. After a timeout, and at the
// end of a recovery, an ACK covers what arrived long ago: one segment, as in RFC 5681 [R5681-3.1-8], and no more than
// is news.
std::uint64_t LossBased::growth_credit(const AckSample& sample) const noexcept {
  const std::uint64_t bytes = sample.newly_acked;
  if (sample.ended_recovery) return std::min({bytes, sample.newly_delivered, std::uint64_t{smss_}});
  return after_timeout_ ? std::min<std::uint64_t>(bytes, smss_) : bytes;
}

// Gives back what goes beyond ssthresh [R9438-4.10-1].
std::uint64_t LossBased::slow_start(const AckSample& sample, std::uint64_t bytes) noexcept {
  const std::uint64_t wanted = slow_start_growth(sample, bytes);
  if (cwnd_ >= ssthresh_) return bytes;
  const std::uint64_t growth = std::min(wanted, ssthresh_ - cwnd_);
  grow_to(cwnd_ + growth);
  return wanted - growth;
}

void LossBased::grow_to(std::uint64_t cwnd) noexcept { cwnd_ = std::min(std::max(cwnd, cwnd_), kMaximumWindow); }

// An estimate of our own, because only pacing and CUBIC's look ahead need it.
void LossBased::take_rtt(const AckSample& sample) noexcept {
  if (sample.rtt <= Duration::zero()) return;
  srtt_ = srtt_ == Duration::zero() ? sample.rtt : srtt_ + (sample.rtt - srtt_) / 8;
}

// What waits for nothing but the application's next word doesn't count as time in which the window was probed.
void LossBased::on_sent(Time now, std::uint64_t bytes, std::uint64_t in_flight) noexcept {
  largest_frame_ = std::max(largest_frame_, bytes);
  prr_.on_sent(bytes);
  if (in_flight > bytes || judged_at_ == Time{}) return;
  skip_time(now - judged_at_);
  judged_at_ = now;
}

std::uint64_t LossBased::at_least_two(std::uint64_t bytes) const noexcept {
  return std::max<std::uint64_t>(bytes, 2 * std::uint64_t{smss_});
}

void LossBased::remember() noexcept {
  cwnd_before_ = cwnd_;
  ssthresh_before_ = ssthresh_;
}

// What a reduction is a share of: the flight. One above cwnd is what an earlier reduction still lets drain; one to
// which no segment could be added filled cwnd, and CUBIC may take cwnd itself [R9438-4.6-3].
std::uint64_t LossBased::base_of(std::uint64_t flight) const noexcept {
  const bool full = flight + smss_ > cwnd_;
  return full && factors_.of_window ? cwnd_ : std::min(flight, cwnd_);
}

// Equation 4 with the algorithm's own factor.
void LossBased::on_congestion_event(Time /*now*/, std::uint64_t flight) noexcept {
  remember();
  before_reduction(false);
  ssthresh_ = at_least_two(factors_.loss.of(base_of(flight)));
  cwnd_ = std::min(cwnd_, ssthresh_);  // until PRR hears of the ACK
  after_timeout_ = false;
  prr_.begin(flight);
}

void LossBased::on_recovery_end(Time /*now*/) noexcept {
  if (prr_.active()) cwnd_ = ssthresh_;  // [R9937-6.4-1]
  prr_.end();
  after_timeout_ = false;
}

void LossBased::on_timeout(Time /*now*/, std::uint64_t flight, bool first) noexcept {
  if (first) {
    remember();
    before_reduction(true);
    ssthresh_ = at_least_two(factors_.loss.of(base_of(flight)));  // [R5681-3.1-12] [R5681-3.1-13]
  }
  cwnd_ = smss_;  // the loss window [R5681-3.1-14]
  prr_.end();
  restart_avoidance();
  after_timeout_ = true;
}

void LossBased::on_undo(Time /*now*/) noexcept {
  if (cwnd_before_ == 0) return;
  cwnd_ = std::max(cwnd_, cwnd_before_);
  ssthresh_ = std::max(ssthresh_, ssthresh_before_);
  restore();
  cwnd_before_ = 0;
  prr_.end();
  after_timeout_ = false;
}

// A round trip that has lost is reduced already (RFC 3168 6.1.2). RFC 8511's factor is for congestion avoidance: a slow
// start overshoots by more than a mark tells. One segment may be the result [R9438-4.6-2].
void LossBased::on_ecn(Time /*now*/, std::uint64_t flight) noexcept {
  if (prr_.active() || after_timeout_) return;
  const Factor factor = cwnd_ < ssthresh_ ? factors_.loss : factors_.mark;
  remember();
  before_reduction(false);
  const std::uint64_t window = ecn_ == EcnResponse::dctcp ? marked_share_.reduced(cwnd_) : factor.of(base_of(flight));
  ssthresh_ = at_least_two(window);
  cwnd_ = std::min(cwnd_, std::max<std::uint64_t>(window, smss_));
}

void LossBased::on_idle(Time /*now*/) noexcept {
  if (initial_window(smss_) >= cwnd_) return;
  ssthresh_ = in_first_slow_start() ? ssthresh_ : std::max(ssthresh_, cwnd_ / 4 * 3);  // RFC 7661 4.4.1
  cwnd_ = initial_window(smss_);                                                       // [R5681-4.1-1]
  restart_avoidance();
}

// Smaller segments: the same number of them, lest the old bytes be a burst of many [R5681-3.1-5].
void LossBased::on_mss(std::uint32_t smss) noexcept {
  if (smss < smss_) cwnd_ = cwnd_ * smss / smss_;
  smss_ = smss;
  cwnd_ = std::max<std::uint64_t>(cwnd_, smss_);
}

// Twice what cwnd needs in slow start, so that it can double; a fifth more later, so that it is never what limits.
std::uint64_t LossBased::pacing_rate() const noexcept {
  if (!pacing_ || srtt_ <= Duration::zero()) return 0;
  const std::uint64_t window = prr_.active() ? std::max(cwnd_, ssthresh_) : cwnd_;
  const std::uint64_t rate =
      std::min(window, kMaximumWindow) * 1'000'000'000 / static_cast<std::uint64_t>(srtt_.count());
  return std::max<std::uint64_t>(1, window < ssthresh_ ? 2 * rate : rate + rate / 5);
}

}  // namespace sluice::congestion
