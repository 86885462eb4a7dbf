// Objects with stable addresses and names that go stale: an index and a generation.
#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace sluice {

/// A name of a slot at one time of its life. Generation 0 names nothing.
struct SlotId {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;
  friend constexpr bool operator==(const SlotId&, const SlotId&) noexcept = default;
};

/// Owns objects of type T; find() by id is O(1) and answers nullptr for a stale id. Objects never move.
template <class T>
class SlotMap {
 public:
  /// Makes a T from `args` and names it.
  template <class... Args>
  std::pair<SlotId, T&> emplace(Args&&... args) {
    return adopt(std::make_unique<T>(std::forward<Args>(args)...));
  }
  /// Takes over an object that exists already. REQUIRES object != nullptr.
  std::pair<SlotId, T&> adopt(std::unique_ptr<T> object) {
    std::uint32_t index = free_head_;
    if (index == kNone) {
      index = static_cast<std::uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      free_head_ = slots_[index].next_free;
    }
    Slot& slot = slots_[index];
    slot.object = std::move(object);
    ++size_;
    return {SlotId{index, slot.generation}, *slot.object};
  }

  T* find(SlotId id) const noexcept {
    if (id.index >= slots_.size() || slots_[id.index].generation != id.generation) return nullptr;
    return slots_[id.index].object.get();
  }

  /// REQUIRES that the id is live.
  void erase(SlotId id) noexcept {
    assert(find(id));
    Slot& slot = slots_[id.index];
    // Out of the table first: a destructor that looks itself up finds nothing.
    const std::unique_ptr<T> dying = std::move(slot.object);
    if (++slot.generation == 0) slot.generation = 1;
    slot.next_free = free_head_;
    free_head_ = id.index;
    --size_;
  }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  /// visit(SlotId, T&) for each live object. The visitor must not add or erase.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::uint32_t i = 0; i < slots_.size(); ++i)
      if (slots_[i].object) visit(SlotId{i, slots_[i].generation}, *slots_[i].object);
  }

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  struct Slot {
    std::unique_ptr<T> object;
    std::uint32_t generation = 1;
    std::uint32_t next_free = kNone;
  };

  std::vector<Slot> slots_;
  std::uint32_t free_head_ = kNone;
  std::size_t size_ = 0;
};

}  // namespace sluice
