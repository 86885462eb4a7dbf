// Arguments and results of calls, read from a scanner.
#pragma once

#include "lab/drill/script.hpp"
#include "lab/notation_scanner.hpp"

namespace sluice::lab::drill {

class ValueParser {
 public:
  /// Both outlive the parser.
  ValueParser(NotationScanner& in, const Defines& defines) noexcept : in_(in), defines_(defines) {}

  /// One value; afterwards the scanner stands behind it. A failure is the scanner's.
  Value parse();
  /// An expression of numbers and names: | << + - *.
  Value parse_expression();

 private:
  Value parse_sum();
  Value parse_product();
  Value parse_unary();
  Value parse_operand();
  std::uint64_t number_of(Value (ValueParser::*operand)());
  Value parse_word();
  Value parse_string();
  Value parse_list();
  Value parse_structure();
  Value parse_function(std::string_view name);
  void skip_arguments();
  std::string field_name();

  NotationScanner& in_;
  const Defines& defines_;
  int depth_ = 0;  // of brackets and signs
};

}  // namespace sluice::lab::drill
