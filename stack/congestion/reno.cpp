// Slow start, congestion avoidance and the answers to loss of RFC 5681, counted in bytes.
#include <algorithm>
#include <limits>

#include "stack/congestion/controller.hpp"

namespace sluice::congestion {
namespace {

/// Recovery keeps what a duplicate ACK says in pipe, so cwnd is never inflated and never deflated.
class Reno final : public Controller {
 public:
  Reno(std::uint32_t smss, std::uint64_t initial) noexcept
      : smss_(smss), cwnd_(std::max<std::uint64_t>(initial, smss)) {}

  void on_ack(const AckSample& sample) noexcept override;
  void on_congestion_event(Time now, std::uint64_t flight) noexcept override;
  void on_recovery_end(Time now) noexcept override;
  void on_timeout(Time now, std::uint64_t flight, bool first) noexcept override;
  void on_idle(Time now) noexcept override;
  void on_undo(Time now) noexcept override;
  void on_ecn(Time now, std::uint64_t flight) noexcept override { on_congestion_event(now, flight); }
  void on_mss(std::uint32_t smss) noexcept override;

  std::uint64_t cwnd() const noexcept override { return cwnd_; }
  std::uint64_t ssthresh() const noexcept override { return ssthresh_; }

 private:
  std::uint64_t slow_start(std::uint64_t bytes) noexcept;
  void avoid_congestion(std::uint64_t bytes) noexcept;
  std::uint64_t half(std::uint64_t flight) const noexcept;

  std::uint32_t smss_;
  bool after_timeout_ = false;
  std::uint64_t cwnd_;
  std::uint64_t ssthresh_ = std::numeric_limits<std::uint64_t>::max();  // [R5681-3.1-6]
  std::uint64_t cwnd_before_ = 0;                                       // the last event or timeout; 0 = none
  std::uint64_t ssthresh_before_ = 0;
  std::uint64_t counted_ = 0;  // bytes acknowledged since cwnd grew last, in congestion avoidance
};

// A window that the application doesn't fill was never tried, so it doesn't grow. In fast recovery nothing grows.
void Reno::on_ack(const AckSample& sample) noexcept {
  if (!sample.cwnd_limited || (sample.in_recovery && !after_timeout_)) return;
  std::uint64_t bytes = sample.newly_acked;
  if (cwnd_ < ssthresh_) bytes = slow_start(bytes);  // [R5681-3.1-7]
  avoid_congestion(bytes);
}

// RFC 3465: as many bytes as were acknowledged, so dividing ACKs gains nothing [A-TCP-33]. Its limit L is the number
// of segments that the ACK covers, as deployed stacks have it: receivers that merge segments send one ACK for dozens.
// After a timeout an ACK covers what arrived long ago, and L is 1, as in RFC 5681 [R5681-3.1-8]. Gives back what goes
// beyond ssthresh.
std::uint64_t Reno::slow_start(std::uint64_t bytes) noexcept {
  const std::uint64_t limit = after_timeout_ ? std::min<std::uint64_t>(bytes, smss_) : bytes;
  const std::uint64_t growth = std::min(limit, ssthresh_ - cwnd_);
  cwnd_ += growth;
  return limit - growth;
}

// One SMSS for each cwnd of bytes: at most one a round trip [R5681-3.1-9] [R5681-3.1-10].
void Reno::avoid_congestion(std::uint64_t bytes) noexcept {
  counted_ += bytes;
  if (counted_ < cwnd_) return;
  counted_ = std::min(counted_ - cwnd_, cwnd_);
  cwnd_ += smss_;
}

// Equation 4. A flight above cwnd is one that an earlier reduction is still letting drain.
std::uint64_t Reno::half(std::uint64_t flight) const noexcept {
  return std::max<std::uint64_t>(std::min(flight, cwnd_) / 2, 2 * std::uint64_t{smss_});
}

// RFC 5681 3.2 steps 2 and 6 in one, as nothing is inflated between them.
void Reno::on_congestion_event(Time /*now*/, std::uint64_t flight) noexcept {
  cwnd_before_ = cwnd_;
  ssthresh_before_ = ssthresh_;
  ssthresh_ = half(flight);
  cwnd_ = std::min(cwnd_, ssthresh_);
  counted_ = 0;
  after_timeout_ = false;
}

void Reno::on_recovery_end(Time /*now*/) noexcept { after_timeout_ = false; }

void Reno::on_timeout(Time /*now*/, std::uint64_t flight, bool first) noexcept {
  if (first) {
    cwnd_before_ = cwnd_;
    ssthresh_before_ = ssthresh_;
    ssthresh_ = half(flight);  // [R5681-3.1-12] [R5681-3.1-13]
  }
  cwnd_ = smss_;  // the loss window [R5681-3.1-14]
  counted_ = 0;
  after_timeout_ = true;
}

void Reno::on_undo(Time /*now*/) noexcept {
  if (cwnd_before_ == 0) return;
  cwnd_ = std::max(cwnd_, cwnd_before_);
  ssthresh_ = std::max(ssthresh_, ssthresh_before_);
  cwnd_before_ = 0;
  after_timeout_ = false;
}

void Reno::on_idle(Time /*now*/) noexcept {
  cwnd_ = std::min(cwnd_, initial_window(smss_));  // [R5681-4.1-1]
  counted_ = 0;
}

// Smaller segments: the same number of them, lest the old bytes be a burst of many [R5681-3.1-5].
void Reno::on_mss(std::uint32_t smss) noexcept {
  if (smss < smss_) cwnd_ = cwnd_ * smss / smss_;
  smss_ = smss;
  cwnd_ = std::max<std::uint64_t>(cwnd_, smss_);
}

}  // namespace

std::unique_ptr<Controller> make_reno(std::uint32_t smss, std::uint64_t initial) {
  return std::make_unique<Reno>(smss, initial);
}

}  // namespace sluice::congestion
