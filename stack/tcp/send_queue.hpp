// What the application wrote and the peer has not acknowledged yet, in chunks that are never copied again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "stack/base/buffer.hpp"
#include "stack/base/ring.hpp"
#include "stack/tcp/memory.hpp"
#include "stack/tcp/seq.hpp"

namespace sluice::tcp {

/// Text from begin() (snd.una, or iss+1) to end(), by sequence number. Chunks are owned and appended to, or shared and
/// immutable. Every chunk is charged to the budget by what it pins. Empty, it holds no memory.
class SendQueue {
 public:
  /// At most this many pieces make up one frame.
  static constexpr std::size_t kMaximumPieces = 16;

  explicit SendQueue(Memory& memory) noexcept : memory_(&memory) {}
  ~SendQueue() { clear(); }
  SendQueue(const SendQueue&) = delete;
  SendQueue& operator=(const SendQueue&) = delete;

  /// Where the first byte of text will stand. REQUIRES that the queue is empty.
  void start(Seq begin) noexcept { begin_ = end_ = begin; }

  /// Copies up to `limit` bytes of the pieces to the end; answers how many (fewer when the budget is exhausted).
  std::size_t append(Gather pieces, std::size_t limit);
  /// Appends shared memory without a copy, unless it is so small that a copy is cheaper; as much as the budget allows.
  std::size_t append(const Slice& shared, std::size_t limit);

  /// Fills `pieces` with the text from `from` on, at most `size` bytes; answers how many pieces. Less than `size` bytes
  /// come out when kMaximumPieces do not reach: `covered` says how many. REQUIRES begin() <= from.
  std::size_t gather(Seq from, std::size_t size, std::span<Slice> pieces, std::size_t& covered) const noexcept;

  /// Everything before `una` is acknowledged and may go.
  void release_before(Seq una) noexcept;
  void clear() noexcept;

  Seq begin() const noexcept { return begin_; }
  Seq end() const noexcept { return end_; }
  std::size_t size() const noexcept { return static_cast<std::size_t>(end_ - begin_); }
  bool empty() const noexcept { return begin_ == end_; }
  /// Bytes pinned.
  std::size_t footprint() const noexcept { return charged_ + chunks_.footprint(); }

 private:
  using Chunk = SendChunk;

  void push(Chunk chunk);
  std::size_t extend_last(Bytes bytes) noexcept;
  std::size_t append_copy(Bytes bytes);
  Buffer take_block(std::size_t wanted);
  std::size_t find(Seq seq) const noexcept;
  void drop_front() noexcept;

  Memory* memory_;
  Ring<Chunk> chunks_;
  Seq begin_;
  Seq end_;
  std::size_t charged_ = 0;
};

}  // namespace sluice::tcp
