// Chunks in a ring, found by binary search; see send_queue.hpp.
#include "stack/tcp/send_queue.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::tcp {
namespace {

// Shared memory below this is copied: a reference would cost more than the bytes.
constexpr std::size_t kWorthSharing = 2048;

}  // namespace

std::size_t SendQueue::append(Gather pieces, std::size_t limit) {
  std::size_t taken = 0;
  for (Bytes piece : pieces) {
    const std::size_t wanted = std::min(piece.size(), limit - taken);
    const std::size_t got = append_copy(piece.first(wanted));
    taken += got;
    if (got < piece.size()) break;
  }
  return taken;
}

std::size_t SendQueue::append(const Slice& shared, std::size_t limit) {
  const std::size_t wanted = std::min(shared.size(), limit);
  const std::size_t size = std::min(wanted, memory_->budget.room());
  if (size < kWorthSharing) return append_copy(shared.bytes().first(wanted));
  if (!memory_->budget.charge(size)) return 0;
  push({end_, shared.part(0, size), static_cast<std::uint32_t>(size), false});
  end_ += size;
  return size;
}

std::size_t SendQueue::append_copy(Bytes bytes) {
  std::size_t taken = extend_last(bytes);
  while (taken < bytes.size()) {
    Buffer buffer = take_block(bytes.size() - taken);
    if (!buffer) break;
    const auto charge = static_cast<std::uint32_t>(buffer.capacity());
    push({end_, Slice(std::move(buffer), 0, 0), charge, true});
    taken += extend_last(bytes.subspan(taken));
  }
  return taken;
}

void SendQueue::push(Chunk chunk) {
  memory_->chunks.lend(chunks_);
  charged_ += chunk.charged;
  chunks_.push_back(std::move(chunk));
}

// A charged block for `wanted` bytes, a smaller one when memory is short, or none.
Buffer SendQueue::take_block(std::size_t wanted) {
  const auto& classes = BufferPool::kClasses;
  for (std::size_t size = std::min(wanted, classes.back());;) {
    Buffer buffer = memory_->pool.take(size);
    if (memory_->budget.charge(buffer.capacity())) return buffer;
    const auto smaller = std::find_if(classes.rbegin(), classes.rend(),
                                      [&](std::size_t candidate) { return candidate < buffer.capacity(); });
    if (smaller == classes.rend()) return {};
    size = *smaller;
  }
}

// Bytes behind the last chunk's end belong to nobody else, even if a sink still holds references to those before.
std::size_t SendQueue::extend_last(Bytes bytes) noexcept {
  if (chunks_.empty() || !chunks_.back().extendable || bytes.empty()) return 0;
  Chunk& last = chunks_.back();
  const Buffer& buffer = last.text.buffer();
  const std::size_t used = static_cast<std::size_t>(last.text.bytes().data() - buffer.data()) + last.text.size();
  const std::size_t count = std::min(bytes.size(), buffer.capacity() - used);
  if (count == 0) return 0;
  std::memcpy(buffer.data() + used, bytes.data(), count);
  last.text = Slice(buffer, used - last.text.size(), last.text.size() + count);
  end_ += count;
  return count;
}

std::size_t SendQueue::find(Seq seq) const noexcept {
  std::size_t low = 0;
  std::size_t high = chunks_.size();
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    (chunks_[middle].begin <= seq ? low : high) = middle;
  }
  return low;
}

std::size_t SendQueue::gather(Seq from, std::size_t size, std::span<Slice> pieces,
                              std::size_t& covered) const noexcept {
  assert(begin_ <= from);
  covered = 0;
  std::size_t used = 0;
  for (std::size_t i = find(from); i < chunks_.size() && covered < size && used < pieces.size(); ++i) {
    const Chunk& chunk = chunks_[i];
    const auto skip = static_cast<std::size_t>((from + covered) - chunk.begin);
    if (skip >= chunk.text.size()) continue;
    const std::size_t count = std::min(chunk.text.size() - skip, size - covered);
    pieces[used++] = chunk.text.part(skip, count);
    covered += count;
  }
  return used;
}

void SendQueue::drop_front() noexcept {
  memory_->budget.release(chunks_.front().charged);
  charged_ -= chunks_.front().charged;
  chunks_.pop_front();
}

void SendQueue::release_before(Seq una) noexcept {
  begin_ = std::clamp(una, begin_, end_);
  while (!chunks_.empty() && chunks_.front().begin + chunks_.front().text.size() <= begin_) drop_front();
  if (empty()) memory_->chunks.take_back(chunks_);
}

void SendQueue::clear() noexcept {
  while (!chunks_.empty()) drop_front();
  memory_->chunks.take_back(chunks_);
  begin_ = end_;
}

}  // namespace sluice::tcp
