// Datagrams that leave: headers, checksums, cutting, queues.
#include <doctest/doctest.h>

#include "tests/udp/station.hpp"

namespace sluice::udp {
namespace {

Outgoing outgoing(const char* to, const Octets& data = pattern(20)) {
  return {.to = endpoint(to), .data = Slice::copy_of(data)};
}

Result<std::size_t> send(Socket& socket, const Outgoing& one) { return socket.send({&one, 1}); }

/// libtins's serialization after reading: equal when it agrees with every length and checksum.
template <class Ip>
Octets as_libtins_would(const Octets& packet) {
  Ip ip(packet.data(), static_cast<std::uint32_t>(packet.size()));
  return ip.serialize();
}

TEST_CASE(
    "libtins agrees with every byte of what we send, over both families [R768-1], [R8085-3.4-1], [R6935-5-2], "
    "[R8200-8.1-1], [R6936-4-1]") {
  Station station;
  Socket socket = station.bind("[::]:4000");
  for (const std::size_t size : {0u, 1u, 2u, 3u, 100u, 1001u, 1452u}) {
    REQUIRE(send(socket, outgoing("[fd00::2]:7", pattern(size))));
    REQUIRE(send(socket, outgoing("[::ffff:10.0.0.2]:7", pattern(size))));
    const auto out = station.out();
    REQUIRE(out.size() == 2);
    CHECK(out[0] == as_libtins_would<Tins::IPv6>(out[0]));
    CHECK(out[1] == as_libtins_would<Tins::IP>(out[1]));
    Tins::IP ip(out[1].data(), static_cast<std::uint32_t>(out[1].size()));
    CHECK(ip.src_addr() == "10.0.0.1");
    CHECK(ip.rfind_pdu<Tins::UDP>().sport() == 4000);
    CHECK(ip.rfind_pdu<Tins::UDP>().dport() == 7);
    CHECK(octets(Bytes(out[1]).subspan(28)) == pattern(size));
  }
  CHECK(station.count(Counter::datagrams_out) == 14);
  CHECK(station.host.budget.used() == 0);
}

TEST_CASE("a checksum that comes out as zero goes out as ones [R768-3], [R6935-5-2]") {
  for (const char* to : {"[fd00::2]:7", "[::ffff:10.0.0.2]:7"}) {
    Station station;
    Socket socket = station.bind("[::]:4000");
    REQUIRE(send(socket, outgoing(to, {0, 0})));
    Octets packet = station.out()[0];
    const std::size_t at = packet.size() - 4;  // the checksum, before two bytes of data
    // With the complement of the sum as its data, the sum is all ones and its complement zero.
    REQUIRE(send(socket, outgoing(to, octets(Bytes(packet).subspan(at, 2)))));
    packet = station.out()[0];
    CHECK(octets(Bytes(packet).subspan(at, 2)) == Octets{0xff, 0xff});
    // And a receiver takes it.
    Station peer({.addresses = {*Prefix::parse("10.0.0.2/24"), *Prefix::parse("fd00::2/64")}});
    Socket receiver = peer.bind("[::]:7");
    peer.in(packet);
    CHECK(next(receiver).data.size() == 2);
  }
}

TEST_CASE(
    "a datagram carries what its sender sets, the socket's options otherwise [R1122-4.1.4-1], [R1122-3.2.1.7-3]") {
  Station station;
  Socket socket = station.bind("0.0.0.0:4000", {.hop_limit = 33, .dscp = 10});
  Outgoing special = outgoing("10.0.0.2:7");
  special.ecn = Ecn::ect1;
  special.dscp = 46;
  special.hop_limit = 2;
  special.dont_fragment = false;
  const std::array<Outgoing, 2> batch = {outgoing("10.0.0.2:7"), special};
  CHECK(*socket.send(batch) == 2);
  const auto out = station.out();
  REQUIRE(out.size() == 2);
  const Tins::IP plain(out[0].data(), static_cast<std::uint32_t>(out[0].size()));
  CHECK(plain.ttl() == 33);
  CHECK(plain.tos() == 10 << 2);
  CHECK(plain.flags() == Tins::IP::DONT_FRAGMENT);
  CHECK(plain.id() == 0);  // [R6864-4.1-1]: an atomic datagram needs none
  const Tins::IP other(out[1].data(), static_cast<std::uint32_t>(out[1].size()));
  CHECK(other.ttl() == 2);
  CHECK(other.tos() == (46 << 2 | 1));
  CHECK(other.flags() == 0);
}

TEST_CASE("the hop limit is the stack's, and 1 to a group [R1112-6-1], [R1122-3.2.1.7-1]") {
  Station station;
  Socket socket = station.bind("0.0.0.0:4000", {.hop_limit = 0});
  REQUIRE(socket.send_to(endpoint("10.0.0.2:7"), pattern(1)));
  REQUIRE(socket.send_to(endpoint("224.0.0.251:5353"), pattern(1)));
  const auto out = station.out();
  CHECK(out[0][8] == 64);
  CHECK(out[1][8] == 1);
}

TEST_CASE(
    "the source address is ours: bound, asked for, or chosen [R1122-4.1.3.5-2], [R1122-4.1.3.6-2], [R8085-5.1-1], "
    "[R1122-3.3.4-1]") {
  ip::Config config = ip::test_config();
  config.addresses.push_back(*Prefix::parse("10.0.0.9/24"));
  Station station(config);
  Socket wild = station.bind("0.0.0.0:4000");
  Socket bound = station.bind("10.0.0.9:4001");
  const auto source_of = [&](Socket& socket, std::optional<IpAddress> local) {
    Outgoing one = outgoing("10.0.0.2:7");
    one.local = local;
    const Result<std::size_t> sent = send(socket, one);
    if (!sent) return std::string(describe(sent.error()));
    return IpAddress::from_bytes(Bytes(station.out().at(0)).subspan(12, 4)).to_string();
  };
  CHECK(source_of(wild, std::nullopt) == "10.0.0.1");
  CHECK(source_of(wild, ip::ip("0.0.0.0")) == "10.0.0.1");
  CHECK(source_of(wild, ip::ip("10.0.0.9")) == "10.0.0.9");
  CHECK(source_of(wild, ip::ip("10.0.0.8")) == describe(Errc::address_not_available));
  CHECK(source_of(wild, ip::ip("127.0.0.1")) == describe(Errc::network_unreachable));
  CHECK(source_of(wild, kOur6) == describe(Errc::address_family));
  CHECK(source_of(bound, std::nullopt) == "10.0.0.9");
  CHECK(source_of(bound, ip::ip("10.0.0.9")) == "10.0.0.9");
  CHECK(source_of(bound, ip::ip("10.0.0.1")) == describe(Errc::address_not_available));
}

TEST_CASE("a datagram needs a destination that its socket can reach") {
  Station station({.addresses = {*Prefix::parse("10.0.0.1/24")}});
  Socket four = station.bind("0.0.0.0:4000");
  Socket six = station.bind("[::]:4001");
  Socket only6 = station.bind("[::]:4002", {.dual_stack = false});
  const Outgoing nowhere{.data = Slice::copy_of(pattern(1))};
  CHECK(send(four, nowhere).error() == Errc::not_connected);
  CHECK(four.send_to(endpoint("0.0.0.0:7"), pattern(1)).error() == Errc::invalid_argument);
  CHECK(four.send_to(endpoint("[fd00::2]:7"), pattern(1)).error() == Errc::address_family);
  CHECK(six.send_to(endpoint("10.0.0.2:7"), pattern(1)).error() == Errc::address_family);
  CHECK(six.send_to(endpoint("[fd00::2]:7"), pattern(1)).error() == Errc::network_unreachable);
  CHECK(only6.send_to(endpoint("[::ffff:10.0.0.2]:7"), pattern(1)).error() == Errc::address_family);
  Outgoing odd = outgoing("10.0.0.2:7");
  odd.dscp = 64;
  CHECK(send(four, odd).error() == Errc::invalid_argument);
  CHECK_FALSE(station.udp.wants_transmit());
}

TEST_CASE("a datagram above the path MTU is cut or refused, as its sender says [R8085-3.2-1], [R8085-3.2-2]") {
  for (const char* to : {"[fd00::2]:7", "[::ffff:10.0.0.2]:7"}) {
    const std::size_t fits = to[1] == 'f' ? 1452 : 1472;
    Station station;
    Socket socket = station.bind("[::]:4000");
    CHECK(send(socket, outgoing(to, pattern(fits))));
    CHECK(send(socket, outgoing(to, pattern(fits + 1))).error() == Errc::message_too_large);
    Outgoing large = outgoing(to, pattern(4000));
    large.dont_fragment = false;
    CHECK(send(socket, large));
    CHECK(station.out().size() == 4);
    large.data = Slice::copy_of(pattern(to[1] == 'f' ? 65527 : 65507));
    CHECK(send(socket, large));
    large.data = Slice::copy_of(pattern(large.data.size() + 1));
    CHECK(send(socket, large).error() == Errc::message_too_large);
  }
}

TEST_CASE("a path that becomes narrower while a datagram waits costs the datagram, not the socket") {
  Station station;
  Socket socket = station.bind("0.0.0.0:4000");
  Socket connected = station.bind("0.0.0.0:4001");
  REQUIRE(connected.connect(endpoint("10.0.0.2:7")));
  REQUIRE(socket.send_to(endpoint("10.0.0.2:7"), pattern(1400)));
  REQUIRE(connected.send_to(endpoint("10.0.0.2:7"), pattern(1400)));
  station.host.layer.lower_path_mtu(kPeer4, 1000, 1428, station.host.now);
  CHECK(station.out().empty());
  CHECK(station.count(Counter::drop_send_too_large) == 2);
  Received received;
  CHECK(connected.receive({&received, 1}).error() == Errc::message_too_large);
  CHECK(*socket.receive({&received, 1}) == 0);
  CHECK(station.host.budget.used() == 0);
}

TEST_CASE("one call with gso_size sends a row of datagrams") {
  Station station;
  Socket socket = station.bind("0.0.0.0:4000");
  Outgoing row = outgoing("10.0.0.2:7", pattern(5000));
  row.gso_size = 1200;
  CHECK(*send(socket, row) == 1);
  const auto first = station.out(2);
  CHECK(first.size() == 2);
  const auto rest = station.out();
  CHECK(rest.size() == 3);
  Octets text;
  for (const auto* packets : {&first, &rest})
    for (const Octets& packet : *packets) {
      CHECK(packet == as_libtins_would<Tins::IP>(packet));
      text = text + octets(Bytes(packet).subspan(28));
    }
  CHECK(text == pattern(5000));
  row.gso_size = 1473;
  CHECK(send(socket, row).error() == Errc::message_too_large);
}

TEST_CASE("the queue takes what its limit allows; room is told when half of it is free") {
  Station station;
  Socket socket = station.bind("0.0.0.0:4000", {.send_buffer = 10'000});
  const std::vector<Outgoing> batch(20, outgoing("10.0.0.2:7", pattern(900)));
  const std::size_t taken = *socket.send(batch);
  CHECK(taken > 7);
  CHECK(taken < 12);
  CHECK(*socket.send(batch) == 0);
  CHECK(socket.send_to(endpoint("10.0.0.2:7"), pattern(900)).error() == Errc::would_block);
  CHECK_FALSE(station.udp.poll_event());
  CHECK(station.out(taken - 1).size() == taken - 1);
  const auto event = station.udp.poll_event();
  REQUIRE(event);
  CHECK(event->second == Readiness::writable);
  CHECK(station.out().size() == 1);
  CHECK_FALSE(station.udp.poll_event());
  CHECK(send(socket, outgoing("10.0.0.2:7", pattern(1400))));
  CHECK(socket.set_options({.send_buffer = 500}));
  CHECK(*send(socket, outgoing("10.0.0.2:7", pattern(100))) == 0);
  CHECK(send(socket, outgoing("10.0.0.2:7", pattern(600))).error() == Errc::message_too_large);
}

TEST_CASE("an error in a batch ends it before the culprit") {
  Station station;
  Socket socket = station.bind("0.0.0.0:4000");
  const std::array<Outgoing, 3> batch = {outgoing("10.0.0.2:7"), outgoing("10.0.0.2:0"), outgoing("10.0.0.2:7")};
  CHECK(*socket.send(batch) == 1);
  CHECK(socket.send(std::span(batch).subspan(1)).error() == Errc::invalid_argument);
}

TEST_CASE("without memory in the stack nothing is queued") {
  Station station(ip::test_config(), 2500);
  Socket socket = station.bind("0.0.0.0:4000");
  const Outgoing large = outgoing("10.0.0.2:7", pattern(1400));
  REQUIRE(*send(socket, large) == 1);
  CHECK(*send(socket, large) == 0);  // `writable` will follow
  Socket other = station.bind("0.0.0.0:4001");
  CHECK(send(other, large).error() == Errc::no_buffer_space);
  CHECK(station.out().size() == 1);
  CHECK(station.udp.poll_event()->second == Readiness::writable);
  CHECK(*send(other, large) == 1);
}

TEST_CASE("sockets take turns, and a full sink changes nothing") {
  Station station;
  Socket first = station.bind("0.0.0.0:4000");
  Socket second = station.bind("0.0.0.0:4001");
  const std::vector<Outgoing> batch(3, outgoing("10.0.0.2:7"));
  CHECK(*first.send(batch) == 3);
  CHECK(*second.send(batch) == 3);
  CHECK(station.udp.wants_transmit());
  CHECK(station.out(0).empty());
  Octets order;
  for (int i = 0; i < 6; ++i) order.push_back(station.out(1).at(0)[21]);
  const std::uint8_t a = 4000 & 0xff;
  const std::uint8_t b = 4001 & 0xff;
  CHECK(order == Octets{a, b, a, b, a, b});
  CHECK_FALSE(station.udp.wants_transmit());
}

TEST_CASE("what a closed socket has queued still leaves, and then it is gone") {
  Station station;
  {
    Socket socket = station.bind("0.0.0.0:4000");
    CHECK(socket.send_to(endpoint("10.0.0.2:7"), pattern(2000)).error() == Errc::message_too_large);
    CHECK(socket.send_to(endpoint("10.0.0.2:7"), pattern(1200)));
    CHECK(socket.send_to(endpoint("10.0.0.2:7"), pattern(20)));
  }
  CHECK(station.out().size() == 2);
  CHECK(station.host.budget.used() == 0);
  CHECK_FALSE(station.udp.wants_transmit());
}

TEST_CASE("a layer that dies with datagrams gives their memory back") {
  ip::Host host;
  {
    Layer layer(host.layer, Key{}, host.budget, {});
    Socket socket = *layer.bind(endpoint("0.0.0.0:7"));
    CHECK(socket.send_to(endpoint("10.0.0.2:7"), pattern(20)));
    socket.close();
    Socket other = *layer.bind(endpoint("0.0.0.0:7"));
    layer.receive(host.datagram(datagram("10.0.0.2:4000", "10.0.0.1:7")), host.now);
    CHECK(host.budget.used() > 0);
    other.close();
  }
  CHECK(host.budget.used() == 0);
}

TEST_CASE("two stations talk") {
  Station here;
  Station there({.addresses = {*Prefix::parse("10.0.0.2/24"), *Prefix::parse("fd00::2/64")}});
  Socket client = here.bind("[::]:0");
  Socket server = there.bind("[::]:7");
  for (const char* peer : {"[fd00::2]:7", "[::ffff:10.0.0.2]:7"}) {
    REQUIRE(client.send_to(endpoint(peer), as_bytes("ping")));
    for (const Octets& packet : here.out()) there.in(packet);
    const Received request = next(server);
    REQUIRE(as_text(request.data.bytes()) == "ping");
    Outgoing reply{.to = request.from, .local = request.local, .data = request.data};
    REQUIRE(*send(server, reply) == 1);
    for (const Octets& packet : there.out()) here.in(packet);
    CHECK(next(client).from == endpoint(peer));
  }
}

}  // namespace
}  // namespace sluice::udp
