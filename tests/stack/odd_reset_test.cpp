// RSTs in every state, with exact, near and far numbers (RFC 9293 3.5.3, RFC 5961 3), and ports that are used again.
// What one stack answers exactly is in tests/tcp/script_{reset,close,records}_test.cpp.
#include <doctest/doctest.h>

#include <string_view>

#include "tests/support/pair.hpp"
#include "tests/support/stage.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using tcp::State;
namespace flag = wire::tcp;

enum class Place { exact, inside, edge, beyond, before };
constexpr Place kPlaces[] = {Place::exact, Place::inside, Place::edge, Place::beyond, Place::before};

std::uint32_t number(Place place, const Stage& stage, std::uint32_t next) {
  switch (place) {
    case Place::exact: return next;
    case Place::inside: return next + 1;
    case Place::edge: return stage.window_edge() - 1;
    case Place::beyond: return stage.window_edge() + 10;
    case Place::before: return next - 1;
  }
  return next;
}

// What becomes of the subject: its state, an answer or none, and what its application is told.
struct Outcome {
  State state;
  std::size_t answers = 0;
  Errc error = Errc::none;
};

Outcome expected(State state, Place place, bool acks) {
  const bool near = place == Place::inside || place == Place::edge;
  switch (state) {
    case State::closed:
    case State::listen:
    case State::time_wait: return {state};  // RFC 1337
    case State::syn_sent:
      // Believed if it acknowledges the SYN, wherever it stands.
      return acks ? Outcome{State::closed, 0, Errc::connection_refused} : Outcome{state};
    case State::syn_received:
      if (place == Place::exact) return {State::listen};
      return {state, near ? 1u : 0u};
    default:
      if (place == Place::exact) return {State::closed, 0, Errc::connection_reset};
      return {state, near ? 1u : 0u};
  }
}

TEST_CASE(
    "a RST ends a connection in any state if its number is exact, is asked to prove itself in the window, and is "
    "nothing outside it [R5961-3.2-1, R5961-3.2-2, R5961-3.2-3, R5961-3.2-4, R9293-3.10.7.1-1, R9293-3.10.7.2-1, "
    "R9293-3.10.7.3-2, R9293-3.10.7.3-3, R9293-3.10.7.4-6, R9293-3.10.7.4-7, R9293-3.10.7.4-8, R1337-3-1]") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    for (const State state : kStates) {
      for (const Place place : kPlaces) {
        for (const bool acks : {false, true}) {
          CAPTURE(name(state));
          CAPTURE(static_cast<int>(place));
          CAPTURE(acks);
          Stage stage(state, family);
          SegmentView reset = stage.from_peer();
          reset.header.seq = number(place, stage, reset.header.seq);
          reset.header.flags = acks ? flag::rst | flag::ack : flag::rst;
          if (!acks) reset.header.ack = 0;
          const auto answers = stage.inject(reset);
          const Outcome wanted = expected(state, place, acks);
          CHECK(name(stage.state()) == name(wanted.state));
          CHECK(answers.size() == wanted.answers);
          for (const SegmentView& answer : answers) CHECK(answer.bare_ack());
          if (wanted.error != Errc::none) CHECK(stage.error() == wanted.error);
          // Who has said all and only waits for the other's FIN can't know that it never comes.
          const bool waits_for_nothing = state == State::close_wait && place == Place::exact;
          CHECK(stage.play_on() != waits_for_nothing);
          stage.expect_nothing_left();
        }
      }
    }
  }
}

// --- ports used again ----------------------------------------------------------------------------------------------

// A connection from this port of the left to the right's port 80, closed by one side; what it says arrives.
struct Again {
  Again() : world(Pair::slowed({})) {
    auto made = world.right().listen({world.right_address(), 80});
    REQUIRE(made);
    listener = std::move(*made);
  }
  Result<tcp::Socket> open(std::uint16_t port) {
    return world.left().connect({world.right_address(), 80}, {.local = Endpoint{world.left_address(), port}});
  }
  /// Opens, says something, and closes; the time until the right has accepted: three ways.
  Duration once(std::uint16_t port, bool left_first) {
    auto left = open(port);
    REQUIRE(left);
    const Time begun = world.now();
    tcp::Socket right;
    REQUIRE(world.run_until([&] {
      if (auto accepted = listener.accept()) right = std::move(*accepted);
      return right && left->state() == State::established;
    }));
    const Duration took = world.now() - begun;
    CHECK(left->write(as_bytes("hello")).value_or(0) == 5);
    REQUIRE(world.run_until([&] { return right.readable() == 5; }));
    right.consume(5);
    (left_first ? *left : right).close();
    world.run_for(100ms);
    (left_first ? right : *left).close();
    world.run_for(100ms);
    return took;
  }
  World world;
  tcp::Listener listener;
};

TEST_CASE("the same port connects again at once, a hundred times, while the peer is in TIME-WAIT [R6191-2-1, MAY-2]") {
  Again again;
  for (int i = 0; i < 100; ++i) {
    CHECK(again.once(40001, false) == 30ms);
    CHECK(again.world.right().tcp().time_wait_count() == 1);
  }
  CHECK(again.world.right().tcp().counters()[tcp::Counter::time_wait_reused] == 99);
  again.world.run_for(61s);
  CHECK(again.world.right().tcp().time_wait_count() == 0);
  CHECK(again.once(40001, false) == 30ms);
}

TEST_CASE("without timestamps the ISN's clock does the same: each new SYN lies beyond the old numbers [R6191-2-3]") {
  WorldSettings settings = Pair::slowed({});
  settings.left_tcp.timestamps = false;
  Pair pair(settings);
  const Endpoint from = *pair.left.local(), to = *pair.left.remote();
  auto listener = pair.world.right().listen(to);
  REQUIRE(listener);
  for (int i = 0; i < 20; ++i) {
    pair.right.close();
    pair.world.run_for(50ms);
    pair.left.close();
    pair.world.run_for(50ms);
    CHECK(pair.world.right().tcp().time_wait_count() == 1);
    auto opened = pair.world.left().connect(to, {.local = from});
    REQUIRE(opened);
    pair.left = std::move(*opened);
    pair.world.run_for(50ms);
    auto accepted = listener->accept();
    REQUIRE(accepted);
    pair.right = std::move(*accepted);
    pair.move(1000);
  }
}

TEST_CASE("who closed first can't open from that port until TIME-WAIT is over [9293 MUST-13]") {
  Again again;
  again.once(40001, true);
  CHECK(again.open(40001).error() == Errc::address_in_use);
  again.world.run_for(60s);
  CHECK(again.once(40001, true) == 30ms);
}

TEST_CASE("a listener that closes resets who waits for accept, and forgets who is half open [9293 MUST-12]") {
  Again again;
  auto waits = again.open(40001);
  again.world.run_for(100ms);
  again.world.take_packet = [](bool to_right, Bytes) { return !to_right; };  // the SYN,ACK is lost
  const auto other = again.world.port_for({again.world.right_address(), 80});
  auto half = again.open(other ? other->port : 40002);
  again.world.run_for(50ms);
  CHECK(again.world.right().tcp().half_open_count() == 1);
  again.world.take_packet = nullptr;
  again.listener.close();
  again.world.run_for(5s);
  CHECK(waits->error() == Errc::connection_reset);
  CHECK(half->error() == Errc::connection_refused);  // its SYN came again
  CHECK(again.world.right().tcp().half_open_count() == 0);
  CHECK(again.world.right().tcp().connection_count() == 0);
  CHECK(again.world.right().memory().used() == 0);
}

}  // namespace
}  // namespace sluice::test
