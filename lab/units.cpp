// Numbers with units, read and written.
#include "lab/units.hpp"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <span>

namespace sluice::lab {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array<Unit, 11> kSizes = {{{"", 1},
                                          {"b", 1},
                                          {"kb", 1e3},
                                          {"mb", 1e6},
                                          {"gb", 1e9},
                                          {"k", 1024},
                                          {"kib", 1024},
                                          {"m", 1048576},
                                          {"mib", 1048576},
                                          {"g", 1073741824},
                                          {"gib", 1073741824}}};
constexpr std::array<Unit, 7> kTimes = {
    {{"ns", 1}, {"us", 1e3}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 60e9}, {"h", 3600e9}}};
constexpr std::array<Unit, 4> kBits = {{{"bit", 0.125}, {"kbit", 125}, {"mbit", 125e3}, {"gbit", 125e6}}};

std::string lower(std::string_view text) {
  std::string small;
  for (char c : text) small += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return small;
}

struct Quantity {
  double number;
  std::string unit;  ///< in small letters
};

std::optional<Quantity> split(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(number) || number < 0 || text.front() == '-') return std::nullopt;
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  return Quantity{number, lower(unit)};
}

std::optional<double> factor_of(std::span<const Unit> units, std::string_view name) {
  for (const Unit& unit : units)
    if (unit.name == name) return unit.factor;
  return std::nullopt;
}

/// The number in the smallest unit, rounded; nothing when text, unit or range is wrong.
std::optional<std::uint64_t> scaled(std::string_view text, std::span<const Unit> units) {
  const auto quantity = split(text);
  if (!quantity) return std::nullopt;
  const auto factor = factor_of(units, quantity->unit);
  if (!factor) return std::nullopt;
  const double value = std::round(quantity->number * *factor);
  if (value >= 0x1p63) return std::nullopt;
  return static_cast<std::uint64_t>(value);
}

std::string quoted(std::string_view text) { return fmt::format("\"{}\"", text); }

/// The largest unit in which the value is at least 1, with at most three digits after the point.
std::string in_units(double value, std::span<const Unit> units, std::string_view separator) {
  const Unit* best = &units.front();
  for (const Unit& unit : units)
    if (value >= unit.factor) best = &unit;
  std::string number = fmt::format("{:.3f}", value / best->factor);
  number.erase(number.find_last_not_of('0') + 1);
  if (number.back() == '.') number.pop_back();
  return fmt::format("{}{}{}", number, separator, best->name);
}

}  // namespace

Parsed<std::uint64_t> parse_size(std::string_view text) {
  if (const auto bytes = scaled(text, kSizes)) return *bytes;
  return Parsed<std::uint64_t>::failed(quoted(text) + " is not a size: write it like 1500, 64KiB or 10MB");
}

Parsed<Duration> parse_time(std::string_view text) {
  if (text == "0") return Duration(0);
  if (const auto time = scaled(text, kTimes)) return Duration(static_cast<Duration::rep>(*time));
  return Parsed<Duration>::failed(quoted(text) + " is not a time: write it with its unit, like 20ms, 1.5s or 250us");
}

Parsed<std::uint64_t> parse_rate(std::string_view text) {
  const bool per_second = text.ends_with("/s");
  const std::string_view amount = per_second ? text.substr(0, text.size() - 2) : text;
  std::optional<std::uint64_t> rate = scaled(amount, kBits);
  if (!rate && per_second) rate = scaled(amount, kSizes);
  if (rate && *rate > 0) return *rate;
  return Parsed<std::uint64_t>::failed(quoted(text) + " is not a rate: write it like 10mbit or 5MB/s, above zero");
}

Parsed<double> parse_probability(std::string_view text) {
  const auto quantity = split(text);
  double value = -1;
  if (quantity && quantity->unit == "%") value = quantity->number / 100;
  if (quantity && quantity->unit.empty()) value = quantity->number;
  if (value >= 0 && value <= 1) return value;
  return Parsed<double>::failed(quoted(text) + " is not a probability: write it like 1% or 0.01, from 0 to 100%");
}

std::string size_text(std::uint64_t bytes) {
  static constexpr std::array<Unit, 4> kNames = {{{"B", 1}, {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}}};
  return in_units(static_cast<double>(bytes), kNames, " ");
}

std::string time_text(Duration time) {
  static constexpr std::array<Unit, 6> kNames = {
      {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 60e9}, {"h", 3600e9}}};
  return in_units(static_cast<double>(time.count()), kNames, " ");
}

std::string rate_text(std::uint64_t bytes_per_second) {
  static constexpr std::array<Unit, 4> kNames = {{{"bit", 1}, {"kbit", 1e3}, {"Mbit", 1e6}, {"Gbit", 1e9}}};
  return in_units(static_cast<double>(bytes_per_second) * 8, kNames, " ") + "/s";
}

}  // namespace sluice::lab
