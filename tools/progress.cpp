// Figures first; the bar takes what room they leave.
#include "tools/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace sluice::tools {
namespace {

std::string size_text(double bytes) {
  constexpr std::string_view kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  for (; bytes >= 1000 && unit + 1 < std::size(kUnits); ++unit) bytes /= 1024;
  return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, kUnits[unit]);
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::min(seconds + 0.5, 359'999.0));
  const std::uint64_t hours = whole / 3600, minutes = whole / 60 % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, whole % 60);
  return fmt::format("{}:{:02}", minutes, whole % 60);
}

}  // namespace

std::string progress_line(const Progress& progress, std::size_t width) {
  const double seconds = static_cast<double>(progress.elapsed.count()) / 1e9;
  const double rate = seconds > 0 ? static_cast<double>(progress.here - progress.before) / seconds : 0;
  std::string figures = size_text(static_cast<double>(progress.here));
  if (progress.whole) figures += " of " + size_text(static_cast<double>(*progress.whole));
  figures += fmt::format(", {}/s", size_text(rate));
  if (!progress.whole) return figures.substr(0, width);
  const std::uint64_t left = *progress.whole - std::min(progress.here, *progress.whole);
  if (left > 0 && rate > 0) figures += fmt::format(", {} left", clock_text(static_cast<double>(left) / rate));
  const double share =
      *progress.whole > 0 ? static_cast<double>(*progress.whole - left) / static_cast<double>(*progress.whole) : 1;
  const std::string percent = fmt::format("{:3}% ", static_cast<int>(share * 100));
  constexpr std::size_t kLeast = 8, kMost = 40;
  const std::size_t used = percent.size() + figures.size() + 3;
  if (used + kLeast > width) return (percent + figures).substr(0, width);
  const std::size_t room = std::min(width - used, kMost);
  const auto full = static_cast<std::size_t>(share * static_cast<double>(room));
  return percent + "[" + std::string(full, '#') + std::string(room - full, ' ') + "] " + figures;
}

}  // namespace sluice::tools
