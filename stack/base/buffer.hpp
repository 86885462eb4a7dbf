// Memory for payload: pooled blocks with an intrusive, non-atomic count, and slices of them.
// One thread owns a pool and everything made from it.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "stack/base/bytes.hpp"

namespace sluice {

class BufferPool;

namespace detail {
struct PoolCore;

/// The head of a block; its bytes follow it in the same allocation, or live elsewhere (shared, read-only memory).
struct Block {
  std::uint32_t references = 1;
  std::uint32_t capacity = 0;
  std::uint8_t* bytes = nullptr;
  PoolCore* pool = nullptr;                           ///< where it returns to; nullptr: freed
  void (*release)(void* context) noexcept = nullptr;  ///< told when the last reference goes; or nullptr
  void* context = nullptr;
  Block* next_free = nullptr;
};

void destroy(Block* block) noexcept;
}  // namespace detail

/// A counted reference to a block. Cheap to copy; never shared between threads.
class Buffer {
 public:
  Buffer() noexcept = default;
  Buffer(const Buffer& other) noexcept : block_(other.block_) {
    if (block_) ++block_->references;
  }
  Buffer(Buffer&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Buffer& operator=(Buffer other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Buffer() {
    if (block_ && --block_->references == 0) detail::destroy(block_);
  }

  /// A block outside every pool, of exactly `capacity` bytes.
  static Buffer allocate(std::size_t capacity);
  /// Memory that someone else owns and never changes (a mapped file); `release(context)` runs with the last reference.
  static Buffer shared(Bytes bytes, void (*release)(void*) noexcept, void* context);

  explicit operator bool() const noexcept { return block_ != nullptr; }
  std::uint8_t* data() const noexcept { return block_ ? block_->bytes : nullptr; }
  std::size_t capacity() const noexcept { return block_ ? block_->capacity : 0; }
  bool unique() const noexcept { return block_ && block_->references == 1 && !block_->release; }

 private:
  friend class BufferPool;
  explicit Buffer(detail::Block* block) noexcept : block_(block) {}
  detail::Block* block_ = nullptr;
};

/// A run of bytes inside a Buffer which it keeps alive.
class Slice {
 public:
  Slice() noexcept = default;
  /// REQUIRES offset + size <= buffer.capacity().
  Slice(Buffer buffer, std::size_t offset, std::size_t size) noexcept
      : buffer_(std::move(buffer)),
        offset_(static_cast<std::uint32_t>(offset)),
        size_(static_cast<std::uint32_t>(size)) {
    assert(offset + size <= buffer_.capacity());
  }
  /// A copy of `bytes` in a block of their own.
  static Slice copy_of(Bytes bytes);

  Bytes bytes() const noexcept { return {buffer_.data() + offset_, size_}; }
  /// REQUIRES that the holder may change the block (it is unique, or agreed so).
  MutableBytes mutable_bytes() const noexcept { return {buffer_.data() + offset_, size_}; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  const Buffer& buffer() const noexcept { return buffer_; }

  /// A slice of this slice. REQUIRES offset + size <= this->size().
  Slice part(std::size_t offset, std::size_t size) const noexcept {
    assert(offset + size <= size_);
    return Slice(buffer_, offset_ + offset, size);
  }
  void remove_front(std::size_t count) noexcept {
    assert(count <= size_);
    offset_ += static_cast<std::uint32_t>(count);
    size_ -= static_cast<std::uint32_t>(count);
  }
  void remove_back(std::size_t count) noexcept {
    assert(count <= size_);
    size_ -= static_cast<std::uint32_t>(count);
  }

 private:
  Buffer buffer_;
  std::uint32_t offset_ = 0;
  std::uint32_t size_ = 0;
};

/// Hands out blocks of a few fixed sizes and takes them back. Blocks may outlive the pool.
class BufferPool {
 public:
  /// Sizes of the classes, bytes: a packet at MTU 1500, one at 9000, one 64 KiB super-segment with headroom.
  static constexpr std::array<std::size_t, 3> kClasses = {2048, 10240, 66560};

  BufferPool();
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  /// A block of at least `size` bytes; larger than the largest class comes from the heap.
  Buffer take(std::size_t size);

  /// Blocks handed out and not yet back.
  std::size_t in_use() const noexcept;
  /// Bytes that lie idle in the pool.
  std::size_t idle_bytes() const noexcept;

 private:
  detail::PoolCore* core_;
};

}  // namespace sluice
