// A tree of memory limits: stack, connection, queue. Every byte that a peer can make us hold is charged here.
#pragma once

#include <cassert>
#include <cstddef>

namespace sluice {

/// One limit, in bytes, under an optional parent. A charge must fit here and in every ancestor.
class Budget {
 public:
  explicit Budget(std::size_t limit, Budget* parent = nullptr) noexcept : limit_(limit), parent_(parent) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;
  ~Budget() { assert(used_ == 0); }

  /// False, and nothing charged, when any level lacks room.
  bool charge(std::size_t bytes) noexcept {
    if (bytes > limit_ - used_) return false;
    if (parent_ && !parent_->charge(bytes)) return false;
    used_ += bytes;
    return true;
  }
  /// Gives back what was charged.
  void release(std::size_t bytes) noexcept {
    assert(bytes <= used_);
    used_ -= bytes;
    if (parent_) parent_->release(bytes);
  }

  std::size_t used() const noexcept { return used_; }
  std::size_t limit() const noexcept { return limit_; }
  /// Bytes that charge() would take at this level, ignoring ancestors.
  std::size_t room() const noexcept { return limit_ - used_; }
  /// More than 7/8 of the limit is used: time to refuse what is cheap to refuse.
  bool under_pressure() const noexcept { return used_ > limit_ - limit_ / 8; }

 private:
  std::size_t limit_;
  std::size_t used_ = 0;
  Budget* parent_;
};

}  // namespace sluice
