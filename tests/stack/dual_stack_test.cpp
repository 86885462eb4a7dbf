// Sockets on [::] that serve both families, between two whole hosts: IPv4 peers show as v4-mapped addresses, unless the
// socket was told to be for IPv6 only. UDP's own rules for ports are in tests/udp.
#include <doctest/doctest.h>

#include <array>
#include <string_view>
#include <vector>

#include "tests/support/segment_view.hpp"
#include "tests/support/world.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

constexpr std::array<Family, 2> kFamilies = {Family::ipv4, Family::ipv6};

// How an application of a [::] socket sees an address.
IpAddress shown(const IpAddress& address) { return address.is_v4() ? address.mapped() : address; }

struct Hosts : World {
  Hosts() : World(settings()) {}
  static WorldSettings settings() {
    WorldSettings made;
    made.to_left.delay = made.to_right.delay = 5ms;
    return made;
  }
  tcp::Listener listen(std::string_view address, std::uint16_t port, bool dual_stack = true) {
    auto made = right().listen({*IpAddress::parse(address), port}, {.dual_stack = dual_stack});
    REQUIRE(made);
    return std::move(*made);
  }
  tcp::Socket open(Family family, std::uint16_t port) {
    auto made = left().connect({right_address(family), port});
    REQUIRE(made);
    run_for(100ms);
    return std::move(*made);
  }
};

TEST_CASE_FIXTURE(Hosts, "a listener on [::] takes both families; an IPv4 peer shows as a v4-mapped address") {
  tcp::Listener listener = listen("::", 80);
  for (const Family family : kFamilies) {
    tcp::Socket client = open(family, 80);
    CHECK(client.state() == tcp::State::established);
    auto server = listener.accept();
    REQUIRE(server);
    CHECK(server->local()->address == shown(right_address(family)));
    CHECK(server->remote()->address == shown(left_address(family)));
    CHECK(server->remote()->address.is_v4_mapped() == (family == Family::ipv4));
    CHECK(server->info()->local.address == server->local()->address);
    CHECK(server->info()->remote.address == server->remote()->address);
    CHECK(server->remote()->port == client.local()->port);
    CHECK(client.remote()->address == right_address(family));  // who opened knows what it opened
    Transfer there(client, *server, 20'000, 1), back(*server, client, 20'000, 2);
    on_step = [&] { there.step(), back.step(); };
    CHECK(run_until([&] { return there.done() && back.done(); }));
    on_step = nullptr;
  }
}

TEST_CASE_FIXTURE(Hosts, "a socket's info shows the addresses as the socket does; a list of sockets shows the wire's") {
  tcp::Listener listener = listen("::", 80);
  const tcp::Socket client = open(Family::ipv4, 80);
  auto server = listener.accept();
  REQUIRE(server);
  CHECK(server->info()->remote == *server->remote());
  CHECK(server->info()->local == *server->local());
  std::size_t found = 0;
  right().tcp().for_each_socket([&](const tcp::Info& info) {
    if (info.state != tcp::State::established) return;
    ++found;
    CHECK(info.remote == *client.local());
    CHECK(info.local == *client.remote());
  });
  CHECK(found == 1);
}

TEST_CASE_FIXTURE(Hosts, "a listener for IPv6 only refuses IPv4 [R9293-3.10.7.1-2]") {
  tcp::Listener listener = listen("::", 80, false);
  CHECK(open(Family::ipv4, 80).error() == Errc::connection_refused);
  const tcp::Socket client = open(Family::ipv6, 80);
  CHECK(client.state() == tcp::State::established);
  auto server = listener.accept();
  REQUIRE(server);
  CHECK_FALSE(server->remote()->address.is_v4_mapped());
}

TEST_CASE_FIXTURE(Hosts, "the most specific listener takes a connection: address, then family, then [::]") {
  tcp::Listener dual = listen("::", 80), any4 = listen("0.0.0.0", 80), exact4 = listen("10.1.0.2", 80),
                exact6 = listen("fd01::2", 80);
  const tcp::Socket four = open(Family::ipv4, 80), six = open(Family::ipv6, 80);
  CHECK(exact4.accept());
  CHECK(exact6.accept());
  exact4.close();
  exact6.close();
  const tcp::Socket four_again = open(Family::ipv4, 80), six_again = open(Family::ipv6, 80);
  CHECK(any4.accept());
  CHECK(dual.accept());
  any4.close();
  const tcp::Socket four_at_last = open(Family::ipv4, 80);
  auto server = dual.accept();
  REQUIRE(server);
  CHECK(server->remote()->address == left_address(Family::ipv4).mapped());
  CHECK(dual.accept().error() == Errc::would_block);
}

TEST_CASE_FIXTURE(Hosts, "half-open connections of both families count for one backlog, and die with their listener") {
  auto made = right().listen({*IpAddress::parse("::"), 80}, {.backlog = 2});
  REQUIRE(made);
  take_packet = [](bool to_right, Bytes) { return !to_right; };
  std::vector<tcp::Socket> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(open(kFamilies[static_cast<std::size_t>(i) % 2], 80));
  CHECK(right().tcp().half_open_count() == 2);
  CHECK(right().tcp().counters()[tcp::Counter::syn_cookies_sent] == 2);
  made->close();
  CHECK(right().tcp().half_open_count() == 0);
}

// --- UDP -----------------------------------------------------------------------------------------------------------

struct Datagrams : Hosts {
  udp::Socket bind(Stack& stack, std::string_view address, std::uint16_t port, bool dual_stack = true) {
    auto made = stack.bind_udp({*IpAddress::parse(address), port}, {.dual_stack = dual_stack});
    REQUIRE(made);
    return std::move(*made);
  }
  /// The datagram that waits, if any.
  std::optional<udp::Received> next(udp::Socket& socket) {
    std::array<udp::Received, 1> slot;
    const auto count = socket.receive(slot);
    if (!count || *count == 0) return std::nullopt;
    return std::move(slot[0]);
  }
};

TEST_CASE_FIXTURE(Datagrams, "a UDP socket on [::] hears both families and answers each in its own") {
  udp::Socket server = bind(right(), "::", 53);
  for (const Family family : kFamilies) {
    udp::Socket client = bind(left(), family == Family::ipv4 ? "0.0.0.0" : "::", 4000);
    CHECK(client.send_to({right_address(family), 53}, as_bytes("ask")));
    run_for(100ms);
    const auto asked = next(server);
    REQUIRE(asked);
    CHECK(asked->from == Endpoint{shown(left_address(family)), 4000});
    CHECK(asked->local == shown(right_address(family)));
    std::size_t version = 0;
    on_packet = [&](bool, Bytes packet) { version = packet[0] >> 4; };
    CHECK(server.send_to(asked->from, as_bytes("answer")));
    run_for(100ms);
    on_packet = nullptr;
    CHECK(version == (family == Family::ipv4 ? 4 : 6));
    const auto answered = next(client);
    REQUIRE(answered);
    CHECK(answered->from.port == 53);
    CHECK(answered->data.size() == 6);
  }
}

TEST_CASE_FIXTURE(Datagrams, "a UDP socket for IPv6 only leaves IPv4 to others, who are told that nobody is there") {
  udp::Socket server = bind(right(), "::", 53, false);
  udp::Socket client = bind(left(), "0.0.0.0", 4000);
  CHECK(client.connect({right_address(Family::ipv4), 53}));
  CHECK(client.send_to({right_address(Family::ipv4), 53}, as_bytes("ask")));
  run_for(100ms);
  CHECK_FALSE(next(server));
  std::array<udp::Received, 1> slot;
  CHECK(client.receive(slot).error() == Errc::connection_refused);
  udp::Socket four = bind(right(), "0.0.0.0", 53);  // the port is free there
  CHECK(client.send_to({right_address(Family::ipv4), 53}, as_bytes("ask")));
  run_for(100ms);
  CHECK(next(four));
}

TEST_CASE_FIXTURE(Datagrams, "a connected UDP socket on [::] keeps to its v4-mapped peer") {
  udp::Socket server = bind(right(), "::", 53);
  CHECK(server.connect({left_address(Family::ipv4).mapped(), 4000}));
  udp::Socket peer = bind(left(), "0.0.0.0", 4000), stranger = bind(left(), "0.0.0.0", 4001);
  CHECK(stranger.send_to({right_address(Family::ipv4), 53}, as_bytes("?")));
  CHECK(peer.send_to({right_address(Family::ipv4), 53}, as_bytes("ask")));
  run_for(100ms);
  const auto asked = next(server);
  REQUIRE(asked);
  CHECK(asked->from.port == 4000);
  CHECK_FALSE(next(server));
}

}  // namespace
}  // namespace sluice::test
