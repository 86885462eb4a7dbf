// Sections 1 to 4: one frame at a time, and what its first two bytes may say (RFC 6455 5.2, 5.5, 5.6).
#include <array>
#include <utility>

#include "tests/ws/cases/sections.hpp"

namespace sluice::ws::cases {
namespace {

const std::string kHello = "Good morning";

/// The lengths around the borders of the three forms of a length.
constexpr std::array<std::size_t, 7> kSizes = {0, 125, 126, 127, 128, 65535, 65536};

void add_sizes(Cases& cases, const std::string& group, std::uint8_t opcode, const std::string& unit) {
  const std::string kind = opcode == kText ? "a text" : "a binary message";
  for (std::size_t i = 0; i < kSizes.size(); ++i)
    cases.push_back({.number = group + std::to_string(i + 1),
                     .sentence = kind + " of " + std::to_string(kSizes[i]) + " bytes comes back",
                     .steps = {message(opcode, {unit, kSizes[i]})}});
  cases.push_back({.number = group + "8",
                   .sentence = kind + " of 65536 bytes comes back though it arrives 997 bytes at a time",
                   .steps = {message(opcode, {unit, 65536})},
                   .cut = 997});
}

/// A text, then something that breaks a rule, then a Ping that nobody answers any more.
Case broken_after_text(std::string number, std::string sentence, Step bad, std::size_t cut) {
  std::vector<Step> steps = {text(kHello), std::move(bad)};
  if (cut != kTogether) steps.push_back(dead());
  steps.push_back(ping());
  return {.number = std::move(number),
          .sentence = std::move(sentence),
          .steps = steps,
          .answers = {echo(kHello)},
          .end = fails(),
          .cut = cut};
}

Case broken(std::string number, std::string sentence, Step bad) {
  return {
      .number = std::move(number), .sentence = std::move(sentence), .steps = {std::move(bad), dead()}, .end = fails()};
}

/// The five cases of one half of the opcodes that have no meaning, from `first` on.
void add_reserved(Cases& cases, const std::string& group, unsigned first) {
  const auto bad = [&](unsigned i, Payload payload) {
    return frame(static_cast<std::uint8_t>(kFin | (first + i)), std::move(payload));
  };
  const auto sentence = [&](unsigned i, const char* more) {
    return "opcode " + std::to_string(first + i) + more + " fails";
  };
  cases.push_back(broken(group + "1", sentence(0, ""), bad(0, {})));
  cases.push_back(broken(group + "2", sentence(1, " with a payload"), bad(1, "reserved payload")));
  cases.push_back(broken_after_text(group + "3", sentence(2, " behind a text"), bad(2, {}), kTogether));
  cases.push_back(
      broken_after_text(group + "4", sentence(3, " with a payload behind a text"), bad(3, kHello), kByFrame));
  cases.push_back(broken_after_text(group + "5", sentence(4, ", byte by byte,"), bad(4, kHello), 1));
}

std::vector<Step> ten_pings() {
  std::vector<Step> steps;
  for (int i = 0; i < 10; ++i) steps.push_back(ping("ping " + std::to_string(i)));
  return steps;
}

std::vector<Answer> ten_pongs() {
  std::vector<Answer> answers;
  for (int i = 0; i < 10; ++i) answers.push_back(pong_of("ping " + std::to_string(i)));
  return answers;
}

}  // namespace

Cases framing() {
  Cases cases;
  add_sizes(cases, "1.1.", kText, "*");
  add_sizes(cases, "1.2.", kBinary, "\xfe");
  return cases;
}

Cases pings() {
  const Payload bytes = std::string("\x00\xff\xfe\xfd\xfc\xfb\x00\xff", 8);
  const Payload longest = {"\xfe", 125};
  const Payload too_long = {"\xfe", 126};
  return {
      {.number = "2.1", .sentence = "an empty Ping is answered", .steps = {ping()}, .answers = {pong_of("")}},
      {.number = "2.2",
       .sentence = "the Pong has the Ping's text",
       .steps = {ping(kHello)},
       .answers = {pong_of(kHello)}},
      {.number = "2.3", .sentence = "and bytes that are no text", .steps = {ping(bytes)}, .answers = {pong_of(bytes)}},
      {.number = "2.4", .sentence = "and 125 of them", .steps = {ping(longest)}, .answers = {pong_of(longest)}},
      {.number = "2.5", .sentence = "a Ping of 126 fails", .steps = {ping(too_long), dead()}, .end = fails()},
      {.number = "2.6",
       .sentence = "a Ping of 125 that comes byte by byte is answered",
       .steps = {ping(longest)},
       .answers = {pong_of(longest)},
       .cut = 1},
      {.number = "2.7", .sentence = "an empty Pong that nobody asked for is ignored", .steps = {pong(), alive()}},
      {.number = "2.8", .sentence = "one with a payload too", .steps = {pong("unasked"), alive()}},
      {.number = "2.9",
       .sentence = "a Ping behind such a Pong is answered",
       .steps = {pong("unasked"), ping("asked")},
       .answers = {pong_of("asked")}},
      {.number = "2.10", .sentence = "ten Pings have ten Pongs", .steps = ten_pings(), .answers = ten_pongs()},
      {.number = "2.11", .sentence = "byte by byte as well", .steps = ten_pings(), .answers = ten_pongs(), .cut = 1},
  };
}

Cases reserved_bits() {
  const auto with_rsv = [](int rsv, std::uint8_t opcode, Payload payload = kHello) {
    return frame(static_cast<std::uint8_t>(kFin | rsv << 4 | opcode), std::move(payload));
  };
  return {
      broken("3.1", "a text with RSV3 fails", with_rsv(1, kText)),
      broken_after_text("3.2", "RSV2 behind a text fails", with_rsv(2, kText), kTogether),
      broken_after_text("3.3", "RSV2 and RSV3, frame by frame, fail", with_rsv(3, kText), kByFrame),
      broken_after_text("3.4", "RSV1, byte by byte, fails", with_rsv(4, kText), 1),
      broken("3.5", "a binary message with RSV1 and RSV3 fails", with_rsv(5, kBinary)),
      broken("3.6", "a Ping with RSV1 and RSV2 fails", with_rsv(6, kPing)),
      broken("3.7", "a Close with all three fails, and is not taken for one", with_rsv(7, kClose, {})),
  };
}

Cases opcodes() {
  Cases cases;
  add_reserved(cases, "4.1.", 3);
  add_reserved(cases, "4.2.", 11);
  return cases;
}

}  // namespace sluice::ws::cases
