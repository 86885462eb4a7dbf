// The evaluator; see code.hpp.
#include "lab/drill/code.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace sluice::lab::drill {
namespace {

constexpr int kMostDepth = 100;

bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_word(char c) noexcept { return is_letter(c) || is_digit(c); }

bool truth(const CodeValue& value) {
  const auto* number = std::get_if<long double>(&value);
  return number ? *number != 0 : !std::get<std::string>(value).empty();
}

CodeValue truth_value(bool value) noexcept { return value ? 1.0L : 0.0L; }

long double number_of(const CodeValue& value) {
  if (const auto* number = std::get_if<long double>(&value)) return *number;
  throw CodeError("a number is needed, and '" + std::get<std::string>(value) + "' is a text");
}

std::uint64_t bits_of(const CodeValue& value) {
  const long double number = number_of(value);
  if (!(number >= 0 && number < 0x1p64L) || number != std::floor(number))
    throw CodeError("bits of what is not a whole number of 64 bits");
  return static_cast<std::uint64_t>(number);
}

// --- expressions, loosest first ------------------------------------------------------------------------------------

class Expression {
 public:
  Expression(std::string_view text, CodeWorld& world) noexcept : text_(text), world_(world) {}

  CodeValue whole() {
    CodeValue value = any();
    if (!at_end()) throw CodeError("can't make sense of '" + std::string(text_.substr(at_)) + "'");
    return value;
  }
  CodeValue any() {
    deeper();
    CodeValue value = disjunction();
    --depth_;
    return value;
  }
  bool accept(std::string_view token) {
    skip_spaces();
    if (!text_.substr(at_).starts_with(token)) return false;
    const std::size_t behind = at_ + token.size();
    if (is_word(token.back()) && behind < text_.size() && is_word(text_[behind])) return false;
    at_ = behind;
    return true;
  }
  bool at_end() {
    skip_spaces();
    return at_ == text_.size();
  }

 private:
  void skip_spaces() noexcept {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  void expect(std::string_view token) {
    if (!accept(token)) throw CodeError("expected '" + std::string(token) + "'");
  }

  void deeper() {
    if (++depth_ > kMostDepth) throw CodeError("too many brackets or powers in one expression");
  }

  CodeValue disjunction() {
    CodeValue left = conjunction();
    while (accept("or")) {
      CodeValue right = unless(truth(left), &Expression::conjunction);
      if (!truth(left)) left = std::move(right);
    }
    return left;
  }

  CodeValue conjunction() {
    CodeValue left = negation();
    while (accept("and")) {
      CodeValue right = unless(!truth(left), &Expression::negation);
      if (truth(left)) left = std::move(right);
    }
    return left;
  }

  // What nobody wants to know any more is read, and not worked out.
  CodeValue unless(bool decided, CodeValue (Expression::*part)()) {
    idle_ += decided ? 1 : 0;
    CodeValue value = (this->*part)();
    idle_ -= decided ? 1 : 0;
    return value;
  }

  long double number_of(const CodeValue& value) const { return idle_ > 0 ? 0 : drill::number_of(value); }
  std::uint64_t bits_of(const CodeValue& value) const { return idle_ > 0 ? 0 : drill::bits_of(value); }

  CodeValue negation() {
    if (!accept("not")) return comparison();
    bool negative = true;
    while (accept("not")) negative = !negative;
    return truth_value(truth(comparison()) != negative);
  }

  bool compare(std::string_view how, const CodeValue& left, const CodeValue& right) const {
    if (how == "==") return left == right;
    if (how == "!=") return left != right;
    const long double a = number_of(left), b = number_of(right);
    if (how == "<=") return a <= b;
    if (how == ">=") return a >= b;
    return how == "<" ? a < b : a > b;
  }

  // "1 <= x < 5" holds when both parts do.
  CodeValue comparison() {
    static constexpr std::array<std::string_view, 6> kSigns = {"==", "!=", "<=", ">=", "<", ">"};
    CodeValue left = bits_or();
    bool compared = false, holds = true;
    for (;;) {
      const auto* const sign = std::find_if(kSigns.begin(), kSigns.end(), [this](std::string_view one) {
        return !text_.substr(at_).starts_with("<<") && !text_.substr(at_).starts_with(">>") && accept(one);
      });
      if (sign == kSigns.end()) break;
      CodeValue right = bits_or();
      compared = true;
      holds = holds && compare(*sign, left, right);
      left = std::move(right);
    }
    return compared ? truth_value(holds) : left;
  }

  static CodeValue from_bits(std::uint64_t bits) noexcept { return static_cast<long double>(bits); }

  CodeValue bits_or() {
    CodeValue left = bits_and();
    for (;;) {
      if (accept("|"))
        left = from_bits(bits_of(left) | bits_of(bits_and()));
      else if (accept("^"))
        left = from_bits(bits_of(left) ^ bits_of(bits_and()));
      else
        return left;
    }
  }

  CodeValue bits_and() {
    CodeValue left = shift();
    while (accept("&")) left = from_bits(bits_of(left) & bits_of(shift()));
    return left;
  }

  CodeValue shift() {
    CodeValue left = sum();
    for (;;) {
      if (accept("<<"))
        left = from_bits(bits_of(left) << (bits_of(sum()) & 63));
      else if (accept(">>"))
        left = from_bits(bits_of(left) >> (bits_of(sum()) & 63));
      else
        return left;
    }
  }

  CodeValue sum() {
    CodeValue left = product();
    for (;;) {
      if (accept("+")) {
        CodeValue right = product();
        const auto* text = std::get_if<std::string>(&left);
        if (text && std::holds_alternative<std::string>(right))
          left = *text + std::get<std::string>(right);
        else
          left = number_of(left) + number_of(right);
      } else if (accept("-")) {
        left = number_of(left) - number_of(product());
      } else {
        return left;
      }
    }
  }

  long double divisor(const CodeValue& value) const {
    if (idle_ > 0) return 1;
    const long double number = number_of(value);
    if (number == 0) throw CodeError("division by zero");
    return number;
  }

  CodeValue product() {
    CodeValue left = sign();
    for (;;) {
      if (accept("//")) {
        left = std::floor(number_of(left) / divisor(sign()));
      } else if (accept("/")) {
        left = number_of(left) / divisor(sign());
      } else if (accept("%")) {
        const long double right = divisor(sign());
        left = number_of(left) - right * std::floor(number_of(left) / right);
      } else if (accept("*")) {
        left = number_of(left) * number_of(sign());
      } else {
        return left;
      }
    }
  }

  CodeValue sign() {
    bool negative = false;
    for (;;) {
      if (accept("-"))
        negative = !negative;
      else if (!accept("+"))
        break;
    }
    CodeValue value = power();
    return negative ? CodeValue(-number_of(value)) : value;
  }

  CodeValue power() {
    CodeValue base = primary();
    if (!accept("**")) return base;
    deeper();
    const CodeValue exponent = sign();
    --depth_;
    return std::pow(number_of(base), number_of(exponent));
  }

  CodeValue primary() {
    skip_spaces();
    if (at_ == text_.size()) throw CodeError("an expression is missing its end");
    const char c = text_[at_];
    if (accept("(")) {
      CodeValue inner = any();
      expect(")");
      return inner;
    }
    if (c == '"' || c == '\'') return string(c);
    if (is_digit(c) || c == '.') return number();
    if (is_letter(c)) return name();
    throw CodeError("can't make sense of '" + std::string(text_.substr(at_)) + "'");
  }

  CodeValue string(char quote) {
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == text_.npos) throw CodeError("a text isn't closed");
    std::string inside(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return inside;
  }

  CodeValue number() {
    const bool hexadecimal = text_.substr(at_).starts_with("0x");
    std::size_t end = hexadecimal ? at_ + 2 : at_;
    while (end < text_.size() && (is_word(text_[end]) || (!hexadecimal && text_[end] == '.'))) ++end;
    const std::string digits(text_.substr(at_, end - at_));
    at_ = end;
    try {
      std::size_t used = 0;
      const long double value =
          hexadecimal ? static_cast<long double>(std::stoull(digits, &used, 16)) : std::stold(digits, &used);
      if (used == digits.size()) return value;
    } catch (const std::logic_error&) {  // not a number, or too large: said below
    }
    throw CodeError("'" + digits + "' is not a number");
  }

  CodeValue name() {
    std::size_t end = at_;
    while (end < text_.size() && is_word(text_[end])) ++end;
    const std::string_view word = text_.substr(at_, end - at_);
    at_ = end;
    if (accept("(")) return function(word);
    if (word == "True") return 1.0L;
    if (word == "False" || word == "None") return 0.0L;
    if (const auto found = world_.variables.find(word); found != world_.variables.end()) return found->second;
    if (idle_ > 0) return 0.0L;
    if (const auto known = world_.lookup(word)) return *known;
    throw CodeError("there is no name '" + std::string(word) + "' here");
  }

  CodeValue function(std::string_view word) {
    std::vector<CodeValue> arguments;
    if (!accept(")")) {
      do arguments.push_back(any());
      while (accept(","));
      expect(")");
    }
    if (arguments.empty()) throw CodeError(std::string(word) + "() needs a value");
    if (word == "abs") return std::fabs(number_of(arguments[0]));
    if (word == "int") return std::trunc(number_of(arguments[0]));
    if (word == "len") return static_cast<long double>(to_text(arguments[0]).size());
    if (word == "str") return to_text(arguments[0]);
    const auto less = [this](const CodeValue& a, const CodeValue& b) { return number_of(a) < number_of(b); };
    if (word == "min") return *std::min_element(arguments.begin(), arguments.end(), less);
    if (word == "max") return *std::max_element(arguments.begin(), arguments.end(), less);
    throw CodeError("there is no function " + std::string(word) + "() here");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  CodeWorld& world_;
  int depth_ = 0;
  int idle_ = 0;  // of parts that are only read
};

// --- statements --------------------------------------------------------------------------------------------------

struct Line {
  std::size_t indent = 0;
  std::string text;
  bool same_line = false;  // as the one before: a semicolon stands between them
};

/// Logical lines: without comments, cut at ";", joined while a bracket is open.
class Lines {
 public:
  explicit Lines(std::string_view code) {
    for (std::size_t at = 0; at < code.size(); ++at) at = take(code, at);
    finish();
  }
  std::vector<Line> all;

 private:
  std::size_t take(std::string_view code, std::size_t at) {
    const char c = code[at];
    if (quote_ != 0) {
      if (c == quote_) quote_ = 0;
      text_ += c;
      return at;
    }
    if (c == '#') return std::min(code.find('\n', at), code.size()) - 1;
    if (c == '\'' || c == '"') quote_ = c;
    if (c == '(' || c == '[') ++depth_;
    if (c == ')' || c == ']') --depth_;
    if ((c == '\n' && depth_ <= 0) || c == ';') {
      finish();
      same_line_ = c == ';';
      return at;
    }
    text_ += c == '\n' || c == '\r' || c == '\t' ? ' ' : c;
    return at;
  }

  void finish() {
    const std::size_t first = text_.find_first_not_of(' ');
    if (first != text_.npos) {
      const bool goes_on = same_line_ && !all.empty();
      const std::size_t indent = goes_on ? all.back().indent : first;
      all.push_back({indent, text_.substr(first, text_.find_last_not_of(' ') + 1 - first), goes_on});
    }
    text_.clear();
    same_line_ = false;
  }

  std::string text_;
  char quote_ = 0;
  int depth_ = 0;
  bool same_line_ = false;
};

/// The words of a line up to a sign outside strings and brackets; npos when there is none.
std::size_t find_outside(std::string_view text, char sign) {
  int depth = 0;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '(' || c == '[') {
      ++depth;
    } else if (c == ')' || c == ']') {
      --depth;
    } else if (c == sign && depth == 0) {
      return i;
    }
  }
  return text.npos;
}

bool keyword(std::string_view text, std::string_view word) {
  return text.starts_with(word) && (text.size() == word.size() || !is_word(text[word.size()]));
}

class Program {
 public:
  Program(std::string_view code, CodeWorld& world) : lines_(code), world_(world) {}

  void run() { block(0, lines_.all.size(), true); }

 private:
  std::size_t end_of_block(std::size_t header) const {
    std::size_t end = header + 1;
    while (end < lines_.all.size() && lines_.all[end].indent > lines_.all[header].indent) ++end;
    return end;
  }

  std::size_t end_of_line(std::size_t header) const {
    std::size_t end = header + 1;
    while (end < lines_.all.size() && lines_.all[end].same_line) ++end;
    return end;
  }

  void block(std::size_t from, std::size_t to, bool runs) {
    bool in_chain = false;    // an if or elif came before
    bool chain_open = false;  // its branches were all false so far
    for (std::size_t at = from; at < to; ++at) {
      const std::string_view text = lines_.all[at].text;
      const bool is_if = keyword(text, "if"), is_elif = keyword(text, "elif"), is_else = keyword(text, "else");
      if (!is_if && !is_elif && !is_else) {
        in_chain = false;
        if (runs) statement(text);
        continue;
      }
      if (!is_if && !in_chain) throw CodeError("'else' and 'elif' without 'if'");
      in_chain = !is_else;
      const std::size_t colon = find_outside(text, ':');
      if (colon == text.npos) throw CodeError("'if' and 'else' need a colon");
      if (is_if) chain_open = true;
      const std::string_view condition = text.substr(is_if ? 2 : 4, colon - (is_if ? 2 : 4));
      const bool chosen = runs && chain_open && (is_else || truth(Expression(condition, world_).whole()));
      if (chosen) chain_open = false;
      const std::string_view rest = text.substr(colon + 1);
      const bool one_line = rest.find_first_not_of(' ') != rest.npos;
      if (one_line && chosen) statement(rest.substr(rest.find_first_not_of(' ')));
      const std::size_t end = one_line ? end_of_line(at) : end_of_block(at);
      block(at + 1, end, chosen);
      at = end - 1;
    }
  }

  void statement(std::string_view text) {
    if (text == "pass" || keyword(text, "import") || keyword(text, "from")) return;
    if (keyword(text, "assert")) return assertion(text.substr(6));
    if (keyword(text, "print")) return print(text.substr(5));
    const std::size_t equals = find_outside(text, '=');
    std::size_t end = 0;
    while (end < text.size() && is_word(text[end])) ++end;
    const std::size_t gap = text.find_first_not_of(' ', end);
    if (end == 0 || is_digit(text[0]) || equals == text.npos || gap != equals || text.substr(equals).starts_with("=="))
      throw CodeError("'" + std::string(text) + "' is no statement that is known here (assert, print, NAME = …, if)");
    world_.variables.insert_or_assign(std::string(text.substr(0, end)),
                                      Expression(text.substr(equals + 1), world_).whole());
  }

  // The message follows the last comma outside brackets.
  void assertion(std::string_view text) {
    const std::size_t comma = find_outside(text, ',');
    const std::string_view condition = text.substr(0, comma);
    if (truth(Expression(condition, world_).whole())) return;
    std::string message = "assert" + std::string(condition) + " does not hold" + values_of(condition);
    if (comma != text.npos) message += ": " + to_text(Expression(text.substr(comma + 1), world_).whole());
    throw AssertionFailed(message);
  }

  // " (tcpi_snd_cwnd is 9)" for the names that a condition has.
  std::string values_of(std::string_view condition) const {
    std::string text;
    for (std::size_t at = 0; at < condition.size();) {
      if (!is_letter(condition[at])) {
        ++at;
        continue;
      }
      std::size_t end = at;
      while (end < condition.size() && is_word(condition[end])) ++end;
      const std::string_view word = condition.substr(at, end - at);
      at = end;
      const auto variable = world_.variables.find(word);
      const auto looked_up = word.starts_with("tcpi_") ? world_.lookup(word) : std::nullopt;
      if (variable == world_.variables.end() && !looked_up) continue;
      const CodeValue value = looked_up ? CodeValue(*looked_up) : variable->second;
      text += (text.empty() ? " (" : ", ") + std::string(word) + " is " + to_text(value);
    }
    return text.empty() ? "" : text + ")";
  }

  void print(std::string_view text) {
    const std::size_t first = text.find_first_not_of(' ');
    std::string_view list = first == text.npos ? "" : text.substr(first);
    const bool call = list.starts_with("(") && list.ends_with(")");
    if (call) list = list.substr(1, list.size() - 2);
    std::string line;
    while (!list.empty()) {
      const std::size_t comma = std::min(find_outside(list, ','), list.size());
      line += (line.empty() ? "" : " ") + to_text(Expression(list.substr(0, comma), world_).whole());
      list.remove_prefix(std::min(comma + 1, list.size()));
    }
    world_.print(line);
  }

  Lines lines_;
  CodeWorld& world_;
};

}  // namespace

std::string to_text(const CodeValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  const long double number = std::get<long double>(value);
  if (number == std::floor(number) && std::fabs(number) < 1e18L)
    return std::to_string(static_cast<std::int64_t>(number));
  return fmt::format("{:.6g}", static_cast<double>(number));
}

void run_code(std::string_view code, CodeWorld& world) { Program(code, world).run(); }

}  // namespace sluice::lab::drill
