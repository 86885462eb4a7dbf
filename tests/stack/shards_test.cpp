// Two stacks that are one host, and a client whose packets come to the wrong one of them, in virtual time.
#include <doctest/doctest.h>

#include <array>
#include <map>
#include <set>
#include <vector>

#include "stack/stack.hpp"
#include "tests/ip/host.hpp"
#include "tests/support/world.hpp"

namespace sluice {
namespace {

constexpr std::size_t kShards = 2;

Config host_config(const char* v4, const char* v6, std::uint8_t seed) {
  Config config{.key = Key{seed}, .ip = {}, .tcp = {}};
  config.ip.addresses = {*Prefix::parse(v4), *Prefix::parse(v6)};
  return config;
}

/// A client, and a server of two shards. Every packet for the server comes to the shard that `lands` says, and what
/// that one calls a stray is handed over.
struct Shards {
  Shards() {
    for (std::uint8_t i = 0; i < kShards; ++i)
      shards.push_back(std::make_unique<Stack>(shard_of(host_config("10.0.0.1/24", "fd00::1/64", 1), {i, kShards})));
    for (Stack* const stack : all()) stack->handle_timeout(now);
  }

  std::vector<Stack*> all() { return {&client, shards[0].get(), shards[1].get()}; }

  void deliver(Stack& to, Bytes bytes) {
    Packet packet = Packet::copy_of(pool, bytes);
    to.receive({&packet, 1}, now);
  }
  /// A packet for the server, and what comes of it.
  void arrive(std::size_t at, Bytes bytes) {
    deliver(*shards[at], bytes);
    for (bool moved = true; moved;) {
      moved = false;
      for (const auto& shard : shards)
        while (const auto stray = shard->poll_stray()) {
          ++handed_over[stray->owner];
          deliver(*shards[stray->owner], stray->packet.bytes());
          moved = true;
        }
    }
  }
  /// All that one stack has to say. True: something.
  bool pull(Stack& from) {
    bool moved = false;
    std::vector<Slice> frames;
    SinkOf sink([&](const Frame& frame) noexcept {
      frames.push_back(frame.copy());
      return true;
    });
    if (from.next_timeout() <= now) from.handle_timeout(now);
    from.poll_transmit(now, sink);
    for (const Slice& frame : frames) {
      moved = true;
      if (&from == &client)
        arrive(lands, frame.bytes());
      else
        deliver(client, frame.bytes());
    }
    return moved;
  }
  void settle() {
    for (int i = 0; i < 50; ++i) {
      bool moved = false;
      for (Stack* const stack : all()) moved |= pull(*stack);
      if (moved) continue;
      Time next = kNever;
      for (const Stack* const stack : all()) next = std::min(next, stack->next_timeout());
      if (next > now + std::chrono::seconds(1)) return;
      now = std::max(now, next);
    }
  }

  BufferPool pool;
  Time now{std::chrono::hours(1)};
  Stack client{host_config("10.0.0.2/24", "fd00::2/64", 2)};
  std::vector<std::unique_ptr<Stack>> shards;
  std::size_t lands = 0;
  std::array<std::uint64_t, kShards> handed_over{};
};

const Endpoint kServer4 = *Endpoint::parse("10.0.0.1:80");
const Endpoint kServer6 = *Endpoint::parse("[fd00::1]:80");
const Endpoint kEverywhere = *Endpoint::parse("[::]:80");

}  // namespace

TEST_CASE("connections open, carry bytes and end though all their packets come to one shard, of both families") {
  for (const std::size_t lands : {0u, 1u}) {
    for (const Endpoint& server : {kServer4, kServer6}) {
      Shards host;
      host.lands = lands;
      std::vector<tcp::Listener> listeners;
      for (const auto& shard : host.shards) listeners.push_back(*shard->listen(kEverywhere));
      std::vector<tcp::Socket> clients;
      for (int i = 0; i < 40; ++i) clients.push_back(*host.client.connect(server));
      host.settle();
      std::array<std::size_t, kShards> accepted{};
      std::vector<tcp::Socket> served;
      for (std::size_t i = 0; i < kShards; ++i)
        while (auto socket = listeners[i].accept()) {
          served.push_back(std::move(*socket));
          ++accepted[i];
        }
      CHECK(accepted[0] + accepted[1] == 40);
      CHECK(accepted[0] > 5);
      CHECK(accepted[1] > 5);
      CHECK(host.handed_over[1 - lands] > 0);
      CHECK(host.handed_over[lands] == 0);

      for (tcp::Socket& socket : clients) {
        CHECK(*socket.write(as_bytes("to the server")) == 13);
        socket.finish();
      }
      host.settle();
      for (tcp::Socket& socket : served) {
        CHECK(as_text(socket.peek()) == "to the server");
        socket.consume(13);
        CHECK(socket.at_eof());
        CHECK(*socket.write(as_bytes("and back")) == 8);
        socket.finish();
      }
      host.settle();
      for (tcp::Socket& socket : clients) CHECK(as_text(socket.peek()) == "and back");
      for (const auto& shard : host.shards) CHECK(shard->tcp().counters()[tcp::Counter::resets_out] == 0);
    }
  }
}

TEST_CASE("connections that a shard opens choose ports whose answers belong to it, and no two shards the same") {
  Shards host;
  tcp::Listener listener = *host.client.listen(kEverywhere, {.backlog = 200});
  std::set<Endpoint> ports;
  for (const char* const to : {"10.0.0.2:80", "[fd00::2]:80"}) {
    const Endpoint remote = *Endpoint::parse(to);
    for (std::size_t lands = 0; lands < kShards; ++lands) {
      host.lands = lands;
      host.handed_over = {};
      std::array<std::vector<tcp::Socket>, kShards> opened;
      for (int i = 0; i < 20; ++i)
        for (std::size_t shard = 0; shard < kShards; ++shard)
          opened[shard].push_back(*host.shards[shard]->connect(remote));
      host.settle();
      for (std::size_t shard = 0; shard < kShards; ++shard)
        for (tcp::Socket& socket : opened[shard]) {
          CHECK(socket.info()->state == tcp::State::established);
          CHECK(host.shards[shard]->ip().shard().owns({socket.info()->local, remote}));
          CHECK(ports.insert(socket.info()->local).second);
        }
      CHECK(host.handed_over[lands] == 0);  // what belongs here
      CHECK(host.handed_over[1 - lands] >= 20);
    }
  }
}

TEST_CASE("a local port whose answers another shard would hear is refused, and one shard or the other takes each") {
  Shards host;
  for (std::uint16_t port = 5000; port < 5020; ++port) {
    const FourTuple tuple{{kServer4.address, port}, *Endpoint::parse("10.0.0.2:80")};
    for (const auto& shard : host.shards) {
      const auto opened = shard->connect(tuple.remote, {.local = tuple.local});
      const bool owns = shard->ip().shard().owns(tuple);
      CHECK(static_cast<bool>(opened) == owns);
      if (!owns) CHECK(opened.error() == Errc::address_not_available);
    }
  }
}

TEST_CASE("what a shard says to itself goes round inside, whatever the hash says of it") {
  Shards host;
  for (const auto& shard : host.shards) {
    tcp::Listener listener = *shard->listen(kEverywhere);
    tcp::Socket socket = *shard->connect(kServer4);
    host.settle();
    CHECK(socket.info()->state == tcp::State::established);
    CHECK(listener.accept());
  }
  CHECK(host.handed_over[0] + host.handed_over[1] == 0);
}

TEST_CASE("a UDP socket on an ephemeral port hears whoever it asked, wherever the answers arrive") {
  Shards host;
  udp::Socket service = *host.client.bind_udp(*Endpoint::parse("[::]:53"));
  for (std::size_t lands = 0; lands < kShards; ++lands) {
    host.lands = lands;
    for (std::size_t number = 0; number < kShards; ++number) {
      udp::Socket socket = *host.shards[number]->bind_udp({IpAddress::any(Family::ipv4), 0});
      const std::uint16_t port = socket.local()->port;
      CHECK(port % kShards == number);
      REQUIRE(socket.send_to(*Endpoint::parse("10.0.0.2:53"), as_bytes("?")));
      host.settle();
      udp::Received asked;
      REQUIRE(*service.receive({&asked, 1}) == 1);
      REQUIRE(service.send_to(asked.from, as_bytes("!")));
      host.settle();
      udp::Received answer;
      REQUIRE(*socket.receive({&answer, 1}) == 1);
      CHECK(as_text(answer.data.bytes()) == "!");
    }
  }
  for (const auto& shard : host.shards) CHECK(shard->udp().counters()[udp::Counter::drop_no_listener] == 0);
}

TEST_CASE("fragments meet in one shard, and the whole goes on to the shard of its ports") {
  Shards host;
  std::vector<udp::Socket> sockets;
  for (const auto& shard : host.shards) sockets.push_back(*shard->bind_udp(*Endpoint::parse("[::]:7")));
  std::array<int, kShards> heard{};
  for (std::uint16_t port = 1; port <= 20; ++port) {
    const Endpoint from{*IpAddress::parse("10.0.0.2"), port};
    udp::Socket sender = *host.client.bind_udp(from, {.dont_fragment = false});
    host.lands = port % kShards;
    REQUIRE(sender.send_to(*Endpoint::parse("10.0.0.1:7"), std::vector<std::uint8_t>(4000, 'x')));
    host.settle();
    const std::uint8_t owner = host.shards[0]->ip().shard().owner_of(ip::Protocol::udp, {{kServer4.address, 7}, from});
    udp::Received received;
    REQUIRE(*sockets[owner].receive({&received, 1}) == 1);
    CHECK(received.from.address.unmapped() == from.address);
    CHECK(received.from.port == port);
    CHECK(received.data.size() == 4000);
    ++heard[owner];
  }
  CHECK(heard[0] > 0);
  CHECK(heard[1] > 0);
}

TEST_CASE("an echo is answered once, by the shard of the two addresses") {
  Shards host;
  for (std::size_t lands = 0; lands < kShards; ++lands) {
    host.lands = lands;
    REQUIRE(host.client.send_echo({.destination = kServer4.address, .identifier = 1, .sequence = 1}));
    host.settle();
    CHECK(host.client.poll_echo());
    CHECK_FALSE(host.client.poll_echo());
  }
  std::set<std::uint64_t> answered;
  for (const auto& shard : host.shards) answered.insert(shard->ip().counters()[ip::Counter::icmp_echo_requests]);
  CHECK(answered == std::set<std::uint64_t>{0, 2});
}

TEST_CASE("one shard pings a peer and hears the answer wherever it arrives; the other refuses to") {
  Shards host;
  const IpAddress peer = *IpAddress::parse("10.0.0.2");
  for (std::size_t lands = 0; lands < kShards; ++lands) {
    host.lands = lands;
    int answers = 0;
    for (const auto& shard : host.shards) {
      const auto sent = shard->send_echo({.destination = peer, .identifier = 1, .sequence = 1});
      host.settle();
      const bool answered = shard->poll_echo().has_value();
      CHECK(answered == static_cast<bool>(sent));
      if (!sent) CHECK(sent.error() == Errc::address_not_available);
      answers += answered;
    }
    CHECK(answers == 1);
  }
}

TEST_CASE("an error about a packet reaches the shard that sent it") {
  Shards host;
  const Endpoint nobody = *Endpoint::parse("10.0.0.2:9");
  for (std::size_t lands = 0; lands < kShards; ++lands) {
    host.lands = lands;
    for (const auto& shard : host.shards) {
      udp::Socket socket = *shard->bind_udp({IpAddress::any(Family::ipv4), 0});
      REQUIRE(socket.connect(nobody));
      REQUIRE(socket.send_to(nobody, as_bytes("?")));
      host.settle();
      CHECK(socket.take_error() == Errc::connection_refused);
    }
  }
}

TEST_CASE("strays that nobody fetches are dropped by name, and never more are kept than the limit") {
  Shards host;
  const auto syn = [](std::uint16_t port) {
    return ip::packet4(6, ip::octets(std::array<std::uint8_t, 20>{static_cast<std::uint8_t>(port >> 8),
                                                                  static_cast<std::uint8_t>(port),
                                                                  0,
                                                                  80,
                                                                  0,
                                                                  0,
                                                                  0,
                                                                  1,
                                                                  0,
                                                                  0,
                                                                  0,
                                                                  0,
                                                                  0x50,
                                                                  2,
                                                                  0xff,
                                                                  0xff,
                                                                  0,
                                                                  0,
                                                                  0,
                                                                  0}));
  };
  std::uint64_t foreign = 0;
  for (std::uint16_t port = 1; port <= 2000; ++port) {
    const auto packet = syn(port);
    foreign += host.shards[0]->ip().shard().home_of(packet).shard == 1;
    host.deliver(*host.shards[0], packet);
  }
  REQUIRE(foreign > Stack::kMaximumStrays);
  const auto& counters = host.shards[0]->shard_counters();
  CHECK(counters[ShardCounter::strays] == foreign);
  CHECK(counters[ShardCounter::drop_strays_full] == foreign - Stack::kMaximumStrays);
  std::size_t kept = 0;
  for (; host.shards[0]->poll_stray(); ++kept) {
  }
  CHECK(kept == Stack::kMaximumStrays);
}

TEST_CASE("the limits of a host are divided among its shards, and no limit stays none") {
  Config host = host_config("10.0.0.1/24", "fd00::1/64", 1);
  host.memory_limit = 1000;
  host.tcp.maximum_connections = 10;
  host.tcp.maximum_from_peer = 0;
  const Config part = shard_of(host, {2, 3});
  CHECK(part.memory_limit == 334);
  CHECK(part.tcp.maximum_connections == 4);
  CHECK(part.tcp.maximum_from_peer == 0);
  CHECK(part.ip.shard.number == 2);
  CHECK(part.key == host.key);
}

}  // namespace sluice
