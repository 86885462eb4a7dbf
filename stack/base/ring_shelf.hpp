// Empty rings that keep their memory for whoever needs one next.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "stack/base/ring.hpp"

namespace sluice {

/// A queue that falls empty and is filled again with every packet gives its ring back here instead of to the heap: so
/// an idle connection holds no memory, and a busy one takes none.
template <class T>
class RingShelf {
 public:
  /// What is kept at most, bytes; more is freed.
  static constexpr std::size_t kMaximumBytes = 256 * 1024;

  /// Gives memory to a ring that has none, if there is some.
  void lend(Ring<T>& ring) noexcept {
    if (ring.footprint() > 0 || spare_.empty()) return;
    ring = std::move(spare_.back());
    spare_.pop_back();
    bytes_ -= ring.footprint();
  }
  /// Takes the memory of a ring if nothing is in it.
  void take_back(Ring<T>& ring) {
    if (!ring.empty() || ring.footprint() == 0) return;
    if (bytes_ + ring.footprint() > kMaximumBytes) return ring.clear();
    bytes_ += ring.footprint();
    spare_.push_back(std::move(ring));
  }
  /// Bytes that lie here.
  std::size_t idle_bytes() const noexcept { return bytes_; }

 private:
  std::vector<Ring<T>> spare_;
  std::size_t bytes_ = 0;
};

}  // namespace sluice
