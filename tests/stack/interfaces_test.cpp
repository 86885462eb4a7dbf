// A host with several interfaces: which one a packet leaves by, and whose address is whose.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "tests/support/lan.hpp"
#include "tests/support/wires.hpp"
#include "tests/support/world.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

IpAddress ip(const char* text) { return *IpAddress::parse(text); }
Prefix prefix(const char* text) { return *Prefix::parse(text); }

Config one_interface(std::uint8_t number, const std::vector<Prefix>& addresses, std::size_t mtu = 1500) {
  Config config{.key = run_key(number), .ip = {}, .tcp = {}};
  config.ip.addresses = addresses;
  config.ip.mtu = mtu;
  return config;
}

/// `middle` has 10.0.0.1/24 and fd00::1/64 on interface 0, which leads to `near` with .2, and 10.1.0.1/24 and
/// fd01::1/64 on interface 1, MTU 9000, which leads to `far` with .2.
struct Crossroads : Wires {
  Crossroads() {
    Config config = one_interface(1, {prefix("10.0.0.1/24"), prefix("fd00::1/64")});
    config.more_interfaces.push_back({.addresses = {prefix("10.1.0.1/24"), prefix("fd01::1/64")}, .mtu = 9000});
    middle = add_host(config);
    near = add_host(one_interface(2, {prefix("10.0.0.2/24"), prefix("fd00::2/64")}));
    far = add_host(one_interface(3, {prefix("10.1.0.2/24"), prefix("fd01::2/64")}, 9000));
    join({middle, 0}, {near, 0});
    join({middle, 1}, {far, 0});
    on_frame = [this](End from, Bytes frame) {
      if (from.host == middle) left_by.at(from.interface).emplace_back(frame.begin(), frame.end());
    };
  }

  Stack& centre() { return host(middle); }

  std::size_t middle = 0, near = 0, far = 0;
  std::array<std::vector<Octets>, 2> left_by;
};

/// One connection to `to`, with a word each way.
void talk(Wires& wires, Stack& client, Stack& server, const Endpoint& to, const IpAddress& from) {
  auto listener = server.listen({IpAddress::any(to.address.family()), to.port});
  REQUIRE(listener);
  auto socket = client.connect(to);
  REQUIRE(socket);
  REQUIRE(socket->write(as_bytes("ping")));
  wires.run_for(1s);
  auto accepted = listener->accept();
  REQUIRE(accepted);
  CHECK(accepted->remote()->address == from);
  std::array<std::uint8_t, 8> room{};
  CHECK(*accepted->read(room) == 4);
  REQUIRE(accepted->write(as_bytes("pong!")));
  wires.run_for(1s);
  CHECK(*socket->read(room) == 5);
}

Octets datagram(const char* from, const char* to) { return empty_datagram(ip(from), ip(to)); }

TEST_CASE("each neighbour is reached by its own interface, from that interface's address [R1122-3.2.1.3-1]") {
  Crossroads roads;
  for (const char* text : {"10.0.0.2", "fd00::2"}) {
    CAPTURE(text);
    talk(roads, roads.centre(), roads.host(roads.near), {ip(text), 80}, ip(text[0] == '1' ? "10.0.0.1" : "fd00::1"));
  }
  CHECK(roads.left_by[1].empty());
  roads.run_for(1s);  // the sockets have closed
  const std::size_t before = roads.left_by[0].size();
  for (const char* text : {"10.1.0.2", "fd01::2"}) {
    CAPTURE(text);
    talk(roads, roads.centre(), roads.host(roads.far), {ip(text), 80}, ip(text[0] == '1' ? "10.1.0.1" : "fd01::1"));
  }
  CHECK(roads.left_by[0].size() == before);
  CHECK(!roads.left_by[1].empty());
}

TEST_CASE("a server on the wildcard answers by the interface that was asked, on the address that was asked") {
  Crossroads roads;
  auto listener = roads.centre().listen(*Endpoint::parse("[::]:80"));
  REQUIRE(listener);
  auto from_near = roads.host(roads.near).connect(*Endpoint::parse("10.0.0.1:80"));
  auto from_far = roads.host(roads.far).connect(*Endpoint::parse("[fd01::1]:80"));
  REQUIRE((from_near && from_far));
  roads.run_for(1s);
  CHECK(from_near->info()->state == tcp::State::established);
  CHECK(from_far->info()->state == tcp::State::established);
  CHECK(listener->waiting() == 2);
}

TEST_CASE("the longest prefix chooses the interface, and the default route takes the rest [R1122-3.3.1-2]") {
  Crossroads roads;
  ip::Routes& routes = roads.centre().ip().routes();
  routes.add({.destination = prefix("0.0.0.0/0"), .gateway = ip("10.1.0.2"), .interface = 1});
  routes.add({.destination = prefix("172.16.0.0/12"), .gateway = ip("10.0.0.2"), .interface = 0});
  CHECK(roads.centre().ip().way_to(ip("8.8.8.8")) == InterfaceNumber{1});
  CHECK(*roads.centre().ip().select_source(ip("8.8.8.8")) == ip("10.1.0.1"));
  CHECK(roads.centre().ip().way_to(ip("172.16.9.9")) == InterfaceNumber{0});
  CHECK(*roads.centre().ip().select_source(ip("172.16.9.9")) == ip("10.0.0.1"));
  auto socket = roads.centre().connect(*Endpoint::parse("8.8.8.8:80"));
  REQUIRE(socket);
  roads.settle();
  CHECK(roads.left_by[0].empty());
  CHECK(roads.left_by[1].size() == 1);
}

TEST_CASE("what a socket says from an address of its choice leaves by that address's interface, whatever the routes") {
  Crossroads roads;
  roads.centre().ip().routes().add({.destination = prefix("0.0.0.0/0"), .gateway = ip("10.0.0.2"), .interface = 0});
  udp::Socket socket = *roads.centre().bind_udp(*Endpoint::parse("10.1.0.1:7"));
  REQUIRE(socket.send_to(*Endpoint::parse("8.8.8.8:7"), as_bytes("hello")));
  roads.settle();
  CHECK(roads.left_by[0].empty());
  CHECK(roads.left_by[1].size() == 1);
}

TEST_CASE("an interface does not take packets for another one's address: the host is a strong one [R1122-3.2.1.3-2]") {
  Crossroads roads;
  udp::Socket socket = *roads.centre().bind_udp(*Endpoint::parse("0.0.0.0:7"));
  roads.inject({roads.middle, 0}, datagram("10.0.0.2", "10.1.0.1"));
  roads.settle();
  CHECK(roads.centre().ip().counters()[ip::Counter::drop_not_ours] == 1);
  CHECK(roads.centre().udp().counters()[udp::Counter::datagrams_in] == 0);
  roads.inject({roads.middle, 1}, datagram("10.1.0.2", "10.1.0.1"));
  roads.settle();
  CHECK(roads.centre().udp().counters()[udp::Counter::datagrams_in] == 1);
}

TEST_CASE("each interface has its own MTU, and connections offer what theirs takes [9293 MUST-67]") {
  Crossroads roads;
  auto near = roads.centre().connect(*Endpoint::parse("10.0.0.2:80"));
  auto far = roads.centre().connect(*Endpoint::parse("10.1.0.2:80"));
  REQUIRE((near && far));
  roads.settle();
  const auto offered = [](const Octets& syn) { return syn[42] * 256 + syn[43]; };  // MSS is the first option
  REQUIRE((!roads.left_by[0].empty() && !roads.left_by[1].empty()));
  CHECK(offered(roads.left_by[0].front()) == 1460);
  CHECK(offered(roads.left_by[1].front()) == 8960);
  CHECK(roads.centre().ip().path_mtu(ip("10.0.0.2")) == 1500);
  CHECK(roads.centre().ip().path_mtu(ip("10.1.0.2")) == 9000);
}

TEST_CASE("a group is joined on one interface: reports leave by it, and datagrams come by it alone [R3376-3.2-1]") {
  Crossroads roads;
  udp::Socket socket = *roads.centre().bind_udp(*Endpoint::parse("0.0.0.0:7"));
  REQUIRE(socket.join({ip("239.1.1.1"), 1}));
  CHECK(socket.join({ip("239.1.1.1"), 2}).error() == Errc::no_device);
  roads.run_for(3s);
  CHECK(roads.left_by[0].empty());
  REQUIRE(!roads.left_by[1].empty());
  CHECK(roads.left_by[1].front()[9] == 2);  // IGMP
  CHECK(IpAddress::from_bytes(Bytes(roads.left_by[1].front()).subspan(12, 4)) == ip("10.1.0.1"));
  roads.inject({roads.middle, 0}, datagram("10.0.0.2", "239.1.1.1"));
  roads.settle();
  CHECK(roads.centre().udp().counters()[udp::Counter::datagrams_in] == 0);
  roads.inject({roads.middle, 1}, datagram("10.1.0.2", "239.1.1.1"));
  roads.settle();
  CHECK(roads.centre().udp().counters()[udp::Counter::datagrams_in] == 1);
}

TEST_CASE("a datagram to a group leaves by the interface of its source, else by the default route's") {
  Crossroads roads;
  udp::Socket chosen = *roads.centre().bind_udp(*Endpoint::parse("10.1.0.1:7"));
  REQUIRE(chosen.send_to(*Endpoint::parse("239.1.1.1:7"), as_bytes("hello")));
  roads.settle();
  CHECK(roads.left_by[0].empty());
  CHECK(roads.left_by[1].size() == 1);
  udp::Socket any = *roads.centre().bind_udp(*Endpoint::parse("0.0.0.0:8"));
  REQUIRE(any.send_to(*Endpoint::parse("239.1.1.1:7"), as_bytes("hello")));
  roads.settle();
  CHECK(roads.left_by[0].size() == 1);
  roads.centre().ip().routes().add({.destination = prefix("0.0.0.0/0"), .gateway = ip("10.1.0.2"), .interface = 1});
  REQUIRE(any.send_to(*Endpoint::parse("239.1.1.1:7"), as_bytes("hello")));
  roads.settle();
  CHECK(roads.left_by[1].size() == 2);
}

TEST_CASE("an interface that is full holds nobody's text back for ever") {
  Config config = one_interface(1, {prefix("10.0.0.1/24")});
  config.more_interfaces.push_back({.addresses = {prefix("10.1.0.1/24")}});
  Stack stack(config);
  const Time now{1h};
  stack.handle_timeout(now);
  udp::Socket socket = *stack.bind_udp(*Endpoint::parse("0.0.0.0:7"));
  REQUIRE(socket.send_to(*Endpoint::parse("10.0.0.2:7"), as_bytes("first")));
  REQUIRE(socket.send_to(*Endpoint::parse("10.1.0.2:7"), as_bytes("second")));
  bool is_full = true;
  int first = 0, second = 0;
  SinkOf blocked([&](const Frame&) noexcept { return is_full ? false : ++first > 0; });
  SinkOf free([&](const Frame&) noexcept { return ++second > 0; });
  const std::array<FrameSink*, 2> sinks{&blocked, &free};
  stack.poll_transmit(now, sinks);
  CHECK(first == 0);
  is_full = false;
  stack.poll_transmit(now, sinks);
  CHECK(first == 1);
  CHECK(second == 1);
}

TEST_CASE("a program that shows paths sees each ICMP error, with who reported it about which packet") {
  Crossroads roads;
  udp::Socket socket = *roads.centre().bind_udp(*Endpoint::parse("0.0.0.0:7"));
  const auto provoke = [&] {
    REQUIRE(socket.send_to(*Endpoint::parse("10.1.0.2:9"), as_bytes("hello")));
    roads.settle();
  };
  provoke();
  CHECK(!roads.centre().poll_error());  // nobody asked for them
  roads.centre().keep_errors();
  provoke();
  const auto report = roads.centre().poll_error();
  REQUIRE(report);
  CHECK(report->kind == ip::IcmpKind::port_unreachable);
  CHECK(report->code == 3);
  CHECK(report->reporter == ip("10.1.0.2"));
  CHECK(report->protocol == ip::Protocol::udp);
  CHECK(report->local == *Endpoint::parse("10.1.0.1:7"));
  CHECK(report->remote == *Endpoint::parse("10.1.0.2:9"));
  CHECK(!roads.centre().poll_error());
  for (std::size_t i = 0; i < Stack::kMaximumReports + 10; ++i) {
    provoke();
    roads.run_for(10ms);
  }
  std::size_t kept = 0;
  while (roads.centre().poll_error()) ++kept;
  CHECK(kept == Stack::kMaximumReports);
}

TEST_CASE("an address belongs to one interface only") {
  Crossroads roads;
  CHECK(!roads.centre().ip().add_address({.prefix = prefix("10.0.0.1/24"), .interface = 1}));
  CHECK(roads.centre().ip().owner_of(ip("10.0.0.1")) == 0);
}

/// Two Ethernets: on the first the host is 10.0.0.1, on the second 10.1.0.1; a neighbour on each.
struct TwoLans : Wires {
  TwoLans() {
    Config config = lan_config(1);
    InterfaceConfig second{.addresses = {prefix("10.1.0.1/24"), prefix("fe80::1:1/64")}, .link = config.link};
    second.link->mac = mac_of(11);
    config.more_interfaces.push_back(second);
    middle = add_host(config);
    near = add_host(lan_config(2));
    Config other = lan_config(3);
    other.ip.addresses = {prefix("10.1.0.2/24"), prefix("fe80::2:2/64")};
    far = add_host(other);
    join({middle, 0}, {near, 0});
    join({middle, 1}, {far, 0});
  }
  std::size_t middle = 0, near = 0, far = 0;
};

TEST_CASE("neighbours are found on the Ethernet that they are on, and each has its own table [R1122-3.3.1-1]") {
  TwoLans lans;
  talk(lans, lans.host(lans.middle), lans.host(lans.near), *Endpoint::parse("10.0.0.2:80"), ip("10.0.0.1"));
  talk(lans, lans.host(lans.middle), lans.host(lans.far), *Endpoint::parse("10.1.0.2:80"), ip("10.1.0.1"));
  const auto known = [&](InterfaceNumber interface) {
    std::vector<std::string> all;
    for (const ip::NeighbourView& one : lans.host(lans.middle).link(interface)->neighbours().list(lans.now()))
      all.push_back(one.address.to_string());
    return all;
  };
  CHECK(known(0) == std::vector<std::string>{"10.0.0.2"});
  CHECK(known(1) == std::vector<std::string>{"10.1.0.2"});
}

TEST_CASE("nobody learns on one Ethernet who has the other one's address [R826-4]") {
  TwoLans lans;
  int answers = 0;
  lans.on_frame = [&](Wires::End from, Bytes) { answers += from.host == lans.middle ? 1 : 0; };
  const auto asks_for = [](const char* target) {
    return arp_frame({.operation = wire::arp::Operation::request,
                      .sender_mac = mac_of(2),
                      .sender = ip("10.0.0.2"),
                      .target_mac = MacAddress(),
                      .target = ip(target)});
  };
  lans.inject({lans.middle, 0}, asks_for("10.1.0.1"));
  lans.settle();
  CHECK(answers == 0);
  lans.inject({lans.middle, 0}, asks_for("10.0.0.1"));
  lans.settle();
  CHECK(answers == 1);
}

TEST_CASE("a host that configures itself on two Ethernets has a link-local address on each [R4862-5.3-1]") {
  Config config{.key = run_key(1), .ip = {}, .tcp = {}};
  config.link = ip::LinkSettings{.mac = mac_of(1), .timing = {}};
  config.host = host::ConfiguratorSettings{};
  config.more_interfaces.push_back({.addresses = {},
                                    .link = ip::LinkSettings{.mac = mac_of(11), .timing = {}},
                                    .host = host::ConfiguratorSettings{}});
  Wires wires;
  const std::size_t number = wires.add_host(config);
  wires.run_for(10s);
  const auto all = wires.host(number).ip().addresses().all();
  REQUIRE(all.size() == 2);
  CHECK(all[0].interface != all[1].interface);
  CHECK(all[0].prefix.address != all[1].prefix.address);
  CHECK(std::all_of(all.begin(), all.end(), [](const auto& own) { return own.prefix.address.is_link_local(); }));
  const auto routes = wires.host(number).ip().routes().all();
  REQUIRE(routes.size() == 2);
  CHECK(routes[0].interface != routes[1].interface);
}

}  // namespace
}  // namespace sluice::test
