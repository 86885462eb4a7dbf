// Zero, shrinking and scaled windows between two whole stacks: readers that stall and read oddly, buffers changed on
// the way, updates and probes lost. One stack's rules are in tests/tcp/script_{window,persist,small}_test.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "tests/support/pair.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using tcp::Counter;

Pair with_buffer(std::size_t receive_buffer, Family family = Family::ipv4) {
  WorldSettings settings;
  settings.family = family;
  return Pair(settings, {}, {.options = {.receive_buffer = receive_buffer}});
}

// The left writes without rest; the right reads sizes[0], sizes[1], … bytes, one size each `pause`, over and over.
struct Pour {
  Pair& pair;
  std::uint64_t total;
  std::vector<std::size_t> sizes;
  Duration pause;
  std::function<void(std::size_t turn)> each_turn = [](std::size_t) {};
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::size_t turns = 0;

  void run() {
    for (; received < total; ++turns) {
      REQUIRE(turns < 200'000);
      write();
      pair.world.run_for(pause);
      read(sizes[turns % sizes.size()]);
      each_turn(turns);
    }
  }
  void write() {
    while (sent < total && pair.left.writable() > 0) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>({total - sent, pair.left.writable(), 65536}));
      sent += pair.left.write(pattern(7, sent, size)).value_or(0);
    }
  }
  void read(std::size_t size) {
    std::vector<std::uint8_t> room(size);
    const std::size_t count = pair.right.read(room).value_or(0);
    for (std::size_t i = 0; i < count; ++i)
      if (room[i] != pattern_byte(7, received + i)) FAIL("byte ", received + i, " is wrong");
    received += count;
  }
};

TEST_CASE("a reader that stalls and reads in odd sizes gets every byte, at each window scale [R7323-2.3-1, MUST-39]") {
  for (int scale = 0; scale <= 14; ++scale) {
    CAPTURE(scale);
    const std::size_t buffer = scale == 0 ? 5000 : (std::size_t{65535} << scale) - 1000;
    Pair pair = with_buffer(buffer);
    CHECK(pair.right.info()->receive_scale == scale);
    Pour pour{pair, 200'000, {1, 0, 7000, 0, 0, 13, 1499, 65536, 3, 40000}, 30ms};
    pour.run();
    CHECK(pair.world.left().tcp().counters()[Counter::retransmissions] == 0);
  }
}

// What the right promises: the right edge of its window as each of its segments tells it.
struct Promises {
  explicit Promises(Pair& pair) : scale_(pair.right.info()->receive_scale) {
    const SegmentView last = pair.last_from(false);
    last_ack_ = last.header.ack;
    edge_ = last_ack_ + (std::uint32_t{last.header.window} << (last.has(wire::tcp::syn) ? 0 : scale_));
  }
  /// Looks at a packet of the right; true = it only opens a window that was closed.
  bool see(Bytes packet) {
    const SegmentView segment = *open_segment(packet);
    const std::uint32_t edge = segment.header.ack + (std::uint32_t{segment.header.window} << scale_);
    const auto moved = static_cast<std::int32_t>(edge - edge_);
    CHECK_MESSAGE(moved > -(1 << scale_), "the right edge goes back by rounding at most");
    if (moved > 0) smallest_step = std::min(smallest_step, static_cast<std::uint32_t>(moved));
    const bool opens = closed_ && segment.header.window > 0 && segment.header.ack == last_ack_;
    closed_ = segment.header.window == 0;
    if (moved > 0) edge_ = edge;
    last_ack_ = segment.header.ack;
    openings += opens;
    return opens;
  }
  std::uint64_t openings = 0;
  std::uint32_t smallest_step = 0xffffffff;

 private:
  std::uint8_t scale_;
  std::uint32_t edge_;
  std::uint32_t last_ack_;
  bool closed_ = false;
};

// Calls for each packet on its way; true = lost.
void lose_if(Pair& pair, std::function<bool(bool to_right, Bytes packet)> lost) {
  pair.world.take_packet = std::move(lost);
}

TEST_CASE("a buffer that changes on the way never takes a promise back, and nothing is lost [SHLD-14, MUST-39]") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    Pair pair = with_buffer(60'000, family);
    Promises promises(pair);
    lose_if(pair, [&](bool to_right, Bytes packet) { return !to_right && (promises.see(packet), false); });
    Pour pour{pair, 400'000, {3000, 0, 9000, 50'000, 1, 0, 0, 20'000}, 25ms};
    const std::array<std::size_t, 6> buffers = {2048, 60'000, 4096, 30'000, 2500, 65'000};
    pour.each_turn = [&](std::size_t turn) {
      tcp::Options options = *pair.right.options();
      options.receive_buffer = buffers[turn / 3 % buffers.size()];
      CHECK(pair.right.set_options(options));
    };
    pour.run();
    CHECK(pair.world.left().tcp().counters()[Counter::retransmissions] == 0);
  }
}

TEST_CASE("each update that opens the window is lost: probes find it open, in bounded time [MUST-35, MUST-36]") {
  for (const bool all : {false, true}) {
    Pair pair = with_buffer(8000);
    Promises promises(pair);
    std::uint64_t lost = 0;
    lose_if(pair, [&](bool to_right, Bytes packet) {
      const bool drop = !to_right && promises.see(packet) && (all || promises.openings % 2 == 1);
      lost += drop;
      return drop;
    });
    Pour pour{pair, 100'000, {0, 8000}, 200ms};
    pour.run();
    CHECK(lost >= 5);
    CHECK(pair.world.left().tcp().counters()[Counter::window_probes] >= lost);
    CHECK(pour.turns <= 30);
  }
}

TEST_CASE("probes are lost, and their answers: the next one gets through [MUST-36, SHLD-29, SHLD-30]") {
  for (const bool answers : {false, true}) {
    Pair pair = with_buffer(8000);
    Promises promises(pair);
    std::uint64_t probes = 0, lost = 0;
    bool probed = false;
    lose_if(pair, [&](bool to_right, Bytes packet) {
      if (!to_right) {
        const bool opens = promises.see(packet);  // lost too, or there would be nothing to find out
        const bool answer = std::exchange(probed, false) && answers && probes % 3 != 0;
        lost += answer;
        return opens || answer;
      }
      probed = open_segment(packet)->text == 1;
      probes += probed;
      const bool drop = probed && !answers && probes % 3 != 0;
      lost += drop;
      return drop;
    });
    Pour pour{pair, 60'000, {0, 0, 8000}, 500ms};
    pour.run();
    CHECK(lost > 10);
    CHECK(pour.turns <= 30);
  }
}

TEST_CASE(
    "a reader of single bytes: the window opens by steps worth a segment, text comes in such [MUST-38, MUST-39]") {
  for (const std::size_t buffer : {2048u, 6000u, 20'000u}) {
    CAPTURE(buffer);
    Pair pair = with_buffer(buffer);
    Promises promises(pair);
    std::uint64_t texts = 0;
    lose_if(pair, [&](bool to_right, Bytes packet) {
      if (!to_right) promises.see(packet);
      texts += to_right && open_segment(packet)->text > 1;  // of one byte are probes
      return false;
    });
    const std::uint64_t total = 6'000 + buffer;
    Pour pour{pair, total, {1}, 1ms};
    pour.run();
    const auto step = static_cast<std::uint32_t>(std::min<std::size_t>(buffer / 2, 1448));
    CHECK(promises.smallest_step >= step);
    CHECK(texts <= total / step + total / 1448 + 2);
  }
}

TEST_CASE("a window that shrinks again and again, to nothing too, loses no byte [MUST-34, SHLD-16, SHLD-17]") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    Pair pair = with_buffer(60'000, family);
    const std::array<std::uint16_t, 5> offers = {60'000, 3000, 60'000, 0, 500};
    std::size_t acks = 0;
    lose_if(pair, [&](bool to_right, Bytes packet) {
      if (to_right) return false;
      SegmentView segment = *open_segment(packet);
      REQUIRE(segment.bare_ack());
      segment.header.window = std::min(segment.header.window, offers[acks++ / 3 % offers.size()]);
      pair.world.inject(false, forge(segment), 10ms);
      return true;
    });
    Pour pour{pair, 300'000, {60'000}, 20ms};
    pour.run();
    CHECK(pour.turns <= 200);
    CHECK(pair.left.error() == Errc::none);
  }
}

}  // namespace
}  // namespace sluice::test
