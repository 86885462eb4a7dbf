// A World with one connection, 10 ms apart, whose packets are kept: two ends to be brought into trouble.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/support/segment_view.hpp"
#include "tests/support/world.hpp"

namespace sluice::test {

/// Packets with their direction: true = to the right.
using Packets = std::vector<std::pair<bool, std::vector<std::uint8_t>>>;

inline std::vector<std::uint8_t> as_vector(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

/// Nothing is under way when it is made.
struct Pair {
  explicit Pair(const WorldSettings& settings = {}, const tcp::OpenOptions& open = {},
                const tcp::ListenOptions& listen = {})
      : world(slowed(settings)) {
    world.on_packet = [this](bool to_right, Bytes packet) { seen.emplace_back(to_right, as_vector(packet)); };
    std::tie(left, right) = world.connect(80, open, listen);
    world.run_for(std::chrono::seconds(1));
  }
  static WorldSettings slowed(WorldSettings settings) {
    settings.to_left.delay = settings.to_right.delay = std::chrono::milliseconds(10);
    return settings;
  }

  /// Moves bytes one way, to the end of their ACKs.
  void move(std::uint64_t bytes, bool to_right = true) {
    Transfer transfer(to_right ? left : right, to_right ? right : left, bytes);
    world.on_step = [&] { transfer.step(); };
    REQUIRE(world.run_until([&] { return transfer.done(); }));
    world.on_step = nullptr;
    world.run_for(std::chrono::seconds(1));
  }
  /// Packets that leave both stacks in this time.
  std::uint64_t packets_in(Duration time) {
    const std::uint64_t before = world.packets();
    world.run_for(time);
    return world.packets() - before;
  }
  /// One host loses its memory without a word.
  void forget(bool right_host) {
    world.take_packet = [](bool, Bytes) { return true; };
    (right_host ? right : left) = {};
    world.run_for(std::chrono::seconds(1));
    world.restart(right_host);
    world.take_packet = nullptr;
  }
  /// The last packet that a side sent, as it would look with other numbers.
  SegmentView last_from(bool left_side) const {
    for (auto at = seen.rbegin(); at != seen.rend(); ++at)
      if (at->first == left_side) return *open_segment(at->second);
    return {};
  }

  World world;
  Packets seen;
  tcp::Socket left;
  tcp::Socket right;
};

}  // namespace sluice::test
