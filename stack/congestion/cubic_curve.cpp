// Fixed point that neither rounds by the machine nor overflows.
#include "stack/congestion/cubic_curve.hpp"

#include <algorithm>
#include <chrono>

namespace sluice::congestion {
namespace {

// 0.4 = C; 1 s^3 = 10^9 ms^3. So a segment is worth 2.5 * 10^9 ms^3.
constexpr std::uint64_t kCubicMsPerSegment = 2'500'000'000;
// A cube of so many milliseconds is three million segments: more than any window.
constexpr std::int64_t kFurthestMs = 200'000;

}  // namespace

std::uint64_t cube_root(std::uint64_t value) noexcept {
  std::uint64_t root = 0;
  for (std::uint64_t bit = std::uint64_t{1} << 21; bit > 0; bit >>= 1) {
    const std::uint64_t longer = root | bit;
    if (longer * longer <= value / longer) root = longer;
  }
  return root;
}

std::uint64_t cubic_k_ms(std::uint64_t missing, std::uint32_t smss) noexcept {
  return cube_root(std::min(missing, std::uint64_t{1} << 32) * kCubicMsPerSegment / smss);
}

std::uint64_t cubic_window(std::uint64_t w_max, std::uint64_t k_ms, Duration t, std::uint32_t smss) noexcept {
  const std::int64_t t_ms = std::chrono::duration_cast<std::chrono::milliseconds>(t).count();
  const std::int64_t from_k = std::clamp(t_ms - static_cast<std::int64_t>(k_ms), -kFurthestMs, kFurthestMs);
  const auto distance = static_cast<std::uint64_t>(from_k < 0 ? -from_k : from_k);
  // 256 of both sides of the fraction, lest 64 bits be too few.
  const std::uint64_t bytes = distance * distance * distance / 256 * smss / (kCubicMsPerSegment / 256);
  if (from_k >= 0) return w_max + bytes;
  return w_max > bytes ? w_max - bytes : 0;
}

}  // namespace sluice::congestion
