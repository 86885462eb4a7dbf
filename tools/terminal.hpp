// Colour and other manners that only a terminal wants.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace sluice::tools {

/// True when `fd` is a terminal that shows colours and nobody asked for none (NO_COLOR).
inline bool wants_colour(int fd) {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool dumb = !term || std::string_view(term) == "dumb";
  return ::isatty(fd) == 1 && !dumb && !(no_colour && *no_colour);
}

/// `text` in bold or green, when `on`.
inline std::string bold(std::string_view text, bool on) {
  return on ? "\x1b[1m" + std::string(text) + "\x1b[0m" : std::string(text);
}
inline std::string green(std::string_view text, bool on) {
  return on ? "\x1b[32m" + std::string(text) + "\x1b[0m" : std::string(text);
}

}  // namespace sluice::tools
