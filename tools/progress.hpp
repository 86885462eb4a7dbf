// One line that says how far a transfer is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "stack/base/time.hpp"

namespace sluice::tools {

struct Progress {
  std::uint64_t before = 0;  ///< bytes that were here when it began
  std::uint64_t here = 0;    ///< bytes by now, those before included
  std::optional<std::uint64_t> whole;
  Duration elapsed{};
};

/// " 42% [####      ] 4.2 MiB of 10.0 MiB, 1.0 MiB/s, 0:06 left", or what is known of it, in at most `width` columns.
std::string progress_line(const Progress& progress, std::size_t width);

}  // namespace sluice::tools
