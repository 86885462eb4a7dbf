// A cursor over the list that only ever moves forward: hostile headers cost their length [A-WS-13].
#include "ws/extensions.hpp"

#include <algorithm>

#include "http/message.hpp"

namespace sluice::ws {
namespace {

class Cursor {
 public:
  explicit Cursor(std::string_view text) noexcept : text_(text) {}

  void skip_space() noexcept {
    while (!text_.empty() && (text_[0] == ' ' || text_[0] == '\t')) text_.remove_prefix(1);
  }
  /// Passes over `wanted` and the space around it; false and only space passed when something else stands there.
  bool accept(char wanted) noexcept {
    skip_space();
    if (text_.empty() || text_[0] != wanted) return false;
    text_.remove_prefix(1);
    skip_space();
    return true;
  }
  bool at_end() noexcept {
    skip_space();
    return text_.empty();
  }
  /// The token here; empty when there is none.
  std::string_view token() noexcept {
    std::size_t size = 0;
    while (size < text_.size() && http::is_token(text_.substr(size, 1))) ++size;
    const std::string_view found = text_.substr(0, size);
    text_.remove_prefix(size);
    return found;
  }
  /// The content of the quoted string whose opening quote was just passed, unescaped; nullopt when it never ends.
  std::optional<std::string> quoted() {
    std::string content;
    while (!text_.empty()) {
      const char c = text_[0];
      text_.remove_prefix(1);
      if (c == '"') return content;
      if (c == '\\') {
        if (text_.empty()) break;
        content.push_back(text_[0]);
        text_.remove_prefix(1);
      } else {
        content.push_back(c);
      }
    }
    return std::nullopt;
  }
  /// A parameter's value: a token, or a quoted string that holds one (RFC 6455 9.1).
  std::optional<std::string> value() {
    if (text_.empty() || text_[0] != '"') {
      const std::string_view plain = token();
      return plain.empty() ? std::nullopt : std::optional<std::string>(plain);
    }
    text_.remove_prefix(1);
    std::optional<std::string> content = quoted();
    return content && http::is_token(*content) ? content : std::nullopt;
  }

 private:
  std::string_view text_;
};

/// extension = token *( ";" token [ "=" value ] ); false when it is none.
bool parse_extension(Cursor& cursor, Extension& extension) {
  extension.name = cursor.token();
  if (extension.name.empty()) return false;
  while (cursor.accept(';')) {
    ExtensionParameter parameter{std::string(cursor.token()), std::nullopt};
    if (parameter.name.empty()) return false;
    if (cursor.accept('=')) {
      parameter.value = cursor.value();
      if (!parameter.value) return false;
    }
    extension.parameters.push_back(std::move(parameter));
  }
  return true;
}

}  // namespace

std::optional<std::vector<Extension>> parse_extensions(std::string_view list) {
  std::vector<Extension> found;
  Cursor cursor(list);
  while (!cursor.at_end()) {
    if (cursor.accept(',')) continue;  // empty elements mean nothing (RFC 9110 5.6.1)
    Extension extension;
    if (!parse_extension(cursor, extension)) return std::nullopt;
    found.push_back(std::move(extension));
    if (!cursor.at_end() && !cursor.accept(',')) return std::nullopt;
  }
  return found;
}

std::optional<std::vector<std::string_view>> parse_subprotocols(std::string_view list) {
  std::vector<std::string_view> found;
  while (const auto element = http::next_element(list)) {
    if (!http::is_token(*element)) return std::nullopt;
    found.push_back(*element);
  }
  std::vector<std::string_view> sorted = found;
  std::sort(sorted.begin(), sorted.end());
  const bool repeated = std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
  return repeated ? std::nullopt : std::optional(std::move(found));
}

}  // namespace sluice::ws
