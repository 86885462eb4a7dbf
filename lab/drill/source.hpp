// A script's text cut into statements: comments become spaces, so that each character keeps its place.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::lab::drill {

/// What is wrong with a script, and where. Thrown while it is read, and for a statement that makes no sense when its
/// turn comes.
class ScriptError : public std::runtime_error {
 public:
  ScriptError(std::size_t at_line, std::size_t at_column, const std::string& sentence, bool not_supported = false)
      : std::runtime_error(sentence), line(at_line), column(at_column), unsupported(not_supported) {}
  std::size_t line;    ///< counted from 1; 0 = no particular one
  std::size_t column;  ///< likewise
  bool unsupported;    ///< the script may be right, but asks for what we don't have
};

/// One statement, or one "--name=value" line.
struct Statement {
  std::string text;       ///< without comments and line ends
  std::size_t begin = 0;  ///< its first character in the source
  std::size_t end = 0;    ///< behind its last
  bool is_option = false;
};

/// Where a character of the source stands.
struct Place {
  std::size_t line = 1;
  std::size_t column = 1;
};
Place place_of(std::string_view source, std::size_t offset) noexcept;

/// A statement begins with a line that starts with a time, a backtick, "%{" or "--" outside all brackets, and goes on
/// until the next. Comments are those of packetdrill: "//", "/* */" and "#"; none in strings, backticks and code.
/// Throws ScriptError for what isn't closed.
std::vector<Statement> split(std::string_view source);

}  // namespace sluice::lab::drill
