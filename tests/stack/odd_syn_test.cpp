// SYNs of every kind in every state (RFC 9293 3.10.7, RFC 5961 4): the connection survives or dies as the RFCs say,
// never hangs, never leaks. What each answer says exactly is in tests/tcp/script_{open,reset,close}_test.cpp.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "tests/support/stage.hpp"

namespace sluice::test {
namespace {

using tcp::State;
namespace flag = wire::tcp;

// Where a SYN's number lies for who receives it.
enum class Place { first, next, inside, beyond, before };

struct Kind {
  std::string_view name;
  Place place;
  std::uint8_t flags = flag::syn;
  std::uint32_t text = 0;
  bool acks_too_much = false;
};

constexpr Kind kKinds[] = {
    {"SYN again", Place::first},
    {"SYN at RCV.NXT", Place::next},
    {"SYN in the window", Place::inside},
    {"SYN beyond the window", Place::beyond},
    {"SYN before the window", Place::before},
    {"SYN,ACK again", Place::first, flag::syn | flag::ack},
    {"SYN,ACK in the window", Place::inside, flag::syn | flag::ack},
    {"SYN,ACK beyond the window", Place::beyond, flag::syn | flag::ack},
    {"SYN,ACK of something never sent", Place::next, flag::syn | flag::ack, 0, true},
    {"SYN,FIN", Place::next, flag::syn | flag::fin},
    {"SYN,FIN with text", Place::inside, flag::syn | flag::fin, 500},
    {"SYN with text", Place::next, flag::syn | flag::psh, 100},
    {"all bits but RST, with text", Place::next, flag::syn | flag::fin | flag::ack | flag::psh | flag::urg, 100},
};

SegmentView segment_of(const Kind& kind, const Stage& stage) {
  SegmentView segment = stage.from_peer();
  switch (kind.place) {
    case Place::first: segment.header.seq = stage.peer_isn(); break;
    case Place::next: break;
    case Place::inside: segment.header.seq += 1000; break;
    case Place::beyond: segment.header.seq += 10'000'000; break;
    case Place::before: segment.header.seq -= 10'000'000; break;
  }
  segment.header.flags = kind.flags;
  segment.header.ack += kind.acks_too_much ? 5000 : 0;
  if ((kind.flags & flag::ack) == 0) segment.header.ack = 0;
  segment.header.options.mss = 1400;
  segment.text = kind.text;
  return segment;
}

// The answer's letter (R reset, S SYN, "." a bare ACK) and the state afterwards.
struct Outcome {
  std::string answer;
  State state;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// RFC 9293 3.10.7.1 to 3.10.7.4, as RFC 5961 and RFC 6191 change it.
Outcome expected(State state, const Kind& kind) {
  const bool acks = (kind.flags & flag::ack) != 0;
  const bool ends = (kind.flags & flag::fin) != 0;
  switch (state) {
    case State::closed: return {"R", state};
    case State::listen: return acks ? Outcome{"R", state} : Outcome{"S", State::syn_received};
    case State::syn_sent:
      if (!acks) return {"S", State::syn_received};  // simultaneous open
      if (kind.acks_too_much) return {"R", state};
      return {".", ends ? State::close_wait : State::established};
    case State::syn_received:
      if (kind.place == Place::first) return {"S", state};
      if (kind.place == Place::beyond || kind.place == Place::before) return {".", state};
      return {"", State::listen};
    case State::time_wait:
      // Newer by its timestamp: it may open anew, but the end that closed first doesn't listen.
      return acks ? Outcome{".", state} : Outcome{"R", State::closed};
    default: return {".", state};
  }
}

std::string letters(const std::vector<SegmentView>& answers) {
  std::string text;
  for (const SegmentView& one : answers) text += one.has(flag::rst) ? "R" : one.has(flag::syn) ? "S" : ".";
  return text;
}

TEST_CASE(
    "a SYN of any kind in any state draws the one answer that the RFCs name, and the conversation goes on to its end "
    "[R9293-3.10.7.1-2, R9293-3.10.7.2-2, R9293-3.10.7.2-3, R9293-3.10.7.3-1, R9293-3.10.7.3-5, R9293-3.10.7.4-11, "
    "R9293-3.10.7.4-12, R5961-4.2-1, R5961-4.2-2, A-TCP-02]") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    for (const State state : kStates) {
      for (const Kind& kind : kKinds) {
        CAPTURE(name(state));
        CAPTURE(kind.name);
        Stage stage(state, family);
        const auto answers = stage.inject(segment_of(kind, stage));
        const Outcome outcome{letters(answers), stage.state()};
        const Outcome wanted = expected(state, kind);
        CHECK_MESSAGE(outcome == wanted, outcome.answer, " ", name(outcome.state), " instead of ", wanted.answer, " ",
                      name(wanted.state));
        CHECK(stage.play_on());
        // What the peer really is like comes out only for who believed a forged SYN.
        if (state != State::syn_sent) {
          CHECK(stage.left_error == Errc::none);
          CHECK(stage.right_error == Errc::none);
        }
        stage.expect_nothing_left();
      }
    }
  }
}

TEST_CASE("what a SYN carries besides is not taken before the handshake is over [R9293-3.10.7.2-5, SHLD-2]") {
  for (const Kind& kind : kKinds) {
    if ((kind.flags & flag::ack) != 0) continue;
    for (const State state : {State::listen, State::syn_sent}) {
      CAPTURE(name(state));
      CAPTURE(kind.name);
      Stage stage(state);
      const SegmentView segment = segment_of(kind, stage);
      const auto answers = stage.inject(segment);
      REQUIRE(answers.size() == 1);
      CHECK(answers[0].header.ack == segment.header.seq + 1);
      CHECK(answers[0].has(flag::syn));
      stage.expect_nothing_left();
    }
  }
}

}  // namespace
}  // namespace sluice::test
