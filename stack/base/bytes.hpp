// Bytes and the two cursors that are the only way in and out of wire formats.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace sluice {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

/// Several pieces that are one run of bytes in this order.
using Gather = std::span<const Bytes>;

inline Bytes as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

constexpr std::size_t gather_size(Gather pieces) noexcept {
  std::size_t total = 0;
  for (Bytes piece : pieces) total += piece.size();
  return total;
}

/// Reads big-endian fields from the front. A read past the end gives zeros and makes ok() false for good,
/// so a parser reads everything first and asks once.
class ByteReader {
 public:
  constexpr explicit ByteReader(Bytes bytes) noexcept : bytes_(bytes) {}

  constexpr std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(number(1)); }
  constexpr std::uint16_t u16() noexcept { return static_cast<std::uint16_t>(number(2)); }
  constexpr std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(number(4)); }
  constexpr std::uint64_t u64() noexcept { return number(8); }

  /// The next `count` bytes, or an empty span (and ok() false) when there are fewer.
  constexpr Bytes take(std::size_t count) noexcept {
    if (count > bytes_.size()) {
      fail();
      return {};
    }
    Bytes head = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return head;
  }
  constexpr void skip(std::size_t count) noexcept { (void)take(count); }

  constexpr Bytes rest() const noexcept { return bytes_; }
  constexpr std::size_t remaining() const noexcept { return bytes_.size(); }
  constexpr bool empty() const noexcept { return bytes_.empty(); }
  constexpr bool ok() const noexcept { return ok_; }

 private:
  constexpr std::uint64_t number(std::size_t width) noexcept {
    if (width > bytes_.size()) {
      fail();
      return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i) value = value << 8 | bytes_[i];
    bytes_ = bytes_.subspan(width);
    return value;
  }
  constexpr void fail() noexcept {
    ok_ = false;
    bytes_ = {};
  }

  Bytes bytes_;
  bool ok_ = true;
};

/// Writes big-endian fields to the front of a buffer. REQUIRES enough room (asserted).
class ByteWriter {
 public:
  constexpr explicit ByteWriter(MutableBytes room) noexcept : room_(room) {}

  constexpr void u8(std::uint8_t value) noexcept { number(value, 1); }
  constexpr void u16(std::uint16_t value) noexcept { number(value, 2); }
  constexpr void u32(std::uint32_t value) noexcept { number(value, 4); }
  constexpr void u64(std::uint64_t value) noexcept { number(value, 8); }
  void bytes(Bytes source) noexcept {
    assert(room_.size() - used_ >= source.size());
    if (!source.empty()) std::memcpy(room_.data() + used_, source.data(), source.size());
    used_ += source.size();
  }

  constexpr std::size_t used() const noexcept { return used_; }
  constexpr std::size_t remaining() const noexcept { return room_.size() - used_; }
  constexpr MutableBytes written() const noexcept { return room_.first(used_); }

 private:
  constexpr void number(std::uint64_t value, std::size_t width) noexcept {
    assert(room_.size() - used_ >= width);
    for (std::size_t i = 0; i < width; ++i)
      room_[used_ + i] = static_cast<std::uint8_t>(value >> (8 * (width - 1 - i)));
    used_ += width;
  }

  MutableBytes room_;
  std::size_t used_ = 0;
};

}  // namespace sluice
