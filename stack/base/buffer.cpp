// Where blocks come from and go: one allocation a block, free lists by size class.
#include "stack/base/buffer.hpp"

#include <cstdlib>
#include <new>

namespace sluice {
namespace detail {

/// Lives until its pool and its last block are gone.
struct PoolCore {
  /// Idle bytes kept for reuse before blocks go back to the heap.
  static constexpr std::size_t kMaximumIdleBytes = 16u << 20;

  std::array<Block*, BufferPool::kClasses.size()> free{};
  std::size_t in_use = 0;
  std::size_t idle_bytes = 0;
  bool pool_alive = true;
};

namespace {

Block* allocate_block(std::size_t capacity) {
  // The sole place where payload memory is made: header and bytes in one piece.
  void* memory = ::operator new(sizeof(Block) + capacity);
  Block* block = new (memory) Block;
  block->capacity = static_cast<std::uint32_t>(capacity);
  block->bytes = static_cast<std::uint8_t*>(memory) + sizeof(Block);
  return block;
}

void free_block(Block* block) noexcept {
  block->~Block();
  ::operator delete(static_cast<void*>(block));
}

std::size_t class_of(std::size_t capacity) noexcept {
  std::size_t index = 0;
  while (index < BufferPool::kClasses.size() && capacity > BufferPool::kClasses[index]) ++index;
  return index;
}

void return_to_pool(PoolCore& core, Block* block) noexcept {
  --core.in_use;
  const std::size_t index = class_of(block->capacity);
  const bool keep =
      core.pool_alive && index < core.free.size() && core.idle_bytes + block->capacity <= PoolCore::kMaximumIdleBytes;
  if (keep) {
    block->next_free = core.free[index];
    core.free[index] = block;
    core.idle_bytes += block->capacity;
  } else {
    free_block(block);
  }
  if (!core.pool_alive && core.in_use == 0) delete &core;
}

}  // namespace

void destroy(Block* block) noexcept {
  if (block->release) block->release(block->context);
  if (block->pool)
    return_to_pool(*block->pool, block);
  else
    free_block(block);
}

}  // namespace detail

Buffer Buffer::allocate(std::size_t capacity) { return Buffer(detail::allocate_block(capacity)); }

Buffer Buffer::shared(Bytes bytes, void (*release)(void*) noexcept, void* context) {
  detail::Block* block = detail::allocate_block(0);
  block->capacity = static_cast<std::uint32_t>(bytes.size());
  // Slices give mutable views only to holders of unique blocks, and a block with `release` never is.
  block->bytes = const_cast<std::uint8_t*>(bytes.data());
  block->release = release;
  block->context = context;
  return Buffer(block);
}

Slice Slice::copy_of(Bytes bytes) {
  Buffer buffer = Buffer::allocate(bytes.size());
  if (!bytes.empty()) std::memcpy(buffer.data(), bytes.data(), bytes.size());
  return Slice(std::move(buffer), 0, bytes.size());
}

BufferPool::BufferPool() : core_(new detail::PoolCore) {}

BufferPool::~BufferPool() {
  for (detail::Block* head : core_->free) {
    while (head) detail::free_block(std::exchange(head, head->next_free));
  }
  core_->free = {};
  core_->idle_bytes = 0;
  core_->pool_alive = false;
  if (core_->in_use == 0) delete core_;
}

Buffer BufferPool::take(std::size_t size) {
  const std::size_t index = detail::class_of(size);
  if (index == kClasses.size()) return Buffer::allocate(size);
  detail::Block* block = core_->free[index];
  if (block) {
    core_->free[index] = block->next_free;
    core_->idle_bytes -= block->capacity;
    block->references = 1;
  } else {
    block = detail::allocate_block(kClasses[index]);
    block->pool = core_;
  }
  ++core_->in_use;
  return Buffer(block);
}

std::size_t BufferPool::in_use() const noexcept { return core_->in_use; }
std::size_t BufferPool::idle_bytes() const noexcept { return core_->idle_bytes; }

}  // namespace sluice
