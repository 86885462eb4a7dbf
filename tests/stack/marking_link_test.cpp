// Two stacks over a bottleneck that marks instead of dropping (RFC 3168, RFC 9768): nothing is lost, and the queue
// stays short.
#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "tests/support/world.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using tcp::Counter;

/// 10 Mbit/s and 20 ms there and back: 25 000 bytes fill it. Above 15 000 waiting bytes it marks, above 100 000 it
/// drops.
WorldSettings bottleneck(Family family = Family::ipv4) {
  WorldSettings settings;
  settings.family = family;
  settings.to_right.delay = settings.to_left.delay = 10ms;
  settings.to_right.rate = 1'250'000;
  settings.to_right.queue_bytes = 100'000;
  settings.to_right.mark_above = 15'000;
  return settings;
}

tcp::Options asking(bool accurate) {
  tcp::Options options;
  options.ecn = tcp::EcnPolicy::active;
  options.accurate_ecn = accurate;
  options.send_buffer = 1 << 20;
  options.receive_buffer = 1 << 20;
  return options;
}

tcp::OpenOptions opening(bool accurate) {
  return {.congestion = tcp::CongestionControl::reno, .options = asking(accurate)};
}

tcp::ListenOptions listening(bool accurate) {
  return {.congestion = tcp::CongestionControl::reno, .options = asking(accurate)};
}

/// The longest that a packet waited: a round trip without the way itself.
struct Outcome {
  std::uint64_t retransmissions, reductions, marks;
  Duration longest_wait, took;
};

Outcome send(World& world, const tcp::OpenOptions& open, const tcp::ListenOptions& listen, std::uint64_t bytes) {
  auto sockets = world.connect(80, open, listen);
  tcp::Socket& left = sockets.first;
  Transfer transfer(left, sockets.second, bytes);
  Duration longest{};
  world.on_step = [&] {
    transfer.step();
    // After slow start, which overshoots before the first mark is heard of.
    if (transfer.received() > bytes / 4) longest = std::max(longest, left.info()->srtt);
  };
  const Time begun = world.now();
  REQUIRE(world.run_until([&] { return transfer.done(); }, 5min));
  world.on_step = nullptr;
  auto& counters = world.left().tcp().counters();
  return {counters[Counter::retransmissions], counters[Counter::ecn_reductions],
          world.right().tcp().counters()[Counter::ce_received], longest - 20ms, world.now() - begun};
}

TEST_CASE(
    "a flow over a bottleneck that marks loses nothing, keeps the queue short, and fills the link "
    "[R3168-5-1, R3168-6.1.2-1, R3168-6.1.3-1]") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    for (const bool accurate : {false, true}) {
      CAPTURE(accurate);
      World world(bottleneck(family));
      const tcp::OpenOptions open = opening(accurate);
      const tcp::ListenOptions listen = listening(accurate);
      const Outcome outcome = send(world, open, listen, 6'000'000);
      CHECK(outcome.retransmissions == 0);
      CHECK(outcome.reductions > 5);
      CHECK(outcome.marks >= outcome.reductions);
      CHECK(outcome.longest_wait < 25ms);  // 100 000 bytes would be 80 ms
      CHECK(outcome.took < 6s);            // 4.8 s at the rate of the link
    }
  }
}

TEST_CASE("without ECN the same bottleneck fills its queue and drops") {
  World world(bottleneck());
  tcp::OpenOptions open = opening(false);
  open.options.ecn = tcp::EcnPolicy::passive;
  const tcp::ListenOptions listen = listening(false);
  const Outcome outcome = send(world, open, listen, 6'000'000);
  CHECK(outcome.retransmissions > 0);
  CHECK(outcome.reductions == 0);
  CHECK(outcome.marks == 0);
  CHECK(outcome.longest_wait > 40ms);
}

TEST_CASE("two flows share a bottleneck that marks [R3168-5-1]") {
  for (const bool accurate : {false, true}) {
    CAPTURE(accurate);
    WorldSettings settings = bottleneck();
    settings.to_left.jitter = 4ms;  // without it the two keep step, and marks hit the same one again and again
    World world(settings);
    const tcp::OpenOptions open = opening(accurate);
    const tcp::ListenOptions listen = listening(accurate);
    auto first = world.connect(80, open, listen);
    auto second = world.connect(81, open, listen);
    Transfer one(first.first, first.second, 1 << 30), other(second.first, second.second, 1 << 30);
    world.on_step = [&] {
      one.step();
      other.step();
    };
    world.run_for(60s);
    const std::uint64_t total = one.received() + other.received();
    CHECK(total > 60'000'000);  // of 75 MB
    CHECK(std::min(one.received(), other.received()) * 10 > total * 3);
    CHECK(world.left().tcp().counters()[Counter::retransmissions] == 0);
    world.on_step = nullptr;
  }
}

TEST_CASE("marks and losses together: every byte arrives, whichever ECN [R3168-6.1.5-1, 9768 3.2.2.5]") {
  for (const bool accurate : {false, true}) {
    for (std::uint64_t stream = 0; stream < 4; ++stream) {
      CAPTURE(accurate);
      CAPTURE(stream);
      WorldSettings settings = bottleneck();
      settings.stream = stream;
      settings.to_right.mark = settings.to_left.mark = 0.05;
      settings.to_right.loss = settings.to_left.loss = 0.01;
      settings.to_right.reorder = 0.02;
      World world(settings);
      const tcp::OpenOptions open = opening(accurate);
      const tcp::ListenOptions listen = listening(accurate);
      (void)send(world, open, listen, 500'000);
    }
  }
}

}  // namespace
}  // namespace sluice::test
