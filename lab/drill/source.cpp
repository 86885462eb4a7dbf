// From characters to statements; see source.hpp.
#include "lab/drill/source.hpp"

#include <algorithm>
#include <utility>

namespace sluice::lab::drill {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

/// A copy of the source in which comments are spaces, and beside it which characters are quoted.
class Reader {
 public:
  explicit Reader(std::string_view source) : source_(source), clean_(source), quoted_(source.size(), false) {
    while (at_ < source_.size()) step();
  }

  const std::string& clean() const noexcept { return clean_; }
  bool quoted(std::size_t at) const noexcept { return quoted_[at]; }

 private:
  bool starts(std::string_view token) const noexcept { return source_.substr(at_).starts_with(token); }

  void step() {
    if (starts("//") || starts("#")) return blank_until("\n", false);
    if (starts("/*")) return blank_until("*/", true);
    if (starts("\"")) return quote_until("\"", "the string isn't closed");
    if (starts("`")) return quote_until("`", "the command isn't closed with a backtick");
    if (starts("%{")) return quote_until("}%", "the code isn't closed with }%");
    ++at_;
  }

  void blank_until(std::string_view close, bool closes) {
    const std::size_t found = source_.find(close, at_ + 2);
    const std::size_t line_end = source_.find('\n', at_);
    if (closes && found == source_.npos) fail("the comment isn't closed with */");
    const std::size_t end = closes ? found + close.size() : std::min(line_end, source_.size());
    for (; at_ < end; ++at_)
      if (source_[at_] != '\n') clean_[at_] = ' ';
  }

  void quote_until(std::string_view close, const char* complaint) {
    std::size_t end = at_ + 1;
    for (; end < source_.size(); ++end) {
      const bool escapes = close == "\"" && source_[end] == '\\';
      if (escapes)
        ++end;
      else if (source_.substr(end).starts_with(close))
        break;
    }
    if (end >= source_.size()) fail(complaint);
    end += close.size();
    std::fill(quoted_.begin() + static_cast<std::ptrdiff_t>(at_), quoted_.begin() + static_cast<std::ptrdiff_t>(end),
              true);
    at_ = end;
  }

  [[noreturn]] void fail(const char* complaint) const {
    const Place place = place_of(source_, at_);
    throw ScriptError(place.line, place.column, complaint);
  }

  std::string_view source_;
  std::string clean_;
  std::vector<bool> quoted_;
  std::size_t at_ = 0;
};

bool begins_statement(std::string_view rest) noexcept {
  const char c = rest.front();
  return c == '+' || c == '*' || c == '.' || c == '`' || (c >= '0' && c <= '9') || rest.starts_with("%{") ||
         rest.starts_with("--");
}

Statement make_statement(const Reader& reader, std::size_t begin, std::size_t end) {
  const std::string_view clean = reader.clean();
  const std::size_t last = clean.find_last_not_of(kSpaces, end - 1);
  Statement made{.text = std::string(clean.substr(begin, last + 1 - begin)), .begin = begin, .end = last + 1};
  made.is_option = made.text.starts_with("--");
  // Line ends mean something in code and commands.
  for (std::size_t i = 0; i < made.text.size(); ++i)
    if ((made.text[i] == '\n' || made.text[i] == '\r') && !reader.quoted(begin + i)) made.text[i] = ' ';
  return made;
}

}  // namespace

Place place_of(std::string_view source, std::size_t offset) noexcept {
  const std::string_view before = source.substr(0, offset);
  const std::size_t line_end = before.rfind('\n');
  return {.line = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n')) + 1,
          .column = line_end == before.npos ? before.size() + 1 : before.size() - line_end};
}

std::vector<Statement> split(std::string_view source) {
  const Reader reader(source);
  const std::string& clean = reader.clean();
  std::vector<Statement> statements;
  std::size_t begin = clean.npos;
  int depth = 0;
  bool line_start = true;
  const auto close = [&](std::size_t end) {
    if (begin != clean.npos) statements.push_back(make_statement(reader, begin, end));
    begin = clean.npos;
    depth = 0;
  };
  for (std::size_t at = 0; at < clean.size(); ++at) {
    const char c = clean[at];
    if (c == '\n') {
      if (begin != clean.npos && clean.substr(begin, 2) == "--") close(at);
      line_start = line_start || !reader.quoted(at);
      continue;
    }
    if (kSpaces.find(c) != kSpaces.npos) continue;
    const bool fresh = std::exchange(line_start, false);
    const bool inside = reader.quoted(at) && at > 0 && reader.quoted(at - 1);
    if (begin == clean.npos ||
        (fresh && depth == 0 && !inside && begins_statement(std::string_view(clean).substr(at)))) {
      close(at);
      begin = at;
    }
    if (reader.quoted(at)) continue;
    if (c == '(' || c == '[' || c == '{') ++depth;
    if ((c == ')' || c == ']' || c == '}') && depth > 0) --depth;
  }
  close(clean.size());
  return statements;
}

}  // namespace sluice::lab::drill
