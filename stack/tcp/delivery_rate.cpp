// How fast the network delivers: rate samples from the log of what was sent (draft-ietf-ccwg-bbr 4.1).
#include <algorithm>

#include "stack/tcp/recovery.hpp"
#include "stack/tcp/recovery_steps.hpp"

namespace sluice::tcp {

// 4.1.2.2: what a transmission of so many bytes remembers. After silence the intervals begin anew.
SentRange Recovery::departure(std::uint64_t bytes, Time now) noexcept {
  const std::uint64_t before = pipe();
  if (before == 0) rate_.first_sent_at = rate_.delivered_at = now;
  return {.sent_at = now,
          .first_sent_at = rate_.first_sent_at,
          .delivered_at = rate_.delivered_at,
          .delivered = rate_.delivered,
          .lost_count = rate_.lost,
          .in_flight = static_cast<std::uint32_t>(before + bytes),
          .app_limited = rate_.limited_until != 0};
}

void Recovery::on_app_limited() noexcept { rate_.limited_until = std::max<std::uint64_t>(rate_.delivered + pipe(), 1); }

// 4.1.2.3: the sample is that of the newest transmission delivered. The longer of the times that it took to send and to
// acknowledge what was delivered since it left: the shorter one would tell of bursts or of ACKs that came together. A
// time below min_rtt is that of an ACK which an earlier transmission of the same bytes caused.
void Recovery::sample_rate(const Delivery& delivery, congestion::AckSample& sample) noexcept {
  if (rate_.limited_until != 0 && rate_.delivered > rate_.limited_until) rate_.limited_until = 0;
  sample.delivered = rate_.delivered;
  if (delivery.bytes == 0) return;
  const SentRange& newest = delivery.newest;
  sample.prior_delivered = newest.delivered;
  sample.tx_in_flight = newest.in_flight;
  sample.lost_since_sent = rate_.lost - newest.lost_count;
  sample.app_limited = newest.app_limited;
  rate_.first_sent_at = newest.sent_at;
  const Duration interval = std::max(newest.sent_at - newest.first_sent_at, delivery.now - newest.delivered_at);
  sample.rate_interval = interval < delivery.min_rtt ? Duration::zero() : interval;
}

}  // namespace sluice::tcp
