// Chunk sizes grow with what waits: an idle session costs nothing, a busy one fills 64 KiB at a time.
#include "ws/chunk_queue.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace sluice::ws {
namespace {

/// The list of slices that an empty queue keeps for its next use.
constexpr std::size_t kKeptSlices = 8;

std::size_t next_chunk(std::size_t queued) noexcept {
  const auto& classes = BufferPool::kClasses;
  return queued < classes[0] ? classes[0] : queued < 2 * classes[1] ? classes[1] : classes[2];
}

}  // namespace

void ChunkQueue::ensure_room(std::size_t wanted) {
  if (tail_.capacity() - tail_used_ >= wanted) return;
  const std::size_t capacity = next_chunk(size_ + wanted);
  tail_ = pool_ ? pool_->take(capacity) : Buffer::allocate(capacity);
  tail_used_ = 0;
}

MutableBytes ChunkQueue::extend(std::size_t size) {
  const MutableBytes room{tail_.data() + tail_used_, size};
  const bool neighbours = head_ < slices_.size() && slices_.back().buffer().data() == tail_.data() &&
                          slices_.back().bytes().data() + slices_.back().size() == room.data();
  if (neighbours) {
    const std::size_t joined = slices_.back().size() + size;
    slices_.back() = Slice(tail_, tail_used_ + size - joined, joined);
  } else {
    slices_.emplace_back(tail_, tail_used_, size);
  }
  tail_used_ += size;
  size_ += size;
  return room;
}

MutableBytes ChunkQueue::claim(std::size_t size) {
  assert(size > 0 && size <= kMaxClaim);
  ensure_room(size);
  return extend(size);
}

MutableBytes ChunkQueue::claim_some(std::size_t wanted) {
  assert(wanted > 0);
  if (tail_used_ == tail_.capacity()) ensure_room(std::min(wanted, BufferPool::kClasses.back()));
  return extend(std::min(wanted, tail_.capacity() - tail_used_));
}

void ChunkQueue::remove_back(std::size_t count) noexcept {
  assert(count <= size_);
  size_ -= count;
  if (size_ == 0) return clear();
  while (count > 0) {
    Slice& last = slices_.back();
    const std::size_t part = std::min(count, last.size());
    const bool in_tail = last.bytes().data() + last.size() == tail_.data() + tail_used_;
    if (in_tail) tail_used_ -= part;
    last.remove_back(part);
    if (last.empty()) slices_.pop_back();
    count -= part;
  }
}

void ChunkQueue::write(Bytes bytes) {
  while (!bytes.empty()) {
    const MutableBytes room = claim_some(bytes.size());
    std::memcpy(room.data(), bytes.data(), room.size());
    bytes = bytes.subspan(room.size());
  }
}

void ChunkQueue::push(Slice slice) {
  if (slice.empty()) return;
  size_ += slice.size();
  slices_.push_back(std::move(slice));
}

void ChunkQueue::splice(ChunkQueue& other) {
  assert(pool_ == other.pool_);
  if (other.empty()) return;
  slices_.insert(slices_.end(),
                 std::make_move_iterator(other.slices_.begin() + static_cast<std::ptrdiff_t>(other.head_)),
                 std::make_move_iterator(other.slices_.end()));
  size_ += other.size_;
  tail_ = std::move(other.tail_);
  tail_used_ = other.tail_used_;
  other.clear();
}

void ChunkQueue::consume(std::size_t count) noexcept {
  assert(count <= size_);
  size_ -= count;
  if (size_ == 0) return clear();
  while (count >= slices_[head_].size()) {
    count -= slices_[head_].size();
    slices_[head_++] = Slice();
  }
  slices_[head_].remove_front(count);
  if (head_ > kKeptSlices && head_ > slices_.size() / 2) {
    slices_.erase(slices_.begin(), slices_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

void ChunkQueue::clear() noexcept {
  slices_.clear();
  if (slices_.capacity() > kKeptSlices) slices_ = {};
  tail_ = Buffer();
  tail_used_ = 0;
  size_ = 0;
  head_ = 0;
}

}  // namespace sluice::ws
