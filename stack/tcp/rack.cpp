// Loss by time: RFC 8985 section 6, for peers with SACK.
#include <algorithm>

#include "stack/tcp/recovery.hpp"
#include "stack/tcp/recovery_steps.hpp"

namespace sluice::tcp {
namespace {

constexpr std::uint8_t kPatientRecoveries = 16;

// The first block reports a duplicate if it lies below the segment's own ACK number [R2883-5-1] or inside the second.
bool is_duplicate_report(std::span<const SeqRange> blocks, Seq ack) noexcept {
  if (blocks.empty()) return false;
  const SeqRange& first = blocks[0];
  if (first.begin < ack) return true;
  return blocks.size() > 1 && blocks[1].begin <= first.begin && first.end <= blocks[1].end;
}

// How many cuts at SACK edges are granted. Honest edges lie between segments, so they cut only frames of several: one
// cut fewer than there are segments in each. A quarter more, for frames of odd sizes, and some for small flights
// [A-TCP-30].
std::size_t piece_bound(const SentLog& log, std::uint32_t smss) noexcept {
  const std::uint64_t segments = log.outstanding() / std::max(smss, 1u);
  const std::uint64_t frames = log.size() - log.pieces();
  const std::uint64_t honest = segments > frames ? segments - frames : 0;
  return static_cast<std::size_t>(std::max(honest, segments / 4)) + 64;
}

}  // namespace

// RFC 2018 5, RFC 2883 4. A block that reaches outside (una, nxt] or is reversed is no SACK.
void Recovery::digest_sacks(const AckInput& input, Delivery& delivery) {
  std::span<const SeqRange> blocks = input.sacks;
  if (is_duplicate_report(blocks, input.ack)) {
    delivery.duplicate_reported = true;
    delivery.duplicate = blocks[0];
    prove_needless(blocks[0]);
    blocks = blocks.subspan(1);
  }
  const std::uint64_t before = delivery.bytes;
  for (const SeqRange& block : blocks) {
    if (!block.empty() && block.begin > log_.begin() && block.end <= log_.end()) digest_block(block, input, delivery);
  }
  if (delivery.acked > 0) {
    duplicates_ = 0;
  } else if (input.duplicate && delivery.bytes > before) {
    ++duplicates_;  // without news in its SACK it tells nothing [R5681-3.2-5]
  }
}

// Marks what the block covers wholly; a range that it covers in part is cut, while the bound allows.
void Recovery::digest_block(SeqRange block, const AckInput& input, Delivery& delivery) {
  const std::size_t bound = piece_bound(log_, input.smss);
  std::size_t i = log_.find(block.begin);
  if (!log_[i].sacked && log_.span(i).begin < block.begin) {
    if (block.end < log_[i].end && log_.pieces() + 1 >= bound) return;
    log_.split_at_sack(i, block.begin, bound);
    ++i;
  }
  const std::size_t first = i;
  for (; i < log_.size() && log_.span(i).begin < block.end; i = log_.after_sacked(i)) {
    if (log_[i].sacked) continue;
    if (block.end < log_[i].end && !log_.split_at_sack(i, block.end, bound)) break;
    delivery.credit(log_.span(i), log_[i], false);
    log_.mark_sacked(i);
  }
  log_.link_sacked(first, i);
}

// 6.2 steps 2 and 3.
void Recovery::update_rack(const Delivery& delivery) noexcept {
  if (delivery.latest_sent_at != Time::min()) {
    rack_.rtt = delivery.now - delivery.latest_sent_at;
    if (sent_after(delivery.latest_sent_at, delivery.latest_end, rack_.sent_at, rack_.end)) {
      rack_.sent_at = delivery.latest_sent_at;
      rack_.end = delivery.latest_end;
    }
  }
  rack_.reordering_seen |= delivery.overtaken;
  rack_.fack = std::max(rack_.fack, delivery.highest);
}

// 6.2 step 4: a round trip with D-SACKs shows that we were too hasty, and makes us more patient for 16 recoveries
// [R8985-6.2-5] [R8985-3.3-3] [R8985-4-3]. A duplicate of the probe is no such sign, nor one that the network made.
void Recovery::adapt_window(const Delivery& delivery, bool recovery_ended) noexcept {
  if (rack_.in_dsack_round && log_.begin() >= rack_.dsack_round) rack_.in_dsack_round = false;
  const bool hasty = delivery.duplicate_reported && !delivery.probe_duplicate && resent_ > 0;
  if (hasty && !rack_.in_dsack_round) {
    rack_.dsack_round = log_.end();
    rack_.in_dsack_round = true;
    ++rack_.multiplier;
    rack_.persist = kPatientRecoveries;
  } else if (recovery_ended && rack_.persist > 0 && --rack_.persist == 0) {
    rack_.multiplier = 1;
  }
}

// No patience while nothing was ever reordered here and the loss is plain [R8985-3.3-1].
Duration Recovery::reorder_window(const congestion::RttEstimator& rtt) const noexcept {
  const bool three_sacked =
      log_.sacked_ranges() >= kDuplicateThreshold || log_.sacked_bytes() >= kDuplicateThreshold * smss_;
  if (!rack_.reordering_seen && (in_recovery() || three_sacked)) return Duration::zero();
  return std::min(rtt.min_rtt() / 4 * rack_.multiplier, rtt.srtt());  // [R8985-6.2-4]
}

// 6.2 step 5. Transmission order is sequence order for what was sent once, and the list of resends for the rest: each
// is looked at from its oldest on, and no further than where nothing can be lost yet. A trip that took less than a tick
// of the clock says nothing about a resend of this very instant: it gets a tick, or it would go again without end
// [R8985-4-2].
Recovery::Losses Recovery::detect_losses(Time now, const congestion::RttEstimator& rtt) noexcept {
  Losses losses;
  reorder_deadline_ = kNever;
  const Duration wait = rack_.rtt + reorder_window(rtt);
  judge_firsts(now, wait, losses);
  judge_resends(now, std::max(wait, Duration(1)), losses);
  return losses;
}

// False when range i, sent and open, isn't lost now; then those sent after it aren't either. Sets the reordering timer
// for it when it is only a matter of time [R8985-6.2-7].
bool Recovery::judge(std::size_t i, Time now, Duration wait, Losses& losses) noexcept {
  const SentRange& range = log_[i];
  if (!sent_after(rack_.sent_at, rack_.end, range.sent_at, range.end)) return false;  // [R8985-6.2-8]
  if (range.sent_at + wait > now) {
    reorder_deadline_ = std::min(reorder_deadline_, range.sent_at + wait);
    return false;
  }
  declare_lost(i, losses);
  return true;
}

void Recovery::judge_firsts(Time now, Duration wait, Losses& losses) noexcept {
  std::size_t i = log_.find(std::max(unjudged_, log_.begin()));
  while (i < log_.size()) {
    if (log_[i].sacked) {
      i = log_.after_sacked(i);
      continue;
    }
    if (!log_[i].lost && !log_[i].resent && !judge(i, now, wait, losses)) break;
    ++i;
  }
  unjudged_ = i < log_.size() ? log_.span(i).begin : log_.end();
}

void Recovery::judge_resends(Time now, Duration wait, Losses& losses) noexcept {
  for (const Resend* resend = log_.oldest_resend(); resend; resend = log_.oldest_resend()) {
    if (resend->range.end > log_.begin()) {
      if (resend->sent_at > rack_.sent_at) return;
      const Time sent_at = resend->sent_at;
      const Seq end = resend->range.end;
      std::size_t i = log_.find(resend->range.begin);
      for (; i < log_.size() && log_.span(i).begin < end; ++i) {
        const SentRange& range = log_[i];
        const bool open = !range.sacked && !range.lost && range.resent && range.sent_at == sent_at;
        if (open && !judge(i, now, wait, losses)) return;
      }
    }
    log_.drop_oldest_resend();
  }
}

// 6.3: the left edge is lost [R2018-5-3], and of the others what an ACK should have come for by now [R8985-6.3-1].
// Without SACK nothing tells the others apart: all are.
Recovery::Losses Recovery::lose_overdue(Time now, const congestion::RttEstimator& rtt) noexcept {
  Losses losses;
  const Duration trip = rack_.rtt > Duration::zero() ? rack_.rtt : rtt.srtt();
  const Duration wait = trip + reorder_window(rtt);
  for (std::size_t i = log_.after_sacked(0); i < log_.size(); i = log_.after_sacked(i + 1)) {
    const bool overdue = !sack_ || log_[i].sent_at + wait <= now;
    if (!log_[i].lost && (i == 0 || overdue)) declare_lost(i, losses);
  }
  return losses;
}

void Recovery::declare_lost(std::size_t i, Losses& losses) noexcept {
  const SeqRange bytes = log_.span(i);
  if (probe_.contains(bytes.begin) && !log_[i].resent) {
    probe_lost_ = true;
    return log_.mark_lost(i);
  }
  losses.bytes += bytes.size();
  losses.retransmission |= log_[i].resent && log_[i].sent_at >= reduced_at_;
  lost_beyond_point_ |= bytes.begin >= recovery_point_;
  rate_.lost += static_cast<std::uint32_t>(bytes.size());
  log_.mark_lost(i);
}

}  // namespace sluice::tcp
