// A script's text cut into statements.
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "lab/drill/source.hpp"

namespace sluice::lab::drill {
namespace {

std::vector<std::string> texts(std::string_view source) {
  std::vector<std::string> found;
  for (const Statement& one : split(source)) found.push_back(one.text);
  return found;
}

using Texts = std::vector<std::string>;

void refuse(std::string_view source, std::size_t line, std::size_t column, std::string_view why) {
  try {
    split(source);
    FAIL("it was split: " << source);
  } catch (const ScriptError& error) {
    CHECK_MESSAGE(std::string(error.what()).find(why) != std::string::npos, error.what());
    CHECK(error.line == line);
    CHECK(error.column == column);
    CHECK_FALSE(error.unsupported);
  }
}

}  // namespace

TEST_CASE("each line that begins with a time begins a statement") {
  CHECK(texts("0 a() = 0\n+.1 b() = 0\n.5 c() = 0\n* > . 1:1(0)\n") ==
        Texts{"0 a() = 0", "+.1 b() = 0", ".5 c() = 0", "* > . 1:1(0)"});
  CHECK(texts("  0 a() = 0\n\t+0 b() = 0").size() == 2);
}

TEST_CASE("an empty text, and one of comments alone, has no statement") {
  CHECK(texts("").empty());
  CHECK(texts(" \t\r\n\n").empty());
  CHECK(texts("// one\n# two\n/* three\n */").empty());
}

TEST_CASE("the three kinds of comments become spaces, behind, between and inside statements") {
  CHECK(texts("0 a() = 0 // behind\n+0 b() = 0 # as well\n") == Texts{"0 a() = 0", "+0 b() = 0"});
  CHECK(texts("0 /* in it */ a() = 0") == Texts{"0             a() = 0"});
  CHECK(texts("/* 0 a() = 0\n +0 b() = 0 */ 0 c() = 0") == Texts{"0 c() = 0"});
  CHECK(texts("0 a() = 0 // without a line end") == Texts{"0 a() = 0"});
}

TEST_CASE("a comment inside a comment is part of it") {
  CHECK(texts("0 a() = 0 // /* no beginning\n+0 b() = 0 /* // */") == Texts{"0 a() = 0", "+0 b() = 0"});
  CHECK(texts("/*/ not closed yet */ 0 a() = 0") == Texts{"0 a() = 0"});
}

TEST_CASE("signs of comments in strings, commands and code are text") {
  CHECK(texts("0 write(4, \"// # /*\", 7) = 7") == Texts{"0 write(4, \"// # /*\", 7) = 7"});
  CHECK(texts("`echo http://x # no`") == Texts{"`echo http://x # no`"});
  CHECK(texts("%{ x = 7 // 2 }%") == Texts{"%{ x = 7 // 2 }%"});
}

TEST_CASE("an escaped quote doesn't end a string") {
  CHECK(texts("0 a(\"\\\"\n+0 b\") = 0\n+0 c() = 0").size() == 2);
  CHECK(texts("0 a(\"\\\\\") = 0\n+0 c() = 0").size() == 2);
}

TEST_CASE("a statement goes on over lines, in brackets even over those that begin like a statement") {
  CHECK(texts("0 a(3,\n 4) = 0") == Texts{"0 a(3,  4) = 0"});
  CHECK(texts("0 a(3,\n4,\n[5,\n6]) = 0\n+0 b() = 0").size() == 2);
  CHECK(texts("0 < S 0:0(0)\n  win 100\n  <mss 1000>\n+0 b() = 0") ==
        Texts{"0 < S 0:0(0)   win 100   <mss 1000>", "+0 b() = 0"});
}

TEST_CASE("line ends of Windows are spaces, and code keeps its lines") {
  CHECK(texts("0 a(3,\r\n4) = 0\r\n+0 b() = 0\r\n") == Texts{"0 a(3,  4) = 0", "+0 b() = 0"});
  CHECK(texts("%{\nx = 1\ny = 2\n}%") == Texts{"%{\nx = 1\ny = 2\n}%"});
  CHECK(texts("`one\ntwo`") == Texts{"`one\ntwo`"});
}

TEST_CASE("code, commands and options begin statements of their own") {
  const auto all = split("--mtu=1500 --strict\n`true`\n%{ pass }%\n0 a() = 0 --b");
  REQUIRE(all.size() == 4);
  CHECK(all[0].is_option);
  CHECK(all[0].text == "--mtu=1500 --strict");
  CHECK(all[1].text == "`true`");
  CHECK_FALSE(all[1].is_option);
  CHECK(all[2].text == "%{ pass }%");
  CHECK(all[3].text == "0 a() = 0 --b");
}

TEST_CASE("lines of code that look like statements are none") {
  CHECK(texts("%{\n0 == 0\n`x`\n--x\n}%\n0 a() = 0").size() == 2);
  CHECK(texts("0 %{ x = 1\n+0\n}%").size() == 1);
}

TEST_CASE("an option ends with its line, whatever brackets are open in it") {
  const auto all = split("--name=(\n0 a() = 0\n+0 b() = 0\n");
  REQUIRE(all.size() == 3);
  CHECK(all[0].text == "--name=(");
  CHECK(all[2].text == "+0 b() = 0");
}

TEST_CASE("signs of code and commands in a string don't keep line ends") {
  CHECK(texts("0 write(4,\n\"`\", 1) = 1") == Texts{"0 write(4, \"`\", 1) = 1"});
  CHECK(texts("0 write(4,\n\"%{\", 2) = 2") == Texts{"0 write(4, \"%{\", 2) = 2"});
}

TEST_CASE("a statement knows where it stands in the source") {
  const std::string_view source = "// head\n 0 a() = 0  // tail\n+0 b(\n) = 0\n";
  const auto all = split(source);
  REQUIRE(all.size() == 2);
  CHECK(source.substr(all[0].begin, all[0].end - all[0].begin) == "0 a() = 0");
  CHECK(source.substr(all[1].begin, all[1].end - all[1].begin) == "+0 b(\n) = 0");
}

TEST_CASE("places are lines and columns, counted from 1") {
  const std::string_view source = "ab\n\ncd";
  const auto is = [&](std::size_t offset, std::size_t line, std::size_t column) {
    const Place place = place_of(source, offset);
    CHECK(place.line == line);
    CHECK(place.column == column);
  };
  is(0, 1, 1);
  is(1, 1, 2);
  is(2, 1, 3);
  is(3, 2, 1);
  is(4, 3, 1);
  is(6, 3, 3);
  is(99, 3, 3);
}

TEST_CASE("what isn't closed is an error at the place where it opens") {
  refuse("0 a() = 0\n  /* never", 2, 3, "the comment isn't closed with */");
  refuse("0 a(\"never) = 0\n", 1, 5, "the string isn't closed");
  refuse("0 a(\"never\\\"", 1, 5, "the string isn't closed");
  refuse("0 a(\"never\\", 1, 5, "the string isn't closed");
  refuse("\n`never", 2, 1, "the command isn't closed with a backtick");
  refuse("0 a() = 0\n+0 %{ never", 2, 4, "the code isn't closed with }%");
}

}  // namespace sluice::lab::drill
