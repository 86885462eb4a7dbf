// How a parser answers: a header in a valid state, or the named fault that keeps it from being one.
#pragma once

#include <cassert>
#include <optional>
#include <utility>

namespace sluice::wire {

template <class T, class Fault>
class [[nodiscard]] Parsed {
 public:
  constexpr Parsed(T value) noexcept : value_(std::move(value)) {}
  constexpr Parsed(Fault fault) noexcept : fault_(fault) {}

  constexpr explicit operator bool() const noexcept { return value_.has_value(); }
  /// REQUIRES that there is a value.
  constexpr const T& operator*() const noexcept {
    assert(value_);
    return *value_;
  }
  constexpr const T* operator->() const noexcept {
    assert(value_);
    return &*value_;
  }
  /// REQUIRES that there is none.
  constexpr const Fault& fault() const noexcept {
    assert(!value_);
    return fault_;
  }

 private:
  std::optional<T> value_;
  Fault fault_{};
};

}  // namespace sluice::wire
