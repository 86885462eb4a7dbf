// Sizes, times, rates and percentages as people write them, for command lines and control sockets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "stack/base/time.hpp"

namespace sluice::lab {

/// A value, or one sentence (without a full stop) that says what is wrong with the text and what would be right.
template <class T>
struct Parsed {
  std::optional<T> value;
  std::string error;

  Parsed(T good) : value(std::move(good)) {}
  static Parsed failed(std::string_view why) {
    Parsed none;
    none.error = why;
    return none;
  }
  explicit operator bool() const noexcept { return value.has_value(); }
  T& operator*() { return *value; }
  const T& operator*() const { return *value; }

 private:
  Parsed() = default;
};

/// Bytes: "1500", "64KiB", "1.5MB", "2G". kB, MB, GB are powers of 1000; K, KiB, M, MiB, G, GiB powers of 1024.
Parsed<std::uint64_t> parse_size(std::string_view text);

/// A time that isn't negative: "20ms", "1.5s", "250us", "100ns", "2min", "1h"; "0" needs no unit.
Parsed<Duration> parse_time(std::string_view text);

/// Bytes a second from "10mbit" (a million bits a second; kbit, gbit, bit) or "5MB/s" (any size with "/s"). Never 0.
Parsed<std::uint64_t> parse_rate(std::string_view text);

/// A probability 0..1 from "1%", "0.5%" or "0.01".
Parsed<double> parse_probability(std::string_view text);

/// "1.5 KiB", "20 ms", "10 Mbit/s": what the parsers above read again, up to rounding to three digits.
std::string size_text(std::uint64_t bytes);
std::string time_text(Duration time);
/// As a number, for JSON and columns.
constexpr double milliseconds(Duration time) noexcept { return static_cast<double>(time.count()) / 1e6; }
std::string rate_text(std::uint64_t bytes_per_second);

}  // namespace sluice::lab
