// CUBIC's curve in whole numbers: RFC 9438 equations 1 and 2.
#pragma once

#include <cstdint>

#include "stack/base/time.hpp"

namespace sluice::congestion {

/// The largest number whose cube is not above `value`.
std::uint64_t cube_root(std::uint64_t value) noexcept;

/// K of equation 2 in milliseconds, for a window that is `missing` bytes below W_max. C = 0.4 segments / s^3
/// [R9438-5.1-1].
std::uint64_t cubic_k_ms(std::uint64_t missing, std::uint32_t smss) noexcept;

/// W_cubic(t) of equation 1 in bytes, 0 where it is negative.
std::uint64_t cubic_window(std::uint64_t w_max, std::uint64_t k_ms, Duration t, std::uint32_t smss) noexcept;

}  // namespace sluice::congestion
