// The few statements of Python that scripts write between %{ and }%: assert, print, assignments, if.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

namespace sluice::lab::drill {

/// Numbers hold all integers of 64 bits exactly.
using CodeValue = std::variant<long double, std::string>;

/// As print() shows it.
std::string to_text(const CodeValue& value);

/// An assertion that doesn't hold.
class AssertionFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
/// What can't be run: a slip, or more Python than this.
class CodeError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Where names get their values, and what print() does. Variables live as long as this.
struct CodeWorld {
  std::function<std::optional<long double>(std::string_view)> lookup;  ///< tcpi_… and constants
  std::function<void(const std::string&)> print;
  std::map<std::string, CodeValue, std::less<>> variables = {};
};

/// Runs the text. Supported: assert E [, message]; print(E, …); NAME = E; if/elif/else on indented or single
/// statements; pass. Expressions: numbers, strings, names, not and or, chained comparisons, + - * / // % ** & | ^ <<
/// >>, abs int len str min max. Throws AssertionFailed or CodeError.
void run_code(std::string_view code, CodeWorld& world);

}  // namespace sluice::lab::drill
