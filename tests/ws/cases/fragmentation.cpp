// Section 5: what may follow what (RFC 6455 5.4).
#include <array>
#include <utility>

#include "tests/ws/cases/sections.hpp"

namespace sluice::ws::cases {
namespace {

constexpr std::array<std::size_t, 3> kCuts = {kTogether, kByFrame, 1};
constexpr std::array<const char*, 3> kCutNames = {" in one piece", " frame by frame", " byte by byte"};

Step begins(Payload part) { return frame(kText, std::move(part)); }
Step goes_on(Payload part) { return frame(kContinuation, std::move(part)); }
Step ends(Payload part) { return frame(kFin | kContinuation, std::move(part)); }

/// The same in each of the three ways to cut it, with numbers from `number` on.
void add_thrice(Cases& cases, int number, const Case& pattern) {
  for (std::size_t i = 0; i < kCuts.size(); ++i) {
    Case one = pattern;
    one.number = "5." + std::to_string(number + static_cast<int>(i));
    one.sentence += kCutNames[i];
    one.cut = kCuts[i];
    cases.push_back(std::move(one));
  }
}

Case fragmented_control(std::string number, std::uint8_t opcode) {
  return {.number = std::move(number),
          .sentence = std::string("a ") + (opcode == kPing ? "Ping" : "Pong") + " in two fragments fails at the first",
          .steps = {frame(opcode, "one"), dead(), ends("two")},
          .end = fails()};
}

/// Twice: a frame that continues nothing, then a message in two fragments.
Case nothing_to_continue(std::string number, const char* what, Step stray) {
  const std::vector<Step> round = {std::move(stray), begins("two"), ends("three")};
  return {.number = std::move(number),
          .sentence = std::string("a continuation of nothing, ") + what + ", before a message in two fragments fails",
          .steps = round + round,
          .end = fails(),
          .cut = kTogether};
}

Case pings_within(std::string number, std::size_t cut, const char* how) {
  return {.number = std::move(number),
          .sentence = std::string("two Pings in five fragments are answered before the message ends,") + how,
          .steps = {begins("one "), goes_on("two "), ping("first"), answered(1), goes_on("three "), goes_on("four "),
                    ping("second"), ends("five")},
          .answers = {pong_of("first"), pong_of("second"), echo("one two three four five")},
          .cut = cut};
}

}  // namespace

Cases fragmentation() {
  Cases cases = {fragmented_control("5.1", kPing), fragmented_control("5.2", kPong)};
  add_thrice(cases, 3,
             {.sentence = "a text in two fragments comes back,",
              .steps = {begins("one "), ends("two")},
              .answers = {echo("one two")}});
  add_thrice(cases, 6,
             {.sentence = "a Ping between them is answered first,",
              .steps = {begins("one "), ping("between"), ends("two")},
              .answers = {pong_of("between"), echo("one two")}});
  add_thrice(cases, 9,
             {.sentence = "a last continuation of nothing fails, and the text behind it is not heard,",
              .steps = {ends("of nothing"), text("unheard")},
              .end = fails()});
  add_thrice(cases, 12,
             {.sentence = "a continuation of nothing fails, and the text behind it is not heard,",
              .steps = {goes_on("of nothing"), text("unheard")},
              .end = fails()});
  cases.push_back({.number = "5.15",
                   .sentence = "a message comes back before what continues nothing behind it fails",
                   .steps = {begins("one "), ends("two"), goes_on("three"), text("four")},
                   .answers = {echo("one two")},
                   .end = fails(),
                   .cut = kTogether});
  cases.push_back(nothing_to_continue("5.16", "not the last", goes_on("one")));
  cases.push_back(nothing_to_continue("5.17", "the last", ends("one")));
  cases.push_back({.number = "5.18",
                   .sentence = "a second fragment that says text again fails",
                   .steps = {begins("one "), text("two"), dead()},
                   .end = fails()});
  cases.push_back(pings_within("5.19", kTogether, kCutNames[0]));
  cases.push_back(pings_within("5.20", kByFrame, kCutNames[1]));
  return cases;
}

}  // namespace sluice::ws::cases
