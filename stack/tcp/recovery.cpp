// What every kind of loss recovery shares: sending, digesting an ACK, timeouts, and when recovery begins and ends.
#include "stack/tcp/recovery.hpp"

#include <algorithm>
#include <cassert>

#include "stack/tcp/recovery_steps.hpp"

namespace sluice::tcp {

void Recovery::start(bool sack, Seq una, RingShelf<SentRange>* shelf) noexcept {
  *this = Recovery();
  sack_ = sack;
  log_.start(una, shelf);
  recovery_point_ = una - 1;  // RFC 6582 3.2 step 1: recover is the initial sequence number
}

void Recovery::on_sent(SeqRange range, Time now) {
  assert(range.begin == log_.end() && !range.empty());
  if (log_.empty()) unjudged_ = range.begin;
  SentRange sent = departure(range.size(), now);
  sent.end = range.end;
  log_.push(sent);
}

// RFC 8985 6.1: another transmission has a new time and is no longer lost.
void Recovery::on_resent(SeqRange range, Time now) {
  assert(log_.begin() <= range.begin && range.end <= log_.end() && !range.empty());
  note_resent(range, now);
  std::size_t i = log_.find(range.begin);
  if (log_.span(i).begin < range.begin) log_.split(i++, range.begin);
  for (; i < log_.size() && log_.span(i).begin < range.end; ++i) {
    if (range.end < log_[i].end) log_.split(i, range.end);
    log_.mark_resent(i, departure(log_.span(i).size(), now));
  }
  if (sack_) log_.push_resend({range, now});
  owes_fast_retransmit_ = false;
}

std::optional<SeqRange> Recovery::next_to_resend(std::uint64_t limit) const noexcept { return log_.first_lost(limit); }

Time Recovery::oldest_sent_at() const noexcept { return log_.empty() ? kNever : log_[0].sent_at; }

RecoveryFacts Recovery::on_ack(const AckInput& input, const congestion::RttEstimator& rtt) {
  RecoveryFacts facts;
  facts.sample.now = input.now;
  facts.sample.in_flight_before = pipe();
  const bool was_in_recovery = in_recovery();
  const std::uint64_t presumed_before = newreno_.presumed;
  smss_ = input.smss;

  Delivery delivery{input.now, input.echoed_before, rtt.min_rtt(), rack_.fack};
  acknowledge(input, delivery);
  if (sack_) digest_sacks(input, delivery);
  if (delivery.bytes > 0) {
    rate_.delivered += delivery.bytes;
    rate_.delivered_at = input.now;
  }
  end_recovery(facts);
  if (is_spurious(input)) undo(facts);
  facts.probe_repaired = settle_probe(input, delivery);
  Losses losses;
  if (sack_) {
    update_rack(delivery);
    adapt_window(delivery, facts.recovery_ended);
    losses = detect_losses(input.now, rtt);
  } else {
    losses = count_duplicates(input, delivery);
  }
  respond(losses, flight_before(delivery.bytes), input.now, facts);

  facts.sample.newly_acked = delivery.acked;
  // Without SACK a duplicate tells of a segment, and the ACK that covers it tells no news [R9937-6.2-2].
  facts.sample.newly_delivered =
      delivery.bytes + newreno_.presumed - std::min(presumed_before, delivery.bytes + newreno_.presumed);
  facts.sample.newly_lost = losses.bytes;
  facts.sample.rtt = delivery.rtt_sample();
  if (facts.sample.rtt > Duration::zero()) {
    tail_probe_.sampled = true;
    facts.adapt_rtt = input.now - facts.sample.rtt >= adapt_from_;
    if (facts.adapt_rtt) adapt_from_ = kNever;
  }
  facts.duplicate_reported = delivery.duplicate_reported;
  sample_rate(delivery, facts.sample);
  if (log_.sacked_bytes() > 0) cancel_probe();  // it is known what to wait for [R8985-7.2-1]
  close(facts);
  facts.sample.in_recovery = was_in_recovery || in_recovery();
  return facts;
}

RecoveryFacts Recovery::on_timeout(Time now, const congestion::RttEstimator& rtt) {
  RecoveryFacts facts;
  facts.sample.now = now;
  facts.sample.in_flight_before = pipe();
  if (log_.empty()) return facts;
  facts.event_flight = flight_before(0);
  // The left edge was SACKed and is still not acknowledged: the receiver took it back (RFC 2018 section 8).
  if (log_[0].sacked) {
    log_.forget_sacks();
    unjudged_ = rack_.fack = rack_.end = log_.begin();
  }
  const Losses losses = lose_overdue(now, rtt);
  // The same segment again: the controller remembers the window of the first timeout.
  const bool repeated = phase_ == Phase::timeout && log_.begin() == episode_.begin;
  if (!repeated) begin_episode(true, now);
  cancel_probe();
  tail_probe_.out = false;
  newreno_.presumed = 0;
  duplicates_ = 0;
  phase_ = Phase::timeout;
  recovery_point_ = log_.end();  // RFC 6582 3.2 step 6
  lost_beyond_point_ = false;
  owes_fast_retransmit_ = true;
  reduced_at_ = now;
  reorder_deadline_ = kNever;
  facts.sample.newly_lost = losses.bytes;
  close(facts);
  facts.sample.in_recovery = true;
  return facts;
}

RecoveryFacts Recovery::on_reorder_timer(Time now, const congestion::RttEstimator& rtt) {
  RecoveryFacts facts;
  facts.sample.now = now;
  facts.sample.in_flight_before = pipe();
  const Losses losses = detect_losses(now, rtt);
  respond(losses, flight_before(0), now, facts);
  facts.sample.newly_lost = losses.bytes;
  close(facts);
  facts.sample.in_recovery = in_recovery();
  return facts;
}

void Recovery::on_refused() noexcept {
  if (log_.empty()) return;
  for (std::size_t i = log_.after_sacked(0); i < log_.size(); i = log_.after_sacked(i + 1)) log_.mark_lost(i);
  newreno_.presumed = 0;
  duplicates_ = 0;
  cancel_probe();
  if (phase_ == Phase::open) recovery_point_ = log_.end();  // duplicates of what leaves twice now are no evidence
  reorder_deadline_ = kNever;
}

void Recovery::lose_probe() noexcept {
  for (std::size_t i = log_.find(probe_.begin); i < log_.size() && log_.span(i).begin < probe_.end; ++i)
    if (!log_[i].sacked) log_.mark_lost(i);
  probe_ = {};
}

// The cumulative part of an ACK.
void Recovery::acknowledge(const AckInput& input, Delivery& delivery) {
  const Seq ack = std::min(input.ack, log_.end());
  if (log_.begin() < ack) judge_by_echo({log_.begin(), std::min(ack, log_[0].end)}, input);
  while (log_.begin() < ack) {
    const SeqRange bytes{log_.begin(), std::min(ack, log_[0].end)};
    delivery.acked += bytes.size();
    if (!log_[0].sacked) delivery.credit(bytes, log_[0], true);
    log_.trim_front(bytes.end);
  }
}

void Recovery::end_recovery(RecoveryFacts& facts) noexcept {
  if (phase_ == Phase::open || log_.begin() < recovery_point_) return;
  phase_ = Phase::open;
  newreno_.presumed = 0;
  facts.recovery_ended = true;
}

// A recovery begins with the first loss. What was lost of the window after the reduction counts when this recovery is
// over [R5681-4.3-1]. A lost retransmission lowers the window once more after a timeout, which has no PRR; inside a
// fast recovery PRR slows down for it by itself [R8985-9.3-3]. It is a true loss, so what it belongs to can't be
// undone.
void Recovery::respond(const Losses& losses, std::uint64_t flight, Time now, RecoveryFacts& facts) {
  const bool loss = losses.bytes > 0 || (facts.recovery_ended && lost_beyond_point_) || facts.probe_repaired;
  const bool begins = phase_ == Phase::open && loss;
  if (losses.retransmission) episode_.open = false;
  if (!begins && !(losses.retransmission && phase_ == Phase::timeout)) return;
  begin_episode(false, now);
  // A second reduction hides what there was before the first, and what a probe repaired was truly lost.
  if (!begins || facts.probe_repaired) episode_.open = false;
  cancel_probe();
  tail_probe_.out = false;
  phase_ = Phase::fast_recovery;
  recovery_point_ = log_.end();
  lost_beyond_point_ = false;
  owes_fast_retransmit_ = true;
  reduced_at_ = now;
  facts.congestion_event = true;
  facts.event_flight = flight;
}

// FlightSize without what limited transmit added [R5681-3.2-6]. With SACK that is RFC 9937's RecoverFS: the bytes
// that SACKs released are not counted, so neither are those which took their place.
std::uint64_t Recovery::flight_before(std::uint64_t delivered_now) const noexcept {
  const std::uint64_t out = log_.outstanding();
  if (sack_) return out - log_.sacked_bytes() + delivered_now;
  if (duplicates_ == 0 || phase_ != Phase::open) return out;
  return std::max(newreno_.nxt_at_first_duplicate, log_.begin()) - log_.begin();
}

void Recovery::close(RecoveryFacts& facts) noexcept {
  if (log_.lost_bytes() == 0) owes_fast_retransmit_ = false;
  if (log_.empty()) {
    log_.release();
    reorder_deadline_ = kNever;
    duplicates_ = 0;
    cancel_probe();
  }
  facts.sample.in_flight = pipe();
}

}  // namespace sluice::tcp
