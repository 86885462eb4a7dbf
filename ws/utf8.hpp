// Is it UTF-8? Asked of text that comes in pieces, answered at the first byte that cannot be (RFC 3629, RFC 6455 8.1).
#pragma once

#include <cstdint>

#include "stack/base/bytes.hpp"

namespace sluice::ws {

/// Judges a text piece by piece; a sequence may straddle any number of pieces. Long runs go through SIMD code.
class Utf8Validator {
 public:
  /// False from the first byte on with which no valid text can begin so.
  bool feed(Bytes piece) noexcept;
  /// True when the text may end here: all is valid and no sequence is open.
  bool complete() const noexcept { return missing_ == 0; }
  void reset() noexcept { *this = {}; }

 private:
  bool step(std::uint8_t byte) noexcept;
  bool lead(std::uint8_t byte) noexcept;
  bool feed_short(Bytes piece) noexcept;

  std::uint8_t missing_ = 0;  ///< continuation bytes still to come; kInvalid after an impossible byte
  std::uint8_t low_ = 0x80;   ///< the next continuation byte lies in [low_, high_]
  std::uint8_t high_ = 0xbf;
};

/// The whole of `text` at once.
bool is_utf8(Bytes text) noexcept;

}  // namespace sluice::ws
