// The statements; see code.hpp.
#include "lab/drill/code.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "lab/drill/code_expression.hpp"

namespace sluice::lab::drill {
namespace {

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
      const bool chosen = runs && chain_open && (is_else || truth(evaluate(condition, world_)));
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
    world_.variables.insert_or_assign(std::string(text.substr(0, end)), evaluate(text.substr(equals + 1), world_));
  }

  // The message follows the last comma outside brackets.
  void assertion(std::string_view text) {
    const std::size_t comma = find_outside(text, ',');
    const std::string_view condition = text.substr(0, comma);
    if (truth(evaluate(condition, world_))) return;
    std::string message = "assert" + std::string(condition) + " does not hold" + values_of(condition);
    if (comma != text.npos) message += ": " + to_text(evaluate(text.substr(comma + 1), world_));
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
      line += (line.empty() ? "" : " ") + to_text(evaluate(list.substr(0, comma), world_));
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
