// UTF-8 the slow and obvious way: decode, then look at the number (RFC 3629). The judge of ws/utf8.cpp.
#pragma once

#include <cstdint>

#include "stack/base/bytes.hpp"

namespace sluice::ws::test {

enum class Verdict : std::uint8_t { complete, open, impossible };

/// True if some code point of `size` bytes is encoded so that it begins with `bytes`.
inline bool could_begin(Bytes bytes, std::size_t size) {
  const std::uint32_t lead_bits = size == 1 ? 7 : size == 2 ? 5 : size == 3 ? 4 : 3;
  std::uint32_t low = bytes[0] & ((1u << lead_bits) - 1);
  std::uint32_t high = low;
  for (std::size_t i = 1; i < size; ++i) {
    const bool known = i < bytes.size();
    if (known && (bytes[i] & 0xc0) != 0x80) return false;
    low = low << 6 | (known ? bytes[i] & 0x3fu : 0u);
    high = high << 6 | (known ? bytes[i] & 0x3fu : 0x3fu);
  }
  const std::uint32_t least = size == 1 ? 0 : size == 2 ? 0x80 : size == 3 ? 0x800 : 0x10000;
  if (low < least) low = least;
  if (high > 0x10ffff) high = 0x10ffff;
  const bool all_surrogates = low >= 0xd800 && high <= 0xdfff;
  return low <= high && !all_surrogates;
}

inline Verdict judge_utf8(Bytes text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::uint8_t lead = text[i];
    const std::size_t size = lead < 0x80   ? 1
                             : lead < 0xc0 ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf8 ? 4
                                           : 0;
    if (size == 0) return Verdict::impossible;
    const Bytes here = text.subspan(i, size < text.size() - i ? size : text.size() - i);
    if (!could_begin(here, size)) return Verdict::impossible;
    if (here.size() < size) return Verdict::open;
    i += size;
  }
  return Verdict::complete;
}

}  // namespace sluice::ws::test
