// The search; see plpmtud.hpp.
#include "stack/tcp/plpmtud.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "stack/ip/path_mtu.hpp"

namespace sluice::tcp {
namespace {

// A difference that is not worth three probes.
constexpr std::size_t kGranularity = 16;
// RFC 4821 7.8: how long a raise is on trial.
constexpr Duration kTrial = std::chrono::minutes(1);
// What links are known to take; a search that is near one of them tries it first.
constexpr std::array<std::size_t, 12> kCommon = {1280, 1400, 1420, 1440, 1460, 1480,
                                                 1492, 1500, 4352, 8166, 9000, 16384};

}  // namespace

Plpmtud::Plpmtud(Family family, std::size_t size) noexcept
    : size_(std::min(size, family == Family::ipv6 ? ip::PathMtuCache::kMinimumV6 : kBase)),
      floor_(family == Family::ipv6 ? ip::PathMtuCache::kMinimumV6 : ip::PathMtuCache::kFloorV4),
      v6_(family == Family::ipv6) {}

// RFC 4821 7.7, RFC 8899 4.3. A raise on trial is taken back; else the base, then halves of it [R4821-7-5] [R4821-7-6].
bool Plpmtud::on_black_hole(Time now) noexcept {
  probe_ = 0;
  lost_ = 0;
  const bool on_trial = before_ != 0 && now < verified_at_;
  if (on_trial) {
    high_ = size_ - 1;
    bound_untried_ = false;
    size_ = std::exchange(before_, 0);
    phase_ = Phase::base;
    return true;
  }
  high_ = 0;
  phase_ = size_ / 2 < floor_ ? Phase::error : Phase::base;
  fragments_ = phase_ == Phase::error && !v6_;
  return std::exchange(size_, std::max(size_ / 2, floor_)) != size_;
}

void Plpmtud::on_progress() noexcept {
  if (phase_ == Phase::base || phase_ == Phase::error) phase_ = Phase::search;
}

// The bound of the search: what the interface, the peer and routers allow, less what was found not to pass.
void Plpmtud::bound(std::size_t highest, Time now) noexcept {
  if (phase_ == Phase::complete && now >= not_before_) {
    phase_ = Phase::search;
    high_ = 0;
  }
  if (high_ != 0 && high_ <= highest) return;
  high_ = highest;
  bound_untried_ = true;
}

std::size_t Plpmtud::wanted(std::size_t highest, Time now) noexcept {
  if (probing() || phase_ == Phase::base || phase_ == Phase::error) return 0;
  bound(highest, now);
  if (phase_ == Phase::complete || now < not_before_) return 0;
  const std::size_t next = candidate();
  if (next == 0) {
    phase_ = Phase::complete;
    not_before_ = now + kRaiseAfter;
  }
  return next;
}

// The bound itself first, for most paths take it; if it fails, the middle, or what is common just above it. Never more
// than three times what passes now, so that the loss of a probe opens no large gap [R4821-10.1-1]. 0 = found.
std::size_t Plpmtud::candidate() const noexcept {
  const std::size_t reach = 3 * size_;
  if (high_ <= size_) return 0;
  if (bound_untried_) return std::min(high_, reach);
  if (high_ - size_ < kGranularity) return 0;
  const std::size_t middle = size_ + (high_ - size_ + 1) / 2;
  const auto common = std::lower_bound(kCommon.begin(), kCommon.end(), middle);
  return std::min(common != kCommon.end() && *common <= high_ ? *common : middle, reach);
}

void Plpmtud::on_sent(std::size_t size, Seq end) noexcept {
  probe_ = size;
  probe_end_ = end;
}

void Plpmtud::on_arrived(Time now, Duration rtt) noexcept {
  before_ = size_;
  verified_at_ = now + kTrial;
  size_ = std::exchange(probe_, 0);
  fragments_ = false;
  lost_ = 0;
  phase_ = Phase::search;
  not_before_ = now + rtt;
}

void Plpmtud::on_lost(Time now, Duration pause) noexcept {
  not_before_ = now + pause;
  const std::size_t size = std::exchange(probe_, 0);
  if (++lost_ < kMaximumProbes) return;
  lost_ = 0;
  high_ = size - 1;
  bound_untried_ = false;
}

void Plpmtud::on_too_big(std::size_t mtu, Time now, Duration rtt) noexcept {
  if (!probing() || mtu < size_ || mtu >= probe_) return;
  probe_ = 0;
  lost_ = 0;
  high_ = mtu;
  bound_untried_ = true;
  not_before_ = now + rtt;
}

}  // namespace sluice::tcp
