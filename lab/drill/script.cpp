// The parser of scripts; see script.hpp.
#include "lab/drill/script.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "lab/drill/constants.hpp"
#include "lab/drill/value_parse.hpp"
#include "lab/notation_scanner.hpp"

namespace sluice::lab::drill {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out + "\"";
}

std::string join(const Value& value, const char* open, const char* close) {
  std::string text = open;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (i > 0) text += ", ";
    if (i < value.names.size() && !value.names[i].empty()) text += value.names[i] + "=";
    text += to_text(value.items[i]);
  }
  return text + close;
}

/// Reads one statement. The scanner sees it with line ends as spaces; positions count from its beginning.
class StatementParser {
 public:
  StatementParser(std::string_view source, const Statement& statement, const Defines& defines)
      : source_(source), statement_(statement), in_(statement.text), defines_(defines) {}

  Step parse() {
    Step step;
    step.line = place_of(source_, statement_.begin).line;
    step.begin = statement_.begin;
    step.end = statement_.end;
    step.text = statement_.text;
    const char first = in_.peek();
    if (first == '`' || first == '%')
      step.when = {};  // at once
    else
      scan_time(step);
    step.action_begin = statement_.begin + in_.position();
    scan_action(step);
    if (in_.ok() && !in_.at_end()) in_.fail("expected nothing more in this statement");
    if (!in_.ok()) fail(in_.error());
    return step;
  }

 private:
  // Each character of a statement stands where it stood in the source.
  [[noreturn]] void fail(const NotationError& error) const {
    const Place place = place_of(source_, statement_.begin + error.column - 1);
    throw ScriptError(place.line, place.column, error.message);
  }

  // "+.1", "0.1~0.2", "*", and with "..." the times between which a call blocks.
  void scan_time(Step& step) {
    if (in_.accept("*")) {
      step.when.kind = When::Kind::anytime;
      return;
    }
    const bool relative = in_.accept("+");
    step.when.kind = relative ? When::Kind::relative : When::Kind::absolute;
    const std::size_t at = in_.position();
    const std::string_view token = in_.run("~<>`%*");
    const std::size_t dots = token.find("...");
    step.when.earliest = step.when.latest = scan_seconds(in_, token.substr(0, dots), at);
    if (dots != token.npos) {
      step.blocks = true;
      std::string_view end = token.substr(dots + 3);
      if (end.starts_with("+")) end.remove_prefix(1);
      step.until = scan_seconds(in_, end, at);
      if (step.until < step.when.earliest) in_.fail("the call ends before it begins", at);
      return;
    }
    if (!in_.accept("~")) return;
    if (relative) in_.accept("+");
    const std::size_t behind = in_.position();
    step.when.latest = scan_seconds(in_, in_.run("<>`%"), behind);
    if (step.when.latest < step.when.earliest) in_.fail("the range ends before it begins", behind);
  }

  void scan_action(Step& step) {
    if (in_.accept("<"))
      step.action = scan_packet_step(true);
    else if (in_.accept(">"))
      step.action = scan_packet_step(false);
    else if (in_.peek() == '`')
      step.action = ShellStep{rest_between("`", "`")};
    else if (in_.peek() == '%')
      step.action = CodeStep{rest_between("%{", "}%")};
    else
      step.action = scan_call();
    const bool call = std::holds_alternative<CallStep>(step.action);
    const bool outbound = std::holds_alternative<PacketStep>(step.action) && !std::get<PacketStep>(step.action).inbound;
    if (step.blocks && !call) in_.fail("only a call can block until a time");
    if (step.when.is_range() && !outbound) in_.fail("only a packet that is expected can have a range of times");
    if (step.when.kind == When::Kind::anytime && !outbound)
      in_.fail("only a packet that is expected can come at any time");
  }

  PacketStep scan_packet_step(bool inbound) {
    if (in_.accept("ipv4") || in_.accept("ipv6") || in_.accept("mpls")) {
      const Place place = place_of(source_, statement_.begin);
      throw ScriptError(place.line, place.column, "packets in tunnels are not supported", true);
    }
    return {.inbound = inbound, .packet = scan_packet(in_)};
  }

  std::string rest_between(std::string_view open, std::string_view close) {
    in_.expect(open);
    const std::size_t begin = in_.position();
    const std::size_t end = statement_.text.find(close, begin);
    if (end == statement_.text.npos) {
      in_.fail("expected " + std::string(close) + " at the end");
      return {};
    }
    std::string inside = statement_.text.substr(begin, end - begin);
    in_.skip_to(end + close.size());
    return inside;
  }

  CallStep scan_call() {
    CallStep call;
    const std::size_t at = in_.position();
    call.name = in_.word();
    if (call.name.empty()) in_.fail("expected < or > and a packet, a call, `a command` or %{ code }%", at);
    in_.expect("(");
    ValueParser values(in_, defines_);
    if (in_.peek() != ')') {
      do call.arguments.push_back(values.parse());
      while (in_.ok() && in_.accept(","));
    }
    in_.expect(")");
    in_.expect("=");
    call.result = values.parse();
    scan_error(call);
    return call;
  }

  // "-1 EAGAIN (Resource temporarily unavailable)"; the words in brackets are for people.
  void scan_error(CallStep& call) {
    const std::size_t at = in_.position();
    const std::string_view word = in_.word();
    if (!word.empty()) {
      const auto number = constant(word);
      if (!number || !word.starts_with("E")) in_.fail("expected the name of an errno", at);
      call.error = static_cast<int>(number.value_or(0));
      if (!call.result.is_number() || call.result.number != -1) in_.fail("an errno goes with a result of -1", at);
    }
    if (in_.peek() != '(') return;
    const std::size_t end = statement_.text.find(')', in_.position());
    in_.skip_to(end == statement_.text.npos ? statement_.text.size() : end + 1);
  }

  std::string_view source_;
  const Statement& statement_;
  NotationScanner in_;
  const Defines& defines_;
};

// "--name=value", "--name": several may stand on a line.
void add_options(std::string_view source, const Statement& statement, std::vector<HeadOption>& options) {
  std::size_t at = 0;
  const std::string& text = statement.text;
  while ((at = text.find_first_not_of(" \t", at)) != text.npos) {
    const std::size_t end = std::min(text.find_first_of(" \t", at), text.size());
    const std::string word = text.substr(at, end - at);
    const std::size_t equals = word.find('=');
    const std::size_t dashes = std::min(word.find_first_not_of('-'), word.size());
    const Place place = place_of(source, statement.begin + at);
    options.push_back({.name = word.substr(dashes, equals == word.npos ? word.npos : equals - dashes),
                       .value = equals == word.npos ? "" : word.substr(equals + 1),
                       .line = place.line,
                       .column = place.column});
    at = end;
  }
}

}  // namespace

const Value* Value::find(std::string_view name, std::size_t place) const noexcept {
  if (kind != Kind::structure) return nullptr;
  for (std::size_t i = 0; i < items.size(); ++i)
    if (names[i] == name || (names[i].empty() && i == place)) return &items[i];
  return nullptr;
}

bool gives_descriptor(const CallStep& call) noexcept {
  static constexpr std::array<std::string_view, 7> kCalls = {"socket", "accept",       "accept4",      "open",
                                                             "dup",    "epoll_create", "epoll_create1"};
  if (call.name == "fcntl" && call.arguments.size() > 1)
    return call.arguments[1].number == F_DUPFD || call.arguments[1].number == F_DUPFD_CLOEXEC;
  return std::find(kCalls.begin(), kCalls.end(), call.name) != kCalls.end();
}

std::string to_text(const Value& value) {
  switch (value.kind) {
    case Value::Kind::any: return "...";
    case Value::Kind::number: return std::to_string(value.number);
    case Value::Kind::text: return quoted(value.text);
    case Value::Kind::list: return join(value, "[", "]");
    case Value::Kind::structure: return join(value, "{", "}");
  }
  return {};
}

Script parse_script(std::string_view source, const Defines& defines) {
  Script script;
  for (const Statement& statement : split(source)) {
    if (statement.is_option)
      add_options(source, statement, script.options);
    else
      script.steps.push_back(StatementParser(source, statement, defines).parse());
  }
  return script;
}

Value parse_definition(std::string_view text) {
  NotationScanner in(text);
  const Defines none;
  const char first = in.peek();
  if (first == '"' || first == '-' || (first >= '0' && first <= '9')) {
    Value value = ValueParser(in, none).parse();
    if (in.ok() && in.at_end()) return value;
  }
  if (const auto known = constant(text)) return {.kind = Value::Kind::number, .number = *known};
  return {.kind = Value::Kind::text, .text = std::string(text)};
}

}  // namespace sluice::lab::drill
