// Randomness as a pure function of a 256-bit key: keyed hashes for what must be repeatable, a stream for the rest.
#pragma once

#include <array>
#include <cstdint>

#include "stack/base/bytes.hpp"
#include "stack/base/time.hpp"

namespace sluice {

/// The one secret that a stack is given. Everything random follows from it.
using Key = std::array<std::uint8_t, 32>;

/// Separates the uses of one Key from each other.
enum class KeyUse : std::uint32_t {
  isn = 1,
  ephemeral_port,
  cookie,
  timestamp_offset,
  ip_id,
  hash_table,
  jitter,
  websocket_mask,
  impairment,
  test,
  icmp,
  fast_open,
  neighbour,
  address_conflict,
  stable_address,
  temporary_address,
  dhcp,
  membership,
  interface,
  shard,
};

namespace detail {
/// RFC 8439 2.3: constants, key, counter and nonce in; a block of the key stream out.
std::array<std::uint32_t, 16> chacha20_block(const std::array<std::uint32_t, 16>& input) noexcept;
std::uint64_t siphash24(std::uint64_t k0, std::uint64_t k1, Bytes input) noexcept;
}  // namespace detail

/// SipHash-2-4: a pseudo-random function of short inputs (Aumasson and Bernstein 2012); the F() of RFC 6528 section 3.
class KeyedHash {
 public:
  KeyedHash(const Key& key, KeyUse use) noexcept;
  std::uint64_t operator()(Bytes input) const noexcept;

 private:
  std::uint64_t k0_;
  std::uint64_t k1_;
};

/// A ChaCha20 key stream (RFC 8439 2.3) read as random numbers.
class Random {
 public:
  /// The same key, use and stream number give the same numbers.
  Random(const Key& key, KeyUse use, std::uint64_t stream = 0) noexcept;

  std::uint32_t u32() noexcept;
  std::uint64_t u64() noexcept { return std::uint64_t{u32()} << 32 | u32(); }
  /// Uniform in [0, bound). REQUIRES bound > 0.
  std::uint32_t below(std::uint32_t bound) noexcept;
  /// Uniform in [0, 1).
  double unit() noexcept { return static_cast<double>(u64() >> 11) * 0x1p-53; }
  /// A time in [0, limit).
  Duration within(Duration limit) noexcept {
    return Duration(static_cast<Duration::rep>(unit() * static_cast<double>(limit.count())));
  }
  void fill(MutableBytes bytes) noexcept;

 private:
  void refill() noexcept;

  std::array<std::uint32_t, 16> state_{};
  std::array<std::uint32_t, 16> block_{};
  unsigned next_ = 16;
};

}  // namespace sluice
