// Binding, connecting, ports, handles, and ICMP errors as socket errors.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "stack/wire/icmp.hpp"
#include "tests/udp/station.hpp"

namespace sluice::udp {
namespace {

TEST_CASE("an address and port can be bound once, wildcard and specific beside each other") {
  Station station;
  Socket any = station.bind("0.0.0.0:7");
  CHECK(station.udp.bind(endpoint("0.0.0.0:7")).error() == Errc::address_in_use);
  Socket bound = station.bind("10.0.0.1:7");
  CHECK(station.udp.bind(endpoint("10.0.0.1:7")).error() == Errc::address_in_use);
  CHECK(station.udp.bind(endpoint("[::ffff:10.0.0.1]:7")).error() == Errc::address_in_use);
  CHECK(station.udp.bind(endpoint("[::]:7")).error() == Errc::address_in_use);
  Socket only6 = station.bind("[::]:7", {.dual_stack = false});
  bound.close();
  CHECK(station.udp.bind(endpoint("10.0.0.1:7")));
}

TEST_CASE("a dual-stack wildcard holds the port of both families") {
  Station station;
  Socket dual = station.bind("[::]:7");
  CHECK(station.udp.bind(endpoint("0.0.0.0:7")).error() == Errc::address_in_use);
  CHECK(station.udp.bind(endpoint("[::]:7"), {.dual_stack = false}).error() == Errc::address_in_use);
  Socket only6 = station.bind("[::]:8", {.dual_stack = false});
  CHECK(station.udp.bind(endpoint("0.0.0.0:8")));
}

TEST_CASE("only our own addresses can be bound, those of the loopback among them") {
  Station station;
  for (const char* local : {"10.0.0.2:7", "[fd00::2]:7", "10.0.0.255:7"}) {
    CAPTURE(local);
    CHECK(station.udp.bind(endpoint(local)).error() == Errc::address_not_available);
  }
  CHECK(station.udp.bind(endpoint("127.0.0.1:7")));
  CHECK(station.udp.bind(endpoint("[::1]:7")));
  CHECK(station.udp.bind(endpoint("0.0.0.0:7"), {.dscp = 64}).error() == Errc::invalid_argument);
  CHECK(station.udp.bind(endpoint("[::ffff:10.0.0.1]:7"), {.dual_stack = false}).error() == Errc::invalid_argument);
}

TEST_CASE(
    "ephemeral ports lie in their range, are free, and say nothing about each other [R6056-3.3-1], [R6056-3.2-2], "
    "[A-TCP-06], "
    "[R8085-6-1]") {
  Station station;
  std::vector<Socket> sockets;
  std::set<std::uint16_t> ports;
  std::vector<int> steps;
  for (int i = 0; i < 1000; ++i) {
    sockets.push_back(station.bind("0.0.0.0:0"));
    const std::uint16_t port = sockets.back().local()->port;
    REQUIRE(port >= 32768);
    REQUIRE(port <= 60999);
    if (i > 0) steps.push_back(std::abs(port - sockets[sockets.size() - 2].local()->port));
    ports.insert(port);
  }
  CHECK(ports.size() == 1000);
  CHECK(std::count_if(steps.begin(), steps.end(), [](int step) { return step < 100; }) < 50);
  CHECK(*ports.begin() < 34000);
  CHECK(*ports.rbegin() > 59000);
}

TEST_CASE("another key gives other ports, the same key the same [R6056-3.3-2]") {
  ip::Host host;
  const auto first_ports = [&](const Key& key) {
    Layer layer(host.layer, key, host.budget, {});
    std::vector<std::uint16_t> ports;
    for (int i = 0; i < 5; ++i) ports.push_back(layer.bind(endpoint("0.0.0.0:0"))->local()->port);
    return ports;
  };
  CHECK(first_ports(Key{1}) == first_ports(Key{1}));
  CHECK(first_ports(Key{1}) != first_ports(Key{2}));
}

TEST_CASE("every port is given before exhaustion is an error [R6056-3.3-4], [R6056-5-1]") {
  Station station;
  std::vector<Socket> sockets;
  std::set<std::uint16_t> ports;
  for (;;) {
    Result<Socket> socket = station.udp.bind(endpoint("0.0.0.0:0"));
    if (!socket) {
      CHECK(socket.error() == Errc::address_not_available);
      break;
    }
    ports.insert(socket->local()->port);
    sockets.push_back(*std::move(socket));
  }
  CHECK(sockets.size() == 60999 - 32768 + 1);
  CHECK(ports.size() == sockets.size());
  CHECK(station.count(Counter::ports_exhausted) == 1);
  sockets.pop_back();
  CHECK(station.udp.bind(endpoint("0.0.0.0:0")));
}

TEST_CASE("connecting fixes both ends [R1122-4.1.3.5-3]") {
  Station station;
  Socket socket = station.bind("0.0.0.0:4000");
  CHECK_FALSE(socket.remote()->has_value());
  REQUIRE(socket.connect(endpoint("10.0.0.2:7")));
  CHECK(*socket.local() == endpoint("10.0.0.1:4000"));
  CHECK(**socket.remote() == endpoint("10.0.0.2:7"));
  const Outgoing one{.data = Slice::copy_of(pattern(5))};
  CHECK(*socket.send({&one, 1}) == 1);
  CHECK(station.out().size() == 1);
  station.in(datagram("10.0.0.3:7", "10.0.0.1:4000"));
  station.in(datagram("10.0.0.2:8", "10.0.0.1:4000"));
  CHECK(station.count(Counter::drop_no_listener) == 2);
  station.in(datagram("10.0.0.2:7", "10.0.0.1:4000"));
  CHECK_FALSE(is_empty(socket));
}

TEST_CASE("what strangers sent before the connect does not pass for the peer's [R8085-5.1-3]") {
  Station station;
  Socket socket = station.bind("0.0.0.0:4000");
  station.in(datagram("10.0.0.3:7", "10.0.0.1:4000", pattern(1)));
  station.in(datagram("10.0.0.2:7", "10.0.0.1:4000", pattern(2)));
  station.in(datagram("10.0.0.3:7", "10.0.0.1:4000", pattern(3)));
  REQUIRE(socket.connect(endpoint("10.0.0.2:7")));
  CHECK(next(socket).data.size() == 2);
  CHECK(is_empty(socket));
  CHECK(station.host.budget.used() == 0);
}

TEST_CASE("connecting again replaces the peer") {
  Station station;
  Socket socket = station.bind("[::]:4000");
  REQUIRE(socket.connect(endpoint("[fd00::2]:7")));
  CHECK(socket.connect(endpoint("[fd00::2]:7")));
  REQUIRE(socket.connect(endpoint("[::ffff:10.0.0.2]:8")));
  CHECK(*socket.local() == endpoint("[::ffff:10.0.0.1]:4000"));
  station.in(datagram("[fd00::2]:7", "[fd00::1]:4000"));
  CHECK(is_empty(socket));
  station.in(datagram("10.0.0.2:8", "10.0.0.1:4000"));
  CHECK_FALSE(is_empty(socket));
}

TEST_CASE("connecting fails for what cannot be a peer, and leaves the socket as it was") {
  Station station({.addresses = {*Prefix::parse("10.0.0.1/24")}});
  Socket socket = station.bind("[::]:4000");
  CHECK(socket.connect(endpoint("[::ffff:10.0.0.2]:0")).error() == Errc::invalid_argument);
  CHECK(socket.connect(endpoint("[::]:7")).error() == Errc::invalid_argument);
  CHECK(socket.connect(endpoint("10.0.0.2:7")).error() == Errc::address_family);
  CHECK(socket.connect(endpoint("[fd00::2]:7")).error() == Errc::network_unreachable);
  CHECK(*socket.local() == endpoint("[::]:4000"));
  REQUIRE(socket.connect(endpoint("[::ffff:10.0.0.2]:7")));
  Socket rival = station.bind("0.0.0.0:4000");
  CHECK(rival.connect(endpoint("10.0.0.2:7")).error() == Errc::address_in_use);
}

TEST_CASE("a handle that names no socket answers stale_handle") {
  Station station;
  Socket socket = station.bind("0.0.0.0:4000");
  Socket moved = std::move(socket);
  Socket empty;
  Socket wrong(station.udp, SlotId{77, 1});
  Received received;
  const Outgoing one{.to = endpoint("10.0.0.2:7")};
  for (Socket* stale : {&socket, &empty, &wrong}) {
    CHECK(stale->connect(endpoint("10.0.0.2:7")).error() == Errc::stale_handle);
    CHECK(stale->send({&one, 1}).error() == Errc::stale_handle);
    CHECK(stale->send_to(endpoint("10.0.0.2:7"), {}).error() == Errc::stale_handle);
    CHECK(stale->receive({&received, 1}).error() == Errc::stale_handle);
    CHECK(stale->local().error() == Errc::stale_handle);
    CHECK(stale->remote().error() == Errc::stale_handle);
    CHECK(stale->options().error() == Errc::stale_handle);
    CHECK(stale->set_options({}).error() == Errc::stale_handle);
    stale->close();
    CHECK_FALSE(static_cast<bool>(*stale));
  }
  CHECK(moved.local());
  moved.close();
  moved.close();
  CHECK(moved.local().error() == Errc::stale_handle);
}

TEST_CASE("assigning to a handle closes what it held") {
  Station station;
  Socket socket = station.bind("0.0.0.0:4000");
  socket = station.bind("0.0.0.0:4001");
  CHECK(station.udp.bind(endpoint("0.0.0.0:4000")));
  Socket& same = socket;
  socket = std::move(same);
  CHECK(*socket.local() == endpoint("0.0.0.0:4001"));
}

TEST_CASE("options are read back, and bad ones change nothing") {
  Station station;
  Socket socket = station.bind("[::]:4000");
  CHECK(socket.set_options({.receive_buffer = 1, .hop_limit = 3, .dscp = 5, .dont_fragment = false}));
  CHECK(socket.options()->hop_limit == 3);
  CHECK(socket.set_options({.dscp = 64}).error() == Errc::invalid_argument);
  CHECK(socket.set_options({.dual_stack = false}).error() == Errc::invalid_argument);
  CHECK(socket.options()->dscp == 5);
}

/// An ICMP error from a router about a packet that we sent.
Octets icmp4(std::uint8_t type, std::uint8_t code, const Octets& quoted, std::uint32_t rest = 0) {
  Octets message(8);
  wire::icmp::write(message, {.type = type, .code = code, .rest = rest});
  message = message + quoted;
  ByteWriter(MutableBytes(message).subspan(2)).u16(internet_checksum(message));
  return packet4(1, message, kOur4, ip::ip("192.0.2.1"));
}

/// A connected socket that has sent `sent`.
struct Connected {
  Station station;
  Socket socket = station.bind("0.0.0.0:4000");
  Octets sent;
  Connected() {
    REQUIRE(socket.connect(endpoint("10.0.0.2:7")));
    const Outgoing one{.data = Slice::copy_of(pattern(1000))};
    REQUIRE(*socket.send({&one, 1}) == 1);
    sent = station.out().at(0);
  }
  Errc error() {
    Received received;
    return socket.receive({&received, 1}).error();
  }
};

TEST_CASE("an ICMP error is a connected socket's error, once [R1122-4.1.3.3-1], [R8085-5.2-2], [R4443-3.1-2]") {
  struct Case {
    std::uint8_t type, code;
    Errc expected;
  };
  for (const Case& given :
       {Case{3, 0, Errc::network_unreachable}, Case{3, 1, Errc::host_unreachable},
        Case{3, 2, Errc::protocol_unreachable}, Case{3, 3, Errc::connection_refused},
        Case{3, 5, Errc::network_unreachable}, Case{3, 13, Errc::permission_denied}, Case{3, 99, Errc::protocol_error},
        Case{11, 0, Errc::host_unreachable}, Case{12, 0, Errc::protocol_error}}) {
    Connected test;
    test.station.in(icmp4(given.type, given.code, test.sent));
    const auto event = test.station.udp.poll_event();
    REQUIRE(event);
    CHECK(event->second == Readiness::readable);
    CHECK(test.error() == given.expected);
    CHECK(test.error() == Errc::none);
    CHECK(test.station.count(Counter::icmp_errors_delivered) == 1);
    // The socket goes on.
    test.station.in(datagram("10.0.0.2:7", "10.0.0.1:4000"));
    CHECK_FALSE(is_empty(test.socket));
  }
}

/// A socket that is not connected and has sent to 10.0.0.2, ports 33434 and up.
struct Prober {
  Station station;
  Socket socket = station.bind("0.0.0.0:4000", {.report_errors = true});
  std::vector<Octets> sent;
  explicit Prober(std::uint16_t count) {
    for (std::uint16_t i = 0; i < count; ++i)
      REQUIRE(socket.send_to({ip::ip("10.0.0.2"), static_cast<std::uint16_t>(33434 + i)}, pattern(32)));
    sent = station.out();
    REQUIRE(sent.size() == count);
  }
};

TEST_CASE("who asks for reports gets each ICMP error with reporter, code and quoted port [R1122-4.1.3.3-1]") {
  Prober test(2);
  test.station.in(icmp4(11, 0, test.sent[1]));
  test.station.in(icmp4(3, 13, test.sent[0]));
  const auto event = test.station.udp.poll_event();
  REQUIRE(event);
  CHECK(event->second == Readiness::failed);
  const auto first = test.socket.poll_report();
  REQUIRE(first);
  CHECK(first->to == endpoint("10.0.0.2:33435"));
  CHECK(first->local == kOur4);
  CHECK(first->reporter == ip::ip("192.0.2.1"));
  CHECK(first->kind == ip::IcmpKind::time_exceeded);
  CHECK(first->code == 0);
  const auto second = test.socket.poll_report();
  REQUIRE(second);
  CHECK(second->to == endpoint("10.0.0.2:33434"));
  CHECK(second->kind == ip::IcmpKind::administratively_prohibited);
  CHECK(second->code == 13);
  CHECK_FALSE(test.socket.poll_report());
  CHECK(test.socket.take_error() == Errc::none);  // a report fails nothing
  CHECK(test.station.count(Counter::icmp_errors_delivered) == 2);
}

TEST_CASE("an error about what this socket never sent is not reported [R8085-5.2-1]") {
  Prober test(1);
  Octets forged = test.sent[0];
  forged[23] ^= 0x10;  // the destination port
  test.station.in(icmp4(11, 0, forged));
  CHECK_FALSE(test.socket.poll_report());
  CHECK(test.station.count(Counter::icmp_errors_unmatched) == 1);
}

TEST_CASE("of reports that nobody fetches the latest are kept") {
  Prober test(1);
  for (std::uint8_t i = 0; i < 100; ++i) test.station.in(icmp4(3, i, test.sent[0]));
  std::size_t count = 0;
  std::uint8_t last = 0;
  while (const auto report = test.socket.poll_report()) {
    if (count++ == 0) CHECK(report->code == 36);
    last = report->code;
  }
  CHECK(count == 64);
  CHECK(last == 99);
}

TEST_CASE("an ICMPv6 error reaches its socket too") {
  Station station;
  Socket socket = station.bind("[::]:4000");
  REQUIRE(socket.connect(endpoint("[fd00::2]:7")));
  REQUIRE(socket.send_to(endpoint("[fd00::2]:7"), pattern(10)));
  Station peer({.addresses = {*Prefix::parse("fd00::2/64")}});
  for (const Octets& packet : station.out()) peer.in(packet);
  for (const Octets& packet : peer.host.out()) station.in(packet);
  Received received;
  CHECK(socket.receive({&received, 1}).error() == Errc::connection_refused);
}

TEST_CASE("packet too big lowers the path MTU and tells the socket [R1191-3-1], [R8201-5.2-2]") {
  Connected test;
  test.station.in(icmp4(3, 4, test.sent, 900));
  CHECK(test.station.host.layer.path_mtu(kPeer4) == 900);
  CHECK(test.error() == Errc::message_too_large);
  CHECK(test.socket.send_to(endpoint("10.0.0.2:7"), pattern(873)).error() == Errc::message_too_large);
  CHECK(test.socket.send_to(endpoint("10.0.0.2:7"), pattern(872)));
}

TEST_CASE("an error that quotes what the socket did not send is a forgery [R8085-5.2-1], [A-TCP-08], [A-TCP-10]") {
  for (const std::size_t at : {20u, 21u, 22u, 23u, 19u}) {  // both ports, the destination
    Connected test;
    Octets quote = test.sent;
    quote[at] ^= 0x40;
    test.station.in(icmp4(3, 4, quote, 600));
    CHECK(test.error() == Errc::none);
    CHECK(test.station.host.layer.path_mtu(kPeer4) == 1500);
    CHECK(test.station.count(Counter::icmp_errors_unmatched) == 1);
  }
}

TEST_CASE("an error about TCP or about a ping is not for UDP") {
  Connected test;
  Octets quote = test.sent;
  quote[9] = 6;
  test.station.in(icmp4(3, 3, quote));
  quote[9] = 1;
  test.station.in(icmp4(3, 3, quote));
  CHECK(test.error() == Errc::none);
  CHECK(test.station.count(Counter::icmp_errors_unmatched) == 2);
}

TEST_CASE("a socket that isn't connected gets no errors, but its path MTU, for destinations that it sends to") {
  Station station;
  Socket socket = station.bind("0.0.0.0:4000");
  REQUIRE(socket.send_to(endpoint("10.0.0.2:7"), pattern(1000)));
  const Octets sent = station.out().at(0);
  station.in(icmp4(3, 4, sent, 900));
  CHECK(station.host.layer.path_mtu(kPeer4) == 900);
  Received received;
  CHECK(*socket.receive({&received, 1}) == 0);
  // A destination of long ago is forgotten.
  for (std::uint8_t i = 10; i < 20; ++i) {
    REQUIRE(socket.send_to({IpAddress::v4(10, 0, 0, i), 7}, pattern(1)));
    REQUIRE(socket.send_to({IpAddress::v4(10, 0, 0, i), 7}, pattern(1)));
  }
  CHECK(station.out().size() == 20);
  station.in(icmp4(3, 4, sent, 800));
  CHECK(station.host.layer.path_mtu(kPeer4) == 900);
  CHECK(station.count(Counter::icmp_errors_unmatched) == 1);
}

TEST_CASE("every counter has a name of its own") {
  std::set<std::string_view> names;
  Station().udp.counters().for_each([&](std::string_view name, std::uint64_t) { names.insert(name); });
  CHECK(names.size() == static_cast<std::size_t>(Counter::count));
  CHECK_FALSE(names.contains("unknown"));
  CHECK(name(Counter::count) == "unknown");
}

}  // namespace
}  // namespace sluice::udp
