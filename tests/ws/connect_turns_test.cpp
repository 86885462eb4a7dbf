// RFC 6455 4.1 step 2: handshakes with one host come one after another.
#include "ws/connect_turns.hpp"

#include <doctest/doctest.h>

namespace sluice::ws::test {
namespace {

TEST_CASE("of several attempts to one address one is under way, and the next begins when it ended [WS-4.1-2]") {
  ConnectTurns turns;
  const auto first = turns.join("192.0.2.1");
  const auto second = turns.join("192.0.2.1");
  const auto third = turns.join("192.0.2.1");
  CHECK(turns.ready(first));
  CHECK(!turns.ready(second));
  turns.leave(first);
  CHECK(!turns.ready(first));
  CHECK(turns.ready(second));
  CHECK(!turns.ready(third));
  turns.leave(second);
  CHECK(turns.ready(third));
}

TEST_CASE("attempts to other addresses don't wait [WS-4.1-2]") {
  ConnectTurns turns;
  const auto here = turns.join("192.0.2.1");
  const auto there = turns.join("2001:db8::1");
  CHECK(turns.ready(here));
  CHECK(turns.ready(there));
}

TEST_CASE("one that gives up while it waits holds up nobody") {
  ConnectTurns turns;
  const auto first = turns.join("192.0.2.1");
  const auto second = turns.join("192.0.2.1");
  const auto third = turns.join("192.0.2.1");
  turns.leave(second);
  turns.leave(second);
  CHECK(!turns.ready(third));
  turns.leave(first);
  CHECK(turns.ready(third));
}

}  // namespace
}  // namespace sluice::ws::test
