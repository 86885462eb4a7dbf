// Statements read into times, packets, calls and their values; and the place and the sentence of each slip.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "lab/drill/script.hpp"

namespace sluice::lab::drill {
namespace {

using namespace std::chrono_literals;
using Kind = Value::Kind;

Step step(std::string_view source, const Defines& defines = {}) {
  const Script script = parse_script(source, defines);
  REQUIRE(script.steps.size() == 1);
  return script.steps[0];
}

CallStep call(std::string_view source, const Defines& defines = {}) {
  const Step one = step(source, defines);
  REQUIRE(std::holds_alternative<CallStep>(one.action));
  return std::get<CallStep>(one.action);
}

Value value(const std::string& text, const Defines& defines = {}) {
  const CallStep made = call("0 f(" + text + ") = 0", defines);
  REQUIRE(made.arguments.size() == 1);
  return made.arguments[0];
}

std::int64_t number(const std::string& text, const Defines& defines = {}) {
  const Value read = value(text, defines);
  CHECK(read.is_number());
  return read.number;
}

void refuse(std::string_view source, std::size_t line, std::size_t column, std::string_view why) {
  try {
    parse_script(source);
    FAIL("it was read: " << source);
  } catch (const ScriptError& error) {
    CHECK_MESSAGE(std::string(error.what()).find(why) != std::string::npos, source << ": " << error.what());
    CHECK_MESSAGE(error.line == line, source << ": " << error.what());
    CHECK_MESSAGE(error.column == column, source << ": " << error.what());
    CHECK_FALSE(error.unsupported);
  }
}

/// A statement of the value alone, in column 5.
void refuse_value(const std::string& text, std::size_t column, std::string_view why) {
  refuse("0 f(" + text + ") = 0", 1, column, why);
}

void time_is(std::string_view time, const When& when) {
  const Step one = step(std::string(time) + " > . 1:1(0) ack 1");
  CHECK_MESSAGE(one.when == when, time);
  CHECK_FALSE(one.blocks);
}

}  // namespace

// --- times -------------------------------------------------------------------------------------------------------

TEST_CASE("times count from the beginning, or with a plus from the step before") {
  using When = lab::When;
  time_is("0", {When::Kind::absolute, 0s, 0s});
  time_is("1.25", {When::Kind::absolute, 1250ms, 1250ms});
  time_is(".5", {When::Kind::absolute, 500ms, 500ms});
  time_is("+0", {When::Kind::relative, 0s, 0s});
  time_is("+.000001", {When::Kind::relative, 1us, 1us});
  time_is("+ 1", {When::Kind::relative, 1s, 1s});
  time_is("*", {When::Kind::anytime, 0s, 0s});
}

TEST_CASE("an expected packet can have a range of times, with or without a plus at its end") {
  using When = lab::When;
  time_is("1~2.5", {When::Kind::absolute, 1s, 2500ms});
  time_is("+1~+2", {When::Kind::relative, 1s, 2s});
  time_is("+1~2", {When::Kind::relative, 1s, 2s});
}

TEST_CASE("a call can block between two times") {
  const Step relative = step("+0.1...0.3 read(4, ..., 10) = 10");
  CHECK(relative.blocks);
  CHECK(relative.when.kind == lab::When::Kind::relative);
  CHECK(relative.when.earliest == 100ms);
  CHECK(relative.until == 300ms);
  CHECK(step("1...2 read(4, ..., 10) = 10").until == 2s);
  CHECK(step("+0...+.5 read(4, ..., 10) = 10").until == 500ms);
}

TEST_CASE("commands and code need no time, and can have one") {
  CHECK(step("`true`").when == lab::When{});
  CHECK(std::get<ShellStep>(step("+.1 `sysctl -q a=1`").action).command == "sysctl -q a=1");
  CHECK(std::get<CodeStep>(step("%{ pass }%").action).code == "pass ");
  CHECK(step("+.5 %{ pass }%").when.earliest == 500ms);
  CHECK(step("0.5`true`").when.earliest == 500ms);
}

TEST_CASE("a slip in a time is told with its column") {
  refuse("0.1.2 > . 1:1(0)", 1, 1, "a time such as");
  refuse("+x > . 1:1(0)", 1, 2, "a time such as");
  refuse("+1~2x > . 1:1(0)", 1, 4, "a time such as");
  refuse("+2~1 > . 1:1(0)", 1, 4, "the range ends before it begins");
  refuse("+2...1 f() = 0", 1, 2, "the call ends before it begins");
  refuse("1234567890 f() = 0", 1, 1, "at most nine digits");
}

TEST_CASE("ranges and '*' are for packets that are expected, and blocking is for calls") {
  refuse("+0~1 f() = 0", 1, 13, "only a packet that is expected can have a range");
  refuse("+0~1 < . 1:1(0)", 1, 16, "only a packet that is expected can have a range");
  refuse("* f() = 0", 1, 10, "only a packet that is expected can come at any time");
  refuse("* < . 1:1(0)", 1, 13, "only a packet that is expected can come at any time");
  refuse("+0...1 > . 1:1(0)", 1, 18, "only a call can block");
}

// --- values ------------------------------------------------------------------------------------------------------

TEST_CASE("numbers are decimal or hexadecimal, with signs") {
  CHECK(number("5") == 5);
  CHECK(number("0x10") == 16);
  CHECK(number("-5") == -5);
  CHECK(number("~0") == -1);
  CHECK(number("- -5") == 5);
  CHECK(number("9223372036854775807") == 9223372036854775807);
  CHECK(number("-9223372036854775807 - 1") < 0);
}

TEST_CASE("flags are joined, and numbers added, taken away, multiplied and shifted") {
  CHECK(number("O_RDWR|O_NONBLOCK") == (O_RDWR | O_NONBLOCK));
  CHECK(number("1 + 2 * 3") == 7);
  CHECK(number("(1 + 2) * 3") == 9);
  CHECK(number("10 - 2 - 3") == 5);
  CHECK(number("1 << 4 | 1") == 17);
  CHECK(number("2 * -3") == -6);
}

TEST_CASE("numbers beyond 64 bits wrap and shifts stay inside, so that nothing is undefined") {
  CHECK(number("9223372036854775807 + 1") == std::numeric_limits<std::int64_t>::min());
  CHECK(number("9223372036854775807 * 2") == -2);
  CHECK(number("1 << 64") == 1);
  CHECK(number("1 << -1") == std::numeric_limits<std::int64_t>::min());
  CHECK(number("-(-9223372036854775807 - 1)") == std::numeric_limits<std::int64_t>::min());
}

TEST_CASE("names of the kernel's interface are their numbers") {
  CHECK(number("SOL_SOCKET") == SOL_SOCKET);
  CHECK(number("IPPROTO_TCP") == IPPROTO_TCP);
  CHECK(number("MSG_PEEK|MSG_DONTWAIT") == (MSG_PEEK | MSG_DONTWAIT));
}

TEST_CASE("functions of byte orders and addresses mean what they are given") {
  CHECK(number("htons(8080)") == 8080);
  CHECK(number("htonl(INADDR_LOOPBACK)") == INADDR_LOOPBACK);
  CHECK(number("ntohs(htons(7))") == 7);
  CHECK(value("inet_addr(\"192.0.2.1\")") == Value{.kind = Kind::text, .text = "192.0.2.1"});
  CHECK(value("inet_pton(AF_INET6, \"::1\", &sin6_addr)").text == "::1");
  CHECK(value("inet_pton(AF_INET, \"1.2.3.4\", ...)").text == "1.2.3.4");
  CHECK(value("inet_pton(AF_INET, \"1.2.3.4\")").text == "1.2.3.4");
}

TEST_CASE("strings have escapes") {
  CHECK(value("\"plain\"").text == "plain");
  CHECK(value("\"\"").text.empty());
  CHECK(value(R"("\n\r\t\"\\")").text == "\n\r\t\"\\");
  CHECK(value(R"("a\0b")").text == std::string("a\0b", 3));
}

TEST_CASE("lists and structures hold values, one in another") {
  const Value list = value("[1, \"two\", [3]]");
  REQUIRE(list.kind == Kind::list);
  REQUIRE(list.items.size() == 3);
  CHECK(list.items[1].text == "two");
  CHECK(list.items[2].items[0].number == 3);
  CHECK(value("[]").items.empty());
  CHECK(value("{}").kind == Kind::structure);
  CHECK(value("...").is_any());
  CHECK(value("[...]").items[0].is_any());
}

TEST_CASE("an item of a structure is found by its name, or without one by its place") {
  const Value named = value("{fd=3, events=POLLIN|POLLOUT}");
  CHECK(named.find("events", 7)->number == 5);
  CHECK(named.find("fd", 1)->number == 3);
  CHECK(named.find("revents", 1) == nullptr);
  const Value placed = value("{1, 5}");
  CHECK(placed.find("linger", 1)->number == 5);
  CHECK(placed.find("linger", 2) == nullptr);
  CHECK(value("[1]").find("onoff", 0) == nullptr);
}

TEST_CASE("a field's size in brackets says nothing") {
  const Value message = value("{msg_name(16) = ..., msg_iov(1) = [{..., 10}], msg_flags(...) = 0}");
  CHECK(message.names == std::vector<std::string>{"msg_name", "msg_iov", "msg_flags"});
  CHECK(message.find("msg_iov", 9)->items[0].items[1].number == 10);
}

TEST_CASE("a structure's item that begins with a name but has no '=' is a value") {
  const Value value_only = value("{AF_INET, htons(80)}");
  CHECK(value_only.items[0].number == AF_INET);
  CHECK(value_only.items[1].number == 80);
  CHECK(value_only.names == std::vector<std::string>{"", ""});
}

TEST_CASE("an address is a structure with a family, a port and an address") {
  const Value end = value("{sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr(\"192.0.2.1\")}");
  CHECK(end.find("sa_family", 0)->number == AF_INET);
  CHECK(end.find("sin_port", 1)->number == 8080);
  CHECK(end.find("sin_addr", 2)->text == "192.0.2.1");
}

TEST_CASE("-D defines names for numbers and texts") {
  const Defines defines = {{"SIZE", parse_definition("0x20")}, {"NAME", parse_definition("cubic")}};
  CHECK(number("SIZE + 1", defines) == 33);
  CHECK(value("NAME", defines).text == "cubic");
  CHECK(value("[SIZE]", defines).items[0].number == 32);
  CHECK(call("0 f() = SIZE", defines).result.number == 32);
}

TEST_CASE("a definition is a number, a name that is known, or else a text") {
  CHECK(parse_definition("-7").number == -7);
  CHECK(parse_definition("SOCK_STREAM").number == SOCK_STREAM);
  CHECK(parse_definition("\"quoted\"").text == "quoted");
  CHECK(parse_definition("10.0.0.1") == Value{.kind = Kind::text, .text = "10.0.0.1"});
  CHECK(parse_definition("").kind == Kind::text);
  CHECK(parse_definition("-").text == "-");
}

TEST_CASE("what is printed of a value reads the same again") {
  for (const char* text : {"5", "-1", R"("a\"b\\c\nd")", "[1, [2]]", "{fd=3, events=1}", "{1, 5}", "..."}) {
    CHECK(to_text(value(text)) == text);
    CHECK(value(to_text(value(text))) == value(text));
  }
}

// --- calls -------------------------------------------------------------------------------------------------------

TEST_CASE("a call has arguments, a result, and with -1 an errno and words for people") {
  const CallStep made = call("+0 read(4, ..., 10) = -1 EAGAIN (Resource temporarily unavailable)");
  CHECK(made.name == "read");
  CHECK(made.arguments.size() == 3);
  CHECK(made.result.number == -1);
  CHECK(made.error == EAGAIN);
  CHECK(call("0 f() = ...").result.is_any());
  CHECK(call("0 f() = 3 (three)").result.number == 3);
}

TEST_CASE("a step knows its line, its text, and where its action begins") {
  const std::string_view source = "// first\n+0 f(1,\n 2) = 0\n";
  const Step one = step(source);
  CHECK(one.line == 2);
  CHECK(one.text == "+0 f(1,  2) = 0");
  CHECK(source.substr(one.begin, one.end - one.begin) == "+0 f(1,\n 2) = 0");
  CHECK(source.substr(one.action_begin, 2) == "f(");
}

TEST_CASE("options of the head are names and values, several on a line") {
  const Script script = parse_script("--mtu=1400 --strict\t--ip_version=ipv6\n--local_ip=\n0 f() = 0");
  REQUIRE(script.options.size() == 4);
  CHECK(script.options[0].name == "mtu");
  CHECK(script.options[0].value == "1400");
  CHECK(script.options[1].name == "strict");
  CHECK(script.options[1].value.empty());
  CHECK(script.options[2].value == "ipv6");
  CHECK(script.options[2].column == 21);
  CHECK(script.options[3].name == "local_ip");
  CHECK(script.options[3].line == 2);
}

TEST_CASE("packets are those of the notation") {
  const auto inbound = std::get<PacketStep>(step("0 < S 0:0(0) win 10 <mss 5>").action);
  CHECK(inbound.inbound);
  CHECK(inbound.packet.segment()->window == 10);
  const auto outbound = std::get<PacketStep>(step("0 > 80 > 81 udp (5)").action);
  CHECK_FALSE(outbound.inbound);
  CHECK(outbound.packet.ports->destination == 81);
}

// --- slips -------------------------------------------------------------------------------------------------------

TEST_CASE("a slip in a call is told where it is") {
  refuse("0", 1, 2, "expected < or > and a packet, a call");
  refuse("0 = 3", 1, 3, "expected < or > and a packet, a call");
  refuse("0 f", 1, 4, "expected '('");
  refuse("0 f(1", 1, 6, "expected ')'");
  refuse("0 f(1 2) = 0", 1, 7, "expected ')'");
  refuse("0 f(1)", 1, 7, "expected '='");
  refuse("0 f(1) =", 1, 9, "expected a value");
  refuse("0 f(1) = 0 1", 1, 12, "expected nothing more");
  refuse("0 f(1,) = 0", 1, 7, "expected a value");
}

TEST_CASE("an errno needs its name and a result of -1") {
  refuse("0 f() = -1 EWHAT", 1, 12, "expected the name of an errno");
  refuse("0 f() = -1 SOL_SOCKET", 1, 12, "expected the name of an errno");
  refuse("0 f() = 0 EINVAL", 1, 11, "an errno goes with a result of -1");
}

TEST_CASE("a slip in a value is told where it is") {
  refuse_value("WHAT", 5, "there is no name WHAT here (-D defines names)");
  refuse_value("1 | WHAT", 9, "there is no name WHAT");
  refuse_value("what(1)", 9, "there is no function what() in values");
  refuse_value("[1, 2", 10, "expected ']'");
  refuse_value("{fd=3", 10, "expected '}'");
  refuse_value("{fd=}", 9, "expected a value");
  refuse_value("(1", 9, "expected ')'");
  refuse_value("18446744073709551616", 5, "expected a number");
  refuse_value("12abc", 5, "expected a number");
  refuse_value("inet_addr(5)", 15, "expected '\"'");
  refuse_value("!", 5, "expected a value");
}

TEST_CASE("brackets in brackets, and signs in a row, have an end") {
  const auto many = [](const char* one) {
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += one;
    return text;
  };
  CHECK_THROWS_AS(value(many("[")), ScriptError);
  CHECK_THROWS_AS(value(many("(")), ScriptError);
  CHECK_THROWS_AS(value(many("{a=")), ScriptError);
  CHECK_THROWS_AS(value(many("htons(")), ScriptError);
  CHECK_THROWS_AS(value(many("-") + "1"), ScriptError);
  CHECK_THROWS_AS(value(many("~") + "1"), ScriptError);
  CHECK(value("[[[[[[[[1]]]]]]]]").kind == Kind::list);
}

TEST_CASE("a text is no number to count with") {
  refuse_value("1 + inet_addr(\"1.2.3.4\")", 9, "a number is needed");
  refuse_value("-inet_addr(\"1.2.3.4\")", 6, "a number is needed");
  refuse_value("1 | inet_addr(\"1.2.3.4\")", 9, "a number is needed");
}

TEST_CASE("a slip in a packet is told with its line and column, over several lines too") {
  refuse("0 f() = 0\n+0 < S 0:1(0)", 2, 12, "");
  refuse("0 < S 0:0(0)\n   wim 5", 2, 4, "nothing more");
  refuse("0 < S 0:0(0) <what>", 1, 15, "expected an option");
}

TEST_CASE("words behind a string, a command or code are one statement too many") {
  refuse("`true` x", 1, 8, "expected nothing more");
  refuse("%{ pass }% x", 1, 12, "expected nothing more");
}

TEST_CASE("packets in tunnels are not supported, which is no error of the script") {
  try {
    parse_script("0 f() = 0\n+0 < ipv4 1.1.1.1 > 2.2.2.2: . 1:1(0)");
    FAIL("it was read");
  } catch (const ScriptError& error) {
    CHECK(error.unsupported);
    CHECK(error.line == 2);
  }
}

}  // namespace sluice::lab::drill
