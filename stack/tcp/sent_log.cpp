// The ranges in flight, their marks, and the shortcuts that keep the work per ACK small.
#include "stack/tcp/sent_log.hpp"

#include <algorithm>
#include <cassert>
#include <vector>

namespace sluice::tcp {

void SentLog::start(Seq una, RingShelf<SentRange>* shelf) noexcept {
  *this = SentLog();
  shelf_ = shelf;
  begin_ = una;
}

std::size_t SentLog::footprint() const noexcept {
  return ranges_.footprint() + (resends_ ? sizeof *resends_ + resends_->footprint() : 0);
}

std::size_t SentLog::find(Seq seq) const noexcept {
  std::size_t low = 0;
  std::size_t high = ranges_.size();
  if (high > 0 && seq < ranges_.front().end) return 0;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (ranges_[middle].end <= seq) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::size_t SentLog::after_sacked(std::size_t i) const noexcept {
  while (i < ranges_.size() && ranges_[i].sacked) i += ranges_[i].sacked_run;
  return i;
}

std::optional<SeqRange> SentLog::first_lost(std::uint64_t limit) const noexcept {
  if (lost_ == 0) return std::nullopt;
  std::size_t i = find(first_lost_);
  const Seq begin = span(i).begin;
  const Seq edge = begin + limit;
  Seq end = begin;
  for (; i < ranges_.size() && ranges_[i].lost && ranges_[i].end <= edge; ++i) end = ranges_[i].end;
  // The next range only fits in part. That is worth a cut when the segment would be less than half full without.
  const bool more = i < ranges_.size() && ranges_[i].lost;
  return SeqRange{begin, more && 2 * (end - begin) < limit ? edge : end};
}

void SentLog::push(const SentRange& range) {
  assert(range.end > end());
  assert(ranges_.empty() || ranges_.back().resent || ranges_.back().sent_at <= range.sent_at);
  if (shelf_) shelf_->lend(ranges_);
  ranges_.push_back(range);
}

void SentLog::trim_front(Seq to) noexcept {
  const SentRange& front = ranges_.front();
  assert(begin_ < to && to <= front.end);
  const std::uint64_t bytes = to - begin_;
  if (front.sacked) sacked_ -= bytes;
  if (front.lost) lost_ -= bytes;
  begin_ = to;
  if (to == front.end) {
    sacked_ranges_ -= front.sacked;
    pieces_ -= front.piece;
    ranges_.pop_front();
  }
  settle_first_lost();
}

void SentLog::split(std::size_t i, Seq at) {
  assert(span(i).begin < at && at < ranges_[i].end);
  SentRange tail = ranges_[i];
  tail.piece = false;
  tail.sacked_run = tail.sacked;
  sacked_ranges_ += tail.sacked;
  ranges_[i].end = at;
  ranges_.insert(i + 1, tail);
}

bool SentLog::split_at_sack(std::size_t i, Seq at, std::size_t bound) {
  if (pieces_ >= bound) return false;
  split(i, at);
  ranges_[i + 1].piece = true;
  ++pieces_;
  return true;
}

void SentLog::mark_sacked(std::size_t i) noexcept {
  SentRange& range = ranges_[i];
  if (range.sacked) return;
  const std::uint64_t bytes = span(i).size();
  if (range.lost) lost_ -= bytes;
  range.lost = false;
  range.sacked = true;
  range.sacked_run = 1;
  sacked_ += bytes;
  ++sacked_ranges_;
  settle_first_lost();
}

void SentLog::mark_lost(std::size_t i) noexcept {
  SentRange& range = ranges_[i];
  assert(!range.sacked);
  if (range.lost) return;
  const SeqRange bytes = span(i);
  first_lost_ = lost_ == 0 ? bytes.begin : std::min(first_lost_, bytes.begin);
  range.lost = true;
  lost_ += bytes.size();
}

void SentLog::mark_resent(std::size_t i, const SentRange& departure) noexcept {
  SentRange& range = ranges_[i];
  if (range.lost) lost_ -= span(i).size();
  range.lost = false;
  range.resent = true;
  range.sent_at = departure.sent_at;
  range.first_sent_at = departure.first_sent_at;
  range.delivered_at = departure.delivered_at;
  range.delivered = departure.delivered;
  range.lost_count = departure.lost_count;
  range.in_flight = departure.in_flight;
  range.app_limited = departure.app_limited;
  settle_first_lost();
}

void SentLog::forgive_lost() {
  if (lost_ == 0) return;
  bool any_resent = false;
  for (std::size_t i = find(first_lost_); i < ranges_.size(); ++i) {
    any_resent |= ranges_[i].lost && ranges_[i].resent;
    ranges_[i].lost = false;
  }
  lost_ = 0;
  if (any_resent) list_resends();  // their fate is open again
}

void SentLog::link_sacked(std::size_t first, std::size_t last) noexcept {
  for (std::size_t i = first; i < last;) {
    SentRange& range = ranges_[i];
    assert(range.sacked);
    i += range.sacked_run;
    const auto run = static_cast<std::uint32_t>(last - (i - range.sacked_run));
    range.sacked_run = std::max(range.sacked_run, run);
  }
}

void SentLog::forget_sacks() {
  for (std::size_t i = 0; i < ranges_.size(); ++i) ranges_[i].sacked = false;
  sacked_ = 0;
  sacked_ranges_ = 0;
  list_resends();
}

// The list, made anew from the ranges.
void SentLog::list_resends() {
  std::vector<Resend> open;
  for (std::size_t i = 0; i < ranges_.size(); ++i) {
    if (ranges_[i].resent && !ranges_[i].lost) open.push_back({span(i), ranges_[i].sent_at});
  }
  std::stable_sort(open.begin(), open.end(), [](const Resend& a, const Resend& b) { return a.sent_at < b.sent_at; });
  resends_.reset();
  for (const Resend& resend : open) push_resend(resend);
}

void SentLog::push_resend(const Resend& resend) {
  if (!resends_) resends_ = std::make_unique<Ring<Resend>>();
  assert(resends_->empty() || resends_->back().sent_at <= resend.sent_at);
  // A probe of the same bytes again and again must not pile up.
  if (!resends_->empty() && resends_->back().range == resend.range) resends_->pop_back();
  resends_->push_back(resend);
}

void SentLog::release() noexcept {
  if (shelf_)
    shelf_->take_back(ranges_);
  else
    ranges_.release();
  if (ranges_.empty()) resends_.reset();
}

// Moves the shortcut on to the range that first_lost() is to answer with.
void SentLog::settle_first_lost() noexcept {
  if (lost_ == 0) return;
  std::size_t i = find(first_lost_);
  while (!ranges_[i].lost) i = ranges_[i].sacked ? i + ranges_[i].sacked_run : i + 1;
  first_lost_ = span(i).begin;
}

}  // namespace sluice::tcp
