// Both ends open at once (RFC 9293 3.5, Figure 8): one connection comes of it, whatever is lost, and it works and ends
// as any other. Packet by packet it is in tests/tcp/script_open_test.cpp.
#include <doctest/doctest.h>

#include <set>

#include "tests/support/world.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using tcp::State;

struct Crossing {
  explicit Crossing(Family family, std::set<std::uint64_t> packets_to_lose = {}, Duration right_later = {})
      : world(settings(family)), lose(std::move(packets_to_lose)) {
    world.take_packet = [this](bool, Bytes) { return lose.contains(++emitted); };
    const Endpoint left_end{world.left_address(), 5000}, right_end{world.right_address(), 5001};
    auto opened = world.left().connect(right_end, {.local = left_end});
    REQUIRE(opened);
    left = std::move(*opened);
    world.run_for(right_later);
    opened = world.right().connect(left_end, {.local = right_end});
    REQUIRE(opened);
    right = std::move(*opened);
  }
  static WorldSettings settings(Family family) {
    WorldSettings made;
    made.family = family;
    made.home_left = 5000;
    made.home_right = 5001;
    made.to_left.delay = made.to_right.delay = 10ms;
    return made;
  }
  bool opens(Duration limit) {
    return world.run_until([&] { return left.state() == State::established && right.state() == State::established; },
                           limit);
  }
  /// Text both ways, both FINs, and nothing left.
  void live_on() {
    Transfer there(left, right, 5000, 1), back(right, left, 5000, 2);
    there.finish_when_sent = back.finish_when_sent = true;
    world.on_step = [&] { there.step(), back.step(); };
    CHECK(world.run_until([&] { return left.at_eof() && right.at_eof() && there.done() && back.done(); }, 10min));
    world.on_step = nullptr;
    left.close();
    right.close();
    world.run_for(10min);
    for (Stack* stack : {&world.left(), &world.right()}) {
      CHECK(stack->tcp().connection_count() == 0);
      CHECK(stack->tcp().time_wait_count() == 0);
      CHECK(stack->memory().used() == 0);
    }
  }
  World world;
  std::set<std::uint64_t> lose;
  std::uint64_t emitted = 0;
  tcp::Socket left;
  tcp::Socket right;
};

TEST_CASE("SYNs that cross make one connection, though any two packets are lost [9293 MUST-10, R9293-3.10.7.3-5]") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    for (std::uint64_t first = 0; first <= 10; ++first) {  // 0: nothing is lost
      for (std::uint64_t second = first; second <= 11; ++second) {
        CAPTURE(first);
        CAPTURE(second);
        Crossing crossing(family, {first, second});
        CHECK(crossing.opens(8s));
        crossing.live_on();
      }
    }
  }
}

TEST_CASE("a SYN that meets SYN-SENT at any moment of the other's handshake opens the same connection [9293 MUST-10]") {
  for (const Duration later : {0ms, 1ms, 5ms, 9ms}) {
    CAPTURE(later / 1ms);
    Crossing crossing(Family::ipv4, {}, later);
    CHECK(crossing.opens(1s));
    CHECK(crossing.world.packets() <= 8);
    crossing.live_on();
  }
}

TEST_CASE("who opens after the other's SYN was refused makes a connection with its next SYN [R9293-3.10.7.3-2]") {
  Crossing crossing(Family::ipv4, {}, 15ms);  // the RST for the left's SYN is on its way
  CHECK_FALSE(crossing.opens(10s));
  CHECK(crossing.left.error() == Errc::connection_refused);
  CHECK(crossing.right.error() == Errc::connection_refused);  // nobody is there any more
}

TEST_CASE("both open, both change their mind: nothing is left [R9293-3.10.4-1]") {
  for (const Duration after : {0ms, 5ms, 12ms, 25ms}) {
    for (const bool abort : {false, true}) {
      CAPTURE(after / 1ms);
      Crossing crossing(Family::ipv6);
      crossing.world.run_for(after);
      for (tcp::Socket* socket : {&crossing.left, &crossing.right}) {
        if (abort) socket->abort();
        socket->close();
      }
      crossing.world.run_for(30min);
      CHECK(crossing.world.left().tcp().connection_count() == 0);
      CHECK(crossing.world.right().tcp().connection_count() == 0);
      CHECK(crossing.world.packets() <= 20);
    }
  }
}

}  // namespace
}  // namespace sluice::test
