// Tail loss probes: the last segments of a flight have nothing behind them that would show their loss (RFC 8985 7).
#include <algorithm>

#include "stack/tcp/recovery.hpp"
#include "stack/tcp/recovery_steps.hpp"

namespace sluice::tcp {
namespace {

using namespace std::chrono_literals;

constexpr Duration kWithoutSample = 1s;       // [R8985-7.2-3]
constexpr Duration kMaximumAckDelay = 200ms;  // TLP.max_ack_delay (WCDelAckT): longer than deployed receivers wait

}  // namespace

// 7.2: only on a line where all is well as far as anybody knows [R8985-7.2-1], and not before the last probe's fate and
// a new RTT sample are known [R8985-7.3-1].
void Recovery::schedule_probe(Time now, Time rto_deadline, std::uint32_t smss,
                              const congestion::RttEstimator& rtt) noexcept {
  cancel_probe();
  const bool well = phase_ == Phase::open && log_.sacked_bytes() == 0 && log_.lost_bytes() == 0;
  if (!sack_ || !well || log_.empty() || rto_deadline == kNever || tail_probe_.out || !tail_probe_.sampled) return;
  Duration timeout = rtt.has_sample() ? 2 * rtt.srtt() : kWithoutSample;
  const bool one_segment = log_.outstanding() <= smss;               // its ACK may be delayed
  if (rtt.has_sample() && one_segment) timeout += kMaximumAckDelay;  // [R8985-7.2-2]
  tail_probe_.deadline = std::min(now + timeout, rto_deadline);      // [R8985-7.2-4]
}

// 7.3.
void Recovery::on_probe_timer() noexcept {
  tail_probe_.deadline = kNever;
  tail_probe_.due = !log_.empty();
}

SeqRange Recovery::tail(std::uint64_t limit) const noexcept {
  const SeqRange last = log_.span(log_.size() - 1);
  return last.size() <= limit ? last : SeqRange{last.end - limit, last.end};
}

void Recovery::on_probe_sent(bool again) noexcept {
  tail_probe_ = {.end = log_.end(), .out = true, .again = again, .sampled = false};
}

// 7.4: did a retransmitted probe repair a loss? Not if both copies are known to have arrived, by a D-SACK or by a plain
// duplicate of the number; if the number goes beyond it without a word of that, it did [R8985-7.4.2-1].
bool Recovery::settle_probe(const AckInput& input, Delivery& delivery) noexcept {
  if (!tail_probe_.out || input.ack < tail_probe_.end) return false;
  delivery.probe_duplicate =
      tail_probe_.again && delivery.duplicate_reported && delivery.duplicate.end == tail_probe_.end;
  const bool plain_duplicate = delivery.acked == 0 && input.duplicate && input.sacks.empty();
  const bool known = !tail_probe_.again || delivery.probe_duplicate || plain_duplicate;
  const bool repaired = !known && input.ack > tail_probe_.end;
  if (known || repaired) tail_probe_.out = false;
  return repaired;
}

}  // namespace sluice::tcp
