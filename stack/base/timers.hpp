// Deadlines for many objects: a 4-ary heap with at most one lazy entry each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "stack/base/time.hpp"

namespace sluice {

/// Kept inside the object that owns a deadline.
struct TimerEntry {
  static constexpr std::uint32_t kIdle = ~std::uint32_t{0};
  Time scheduled = kNever;         ///< when the queue will look at the owner, at the latest when it is due
  std::uint32_t position = kIdle;  ///< where in the heap, or kIdle
};

/// A priority queue of `Owner`s, each with a TimerEntry that `entry_of(owner)` finds. A deadline that moves later
/// touches nothing: the owner is visited at the earlier time and armed again. So every ACK costs a comparison, not a
/// heap move.
template <class Owner, TimerEntry& (*entry_of)(Owner&) noexcept>
class TimerQueue {
 public:
  /// The owner must be visited at `deadline` or before. kNever changes nothing (a stale entry fires once for nothing).
  void arm(Owner& owner, Time deadline) {
    TimerEntry& entry = entry_of(owner);
    if (deadline >= entry.scheduled) return;
    entry.scheduled = deadline;
    if (entry.position == TimerEntry::kIdle) {
      entry.position = static_cast<std::uint32_t>(heap_.size());
      heap_.push_back({deadline, &owner});
    } else {
      heap_[entry.position].deadline = deadline;
    }
    sift_up(entry.position);
  }

  void remove(Owner& owner) noexcept {
    TimerEntry& entry = entry_of(owner);
    if (entry.position == TimerEntry::kIdle) return;
    const std::uint32_t hole = entry.position;
    entry = {};
    const Node last = heap_.back();
    heap_.pop_back();
    if (hole == heap_.size()) return;
    place(hole, last);
    sift_down(hole);
    sift_up(entry_of(*last.owner).position);
  }

  /// An owner that is due at `now`, taken out of the queue; nullptr when none is.
  Owner* pop_due(Time now) noexcept {
    if (heap_.empty() || heap_.front().deadline > now) return nullptr;
    Owner* owner = heap_.front().owner;
    remove(*owner);
    return owner;
  }

  Time next() const noexcept { return heap_.empty() ? kNever : heap_.front().deadline; }
  std::size_t size() const noexcept { return heap_.size(); }

 private:
  static constexpr std::uint32_t kArity = 4;
  struct Node {
    Time deadline;
    Owner* owner;
  };

  void place(std::uint32_t at, Node node) noexcept {
    heap_[at] = node;
    entry_of(*node.owner).position = at;
  }
  void sift_up(std::uint32_t at) noexcept {
    const Node node = heap_[at];
    while (at > 0) {
      const std::uint32_t parent = (at - 1) / kArity;
      if (heap_[parent].deadline <= node.deadline) break;
      place(at, heap_[parent]);
      at = parent;
    }
    place(at, node);
  }
  void sift_down(std::uint32_t at) noexcept {
    const Node node = heap_[at];
    for (;;) {
      const std::uint32_t child = earliest_child(at);
      if (child == TimerEntry::kIdle || node.deadline <= heap_[child].deadline) break;
      place(at, heap_[child]);
      at = child;
    }
    place(at, node);
  }
  std::uint32_t earliest_child(std::uint32_t at) const noexcept {
    const std::size_t first = std::size_t{at} * kArity + 1;
    std::uint32_t best = TimerEntry::kIdle;
    for (std::size_t i = first; i < first + kArity && i < heap_.size(); ++i)
      if (best == TimerEntry::kIdle || heap_[i].deadline < heap_[best].deadline) best = static_cast<std::uint32_t>(i);
    return best;
  }

  std::vector<Node> heap_;
};

}  // namespace sluice
