// Very many connections at once, in miniature: that all of it works. How fast it is tells million_peer.
#include <doctest/doctest.h>

#include <chrono>

#include "tests/support/crowd.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMany = 20'000;

TEST_CASE("twenty thousand connections are opened, accepted, and all kept alive") {
  Crowd crowd({.connections = kMany});
  CHECK(crowd.open() == kMany);
  CHECK(crowd.listening().tcp().connection_count() == kMany);
  CHECK(crowd.keep_alive() == kMany);
  CHECK(crowd.listening().tcp().connection_count() == kMany);
  CHECK(crowd.listening().tcp().counters()[tcp::Counter::retransmissions] == 0);
  CHECK(crowd.listening().memory().used() == 0);
  CHECK(crowd.connecting().memory().used() == 0);
}

TEST_CASE("a turn acts only on those timers that are due") {
  Crowd crowd({.connections = 2'000, .batch = 50, .pause = 10ms});
  CHECK(crowd.open() == 2'000);
  CHECK(crowd.keep_alive() == 2'000);
  CHECK(crowd.most_at_once() == 50);
}

TEST_CASE("when the timers of very many connections are due in the same moment, one turn takes only its share") {
  Crowd crowd({.connections = 5'000, .pause = 0ms});
  CHECK(crowd.open() == 5'000);
  CHECK(crowd.keep_alive() == 5'000);
  CHECK(crowd.most_at_once() == tcp::Layer::kTimersAtOnce);
}

}  // namespace
}  // namespace sluice::test
