// Echo requests of our own: replies, errors that quote them, and what only looks like an answer.
#include <doctest/doctest.h>

#include <optional>
#include <vector>

#include "stack/wire/icmpv6.hpp"
#include "stack/wire/pseudo_header.hpp"
#include "tests/support/lan.hpp"
#include "tests/support/world.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using ip::EchoAnswer;
using ip::EchoCounter;
using ip::EchoRequest;
using test::Lan;
using test::Octets;
using test::World;

constexpr Family kFamilies[] = {Family::ipv4, Family::ipv6};

std::uint64_t count(Stack& stack, EchoCounter counter) { return stack.echo().counters()[counter]; }

EchoRequest request_to(const IpAddress& destination, std::uint16_t sequence = 1) {
  return {.destination = destination, .identifier = 0x1234, .sequence = sequence};
}

/// An IP packet around an ICMP message, whose checksum it makes.
Octets icmp_packet(const IpAddress& from, const IpAddress& to, const wire::icmp::Header& header, const Octets& body) {
  const bool v6 = from.is_v6();
  const std::size_t ip_size = ip::header_size(from.family());
  Octets packet(ip_size + wire::icmp::kHeaderSize);
  packet.insert(packet.end(), body.begin(), body.end());
  const auto protocol = v6 ? ip::Protocol::icmpv6 : ip::Protocol::icmp;
  const std::size_t size = packet.size() - ip_size;
  ip::write_header(packet, {.source = from, .destination = to, .protocol = protocol, .payload_size = size});
  const MutableBytes message = MutableBytes(packet).subspan(ip_size);
  wire::icmp::write(message, header);
  ChecksumSum sum;
  if (v6) sum = wire::pseudo_header(from, to, static_cast<std::uint8_t>(protocol), size);
  sum.add(message);
  wire::icmp::Header whole = header;
  whole.checksum = sum.checksum();
  wire::icmp::write(message, whole);
  return packet;
}

/// A World whose left host asked once; the request never reached the right one.
struct Lonely {
  explicit Lonely(Family family, std::size_t size = 56) : world({.family = family}), v4(family == Family::ipv4) {
    world.take_packet = [this](bool to_right, Bytes packet) {
      if (to_right) sent.assign(packet.begin(), packet.end());
      return to_right;
    };
    EchoRequest request = request_to(World::right_address(family), 7);
    request.size = size;
    REQUIRE(world.left().send_echo(request));
    world.settle();
    REQUIRE(!sent.empty());
  }
  IpAddress us() const { return World::left_address(v4 ? Family::ipv4 : Family::ipv6); }
  IpAddress them() const { return World::right_address(v4 ? Family::ipv4 : Family::ipv6); }
  void reply(const IpAddress& from, std::uint32_t rest) {
    world.inject(false, icmp_packet(from, us(), {.type = v4 ? std::uint8_t{0} : std::uint8_t{129}, .rest = rest}, {}));
    world.settle();
  }
  void error(std::uint8_t type, std::uint8_t code, const Octets& quote, std::uint32_t rest = 0) {
    world.inject(false, icmp_packet(them(), us(), {.type = type, .code = code, .rest = rest}, quote));
    world.settle();
  }

  World world;
  bool v4;
  Octets sent;
};

}  // namespace

TEST_CASE("an echo request of ours comes back as it left: identifier, sequence, size [R792-1], [R4443-4.2-1]") {
  for (const Family family : kFamilies) {
    World world({.family = family});
    for (const std::size_t size : {0u, 1u, 56u, 1000u}) {
      EchoRequest request = request_to(World::right_address(family), 9);
      request.size = size;
      REQUIRE(world.left().send_echo(request));
      world.settle();
      const std::optional<EchoAnswer> answer = world.left().poll_echo();
      REQUIRE(answer);
      CHECK(answer->from == World::right_address(family));
      CHECK(answer->identifier == 0x1234);
      CHECK(answer->sequence == 9);
      CHECK(answer->size == size + 8);
      CHECK(answer->hop_limit == 64);
      CHECK_FALSE(answer->error);
    }
    CHECK_FALSE(world.left().poll_echo());
    CHECK(count(world.left(), EchoCounter::requests_out) == 4);
    CHECK(count(world.left(), EchoCounter::replies_in) == 4);
  }
}

TEST_CASE("a request leaves with the hop limit that was asked for") {
  for (const Family family : kFamilies) {
    World world({.family = family});
    std::vector<std::uint8_t> limits;
    world.on_packet = [&](bool to_right, Bytes packet) {
      if (to_right) limits.push_back(packet[family == Family::ipv4 ? 8 : 7]);
    };
    EchoRequest request = request_to(World::right_address(family));
    REQUIRE(world.left().send_echo(request));
    request.hop_limit = 3;
    REQUIRE(world.left().send_echo(request));
    world.settle();
    CHECK(limits == std::vector<std::uint8_t>{64, 3});
  }
}

TEST_CASE("only replies that somebody here asked for are handed to anybody [R1122-3.2.2.6-4]") {
  for (const Family family : kFamilies) {
    Lonely lonely(family);
    lonely.reply(lonely.them(), 0x12350007);                                            // another identifier
    lonely.reply(*IpAddress::parse(lonely.v4 ? "10.0.0.77" : "fd00::77"), 0x12340007);  // another host
    CHECK_FALSE(lonely.world.left().poll_echo());
    CHECK(count(lonely.world.left(), EchoCounter::drop_unasked) == 2);
    lonely.reply(lonely.them(), 0x12340007);
    CHECK(lonely.world.left().poll_echo());
    lonely.world.run_for(ip::Echo::kPatience);
    lonely.reply(lonely.them(), 0x12340007);  // too late
    CHECK_FALSE(lonely.world.left().poll_echo());
    CHECK(count(lonely.world.left(), EchoCounter::drop_unasked) == 3);
  }
}

TEST_CASE("an ICMP error that quotes our request answers it, with who says so and why [R792-2], [R1122-3.2.2-3]") {
  for (const Family family : kFamilies) {
    Lonely lonely(family);
    lonely.error(lonely.v4 ? 11 : 3, 0, lonely.sent);
    lonely.error(lonely.v4 ? 3 : 1, lonely.v4 ? 1 : 3, lonely.sent);
    const std::optional<EchoAnswer> expired = lonely.world.left().poll_echo();
    REQUIRE(expired);
    CHECK(expired->error == ip::IcmpKind::time_exceeded);
    CHECK(expired->from == lonely.them());
    CHECK(expired->identifier == 0x1234);
    CHECK(expired->sequence == 7);
    const std::optional<EchoAnswer> nobody = lonely.world.left().poll_echo();
    REQUIRE(nobody);
    CHECK(nobody->error == ip::IcmpKind::host_unreachable);
    CHECK(nobody->code == (lonely.v4 ? 1 : 3));
    CHECK(count(lonely.world.left(), EchoCounter::errors_in) == 2);
  }
}

TEST_CASE("an error about a request that we never sent is nobody's [R1122-3.2.2-3]") {
  for (const Family family : kFamilies) {
    Lonely lonely(family);
    const std::size_t identifier_at = ip::header_size(family) + 4;
    Octets forged = lonely.sent;
    forged[identifier_at] ^= 1;
    lonely.error(lonely.v4 ? 11 : 3, 0, forged);
    Octets elsewhere = lonely.sent;
    elsewhere[lonely.v4 ? 19 : 39] ^= 0x40;  // the destination
    lonely.error(lonely.v4 ? 11 : 3, 0, elsewhere);
    Octets other_type = lonely.sent;
    other_type[identifier_at - 4] = lonely.v4 ? 0 : 129;  // a reply, not a request
    lonely.error(lonely.v4 ? 11 : 3, 0, other_type);
    CHECK_FALSE(lonely.world.left().poll_echo());
    CHECK(count(lonely.world.left(), EchoCounter::drop_unasked) == 3);
  }
}

TEST_CASE("a request too big for some router lowers the path MTU, and the next of its size is refused [R8201-4-2]") {
  for (const Family family : kFamilies) {
    Lonely lonely(family, 1400);
    lonely.error(lonely.v4 ? 3 : 2, lonely.v4 ? 4 : 0, lonely.sent, 1280);
    const std::optional<EchoAnswer> answer = lonely.world.left().poll_echo();
    REQUIRE(answer);
    CHECK(answer->error == ip::IcmpKind::packet_too_big);
    CHECK(lonely.world.left().ip().path_mtu(lonely.them()) == 1280);
    EchoRequest again = request_to(lonely.them(), 8);
    again.size = 1400;
    CHECK(lonely.world.left().send_echo(again).error() == Errc::message_too_large);
    again.dont_fragment = false;
    CHECK(lonely.world.left().send_echo(again));
  }
}

TEST_CASE("what can't be sent is refused with its reason") {
  World world;
  Stack& stack = world.left();
  CHECK(stack.send_echo(request_to(IpAddress::any(Family::ipv4))).error() == Errc::network_unreachable);
  EchoRequest request = request_to(world.right_address());
  request.source = World::left_address(Family::ipv6);
  CHECK(stack.send_echo(request).error() == Errc::address_family);
  request.source = world.right_address();
  CHECK(stack.send_echo(request).error() == Errc::address_not_available);
  request.source.reset();
  request.size = 70000;
  CHECK(stack.send_echo(request).error() == Errc::message_too_large);
  request.size = 1400;
  Result<void> sent;
  for (int i = 0; i < 1000 && sent; ++i) sent = stack.send_echo(request);
  CHECK(sent.error() == Errc::would_block);
}

TEST_CASE("answers that nobody fetches are bounded") {
  Lonely lonely(Family::ipv4);
  for (int i = 0; i < 300; ++i) lonely.reply(lonely.them(), 0x12340007);
  CHECK(count(lonely.world.left(), EchoCounter::replies_in) == ip::Echo::kMaximumAnswers);
  CHECK(count(lonely.world.left(), EchoCounter::drop_queue_full) == 300 - ip::Echo::kMaximumAnswers);
}

TEST_CASE("on an Ethernet a request finds its neighbour first, and one who is silent is unreachable [R4861-7.2.2-3]") {
  for (const bool v4 : {true, false}) {
    Lan lan;
    Stack& one = lan.add_host();
    lan.add_host();
    REQUIRE(one.send_echo(request_to(*IpAddress::parse(v4 ? "10.0.0.2" : "fd00::2"))));
    lan.settle();
    const std::optional<EchoAnswer> reply = one.poll_echo();
    REQUIRE(reply);
    CHECK_FALSE(reply->error);

    REQUIRE(one.send_echo(request_to(*IpAddress::parse(v4 ? "10.0.0.9" : "fd00::9"))));
    lan.run_for(10s);
    const std::optional<EchoAnswer> nobody = one.poll_echo();
    REQUIRE(nobody);
    CHECK(nobody->error == ip::IcmpKind::host_unreachable);
    CHECK(nobody->code == (v4 ? 1 : 3));
    CHECK(nobody->from == *IpAddress::parse(v4 ? "10.0.0.1" : "fd00::1"));
  }
}

TEST_CASE("where no route leads a request is refused at once") {
  Lan lan;
  Stack& one = lan.add_host();
  CHECK(one.send_echo(request_to(*IpAddress::parse("192.0.2.1"))).error() == Errc::network_unreachable);
}

TEST_CASE("a request to a group is answered by each of its members, from an address of its own [R4443-4.2-2]") {
  Lan lan;
  Stack& one = lan.add_host();
  for (int number = 2; number <= 3; ++number) {
    Config config = test::lan_config(static_cast<std::uint8_t>(number));
    config.ip.answer_group_echo = true;
    lan.add_host(config);
  }
  REQUIRE(one.send_echo(request_to(*IpAddress::parse("ff02::1"))));
  lan.settle();
  std::vector<IpAddress> from;
  while (const std::optional<EchoAnswer> answer = one.poll_echo()) from.push_back(answer->from);
  REQUIRE(from.size() == 2);
  CHECK(from[0] != from[1]);
  CHECK_FALSE(from[0].is_multicast());
}

}  // namespace sluice
