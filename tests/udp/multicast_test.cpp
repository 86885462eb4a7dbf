// Groups and broadcast: who gets a copy, from whom, and how far it goes.
#include <doctest/doctest.h>

#include "tests/udp/station.hpp"

namespace sluice::udp {
namespace {

using ip::FilterMode;
using ip::ip;
using ip::SourceFilter;

const IpAddress kGroup4 = ip("239.1.1.1");
const IpAddress kGroup6 = ip("ff05::1:1");

TEST_CASE("a datagram to a group reaches the members on its port and nobody else [R1112-7-1]") {
  Station station;
  Socket member = station.bind("0.0.0.0:7");
  Socket dual = station.bind("[::]:8");
  Socket other_port = station.bind("0.0.0.0:9");
  Socket bound = station.bind("10.0.0.1:7");
  for (Socket* socket : {&member, &dual, &other_port, &bound}) CHECK(socket->join(kGroup4));
  station.in(datagram("10.0.0.2:4000", "239.1.1.1:7"));
  const Received received = next(member);
  CHECK(received.from == endpoint("10.0.0.2:4000"));
  CHECK(received.local == kGroup4);
  CHECK(octets(received.data.bytes()) == pattern(20));
  station.in(datagram("10.0.0.2:4000", "239.1.1.1:8"));
  CHECK(next(dual).local == kGroup4.mapped());
  for (Socket* socket : {&member, &dual, &other_port, &bound}) CHECK(is_empty(*socket));
  station.in(datagram("10.0.0.2:4000", "239.1.1.1:1"));
  CHECK(station.count(Counter::drop_no_listener) == 1);
  CHECK(station.host.out().empty());  // no ICMP error about a group [R1112-7-2]
}

TEST_CASE("a socket that has not joined hears nothing of a group that another one is in") {
  Station station;
  Socket member = station.bind("0.0.0.0:7");
  Socket bystander = station.bind("0.0.0.0:8");
  CHECK(member.join(kGroup4));
  station.in(datagram("10.0.0.2:4000", "239.1.1.1:8"));
  CHECK(is_empty(bystander));
  CHECK(station.count(Counter::drop_no_listener) == 1);
}

TEST_CASE("all members that share a port get a copy of their own") {
  Station station;
  std::vector<Socket> members;
  for (int i = 0; i < 3; ++i) {
    members.push_back(station.bind("[::]:7", {.share_port = true}));
    CHECK(members.back().join(kGroup6));
  }
  CHECK(station.udp.bind(endpoint("[::]:7")).error() == Errc::address_in_use);
  station.in(datagram("[fd00::2]:4000", "[ff05::1:1]:7", pattern(1400)));
  for (Socket& member : members) {
    Received received = next(member);
    CHECK(octets(received.data.bytes()) == pattern(1400));
    received.data.mutable_bytes()[0] = 99;
  }
  CHECK(station.host.budget.used() == 0);
}

TEST_CASE("of sockets that share a port the latest gets what is for one, and each can go") {
  Station station;
  Socket first = station.bind("0.0.0.0:7", {.share_port = true});
  Socket second = station.bind("0.0.0.0:7", {.share_port = true});
  Socket third = station.bind("0.0.0.0:7", {.share_port = true});
  station.in(datagram("10.0.0.2:4000", "10.0.0.1:7"));
  CHECK_FALSE(is_empty(third));
  second.close();
  third.close();
  station.in(datagram("10.0.0.2:4000", "10.0.0.1:7"));
  CHECK_FALSE(is_empty(first));
  first.close();
  Socket alone = station.bind("0.0.0.0:7");
  CHECK(station.udp.bind(endpoint("0.0.0.0:7"), {.share_port = true}).error() == Errc::address_in_use);
}

TEST_CASE("joining twice and leaving what one is not in are errors; leaving ends it") {
  Station station;
  Socket socket = station.bind("[::]:7");
  CHECK(socket.join(kGroup6));
  CHECK(socket.join(kGroup6).error() == Errc::address_in_use);
  CHECK(socket.leave(kGroup4).error() == Errc::address_not_available);
  CHECK(socket.join(ip("fd00::2")).error() == Errc::invalid_argument);
  CHECK(socket.leave(kGroup6));
  CHECK(socket.leave(kGroup6).error() == Errc::address_not_available);
  station.in(datagram("[fd00::2]:4000", "[ff05::1:1]:7"));
  CHECK(is_empty(socket));
  CHECK(station.host.count(ip::Counter::drop_not_ours) == 1);
}

TEST_CASE("a socket joins groups of the families that it receives") {
  Station station;
  Socket four = station.bind("0.0.0.0:7");
  Socket six = station.bind("[::]:8", {.dual_stack = false});
  Socket dual = station.bind("[::]:9");
  CHECK(four.join(kGroup6).error() == Errc::address_family);
  CHECK(six.join(kGroup4).error() == Errc::address_family);
  CHECK(dual.join(kGroup4.mapped()));
  CHECK(dual.join(kGroup4).error() == Errc::address_in_use);
  CHECK(dual.group_filter(kGroup4)->mode == FilterMode::exclude);
}

TEST_CASE("closing a socket leaves its groups") {
  Station station;
  Socket socket = station.bind("0.0.0.0:7");
  Socket other = station.bind("0.0.0.0:8");
  CHECK(socket.join(kGroup4));
  CHECK(other.join(kGroup4));
  CHECK(socket.join(ip("239.2.2.2")));
  socket.close();
  CHECK(station.host.layer.groups().size() == 1);
  other.close();
  CHECK(station.host.layer.groups().size() == 0);
}

TEST_CASE("a closed socket whose datagrams still wait has left already") {
  Station station;
  Socket socket = station.bind("0.0.0.0:7");
  CHECK(socket.join(kGroup4));
  REQUIRE(socket.send_to(endpoint("239.1.1.1:7"), pattern(20)));
  socket.close();
  CHECK(station.host.layer.groups().size() == 0);
  CHECK(station.out().size() == 1);
}

TEST_CASE("sources are blocked and unblocked in a group joined as a whole") {
  Station station;
  Socket socket = station.bind("0.0.0.0:7");
  CHECK(socket.block_source(kGroup4, kPeer4).error() == Errc::invalid_argument);
  CHECK(socket.join(kGroup4));
  CHECK(socket.unblock_source(kGroup4, kPeer4).error() == Errc::address_not_available);
  CHECK(socket.block_source(kGroup4, kPeer4));
  CHECK(socket.block_source(kGroup4, kPeer4).error() == Errc::address_not_available);
  CHECK(socket.join_source(kGroup4, kPeer4).error() == Errc::invalid_argument);
  station.in(datagram("10.0.0.2:4000", "239.1.1.1:7"));
  CHECK(is_empty(socket));
  station.in(datagram("10.0.0.3:4000", "239.1.1.1:7"));
  CHECK(next(socket).from == endpoint("10.0.0.3:4000"));
  CHECK(socket.unblock_source(kGroup4, kPeer4));
  station.in(datagram("10.0.0.2:4000", "239.1.1.1:7"));
  CHECK_FALSE(is_empty(socket));
}

TEST_CASE("a group joined source by source is heard from these alone, each socket for itself [R3376-3.2-1]") {
  Station station;
  Socket one = station.bind("0.0.0.0:7", {.share_port = true});
  Socket two = station.bind("0.0.0.0:7", {.share_port = true});
  CHECK(one.join_source(kGroup4, kPeer4));
  CHECK(one.join_source(kGroup4, kPeer4).error() == Errc::address_not_available);
  CHECK(two.join_source(kGroup4, ip("10.0.0.3")));
  CHECK(station.host.layer.groups().merged(kGroup4).sources.size() == 2);
  station.in(datagram("10.0.0.2:4000", "239.1.1.1:7"));
  CHECK_FALSE(is_empty(one));
  CHECK(is_empty(two));
  station.in(datagram("10.0.0.4:4000", "239.1.1.1:7"));
  CHECK(is_empty(one));
  CHECK(is_empty(two));
  CHECK(one.leave_source(kGroup4, ip("10.0.0.3")).error() == Errc::address_not_available);
  CHECK(one.leave_source(kGroup4, kPeer4));
  CHECK(one.group_filter(kGroup4)->is_nobody());
  CHECK(two.leave(kGroup4));
  CHECK(station.host.layer.groups().size() == 0);
}

TEST_CASE("a whole filter is set and read in one call; too many sources are an error [R3376-2-1]") {
  Station station;
  Socket socket = station.bind("[::]:7");
  SourceFilter filter{FilterMode::exclude, {}};
  for (std::uint8_t i = 64; i > 0; --i) filter.sources.push_back(IpAddress::v4(10, 0, 0, i).mapped());
  CHECK(socket.set_group_filter(kGroup4, filter));
  CHECK(socket.group_filter(kGroup4)->sources.size() == 64);
  CHECK(socket.group_filter(kGroup4)->sources.front() == ip("10.0.0.1"));
  CHECK(socket.block_source(kGroup4, ip("10.0.0.65")).error() == Errc::no_buffer_space);
  CHECK(socket.set_group_filter(kGroup4, {}));
  CHECK(socket.group_filter(kGroup4)->is_nobody());
}

TEST_CASE("a socket bound to a group hears that group alone, and never sends from it [R1112-7-2]") {
  Station station;
  Socket socket = station.bind("239.1.1.1:7");
  CHECK(socket.join(kGroup4));
  CHECK(socket.join(ip("239.2.2.2")));
  station.in(datagram("10.0.0.2:4000", "239.2.2.2:7"));
  station.in(datagram("10.0.0.2:4000", "10.0.0.1:7"));
  CHECK(is_empty(socket));
  station.in(datagram("10.0.0.2:4000", "239.1.1.1:7"));
  CHECK_FALSE(is_empty(socket));
  REQUIRE(socket.send_to(endpoint("10.0.0.2:4000"), pattern(1)));
  CHECK(IpAddress::from_bytes(Bytes(station.out().at(0)).subspan(12, 4)) == kOur4);
  const Octets text = pattern(1);
  const Outgoing named{.to = endpoint("10.0.0.2:4000"), .local = kOur4, .data = Slice::copy_of(text)};
  CHECK(*socket.send({&named, 1}) == 1);
  CHECK(socket.connect(endpoint("10.0.0.2:4000")));
  CHECK(socket.local()->address == kOur4);
}

TEST_CASE("a connected member hears the group from its peer alone") {
  Station station;
  Socket socket = station.bind("0.0.0.0:7");
  CHECK(socket.join(kGroup4));
  CHECK(socket.connect(endpoint("10.0.0.2:4000")));
  station.in(datagram("10.0.0.3:4000", "239.1.1.1:7"));
  CHECK(is_empty(socket));
  station.in(datagram("10.0.0.2:4000", "239.1.1.1:7"));
  CHECK_FALSE(is_empty(socket));
}

TEST_CASE("to a group the hop limit is the socket's for groups, whatever it is for hosts [R1112-6-1]") {
  Station station;
  Socket socket = station.bind("0.0.0.0:7", {.hop_limit = 9, .multicast_loop = false});
  REQUIRE(socket.send_to(endpoint("239.1.1.1:7"), pattern(1)));
  CHECK(station.out().at(0)[8] == 1);
  CHECK(socket.set_options({.hop_limit = 9, .multicast_hops = 32}));
  REQUIRE(socket.send_to(endpoint("239.1.1.1:7"), pattern(1)));
  REQUIRE(socket.send_to(endpoint("10.0.0.2:7"), pattern(1)));
  const auto out = station.out();
  CHECK(out.at(0)[8] == 32);
  CHECK(out.at(1)[8] == 9);
}

TEST_CASE("what is sent to a group reaches its members here, unless the sender says otherwise [R1112-6-1]") {
  Station station;
  for (const char* group : {"239.1.1.1:7", "[ff05::1:1]:7"}) {
    const Endpoint to = endpoint(group);
    const bool v4 = to.address.is_v4();
    Socket member = station.bind(v4 ? "0.0.0.0:7" : "[::]:7");
    CHECK(member.join(to.address));
    Socket sender = station.bind(v4 ? "10.0.0.1:9" : "[fd00::1]:9");
    REQUIRE(sender.send_to(to, pattern(100)));
    CHECK(is_empty(member));  // not before it has left
    CHECK(station.out().size() == 1);
    const Received received = next(member);
    CHECK(octets(received.data.bytes()) == pattern(100));
    CHECK(received.from == endpoint(v4 ? "10.0.0.1:9" : "[fd00::1]:9"));
    CHECK(received.local == to.address);
    CHECK(sender.set_options({.multicast_loop = false}));
    REQUIRE(sender.send_to(to, pattern(100)));
    CHECK(station.out().size() == 1);
    CHECK(is_empty(member));
  }
  CHECK(station.host.budget.used() == 0);
}

TEST_CASE("with a hop limit of 0 a datagram for a group does not leave this host [R1112-6-1]") {
  Station station;
  Socket member = station.bind("0.0.0.0:7", {.multicast_hops = 0});
  CHECK(member.join(kGroup4));
  REQUIRE(member.send_to(endpoint("239.1.1.1:7"), pattern(20)));
  CHECK(station.out().empty());
  CHECK(next(member).data.size() == 20);
}

TEST_CASE("to broadcast nobody sends without permission") {
  Station station;
  Socket socket = station.bind("[::]:7");
  for (const char* to : {"[::ffff:10.0.0.255]:9", "[::ffff:255.255.255.255]:9"}) {
    CHECK(socket.send_to(endpoint(to), pattern(1)).error() == Errc::permission_denied);
    CHECK(socket.connect(endpoint(to)).error() == Errc::permission_denied);
  }
  CHECK(socket.set_options({.broadcast = true}));
  REQUIRE(socket.send_to(endpoint("[::ffff:10.0.0.255]:9"), pattern(1)));
  const auto out = station.out();
  CHECK(IpAddress::from_bytes(Bytes(out.at(0)).subspan(16, 4)) == ip("10.0.0.255"));
  CHECK(out[0][8] == 64);
}

TEST_CASE("a broadcast, and what goes to all hosts, reaches every socket on the port [R1112-7-1]") {
  Station station;
  Socket four = station.bind("0.0.0.0:7", {.share_port = true});
  Socket dual = station.bind("[::]:7", {.share_port = true});
  Socket also = station.bind("[::]:7", {.share_port = true});
  Socket bound = station.bind("10.0.0.1:7");
  for (const char* to : {"10.0.0.255:7", "255.255.255.255:7", "224.0.0.1:7"}) {
    station.in(datagram("10.0.0.2:4000", to));
    CHECK_FALSE(is_empty(four));
    CHECK_FALSE(is_empty(dual));
    CHECK_FALSE(is_empty(also));
    CHECK(is_empty(bound));
  }
  station.in(datagram("[fd00::2]:4000", "[ff02::1]:7"));
  CHECK(is_empty(four));
  CHECK_FALSE(is_empty(dual));
  CHECK_FALSE(is_empty(also));
}

}  // namespace
}  // namespace sluice::udp
