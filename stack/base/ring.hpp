// A double-ended queue that costs nothing while empty, for per-connection lists.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace sluice {

/// A growable ring of T with O(1) push and pop at both ends and indexing. Gives all memory back when it becomes empty
/// through release(), which callers use when a connection falls idle. T is default- and move-constructible.
template <class T>
class Ring {
 public:
  Ring() noexcept = default;
  Ring(Ring&& other) noexcept { swap(other); }
  Ring& operator=(Ring&& other) noexcept {
    swap(other);
    return *this;
  }

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  T& operator[](std::size_t i) noexcept {
    assert(i < size_);
    return slots_[(head_ + i) & (capacity_ - 1)];
  }
  const T& operator[](std::size_t i) const noexcept {
    assert(i < size_);
    return slots_[(head_ + i) & (capacity_ - 1)];
  }
  T& front() noexcept { return (*this)[0]; }
  const T& front() const noexcept { return (*this)[0]; }
  T& back() noexcept { return (*this)[size_ - 1]; }
  const T& back() const noexcept { return (*this)[size_ - 1]; }

  void push_back(T value) {
    if (size_ == capacity_) grow();
    ++size_;
    back() = std::move(value);
  }
  /// The same where only the latest `limit` are of use: the oldest goes when there are so many. REQUIRES limit > 0.
  void push_latest(T value, std::size_t limit) {
    if (size_ >= limit) pop_front();
    push_back(std::move(value));
  }
  void push_front(T value) {
    if (size_ == capacity_) grow();
    head_ = (head_ + capacity_ - 1) & (capacity_ - 1);
    ++size_;
    front() = std::move(value);
  }
  void pop_front() noexcept {
    front() = T{};
    head_ = (head_ + 1) & (capacity_ - 1);
    --size_;
  }
  /// The first one, taken out; nullopt when there is none.
  std::optional<T> take_front() noexcept {
    if (empty()) return std::nullopt;
    std::optional<T> first(std::move(front()));
    pop_front();
    return first;
  }
  void pop_back() noexcept {
    back() = T{};
    --size_;
  }
  /// Puts `value` before position `at`; moves the shorter side.
  void insert(std::size_t at, T value) {
    assert(at <= size_);
    if (at >= size_ / 2) {
      push_back(T{});
      for (std::size_t i = size_ - 1; i > at; --i) (*this)[i] = std::move((*this)[i - 1]);
    } else {
      push_front(T{});
      for (std::size_t i = 0; i < at; ++i) (*this)[i] = std::move((*this)[i + 1]);
    }
    (*this)[at] = std::move(value);
  }
  void erase(std::size_t at) noexcept {
    assert(at < size_);
    if (at >= size_ / 2) {
      for (std::size_t i = at; i + 1 < size_; ++i) std::swap((*this)[i], (*this)[i + 1]);
      pop_back();
    } else {
      for (std::size_t i = at; i > 0; --i) std::swap((*this)[i], (*this)[i - 1]);
      pop_front();
    }
  }
  void clear() noexcept {
    slots_.reset();
    capacity_ = head_ = size_ = 0;
  }
  /// Gives the memory back if nothing is in it.
  void release() noexcept {
    if (empty()) clear();
  }
  /// Bytes on the heap.
  std::size_t footprint() const noexcept { return std::size_t{capacity_} * sizeof(T); }

 private:
  void grow() {
    const std::size_t wider = capacity_ ? std::size_t{capacity_} * 2 : 4;
    auto slots = std::make_unique<T[]>(wider);
    for (std::size_t i = 0; i < size_; ++i) slots[i] = std::move((*this)[i]);
    slots_ = std::move(slots);
    capacity_ = static_cast<std::uint32_t>(wider);
    head_ = 0;
  }
  void swap(Ring& other) noexcept {
    std::swap(slots_, other.slots_);
    std::swap(capacity_, other.capacity_);
    std::swap(head_, other.head_);
    std::swap(size_, other.size_);
  }

  std::unique_ptr<T[]> slots_;
  // 32 bits are enough for a connection's lists, and keep an idle connection small.
  std::uint32_t capacity_ = 0;  // a power of two, or 0
  std::uint32_t head_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace sluice
