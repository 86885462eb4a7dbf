// A join on a whole stack: routers hear of it, queries are answered in time, datagrams arrive, and all ends with the
// socket.
#include <doctest/doctest.h>

#include "stack/wire/igmp.hpp"
#include "stack/wire/ipv4.hpp"
#include "stack/wire/mld.hpp"
#include "stack/wire/router_alert.hpp"
#include "tests/support/world.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using Octets = std::vector<std::uint8_t>;

/// The left host's IGMP and MLD packets, and no others.
struct Overheard {
  explicit Overheard(World& world) {
    world.on_packet = [this](bool to_right, Bytes packet) {
      const bool v4 = packet[0] >> 4 == 4;
      if (to_right && (v4 ? packet[9] == 2 : packet[6] == 0)) packets.emplace_back(packet.begin(), packet.end());
    };
  }
  std::vector<Octets> packets;
};

Octets general_query_v4(const IpAddress& source = World::right_address(Family::ipv4)) {
  Octets packet(64);
  const std::size_t size = 24 + wire::igmp::write(MutableBytes(packet).subspan(24), {.maximum_response = 1s});
  wire::ipv4::write(packet,
                    {.source = source,
                     .destination = IpAddress::v4(224, 0, 0, 1),
                     .protocol = 2,
                     .hop_limit = 1,
                     .total_length = static_cast<std::uint16_t>(size)},
                    wire::kRouterAlertOption);
  packet.resize(size);
  return packet;
}

TEST_CASE("a switch that snoops and has no address hears of the groups when it asks (RFC 4541 2.1.1)") {
  World world;
  Overheard heard(world);
  udp::Socket socket = *world.left().bind_udp(*Endpoint::parse("0.0.0.0:7"));
  REQUIRE(socket.join(IpAddress::v4(239, 1, 1, 1)));
  world.run_for(5s);
  const std::size_t before = heard.packets.size();
  world.inject(false, general_query_v4(IpAddress()));
  world.run_for(2s);
  CHECK(heard.packets.size() == before + 1);
}

TEST_CASE("a join makes a report, a query makes another, and the end of the socket the last [R1122-3.3.7-1]") {
  World world;
  Overheard heard(world);
  udp::Socket socket = *world.left().bind_udp(*Endpoint::parse("0.0.0.0:7"));
  const IpAddress group = IpAddress::v4(239, 1, 1, 1);
  REQUIRE(socket.join(group));
  world.settle();
  CHECK(heard.packets.size() == 1);
  world.run_for(2s);
  CHECK(heard.packets.size() == 2);
  world.inject(false, general_query_v4());
  world.run_for(2s);
  REQUIRE(heard.packets.size() == 3);
  CHECK(IpAddress::from_bytes(Bytes(heard.packets[2]).subspan(12, 4)) == world.left_address());
  socket.close();
  world.run_for(2s);
  CHECK(heard.packets.size() == 5);
  world.inject(false, general_query_v4());
  world.run_for(2s);
  CHECK(heard.packets.size() == 5);
  CHECK(world.left().membership(Family::ipv4).counters()[host::MembershipCounter::queries_in] == 2);
}

TEST_CASE("a datagram to a group crosses from one stack to the other, over both families [R1112-7-1]") {
  for (const char* text : {"239.1.1.1", "ff05::1:1"}) {
    const IpAddress group = *IpAddress::parse(text);
    World world({.family = group.family()});
    udp::Socket receiver = *world.right().bind_udp({IpAddress::any(group.family()), 7});
    udp::Socket sender = *world.left().bind_udp({IpAddress::any(group.family()), 9});
    const Octets hello = {1, 2, 3};
    REQUIRE(sender.send_to({group, 7}, hello));
    world.run_for(1s);
    udp::Received received;
    CHECK(*receiver.receive({&received, 1}) == 0);
    REQUIRE(receiver.join(group));
    REQUIRE(sender.send_to({group, 7}, hello));
    world.run_for(1s);
    REQUIRE(*receiver.receive({&received, 1}) == 1);
    CHECK(received.local == group);
    CHECK(received.hop_limit == 1);
    CHECK(received.data.size() == 3);
    CHECK(*sender.receive({&received, 1}) == 0);
  }
}

TEST_CASE("an MLD report comes from our link-local address [R3810-5.2.13-1]") {
  Config config;
  config.ip.addresses = {*Prefix::parse("fd00::1/64"), *Prefix::parse("fe80::1/64")};
  Stack stack(config);
  udp::Socket socket = *stack.bind_udp(*Endpoint::parse("[::]:7"));
  REQUIRE(socket.join(*IpAddress::parse("ff05::1:1")));
  std::vector<Octets> packets;
  SinkOf sink([&](const Frame& frame) noexcept {
    packets.emplace_back(frame.head.begin(), frame.head.end());
    return true;
  });
  stack.poll_transmit(Time(1h), sink);
  REQUIRE(packets.size() == 1);
  CHECK(IpAddress::from_bytes(Bytes(packets[0]).subspan(8, 16)) == *IpAddress::parse("fe80::1"));
  CHECK(stack.next_timeout() <= Time(1h) + 1s);
}

}  // namespace
}  // namespace sluice::test
