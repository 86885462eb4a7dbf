// Loss by counting: RFC 6582 and RFC 3042 in terms of pipe, for peers without SACK.
#include <algorithm>

#include "stack/tcp/recovery.hpp"
#include "stack/tcp/recovery_steps.hpp"

namespace sluice::tcp {

// A duplicate says that one segment left the network. That takes the place of inflating cwnd: the first two let
// limited transmit happen [R3042-2-1], those in recovery let new text out [R5681-3.2-8], and cwnd stays what it is
// [R3042-2-2].
Recovery::Losses Recovery::count_duplicates(const AckInput& input, const Delivery& delivery) {
  if (delivery.acked > 0) return take_advance(delivery);
  if (!input.duplicate || log_.empty()) return {};
  if (duplicates_++ == 0) newreno_.nxt_at_first_duplicate = log_.end();
  if (phase_ == Phase::fast_recovery) {
    newreno_.presumed = std::min(newreno_.presumed + input.smss, newreno_.limit);
    return {};
  }
  if (phase_ == Phase::timeout || duplicates_ > kDuplicateThreshold) return {};
  // RFC 6582 3.2 step 2: duplicates of a number below `recover` may come from what was resent needlessly.
  const bool suspicious = log_.begin() <= recovery_point_;
  if (duplicates_ == kDuplicateThreshold && suspicious) return {};
  newreno_.presumed = std::uint64_t{duplicates_} * input.smss;
  if (duplicates_ < kDuplicateThreshold) return {};
  newreno_.limit = std::max(log_.outstanding(), newreno_.presumed);  // [R5681-3.2-9] [A-TCP-34]
  return lose_head_segment();
}

// RFC 6582 3.2 step 3. In recovery, a partial ACK: one segment of it was the retransmission, the rest had been presumed
// delivered; and what it stops at is lost too.
Recovery::Losses Recovery::take_advance(const Delivery& delivery) {
  duplicates_ = 0;
  if (phase_ != Phase::fast_recovery) {
    newreno_.presumed = 0;
    return {};
  }
  const std::uint64_t presumed = delivery.acked > smss_ ? delivery.acked - smss_ : 0;
  newreno_.presumed -= std::min(newreno_.presumed, presumed);
  newreno_.limit = std::max(log_.outstanding(), newreno_.presumed);
  owes_fast_retransmit_ = true;
  return lose_head_segment();
}

Recovery::Losses Recovery::lose_head_segment() {
  Losses losses;
  const SeqRange head = log_.span(0);
  if (head.size() > smss_) log_.split(0, head.begin + smss_);
  if (!log_[0].lost) declare_lost(0, losses);
  losses.retransmission = false;  // a partial ACK of the same recovery
  return losses;
}

}  // namespace sluice::tcp
