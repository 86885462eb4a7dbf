// Paths of every width, found at once or in the middle of a transfer, and damage to any bit, in both families (RFC
// 1191, RFC 8201, RFC 9293 3.1). What a single error does is in tests/tcp/script_icmp_test.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "tests/support/pair.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

// Both ways, with ends; the largest packet that passed.
std::size_t largest_packet(Pair& pair, std::uint64_t bytes) {
  const std::size_t before = pair.seen.size();
  pair.move(bytes, true);
  pair.move(bytes, false);
  std::size_t largest = 0;
  for (std::size_t i = before; i < pair.seen.size(); ++i) largest = std::max(largest, pair.seen[i].second.size());
  return largest;
}

TEST_CASE("text passes each interface MTU, in packets as large as that and no larger [9293 MUST-16, MUST-67, SHLD-6]") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const std::size_t first = family == Family::ipv4 ? 576 : 1280;
    for (std::size_t mtu = first; mtu <= 9000; mtu += mtu < 1500 ? 37 : 1250) {
      CAPTURE(mtu);
      WorldSettings settings;
      settings.family = family;
      settings.mtu = mtu;
      Pair pair(settings);
      CHECK(largest_packet(pair, 30'000) == mtu);
    }
  }
}

TEST_CASE("of two interface MTUs the smaller one rules [9293 MUST-14, MUST-16]") {
  // The right offers an MSS for its own MTU: the test plays a link whose ends differ by rewriting what it offers.
  for (const std::size_t mtu : {600u, 1000u, 1400u}) {
    World world(Pair::slowed({}));
    world.take_packet = [&](bool to_right, Bytes packet) {
      SegmentView segment = *open_segment(packet);
      if (to_right || !segment.has(wire::tcp::syn)) return false;
      segment.header.options.mss = static_cast<std::uint16_t>(mtu - 40);
      world.inject(false, forge(segment), 10ms);
      return true;
    };
    std::size_t largest = 0;
    world.on_packet = [&](bool to_right, Bytes packet) { largest = std::max(largest, to_right ? packet.size() : 0); };
    auto [left, right] = world.connect();
    Transfer transfer(left, right, 50'000);
    world.on_step = [&] { transfer.step(); };
    CHECK(world.run_until([&] { return transfer.done(); }));
    CHECK(largest == mtu);
  }
}

// A router on the way that lets no more than `mtu` pass, and says so.
struct Narrow {
  Pair& pair;
  std::size_t mtu;
  std::uint64_t from_packet = 0;  ///< of those counted here: it narrows in the middle
  bool says_size = true;
  std::uint64_t seen = 0;
  std::uint64_t dropped = 0;

  void install() {
    pair.world.take_packet = [this](bool to_right, Bytes packet) {
      ++seen;
      if (seen < from_packet || packet.size() <= mtu) return false;
      ++dropped;
      pair.world.inject(!to_right, too_big(packet, says_size ? mtu : 0), 10ms);
      return true;
    };
  }
};

TEST_CASE(
    "a path that is or becomes narrower is found by packet-too-big, and every byte arrives [R1191-3-1, R1191-6.4-1, "
    "R8201-4-2, R8201-5.4-1]") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const std::size_t first = family == Family::ipv4 ? 576 : 1280;
    for (std::size_t mtu = first; mtu < 1500; mtu += 44) {
      for (const std::uint64_t from_packet : {0u, 20u, 45u}) {
        CAPTURE(mtu);
        CAPTURE(from_packet);
        WorldSettings settings;
        settings.family = family;
        Pair pair(settings);
        Narrow narrow{pair, mtu, from_packet};
        narrow.install();
        pair.move(100'000);
        CHECK(narrow.dropped > 0);
        CHECK(narrow.dropped <= 100);  // what was in flight, and not again
        CHECK(pair.left.info()->send_mss + (family == Family::ipv4 ? 52 : 72) == mtu);
        // On a path that took larger packets before, the timer has its say first [R5927-7.2-1].
        CHECK(pair.world.left().tcp().counters()[tcp::Counter::timeouts] <= (from_packet == 0 ? 0 : 2));
        narrow.dropped = 0;
        pair.move(50'000);
        CHECK(narrow.dropped == 0);
      }
    }
  }
}

TEST_CASE("a path that narrows step by step, both ways at once, is followed [R1191-3-1]") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    WorldSettings settings;
    settings.family = family;
    Pair pair(settings);
    Narrow narrow{pair, 1500};
    narrow.install();
    for (const std::size_t mtu : {1492u, 1480u, 1400u, 1300u, 1280u}) {
      narrow.mtu = mtu;
      pair.move(40'000, true);
      pair.move(40'000, false);
    }
    CHECK(pair.left.info()->send_mss == pair.right.info()->send_mss);
    CHECK(narrow.dropped < 5 * 2 * 30);
  }
}

TEST_CASE("a router of old that doesn't say the width is followed down the plateaus [R1191-3-5]") {
  Pair pair;
  Narrow narrow{pair, 1000, 0, false};
  narrow.install();
  pair.move(100'000);
  CHECK(pair.left.info()->send_mss + 52 <= 1006);
  CHECK(pair.left.info()->send_mss >= 400);
}

// --- damage --------------------------------------------------------------------------------------------------------

// A packet with one bit turned over.
std::vector<std::uint8_t> flipped(std::vector<std::uint8_t> packet, std::size_t bit) {
  packet[bit / 8] ^= static_cast<std::uint8_t>(128 >> bit % 8);
  return packet;
}

// Of IPv6's header no sum covers the traffic class, the flow label and the hop limit.
bool is_uncovered(Family family, std::size_t bit) {
  return family == Family::ipv6 && ((bit >= 4 && bit < 32) || bit / 8 == 7);
}

// What a stack counts as dropped, by any name.
std::uint64_t drops(Stack& stack) {
  std::uint64_t sum = 0;
  for (int i = 0; i < static_cast<int>(ip::Counter::count); ++i)
    if (name(static_cast<ip::Counter>(i)).starts_with("drop_"))
      sum += stack.ip().counters()[static_cast<ip::Counter>(i)];
  for (int i = 0; i < static_cast<int>(tcp::Counter::count); ++i)
    if (name(static_cast<tcp::Counter>(i)).starts_with("drop_"))
      sum += stack.tcp().counters()[static_cast<tcp::Counter>(i)];
  return sum;
}

// What a host counts as dropped, by any name; what is malformed counts where it arrives.
std::uint64_t drops(World& world) {
  std::uint64_t sum = 0;
  for (const auto& stack : world.stacks(true)) sum += drops(*stack);
  return sum;
}

std::uint64_t bad_checksums(World& world) {
  std::uint64_t sum = 0;
  for (const auto& stack : world.stacks(true)) sum += stack->tcp().counters()[tcp::Counter::drop_bad_checksum];
  return sum;
}

TEST_CASE(
    "one bit turned over anywhere in a data packet: dropped under a name, and nothing of it is read [9293 MUST-3]") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    WorldSettings settings;
    settings.family = family;
    Pair pair(settings);
    std::vector<std::uint8_t> packet;
    pair.world.take_packet = [&](bool to_right, Bytes bytes) {
      if (to_right) packet = as_vector(bytes);
      return true;
    };
    CHECK(pair.left.write(pattern(7, 0, 100)).value_or(0) == 100);
    pair.world.settle();
    const std::size_t ip_bits = ip::header_size(family) * 8;
    REQUIRE(packet.size() == ip_bits / 8 + 32 + 100);
    for (std::size_t bit = 0; bit < packet.size() * 8; ++bit) {
      if (is_uncovered(family, bit)) continue;
      CAPTURE(bit);
      const std::uint64_t before = drops(pair.world), sums = bad_checksums(pair.world);
      pair.world.inject(true, flipped(packet, bit), 0s);
      pair.world.settle();
      CHECK(drops(pair.world) == before + 1);
      const bool in_offset = bit >= ip_bits + 96 && bit < ip_bits + 100;
      if (bit >= ip_bits && !in_offset) CHECK(bad_checksums(pair.world) == sums + 1);
      CHECK(pair.right.readable() == 0);
    }
    CHECK(pair.right.info()->segments_in == 1);  // only the handshake's ACK
    pair.world.take_packet = nullptr;
    pair.world.run_for(1s);
    CHECK(pair.right.readable() == 100);
    CHECK(std::equal(pair.right.peek().begin(), pair.right.peek().end(), pattern(7, 0, 100).begin()));
  }
}

TEST_CASE("every packet of whole conversations carries right checksums, whatever is lost on the way [9293 MUST-2]") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    WorldSettings settings;
    settings.family = family;
    settings.to_left.loss = settings.to_right.loss = 0.05;
    Pair pair(settings);
    pair.move(200'001, true);
    pair.move(7'777, false);
    pair.left.abort();
    pair.world.run_for(1s);
    CHECK(pair.seen.size() > 150);
    for (const auto& [to_right, bytes] : pair.seen) CHECK(checksums_hold(bytes));
    auto broken = pair.seen.back().second;
    CHECK_FALSE(checksums_hold(flipped(broken, 8 * broken.size() - 1)));
  }
}

}  // namespace
}  // namespace sluice::test
