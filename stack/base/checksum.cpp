// Sums 32-bit words into 64-bit lanes, which compilers turn into vector code; the byte order is mended once at the end.
#include "stack/base/checksum.hpp"

#include <bit>

namespace sluice {
namespace {

constexpr std::uint16_t fold(std::uint64_t sum) noexcept {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

constexpr std::uint16_t swap_bytes(std::uint16_t word) noexcept {
  return static_cast<std::uint16_t>(word << 8 | word >> 8);
}

constexpr std::size_t kWide = 32;  // bytes that are added at once

// RFC 1071 2(B): the sum is independent of byte order, so words are added as the machine reads them.
std::uint16_t native_sum(const std::uint8_t* data, std::size_t size) noexcept {
  std::uint64_t sum = 0;  // 64 bits are enough below 16 GiB
  std::size_t at = 0;
  if (size >= kWide) {  // most headers are shorter
    std::uint64_t lanes[8] = {};
    for (; at + kWide <= size; at += kWide) {
      std::uint32_t words[8];
      std::memcpy(words, data + at, sizeof words);
      for (unsigned i = 0; i < 8; ++i) lanes[i] += words[i];
    }
    for (std::uint64_t lane : lanes) sum += lane;
  }
  for (; at + 4 <= size; at += 4) {
    std::uint32_t word;
    std::memcpy(&word, data + at, sizeof word);
    sum += word;
  }
  for (; at + 2 <= size; at += 2) {
    std::uint16_t word;
    std::memcpy(&word, data + at, sizeof word);
    sum += word;
  }
  if (at < size) {
    const std::uint8_t padded[2] = {data[at], 0};
    std::uint16_t word;
    std::memcpy(&word, padded, sizeof word);
    sum += word;
  }
  return fold(sum);
}

}  // namespace

void ChecksumSum::add(Bytes bytes) noexcept {
  std::uint16_t sum = native_sum(bytes.data(), bytes.size());
  if constexpr (std::endian::native == std::endian::little) sum = swap_bytes(sum);
  if (odd_) sum = swap_bytes(sum);
  sum_ += sum;
  odd_ ^= (bytes.size() & 1) != 0;
}

std::uint16_t ChecksumSum::folded() const noexcept { return fold(sum_); }

std::uint16_t internet_checksum(Bytes bytes) noexcept {
  ChecksumSum sum;
  sum.add(bytes);
  return sum.checksum();
}

std::uint16_t update_checksum(std::uint16_t checksum, std::uint16_t before, std::uint16_t after) noexcept {
  return static_cast<std::uint16_t>(
      ~fold(std::uint64_t{static_cast<std::uint16_t>(~checksum)} + static_cast<std::uint16_t>(~before) + after));
}

}  // namespace sluice
