// Packets that come to the wrong shard: copied, bounded, counted, and safe between threads.
#include "tun/hand_over.hpp"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "tests/ip/host.hpp"
#include "tests/tun/twins.hpp"

namespace sluice::tun {
namespace {

constexpr std::uint8_t kCount = 2;
const IpAddress kUs = *IpAddress::parse("10.0.0.1");
const IpAddress kPeer = *IpAddress::parse("10.0.0.2");

Time real_time() noexcept { return monotonic_now(); }
Time frozen() noexcept { return Time(std::chrono::hours(1)); }

/// A shard of the host 10.0.0.1, over a socket whose other end the test holds.
struct Shard {
  Shard(std::uint8_t number, Time (*clock)() noexcept)
      : ends(packet_pair()),
        stack(shard_of(host("10.0.0.1/24", 1), {number, kCount})),
        device(std::move(ends[0]), 1500),
        loop(stack, device, {.drain = Duration(0), .clock = clock}),
        socket(*stack.bind_udp({kUs, 7})) {}

  void arrive(const ip::Octets& packet) const {
    REQUIRE(::send(ends[1].number(), packet.data(), packet.size(), 0) == static_cast<ssize_t>(packet.size()));
  }

  std::array<Fd, 2> ends;
  Stack stack;
  FdDevice device;
  EventLoop loop;
  udp::Socket socket;
};

struct Shards {
  explicit Shards(Time (*clock)() noexcept = frozen) : one(0, clock), other(1, clock) {}

  Shard one;
  Shard other;
  std::array<EventLoop*, kCount> loops{&one.loop, &other.loop};
  HandOver hand_over{loops};
};

/// From `port` of the peer to our port 7.
ip::Octets datagram(std::uint16_t port, std::size_t size = 8) {
  ip::Octets udp(8 + size);
  ByteWriter writer(udp);
  for (const std::size_t field : {std::size_t{port}, std::size_t{7}, udp.size(), std::size_t{0}})
    writer.u16(static_cast<std::uint16_t>(field));
  return ip::packet4(17, udp, kUs, kPeer);
}

bool belongs_to(const Shard& shard, std::uint16_t port) {
  Stack& stack = const_cast<Stack&>(shard.stack);
  return stack.ip().shard().home_of(datagram(port)).shard == stack.ip().shard().number();
}

std::set<std::uint16_t> heard(udp::Socket& socket) {
  std::set<std::uint16_t> ports;
  for (udp::Received one; *socket.receive({&one, 1}) == 1;) ports.insert(one.from.port);
  return ports;
}

}  // namespace

TEST_CASE("what comes to the wrong shard is heard by the right one in its next turn, and by nobody else") {
  Shards shards;
  std::set<std::uint16_t> to_one, to_other;
  for (std::uint16_t port = 1; port <= 40; ++port) {
    shards.one.arrive(datagram(port));
    (belongs_to(shards.one, port) ? to_one : to_other).insert(port);
  }
  REQUIRE(shards.one.loop.turn());
  REQUIRE(shards.other.loop.turn());
  CHECK(heard(shards.one.socket) == to_one);
  CHECK(heard(shards.other.socket) == to_other);
  CHECK(to_other.size() > 5);
  CHECK(shards.hand_over.counters(0)[HandOverCounter::handed_over] == to_other.size());
  CHECK(shards.hand_over.counters(1)[HandOverCounter::taken_over] == to_other.size());
  CHECK(shards.hand_over.counters(1)[HandOverCounter::handed_over] == 0);
  CHECK(shards.hand_over.counters(0)[HandOverCounter::drop_hand_over_full] == 0);
}

TEST_CASE("a shard that does not turn holds so many packets and no more, and who has to drop one counts it") {
  Shards shards;
  std::uint16_t foreign = 1;
  while (!belongs_to(shards.other, foreign)) ++foreign;
  const std::uint64_t sent = HandOver::kMaximumPackets + 100;
  for (std::uint64_t i = 0; i < sent; ++i) {
    shards.one.arrive(datagram(foreign));
    if (i % 32 == 31) REQUIRE(shards.one.loop.turn());
  }
  REQUIRE(shards.one.loop.turn());
  const auto& counters = shards.hand_over.counters(0);
  CHECK(counters[HandOverCounter::handed_over] == HandOver::kMaximumPackets);
  CHECK(counters[HandOverCounter::drop_hand_over_full] == 100);
  REQUIRE(shards.other.loop.turn());
  CHECK(shards.hand_over.counters(1)[HandOverCounter::taken_over] == HandOver::kMaximumPackets);

  // And there is room again.
  shards.one.arrive(datagram(foreign));
  REQUIRE(shards.one.loop.turn());
  CHECK(counters[HandOverCounter::handed_over] == HandOver::kMaximumPackets + 1);
}

TEST_CASE("an inbox is bounded in bytes, too") {
  Shards shards;
  std::uint16_t foreign = 1;
  while (!belongs_to(shards.other, foreign)) ++foreign;
  const ip::Octets packet = datagram(foreign, 1400);
  const std::uint64_t fit = HandOver::kMaximumBytes / packet.size();
  REQUIRE(fit > HandOver::kMaximumPackets);  // so that at this size the number rules
  BufferPool pool;
  const ip::Octets large = datagram(foreign, 60000);
  for (int i = 0; i < 200; ++i) {
    Packet whole = Packet::copy_of(pool, large);
    shards.one.stack.receive({&whole, 1}, frozen());
  }
  REQUIRE(shards.one.loop.turn());
  CHECK(shards.hand_over.counters(0)[HandOverCounter::handed_over] == HandOver::kMaximumBytes / large.size());
  CHECK(shards.hand_over.counters(0)[HandOverCounter::drop_hand_over_full] ==
        200 - HandOver::kMaximumBytes / large.size());
}

TEST_CASE("a super-segment is still one on the other side") {
  Shards shards;
  std::uint16_t foreign = 1;
  while (!belongs_to(shards.other, foreign)) ++foreign;
  BufferPool pool;
  Packet row = Packet::copy_of(pool, datagram(foreign, 3000));
  row.checksum_known_good = true;
  row.stand_for(3000, 1000);
  shards.one.stack.receive({&row, 1}, frozen());
  REQUIRE(shards.one.loop.turn());
  REQUIRE(shards.other.loop.turn());
  CHECK(shards.other.stack.udp().counters()[udp::Counter::datagrams_in] == 3);
}

TEST_CASE("two threads hand packets to each other, all arrive, and both end") {
  Shards shards(real_time);
  constexpr std::uint16_t kPorts = 400;
  std::atomic<int> received{0};
  std::array<std::set<std::uint16_t>, kCount> seen;
  std::array<Shard*, kCount> both{&shards.one, &shards.other};
  for (std::size_t i = 0; i < kCount; ++i)
    both[i]->loop.on(both[i]->socket, [&, i](Readiness) {
      for (const std::uint16_t port : heard(both[i]->socket)) {
        seen[i].insert(port);
        if (++received < kPorts) continue;
        for (Shard* const shard : both) shard->loop.post([shard] { shard->loop.stop(); });
      }
    });
  std::vector<std::thread> threads;
  for (Shard* const shard : both) threads.emplace_back([shard] { (void)shard->loop.run(); });
  // Each to the shard that it does not belong to, no faster than the socket takes them.
  for (std::uint16_t port = 1; port <= kPorts; ++port) {
    Shard& wrong = belongs_to(shards.one, port) ? shards.other : shards.one;
    const ip::Octets packet = datagram(port);
    while (::send(wrong.ends[1].number(), packet.data(), packet.size(), 0) < 0) std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(received == kPorts);
  for (std::uint16_t port = 1; port <= kPorts; ++port) {
    CHECK(seen[0].contains(port) == belongs_to(shards.one, port));
    CHECK(seen[1].contains(port) == belongs_to(shards.other, port));
  }
  const auto count = [&](HandOverCounter which) {
    return shards.hand_over.counters(0)[which] + shards.hand_over.counters(1)[which];
  };
  CHECK(count(HandOverCounter::handed_over) == kPorts);
  CHECK(count(HandOverCounter::taken_over) == kPorts);
}

}  // namespace sluice::tun
