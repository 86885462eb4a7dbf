// Two stacks on links that stall, reorder and lose tails: what was needless is undone, and tails don't wait for
// timeouts.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/world.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using tcp::Counter;

constexpr Duration kWay = 20ms;

WorldSettings distant() {
  WorldSettings settings;
  settings.to_right.delay = settings.to_left.delay = kWay;
  settings.to_right.rate = 4'000'000;
  settings.to_right.queue_bytes = 400'000;
  return settings;
}

std::uint64_t count(World& world, Counter which) { return world.left().tcp().counters()[which]; }

TEST_CASE("three seconds of silence one way are no loss: the window comes back [3522, 4015]") {
  World world(distant());
  auto [from, to] = world.connect();
  Transfer transfer(from, to, 4'000'000);
  world.on_step = [&transfer] { transfer.step(); };
  world.run_for(300ms);
  const std::uint32_t cwnd = from.info()->cwnd;
  const Time end = world.now() + 3s;
  Time arrival = end;  // of what waits, one after the other
  world.take_packet = [&](bool to_right, Bytes packet) {
    if (!to_right || (world.now() >= end && arrival < world.now() + kWay)) return false;
    arrival = std::max(arrival, world.now() + kWay) + 400us;
    world.inject(true, {packet.begin(), packet.end()}, arrival - world.now());
    return true;
  };
  world.run_for(3s + 4 * kWay);
  CHECK(count(world, Counter::timeouts) >= 3);
  CHECK(count(world, Counter::spurious_timeouts) == 1);
  CHECK(from.info()->cwnd >= cwnd);
  CHECK(from.info()->backoff == 0);
  CHECK(world.run_until([&] { return transfer.done(); }, 3s));  // not in slow start's time, nor behind a long RTO
  CHECK(from.info()->retransmissions < 12);
}

TEST_CASE("where a quarter of the packets come late, and none is lost, the window stays [R8985-3.3-3, R8985-6.2-5]") {
  WorldSettings settings = distant();
  settings.to_right.queue_bytes = 0;
  settings.to_right.reorder = 0.25;
  settings.to_right.reorder_by = 8ms;
  World world(settings);
  auto [from, to] = world.connect();
  Transfer transfer(from, to, 12'000'000);
  world.on_step = [&transfer] { transfer.step(); };
  CHECK(world.run_until([&] { return transfer.done(); }, 8s));
  CHECK(count(world, Counter::timeouts) == 0);
  CHECK(from.info()->cwnd >= 100'000);
  CHECK(from.info()->retransmissions < 400);  // of more than 8000 segments
}

TEST_CASE("a lost tail is repaired within two round trips and a little, without a timeout [R8985-7.2-2, R8985-7.3-2]") {
  WorldSettings settings;
  settings.to_right.delay = settings.to_left.delay = 100ms;
  World world(settings);
  auto [from, to] = world.connect();
  Transfer transfer(from, to, 4 * 1448);
  world.on_step = [&transfer] { transfer.step(); };
  int segments = 0;
  world.take_packet = [&segments](bool to_right, Bytes packet) {
    return to_right && packet.size() > 200 && ++segments > 2 && segments <= 4;  // of four, the last two
  };
  const Time begin = world.now();
  CHECK(world.run_until([&] { return transfer.done(); }, 3s));
  CHECK(count(world, Counter::timeouts) == 0);
  CHECK(count(world, Counter::tail_loss_probes) == 1);
  // One round trip to the ACK of what arrived, two of patience, and from the probe's ACK on half another.
  CHECK(world.now() - begin < 2 * 200ms + 200ms + 200ms + 200ms);
}

}  // namespace
}  // namespace sluice::test
