// Buffers that follow the speed of a connection, over long fat links; and paths that swallow large packets.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/pair.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using tcp::Counter;

// 100 Mbit/s and 100 ms: more than a megabyte is on its way.
struct Fat {
  explicit Fat(const tcp::Options& sender = {}, const tcp::Options& receiver = {}) : world(settings()) {
    std::tie(left, right) = world.connect(80, {.options = sender}, {.options = receiver});
  }
  static WorldSettings settings() {
    WorldSettings settings;
    settings.to_left.delay = settings.to_right.delay = 50ms;
    settings.to_right.rate = 12'500'000;
    settings.to_right.queue_packets = 2000;
    return settings;
  }
  // How long so many bytes take.
  Duration move(std::uint64_t bytes) {
    Transfer transfer(left, right, bytes);
    world.on_step = [&] { transfer.step(); };
    const Time begun = world.now();
    REQUIRE(world.run_until([&] { return transfer.done(); }, 1h));
    world.on_step = nullptr;
    return world.now() - begun;
  }
  World world;
  tcp::Socket left, right;
};

TEST_CASE("a long fat link is filled without a word about buffers") {
  Fat fat;
  CHECK(fat.move(20'000'000) < 4s);  // 1.6 s of it at full speed
  CHECK(fat.right.info()->receive_buffer >= std::size_t{2} << 20);
  CHECK(fat.right.info()->receive_buffer <= std::size_t{6} << 20);
  CHECK(fat.left.info()->send_buffer >= std::size_t{2} << 20);
  CHECK(fat.left.info()->send_buffer <= std::size_t{4} << 20);
}

TEST_CASE("a buffer of a given size, or with a small maximum, is the limit that it was asked to be") {
  Fat fixed({}, {.receive_buffer = 256 << 10});
  CHECK(fixed.move(5'000'000) > 1800ms);
  CHECK(fixed.right.info()->receive_buffer == 256 << 10);
  Fat bounded({}, {.receive_buffer_maximum = 400'000});
  bounded.move(5'000'000);
  CHECK(bounded.right.info()->receive_buffer == 400'000);
  Fat writer({.send_buffer = 256 << 10}, {});
  CHECK(writer.move(5'000'000) > 1800ms);
}

TEST_CASE("what a slow link needs is what there is") {
  WorldSettings settings;
  settings.to_right.rate = 200'000;
  settings.to_right.queue_packets = 20;
  Pair pair(settings);
  pair.move(500'000);
  CHECK(pair.right.info()->receive_buffer == 256 << 10);
  CHECK(pair.left.info()->send_buffer <= 512 << 10);
}

// --- paths that swallow what is too large, without a word --------------------------------------------------------

struct Hole {
  Hole(Pair& pair, std::size_t passes) : width(passes) {
    pair.world.take_packet = [this](bool, Bytes packet) {
      largest = std::max(largest, packet.size() <= this->width ? packet.size() : 0);
      swallowed += packet.size() > this->width;
      return packet.size() > this->width;
    };
  }
  std::size_t width;
  std::size_t largest = 0;
  std::uint64_t swallowed = 0;
};

std::uint64_t black_holes(Pair& pair) { return pair.world.left().tcp().counters()[Counter::path_mtu_black_holes]; }

WorldSettings of(Family family) {
  WorldSettings settings;
  settings.family = family;
  return settings;
}

TEST_CASE("a path that swallows large packets from the start is passed, and its width found [R4821-7-5, R8899-4.3-1]") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    for (const std::size_t width : {1300u, 1400u, 1492u}) {
      CAPTURE(width);
      Pair pair(of(family));
      Hole hole(pair, width);
      pair.move(1'000'000);
      CHECK(black_holes(pair) == 1);
      for (int i = 0; i < 30; ++i) {
        pair.move(300'000);
        pair.world.run_for(10s);
      }
      CHECK(hole.largest + 16 > width);
      CHECK(pair.left.info()->path_mtu + 16 > width);
      const std::uint64_t swallowed = hole.swallowed;
      pair.move(1'000'000);
      CHECK(hole.swallowed == swallowed);  // found
    }
  }
}

TEST_CASE(
    "it may begin to do so in the middle, and stop: ten minutes later large packets pass again [R8899-5.1.1-2, "
    "R4821-7-4]") {
  Pair pair;
  Hole hole(pair, 1500);
  pair.move(500'000);
  CHECK(hole.largest == 1500);
  hole.width = 1300;
  pair.move(1'000'000);
  CHECK(black_holes(pair) == 1);
  for (int i = 0; i < 30; ++i) {
    pair.move(300'000);
    pair.world.run_for(10s);
  }
  hole.width = 1500;
  pair.world.run_for(11min);
  pair.move(500'000);
  CHECK(pair.left.info()->path_mtu == 1500);
}

TEST_CASE(
    "asked for always, the width is found without one timeout, up to jumbo frames [R8899-5.2-1, R8899-3-1, "
    "R8899-3-6]") {
  for (const std::size_t width : {1200u, 1400u, 4000u, 9000u}) {
    CAPTURE(width);
    WorldSettings settings;
    settings.mtu = 9000;
    Pair pair(settings, {.options = {.path_mtu_probing = tcp::PathMtuProbing::always}});
    Hole hole(pair, width);
    for (int i = 0; i < 60; ++i) {
      pair.move(150'000);
      pair.world.run_for(20s);
    }
    const auto& counters = pair.world.left().tcp().counters();
    CHECK(pair.left.info()->path_mtu <= width);
    CHECK(pair.left.info()->path_mtu + 16 > width);
    CHECK(counters[Counter::timeouts] == 0);
    CHECK(counters[Counter::fast_retransmits] == 0);
    CHECK(hole.swallowed == counters[Counter::mtu_probes_lost]);
  }
}

}  // namespace
}  // namespace sluice::test
