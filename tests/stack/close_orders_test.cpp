// Every order of closing, with each packet of the whole conversation lost once, in both families: both sides end,
// nothing is lost, nothing is left. What each order says packet by packet is in tests/tcp/script_close_test.cpp.
#include <doctest/doctest.h>

#include "tests/support/talk.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

TalkSettings closing(Ending ending, Family family) {
  TalkSettings settings;
  settings.world.family = family;
  settings.ending = ending;
  settings.rounds = 2;
  // A lost RST is found out only by asking.
  settings.options.keep_alive = {.on = true, .idle = 20s, .interval = 5s, .probes = 3};
  return settings;
}

std::uint64_t packets_of(const TalkSettings& settings) {
  Talk talk(settings);
  REQUIRE(talk.play(5min));
  talk.expect_outcome();
  talk.expect_nothing_left();
  return talk.world.packets();
}

TEST_CASE(
    "in each order of closing any one packet may be lost: all text arrives, both sides end, nothing is left "
    "[R9293-3.10.4-2, R9293-3.10.7.4-19, R9293-3.10.7.4-20, R9293-3.10.7.4-21, R9293-3.10.7.4-31, 9293 MUST-13]") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    for (const Ending ending : kEndings) {
      const TalkSettings settings = closing(ending, family);
      const std::uint64_t packets = packets_of(settings);
      CHECK(packets >= 7);
      for (std::uint64_t lost = 1; lost <= packets; ++lost) {
        CAPTURE(name(ending));
        CAPTURE(lost);
        Talk talk(settings);
        talk.lose = {lost};
        const bool played = talk.play(5min);
        CHECK(played);
        talk.expect_outcome();
        talk.expect_nothing_left();
      }
    }
  }
}

TEST_CASE("an orderly close is told to no one as an error, a disorderly one to the other side [SHLD-3, MUST-12]") {
  for (const Ending ending : kEndings) {
    CAPTURE(name(ending));
    Talk talk(closing(ending, Family::ipv4));
    REQUIRE(talk.play(1min));
    talk.expect_outcome();
    if (!is_orderly(ending)) {
      const Talk::Side& victim = ending == Ending::right_aborts ? talk.left : talk.right;
      CHECK(victim.error == Errc::connection_reset);
    }
  }
}

}  // namespace
}  // namespace sluice::test
