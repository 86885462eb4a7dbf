// Was it needless? Recoveries and timeouts whose retransmissions all duplicated what had arrived (RFC 3522, RFC 3708).
#include <algorithm>

#include "stack/tcp/recovery.hpp"
#include "stack/tcp/recovery_steps.hpp"

namespace sluice::tcp {
namespace {

// An episode of more retransmissions than this is hardly spurious as a whole.
constexpr std::size_t kMaximumUnproven = 256;

constexpr bool overlap(const SeqRange& a, const SeqRange& b) noexcept { return a.begin < b.end && b.begin < a.end; }

}  // namespace

// It begins with each reduction of the congestion window.
void Recovery::begin_episode(bool by_timeout, Time now) {
  episode_ = {};
  episode_.began_at = now;
  episode_.begin = log_.begin();
  episode_.by_timeout = by_timeout;
  episode_.open = true;
}

void Recovery::note_resent(SeqRange range, Time now) {
  resent_ += range.size();
  if (!episode_.open) return;
  if (episode_.first_resent_at == kNever) episode_.first_resent_at = now;
  std::vector<SeqRange>& unproven = episode_.unproven;
  for (const SeqRange& other : unproven) episode_.countable &= !overlap(other, range);
  if (!episode_.countable) return;
  if (!unproven.empty() && unproven.back().end == range.begin) {
    unproven.back().end = range.end;
  } else if (unproven.size() < kMaximumUnproven) {
    unproven.push_back(range);
  } else {
    episode_.countable = false;
  }
}

// Both copies of these bytes arrived.
void Recovery::prove_needless(SeqRange range) {
  if (!episode_.open || range.empty()) return;
  std::vector<SeqRange> rest;
  for (const SeqRange& other : episode_.unproven) {
    if (other.begin < range.begin) rest.push_back({other.begin, std::min(other.end, range.begin)});
    if (range.end < other.end) rest.push_back({std::max(other.begin, range.end), other.end});
  }
  episode_.unproven = std::move(rest);
}

// RFC 3522: an ACK that covers the left edge echoes the timestamp of what filled it (RFC 7323 4.3). Older than the
// first retransmission, it was the original. Of a timeout's retransmissions the first acceptable ACK judges all; in
// fast recovery each hole has its own original, and those that lie beyond the left edge are not told about.
void Recovery::judge_by_echo(SeqRange head, const AckInput& input) {
  if (!episode_.open || !log_[0].resent || episode_.first_resent_at == kNever) return;
  const bool original = input.echoed_before <= episode_.first_resent_at;
  const bool first = !episode_.acknowledged;
  episode_.acknowledged = true;
  if (!original) return;
  if (episode_.by_timeout && first) {
    episode_.unproven.clear();
    episode_.countable = true;
  } else {
    prove_needless(head);
  }
}

bool Recovery::is_spurious(const AckInput& input) const noexcept {
  if (!episode_.open || input.congestion_echoed) return false;
  return episode_.first_resent_at != kNever && episode_.countable && episode_.unproven.empty();
}

// What was marked lost is on its way, or will be marked again for good reasons (RFC 4015 3.3: go on with new text).
void Recovery::undo(RecoveryFacts& facts) {
  facts.undo = true;
  facts.undo_timeout = episode_.by_timeout;
  if (episode_.by_timeout) {
    adapt_from_ = episode_.began_at;
  } else {
    rack_.reordering_seen = true;
  }
  log_.forgive_lost();
  unjudged_ = log_.begin();
  phase_ = Phase::open;
  newreno_.presumed = 0;
  duplicates_ = 0;
  lost_beyond_point_ = false;
  owes_fast_retransmit_ = false;
  episode_ = {};
}

}  // namespace sluice::tcp
