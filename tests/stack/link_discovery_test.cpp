// Stacks on an Ethernet that speak IPv6: neighbours found, routers chosen, redirects.
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
using test::framed;
using test::Lan;
using test::mac_of;
using test::Octets;

IpAddress ip6(const char* text) { return *IpAddress::parse(text); }

std::uint64_t count(Stack& stack, LinkCounter counter) { return stack.link()->counters()[counter]; }

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
  auto socket = lan.host(1).connect({ip6("fd00::2"), 80});
  REQUIRE(lan.run_until([&] { return socket->writable() > 0; }));
  REQUIRE(watch.said.size() == 2);
  CHECK(watch.said[0] == "1 asks ff02::1:ff00:2 at 33:33:ff:00:00:02 SLLA");
  CHECK(watch.said[1] == "2 says fd00::1 at 02:00:5e:10:00:01 TLLA S O");
}

/// An ICMPv6 message from fe80::63 at 02:00:5e:10:00:63, as a frame.
Octets icmpv6_frame(Tins::ICMPv6 icmp, const char* to, const char* from = "fe80::63", std::uint8_t hop_limit = 255) {
  Tins::IPv6 packet(to, from);
  packet.hop_limit(hop_limit);
  const IpAddress destination = ip6(to);
  const MacAddress mac = destination.is_multicast() ? MacAddress::of_group(destination) : mac_of(1);
  return framed(mac, mac_of(99), wire::ethernet::kIpv6, (packet /= icmp).serialize());
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
  auto socket = lan.host(1).connect({ip6("fd00::2"), 80});
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
    (void)socket.send_to({ip6("2001:db8::1"), 9}, Bytes(&text, 1));
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
  CHECK(routed.host->ip().routes().find(ip6("2001:db8::2"))[0].gateway == ip6("fe80::20"));
}

}  // namespace
}  // namespace sluice
