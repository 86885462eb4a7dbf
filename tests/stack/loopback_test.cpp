// A host that talks to itself: nothing of it is ever on a wire.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "tests/support/lan.hpp"
#include "tests/support/wires.hpp"
#include "tests/support/world.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

/// One host with 10.0.0.1 and fd00::1, and a wire's end that nobody holds.
struct Alone : Wires {
  Alone() {
    Config config{.key = run_key(1), .ip = {}, .tcp = {}};
    config.ip.addresses = {*Prefix::parse("10.0.0.1/24"), *Prefix::parse("fd00::1/64")};
    add_host(config);
    on_frame = [this](End, Bytes) { ++frames; };
  }
  Stack& stack() { return host(0); }
  int frames = 0;
};

constexpr std::array kOwn = {"10.0.0.1", "fd00::1", "127.0.0.1", "127.9.9.9", "::1"};

TEST_CASE("a client and a server in one host move a megabyte, and no packet of it leaves [R1122-3.2.1.3-4]") {
  for (const char* text : kOwn) {
    CAPTURE(text);
    Alone alone;
    auto listener = alone.stack().listen({IpAddress::any(ip(text).family()), 80});
    auto client = alone.stack().connect({ip(text), 80});
    REQUIRE((listener && client));
    constexpr std::size_t kSize = 1'000'000;
    const std::vector<std::uint8_t> sent = pattern(1, 0, kSize);
    std::vector<std::uint8_t> received;
    std::size_t written = 0;
    tcp::Socket server;
    const auto pump = [&] {
      if (auto accepted = listener->accept()) server = *std::move(accepted);
      if (const auto more = client->write(Bytes(sent).subspan(written))) written += *more;
      std::array<std::uint8_t, 16384> room{};
      while (server) {
        const auto size = server.read(room);
        if (!size || *size == 0) break;
        received.insert(received.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(*size));
      }
      return received.size() == kSize;
    };
    CHECK(alone.run_until(pump, 1min));
    CHECK(received == sent);
    CHECK(client->local()->address == ip(text));
    CHECK(client->info()->retransmissions == 0);
    CHECK(alone.frames == 0);
    CHECK(alone.stack().loopback().count() > kSize / 1500);
  }
}

TEST_CASE("datagrams to oneself arrive, fragmented ones too, and a closed port is reported [R1122-4.1.3.1-1]") {
  for (const char* text : kOwn) {
    CAPTURE(text);
    Alone alone;
    const IpAddress own = ip(text);
    udp::Socket server = *alone.stack().bind_udp({own, 7});
    udp::Socket client = *alone.stack().bind_udp({IpAddress::any(own.family()), 0}, {.dont_fragment = false});
    const std::vector<std::uint8_t> large = pattern(2, 0, 9000);
    REQUIRE(client.send_to({own, 7}, large));
    alone.settle();
    std::array<udp::Received, 1> slot;
    REQUIRE(*server.receive(slot) == 1);
    CHECK(slot[0].from.address == own);
    CHECK(std::ranges::equal(slot[0].data.bytes(), large));
    REQUIRE(client.connect({own, 9}));
    REQUIRE(client.send_to({own, 9}, as_bytes("hello")));
    alone.settle();
    CHECK(client.take_error() == Errc::connection_refused);
    CHECK(alone.frames == 0);
  }
}

TEST_CASE("nobody listens: a connection to oneself is refused at once") {
  Alone alone;
  auto client = alone.stack().connect(*Endpoint::parse("127.0.0.1:80"));
  REQUIRE(client);
  alone.settle();
  CHECK(client->error() == Errc::connection_refused);
}

TEST_CASE("a socket that connects to itself talks to itself, as RFC 9293 figure 8 allows [9293 MUST-10]") {
  Alone alone;
  auto socket = alone.stack().connect(*Endpoint::parse("127.0.0.1:4000"), {.local = Endpoint::parse("127.0.0.1:4000")});
  REQUIRE(socket);
  alone.settle();
  CHECK(socket->info()->state == tcp::State::established);
  REQUIRE(socket->write(as_bytes("echo")));
  alone.settle();
  std::array<std::uint8_t, 8> room{};
  CHECK(*socket->read(room) == 4);
}

TEST_CASE("a loopback address that comes by a wire is a lie, as source and as destination [R1122-3.2.1.3-3]") {
  Alone alone;
  udp::Socket server = *alone.stack().bind_udp(*Endpoint::parse("0.0.0.0:7"));
  const auto datagram = [](const char* from, const char* to) { return empty_datagram(ip(from), ip(to)); };
  alone.inject({0, 0}, datagram("127.0.0.1", "10.0.0.1"));
  alone.inject({0, 0}, datagram("10.0.0.2", "127.0.0.1"));
  alone.inject({0, 0}, datagram("10.0.0.1", "10.0.0.1"));
  alone.settle();
  CHECK(alone.stack().ip().counters()[ip::Counter::drop_invalid_source] == 1);
  CHECK(alone.stack().ip().counters()[ip::Counter::drop_not_ours] == 1);
  CHECK(alone.stack().ip().counters()[ip::Counter::drop_own_source] == 1);
  CHECK(alone.stack().udp().counters()[udp::Counter::datagrams_in] == 0);
}

TEST_CASE("from a loopback address nobody outside can be talked to [R1122-3.2.1.3-4]") {
  Alone alone;
  const auto local = Endpoint::parse("127.0.0.1:0");
  CHECK(alone.stack().connect(*Endpoint::parse("10.0.0.2:80"), {.local = local}).error() == Errc::network_unreachable);
  udp::Socket socket = *alone.stack().bind_udp(*Endpoint::parse("127.0.0.1:7"));
  CHECK(socket.send_to(*Endpoint::parse("10.0.0.2:7"), as_bytes("hello")).error() == Errc::network_unreachable);
  CHECK(socket.connect(*Endpoint::parse("10.0.0.2:7")).error() == Errc::network_unreachable);
  alone.settle();
  CHECK(alone.frames == 0);
}

TEST_CASE("on an Ethernet the host does not look for itself among its neighbours") {
  Wires lan;
  Config config = lan_config(1);
  lan.add_host(config);
  int frames = 0;
  lan.on_frame = [&](Wires::End, Bytes) { ++frames; };
  auto listener = lan.host(0).listen(*Endpoint::parse("0.0.0.0:80"));
  auto client = lan.host(0).connect(*Endpoint::parse("10.0.0.1:80"));
  REQUIRE((listener && client));
  lan.run_for(1s);
  CHECK(client->info()->state == tcp::State::established);
  CHECK(frames == 0);
}

TEST_CASE("packets to oneself arrive in order, and a device that is slow to take others waits for none of them") {
  ip::Loopback loop;
  std::vector<Slice> body{Slice::copy_of(pattern(3, 0, 60'000))};
  std::size_t taken = 0;
  while (loop.accept({.head = {}, .body = body})) ++taken;
  CHECK(taken == ip::Loopback::kLimit / 60'000);
  CHECK(loop.take()->interface == kLoopback);
  CHECK(loop.accept({.head = {}, .body = body}));
  while (loop.take()) --taken;
  CHECK(taken == 0);
  CHECK(loop.empty());
}

}  // namespace
}  // namespace sluice::test
