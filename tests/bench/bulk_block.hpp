// The text that bulk transfers of the device bench are made of: too large for any cache, and the same at both ends.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace sluice::bench {

/// Bytes. A power of two, so that a position in the stream modulo 2^32 tells the position in the block.
inline constexpr std::size_t kBulkBlock = 64 << 20;

/// kBulkBlock bytes that nothing compresses and no two pages share, and behind them the first `tail` bytes once more: a
/// frame of up to `tail` bytes can begin anywhere. REQUIRES tail <= kBulkBlock.
inline std::vector<std::uint8_t> bulk_block(std::size_t tail = 0) {
  std::vector<std::uint8_t> block(kBulkBlock + tail);
  std::uint64_t state = 0x5eed;
  for (std::size_t i = 0; i < kBulkBlock; i += sizeof state) {
    // SplitMix64 (Steele, Lea, Flood 2014).
    state += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = (state ^ state >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    mixed ^= mixed >> 31;
    std::memcpy(block.data() + i, &mixed, sizeof mixed);
  }
  std::copy_n(block.begin(), tail, block.begin() + kBulkBlock);
  return block;
}

}  // namespace sluice::bench
