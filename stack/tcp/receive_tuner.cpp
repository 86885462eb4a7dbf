// Rounds, samples and growth; see receive_tuner.hpp.
#include "stack/tcp/receive_tuner.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace sluice::tcp {
namespace {

// Timestamps tick in milliseconds: less is not told apart.
constexpr Duration kShortest = std::chrono::milliseconds(1);

std::uint64_t microseconds(Duration time) noexcept {
  return static_cast<std::uint64_t>(std::max<Duration::rep>(time / std::chrono::microseconds(1), 1));
}

}  // namespace

void ReceiveTuner::start(Time now, Duration rtt) noexcept {
  round_at_ = now;
  rtt_ = rtt > Duration::zero() ? std::max(rtt, kShortest) : rtt;
}

void ReceiveTuner::on_text(Time now, Duration echoed, Seq nxt, Seq edge) noexcept {
  Duration sample = echoed;
  if (echoed == Duration::zero() && (window_at_ == Time::min() || nxt >= window_end_)) {
    // A sender slower than the window takes longer than a round trip to fill it: such a sample can only be too long.
    if (window_at_ != Time::min())
      sample = rtt_ > Duration::zero() ? std::min(now - window_at_, rtt_) : now - window_at_;
    window_at_ = now;
    window_end_ = edge;
  }
  // A pause of the sender looks like a long way; the shortest sample of a round had none, if any had.
  if (sample > Duration::zero() && (smallest_ == Duration::zero() || sample < smallest_)) smallest_ = sample;
  if (consumed_ == 0 && now - round_at_ > rtt_) round_at_ = now;  // silence doesn't count
}

std::size_t ReceiveTuner::on_consumed(std::size_t bytes, Time now, std::size_t maximum) noexcept {
  consumed_ += bytes;
  const Duration elapsed = now - round_at_;
  if (rtt_ == Duration::zero()) rtt_ = smallest_;
  if (rtt_ == Duration::zero() || elapsed < std::max(rtt_, kShortest)) return 0;
  const auto a_round = static_cast<std::size_t>(consumed_ * microseconds(rtt_) / microseconds(elapsed));
  if (smallest_ > Duration::zero()) rtt_ = std::clamp(smallest_, kShortest, std::max(2 * rtt_, kShortest));
  consumed_ = 0;
  round_at_ = now;
  smallest_ = Duration::zero();
  buffer_ = std::max(buffer_, std::min(2 * a_round, maximum));
  return a_round;
}

}  // namespace sluice::tcp
