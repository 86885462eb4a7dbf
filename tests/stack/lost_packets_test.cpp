// Timers and backoff over whole conversations: any one packet lost, any two, and a peer that goes dark at each point.
// The timers' own rules are in tests/tcp/script_timers_test.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "tests/support/segment_view.hpp"
#include "tests/support/talk.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

TalkSettings talking(Ending ending = Ending::left_closes, Family family = Family::ipv4) {
  TalkSettings settings;
  settings.world.family = family;
  settings.ending = ending;
  return settings;
}

// Plays a conversation in which these packets are lost; how long it took.
Duration time_without(const TalkSettings& settings, std::set<std::uint64_t> lost) {
  Talk talk(settings);
  talk.lose = std::move(lost);
  const bool played = talk.play(10min);
  CHECK(played);
  const Duration took = talk.elapsed();
  talk.expect_outcome();
  talk.expect_nothing_left();
  return took;
}

constexpr std::array<Ending, 3> kClosers = {Ending::left_closes, Ending::right_closes, Ending::both_close};

TEST_CASE("a conversation that loses any one packet is over within one timeout more [R6298-5.4, R9293-3.10.8-2]") {
  Duration slowest{};
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    for (const Ending ending : kClosers) {
      const TalkSettings settings = talking(ending, family);
      const Duration clean = time_without(settings, {});
      CHECK(clean <= 100ms);
      for (std::uint64_t lost = 1; lost <= 12; ++lost) {
        CAPTURE(name(ending));
        CAPTURE(lost);
        const Duration took = time_without(settings, {lost});
        // SYN and SYN,ACK wait for the initial timeout, 1 s; later ones know the RTT: 20 ms + 200 ms, and crossing FINs
        // need one way more.
        const Duration timeout = lost <= 2 ? 1s : 230ms;
        CHECK(took <= clean + timeout);
        slowest = std::max(slowest, took - clean);
      }
    }
  }
  CHECK(slowest == 1s);
}

TEST_CASE(
    "a conversation that loses any two packets is over within the timeouts of both, 1 s and 3 s at most; with tail "
    "loss "
    "probes the 3 s are not waited for [R6298-5.5, R6298-5.7, R8985-7.3-3]") {
  for (const bool probes : {false, true}) {
    Duration slowest{};
    for (const Ending ending : kClosers) {
      TalkSettings settings = talking(ending);
      settings.world.left_tcp.sack = settings.world.right_tcp.sack = probes;
      const Duration clean = time_without(settings, {});
      for (std::uint64_t first = 1; first <= 13; ++first) {
        for (std::uint64_t second = first + 1; second <= 14; ++second) {
          CAPTURE(name(ending));
          CAPTURE(first);
          CAPTURE(second);
          const Duration late = time_without(settings, {first, second}) - clean;
          // Without a lost SYN the RTT is known; the ACK of the SYN,ACK may have come with a retransmission, and then
          // the right hand's first sample is 240 ms.
          if (first > 2) CHECK(late <= 220ms + 240ms + 4 * 120ms + 200ms);
          slowest = std::max(slowest, late);
        }
      }
    }
    // Two SYNs, or a SYN and the first text behind it.
    CHECK(slowest == (probes ? 3s : 4s));
  }
}

TEST_CASE("any two packets may be lost with any order of closing, in both families [R9293-3.10.8-2, R9293-3.10.8-3]") {
  for (const Ending ending : kEndings) {
    TalkSettings settings = talking(ending, Family::ipv6);
    settings.rounds = 1;
    settings.options.keep_alive = {.on = true, .idle = 20s, .interval = 5s, .probes = 3};
    for (std::uint64_t first = 1; first <= 9; ++first) {
      for (std::uint64_t second = first + 1; second <= 10; ++second) {
        CAPTURE(name(ending));
        CAPTURE(first);
        CAPTURE(second);
        time_without(settings, {first, second});
      }
    }
  }
}

TEST_CASE(
    "any one packet may come late, overtaken by a few or after all is over: the outcome is the same, and old packets "
    "wake nobody [R9293-3.10.7.4-2, R1337-3-1, A-TCP-15]") {
  for (const Ending ending : kEndings) {
    TalkSettings settings = talking(ending, Family::ipv4);
    settings.rounds = 1;
    settings.options.keep_alive = {.on = true, .idle = 20s, .interval = 5s, .probes = 3};
    for (const Duration late : {15ms, 25ms, 300ms, 3000ms, 70'000ms}) {
      for (std::uint64_t held = 1; held <= 9; ++held) {
        CAPTURE(name(ending));
        CAPTURE(late / 1ms);
        CAPTURE(held);
        Talk talk(settings);
        std::uint64_t number = 0;
        talk.take_packet = [&](bool to_right, Bytes packet) {
          if (++number != held) return false;
          talk.world.inject(to_right, {packet.begin(), packet.end()}, late);
          return true;
        };
        CHECK(talk.play(10min));
        talk.expect_outcome();
        talk.expect_nothing_left();
        CHECK(talk.world.packets() <= 40);
      }
    }
  }
}

// --- a peer that goes dark -----------------------------------------------------------------------------------------

// What one side sent and when, of one sequence number: the retransmissions of its oldest segment.
struct Repeats {
  std::vector<Time> times;
  std::uint32_t seq = 0;
};

// Watches a Talk that goes dark: each side's last text, SYN or FIN and when it went again.
struct Watch {
  explicit Watch(Talk& talk) {
    talk.world.on_packet = [this, &talk](bool to_right, Bytes packet) {
      const auto segment = open_segment(packet);
      REQUIRE(segment);
      if (segment->length() == 0) return;
      Repeats& repeats = by_side[to_right];
      if (repeats.times.empty() || repeats.seq != segment->header.seq) repeats = {{}, segment->header.seq};
      repeats.times.push_back(talk.world.now());
    };
  }
  std::map<bool, Repeats> by_side;
};

// Each wait is twice the one before, up to two minutes [R6298-5.5, R6298-2.5].
// A tail loss probe goes before them.
void check_backoff(const std::vector<Time>& times, std::size_t probes) {
  for (std::size_t i = 2 + probes; i < times.size(); ++i)
    CHECK(times[i] - times[i - 1] == std::min<Duration>(2 * (times[i - 1] - times[i - 2]), 120s));
}

void check_gave_up(const Talk::Side& side, const Repeats& repeats, std::size_t transmissions, std::size_t probes) {
  check_backoff(repeats.times, probes);
  CHECK(repeats.times.size() == transmissions + probes);
  const std::size_t last = repeats.times.size() - 1;
  const Duration wait = std::min<Duration>(2 * (repeats.times[last] - repeats.times[last - 1]), 120s);
  CHECK(side.error == Errc::timed_out);
  CHECK(side.ended == repeats.times[last] + wait);
}

TEST_CASE(
    "a peer that goes dark at any point is given up after R2, by each side that waits for it [9293 MUST-20, MUST-23, "
    "SHLD-11]") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    for (std::uint64_t last = 0; last <= 10; ++last) {
      CAPTURE(last);
      Talk talk(talking(Ending::left_closes, family));
      Watch watch(talk);
      talk.dark_after = last;
      talk.play(1h);
      // Who had text, SYN or FIN out hears of it; who had closed or was not yet accepted has nobody to tell.
      CHECK((talk.left.error == Errc::timed_out) == (last <= 9));
      CHECK((talk.right.error == Errc::timed_out) == (last >= 3 && last <= 8));
      if (talk.left.error != Errc::none)
        check_gave_up(talk.left, watch.by_side[true], last < 2 ? 8 : 16, last < 2 ? 0 : 1);
      if (talk.right.error != Errc::none) check_gave_up(talk.right, watch.by_side[false], 16, 1);
      CHECK(talk.world.packets() <= last + 64);
      talk.expect_nothing_left(2h);
    }
  }
}

TEST_CASE("with a user timeout a dark peer is given up to the moment, wherever the conversation was [9293 MUST-21]") {
  for (std::uint64_t last = 0; last <= 8; ++last) {
    CAPTURE(last);
    TalkSettings settings = talking();
    settings.options.user_timeout = 25s;
    Talk talk(settings);
    Watch watch(talk);
    talk.dark_after = last;
    talk.play(1h);
    CHECK(talk.left.error == Errc::timed_out);
    CHECK(talk.left.ended == watch.by_side[true].times.front() + 25s);
    if (talk.right.error != Errc::none) CHECK(talk.right.ended == watch.by_side[false].times.front() + 25s);
    talk.expect_nothing_left();
  }
}

}  // namespace
}  // namespace sluice::test
