// Chunk sizes grow with what waits: an idle session costs nothing, a busy one fills 64 KiB at a time.
#include "ws/chunk_queue.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace sluice::ws {
namespace {

/// Spent slices at the front of the list that are not worth moving the others for.
constexpr std::size_t kSpentSlices = 8;

std::size_t next_chunk(std::size_t queued) noexcept {
  const auto& classes = BufferPool::kClasses;
  return queued < classes[0] ? classes[0] : queued < 2 * classes[1] ? classes[1] : classes[2];
}

}  // namespace

ChunkQueue::Content& ChunkQueue::content() {
  if (!content_) content_ = std::make_unique<Content>();
  return *content_;
}

void ChunkQueue::ensure_room(Content& content, std::size_t wanted) {
  if (content.tail.capacity() - content.tail_used >= wanted) return;
  const std::size_t capacity = next_chunk(size_ + wanted);
  content.tail = pool_ ? pool_->take(capacity) : Buffer::allocate(capacity);
  content.tail_used = 0;
}

MutableBytes ChunkQueue::extend(Content& content, std::size_t size) {
  auto& [tail, tail_used, head, slices] = content;
  const MutableBytes room{tail.data() + tail_used, size};
  const bool neighbours = head < slices.size() && slices.back().buffer().data() == tail.data() &&
                          slices.back().bytes().data() + slices.back().size() == room.data();
  if (neighbours) {
    const std::size_t joined = slices.back().size() + size;
    slices.back() = Slice(tail, tail_used + size - joined, joined);
  } else {
    slices.emplace_back(tail, tail_used, size);
  }
  tail_used += size;
  size_ += size;
  return room;
}

MutableBytes ChunkQueue::claim(std::size_t size) {
  assert(size > 0 && size <= kMaxClaim);
  Content& all = content();
  ensure_room(all, size);
  return extend(all, size);
}

MutableBytes ChunkQueue::claim_some(std::size_t wanted) {
  assert(wanted > 0);
  Content& all = content();
  if (all.tail_used == all.tail.capacity()) ensure_room(all, std::min(wanted, BufferPool::kClasses.back()));
  return extend(all, std::min(wanted, all.tail.capacity() - all.tail_used));
}

void ChunkQueue::remove_back(std::size_t count) noexcept {
  assert(count <= size_);
  size_ -= count;
  if (size_ == 0) return content_.reset();
  auto& [tail, tail_used, head, slices] = *content_;
  while (count > 0) {
    Slice& last = slices.back();
    const std::size_t part = std::min(count, last.size());
    if (last.bytes().data() + last.size() == tail.data() + tail_used) tail_used -= part;
    last.remove_back(part);
    if (last.empty()) slices.pop_back();
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
  content().slices.push_back(std::move(slice));
}

void ChunkQueue::splice(ChunkQueue& other) {
  assert(pool_ == other.pool_);
  if (other.empty()) return;
  size_ += std::exchange(other.size_, 0);
  if (!content_) {
    content_ = std::move(other.content_);
    return;
  }
  const std::unique_ptr<Content> theirs = std::move(other.content_);
  content_->slices.insert(content_->slices.end(),
                          std::make_move_iterator(theirs->slices.begin() + static_cast<std::ptrdiff_t>(theirs->head)),
                          std::make_move_iterator(theirs->slices.end()));
  content_->tail = std::move(theirs->tail);
  content_->tail_used = theirs->tail_used;
}

void ChunkQueue::consume(std::size_t count) noexcept {
  assert(count <= size_);
  size_ -= count;
  if (size_ == 0) return content_.reset();
  auto& [tail, tail_used, head, slices] = *content_;
  while (count >= slices[head].size()) {
    count -= slices[head].size();
    slices[head++] = Slice();
  }
  slices[head].remove_front(count);
  if (head > kSpentSlices && head > slices.size() / 2) {
    slices.erase(slices.begin(), slices.begin() + static_cast<std::ptrdiff_t>(head));
    head = 0;
  }
}

}  // namespace sluice::ws
