// Whole lives of connections whose numbers pass 2^32 (or 2^31, where a sign would turn) at every interesting place: in
// the SYN, in the text, at a window's edge, at the FIN. The laws of the numbers are in tests/tcp/seq_test.cpp.
#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <tuple>

#include "tests/support/pair.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kText = 150'000;

// Bytes from the ISN to the number that is to be passed.
constexpr std::array<std::uint32_t, 14> kDistances = {0,         1,        2,      3,      100,     1448,
                                                      1449,      14'481,   65'535, 65'536, 100'000,
                                                      kText,  // the last byte of text is the last number
                                                      kText + 1, kText + 2};

using Isns = std::array<std::uint32_t, 2>;

// The ISNs of World::connect() in a world with these settings: the left's and the right's.
Isns isns_of(const WorldSettings& settings) {
  Pair pair(settings);
  return {open_segment(pair.seen[0].second)->header.seq, open_segment(pair.seen[1].second)->header.seq};
}

// The same settings with clocks that make the ISNs these [9293 MUST-8].
WorldSettings with_isns(WorldSettings settings, const Isns& wanted) {
  WorldSettings calm = settings;
  calm.to_left = calm.to_right = {};
  const Isns found = isns_of(calm);
  settings.left_clock = 4us * std::int64_t{wanted[0] - found[0]};
  settings.right_clock = 4us * std::int64_t{wanted[1] - found[1]};
  return settings;
}

// Both ways at once over a bad link, to the end of both FINs.
void live(const WorldSettings& settings, const Isns& isns) {
  WorldSettings bad = settings;
  for (lab::ImpairmentSettings* link : {&bad.to_left, &bad.to_right}) {
    link->loss = 0.02;
    link->reorder = 0.02;
    link->reorder_by = 4ms;
    link->duplicate = 0.01;
  }
  World world(Pair::slowed(bad));
  Isns seen{};
  world.on_packet = [&](bool to_right, Bytes packet) {
    const SegmentView segment = *open_segment(packet);
    if (segment.has(wire::tcp::syn)) seen[to_right ? 0 : 1] = segment.header.seq;
  };
  tcp::Socket left, right;
  std::tie(left, right) = world.connect();
  Transfer up(left, right, kText, 1), down(right, left, kText, 2);
  up.finish_when_sent = down.finish_when_sent = true;
  world.on_step = [&] { up.step(), down.step(); };
  REQUIRE(world.run_until([&] { return up.done() && down.done() && left.at_eof() && right.at_eof(); }, 1h));
  world.on_step = nullptr;
  CHECK(seen[0] == isns[0]);
  CHECK(left.error() == Errc::none);
  CHECK(right.error() == Errc::none);
  left.close();
  right.close();
  world.run_for(10min);
  CHECK(world.left().tcp().connection_count() + world.right().tcp().connection_count() == 0);
  CHECK(world.left().memory().used() + world.right().memory().used() == 0);
}

TEST_CASE("a connection lives through the wrap of either side's numbers, wherever it comes [9293 MUST-1, A-TCP-32]") {
  for (const bool sack : {true, false}) {
    for (const std::uint32_t top : {0u, 0x8000'0000u}) {
      for (const std::uint32_t distance : kDistances) {
        CAPTURE(sack);
        CAPTURE(top);
        CAPTURE(distance);
        WorldSettings settings;
        settings.left_tcp.sack = sack;
        settings.stream = distance;
        // The left's ISN lies so far before the top, the right's close to it.
        const Isns isns = {top - 1 - distance, top - 1 - distance / 2};
        live(with_isns(settings, isns), isns);
      }
    }
  }
}

TEST_CASE("over a clean link the wrap costs not a single packet more [9293 MUST-1]") {
  std::uint64_t packets = 0;
  for (const std::uint32_t distance : {1'000'000'000u, 0u, 1u, 1000u, 65'536u, 200'000u}) {
    CAPTURE(distance);
    const Isns isns = {0u - 1 - distance, 0u - 1 - distance};
    WorldSettings settings;
    Pair pair(with_isns(settings, isns));
    CHECK(open_segment(pair.seen[0].second)->header.seq == isns[0]);
    CHECK(open_segment(pair.seen[1].second)->header.seq == isns[1]);
    pair.move(400'000, true);
    pair.move(400'000, false);
    CHECK(pair.left.info()->retransmissions == 0);
    CHECK(pair.right.info()->retransmissions == 0);
    if (packets == 0) packets = pair.world.packets();
    CHECK(pair.world.packets() == packets);
  }
}

TEST_CASE(
    "with the largest windows, a gigabyte, numbers are told apart all around the circle [R7323-2.3-1, R7323-2.3-3]") {
  for (std::uint32_t eighth = 0; eighth < 8; ++eighth) {
    CAPTURE(eighth);
    const Isns isns = {eighth * 0x2000'0000u - 5000, eighth * 0x2000'0000u + 0x1fff'f000u};
    WorldSettings settings;
    Pair pair(with_isns(settings, isns), {.options = {.receive_buffer = std::size_t{1} << 30}},
              {.options = {.receive_buffer = std::size_t{1} << 30}});
    CHECK(pair.left.info()->send_scale == 14);
    pair.move(100'000, true);
    pair.move(100'000, false);
    CHECK(pair.left.info()->retransmissions + pair.right.info()->retransmissions == 0);
  }
}

}  // namespace
}  // namespace sluice::test
