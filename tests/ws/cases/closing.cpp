// Section 7: what a Close may say, what answers it, and what comes behind it (RFC 6455 5.5.1, 7.4).
#include <utility>

#include "tests/ws/cases/sections.hpp"

namespace sluice::ws::cases {
namespace {

/// Codes for the wire are echoed; others break the protocol.
void add_codes(Cases& cases) {
  int number = 0;
  for (const unsigned code :
       {1000u, 1001u, 1002u, 1003u, 1007u, 1008u, 1009u, 1010u, 1011u, 3000u, 3999u, 4000u, 4999u})
    cases.push_back({.number = "7.7." + std::to_string(++number),
                     .sentence = "Close " + std::to_string(code) + " is answered with its code",
                     .steps = {close(code)},
                     .end = clean(static_cast<std::uint16_t>(code))});
  number = 0;
  for (const unsigned code : {0u, 999u, 1004u, 1005u, 1006u, 1016u, 1100u, 2000u, 2999u})
    cases.push_back({.number = "7.9." + std::to_string(++number),
                     .sentence = "Close " + std::to_string(code) + " must not be sent and fails",
                     .steps = {close(code), dead()},
                     .end = fails()});
}

void add_behind(Cases& cases) {
  const Step goodbye = close(1000);
  cases.push_back({.number = "7.1.1",
                   .sentence = "a text before the Close comes back",
                   .steps = {text("farewell"), goodbye},
                   .answers = {echo("farewell")}});
  cases.push_back({.number = "7.1.2", .sentence = "a second Close is ignored", .steps = {goodbye, goodbye}});
  cases.push_back({.number = "7.1.3", .sentence = "a Ping behind the Close too", .steps = {goodbye, ping()}});
  cases.push_back({.number = "7.1.4", .sentence = "a text behind it too", .steps = {goodbye, text("late")}});
  cases.push_back({.number = "7.1.5",
                   .sentence = "a message that the Close cuts in two never comes back",
                   .steps = {frame(kText, "one"), goodbye, frame(kFin | kContinuation, "two")}});
  cases.push_back(
      {.number = "7.1.6",
       .sentence = "of a long text and a short one before the Close it is open what comes back: here both do",
       .steps = {message(kText, {"sixteen letters ", 256u << 10}), message(kText, "farewell"), goodbye, ping()},
       .cut = kTogether,
       .informational = true});
}

void add_bodies(Cases& cases) {
  const std::string reason(123, '*');
  const std::string no_text = "reason \xed\xa0\x80";
  cases.push_back({.number = "7.3.1",
                   .sentence = "a Close without a code is answered without one",
                   .steps = {close_body("")},
                   .end = clean_without_code()});
  cases.push_back(
      {.number = "7.3.2", .sentence = "one byte fails", .steps = {close_body("a"), dead()}, .end = fails()});
  cases.push_back({.number = "7.3.3", .sentence = "a code alone is fine", .steps = {close(1000)}});
  cases.push_back({.number = "7.3.4", .sentence = "so is one with a reason", .steps = {close(1000, "enough")}});
  cases.push_back({.number = "7.3.5", .sentence = "of 123 bytes at most", .steps = {close(1000, reason)}});
  cases.push_back({.number = "7.3.6",
                   .sentence = "a reason of 124 makes the frame too long and fails",
                   .steps = {close(1000, reason + "*"), dead()},
                   .end = fails()});
  cases.push_back({.number = "7.5.1",
                   .sentence = "a reason that is no text fails",
                   .steps = {close(1000, no_text), dead()},
                   .end = fails(1007)});
}

}  // namespace

Cases closing() {
  Cases cases;
  add_behind(cases);
  add_bodies(cases);
  add_codes(cases);
  for (const auto& [number, code] : {std::pair("7.13.1", 5000u), std::pair("7.13.2", 65535u)})
    cases.push_back({.number = number,
                     .sentence = "what Close " + std::to_string(code) + " means is open: here it fails",
                     .steps = {close(code), dead()},
                     .end = fails(),
                     .informational = true});
  return cases;
}

}  // namespace sluice::ws::cases
