// Tokens of the notation; see notation_scanner.hpp.
#include "lab/notation_scanner.hpp"

namespace sluice::lab {
namespace {

constexpr bool is_space(char c) noexcept { return c == ' ' || c == '\t'; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
constexpr bool is_word(char c) noexcept { return is_letter(c) || is_digit(c); }

constexpr int hex_digit(char c) noexcept {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string NotationError::to_string() const {
  const std::string where = "column " + std::to_string(column) + ": " + message;
  return line == 1 ? where : "line " + std::to_string(line) + ", " + where;
}

void NotationScanner::fail(std::string message, std::optional<std::size_t> at) {
  if (error_) return;
  error_ = NotationError{.column = (at ? *at : position()) + 1, .message = std::move(message)};
}

std::size_t NotationScanner::position() noexcept {
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  return at_;
}

bool NotationScanner::at_end() noexcept { return !ok() || position() == text_.size(); }

char NotationScanner::peek() noexcept { return at_end() ? '\0' : text_[at_]; }

bool NotationScanner::accept(std::string_view token) noexcept {
  if (at_end() || !text_.substr(at_).starts_with(token)) return false;
  const std::size_t behind = at_ + token.size();
  if (is_word(token.back()) && behind < text_.size() && is_word(text_[behind])) return false;
  at_ = behind;
  return true;
}

bool NotationScanner::expect(std::string_view token) {
  if (accept(token)) return true;
  fail("expected '" + std::string(token) + "'");
  return false;
}

std::string_view NotationScanner::word() noexcept {
  if (at_end() || !is_letter(text_[at_])) return {};
  const std::size_t begin = at_;
  while (at_ < text_.size() && is_word(text_[at_])) ++at_;
  return text_.substr(begin, at_ - begin);
}

std::string_view NotationScanner::run(std::string_view stops) noexcept {
  if (at_end()) return {};
  const std::size_t begin = at_;
  while (at_ < text_.size() && !is_space(text_[at_]) && stops.find(text_[at_]) == std::string_view::npos) ++at_;
  return text_.substr(begin, at_ - begin);
}

bool NotationScanner::adjacent() const noexcept {
  return ok() && at_ > 0 && at_ < text_.size() && !is_space(text_[at_ - 1]) && !is_space(text_[at_]);
}

std::uint64_t NotationScanner::number(std::uint64_t maximum, std::string_view what) {
  const auto refuse = [&](std::size_t at) {
    fail("expected " + std::string(what) + ", a number up to " + std::to_string(maximum), at);
    return std::uint64_t{0};
  };
  if (!ok()) return 0;
  const std::size_t begin = position();
  const std::string_view rest = text_.substr(begin);
  const bool hexadecimal = rest.size() > 2 && rest[0] == '0' && rest[1] == 'x' && hex_digit(rest[2]) >= 0;
  if (hexadecimal) at_ += 2;
  const unsigned base = hexadecimal ? 16 : 10;
  const std::size_t first = at_;
  std::uint64_t value = 0;
  for (; at_ < text_.size(); ++at_) {
    const int digit = hex_digit(text_[at_]);
    if (digit < 0 || static_cast<unsigned>(digit) >= base) break;
    if (value > maximum / base) return refuse(begin);
    value = value * base + static_cast<unsigned>(digit);
    if (value > maximum) return refuse(begin);
  }
  if (at_ == first || (at_ < text_.size() && is_word(text_[at_]))) return refuse(begin);
  return value;
}

std::uint32_t NotationScanner::sequence(std::string_view what) {
  const bool negative = peek() == '-';
  if (negative) ++at_;
  const auto value = static_cast<std::uint32_t>(number(negative ? 0x8000'0000u : 0xffff'ffffu, what));
  return negative ? 0 - value : value;
}

std::vector<std::uint8_t> NotationScanner::hex(std::size_t maximum_bytes) {
  std::vector<std::uint8_t> bytes;
  if (!ok()) return bytes;
  const std::size_t begin = position();
  std::string_view digits = run(",>");
  if (digits.starts_with("0x")) digits.remove_prefix(2);
  bool good = !digits.empty() && digits.size() % 2 == 0 && digits.size() / 2 <= maximum_bytes;
  for (std::size_t i = 0; good && i < digits.size(); i += 2) {
    const int high = hex_digit(digits[i]), low = hex_digit(digits[i + 1]);
    good = high >= 0 && low >= 0;
    bytes.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  if (good) return bytes;
  fail("expected pairs of hexadecimal digits, at most " + std::to_string(maximum_bytes) + " bytes", begin);
  return {};
}

}  // namespace sluice::lab
