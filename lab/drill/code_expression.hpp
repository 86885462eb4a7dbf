// Expressions of a script's code: what stands behind "=", "if" and "assert".
#pragma once

#include <string_view>

#include "lab/drill/code.hpp"

namespace sluice::lab::drill {

constexpr bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_word(char c) noexcept { return is_letter(c) || is_digit(c); }

/// As `if` takes it: zero and the empty text are false.
bool truth(const CodeValue& value);

/// The value of the whole text. Throws CodeError if it is no expression, or says what can't be worked out.
CodeValue evaluate(std::string_view text, CodeWorld& world);

}  // namespace sluice::lab::drill
