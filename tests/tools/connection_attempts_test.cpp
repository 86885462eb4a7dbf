// Attempts at several addresses, in virtual time: who is tried when, who wins, and what is left of the others.
#include "tools/connection_attempts.hpp"

#include <doctest/doctest.h>

#include <optional>

#include "tests/tun/twins.hpp"

namespace sluice::tools {
namespace {

using namespace std::chrono_literals;

IpAddress numbered(std::uint8_t number) { return IpAddress::v4(10, 0, 0, number); }

/// The client's attempts at port 7. Only 10.0.0.1 is there; all others are silent.
struct Race {
  explicit Race(const std::vector<IpAddress>& addresses) {
    attempts.emplace(twins.client, addresses, 7, tcp::OpenOptions{},
                     [this](std::variant<Reached, NotReached> result) { outcome = std::move(result); });
    attempts->begin();
  }
  void run(Duration time) {
    for (const Time end = tun::Twins::time + time; tun::Twins::time < end && !outcome; tun::Twins::time += 5ms)
      twins.turn_both();
  }
  std::size_t connections() { return twins.client_stack.tcp().connection_count(); }

  tun::Twins twins;
  tcp::Listener listener;
  std::optional<std::variant<Reached, NotReached>> outcome;
  std::optional<ConnectionAttempts> attempts;
};

}  // namespace

TEST_CASE("a silent address delays the next one by 250 ms, and the first that answers is taken (RFC 8305 5)") {
  Race race({numbered(98), numbered(99), numbered(1)});
  race.listener = *race.twins.server_stack.listen({numbered(1), 7});
  race.run(240ms);
  CHECK(race.connections() == 1);
  race.run(240ms);
  CHECK(race.connections() == 2);
  race.run(100ms);
  REQUIRE(race.outcome);
  const Reached& reached = std::get<Reached>(*race.outcome);
  CHECK(reached.remote == Endpoint{numbered(1), 7});
  CHECK(reached.socket.state() == tcp::State::established);
  CHECK(race.connections() == 1);
}

TEST_CASE("an address that refuses makes way for the next at once, and each failure is told") {
  Race race({numbered(1), numbered(99)});
  race.run(50ms);
  CHECK(race.connections() == 1);
  CHECK_FALSE(race.outcome);
  race.run(10min);
  REQUIRE(race.outcome);
  const NotReached& failure = std::get<NotReached>(*race.outcome);
  CHECK(failure.sentence == "10.0.0.1:7: connection refused; 10.0.0.99:7: connection timed out");
  CHECK(failure.error == Errc::timed_out);
  CHECK(race.connections() == 0);
}

TEST_CASE("no more than eight addresses are tried, and none goes on when nobody waits any more") {
  std::vector<IpAddress> many;
  for (std::uint8_t i = 100; i < 120; ++i) many.push_back(numbered(i));
  Race race(many);
  race.run(10s);
  CHECK(race.connections() == ConnectionAttempts::kMaximum);
  race.attempts.reset();
  race.run(1s);
  CHECK(race.connections() == 0);
  CHECK_FALSE(race.outcome);
}

}  // namespace sluice::tools
