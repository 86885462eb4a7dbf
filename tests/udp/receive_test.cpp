// Datagrams that arrive: to whom they go, and which of them go nowhere.
#include <doctest/doctest.h>

#include "tests/udp/station.hpp"

namespace sluice::udp {
namespace {

TEST_CASE(
    "a datagram arrives with its data, its sender and how it travelled [R1122-4.1.3.5-1], [R1122-4.1.4-2], "
    "[R8085-3.1.7-1]") {
  Station station;
  Socket socket = station.bind("0.0.0.0:7");
  Tins::IP packet("10.0.0.1", "10.0.0.2");
  packet.tos(46 << 2 | 3);
  packet.ttl(9);
  Tins::PDU& pdu = packet /= Tins::UDP(7, 4000) / Tins::RawPDU("hello");
  station.in(pdu.serialize());
  const Received received = next(socket);
  CHECK(received.from == endpoint("10.0.0.2:4000"));
  CHECK(received.local == kOur4);
  CHECK(as_text(received.data.bytes()) == "hello");
  CHECK(received.ecn == Ecn::ce);
  CHECK(received.dscp == 46);
  CHECK(received.hop_limit == 9);
  CHECK(received.gso_size == 0);
  CHECK(is_empty(socket));
  CHECK(station.count(Counter::datagrams_in) == 1);
}

TEST_CASE("a datagram may be empty, and have no source port [R768-2]") {
  Station station;
  Socket socket = station.bind("[::]:7");
  station.in(datagram("[fd00::2]:0", "[fd00::1]:7", {}));
  Received received;
  CHECK(*socket.receive({&received, 1}) == 1);
  CHECK(received.from == endpoint("[fd00::2]:0"));
  CHECK(received.data.empty());
}

TEST_CASE("several datagrams are received in one call, in order") {
  Station station;
  Socket socket = station.bind("0.0.0.0:7");
  for (std::size_t i = 1; i <= 5; ++i) station.in(datagram("10.0.0.2:4000", "10.0.0.1:7", pattern(i)));
  std::array<Received, 3> batch;
  CHECK(*socket.receive(batch) == 3);
  CHECK(batch[2].data.size() == 3);
  CHECK(*socket.receive(batch) == 2);
  CHECK(batch[1].data.size() == 5);
  CHECK(*socket.receive(batch) == 0);
  CHECK(*socket.receive({}) == 0);
  CHECK(station.host.budget.used() == 0);
}

TEST_CASE("the most specific socket gets the datagram") {
  Station station;
  Socket any6 = station.bind("[::]:7", {.dual_stack = false});
  Socket any4 = station.bind("0.0.0.0:7");
  Socket bound = station.bind("10.0.0.1:7");
  Socket connected = station.bind("0.0.0.0:8");
  REQUIRE(connected.connect(endpoint("10.0.0.2:4000")));
  Socket other = station.bind("10.0.0.1:8");

  station.in(datagram("10.0.0.2:4000", "10.0.0.1:7", pattern(1)));
  station.in(datagram("10.0.0.2:4000", "10.0.0.1:8", pattern(2)));
  station.in(datagram("10.0.0.3:4000", "10.0.0.1:8", pattern(3)));
  station.in(datagram("10.0.0.2:4001", "10.0.0.1:8", pattern(4)));
  station.in(datagram("10.0.0.2:4000", "10.0.0.255:7", pattern(5)));
  station.in(datagram("[fd00::2]:4000", "[fd00::1]:7", pattern(6)));
  CHECK(next(bound).data.size() == 1);
  CHECK(next(connected).data.size() == 2);
  CHECK(next(other).data.size() == 3);
  CHECK(next(other).data.size() == 4);
  CHECK(next(any4).data.size() == 5);
  CHECK(next(any6).data.size() == 6);
  for (Socket* socket : {&any6, &any4, &bound, &connected, &other}) CHECK(is_empty(*socket));
}

TEST_CASE("a dual-stack socket sees IPv4 as v4-mapped addresses, another one does not see it") {
  Station station;
  Socket dual = station.bind("[::]:7");
  Socket only6 = station.bind("[::]:8", {.dual_stack = false});
  station.in(datagram("10.0.0.2:4000", "10.0.0.1:7"));
  const Received received = next(dual);
  CHECK(received.from == endpoint("[::ffff:10.0.0.2]:4000"));
  CHECK(received.local == kOur4.mapped());
  station.in(datagram("10.0.0.2:4000", "10.0.0.1:8"));
  CHECK(is_empty(only6));
  CHECK(station.count(Counter::drop_no_listener) == 1);
}

TEST_CASE("a socket bound to a v4-mapped address serves IPv4 in IPv6's clothes") {
  Station station;
  Socket socket = station.bind("[::ffff:10.0.0.1]:7");
  CHECK(*socket.local() == endpoint("[::ffff:10.0.0.1]:7"));
  station.in(datagram("10.0.0.2:4000", "10.0.0.1:7"));
  CHECK(next(socket).from == endpoint("[::ffff:10.0.0.2]:4000"));
  CHECK(socket.send_to(endpoint("[fd00::2]:9"), pattern(1)).error() == Errc::address_family);
  CHECK(socket.send_to(endpoint("[::ffff:10.0.0.2]:9"), pattern(1)));
}

Octets with_checksum(Octets packet, std::size_t at, std::uint16_t checksum) {
  ByteWriter(MutableBytes(packet).subspan(at + 6)).u16(checksum);
  return packet;
}

TEST_CASE(
    "checksums are verified; zero is none over IPv4 and nothing over IPv6 [R768-4], [R1122-4.1.3.4-1], "
    "[R1122-4.1.3.4-2], "
    "[R8200-8.1-2], [R6935-5-1], [R8085-3.4.1-1]") {
  Station station;
  Socket socket = station.bind("[::]:7");
  const Octets four = datagram("10.0.0.2:4000", "10.0.0.1:7");
  const Octets six = datagram("[fd00::2]:4000", "[fd00::1]:7");
  station.in(with_checksum(four, 20, 0xdead));
  station.in(with_checksum(six, 40, 0xdead));
  CHECK(station.count(Counter::drop_checksum) == 2);
  station.in(with_checksum(six, 40, 0));
  CHECK(station.count(Counter::drop_zero_checksum_v6) == 1);
  CHECK(is_empty(socket));
  station.in(with_checksum(four, 20, 0));
  CHECK(next(socket).data.size() == 20);
  CHECK(station.host.out().empty());
}

TEST_CASE("every damaged bit of a datagram is noticed") {
  Station station;
  Socket socket = station.bind("[::]:7");
  const Octets good = datagram("[fd00::2]:4000", "[fd00::1]:7");
  for (std::size_t bit = 40 * 8; bit < good.size() * 8; ++bit) {
    Octets damaged = good;
    damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ (1u << bit % 8));
    station.in(damaged);
  }
  CHECK(is_empty(socket));
}

TEST_CASE("a checksum that the device vouches for is not summed again") {
  Station station;
  Socket socket = station.bind("0.0.0.0:7");
  Packet packet =
      Packet::copy_of(station.host.pool, with_checksum(datagram("10.0.0.2:4000", "10.0.0.1:7"), 20, 0xdead));
  packet.checksum_known_good = true;
  station.in(std::move(packet));
  CHECK(next(socket).data.size() == 20);
}

TEST_CASE("the length field rules, within what arrived [R768-1], [R768-5], [A-PRS-04]") {
  Station station;
  Socket socket = station.bind("0.0.0.0:7");
  Octets packet = with_checksum(datagram("10.0.0.2:4000", "10.0.0.1:7"), 20, 0);
  for (std::uint16_t length = 0; length < 40; ++length) {
    ByteWriter(MutableBytes(packet).subspan(24)).u16(length);
    station.in(packet);
    CAPTURE(length);
    Received received;
    const bool arrived = *socket.receive({&received, 1}) == 1;
    CHECK(arrived == (length >= 8 && length <= 28));
    if (arrived) CHECK(received.data.size() == length - 8u);
  }
  CHECK(station.count(Counter::drop_length) == 19);
  for (std::size_t size = 0; size < 8; ++size) station.in(packet4(17, Octets(size)));
  CHECK(station.count(Counter::drop_truncated) == 8);
}

TEST_CASE(
    "nobody listens: the sender is told, but not about what it sent to a group [R1122-4.1.3.1-1], [R4443-3.1-1]") {
  Station station;
  station.in(datagram("10.0.0.2:4000", "10.0.0.1:7"));
  station.in(datagram("[fd00::2]:4000", "[fd00::1]:7"));
  CHECK(station.count(Counter::drop_no_listener) == 2);
  const auto out = station.host.out();
  REQUIRE(out.size() == 2);
  CHECK(out[0][20] == 3);
  CHECK(out[0][21] == 3);
  CHECK(out[1][40] == 1);
  CHECK(out[1][41] == 4);
  station.in(datagram("10.0.0.2:4000", "10.0.0.255:7"));
  station.in(datagram("[fd00::2]:4000", "[ff02::1]:7"));
  CHECK(station.count(Counter::drop_no_listener) == 4);
  CHECK(station.host.out().empty());
}

TEST_CASE("port 0 is no port to be reached at [R8085-5.1-2], [A-PRS-29]") {
  Station station;
  Socket socket = station.bind("0.0.0.0:0");
  station.in(datagram("10.0.0.2:4000", "10.0.0.1:0"));
  CHECK(station.count(Counter::drop_port_zero) == 1);
  CHECK(socket.send_to(endpoint("10.0.0.2:0"), pattern(1)).error() == Errc::invalid_argument);
}

TEST_CASE("a layer ignores what isn't UDP") {
  Station station;
  ip::Datagram other;
  other.protocol = ip::Protocol::icmp;
  station.udp.receive(std::move(other), station.host.now);
  CHECK(station.host.watcher.reasons.empty());
}

TEST_CASE("a queue takes what its limit allows, and has room again when it is read") {
  Station station;
  Socket socket = station.bind("0.0.0.0:7", {.receive_buffer = 10'000});
  for (int i = 0; i < 100; ++i) station.in(datagram("10.0.0.2:4000", "10.0.0.1:7", pattern(500)));
  const std::uint64_t taken = station.count(Counter::datagrams_in);
  CHECK(taken > 10);
  CHECK(taken < 20);
  CHECK(station.count(Counter::drop_queue_full) == 100 - taken);
  CHECK(station.host.budget.used() <= 10'000);
  CHECK(next(socket).data.size() == 500);
  station.in(datagram("10.0.0.2:4000", "10.0.0.1:7", pattern(500)));
  CHECK(station.count(Counter::datagrams_in) == taken + 1);
}

TEST_CASE("a flood of empty datagrams is charged too") {
  Station station;
  Socket socket = station.bind("0.0.0.0:7", {.receive_buffer = 10'000});
  for (int i = 0; i < 1000; ++i) station.in(datagram("10.0.0.2:4000", "10.0.0.1:7", {}));
  CHECK(station.count(Counter::datagrams_in) < 100);
}

TEST_CASE("a limit that shrinks below what waits stops new datagrams only") {
  Station station;
  Socket socket = station.bind("0.0.0.0:7");
  for (int i = 0; i < 10; ++i) station.in(datagram("10.0.0.2:4000", "10.0.0.1:7"));
  CHECK(socket.set_options({.receive_buffer = 100}));
  station.in(datagram("10.0.0.2:4000", "10.0.0.1:7"));
  CHECK(station.count(Counter::drop_queue_full) == 1);
  for (int i = 0; i < 10; ++i) CHECK(next(socket).data.size() == 20);
}

TEST_CASE("the stack's memory is a limit above the queue's") {
  Station station(ip::test_config(), 5000);
  Socket socket = station.bind("0.0.0.0:7");
  for (int i = 0; i < 20; ++i) station.in(datagram("10.0.0.2:4000", "10.0.0.1:7", pattern(700)));
  CHECK(station.count(Counter::drop_budget) > 10);
  CHECK(station.host.budget.used() <= 5000);
  socket.close();
  CHECK(station.host.budget.used() == 0);
}

TEST_CASE("large text stays where the device put it, small text does not pin a large buffer") {
  Station station;
  Socket socket = station.bind("0.0.0.0:7");
  Packet packet = Packet::copy_of(station.host.pool, datagram("10.0.0.2:4000", "10.0.0.1:7", pattern(1400)));
  const std::uint8_t* const text = std::as_const(packet).bytes().data() + 28;
  station.in(std::move(packet));
  CHECK(station.host.pool.in_use() == 1);
  CHECK(next(socket).data.bytes().data() == text);
  station.in(datagram("10.0.0.2:4000", "10.0.0.1:7", pattern(100)));
  CHECK(station.host.pool.in_use() == 0);
  CHECK(station.host.budget.used() < 500);
  CHECK(octets(next(socket).data.bytes()) == pattern(100));
}

TEST_CASE("what a device merged comes out as the datagrams that were sent, each with its own memory") {
  Station station;
  Socket socket = station.bind("0.0.0.0:7");
  Packet packet = Packet::copy_of(station.host.pool, datagram("10.0.0.2:4000", "10.0.0.1:7", pattern(2500)));
  packet.gso_size = 1200;
  station.in(std::move(packet));
  CHECK(station.count(Counter::datagrams_in) == 3);
  CHECK(station.host.pool.in_use() == 0);
  Octets text;
  for (const std::size_t size : {1200u, 1200u, 100u}) {
    const Received received = next(socket);
    CHECK(received.data.size() == size);
    CHECK(received.gso_size == 0);
    CHECK(received.from == endpoint("10.0.0.2:4000"));
    text = text + octets(received.data.bytes());
  }
  CHECK(text == pattern(2500));
  CHECK(is_empty(socket));
}

TEST_CASE("of merged datagrams those are kept for which there is room, and the others are counted") {
  Station station;
  Socket socket = station.bind("0.0.0.0:7", {.receive_buffer = 3000});
  Packet packet = Packet::copy_of(station.host.pool, datagram("10.0.0.2:4000", "10.0.0.1:7", pattern(5000)));
  packet.gso_size = 1000;
  station.in(std::move(packet));
  CHECK(station.count(Counter::datagrams_in) == 2);
  CHECK(station.count(Counter::drop_queue_full) == 3);
}

TEST_CASE("a super-datagram keeps its cut where the application asks for rows") {
  Station station;
  Socket socket = station.bind("0.0.0.0:7", {.rows = true});
  Packet packet = Packet::copy_of(station.host.pool, datagram("10.0.0.2:4000", "10.0.0.1:7", pattern(5000)));
  packet.gso_size = 1200;
  station.in(std::move(packet));
  const Received received = next(socket);
  CHECK(received.gso_size == 1200);
  CHECK(octets(received.data.bytes()) == pattern(5000));
}

TEST_CASE("a datagram in fragments is one datagram [R1122-3.3.2-1]") {
  Station station;
  Socket socket = station.bind("0.0.0.0:7");
  const Octets whole = octets(Bytes(datagram("10.0.0.2:4000", "10.0.0.1:7", pattern(3000))).subspan(20));
  station.in(fragment4(whole, {0, 1480, true, 1}));
  station.in(fragment4(whole, {1480, 1528, false, 1}));
  CHECK(octets(next(socket).data.bytes()) == pattern(3000));
}

TEST_CASE("readiness is told once, however much arrives") {
  Station station;
  Socket first = station.bind("0.0.0.0:7");
  Socket second = station.bind("0.0.0.0:8");
  CHECK_FALSE(station.udp.poll_event());
  for (int i = 0; i < 3; ++i) station.in(datagram("10.0.0.2:4000", "10.0.0.1:7"));
  station.in(datagram("10.0.0.2:4000", "10.0.0.1:8"));
  auto event = station.udp.poll_event();
  REQUIRE(event);
  CHECK(event->first == first.id());
  CHECK(event->second == Readiness::readable);
  event = station.udp.poll_event();
  REQUIRE(event);
  CHECK(event->first == second.id());
  CHECK_FALSE(station.udp.poll_event());
  station.in(datagram("10.0.0.2:4000", "10.0.0.1:7"));
  CHECK(station.udp.poll_event()->first == first.id());
}

TEST_CASE("a closed socket has no events and no datagrams left") {
  Station station;
  Socket first = station.bind("0.0.0.0:7");
  Socket second = station.bind("0.0.0.0:8");
  for (const char* to : {"10.0.0.1:7", "10.0.0.1:8"}) station.in(datagram("10.0.0.2:4000", to));
  first.close();
  CHECK(station.udp.poll_event()->first == second.id());
  CHECK_FALSE(station.udp.poll_event());
  second.close();
  CHECK(station.host.budget.used() == 0);
}

}  // namespace
}  // namespace sluice::udp
