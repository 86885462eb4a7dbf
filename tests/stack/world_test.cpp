// Whole stacks talking to each other over good and bad links.
#include <doctest/doctest.h>

#include <tuple>

#include "tests/support/world.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

lab::ImpairmentSettings delayed(Duration delay, double loss = 0, double reorder = 0) {
  lab::ImpairmentSettings link;
  link.delay = delay;
  link.loss = loss;
  link.reorder = reorder;
  link.reorder_by = 5ms;
  return link;
}

void transfer_both_ways(const WorldSettings& settings, std::uint64_t bytes, Duration limit = 30min) {
  World world(settings);
  tcp::Socket left, right;  // clang 14 captures no structured bindings
  std::tie(left, right) = world.connect();
  Transfer up(left, right, bytes, 1);
  Transfer down(right, left, bytes, 2);
  up.finish_when_sent = down.finish_when_sent = true;
  world.on_step = [&] {
    up.step();
    down.step();
  };
  REQUIRE(world.run_until([&] { return up.done() && down.done() && left.at_eof() && right.at_eof(); }, limit));
  world.on_step = nullptr;
  left.close();
  right.close();
  world.run_for(5min);
  CHECK(world.left().tcp().connection_count() == 0);
  CHECK(world.right().tcp().connection_count() == 0);
  CHECK(world.left().tcp().time_wait_count() == 0);
  CHECK(world.left().memory().used() == 0);
  CHECK(world.right().memory().used() == 0);
}

TEST_CASE("a megabyte goes each way over a clean link, in both families [9293 MUST-19]") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    WorldSettings settings;
    settings.family = family;
    settings.to_left = settings.to_right = delayed(5ms);
    transfer_both_ways(settings, 1 << 20);
  }
}

TEST_CASE("a megabyte goes each way over a link that loses and reorders, with and without SACK [R8985-6.2-6]") {
  for (const bool sack : {true, false}) {
    for (std::uint64_t stream = 0; stream < 8; ++stream) {
      CAPTURE(sack);
      CAPTURE(stream);
      WorldSettings settings;
      settings.stream = stream;
      settings.left_tcp.sack = sack;
      settings.to_left = settings.to_right = delayed(10ms, 0.02, 0.05);
      transfer_both_ways(settings, 1 << 20);
    }
  }
}

TEST_CASE("a megabyte goes each way in super-segments, of which the link loses and reorders single packets") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    for (std::uint64_t stream = 0; stream < 4; ++stream) {
      CAPTURE(stream);
      WorldSettings settings;
      settings.family = family;
      settings.stream = stream;
      settings.left_tcp.maximum_frame = settings.right_tcp.maximum_frame = 65535;
      settings.to_left = settings.to_right = delayed(10ms, 0.02, 0.05);
      transfer_both_ways(settings, 1 << 20);
    }
  }
}

TEST_CASE("text gets through a link that duplicates, corrupts and loses a tenth [9293 MUST-3]") {
  WorldSettings settings;
  settings.to_right = settings.to_left = delayed(3ms, 0.1, 0.1);
  settings.to_right.duplicate = settings.to_left.duplicate = 0.1;
  settings.to_right.corrupt = settings.to_left.corrupt = 0.05;
  transfer_both_ways(settings, 256 << 10);
}

TEST_CASE("an idle connection holds no buffers") {
  World world;
  auto [left, right] = world.connect();
  Transfer up(left, right, 1 << 20);
  world.on_step = [&] { up.step(); };
  REQUIRE(world.run_until([&] { return up.done(); }));
  world.run_for(1s);
  CHECK(world.left().memory().used() == 0);
  CHECK(world.right().memory().used() == 0);
}

}  // namespace
}  // namespace sluice::test
