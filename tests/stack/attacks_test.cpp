// What a third party does to a connection that it can't see, or to the link below it (attacks.tsv): forged segments are
// sprayed over all numbers that they could have. Peers that lie are in tests/tcp/script_attack_test.cpp.
#include <doctest/doctest.h>

#include <vector>

#include "tests/support/pair.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
namespace flag = wire::tcp;
using tcp::Counter;

constexpr std::uint64_t kNumbers = std::uint64_t{1} << 32;

// Forged segments from the left to the right, about a conversation that goes on all the while.
struct Blind {
  Blind() : transfer(pair.left, pair.right, 3'000'000) {
    pair.move(100'000);
    truth = pair.last_from(true);
    window = pair.right.info()->receive_window;
    pair.seen.clear();
  }
  /// One that carries these flags at this distance from RCV.NXT.
  SegmentView segment(std::uint8_t flags, std::uint64_t ahead) const {
    SegmentView one = truth;
    one.header.flags = flags;
    one.header.seq = truth.end() + static_cast<std::uint32_t>(ahead);
    one.text = 0;
    return one;
  }
  void send(const SegmentView& one) {
    pair.world.inject(true, forge(one));
    pair.world.run_for(50us);
    ++sent;
  }
  /// The connection is as if nothing had come.
  void expect_unharmed() {
    CHECK(pair.left.error() == Errc::none);
    CHECK(pair.right.error() == Errc::none);
    CHECK(pair.right.readable() == 0);
    pair.world.on_step = [this] { transfer.step(); };
    CHECK(pair.world.run_until([this] { return transfer.done(); }));
    pair.world.on_step = nullptr;
  }
  std::uint64_t answers() const { return pair.seen.size(); }

  Pair pair;
  Transfer transfer;
  SegmentView truth;
  std::uint64_t window = 0;
  std::uint64_t sent = 0;
};

TEST_CASE("RSTs a window apart over all numbers end nothing, and are hardly answered [A-TCP-01, A-TCP-04, A-TCP-15]") {
  Blind blind;
  for (std::uint64_t ahead = 1; ahead < kNumbers; ahead += blind.window) blind.send(blind.segment(flag::rst, ahead));
  CHECK(blind.sent > 10'000);
  CHECK(blind.answers() <= 6);  // a challenge in half a second
  blind.expect_unharmed();
}

TEST_CASE("SYNs a window apart over all numbers end nothing, and are hardly answered [A-TCP-02, A-TCP-15]") {
  Blind blind;
  for (std::uint64_t ahead = 0; ahead < kNumbers; ahead += blind.window) blind.send(blind.segment(flag::syn, ahead));
  CHECK(blind.answers() <= 6);
  blind.expect_unharmed();
}

TEST_CASE("text at the right place is not taken whatever ACK a blind attacker guesses [A-TCP-03]") {
  Blind blind;
  constexpr std::uint64_t kStep = 1 << 20;
  for (std::uint64_t guess = kStep; guess + kStep < kNumbers; guess += kStep) {
    SegmentView one = blind.segment(flag::ack, 0);
    one.text = 100;
    one.header.ack = blind.truth.header.ack + static_cast<std::uint32_t>(guess);
    blind.send(one);
  }
  CHECK(blind.sent > 4000);
  CHECK(blind.pair.world.right().tcp().counters()[Counter::drop_bad_ack] == blind.sent);
  CHECK(blind.answers() <= 4);
  blind.expect_unharmed();
}

TEST_CASE("forged FINs and URGs with wrong ACKs change nothing [A-TCP-03, A-PRS-06]") {
  Blind blind;
  for (std::uint32_t i = 1; i <= 1000; ++i) {
    SegmentView one = blind.segment(flag::ack | flag::fin | flag::urg, 0);
    one.header.urgent = static_cast<std::uint16_t>(i * 61);
    one.header.ack += (i + 1) << 20;
    blind.send(one);
  }
  CHECK_FALSE(blind.pair.right.urgent_ahead());
  CHECK_FALSE(blind.pair.right.at_eof());
  blind.expect_unharmed();
}

// --- the link ----------------------------------------------------------------------------------------------------

// A square wave of loss: everything is lost for `burst` of each `period`.
Duration time_under(Duration burst, Duration period) {
  WorldSettings settings;
  settings.to_right.rate = settings.to_left.rate = 1'250'000;
  settings.to_right.queue_packets = settings.to_left.queue_packets = 50;
  Pair pair(settings);
  Transfer transfer(pair.left, pair.right, 4 << 20);
  transfer.finish_when_sent = true;
  const Time begun = pair.world.now();
  pair.world.take_packet = [&](bool to_right, Bytes) {
    return to_right && (pair.world.now() - begun) % period < burst;
  };
  pair.world.on_step = [&] { transfer.step(); };
  REQUIRE(pair.world.run_until([&] { return transfer.done(); }, 1h));
  return pair.world.now() - begun;
}

TEST_CASE("bursts of loss in step with the retransmission timer slow a flow down, but don't starve it [A-TCP-40]") {
  const Duration clean = time_under(0s, 1s);
  for (const Duration period : {250ms, 500ms, 1000ms, 1200ms}) {
    CAPTURE(period.count());
    // The attacker is silent five sixths of the time, a flow that only timeouts drove would get next to nothing.
    CHECK(time_under(period / 6, period) < 12 * clean);
  }
}

// --- what is not TCP ---------------------------------------------------------------------------------------------

TEST_CASE("ARP, RARP and IGMP have no meaning on a TUN, however they are malformed [A-PRS-19, A-PRS-20]") {
  World world;
  std::vector<std::vector<std::uint8_t>> packets;
  for (std::size_t size = 0; size <= 60; ++size) {
    packets.push_back(std::vector<std::uint8_t>(size, 0x00));  // ARP begins with its hardware type, 00 01
    if (size > 1) packets.back()[1] = 1;
    // IGMP to all hosts: a query or report whose counts say more than is there.
    std::vector<std::uint8_t> group(20 + size, 0xff);
    ip::write_header(group, {.source = World::left_address(Family::ipv4),
                             .destination = *IpAddress::parse("224.0.0.1"),
                             .protocol = static_cast<ip::Protocol>(2),
                             .hop_limit = 1,
                             .payload_size = size});
    packets.push_back(group);
  }
  for (const auto& packet : packets) world.inject(true, packet);
  world.run_for(1s);
  CHECK(world.packets() == 0);
  CHECK(world.right().memory().used() == 0);
}

TEST_CASE("sizes that would wrap around are refused or cut, never computed with [A-PRS-25]") {
  World world;
  auto [left, right] = world.connect(80, {}, {.backlog = ~std::size_t{0}});
  for (const std::size_t size : {~std::size_t{0}, ~std::size_t{0} / 2, std::size_t{1} << 32, std::size_t{1}}) {
    tcp::Options options = *left.options();
    options.send_buffer = size;
    CHECK(left.set_options(options).error() == Errc::invalid_argument);
    options = *left.options();
    options.receive_buffer = size;
    CHECK(left.set_options(options).error() == Errc::invalid_argument);
  }
  const std::vector<std::uint8_t> text(3 << 20, 'x');
  const std::vector<Bytes> pieces(64, Bytes(text));
  CHECK(left.write(Gather(pieces)).value_or(0) == left.info()->send_buffer);
  auto udp = world.left().bind_udp({world.left_address(), 5000});
  REQUIRE(udp);
  CHECK(udp->send_to({world.right_address(), 5001}, Bytes(text)).error() == Errc::message_too_large);
}

}  // namespace
}  // namespace sluice::test
