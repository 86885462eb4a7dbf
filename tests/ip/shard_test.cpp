// Whose a packet is, when several stacks are one host: a pure function of its bytes and the key.
#include "stack/ip/shard.hpp"

#include <doctest/doctest.h>

#include <array>
#include <set>

#include "tests/ip/host.hpp"

namespace sluice::ip {
namespace {

constexpr std::uint8_t kCount = 3;
const Key kKey{9};

Shard shard(std::uint8_t number, std::uint8_t count = kCount) { return {{number, count}, kKey}; }
std::uint8_t home(const Octets& packet) { return shard(0).home_of(packet).shard; }

Octets ports(std::uint16_t source, std::uint16_t destination, std::size_t size = 20) {
  Octets bytes(size);
  ByteWriter writer(bytes);
  writer.u16(source);
  writer.u16(destination);
  return bytes;
}

/// An ICMP message of this type about `quoted`.
Octets error(std::uint8_t type, const Octets& quoted) { return Octets{type, 0, 0, 0, 0, 0, 0, 0} + quoted; }

FourTuple flow(const IpAddress& us, std::uint16_t our_port, const IpAddress& peer, std::uint16_t its_port) {
  return {{us, our_port}, {peer, its_port}};
}

}  // namespace

TEST_CASE("a flow has one owner, which all shards name alike, and every shard gets its part") {
  for (const std::uint8_t count : {std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{3}, std::uint8_t{16}}) {
    std::array<int, 16> flows{};
    for (std::uint16_t port = 1; port <= 1600; ++port) {
      const FourTuple tuple = flow(kOur4, 80, kPeer4, port);
      const std::uint8_t owner = shard(0, count).owner_of(Protocol::tcp, tuple);
      REQUIRE(owner < count);
      ++flows[owner];
      int owners = 0;
      for (std::uint8_t number = 0; number < count; ++number) owners += shard(number, count).owns(tuple);
      CHECK(owners == 1);
    }
    for (std::uint8_t number = 0; number < count; ++number) {
      CHECK(flows[number] > 1600 / count / 2);
      CHECK(flows[number] < 1600 / count * 2 + 1);
    }
  }
}

TEST_CASE("another key deals the flows out otherwise: nobody outside can choose a shard") {
  int moved = 0;
  for (std::uint16_t port = 1; port <= 100; ++port) {
    const FourTuple tuple = flow(kOur4, 80, kPeer4, port);
    moved += shard(0).owner_of(Protocol::tcp, tuple) != Shard({0, kCount}, Key{8}).owner_of(Protocol::tcp, tuple);
  }
  CHECK(moved > 30);
}

TEST_CASE("TCP and UDP of both families go by the 4-tuple, whatever else the packet holds") {
  for (std::uint16_t port = 1; port <= 50; ++port) {
    const std::uint8_t v4 = shard(0).owner_of(Protocol::tcp, flow(kOur4, 80, kPeer4, port));
    const std::uint8_t v6 = shard(0).owner_of(Protocol::udp, flow(kOur6, 53, kPeer6, port));
    CHECK(home(packet4(6, ports(port, 80))) == v4);
    CHECK(home(packet4(6, ports(port, 80, 1000))) == v4);
    CHECK(home(packet6(17, ports(port, 53, 8))) == v6);
    // Behind a destination options header, too.
    CHECK(home(packet6(60, Octets{17, 0, 1, 4, 0, 0, 0, 0} + ports(port, 53, 8))) == v6);
  }
}

TEST_CASE("UDP on an ephemeral port of ours goes by this port, for its socket may talk to many") {
  for (std::uint16_t port = Shard::kFirstOwnPort; port < Shard::kFirstOwnPort + 10; ++port) {
    std::set<std::uint8_t> homes;
    for (std::uint16_t peer = 1; peer <= 50; ++peer) homes.insert(home(packet4(17, ports(peer, port, 8))));
    REQUIRE(homes.size() == 1);
    CHECK(shard(*homes.begin()).owns_port(port));
  }
}

TEST_CASE("an ICMP error goes to the flow that it quotes") {
  for (std::uint16_t port = 1; port <= 50; ++port) {
    const Octets ours4 = packet4(6, ports(80, port, 8), kPeer4, kOur4);
    const std::uint8_t v4 = shard(0).owner_of(Protocol::tcp, flow(kOur4, 80, kPeer4, port));
    for (const std::uint8_t type : {std::uint8_t{3}, std::uint8_t{11}, std::uint8_t{12}})
      CHECK(home(packet4(1, error(type, ours4), kOur4, ip("10.0.0.99"))) == v4);
    const Octets ours6 = packet6(17, ports(port, 53, 8), kPeer6, kOur6);
    const std::uint8_t v6 = shard(0).owner_of(Protocol::udp, flow(kOur6, port, kPeer6, 53));
    for (const std::uint8_t type : {std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{3}})
      CHECK(home(packet6(58, error(type, ours6), kOur6, ip("fd00::99"))) == v6);
  }
}

TEST_CASE("echoes, fragments and errors about echoes go by the two addresses") {
  std::set<std::uint8_t> homes;
  for (int last = 2; last < 40; ++last) {
    const IpAddress peer = IpAddress::v4(10, 0, 0, static_cast<std::uint8_t>(last));
    const Octets echo{8, 0, 0, 0, 0, 1, 0, 1};
    const std::uint8_t pair = home(packet4(1, echo, kOur4, peer));
    homes.insert(pair);
    CHECK(home(packet4(1, Octets{0, 0, 0, 0, 0, 2, 0, 7}, kOur4, peer)) == pair);
    CHECK(home(packet4(1, error(11, packet4(1, echo, peer, kOur4)), kOur4, ip("10.0.0.99"))) == pair);
  }
  CHECK(homes.size() == kCount);

  const Octets whole = ports(4000, 7, 64);
  const Shard::Home first = shard(1).home_of(fragment4(whole, {.offset = 0, .size = 32}));
  const Shard::Home second = shard(2).home_of(fragment4(whole, {.offset = 32, .size = 32, .more = false}));
  CHECK(first.in_pieces);
  CHECK(second.in_pieces);
  CHECK(first.shard == second.shard);
  CHECK(first.shard == home(packet4(1, Octets{8, 0, 0, 0, 0, 1, 0, 1})));
  const Shard::Home third = shard(1).home_of(fragment6(whole, {.offset = 0, .size = 32}));
  const Shard::Home fourth = shard(2).home_of(fragment6(whole, {.offset = 32, .size = 32, .more = false}));
  CHECK(third.in_pieces);
  CHECK(third.shard == fourth.shard);
}

TEST_CASE("what no parser takes stays with the shard that read it") {
  const Octets tcp = packet4(6, ports(1, 80));
  const Octets cut = octets(Bytes(tcp).first(19));
  const Octets wrong = octets(Bytes(packet4(6, ports(1, 80), kOur4, kPeer4)));
  Octets corrupt = wrong;
  corrupt[12] = static_cast<std::uint8_t>(corrupt[12] ^ 1);  // the header's checksum is wrong now
  const std::vector<Octets> all{{},
                                {0x45},
                                {0x00, 1, 2},
                                cut,
                                corrupt,
                                packet4(17, {0, 1}),
                                packet4(1, error(3, {0x45, 0})),
                                packet4(1, error(3, packet4(6, {0, 80}, kPeer4, kOur4))),
                                packet6(0, {17, 9}),
                                octets(Bytes(packet6(17, ports(1, 2, 8))).first(44))};
  for (const Octets& packet : all)
    for (std::uint8_t number = 0; number < kCount; ++number) CHECK(shard(number).home_of(packet).shard == number);
}

TEST_CASE("shards share the identifications of a destination, and no value is another's [R6864-4.3-1]") {
  std::set<std::uint16_t> seen;
  std::size_t given = 0;
  for (std::uint8_t number = 0; number < kCount; ++number) {
    Config config = test_config();
    config.shard = {number, kCount};
    Host host(config);
    for (int i = 0; i < 20000; ++i, ++given) seen.insert(host.layer.next_identification(kPeer4));
  }
  CHECK(seen.size() == given);
}

}  // namespace sluice::ip
