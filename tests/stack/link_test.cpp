// Stacks on an Ethernet: ARP, frames that are nobody's, gateways.
#include <doctest/doctest.h>
#include <tins/tins.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/lan.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using ip::LinkCounter;
using test::arp_frame;
using test::framed;
using test::Lan;
using test::mac_of;
using test::Octets;

IpAddress ip4(const char* text) { return *IpAddress::parse(text); }

std::uint64_t count(Stack& stack, LinkCounter counter) { return stack.link()->counters()[counter]; }

/// A request by a host that is not there: 10.0.0.99 at 02:00:5e:10:00:63.
wire::arp::Packet request_for(const char* target) {
  return {.operation = wire::arp::Operation::request,
          .sender_mac = mac_of(99),
          .sender = ip4("10.0.0.99"),
          .target_mac = MacAddress(),
          .target = ip4(target)};
}

/// The ARP packets among the frames of host `from`.
struct ArpWatch {
  explicit ArpWatch(Lan& lan, std::size_t from = 1) {
    lan.on_frame = [this, from](std::size_t sender, Bytes frame) {
      const auto header = wire::ethernet::parse(frame);
      if (sender != from || header->type != wire::ethernet::kArp) return;
      to.push_back(header->destination);
      packets.push_back(*wire::arp::parse(frame.subspan(header->header_size)));
    };
  }
  std::size_t requests() const {
    return static_cast<std::size_t>(std::count_if(packets.begin(), packets.end(), [](const wire::arp::Packet& packet) {
      return packet.operation == wire::arp::Operation::request;
    }));
  }
  std::vector<MacAddress> to;
  std::vector<wire::arp::Packet> packets;
};

/// Sends datagrams from one host.
class Speaker {
 public:
  explicit Speaker(Stack& stack) : socket_(*stack.bind_udp({IpAddress::any(Family::ipv4), 0})) {}
  void say(const char* to) {
    const std::uint8_t text = 1;
    REQUIRE(socket_.send_to({ip4(to), 9}, Bytes(&text, 1)));
  }

 private:
  udp::Socket socket_;
};

TEST_CASE(
    "two hosts find each other by one broadcast and one answer, and TCP connects [R826-4] [R826-5] [R1122-2.3.3-1]") {
  Lan lan;
  lan.add_host();
  lan.add_host();
  ArpWatch asked(lan, 1);
  auto listener = lan.host(2).listen({IpAddress::any(Family::ipv6), 80});
  auto socket = lan.host(1).connect({ip4("10.0.0.2"), 80});
  REQUIRE(lan.run_until([&] { return socket->writable() > 0; }));
  REQUIRE(asked.packets.size() == 1);
  CHECK(asked.to[0].is_broadcast());
  CHECK(asked.packets[0].target == ip4("10.0.0.2"));
  CHECK(asked.packets[0].target_mac.is_zero());
  CHECK(count(lan.host(2), LinkCounter::arp_replies_out) == 1);
  CHECK(count(lan.host(2), LinkCounter::arp_requests_out) == 0);  // it learned from the question [R826-3]
}

TEST_CASE("a known sender is refreshed whatever it says, an unknown one only when it asks for us [R826-2] [R826-3]") {
  Lan lan;
  Stack& host = lan.add_host();
  lan.inject(arp_frame(request_for("10.0.0.77")));
  lan.settle();
  CHECK(host.link()->neighbours().size() == 0);
  lan.inject(arp_frame(request_for("10.0.0.1")));
  lan.settle();
  REQUIRE(host.link()->neighbours().size() == 1);
  wire::arp::Packet moved = request_for("10.0.0.99");  // gratuitous
  moved.sender_mac = mac_of(98);
  lan.inject(arp_frame(moved));
  lan.settle();
  const auto seen = host.link()->neighbours().list(lan.now());
  CHECK(seen[0].mac == mac_of(98));
  CHECK(seen[0].state == ip::Reachability::stale);
}

TEST_CASE("an ARP probe for our address is answered, one that claims it teaches us nothing [R5227-2.5-1]") {
  Lan lan;
  Stack& host = lan.add_host();
  ArpWatch answered(lan);
  wire::arp::Packet probe = request_for("10.0.0.1");
  probe.sender = IpAddress::any(Family::ipv4);
  lan.inject(arp_frame(probe));
  wire::arp::Packet claim = request_for("10.0.0.1");
  claim.sender = ip4("10.0.0.1");
  lan.inject(arp_frame(claim));
  lan.settle();
  CHECK(answered.packets.size() == 2);
  CHECK(host.link()->neighbours().size() == 0);
}

TEST_CASE(
    "a host that does not answer is asked three times, and TCP hears that it is unreachable [R4861-7.2.2-3] "
    "[R1122-2.4-3]") {
  Lan lan;
  Stack& host = lan.add_host();
  ArpWatch asked(lan);
  auto socket = host.connect({ip4("10.0.0.50"), 80});
  lan.settle();
  CHECK(socket->error() == Errc::none);  // that nobody was asked yet is no error
  lan.run_for(2900ms);
  CHECK(asked.packets.size() == 3);
  lan.run_for(200ms);
  CHECK(count(host, LinkCounter::neighbour_lost) == 1);
  CHECK(host.tcp().counters()[tcp::Counter::icmp_soft_errors] >= 1);
}

TEST_CASE("a stale neighbour is asked by unicast [R1122-2.3.2.1-1]") {
  Lan lan;
  lan.add_host();
  lan.add_host();
  Speaker speaker(lan.host(1));
  speaker.say("10.0.0.2");
  lan.run_for(50s);
  ArpWatch asked(lan);
  speaker.say("10.0.0.2");
  lan.run_for(6s);
  CHECK(asked.requests() == 1);
  for (const MacAddress& to : asked.to) CHECK(to == mac_of(2));
}

TEST_CASE("what is beyond the mask goes to a gateway, and without one nowhere [R1122-3.3.1-1]") {
  Lan lan;
  Stack& host = lan.add_host();
  ArpWatch asked(lan);
  CHECK(host.connect({ip4("192.0.2.1"), 80}).error() == Errc::network_unreachable);
  host.ip().routes().add({.destination = *Prefix::parse("0.0.0.0/0"), .gateway = ip4("10.0.0.254")});
  Speaker speaker(host);
  speaker.say("192.0.2.1");
  lan.settle();
  REQUIRE(asked.packets.size() == 1);
  CHECK(asked.packets[0].target == ip4("10.0.0.254"));
}

TEST_CASE("a gateway that does not answer is replaced by the other one [R1122-3.3.1-4] [R1122-3.3.1-2]") {
  Lan lan;
  Stack& host = lan.add_host();
  lan.add_host();  // 10.0.0.2 lives, 10.0.0.254 does not
  host.ip().routes().add({.destination = *Prefix::parse("0.0.0.0/0"), .gateway = ip4("10.0.0.254")});
  host.ip().routes().add({.destination = *Prefix::parse("0.0.0.0/0"), .gateway = ip4("10.0.0.2")});
  int reached = 0;
  lan.on_frame = [&](std::size_t from, Bytes frame) {
    const auto header = wire::ethernet::parse(frame);
    reached += from == 1 && header->type == wire::ethernet::kIpv4 && header->destination == mac_of(2);
  };
  Speaker speaker(host);
  speaker.say("192.0.2.1");
  lan.run_for(4s);
  CHECK(reached == 0);
  speaker.say("192.0.2.1");
  lan.run_for(1s);
  speaker.say("192.0.2.1");
  lan.settle();
  CHECK(reached == 2);  // the packet that waited for its answer, and this one
}

Octets icmp_redirect(const char* from, const char* gateway, const char* destination) {
  Tins::IP quoted(destination, "10.0.0.1");
  const std::uint8_t eight[8] = {};
  Tins::PDU& inner = quoted /= Tins::RawPDU(eight, 8);
  const Octets quote = inner.serialize();
  Tins::ICMP icmp(Tins::ICMP::REDIRECT);
  icmp.code(1);
  // libtins writes this field in the machine's byte order.
  icmp.gateway(Tins::IPv4Address(ip4(gateway).v4_number()));
  Tins::IP packet("10.0.0.1", from);
  Tins::PDU& whole = packet /= icmp / Tins::RawPDU(quote.data(), static_cast<std::uint32_t>(quote.size()));
  return framed(mac_of(1), mac_of(2), wire::ethernet::kIpv4, whole.serialize());
}

TEST_CASE("a redirect from the gateway in use changes the way of that one host [R1122-3.2.2.2-2] [R1122-3.2.2.2-3]") {
  Lan lan;
  Stack& host = lan.add_host();
  host.ip().routes().add({.destination = *Prefix::parse("0.0.0.0/0"), .gateway = ip4("10.0.0.2")});
  const auto gateway = [&](const char* to) { return host.ip().routes().find(ip4(to))[0].gateway->to_string(); };
  lan.inject(icmp_redirect("10.0.0.9", "10.0.0.3", "192.0.2.1"));  // not our gateway
  lan.settle();
  CHECK(gateway("192.0.2.1") == "10.0.0.2");
  CHECK(count(host, LinkCounter::drop_redirect) == 1);
  lan.inject(icmp_redirect("10.0.0.2", "10.0.0.3", "192.0.2.1"));
  lan.settle();
  CHECK(gateway("192.0.2.1") == "10.0.0.3");
  CHECK(gateway("192.0.2.2") == "10.0.0.2");
  CHECK(count(host, LinkCounter::redirects_taken) == 1);
}

TEST_CASE("frames that are not for us, or not what they seem, end in counters of their own") {
  Lan lan;
  Stack& host = lan.add_host();
  const Octets nothing(46);
  Octets tagged(18 + 28);
  wire::ethernet::write(tagged,
                        {.destination = mac_of(1), .source = mac_of(9), .type = wire::ethernet::kArp, .vlan = 7});
  const std::vector<std::pair<LinkCounter, Octets>> cases = {
      {LinkCounter::drop_truncated, Octets(13)},
      {LinkCounter::drop_length_field, framed(mac_of(1), mac_of(9), 46, nothing)},
      {LinkCounter::drop_other_vlan, tagged},
      {LinkCounter::drop_other_host, framed(mac_of(7), mac_of(9), wire::ethernet::kIpv4, nothing)},
      {LinkCounter::drop_source_group, framed(mac_of(1), MacAddress::broadcast(), wire::ethernet::kIpv4, nothing)},
      {LinkCounter::drop_own_source, framed(MacAddress::broadcast(), mac_of(1), wire::ethernet::kIpv4, nothing)},
      {LinkCounter::drop_unknown_type, framed(mac_of(1), mac_of(9), 0x88cc, nothing)},
      {LinkCounter::drop_arp_malformed, framed(mac_of(1), mac_of(9), wire::ethernet::kArp, nothing)},
      {LinkCounter::drop_arp_sender,
       arp_frame({.sender_mac = mac_of(9), .sender = ip4("10.0.0.255"), .target_mac = {}, .target = ip4("10.0.0.1")})},
      {LinkCounter::drop_arp_sender,
       arp_frame({.sender_mac = mac_of(9), .sender = ip4("127.0.0.1"), .target_mac = {}, .target = ip4("10.0.0.1")})},
  };
  for (const auto& one : cases) {
    const LinkCounter counter = one.first;
    const auto before = count(host, counter);
    lan.inject(one.second);
    lan.settle();
    CHECK_MESSAGE(count(host, counter) == before + 1, std::string(name(counter)));
  }
  CHECK(count(host, LinkCounter::tagged_in) == 1);
}

TEST_CASE(
    "a packet for us in a frame to everybody is dropped, and no error answers it [R1122-3.3.6-2] [R1122-3.2.2-6] "
    "[R4443-2.4e5] [R1122-2.4-1]") {
  Lan lan;
  Stack& host = lan.add_host();
  for (const bool v4 : {true, false}) {
    Tins::UDP datagram(4000, 9);  // a port that nobody has: worth an ICMP error
    Octets packet;
    if (v4) {
      Tins::IP header("10.0.0.1", "10.0.0.9");
      packet = (header /= datagram).serialize();
    } else {
      Tins::IPv6 header("fd00::1", "fd00::9");
      packet = (header /= datagram).serialize();
    }
    const auto type = v4 ? wire::ethernet::kIpv4 : wire::ethernet::kIpv6;
    lan.inject(framed(MacAddress::broadcast(), mac_of(9), type, packet));
    lan.settle();
  }
  CHECK(host.ip().counters()[ip::Counter::drop_link_group] == 2);
  CHECK(host.ip().counters()[ip::Counter::icmp_errors_out] == 0);
}

TEST_CASE("a host in a VLAN sends tagged frames and hears no others") {
  Lan lan;
  for (std::uint8_t number = 1; number <= 3; ++number) {
    Config config = test::lan_config(number);
    if (number != 3) config.link->vlan = 42;
    lan.add_host(config);
  }
  auto listener = lan.host(2).listen({IpAddress::any(Family::ipv6), 80});
  auto socket = lan.host(1).connect({ip4("10.0.0.2"), 80});
  CHECK(lan.run_until([&] { return socket->writable() > 0; }));
  CHECK(count(lan.host(3), LinkCounter::drop_other_vlan) == lan.frames());
}

TEST_CASE("TCP's progress keeps its neighbour reachable without a question") {
  Lan lan;
  lan.add_host();
  lan.add_host();
  auto listener = lan.host(2).listen({IpAddress::any(Family::ipv6), 80});
  auto socket = lan.host(1).connect({ip4("10.0.0.2"), 80});
  REQUIRE(lan.run_until([&] { return socket->writable() > 0; }));
  ArpWatch asked(lan);
  for (int i = 0; i < 120; ++i) {
    (void)socket->write(Octets(1));
    lan.run_for(1s);
  }
  CHECK(asked.packets.empty());
}

TEST_CASE("who watches an address hears every ARP packet that claims it, and no others [R5227-2.1.1-3]") {
  Lan lan;
  ip::Link& link = *lan.add_host().link();
  link.watch_arp(ip4("10.0.0.99"));
  wire::arp::Packet other = request_for("10.0.0.7");
  other.sender = ip4("10.0.0.98");
  lan.inject(arp_frame(other));
  for (int i = 0; i < 100; ++i) lan.inject(arp_frame(request_for("10.0.0.7")));
  lan.settle();
  int heard = 0;
  while (const auto packet = link.poll_arp()) {
    CHECK(packet->sender == ip4("10.0.0.99"));
    CHECK(packet->sender_mac == mac_of(99));
    ++heard;
  }
  CHECK(heard == 64);  // of those that nobody fetched
}

}  // namespace
}  // namespace sluice
