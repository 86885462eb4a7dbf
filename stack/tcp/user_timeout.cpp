// How long text may wait for its ACK, as both ends tell each other (RFC 5482).
#include <algorithm>

#include "stack/tcp/connection.hpp"

namespace sluice::tcp {
namespace {

constexpr std::uint16_t kMinutes = 0x8000;  // the option's G bit
constexpr std::uint16_t kLargest = 0x7fff;

}  // namespace

// RFC 5482 3.1. A timeout that the application set is not changed by the peer [R5482-3-1] [R5482-3.1-4]; one that the
// peer told lies between the limits, the lower of which is longer than the RTO [R5482-3-3] [R5482-3.1-3]. 0 = none.
Duration Connection::user_timeout() const noexcept {
  const Options& options = cold_->options;
  if (options.user_timeout > Duration::zero()) return options.user_timeout;
  const bool agreed = options.user_timeout_advertise > Duration::zero() && cold_->peer_user_timeout > Duration::zero();
  if (!agreed) return Duration::zero();
  const Duration floor = std::max(env_.config.user_timeout_floor, rtt_.rto(backoff_) + Duration(1));
  return std::min(env_.config.user_timeout_ceiling,
                  std::max({options.user_timeout_advertise, cold_->peer_user_timeout, floor}));
}

void Connection::learn_user_timeout(const Segment& segment) noexcept {
  const std::uint16_t value = segment.header.options.user_timeout;
  const int count = value & kLargest;
  const bool counts = count != 0 && cold_->options.user_timeout_advertise > Duration::zero();  // [R5482-3.4-1]
  if (!counts) return;
  const Duration told = (value & kMinutes) != 0 ? Duration(std::chrono::minutes(count)) : std::chrono::seconds(count);
  if (told == std::exchange(cold_->peer_user_timeout, told)) return;
  watch_keep_alive();
  follow_user_timeout();
}

// The limit may be another one now: it counts from when progress stopped, as before.
void Connection::follow_user_timeout() noexcept {
  const Duration limit = user_timeout();
  if (limit == Duration::zero() || !armed(Timer::user_timeout)) return watch_progress();
  arm(Timer::user_timeout, std::max(env_.now, cold_->progress_at + limit));
}

// RFC 5482 3.3, rounded up to what the field can say.
void Connection::add_user_timeout(wire::tcp::Options& options) const noexcept {
  const Duration ours = cold_->options.user_timeout_advertise;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(ours).count();
  const auto minutes = std::chrono::ceil<std::chrono::minutes>(ours).count();
  options.user_timeout = seconds <= kLargest
                             ? static_cast<std::uint16_t>(seconds)
                             : static_cast<std::uint16_t>(kMinutes | std::min<std::int64_t>(minutes, kLargest));
}

// RFC 5482 4.2: a line that a long timeout is to keep is not given up for its silence before [R5482-4.2-1].
Duration Connection::keep_alive_idle() const noexcept {
  const Duration idle = cold_->options.keep_alive.idle;
  if (cold_->options.user_timeout_advertise == Duration::zero()) return idle;
  return std::max(idle, user_timeout() + std::chrono::seconds(1));
}

}  // namespace sluice::tcp
