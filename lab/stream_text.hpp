// The text of one side of a connection as its segments brought it: where each piece belongs, in views, copied nowhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "stack/base/bytes.hpp"

namespace sluice::lab {

/// The first copy of each byte counts. What views look at outlives this. Numbers count from the first byte of text.
class StreamText {
 public:
  /// True when some of it was new.
  bool place(std::uint64_t at, Bytes text);

  /// Behind the last byte known.
  std::uint64_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  /// From `at` on what lies together in memory, zeros where a piece is missing; empty at the end. REQUIRES at <=
  /// size().
  Bytes run_at(std::uint64_t at) const noexcept;
  /// How many of these bytes, which belong at `at`, are as they are here; bytes beyond the end are not.
  std::size_t agreement(std::uint64_t at, Bytes text) const noexcept;
  /// All of it in one piece.
  std::vector<std::uint8_t> copy() const;

 private:
  struct Piece {
    std::uint64_t at = 0;
    Bytes text;
    std::uint64_t end() const noexcept { return at + text.size(); }
  };
  std::vector<Piece> pieces_;  ///< by their places; none overlaps another
  std::uint64_t size_ = 0;
};

}  // namespace sluice::lab
