// In-order text in one ring, out-of-order pieces in another; see receive_queue.hpp.
#include "stack/tcp/receive_queue.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sluice::tcp {
namespace {

// Text that fills less than this share of its buffer is copied into a compact block.
bool wastes_memory(const Slice& text) noexcept { return text.size() < text.buffer().capacity() / 2; }

}  // namespace

ReceiveQueue::Taken ReceiveQueue::take(Seq seq, Slice text, Seq& nxt) {
  if (seq < nxt) {
    text.remove_front(static_cast<std::size_t>(nxt - seq));
    seq = nxt;
  }
  if (text.empty()) return Taken::duplicate;
  if (seq > nxt) return insert_out_of_order(seq, std::move(text));

  // Of overlapping text the first received bytes win: cut what a waiting piece already has.
  if (!pieces_.empty() && pieces_.front().begin < seq + text.size()) {
    const auto fresh = static_cast<std::size_t>(pieces_.front().begin - seq);
    const Slice tail = text.part(fresh, text.size() - fresh);
    text.remove_back(tail.size());
    if (const Seq behind = seq + fresh; insert_out_of_order(behind, tail) == Taken::no_memory) return Taken::no_memory;
  }
  const std::size_t size = text.size();
  if (!append_in_order(seq, std::move(text))) return Taken::no_memory;
  nxt = seq + size;
  absorb_pieces(nxt);
  return Taken::in_order;
}

// Charges the budget and decides whether the buffer itself or a compact copy is kept.
// In-order text gets a block with room for more; out-of-order text one that just fits.
bool ReceiveQueue::admit(Seq seq, Slice text, bool in_order, Piece& piece) {
  const bool copy = wastes_memory(text);
  Buffer block;
  if (copy) block = in_order ? pool_->take(text.size()) : Buffer::allocate(text.size());
  const std::size_t charge = copy ? block.capacity() : text.buffer().capacity();
  if (!budget_->charge(charge)) return false;
  charged_ += charge;
  if (copy) {
    std::memcpy(block.data(), text.bytes().data(), text.size());
    const std::size_t size = text.size();
    text = Slice(std::move(block), 0, size);
  }
  piece = {seq, std::move(text), static_cast<std::uint32_t>(charge), copy};
  return true;
}

// Behind the last readable byte, if that block is ours and has room.
bool ReceiveQueue::append_compact(Bytes text) noexcept {
  if (readable_.empty() || !readable_.back().compact) return false;
  Piece& last = readable_.back();
  const Buffer& buffer = last.text.buffer();
  const std::size_t used = static_cast<std::size_t>(last.text.bytes().data() - buffer.data()) + last.text.size();
  if (buffer.capacity() - used < text.size()) return false;
  std::memcpy(buffer.data() + used, text.data(), text.size());
  last.text = Slice(buffer, used - last.text.size(), last.text.size() + text.size());
  return true;
}

bool ReceiveQueue::append_in_order(Seq seq, Slice text) {
  const std::size_t size = text.size();
  if (!(wastes_memory(text) && append_compact(text.bytes()))) {
    Piece piece;
    if (!admit(seq, std::move(text), true, piece)) return false;
    readable_.push_back(std::move(piece));
  }
  readable_bytes_ += size;
  return true;
}

// The first piece that ends behind `seq`.
std::size_t ReceiveQueue::lower_bound(Seq seq) const noexcept {
  std::size_t low = 0;
  std::size_t high = pieces_.size();
  // Text mostly arrives behind what waits: look there first.
  if (high > 0 && pieces_.back().end() <= seq) return high;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (pieces_[middle].end() <= seq)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

// Fills only the gaps between the pieces that are there already.
ReceiveQueue::Taken ReceiveQueue::insert_out_of_order(Seq seq, Slice text) {
  const Seq end = seq + text.size();
  bool fresh = false;
  Seq at = seq;
  for (std::size_t i = lower_bound(seq); at < end; ++i) {
    const bool covered = i < pieces_.size() && pieces_[i].begin <= at;
    if (!covered) {
      if (pieces_.size() >= kMaximumPieces) return Taken::too_many_pieces;
      const Seq until = i < pieces_.size() ? std::min(end, pieces_[i].begin) : end;
      Piece piece;
      if (!admit(at, text.part(static_cast<std::size_t>(at - seq), static_cast<std::size_t>(until - at)), false, piece))
        return Taken::no_memory;
      pieces_.insert(i, std::move(piece));
      fresh = true;
    }
    at = pieces_[i].end();
  }
  note_range(seq, end);
  return fresh ? Taken::out_of_order : Taken::duplicate;
}

void ReceiveQueue::absorb_pieces(Seq& nxt) {
  while (!pieces_.empty() && pieces_.front().begin == nxt) {
    Piece piece = std::move(pieces_.front());
    pieces_.pop_front();
    nxt = piece.end();
    readable_bytes_ += piece.text.size();
    if (piece.compact && append_compact(piece.text.bytes())) {
      discharge(piece);
      continue;
    }
    readable_.push_back(std::move(piece));
  }
  pieces_.release();
  forget_ranges_before(nxt);
}

// RFC 2018 4: the block that holds the segment just received comes first, the others in order of their last change.
void ReceiveQueue::note_range(Seq begin, Seq end) noexcept {
  SeqRange whole{begin, end};
  const auto join = [&whole](Seq from, Seq to) {
    whole.begin = std::min(whole.begin, from);
    whole.end = std::max(whole.end, to);
  };
  // Known ranges first, so that the walk over single pieces stays short however long a range grows.
  for (const SeqRange& old : sacks())
    if (old.begin <= whole.end && whole.begin <= old.end) join(old.begin, old.end);
  for (std::size_t i = lower_bound(whole.begin); i-- > 0 && pieces_[i].end() == whole.begin;)
    join(pieces_[i].begin, whole.end);
  for (std::size_t i = lower_bound(whole.end - 1); i < pieces_.size() && pieces_[i].begin <= whole.end; ++i)
    join(pieces_[i].begin, pieces_[i].end());
  std::array<SeqRange, kMaximumSacks> list{whole};
  std::uint8_t count = 1;
  for (const SeqRange& old : sacks()) {
    const bool merged = old.begin <= whole.end && whole.begin <= old.end;
    if (!merged && count < kMaximumSacks) list[count++] = old;
  }
  recent_ = list;
  recent_count_ = count;
}

void ReceiveQueue::forget_ranges_before(Seq nxt) noexcept {
  std::uint8_t kept = 0;
  for (std::uint8_t i = 0; i < recent_count_; ++i)
    if (recent_[i].begin > nxt) recent_[kept++] = recent_[i];
  recent_count_ = kept;
}

void ReceiveQueue::discharge(Piece& piece) noexcept {
  budget_->release(piece.charged);
  charged_ -= piece.charged;
}

void ReceiveQueue::consume(std::size_t count) noexcept {
  if (count == 0) return;
  Piece& first = readable_.front();
  first.text.remove_front(count);
  readable_bytes_ -= count;
  if (!first.text.empty()) return;
  discharge(first);
  readable_.pop_front();
  readable_.release();
}

void ReceiveQueue::clear() noexcept {
  for (Ring<Piece>* ring : {&readable_, &pieces_}) {
    while (!ring->empty()) {
      discharge(ring->front());
      ring->pop_front();
    }
    ring->release();
  }
  readable_bytes_ = 0;
  recent_count_ = 0;
}

}  // namespace sluice::tcp
