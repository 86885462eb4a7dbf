// Times and directions of exchange lines; see script.hpp.
#include "lab/script.hpp"

#include <algorithm>

namespace sluice::lab {
namespace {

constexpr std::string_view kExpected = "expected a time such as 0.25, +.1, +0~+.5 or *";
constexpr std::size_t kMostSeconds = 9;    // digits: thirty years
constexpr std::size_t kMostFractions = 9;  // digits: nanoseconds

bool all_digits(std::string_view text) noexcept { return text.find_first_not_of("0123456789") == text.npos; }

std::int64_t number(std::string_view digits) noexcept {
  std::int64_t value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

std::string_view without_comment(std::string_view text) noexcept {
  return text.substr(0, std::min(text.find("//"), text.find('#')));
}

ExchangeLine scan_line(NotationScanner& in) {
  ExchangeLine line;
  line.when = scan_when(in);
  line.inbound = in.accept("<");
  if (!line.inbound && !in.accept(">")) in.fail("expected < for a packet of the peer, or > for one of ours");
  line.packet = scan_packet(in);
  return line;
}

}  // namespace

Duration scan_seconds(NotationScanner& in, std::string_view text, std::size_t at) {
  const std::size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  const std::string_view fraction = dot == text.npos ? std::string_view{} : text.substr(dot + 1);
  const bool empty = whole.empty() && fraction.empty();
  if (empty || !all_digits(whole) || !all_digits(fraction)) {
    in.fail(std::string(kExpected), at);
    return {};
  }
  if (whole.size() > kMostSeconds || fraction.size() > kMostFractions) {
    in.fail("a time has at most nine digits before the point and nine behind it", at);
    return {};
  }
  std::int64_t nanoseconds = number(fraction);
  for (std::size_t i = fraction.size(); i < kMostFractions; ++i) nanoseconds *= 10;
  return std::chrono::seconds(number(whole)) + Duration(nanoseconds);
}

When scan_when(NotationScanner& in) {
  When when;
  if (in.accept("*")) {
    when.kind = When::Kind::anytime;
    return when;
  }
  const bool relative = in.accept("+");
  when.kind = relative ? When::Kind::relative : When::Kind::absolute;
  const std::size_t at = in.position();
  when.earliest = when.latest = scan_seconds(in, in.run("~<>"), at);
  if (!in.accept("~")) return when;
  if (relative) in.accept("+");
  const std::size_t behind = in.position();
  when.latest = scan_seconds(in, in.run("<>"), behind);
  if (when.latest < when.earliest) in.fail("the range ends before it begins", behind);
  return when;
}

NotationResult<ExchangeLine> parse_line(std::string_view text) {
  NotationScanner in(text);
  ExchangeLine line = scan_line(in);
  if (!in.at_end()) in.fail("expected nothing more here");
  if (!in.ok()) return in.error();
  return line;
}

NotationResult<std::vector<ExchangeLine>> parse_exchange(std::string_view text) {
  std::vector<ExchangeLine> lines;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = without_comment(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    NotationResult<ExchangeLine> parsed = parse_line(line.substr(0, line.find_last_not_of(" \t\r") + 1));
    if (!parsed) {
      NotationError error = parsed.error();
      error.line = number;
      return error;
    }
    lines.push_back(*parsed);
    lines.back().line = number;
  }
  return lines;
}

std::string seconds_text(Duration time) {
  const auto nanoseconds = time.count();
  std::string text = std::to_string(nanoseconds / 1'000'000'000);
  std::string fraction = std::to_string(nanoseconds % 1'000'000'000);
  if (nanoseconds % 1'000'000'000 == 0) return text;
  fraction.insert(0, 9 - fraction.size(), '0');
  fraction.resize(fraction.find_last_not_of('0') + 1);
  return text + "." + fraction;
}

std::string to_text(const When& when) {
  if (when.kind == When::Kind::anytime) return "*";
  const std::string sign = when.kind == When::Kind::relative ? "+" : "";
  const std::string first = sign + seconds_text(when.earliest);
  return when.is_range() ? first + "~" + sign + seconds_text(when.latest) : first;
}

std::string to_text(const ExchangeLine& line) {
  return to_text(line.when) + (line.inbound ? " < " : " > ") + to_text(line.packet);
}

}  // namespace sluice::lab
