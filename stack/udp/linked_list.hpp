// Lists through their members: joining and leaving cost nothing and never allocate.
#pragma once

#include <cassert>

namespace sluice::udp {

/// Kept inside a T that can stand in a list; REQUIRES that T leaves its lists before it dies.
template <class T>
struct Link {
  T* previous = nullptr;
  T* next = nullptr;
  bool linked = false;
};

/// A queue of Ts through one of their links; a T stands in it at most once.
template <class T, Link<T> T::*link>
class LinkedList {
 public:
  bool empty() const noexcept { return head_ == nullptr; }
  T* front() const noexcept { return head_; }

  /// Appends, unless it is in already.
  void push_back(T& item) noexcept {
    Link<T>& own = item.*link;
    if (own.linked) return;
    own = {tail_, nullptr, true};
    (tail_ ? (tail_->*link).next : head_) = &item;
    tail_ = &item;
  }
  /// Takes it out, if it is in.
  void remove(T& item) noexcept {
    Link<T>& own = item.*link;
    if (!own.linked) return;
    (own.previous ? (own.previous->*link).next : head_) = own.next;
    (own.next ? (own.next->*link).previous : tail_) = own.previous;
    own = {};
  }
  /// REQUIRES !empty().
  T& pop_front() noexcept {
    assert(head_);
    T& item = *head_;
    remove(item);
    return item;
  }

 private:
  T* head_ = nullptr;
  T* tail_ = nullptr;
};

}  // namespace sluice::udp
