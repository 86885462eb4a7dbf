// The text that bulk transfers of the device bench are made of: too large for any cache unless one asks for a smaller
// block, and the same at both ends.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace sluice::bench {

/// Bytes: 64 MiB, or what the environment's SLUICE_BENCH_BLOCK says. A power of two, so that a position in the stream
/// modulo 2^32 tells the position in the block; at least 128 KiB. Throws std::runtime_error when it is another number.
inline std::size_t bulk_block_size() {
  const char* const text = std::getenv("SLUICE_BENCH_BLOCK");
  const std::size_t size = text == nullptr ? std::size_t{64} << 20 : std::strtoull(text, nullptr, 10);
  if (!std::has_single_bit(size) || size < (std::size_t{128} << 10) || size > (std::size_t{1} << 30))
    throw std::runtime_error("SLUICE_BENCH_BLOCK is no power of two from 131072 to 1073741824");
  return size;
}

/// bulk_block_size() bytes that nothing compresses and no two pages share, and behind them the first `tail` bytes once
/// more: a frame of up to `tail` bytes can begin anywhere. REQUIRES tail <= bulk_block_size().
inline std::vector<std::uint8_t> bulk_block(std::size_t tail = 0) {
  const std::size_t size = bulk_block_size();
  std::vector<std::uint8_t> block(size + tail);
  std::uint64_t state = 0x5eed;
  for (std::size_t i = 0; i < size; i += sizeof state) {
    // SplitMix64 (Steele, Lea, Flood 2014).
    state += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = (state ^ state >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    mixed ^= mixed >> 31;
    std::memcpy(block.data() + i, &mixed, sizeof mixed);
  }
  std::copy_n(block.begin(), tail, block.begin() + static_cast<std::ptrdiff_t>(size));
  return block;
}

}  // namespace sluice::bench
