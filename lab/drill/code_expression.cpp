// Expressions by recursive descent; see code_expression.hpp.
#include "lab/drill/code_expression.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sluice::lab::drill {
namespace {

constexpr int kMostDepth = 100;

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

// The rules stand loosest first.
class Expression {
 public:
  Expression(std::string_view text, CodeWorld& world) noexcept : text_(text), world_(world) {}

  CodeValue whole() {
    CodeValue value = any();
    if (!at_end()) throw CodeError("can't make sense of '" + std::string(text_.substr(at_)) + "'");
    return value;
  }

 private:
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

}  // namespace

bool truth(const CodeValue& value) {
  const auto* number = std::get_if<long double>(&value);
  return number ? *number != 0 : !std::get<std::string>(value).empty();
}

CodeValue evaluate(std::string_view text, CodeWorld& world) { return Expression(text, world).whole(); }

}  // namespace sluice::lab::drill
