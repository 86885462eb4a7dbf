// Values of socket options as they lie in memory: the kernel's ABI.
#pragma once

#include <cstddef>
#include <cstring>
#include <optional>
#include <type_traits>

#include "stack/base/bytes.hpp"
#include "stack/posix/answer.hpp"

namespace sluice::posix {

/// A T from the front of `value`; nullopt when that is too short.
template <class T>
std::optional<T> value_from(Bytes value) noexcept {
  static_assert(std::is_trivially_copyable_v<T>);
  T read{};
  if (value.size() < sizeof(T)) return std::nullopt;
  std::memcpy(&read, value.data(), sizeof(T));
  return read;
}

/// As many bytes of `value` as there is room for; `length`: in the room, out what was used.
Answer put_bytes(Bytes value, MutableBytes room, std::size_t& length) noexcept;

template <class T>
Answer put_value(const T& value, MutableBytes room, std::size_t& length) noexcept {
  static_assert(std::is_trivially_copyable_v<T>);
  return put_bytes({reinterpret_cast<const std::uint8_t*>(&value), sizeof(T)}, room, length);
}

inline Answer put_int(int value, MutableBytes room, std::size_t& length) noexcept {
  return put_value(value, room, length);
}

}  // namespace sluice::posix
