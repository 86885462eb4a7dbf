// A flood of forged SYNs, and a client that wants in: $SLUICE_FLOOD says how many SYNs, else a hundred thousand.
#include <doctest/doctest.h>
#include <malloc.h>

#include <cstdlib>
#include <optional>

#include "stack/tcp/environment.hpp"
#include "tests/support/world.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using tcp::Counter;

std::uint64_t flood_size() {
  const char* wish = std::getenv("SLUICE_FLOOD");
  return wish ? std::strtoull(wish, nullptr, 10) : 100'000;
}

std::size_t allocated() { return mallinfo2().uordblks; }

/// The right host listens; SYNs from everywhere reach it past the link, and what answers them is nobody's.
struct Flood : World {
  Flood() {
    take_packet = [this](bool to_right, Bytes packet) {
      return !to_right && IpAddress::from_bytes(packet.subspan(16, 4)) != left_address();
    };
  }

  std::vector<std::uint8_t> forged_bytes(std::uint8_t flags, std::uint32_t seq) {
    const std::uint32_t source = 0x0b000000u + random.below(1u << 24);  // 11/8
    const std::array<std::uint8_t, 4> address = {
        static_cast<std::uint8_t>(source >> 24), static_cast<std::uint8_t>(source >> 16),
        static_cast<std::uint8_t>(source >> 8), static_cast<std::uint8_t>(source)};
    tcp::ControlSegment segment;
    segment.tuple = {{IpAddress::from_bytes(address), static_cast<std::uint16_t>(1 + random.below(65535))},
                     {right_address(), 80}};
    segment.header.flags = flags;
    segment.header.seq = seq;
    segment.header.window = 65535;
    segment.header.options.mss = 1460;
    std::vector<std::uint8_t> bytes(ip::kMaximumHeader + wire::tcp::kMaximumHeader);
    bytes.resize(tcp::write_control_segment(bytes, segment));
    return bytes;
  }
  Packet forged(std::uint8_t flags, std::uint32_t seq) { return Packet::copy_of(pool, forged_bytes(flags, seq)); }

  void burst(std::size_t count) {
    std::vector<Packet> batch;
    for (std::size_t i = 0; i < count; ++i) batch.push_back(forged(wire::tcp::syn, random.u32()));
    right().receive(batch, now());
    settle();
  }

  Random random{run_key(20), KeyUse::test};
  BufferPool pool;
};

TEST_CASE(
    "a flood of forged SYNs costs no memory, and a real client gets through it "
    "[A-TCP-20, R4987-3.5-1, R4987-3.7-1]") {
  Flood world;
  auto listener = world.right().listen({world.right_address(), 80});
  REQUIRE(listener);
  const std::uint64_t total = flood_size();
  constexpr std::uint64_t kBurst = 50;
  std::optional<tcp::Socket> client, server;
  std::optional<Transfer> transfer;
  std::size_t memory = 0;
  bool done = false;
  world.on_step = [&] {
    if (auto accepted = listener->accept(); accepted && !server) {
      server = std::move(*accepted);
      transfer.emplace(*client, *server, 300'000);
    }
    if (transfer && !done) transfer->step();
  };
  for (std::uint64_t sent = 0; sent < total; sent += kBurst) {
    world.burst(kBurst);
    world.run_for(100us);
    CHECK_UNARY(world.right().tcp().half_open_count() <= 128);
    CHECK_UNARY(world.right().memory().used() < 1 << 20);
    if (sent == total / 10 / kBurst * kBurst) memory = allocated();
    if (sent == total / 5 / kBurst * kBurst) {
      CHECK(allocated() <= memory + 64 * 1024);
      auto made = world.left().connect({world.right_address(), 80});
      REQUIRE(made);
      client = std::move(*made);
    }
    if (transfer && transfer->done() && !done) {
      done = true;
      CHECK(server->info()->window_scaling);
      CHECK(server->info()->sack);
      transfer.reset();
      client->abort();
      world.settle();
      client.reset();
      server.reset();
      memory = allocated();  // with the blocks that the transfer left in the pools
    }
  }
  CHECK(done);  // before the flood was over
  CHECK(allocated() <= memory + 64 * 1024);
  CHECK(world.right().tcp().counters()[Counter::syn_cookies_accepted] == 1);
  CHECK(world.right().tcp().counters()[Counter::syn_cookies_sent] > total / 2);
  CHECK(world.right().tcp().counters()[Counter::drop_syn_backlog] == 0);
}

TEST_CASE("SYN and RST in turn leave nothing behind [A-TCP-20, A-TCP-22]") {
  Flood world;
  auto listener = world.right().listen({world.right_address(), 80});
  REQUIRE(listener);
  std::size_t memory = 0;
  for (int i = 0; i < 40'000; ++i) {
    if (i == 4000) memory = allocated();
    std::vector<std::uint8_t> bytes = world.forged_bytes(wire::tcp::syn, 1000);
    Packet syn = Packet::copy_of(world.pool, bytes);
    REQUIRE(bytes.size() == 44);
    std::uint8_t* const header = bytes.data() + 20;
    ++header[7];  // its sequence number
    header[13] = wire::tcp::rst;
    Packet reset = Packet::copy_of(world.pool, bytes);
    reset.checksum_known_good = true;
    std::array<Packet, 2> batch = {std::move(syn), std::move(reset)};
    world.right().receive(batch, world.now());
    if (i % 50 == 0) world.settle();
  }
  CHECK(world.right().tcp().half_open_count() == 0);
  CHECK(world.right().tcp().counters()[Counter::resets_in] == 40'000);
  CHECK(allocated() <= memory + 64 * 1024);
}

}  // namespace
}  // namespace sluice::test
