// What lies in a pipe: shared memory in pieces, so that splice() moves and never copies.
#pragma once

#include <cstddef>

#include "stack/base/buffer.hpp"
#include "stack/base/ring.hpp"
#include "stack/base/slot_map.hpp"

namespace sluice::posix {

class PipeBuffer {
 public:
  explicit PipeBuffer(std::size_t capacity) noexcept : capacity_(capacity) {}

  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t room() const noexcept { return capacity_ - size_; }
  bool empty() const noexcept { return size_ == 0; }

  /// REQUIRES piece.size() <= room().
  void push(Slice piece);
  /// The first piece. REQUIRES !empty().
  const Slice& front() const noexcept { return pieces_.front(); }
  /// REQUIRES count <= front().size().
  void consume(std::size_t count) noexcept;

  SlotId reader;  ///< the files of its ends, while they are open
  SlotId writer;

 private:
  Ring<Slice> pieces_;
  std::size_t size_ = 0;
  std::size_t capacity_;
};

}  // namespace sluice::posix
