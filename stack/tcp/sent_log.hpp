// The log of what is in flight: contiguous ranges from snd.una to snd.nxt, one per emitted frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "stack/base/ring.hpp"
#include "stack/base/ring_shelf.hpp"
#include "stack/base/time.hpp"
#include "stack/tcp/sent_range.hpp"
#include "stack/tcp/seq.hpp"

namespace sluice::tcp {

/// A retransmission, in the order of time: what RFC 8985 6.2 keeps sorted by transmission and sequence order doesn't.
struct Resend {
  SeqRange range{};
  Time sent_at{};
};

/// Keeps counts of sacked and lost bytes beside the ranges. Lookup is binary search; ranges are split at SACK, ACK and
/// resend edges, and the number of splits is bounded (RFC 8985; [A-TCP-30]). SACKed neighbours are linked into runs,
/// so that a block which grows with each ACK is not walked anew.
class SentLog {
 public:
  /// Nothing is out; the next range begins at `una`. The ring comes from `shelf`, which outlives the log, if there is
  /// one.
  void start(Seq una, RingShelf<SentRange>* shelf = nullptr) noexcept;

  std::uint64_t outstanding() const noexcept { return end() - begin_; }  ///< bytes from begin() to the last end
  std::uint64_t sacked_bytes() const noexcept { return sacked_; }
  std::uint64_t lost_bytes() const noexcept { return lost_; }
  /// SACKed ranges: frames or parts of them, so a lower bound of segments only together with sacked_bytes().
  std::size_t sacked_ranges() const noexcept { return sacked_ranges_; }
  /// Ranges that exist because a SACK block ended inside another.
  std::size_t pieces() const noexcept { return pieces_; }
  Seq begin() const noexcept { return begin_; }
  Seq end() const noexcept { return ranges_.empty() ? begin_ : ranges_.back().end; }
  bool empty() const noexcept { return ranges_.empty(); }
  std::size_t size() const noexcept { return ranges_.size(); }
  std::size_t footprint() const noexcept;

  const SentRange& operator[](std::size_t i) const noexcept { return ranges_[i]; }
  SeqRange span(std::size_t i) const noexcept { return {i == 0 ? begin_ : ranges_[i - 1].end, ranges_[i].end}; }
  /// The range that holds `seq` (the first for what lies before it); size() if it lies at or after end().
  std::size_t find(Seq seq) const noexcept;
  /// The first range at or after `i` that is not known to be SACKed, by the runs.
  std::size_t after_sacked(std::size_t i) const noexcept;
  /// The first lost bytes, at most `limit` (> 0) of them, over adjacent lost ranges; rather whole ranges than a full
  /// `limit`, if that fills half of it.
  std::optional<SeqRange> first_lost(std::uint64_t limit) const noexcept;

  /// REQUIRES range.end > end(), and a `sent_at` not before the last one's.
  void push(const SentRange& range);
  /// Forgets the first range up to `to`. REQUIRES begin() < to <= the first range's end.
  void trim_front(Seq to) noexcept;
  /// Cuts range i in two at `at`. REQUIRES at strictly inside.
  void split(std::size_t i, Seq at);
  /// The same at a SACK's edge: false, and nothing done, when there are `bound` pieces already.
  bool split_at_sack(std::size_t i, Seq at, std::size_t bound);

  void mark_sacked(std::size_t i) noexcept;  ///< takes a lost mark away
  void mark_lost(std::size_t i) noexcept;    ///< REQUIRES not SACKed
  /// Another transmission: takes a lost mark away, and notes when it left and how things stood then.
  void mark_resent(std::size_t i, const SentRange& departure) noexcept;
  /// Takes all lost marks back.
  void forgive_lost();
  /// Links [first, last) into one run. REQUIRES all of them SACKed.
  void link_sacked(std::size_t first, std::size_t last) noexcept;
  /// Takes all SACK marks back: the receiver threw them away (RFC 2018 section 8).
  void forget_sacks();

  /// The retransmissions whose fate is open, oldest first; some may have been acknowledged, SACKed or lost since.
  const Resend* oldest_resend() const noexcept { return resends_ && !resends_->empty() ? &resends_->front() : nullptr; }
  void drop_oldest_resend() noexcept { resends_->pop_front(); }
  /// REQUIRES not older than those before.
  void push_resend(const Resend& resend);

  /// Gives the memory back if nothing is out.
  void release() noexcept;

 private:
  void list_resends();
  void settle_first_lost() noexcept;

  Ring<SentRange> ranges_;
  RingShelf<SentRange>* shelf_ = nullptr;
  std::unique_ptr<Ring<Resend>> resends_;  // made by the first retransmission
  Seq begin_;
  Seq first_lost_;  // no lost range begins before; of no meaning while lost_ == 0
  std::uint64_t sacked_ = 0;
  std::uint64_t lost_ = 0;
  std::uint32_t sacked_ranges_ = 0;
  std::uint32_t pieces_ = 0;
};

}  // namespace sluice::tcp
