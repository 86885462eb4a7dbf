// Masking: every byte of a client's payload XOR a key of four bytes (RFC 6455 5.3), a machine word at a time.
#pragma once

#include <array>
#include <cstdint>

#include "stack/base/bytes.hpp"

namespace sluice::ws {

/// The masking key in the order of the wire.
using MaskKey = std::array<std::uint8_t, 4>;

/// The key as it meets the byte `offset` bytes into the payload: byte i goes with key[i mod 4].
constexpr MaskKey rotated(const MaskKey& key, std::uint64_t offset) noexcept {
  return {key[offset & 3], key[(offset + 1) & 3], key[(offset + 2) & 3], key[(offset + 3) & 3]};
}

/// Masks or unmasks in place (the two are one); the first byte meets key[0]. Any alignment.
void apply_mask(MutableBytes bytes, const MaskKey& key) noexcept;

/// Copies while masking. REQUIRES target.size() == source.size(); the two do not overlap.
void copy_masked(MutableBytes target, Bytes source, const MaskKey& key) noexcept;

}  // namespace sluice::ws
