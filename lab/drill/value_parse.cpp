// The grammar of values; see value_parse.hpp.
#include "lab/drill/value_parse.hpp"

#include <limits>

#include "lab/drill/constants.hpp"

namespace sluice::lab::drill {
namespace {

constexpr int kMostDepth = 16;  // brackets in brackets, signs before signs

Value number_value(std::int64_t number) { return {.kind = Value::Kind::number, .number = number}; }

std::int64_t wrapped(std::uint64_t number) noexcept { return static_cast<std::int64_t>(number); }
std::uint64_t unsigned_of(const Value& value) noexcept { return static_cast<std::uint64_t>(value.number); }

}  // namespace

Value ValueParser::parse() {
  if (in_.accept("...")) return {};
  if (depth_ >= kMostDepth) in_.fail("too many brackets or signs in one value");
  if (!in_.ok()) return {};
  switch (in_.peek()) {
    case '[': return parse_list();
    case '{': return parse_structure();
    case '"': return parse_string();
    default: return parse_expression();
  }
}

Value ValueParser::parse_expression() {
  Value left = parse_sum();
  while (in_.ok() && left.is_number() && in_.accept("|"))
    left.number = wrapped(unsigned_of(left) | number_of(&ValueParser::parse_sum));
  return left;
}

// Unsigned, so that nothing is undefined however large the script's numbers are.
std::uint64_t ValueParser::number_of(Value (ValueParser::*operand)()) {
  const std::size_t at = in_.position();
  const Value value = (this->*operand)();
  if (!value.is_number()) in_.fail("a number is needed here", at);
  return unsigned_of(value);
}

Value ValueParser::parse_sum() {
  Value left = parse_product();
  while (in_.ok() && left.is_number()) {
    if (in_.accept("+"))
      left.number = wrapped(unsigned_of(left) + number_of(&ValueParser::parse_product));
    else if (in_.accept("-"))
      left.number = wrapped(unsigned_of(left) - number_of(&ValueParser::parse_product));
    else
      break;
  }
  return left;
}

Value ValueParser::parse_product() {
  Value left = parse_unary();
  while (in_.ok() && left.is_number()) {
    if (in_.accept("*"))
      left.number = wrapped(unsigned_of(left) * number_of(&ValueParser::parse_unary));
    else if (in_.accept("<<"))
      left.number = wrapped(unsigned_of(left) << (number_of(&ValueParser::parse_unary) & 63));
    else
      break;
  }
  return left;
}

Value ValueParser::parse_unary() {
  if (depth_ >= kMostDepth) in_.fail("too many brackets or signs in one value");
  if (!in_.ok()) return {};
  ++depth_;
  Value value = parse_operand();
  --depth_;
  return value;
}

Value ValueParser::parse_operand() {
  const char next = in_.peek();
  if (next == '-' && in_.accept("-")) return number_value(wrapped(0 - number_of(&ValueParser::parse_unary)));
  if (next == '~' && in_.accept("~")) return number_value(wrapped(~number_of(&ValueParser::parse_unary)));
  if (next == '(' && in_.accept("(")) {
    Value inner = parse_expression();
    in_.expect(")");
    return inner;
  }
  if (next >= '0' && next <= '9')
    return number_value(wrapped(in_.number(std::numeric_limits<std::uint64_t>::max() / 2, "a number")));
  return parse_word();
}

Value ValueParser::parse_word() {
  const std::size_t at = in_.position();
  const std::string_view word = in_.word();
  if (word.empty()) {
    in_.fail("expected a value: a number, a name, \"text\", [list], {structure} or ...", at);
    return {};
  }
  const auto defined = defines_.find(word);
  if (defined != defines_.end()) return defined->second;
  if (in_.peek() == '(') return parse_function(word);
  const auto known = constant(word);
  if (!known) in_.fail("there is no name " + std::string(word) + " here (-D defines names)", at);
  return number_value(known.value_or(0));
}

// Ports and addresses are meant, not their bytes: so the byte order is nobody's business.
Value ValueParser::parse_function(std::string_view name) {
  const std::size_t at = in_.position();
  in_.expect("(");
  Value value;
  if (name == "htons" || name == "htonl" || name == "ntohs" || name == "ntohl") {
    value = parse_expression();
  } else if (name == "inet_addr" || name == "inet6_addr") {
    value = parse_string();
  } else if (name == "inet_pton") {  // inet_pton(AF_INET6, "::1", &sin6_addr)
    parse_expression();
    in_.expect(",");
    value = parse_string();
    if (in_.accept(",")) {
      in_.accept("&");
      if (!in_.accept("...")) in_.word();
    }
  } else {
    in_.fail("there is no function " + std::string(name) + "() in values", at);
  }
  in_.expect(")");
  return value;
}

Value ValueParser::parse_string() {
  Value value{.kind = Value::Kind::text};
  if (!in_.expect("\"")) return value;
  while (in_.ok()) {
    const char c = in_.raw();
    if (c == '"') return value;
    if (c == '\0') {
      in_.fail("the string isn't closed");
      break;
    }
    if (c != '\\') {
      value.text += c;
      continue;
    }
    switch (const char escaped = in_.raw()) {
      case 'n': value.text += '\n'; break;
      case 'r': value.text += '\r'; break;
      case 't': value.text += '\t'; break;
      case '0': value.text += '\0'; break;
      default: value.text += escaped;
    }
  }
  return value;
}

Value ValueParser::parse_list() {
  Value value{.kind = Value::Kind::list};
  in_.expect("[");
  ++depth_;
  if (in_.peek() != ']') {
    do value.items.push_back(parse());
    while (in_.ok() && in_.accept(","));
  }
  --depth_;
  in_.expect("]");
  return value;
}

// msg_name(16) = …: how large the thing is follows from the thing.
void ValueParser::skip_arguments() {
  if (!in_.accept("(")) return;
  if (!in_.accept("...")) parse_expression();
  in_.expect(")");
}

// A name followed by "=", or "" with nothing taken.
std::string ValueParser::field_name() {
  NotationScanner ahead = in_;
  std::string name(ahead.word());
  if (name.empty()) return {};
  if (ahead.peek() == '(') {
    NotationScanner kept = in_;
    in_ = ahead;
    skip_arguments();
    ahead = in_;
    in_ = kept;
  }
  if (!ahead.ok() || !ahead.accept("=")) return {};
  in_ = ahead;
  return name;
}

Value ValueParser::parse_structure() {
  Value value{.kind = Value::Kind::structure};
  in_.expect("{");
  ++depth_;
  if (in_.peek() != '}') {
    do {
      value.names.push_back(field_name());
      value.items.push_back(parse());
    } while (in_.ok() && in_.accept(","));
  }
  --depth_;
  in_.expect("}");
  return value;
}

}  // namespace sluice::lab::drill
