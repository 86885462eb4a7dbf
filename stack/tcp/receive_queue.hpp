// Received text: in order and waiting for the application, or out of order and waiting for a gap to close.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "stack/base/buffer.hpp"
#include "stack/base/ring.hpp"
#include "stack/tcp/memory.hpp"
#include "stack/tcp/seq.hpp"

namespace sluice::tcp {

/// Text is moved in, not copied, except that small text is compacted so that one byte never pins a big buffer. Of
/// overlapping text the first received bytes win. Charged to the budget by what is pinned. Empty, it holds no memory.
class ReceiveQueue {
 public:
  /// Out-of-order pieces kept at most; what comes beyond is dropped and the peer resends it [A-TCP-27].
  static constexpr std::size_t kMaximumPieces = 8192;
  static constexpr std::size_t kMaximumSacks = 4;

  enum class Taken : std::uint8_t { in_order, out_of_order, duplicate, no_memory, too_many_pieces };

  explicit ReceiveQueue(Memory& memory) noexcept : memory_(&memory) {}
  ~ReceiveQueue() { clear(); }
  ReceiveQueue(const ReceiveQueue&) = delete;
  ReceiveQueue& operator=(const ReceiveQueue&) = delete;

  /// Takes text that begins at `seq`. `nxt` is rcv.nxt and is advanced over everything that is now in order.
  /// REQUIRES nxt <= seq + text.size(); what lies before nxt was trimmed.
  Taken take(Seq seq, Slice text, Seq& nxt);

  /// The first contiguous run of readable bytes.
  MutableBytes peek() const noexcept {
    return readable_.empty() ? MutableBytes{} : readable_.front().text.mutable_bytes();
  }
  Slice peek_slice() const noexcept { return readable_.empty() ? Slice{} : readable_.front().text; }
  /// Copies of readable bytes from `offset` on; answers how many.
  std::size_t copy_ahead(std::size_t offset, MutableBytes room) const noexcept;
  /// REQUIRES count <= peek().size().
  void consume(std::size_t count) noexcept;
  void clear() noexcept;

  /// Bytes to read.
  std::size_t readable() const noexcept { return readable_bytes_; }
  bool has_gap() const noexcept { return waiting_ != nullptr; }
  /// Ranges above rcv.nxt for the SACK option, the one that changed last first (RFC 2018 4).
  std::span<const SeqRange> sacks() const noexcept {
    if (!waiting_) return {};
    return {waiting_->recent.data(), waiting_->recent_count};
  }
  /// The first part of `range` that waits for a gap to close already; empty if none does.
  SeqRange held(SeqRange range) const noexcept;
  std::size_t footprint() const noexcept {
    return charged_ + readable_.footprint() + (waiting_ ? sizeof(Waiting) + waiting_->pieces.footprint() : 0);
  }

 private:
  using Piece = ReceivedPiece;

  bool admit(Seq seq, Slice text, bool in_order, Piece& piece);
  bool append_compact(Bytes text) noexcept;
  bool append_in_order(Seq seq, Slice text);
  void push_readable(Piece piece);
  std::size_t lower_bound(Seq seq) const noexcept;
  Taken insert_out_of_order(Seq seq, const Slice& text);
  Taken fill_gaps(Seq seq, const Slice& text);
  void absorb_pieces(Seq& nxt);
  void note_range(Seq begin, Seq end) noexcept;
  void forget_ranges_before(Seq nxt) noexcept;
  void discharge(Piece& piece) noexcept;

  /// Exists while there is a gap.
  struct Waiting {
    Ring<Piece> pieces;  // sorted, disjoint
    std::array<SeqRange, kMaximumSacks> recent{};
    std::uint8_t recent_count = 0;
  };

  Memory* memory_;
  Ring<Piece> readable_;
  std::unique_ptr<Waiting> waiting_;
  std::size_t readable_bytes_ = 0;
  std::size_t charged_ = 0;
};

}  // namespace sluice::tcp
