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
  if (seq > nxt) return insert_out_of_order(seq, text);

  // Of overlapping text the first received bytes win: cut what a waiting piece already has.
  if (waiting_ && waiting_->pieces.front().begin < seq + text.size()) {
    const auto fresh = static_cast<std::size_t>(waiting_->pieces.front().begin - seq);
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
  if (copy) block = in_order ? memory_->pool.take(text.size()) : Buffer::allocate(text.size());
  const std::size_t charge = copy ? block.capacity() : text.buffer().capacity();
  if (!memory_->budget.charge(charge)) return false;
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
    push_readable(std::move(piece));
  }
  readable_bytes_ += size;
  return true;
}

void ReceiveQueue::push_readable(Piece piece) {
  memory_->pieces.lend(readable_);
  readable_.push_back(std::move(piece));
}

// The first piece that ends behind `seq`.
std::size_t ReceiveQueue::lower_bound(Seq seq) const noexcept {
  std::size_t low = 0;
  const Ring<Piece>& pieces = waiting_->pieces;
  std::size_t high = pieces.size();
  // Text mostly arrives behind what waits: look there first.
  if (high > 0 && pieces.back().end() <= seq) return high;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (pieces[middle].end() <= seq)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

// Fills only the gaps between the pieces that are there already.
ReceiveQueue::Taken ReceiveQueue::insert_out_of_order(Seq seq, const Slice& text) {
  if (!waiting_) waiting_ = std::make_unique<Waiting>();
  const Taken taken = fill_gaps(seq, text);
  if (waiting_->pieces.empty())
    waiting_.reset();  // not even the first piece was admitted
  else
    note_range(seq, seq + text.size());
  return taken;
}

ReceiveQueue::Taken ReceiveQueue::fill_gaps(Seq seq, const Slice& text) {
  Ring<Piece>& pieces = waiting_->pieces;
  const Seq end = seq + text.size();
  Taken taken = Taken::duplicate;
  Seq at = seq;
  for (std::size_t i = lower_bound(seq); at < end; ++i) {
    const bool covered = i < pieces.size() && pieces[i].begin <= at;
    if (!covered) {
      if (pieces.size() >= kMaximumPieces) return Taken::too_many_pieces;
      const Seq until = i < pieces.size() ? std::min(end, pieces[i].begin) : end;
      Piece piece;
      if (!admit(at, text.part(static_cast<std::size_t>(at - seq), static_cast<std::size_t>(until - at)), false, piece))
        return Taken::no_memory;
      pieces.insert(i, std::move(piece));
      taken = Taken::out_of_order;
    }
    at = pieces[i].end();
  }
  return taken;
}

SeqRange ReceiveQueue::held(SeqRange range) const noexcept {
  if (!waiting_) return {};
  const Ring<Piece>& pieces = waiting_->pieces;
  std::size_t i = lower_bound(range.begin);
  if (i == pieces.size() || pieces[i].begin >= range.end) return {};
  const Seq begin = std::max(range.begin, pieces[i].begin);
  Seq end = pieces[i].end();
  while (end < range.end && ++i < pieces.size() && pieces[i].begin == end) end = pieces[i].end();
  return {begin, std::min(end, range.end)};
}

void ReceiveQueue::absorb_pieces(Seq& nxt) {
  if (!waiting_) return;
  Ring<Piece>& pieces = waiting_->pieces;
  while (!pieces.empty() && pieces.front().begin == nxt) {
    Piece piece = std::move(pieces.front());
    pieces.pop_front();
    nxt = piece.end();
    readable_bytes_ += piece.text.size();
    if (piece.compact && append_compact(piece.text.bytes())) {
      discharge(piece);
      continue;
    }
    push_readable(std::move(piece));
  }
  if (pieces.empty())
    waiting_.reset();
  else
    forget_ranges_before(nxt);
}

// RFC 2018 4: the block that holds the segment just received comes first, the others in order of their last change.
void ReceiveQueue::note_range(Seq begin, Seq end) noexcept {
  const Ring<Piece>& pieces = waiting_->pieces;
  const std::size_t first = lower_bound(begin);
  if (first == pieces.size() || pieces[first].begin >= end) return;  // dropped: nothing of it is held [R2018-8-3]
  SeqRange whole{pieces[first].begin, pieces[first].end()};
  // Known ranges first, so that the walk over single pieces stays short however long a range grows.
  for (const SeqRange& old : sacks())
    if (old.begin <= whole.end && whole.begin <= old.end)
      whole = {std::min(whole.begin, old.begin), std::max(whole.end, old.end)};
  for (std::size_t i = lower_bound(whole.begin); i-- > 0 && pieces[i].end() == whole.begin;)
    whole.begin = pieces[i].begin;
  for (std::size_t i = lower_bound(whole.end); i < pieces.size() && pieces[i].begin == whole.end; ++i)
    whole.end = pieces[i].end();
  std::array<SeqRange, kMaximumSacks> list{whole};
  std::uint8_t count = 1;
  for (const SeqRange& old : sacks()) {
    const bool merged = old.begin <= whole.end && whole.begin <= old.end;
    if (!merged && count < kMaximumSacks) list[count++] = old;
  }
  waiting_->recent = list;
  waiting_->recent_count = count;
}

void ReceiveQueue::forget_ranges_before(Seq nxt) noexcept {
  std::uint8_t kept = 0;
  for (std::uint8_t i = 0; i < waiting_->recent_count; ++i)
    if (waiting_->recent[i].begin > nxt) waiting_->recent[kept++] = waiting_->recent[i];
  waiting_->recent_count = kept;
}

void ReceiveQueue::discharge(Piece& piece) noexcept {
  memory_->budget.release(piece.charged);
  charged_ -= piece.charged;
}

std::size_t ReceiveQueue::copy_ahead(std::size_t offset, MutableBytes room) const noexcept {
  std::size_t copied = 0;
  for (std::size_t i = 0; i < readable_.size() && copied < room.size(); ++i) {
    const Bytes text = readable_[i].text.bytes();
    const std::size_t skipped = std::min(offset, text.size());
    offset -= skipped;
    const std::size_t count = std::min(text.size() - skipped, room.size() - copied);
    if (count > 0) std::memcpy(room.data() + copied, text.data() + skipped, count);
    copied += count;
  }
  return copied;
}

void ReceiveQueue::consume(std::size_t count) noexcept {
  if (count == 0) return;
  Piece& first = readable_.front();
  first.text.remove_front(count);
  readable_bytes_ -= count;
  if (!first.text.empty()) return;
  discharge(first);
  readable_.pop_front();
  memory_->pieces.take_back(readable_);
}

void ReceiveQueue::clear() noexcept {
  const auto drop_all = [this](Ring<Piece>& ring) {
    for (; !ring.empty(); ring.pop_front()) discharge(ring.front());
  };
  drop_all(readable_);
  memory_->pieces.take_back(readable_);
  if (waiting_) drop_all(waiting_->pieces);
  waiting_.reset();
  readable_bytes_ = 0;
}

}  // namespace sluice::tcp
