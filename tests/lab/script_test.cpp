// Exchange lines: times, directions, comments.
#include <doctest/doctest.h>

#include "lab/script.hpp"

namespace sluice::lab {
namespace {

using namespace std::chrono_literals;

When when(std::string_view time) {
  const auto line = parse_line(std::string(time) + " < R 0:0(0)");
  REQUIRE_MESSAGE(line, time << ": " << (line ? "" : line.error().to_string()));
  return line->when;
}

void refuse(std::string_view text, std::size_t column, std::string_view why) {
  const auto line = parse_line(text);
  REQUIRE_MESSAGE(!line, text);
  CHECK_MESSAGE(line.error().column == column, text << ": " << line.error().to_string());
  CHECK_MESSAGE(line.error().message.find(why) != std::string::npos, text << ": " << line.error().to_string());
}

}  // namespace

TEST_CASE("times are absolute, relative, ranges or anything") {
  using Kind = When::Kind;
  CHECK(when("0.250") == When{Kind::absolute, 250ms, 250ms});
  CHECK(when("+.1") == When{Kind::relative, 100ms, 100ms});
  CHECK(when("+0~+.5") == When{Kind::relative, 0ms, 500ms});
  CHECK(when("+0~.5") == When{Kind::relative, 0ms, 500ms});
  CHECK(when("1~2.000000001") == When{Kind::absolute, 1s, 2s + 1ns});
  CHECK(when("*") == When{Kind::anytime, 0s, 0s});
}

TEST_CASE("what is printed of a line is what was written") {
  for (const std::string_view text : {"+0.1 < S 0:0(0) win 65535", "0.25 > . 1:1(0) ack 1", "* > R 0:0(0)",
                                      "+0~+0.5 < udp (3)", "3~4 < [ce] . 1:1(0)", "+0 < icmp time_exceeded"}) {
    const auto line = parse_line(text);
    REQUIRE(line);
    CHECK(to_text(*line) == text);
  }
}

TEST_CASE("wrong times and directions are told with their column") {
  refuse("S 0:0(0)", 1, "a time such as");
  refuse("+ < S 0:0(0)", 3, "a time such as");
  refuse("+. < S 0:0(0)", 2, "a time such as");
  refuse("+1.2.3 < S 0:0(0)", 2, "a time such as");
  refuse("+0.1 S 0:0(0)", 6, "expected < for");
  refuse("+2~+1 < S 0:0(0)", 5, "ends before it begins");
  refuse("+0.1234567890 < S 0:0(0)", 2, "at most nine digits");
  refuse("+0 < S 0:0(0) extra", 15, "nothing more");
}

TEST_CASE("an exchange is lines with comments between them") {
  const auto lines = parse_exchange(
      "// a handshake\n"
      "+0 < S 0:0(0) win 1000\n"
      "\n"
      "+0 > S. 0:0(0) ack 1  # at once\r\n"
      "+.1 < . 1:1(0) ack 1");
  REQUIRE(lines);
  REQUIRE(lines->size() == 3);
  CHECK((*lines)[0].inbound);
  CHECK_FALSE((*lines)[1].inbound);
  CHECK((*lines)[1].line == 4);
  CHECK((*lines)[2].when.earliest == 100ms);
}

TEST_CASE("an error in an exchange names its line") {
  const auto lines = parse_exchange("+0 < S 0:0(0)\n+0 > Q. 0:0(0)\n");
  REQUIRE_FALSE(lines);
  CHECK(lines.error().line == 2);
  CHECK(lines.error().column == 6);
  CHECK(lines.error().to_string().starts_with("line 2, column 6: expected TCP flags"));
}

}  // namespace sluice::lab
