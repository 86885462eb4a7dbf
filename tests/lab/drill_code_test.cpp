// The code between %{ and }%: operators, statements, and what can't be run.
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "lab/drill/code.hpp"

namespace sluice::lab::drill {
namespace {

struct World {
  std::vector<std::string> printed;
  CodeWorld code{.lookup = [](std::string_view name) -> std::optional<long double> {
                   if (name == "tcpi_snd_cwnd") return 10.0L;
                   if (name == "TCP_ESTABLISHED") return 1.0L;
                   return std::nullopt;
                 },
                 .print = [this](const std::string& line) { printed.push_back(line); }};

  void run(std::string_view text) { run_code(text, code); }
  std::string value(const std::string& expression) {
    run("it = " + expression);
    return to_text(code.variables.at("it"));
  }
};

std::string value(const std::string& expression) { return World().value(expression); }

void refuse(std::string_view code, std::string_view why) {
  try {
    World().run(code);
    FAIL("it ran: " << code);
  } catch (const CodeError& error) {
    CHECK_MESSAGE(std::string(error.what()).find(why) != std::string::npos, code << ": " << error.what());
  }
}

void does_not_hold(std::string_view code, std::string_view message) {
  World world;
  world.run("x = 3");
  try {
    world.run(code);
    FAIL("it holds: " << code);
  } catch (const AssertionFailed& failed) {
    CHECK(failed.what() == std::string(message));
  }
}

}  // namespace

// --- expressions -------------------------------------------------------------------------------------------------

TEST_CASE("arithmetic is Python's") {
  CHECK(value("1 + 2 - 4") == "-1");
  CHECK(value("7 / 2") == "3.5");
  CHECK(value("7 // 2") == "3");
  CHECK(value("-7 // 2") == "-4");
  CHECK(value("-7 % 3") == "2");
  CHECK(value("2 ** 10") == "1024");
  CHECK(value("2 ** -1") == "0.5");
  CHECK(value("- - 5") == "5");
  CHECK(value("+5") == "5");
}

TEST_CASE("operators bind as in Python") {
  CHECK(value("1 + 2 * 3") == "7");
  CHECK(value("(1 + 2) * 3") == "9");
  CHECK(value("-2 ** 2") == "-4");
  CHECK(value("2 ** 3 ** 2") == "512");
  CHECK(value("1 | 2 & 3 ^ 4") == "7");
  CHECK(value("1 << 2 + 1") == "8");
  CHECK(value("1 + 1 == 2 and not 1 > 2") == "1");
  CHECK(value("0 or 0 and 1 or 5") == "5");
  CHECK(value("8 - 4 - 2") == "2");
  CHECK(value("16 / 4 / 2") == "2");
}

TEST_CASE("bits are those of whole numbers of 64 bits") {
  CHECK(value("12 & 10") == "8");
  CHECK(value("12 | 3") == "15");
  CHECK(value("6 ^ 3") == "5");
  CHECK(value("1 << 4") == "16");
  CHECK(value("256 >> 4") == "16");
  CHECK(value("0xffffffffffffffff & 0xff") == "255");
  refuse("x = 1.5 & 1", "not a whole number");
  refuse("x = -1 | 1", "not a whole number");
  refuse("x = 'a' << 1", "'a' is a text");
}

TEST_CASE("comparisons give 1 or 0, and chained ones hold when all their parts do") {
  CHECK(value("1 < 2") == "1");
  CHECK(value("2 <= 2") == "1");
  CHECK(value("1 > 2") == "0");
  CHECK(value("1 >= 2") == "0");
  CHECK(value("1 == 1.0") == "1");
  CHECK(value("1 != 1") == "0");
  CHECK(value("1 < 2 <= 2 != 3") == "1");
  CHECK(value("1 < 3 < 2") == "0");
  CHECK(value("3 > 2 > 1 == 1") == "1");
  CHECK(value("'a' == 'a'") == "1");
  CHECK(value("'a' != 5") == "1");
  refuse("x = 'a' < 'b'", "is a text");
}

TEST_CASE("and, or and not work on what is true") {
  CHECK(value("2 and 3") == "3");
  CHECK(value("0 and 3") == "0");
  CHECK(value("2 or 3") == "2");
  CHECK(value("0 or ''") == "");
  CHECK(value("not 0") == "1");
  CHECK(value("not 'text'") == "0");
  CHECK(value("not not 5") == "1");
  CHECK(value("True and not False and None == 0") == "1");
}

TEST_CASE("the part behind an 'and' or 'or' that is decided already is not worked out") {
  CHECK(value("0 and 1 / 0") == "0");
  CHECK(value("1 or 1 / 0") == "1");
  CHECK(value("0 and nothing > 1 or 7") == "7");
}

TEST_CASE("numbers, texts, names and functions") {
  CHECK(value("0x1F") == "31");
  CHECK(value("1.5e3") == "1500");
  CHECK(value(".5") == "0.5");
  CHECK(value("\"it's\"") == "it's");
  CHECK(value("'ab' + 'cd'") == "abcd");
  CHECK(value("tcpi_snd_cwnd") == "10");
  CHECK(value("TCP_ESTABLISHED") == "1");
  CHECK(value("abs(-3) + min(4, 2, 3) + max(4, 5) + int(2.9) + len('four')") == "16");
  CHECK(value("str(5) + 'x'") == "5x");
  CHECK(value("int(-2.9)") == "-2");
}

TEST_CASE("large and broken numbers print as a person would write them") {
  CHECK(to_text(123456789012345.0L) == "123456789012345");
  CHECK(to_text(0.125L) == "0.125");
  CHECK(value("10 ** 30") == "1e+30");
}

TEST_CASE("a slip in an expression is told") {
  refuse("x = 1 +", "missing its end");
  refuse("x = (1", "expected ')'");
  refuse("x = 1 2", "can't make sense of '2'");
  refuse("x = $", "can't make sense of '$'");
  refuse("x = 1a", "'1a' is not a number");
  refuse("x = 1.2.3", "is not a number");
  refuse("x = 0x", "is not a number");
  refuse("x = 'never", "isn't closed");
  refuse("x = nothing", "there is no name 'nothing' here");
  refuse("x = what(1)", "there is no function what() here");
  refuse("x = abs()", "abs() needs a value");
  refuse("x = 1 / 0", "division by zero");
  refuse("x = 1 % 0", "division by zero");
  refuse("x = 1 // 0", "division by zero");
  refuse("x = 1 + 'a'", "is a text");
}

TEST_CASE("brackets in brackets, and powers of powers, have an end") {
  std::string brackets, powers, calls;
  for (int i = 0; i < 100'000; ++i) {
    brackets += "(";
    powers += "1**";
    calls += "abs(";
  }
  refuse("x = " + brackets, "too many");
  refuse("x = " + powers + "1", "too many");
  refuse("x = " + calls, "too many");
}

// --- statements --------------------------------------------------------------------------------------------------

TEST_CASE("variables live on from one piece of code to the next") {
  World world;
  world.run("half = 21");
  world.run("whole = half * 2; half = 0");
  CHECK(world.value("whole") == "42");
  CHECK(world.value("half") == "0");
}

TEST_CASE("lines end at a line end, a semicolon or a comment, but not in brackets and texts") {
  World world;
  world.run("a = 1; b = 2 # c = 3; d = 4\ne = (1 +\n 2)\nf = '# ; '\r\n");
  CHECK(world.value("a + b + e") == "6");
  CHECK(world.value("f") == "# ; ");
  CHECK(world.code.variables.count("c") == 0);
}

TEST_CASE("an assertion that holds says nothing") {
  World world;
  world.run("assert 1\nassert (tcpi_snd_cwnd == 10), 'never told'\nassert(1 == 1)");
  CHECK(world.printed.empty());
}

TEST_CASE("an assertion that doesn't hold tells its condition, the values in it, and its message") {
  does_not_hold("assert x == 4", "assert x == 4 does not hold (x is 3)");
  does_not_hold("assert tcpi_snd_cwnd < x, 'too large'",
                "assert tcpi_snd_cwnd < x does not hold (tcpi_snd_cwnd is 10, x is 3): too large");
  does_not_hold("assert 0, 2 + 3", "assert 0 does not hold: 5");
  does_not_hold("assert max(x, 2) == 2", "assert max(x, 2) == 2 does not hold (x is 3)");
}

TEST_CASE("if, elif and else choose one branch") {
  const auto branch = [](const std::string& number) {
    World world;
    world.run("n = " + number + "\nif n == 1:\n  b = 'one'\nelif n == 2:\n  b = 'two'\n  c = 1\nelse:\n  b = 'else'");
    return world.value("b");
  };
  CHECK(branch("1") == "one");
  CHECK(branch("2") == "two");
  CHECK(branch("3") == "else");
}

TEST_CASE("branches stand in one another") {
  World world;
  world.run("a = 0\nif 1:\n  if 0:\n    a = 1\n  else:\n    a = 2\n  a = a + 10\nelse:\n  if 1:\n    a = 3\nb = a");
  CHECK(world.value("b") == "12");
}

TEST_CASE("what a branch that isn't chosen says is not worked out") {
  World world;
  world.run("if 0:\n  a = 1 / 0\nelif 1:\n  pass\nelif 1 / 0:\n  b = nothing\nelse:\n  c = nothing");
  CHECK(world.code.variables.empty());
}

TEST_CASE("a branch on one line has all of that line") {
  World world;
  world.run("a = 0; b = 0\nif 0: a = 1; b = 1\nc = a + b");
  CHECK(world.value("c") == "0");
  world.run("if 1: a = 1; b = 1\nelse: a = 5; b = 5\nc = a + b");
  CHECK(world.value("c") == "2");
}

TEST_CASE("else without an if is an error") {
  refuse("else: pass", "without 'if'");
  refuse("if 0: pass\nx = 1\nelse: pass", "without 'if'");
  refuse("elif 1: pass", "without 'if'");
  refuse("if 1 pass", "need a colon");
}

TEST_CASE("print writes its values with spaces between them") {
  World world;
  world.run("print('cwnd', tcpi_snd_cwnd, 1 / 2)\nprint 'as in Python 2'\nprint()\nprint((1 + 2) * 3)");
  CHECK(world.printed == std::vector<std::string>{"cwnd 10 0.5", "as in Python 2", "", "9"});
}

TEST_CASE("imports and pass do nothing, and all other Python is refused") {
  World world;
  world.run("import sys\nfrom os import path\npass\n\n  # nothing\n");
  CHECK(world.code.variables.empty());
  refuse("for i in range(3): pass", "is no statement that is known here");
  refuse("x += 1", "is no statement that is known here");
  refuse("x == 1", "is no statement that is known here");
  refuse("1 = 2", "is no statement that is known here");
  refuse("sys.exit(1)", "is no statement that is known here");
}

}  // namespace sluice::lab::drill
