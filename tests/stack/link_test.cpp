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
using Octets = std::vector<std::uint8_t>;
using test::Lan;
using test::mac_of;

IpAddress ip4(const char* text) { return *IpAddress::parse(text); }

std::uint64_t count(Stack& stack, LinkCounter counter) { return stack.link()->counters()[counter]; }

Octets frame_of(const MacAddress& to, const MacAddress& from, std::uint16_t type, const Octets& payload) {
  Octets frame(wire::ethernet::kHeaderSize);
  wire::ethernet::write(frame, {.destination = to, .source = from, .type = type});
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

Octets arp_frame(const wire::arp::Packet& packet, const MacAddress& to = MacAddress::broadcast()) {
  Octets payload(wire::arp::kSize);
  wire::arp::write(payload, packet);
  return frame_of(to, packet.sender_mac, wire::ethernet::kArp, payload);
}

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

/// What a host says of discovery, one line a message.
struct DiscoveryWatch {
  explicit DiscoveryWatch(Lan& lan) {
    lan.on_frame = [this](std::size_t from, Bytes frame) {
      const auto header = wire::ethernet::parse(frame);
      const Bytes packet = frame.subspan(header->header_size);
      if (header->type != wire::ethernet::kIpv6 || packet[6] != 58 || packet[40] < 133 || packet[40] > 137) return;
      CHECK(packet[7] == 255);
      said.push_back(line(from, header->destination, packet));
    };
  }
  static std::string line(std::size_t from, const MacAddress& to, Bytes packet) {
    const Tins::ICMPv6 icmp(packet.data() + 40, static_cast<std::uint32_t>(packet.size() - 40));
    const bool asks = icmp.type() == Tins::ICMPv6::NEIGHBOUR_SOLICIT;
    std::string text = std::to_string(from) + (asks ? " asks " : " says ") +
                       IpAddress::from_bytes(packet.subspan(24, 16)).to_string() + " at " + to.to_string();
    if (icmp.search_option(Tins::ICMPv6::SOURCE_ADDRESS)) text += " SLLA";
    if (icmp.search_option(Tins::ICMPv6::TARGET_ADDRESS)) text += " TLLA";
    if (!asks && icmp.solicited()) text += " S";
    if (!asks && icmp.override()) text += " O";
    return text;
  }
  std::vector<std::string> said;
};

TEST_CASE("IPv6 hosts find each other by the solicited-node group [R4861-7.2.1-1] [R4861-7.2.2-4] [R4861-7.2.4-1]") {
  Lan lan;
  lan.add_host();
  lan.add_host();
  DiscoveryWatch watch(lan);
  auto listener = lan.host(2).listen({IpAddress::any(Family::ipv6), 80});
  auto socket = lan.host(1).connect({ip4("fd00::2"), 80});
  REQUIRE(lan.run_until([&] { return socket->writable() > 0; }));
  REQUIRE(watch.said.size() == 2);
  CHECK(watch.said[0] == "1 asks ff02::1:ff00:2 at 33:33:ff:00:00:02 SLLA");
  CHECK(watch.said[1] == "2 says fd00::1 at 02:00:5e:10:00:01 TLLA S O");
}

/// An ICMPv6 message from fe80::63 at 02:00:5e:10:00:63, as a frame.
Octets icmpv6_frame(Tins::ICMPv6 icmp, const char* to, const char* from = "fe80::63", std::uint8_t hop_limit = 255) {
  Tins::IPv6 packet(to, from);
  packet.hop_limit(hop_limit);
  const IpAddress destination = ip4(to);
  const MacAddress mac = destination.is_multicast() ? MacAddress::of_group(destination) : mac_of(1);
  return frame_of(mac, mac_of(99), wire::ethernet::kIpv6, (packet /= icmp).serialize());
}

Tins::ICMPv6 solicitation(const char* target, bool with_mac = true) {
  Tins::ICMPv6 icmp(Tins::ICMPv6::NEIGHBOUR_SOLICIT);
  icmp.target_addr(target);
  if (with_mac) icmp.source_link_layer_addr(mac_of(99).to_string());
  return icmp;
}

TEST_CASE(
    "who has no address and asks for ours is answered to all nodes, and makes no entry [R4861-7.2.3-2] [R4861-7.2.4-1] "
    "[R4861-7.2.4-2]") {
  Lan lan;
  Stack& host = lan.add_host();
  DiscoveryWatch watch(lan);
  lan.inject(icmpv6_frame(solicitation("fd00::1", false), "ff02::1:ff00:1", "::"));
  lan.settle();
  CHECK(watch.said == std::vector<std::string>{"1 says ff02::1 at 33:33:00:00:00:01 TLLA O"});
  CHECK(host.link()->neighbours().size() == 0);
}

TEST_CASE("invalid messages and router solicitations leave no trace but a counter [R4861-7.2-1] [R4861-6.1.1-1]") {
  Lan lan;
  Stack& host = lan.add_host();
  DiscoveryWatch watch(lan);
  lan.inject(icmpv6_frame(solicitation("fd00::1"), "fd00::1", "fe80::63", 254));
  Tins::ICMPv6 router_question(Tins::ICMPv6::ROUTER_SOLICIT);
  router_question.source_link_layer_addr(mac_of(99).to_string());
  lan.inject(icmpv6_frame(router_question, "fe80::1"));
  lan.settle();
  CHECK(host.link()->neighbours().size() == 0);
  CHECK(watch.said.empty());
  CHECK(count(host, LinkCounter::drop_discovery_malformed) == 1);
  CHECK(count(host, LinkCounter::discovery_in) == 2);
}

TEST_CASE("a host never says what only routers say, whatever it hears [R4861-6.2.4-1] [R4861-8.3-1]") {
  Lan lan;
  lan.add_host();
  lan.add_host();
  std::uint64_t router_messages = 0;
  std::uint64_t messages = 0;
  lan.on_frame = [&](std::size_t, Bytes frame) {
    const Bytes packet = frame.subspan(wire::ethernet::kHeaderSize);
    if (packet[0] >> 4 != 6 || packet[6] != 58) return;
    ++messages;
    router_messages += packet[40] == 134 || packet[40] == 137;
  };
  for (const auto type : {Tins::ICMPv6::ROUTER_SOLICIT, Tins::ICMPv6::ROUTER_ADVERT, Tins::ICMPv6::NEIGHBOUR_ADVERT})
    for (const char* to : {"ff02::1", "ff02::2", "fe80::1"}) lan.inject(icmpv6_frame(Tins::ICMPv6(type), to));
  lan.inject(icmpv6_frame(solicitation("fe80::1"), "fe80::1"));
  auto socket = lan.host(1).connect({ip4("fd00::2"), 80});
  lan.run_for(10s);
  CHECK(messages > 2);
  CHECK(router_messages == 0);
}

Tins::ICMPv6 router_advertisement(std::uint16_t lifetime, std::uint8_t number) {
  Tins::ICMPv6 icmp(Tins::ICMPv6::ROUTER_ADVERT);
  icmp.router_lifetime(lifetime);
  icmp.source_link_layer_addr(mac_of(number).to_string());
  return icmp;
}

Octets router_frame(std::uint16_t lifetime, std::uint8_t number) {
  const std::string address = "fe80::" + std::to_string(number);
  Octets frame = icmpv6_frame(router_advertisement(lifetime, number), "ff02::1", address.c_str());
  const MacAddress mac = mac_of(number);
  std::copy(mac.bytes().begin(), mac.bytes().end(), frame.begin() + 6);
  return frame;
}

/// A host that heeds routers, and to which MAC address it sends what is for far away.
struct RoutedHost {
  RoutedHost() {
    Config config = test::lan_config(1);
    config.host.emplace();
    host = &lan.add_host(config);
    lan.run_for(3s);
    lan.on_frame = [this](std::size_t, Bytes frame) {
      const auto header = wire::ethernet::parse(frame);
      const Bytes packet = frame.subspan(header->header_size);
      if (header->type == wire::ethernet::kIpv6 && packet[6] == 17) sent_to = header->destination;
    };
    socket = *host->bind_udp({IpAddress::any(Family::ipv6), 0});
  }
  MacAddress next_hop() {
    sent_to = {};
    const std::uint8_t text = 1;
    (void)socket.send_to({ip4("2001:db8::1"), 9}, Bytes(&text, 1));
    lan.settle();
    return sent_to;
  }
  Lan lan;
  Stack* host = nullptr;
  udp::Socket socket;
  MacAddress sent_to;
};

TEST_CASE("what went over a router that leaves goes over the other one [R4861-6.3.5-1]") {
  RoutedHost routed;
  routed.lan.inject(router_frame(1800, 20));
  routed.lan.inject(router_frame(1800, 21));
  routed.lan.settle();
  const MacAddress first = routed.next_hop();
  const std::uint8_t number = first == mac_of(20) ? 20 : 21;
  REQUIRE(first == mac_of(number));
  routed.lan.inject(router_frame(0, number));
  routed.lan.settle();
  CHECK(routed.next_hop() == mac_of(number == 20 ? 21 : 20));
}

TEST_CASE("a router that does not answer gives way to one that does [R4861-6.3.6-1]") {
  RoutedHost routed;
  routed.lan.inject(router_frame(1800, 20));
  routed.lan.inject(router_frame(1800, 21));
  routed.lan.settle();
  const MacAddress first = routed.next_hop();
  routed.lan.run_for(10s);  // five of patience, three questions that nobody answers
  const MacAddress second = routed.next_hop();
  CHECK(second != first);
  CHECK_FALSE(second.is_zero());
}

TEST_CASE("a router that says it is none any more is used no longer [R4861-7.2.5-4]") {
  RoutedHost routed;
  routed.lan.inject(router_frame(1800, 20));
  routed.lan.settle();
  CHECK(routed.next_hop() == mac_of(20));
  Tins::ICMPv6 icmp(Tins::ICMPv6::NEIGHBOUR_ADVERT);
  icmp.target_addr("fe80::20");
  icmp.router(0);
  icmp.override(1);
  icmp.target_link_layer_addr(mac_of(20).to_string());
  routed.lan.inject(icmpv6_frame(icmp, "ff02::1", "fe80::20"));
  routed.lan.settle();
  CHECK(routed.next_hop().is_zero());
}

TEST_CASE("a redirect from the router in use sends one destination another way [R4861-8.3-2]") {
  RoutedHost routed;
  routed.lan.inject(router_frame(1800, 20));
  routed.lan.settle();
  Tins::ICMPv6 icmp(Tins::ICMPv6::REDIRECT);
  icmp.target_addr("fe80::21");
  icmp.dest_addr("2001:db8::1");
  icmp.target_link_layer_addr(mac_of(21).to_string());
  routed.lan.inject(icmpv6_frame(icmp, "fe80::1", "fe80::22"));  // a stranger's
  routed.lan.settle();
  CHECK(routed.next_hop() == mac_of(20));
  routed.lan.inject(icmpv6_frame(icmp, "fe80::1", "fe80::20"));
  routed.lan.settle();
  CHECK(routed.next_hop() == mac_of(21));
  CHECK(routed.host->ip().routes().find(ip4("2001:db8::2"))[0].gateway == ip4("fe80::20"));
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
  return frame_of(mac_of(1), mac_of(2), wire::ethernet::kIpv4, whole.serialize());
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
      {LinkCounter::drop_length_field, frame_of(mac_of(1), mac_of(9), 46, nothing)},
      {LinkCounter::drop_other_vlan, tagged},
      {LinkCounter::drop_other_host, frame_of(mac_of(7), mac_of(9), wire::ethernet::kIpv4, nothing)},
      {LinkCounter::drop_source_group, frame_of(mac_of(1), MacAddress::broadcast(), wire::ethernet::kIpv4, nothing)},
      {LinkCounter::drop_own_source, frame_of(MacAddress::broadcast(), mac_of(1), wire::ethernet::kIpv4, nothing)},
      {LinkCounter::drop_unknown_type, frame_of(mac_of(1), mac_of(9), 0x88cc, nothing)},
      {LinkCounter::drop_arp_malformed, frame_of(mac_of(1), mac_of(9), wire::ethernet::kArp, nothing)},
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
    lan.inject(frame_of(MacAddress::broadcast(), mac_of(9), type, packet));
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

}  // namespace
}  // namespace sluice
