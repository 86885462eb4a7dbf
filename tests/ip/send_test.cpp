// Headers and fragments that we send, path MTUs, addresses and identifications.
#include <doctest/doctest.h>

#include <set>

#include "stack/ip/path_mtu.hpp"
#include "tests/ip/host.hpp"

namespace sluice::ip {
namespace {

/// Sends `payload` as a datagram of protocol UDP; the first 8 bytes stand for the transport header.
Result<void> send(Host& host, FrameSink& sink, HeaderFields fields, const Octets& payload,
                  std::size_t piece_size = 100000) {
  fields.protocol = Protocol::udp;
  fields.payload_size = payload.size();
  const std::size_t ip_size = header_size(fields.source.family());
  Octets head = Octets(ip_size) + octets(Bytes(payload).first(8));
  std::vector<Slice> body;
  for (std::size_t at = 8; at < payload.size(); at += piece_size)
    body.push_back(Slice::copy_of(Bytes(payload).subspan(at, std::min(piece_size, payload.size() - at))));
  return host.layer.send(fields, head, body, sink, host.now);
}

HeaderFields to_peer(bool v4, bool dont_fragment = false) {
  return {.source = v4 ? kOur4 : kOur6, .destination = v4 ? kPeer4 : kPeer6, .dont_fragment = dont_fragment};
}

/// The layer on the other end of the wire.
Config peer_config() { return {.addresses = {*Prefix::parse("10.0.0.2/24"), *Prefix::parse("fd00::2/64")}}; }

TEST_CASE("a datagram leaves with the header that its sender asked for [R1122-3.2.1.7-3], [R1122-3.2.1.6-1]") {
  Host host;
  Wire wire;
  HeaderFields fields = to_peer(true, true);
  fields.hop_limit = 5;
  fields.dscp = 46;
  fields.ecn = Ecn::ect0;
  fields.identification = 99;
  CHECK(send(host, wire, fields, pattern(30)));
  fields.source = kOur6;
  fields.destination = kPeer6;
  CHECK(send(host, wire, fields, pattern(30)));
  REQUIRE(wire.packets.size() == 2);
  Tins::IP four(wire.packets[0].data(), static_cast<std::uint32_t>(wire.packets[0].size()));
  CHECK(four.src_addr() == "10.0.0.1");
  CHECK(four.dst_addr() == "10.0.0.2");
  CHECK(four.ttl() == 5);
  CHECK(four.tos() == (46 << 2 | 2));
  CHECK(four.id() == 99);
  CHECK(four.flags() == Tins::IP::DONT_FRAGMENT);
  CHECK(four.tot_len() == 50);
  CHECK(internet_checksum(Bytes(wire.packets[0]).first(20)) == 0);
  Tins::IPv6 six(wire.packets[1].data(), static_cast<std::uint32_t>(wire.packets[1].size()));
  CHECK(six.hop_limit() == 5);
  CHECK(six.traffic_class() == (46 << 2 | 2));
  CHECK(six.payload_length() == 30);
  CHECK(octets(Bytes(wire.packets[1]).subspan(40)) == pattern(30));
  CHECK(host.count(Counter::packets_out) == 2);
}

TEST_CASE("a full sink refuses the packet and nothing has happened") {
  Host host;
  Wire wire;
  wire.room = 0;
  CHECK(send(host, wire, to_peer(true), pattern(30)).error() == Errc::would_block);
  CHECK(send(host, wire, to_peer(true), pattern(3000)).error() == Errc::would_block);
  CHECK(host.count(Counter::packets_out) == 0);
  CHECK(host.outbox.empty());
}

TEST_CASE("what may not be cut and does not fit is refused [R1122-3.3.3-1], [R791-3.2-4], [R8085-3.2-1]") {
  Host host;
  Wire wire;
  for (const bool v4 : {true, false}) {
    const std::size_t fits = 1500 - header_size(v4 ? Family::ipv4 : Family::ipv6);
    CHECK(send(host, wire, to_peer(v4, true), pattern(fits)));
    CHECK(send(host, wire, to_peer(v4, true), pattern(fits + 1)).error() == Errc::message_too_large);
  }
  CHECK(send(host, wire, to_peer(true), pattern(65516)).error() == Errc::message_too_large);
  CHECK(send(host, wire, to_peer(false), pattern(65536)).error() == Errc::message_too_large);
  CHECK(host.count(Counter::send_too_large) == 4);
}

TEST_CASE(
    "fragments that we send are put together by the other end, at every MTU and size [R8200-4.5-1], [R5722-4-1]") {
  for (const bool v4 : {true, false})
    for (const std::size_t mtu : {v4 ? 576u : 1280u, 1500u, 9000u})
      for (const std::size_t size : {mtu, std::size_t{4000}, std::size_t{20001}, std::size_t{65515}}) {
        Config config = test_config();
        config.mtu = mtu;
        Host host(config);
        Host peer(peer_config());
        Wire wire;
        const Octets payload = pattern(size);
        REQUIRE(send(host, wire, to_peer(v4), payload, 333));
        Octets received;
        for (const Octets& fragment : wire.packets) {
          REQUIRE(fragment.size() <= mtu);
          const Datagram datagram = peer.datagram(fragment);
          if (!datagram.packet.empty()) received = octets(datagram.payload());
        }
        REQUIRE(received == payload);
        REQUIRE(host.count(Counter::fragments_out) == (wire.packets.size() > 1 ? wire.packets.size() : 0));
      }
}

TEST_CASE("libtins puts our IPv4 fragments together") {
  Host host;
  Wire wire;
  Octets payload = pattern(5000);
  ByteWriter(MutableBytes(payload).subspan(4)).u16(5000);
  REQUIRE(send(host, wire, to_peer(true), payload));
  Tins::IPv4Reassembler reassembler;
  Octets whole;
  for (const Octets& fragment : wire.packets) {
    Tins::IP ip(fragment.data(), static_cast<std::uint32_t>(fragment.size()));
    CHECK(internet_checksum(Bytes(fragment).first(20)) == 0);
    if (reassembler.process(ip) == Tins::IPv4Reassembler::REASSEMBLED) whole = ip.serialize();
  }
  REQUIRE(whole.size() == 5020);
  CHECK(octets(Bytes(whole).subspan(28)) == octets(Bytes(payload).subspan(8)));
}

TEST_CASE("libtins finds fragment headers in our IPv6 fragments") {
  Host host;
  Wire wire;
  REQUIRE(send(host, wire, to_peer(false), pattern(4000)));
  CHECK(wire.packets.size() == 3);
  for (const Octets& fragment : wire.packets) {
    const Tins::IPv6 ip(fragment.data(), static_cast<std::uint32_t>(fragment.size()));
    CHECK(ip.search_header(Tins::IPv6::FRAGMENT) != nullptr);
  }
}

TEST_CASE(
    "fragments of one datagram share an identification, the next datagram has another [R6864-4.3-1], [R8200-4.5-9]") {
  Host host;
  for (const bool v4 : {true, false}) {
    std::set<Octets> ids;
    for (int i = 0; i < 50; ++i) {
      Wire wire;
      REQUIRE(send(host, wire, to_peer(v4), pattern(3000)));
      std::set<Octets> own;
      for (const Octets& fragment : wire.packets) own.insert(octets(Bytes(fragment).subspan(v4 ? 4 : 44, v4 ? 2 : 4)));
      REQUIRE(own.size() == 1);
      ids.insert(*own.begin());
    }
    CHECK(ids.size() == 50);
  }
}

TEST_CASE(
    "a datagram that a router may cut has an identification, an atomic one needs none [R6864-4.1-1], [R6864-4.3-1]") {
  Host host;
  Wire wire;
  std::set<Octets> ids;
  for (int i = 0; i < 20; ++i) {
    REQUIRE(send(host, wire, to_peer(true), pattern(100)));
    ids.insert(octets(Bytes(wire.packets.back()).subspan(4, 2)));
  }
  CHECK(ids.size() == 20);
  CHECK_FALSE(ids.contains(Octets{0, 0}));
  REQUIRE(send(host, wire, to_peer(true, true), pattern(100)));
  CHECK(octets(Bytes(wire.packets.back()).subspan(4, 2)) == Octets{0, 0});
}

TEST_CASE("an identification that the caller gives is kept") {
  Host host;
  Wire wire;
  HeaderFields fields = to_peer(true);
  fields.identification = 0x1234;
  REQUIRE(send(host, wire, fields, pattern(3000)));
  for (const Octets& fragment : wire.packets) CHECK(octets(Bytes(fragment).subspan(4, 2)) == Octets{0x12, 0x34});
}

TEST_CASE("a sink that fills up in the middle gets the rest through the outbox") {
  Host host;
  Host peer(peer_config());
  Wire wire;
  wire.room = 1;
  REQUIRE(send(host, wire, to_peer(true), pattern(5000)));
  CHECK(wire.packets.size() == 1);
  CHECK(peer.is_dropped(wire.packets[0]));
  Octets received;
  for (const Octets& fragment : host.out()) {
    const Datagram datagram = peer.datagram(fragment);
    if (!datagram.packet.empty()) received = octets(datagram.payload());
  }
  CHECK(received == pattern(5000));
}

TEST_CASE("what the outbox cannot take either is counted") {
  Host host(test_config(), 1u << 20, 100);
  Wire wire;
  wire.room = 1;
  CHECK(send(host, wire, to_peer(true), pattern(3000)));
  CHECK(host.count(Counter::drop_outbox_full) == 1);  // the last one is small enough
}

TEST_CASE("an outbox that keeps frames keeps them in order, until a sink takes them") {
  Outbox outbox(100);
  CHECK(outbox.push(pattern(20), pattern(20)));
  CHECK(outbox.push(pattern(60)));
  CHECK(outbox.bytes() == 100);
  CHECK_FALSE(outbox.push(pattern(1)));
  Wire wire;
  wire.room = 1;
  outbox.drain(wire);
  CHECK(wire.packets == std::vector<Octets>{pattern(20) + pattern(20)});
  CHECK(outbox.bytes() == 60);
  wire.room = 2;
  outbox.drain(wire);
  CHECK(outbox.empty());
  CHECK(outbox.bytes() == 0);
  CHECK(outbox.dropped() == 1);
}

TEST_CASE(
    "identifications never repeat early, skip 0, and differ between destinations [R6864-4.3-1], [A-TCP-07], "
    "[R7739-4-1]") {
  Host host;
  std::set<std::uint16_t> seen;
  for (int i = 0; i < 65535; ++i) seen.insert(host.layer.next_identification(kPeer4));
  CHECK(seen.size() == 65535);
  CHECK_FALSE(seen.contains(0));
  // Another destination's counter is not moved by all that.
  const std::uint16_t before = host.layer.next_identification(ip("10.0.0.3"));
  for (int i = 0; i < 100; ++i) (void)host.layer.next_identification(kPeer4);
  const std::uint16_t after = host.layer.next_identification(ip("10.0.0.3"));
  CHECK(static_cast<std::uint16_t>(after - before) <= 2);
}

TEST_CASE(
    "the MTU of a path is lowered, never raised, and comes back after ten minutes [R1191-3-3], [R1191-3-4], "
    "[R8201-4-3], "
    "[R8201-4-4], [R8201-5.3-1], [R8201-5.2-1]") {
  Host host;
  for (const IpAddress& peer : {kPeer4, kPeer6}) {
    CHECK(host.layer.path_mtu(peer) == 1500);
    CHECK(host.layer.lower_path_mtu(peer, 1400, 1500, host.now) == 1400);
    CHECK(host.layer.lower_path_mtu(peer, 1450, 1500, host.now) == 1400);
    CHECK(host.layer.lower_path_mtu(peer, 9000, 1500, host.now) == 1400);
  }
  CHECK(host.layer.path_mtu(ip("10.0.0.3")) == 1500);
  CHECK(host.count(Counter::path_mtu_lowered) == 2);
  CHECK(host.count(Counter::path_mtu_ignored) == 4);
  CHECK(host.layer.next_timeout() == host.now + std::chrono::minutes(10));
  host.wait(std::chrono::minutes(5));
  CHECK(host.layer.lower_path_mtu(kPeer4, 1300, 1400, host.now) == 1300);
  host.wait(std::chrono::minutes(5));
  CHECK(host.layer.path_mtu(kPeer4) == 1300);
  CHECK(host.layer.path_mtu(kPeer6) == 1500);
  host.wait(std::chrono::minutes(5));
  CHECK(host.layer.path_mtu(kPeer4) == 1500);
  CHECK(host.layer.next_timeout() == kNever);
}

TEST_CASE("an IPv6 path is never believed to be under 1280 [R8201-4-1], [A-TCP-10]") {
  Host host;
  for (const std::size_t mtu : {0u, 68u, 1279u}) CHECK(host.layer.lower_path_mtu(kPeer6, mtu, 1500, host.now) == 1500);
  CHECK(host.layer.lower_path_mtu(kPeer6, 1280, 1500, host.now) == 1280);
}

TEST_CASE("an IPv4 path under 552 stays at 552, and packets go without DF [R1191-3-2], [A-TCP-10]") {
  Host host;
  CHECK(host.layer.lower_path_mtu(kPeer4, 67, 1500, host.now) == 1500);
  CHECK_FALSE(host.layer.below_floor(kPeer4));
  CHECK(host.layer.lower_path_mtu(kPeer4, 552, 1500, host.now) == 552);
  CHECK_FALSE(host.layer.below_floor(kPeer4));
  CHECK(host.layer.lower_path_mtu(kPeer4, 68, 552, host.now) == 552);
  CHECK(host.layer.below_floor(kPeer4));
  Wire wire;
  REQUIRE(send(host, wire, to_peer(true, true), pattern(500)));
  CHECK((wire.packets[0][6] & 0x40) == 0);
  host.wait(std::chrono::minutes(10));
  CHECK_FALSE(host.layer.below_floor(kPeer4));
}

TEST_CASE("routers that do not say their MTU are guessed by plateaus [R1191-3-5]") {
  Config config = test_config();
  config.mtu = 65535;
  Host host(config);
  const std::vector<std::size_t> plateaus = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 552};
  for (const std::size_t plateau : plateaus)
    CHECK(host.layer.lower_path_mtu(kPeer4, 0, host.layer.path_mtu(kPeer4), host.now) == plateau);
  CHECK(host.layer.lower_path_mtu(ip("10.0.0.3"), 0, 100, host.now) == 552);
  CHECK(host.layer.below_floor(ip("10.0.0.3")));
}

TEST_CASE("the cache of path MTUs is bounded; the oldest goes") {
  PathMtuCache cache(Key{});
  Time now{};
  for (std::uint32_t i = 0; i < PathMtuCache::kMaximumEntries + 10; ++i)
    CHECK(cache.lower(IpAddress::v4(0x0b000000 + i), {.mtu = 1400}, 1500, now += std::chrono::milliseconds(1)));
  CHECK(cache.size() == PathMtuCache::kMaximumEntries);
  CHECK(cache.find(IpAddress::v4(0x0b000000), 1500) == 1500);
  CHECK(cache.find(IpAddress::v4(0x0b000000 + 1000), 1500) == 1400);
  cache.expire(now + std::chrono::minutes(10));
  CHECK(cache.size() == 0);
}

TEST_CASE(
    "a source address fits its destination [R1122-3.2.1.3-1], [R1122-3.2.1.3-4], [R1122-3.2.1.3-5], [R1122-3.3.4-2]") {
  Config config;
  for (const char* prefix :
       {"10.0.0.1/8", "10.1.0.1/16", "192.168.1.1/24", "fe80::1/64", "fd00::1/64", "2001:db8::1/32"})
    config.addresses.push_back(*Prefix::parse(prefix));
  Host host(config);
  const auto source_for = [&](const char* destination) {
    return host.layer.select_source(ip(destination))->to_string();
  };
  CHECK(source_for("10.2.3.4") == "10.0.0.1");
  CHECK(source_for("10.1.3.4") == "10.1.0.1");
  CHECK(source_for("192.168.1.9") == "192.168.1.1");
  CHECK(source_for("8.8.8.8") == "10.0.0.1");
  CHECK(source_for("192.168.1.1") == "192.168.1.1");
  CHECK(source_for("fe80::9") == "fe80::1");
  CHECK(source_for("fd00::9") == "fd00::1");
  CHECK(source_for("2001:db8:ffff::1") == "2001:db8::1");
  CHECK(source_for("2600::1") == "2001:db8::1");
  for (const char* own : {"127.0.0.1", "127.9.9.9", "::1"}) CHECK(source_for(own) == own);
  for (const char* nowhere : {"0.0.0.0", "::"})
    CHECK(host.layer.select_source(ip(nowhere)).error() == Errc::network_unreachable);
  Host four({.addresses = {*Prefix::parse("10.0.0.1/24")}});
  CHECK(four.layer.select_source(ip("fd00::2")).error() == Errc::network_unreachable);
}

TEST_CASE("our addresses, loopback and broadcasts are known [R1122-3.3.6-1]") {
  Host host;
  CHECK(host.layer.is_local(kOur4));
  CHECK(host.layer.is_local(kOur6));
  CHECK(host.layer.is_local(ip("127.0.0.9")));
  CHECK_FALSE(host.layer.is_local(kPeer4));
  CHECK(host.layer.is_broadcast(ip("255.255.255.255")));
  CHECK(host.layer.is_broadcast(ip("10.0.0.255")));
  CHECK_FALSE(host.layer.is_broadcast(ip("10.0.1.255")));
  CHECK_FALSE(host.layer.is_broadcast(kOur6));
  Host point_to_point({.addresses = {*Prefix::parse("10.0.0.1/31"), *Prefix::parse("10.0.1.1/32")}});
  CHECK_FALSE(point_to_point.layer.is_broadcast(ip("10.0.0.1")));
  CHECK_FALSE(point_to_point.layer.is_broadcast(ip("10.0.1.1")));
}

TEST_CASE("every counter has a name of its own") {
  std::set<std::string_view> names;
  Host().layer.counters().for_each([&](std::string_view name, std::uint64_t value) {
    CHECK(value == 0);
    names.insert(name);
  });
  CHECK(names.size() == static_cast<std::size_t>(Counter::count));
  CHECK_FALSE(names.contains("unknown"));
  CHECK(name(Counter::count) == "unknown");
}

}  // namespace
}  // namespace sluice::ip
