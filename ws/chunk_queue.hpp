// Bytes on their way out: chunks filled from the back, handed on as slices, released from the front.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "stack/base/buffer.hpp"

namespace sluice::ws {

/// Neighbouring bytes become one slice, so many small frames are one run. Empty, it holds no memory.
class ChunkQueue {
 public:
  /// `pool` may be nullptr, or outlives the queue.
  explicit ChunkQueue(BufferPool* pool) noexcept : pool_(pool) {}

  /// Appends `size` contiguous bytes for the caller to fill now. REQUIRES 0 < size <= kMaxClaim.
  MutableBytes claim(std::size_t size);
  static constexpr std::size_t kMaxClaim = 1024;

  /// Appends 1 to `wanted` bytes for the caller to fill now. REQUIRES wanted > 0.
  MutableBytes claim_some(std::size_t wanted);

  /// Takes the last `count` bytes back. REQUIRES count <= size().
  void remove_back(std::size_t count) noexcept;

  /// Appends a copy of `bytes`.
  void write(Bytes bytes);

  /// Appends `slice` itself; no copy.
  void push(Slice slice);

  /// Moves everything in `other` to the end. REQUIRES the same pool.
  void splice(ChunkQueue& other);

  /// Everything that waits, in order. Valid until the next call.
  std::span<const Slice> slices() const noexcept {
    if (!content_) return {};
    return std::span(content_->slices).subspan(content_->head);
  }

  /// Releases the first `count` bytes. REQUIRES count <= size().
  void consume(std::size_t count) noexcept;

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

 private:
  struct Content {
    Buffer tail;                ///< the chunk that is being filled
    std::size_t tail_used = 0;  ///< bytes of it that are taken
    std::size_t head = 0;       ///< slices before it are gone
    std::vector<Slice> slices;
  };
  Content& content();
  void ensure_room(Content& content, std::size_t wanted);
  MutableBytes extend(Content& content, std::size_t size);

  BufferPool* pool_;
  std::size_t size_ = 0;
  std::unique_ptr<Content> content_;  ///< while something waits
};

}  // namespace sluice::ws
