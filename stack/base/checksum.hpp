// The Internet checksum (RFC 1071), in pieces and at memory speed.
#pragma once

#include <cstdint>

#include "stack/base/bytes.hpp"

namespace sluice {

/// A ones'-complement sum over several pieces, which may have odd lengths. The order of pieces matters only for odd
/// ones.
class ChecksumSum {
 public:
  void add(Bytes bytes) noexcept;
  /// Adds a 16-bit word in host order; REQUIRES that an even number of bytes was added before.
  void add_word(std::uint16_t word) noexcept { sum_ += word; }

  /// The sum folded to 16 bits, not complemented, host order.
  std::uint16_t folded() const noexcept;
  /// The field to write: the complement of the folded sum, host order.
  std::uint16_t checksum() const noexcept { return static_cast<std::uint16_t>(~folded()); }

 private:
  std::uint64_t sum_ = 0;
  bool odd_ = false;
};

/// The checksum field for one run of bytes.
std::uint16_t internet_checksum(Bytes bytes) noexcept;

/// RFC 1624 eq. 3: the checksum after one 16-bit word changed from `before` to `after`.
std::uint16_t update_checksum(std::uint16_t checksum, std::uint16_t before, std::uint16_t after) noexcept;

}  // namespace sluice
