// Whole stacks that configure themselves on an Ethernet.
#include <doctest/doctest.h>
#include <tins/tins.h>

#include <algorithm>
#include <string>
#include <vector>

#include "stack/wire/dhcp.hpp"
#include "stack/wire/icmpv6.hpp"
#include "stack/wire/udp.hpp"
#include "tests/support/lan.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using test::Lan;
using test::mac_of;
using test::Octets;

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

/// A host that looks for duplicates of these addresses before it uses them.
Config careful(std::uint8_t number, std::vector<Prefix> addresses) {
  Config config = test::lan_config(number);
  config.ip.addresses.clear();
  config.host.emplace();
  config.host->addresses = std::move(addresses);
  return config;
}

bool has(Stack& stack, const IpAddress& address) { return stack.ip().addresses().holds(address); }

/// What the host told since the last call, such as "added 10.0.0.1".
std::vector<std::string> events(Stack& stack) {
  std::vector<std::string> all;
  while (const auto event = stack.configurator()->poll_event()) {
    using Kind = host::HostEvent::Kind;
    const char* const what = event->kind == Kind::address_added       ? "added "
                             : event->kind == Kind::address_removed   ? "removed "
                             : event->kind == Kind::address_duplicate ? "duplicate "
                                                                      : "servers ";
    all.push_back(what + event->address.to_string());
  }
  return all;
}

bool contains(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

TEST_CASE(
    "an IPv4 address is used once nobody answers three probes, then announced twice [R5227-2.1-1] [R5227-2.3-1]") {
  Lan lan;
  std::vector<std::string> said;
  lan.on_frame = [&](std::size_t from, Bytes frame) {
    const auto header = wire::ethernet::parse(frame);
    if (from != 1 || header->type != wire::ethernet::kArp) return;
    said.push_back(wire::arp::parse(frame.subspan(header->header_size))->sender.is_unspecified() ? "probe"
                                                                                                 : "announce");
  };
  Stack& host = lan.add_host(careful(1, {*Prefix::parse("10.0.0.1/24")}));
  lan.run_for(1s);
  CHECK_FALSE(has(host, ip("10.0.0.1")));
  REQUIRE(lan.run_until([&] { return has(host, ip("10.0.0.1")); }, 10s));
  lan.run_for(5s);
  CHECK(said == std::vector<std::string>{"probe", "probe", "probe", "announce", "announce"});
}

TEST_CASE("an IPv4 address that another host has is not used") {
  Lan lan;
  lan.add_host();  // 10.0.0.1
  Stack& late = lan.add_host(careful(2, {*Prefix::parse("10.0.0.1/24")}));
  lan.run_for(10s);
  CHECK_FALSE(has(late, ip("10.0.0.1")));
  CHECK(contains(events(late), "duplicate 10.0.0.1"));
}

TEST_CASE(
    "a tentative IPv6 address answers nobody, and its group is joined before the first probe [R4862-5.4.3-1] "
    "[R4862-5.4.2-1]") {
  Lan lan;
  std::vector<std::string> said;
  lan.on_frame = [&](std::size_t from, Bytes frame) {
    const auto header = wire::ethernet::parse(frame);
    const Bytes packet = frame.subspan(header->header_size);
    if (from != 1 || header->type != wire::ethernet::kIpv6) return;
    const std::size_t at = packet[6] == 0 ? 48 : 40;  // behind Router Alert
    said.push_back(packet[at] == 143 ? "report" : packet[at] == 135 ? "probe" : packet[at] == 136 ? "answer" : "other");
  };
  Config config = careful(1, {*Prefix::parse("2001:db8::1/64")});
  config.host->router_advertisements = false;
  lan.add_host(config);
  lan.add_host(careful(2, {*Prefix::parse("2001:db8::2/64")}));
  while (std::find(said.begin(), said.end(), "probe") == said.end()) lan.run_for(10ms);
  CHECK(said.front() == "report");
  CHECK(std::find(said.begin(), said.end(), "answer") == said.end());
}

TEST_CASE("two hosts that want the same IPv6 address: the one that has it keeps it [R4862-5.4.5-1]") {
  Lan lan;
  Stack& first = lan.add_host(careful(1, {*Prefix::parse("2001:db8::1/64")}));
  lan.run_for(5s);
  CHECK(has(first, ip("2001:db8::1")));
  Stack& second = lan.add_host(careful(2, {*Prefix::parse("2001:db8::1/64")}));
  lan.run_for(5s);
  CHECK(has(first, ip("2001:db8::1")));
  CHECK_FALSE(has(second, ip("2001:db8::1")));
}

TEST_CASE(
    "an address that is lost to another host takes its connections with it, reset before it goes [R5227-2.4-3] "
    "[R5227-2.4-2]") {
  Lan lan;
  Stack& host = lan.add_host(careful(1, {*Prefix::parse("10.0.0.1/24")}));
  lan.add_host();
  lan.run_for(15s);
  auto listener = lan.host(2).listen({IpAddress::any(Family::ipv6), 80});
  auto socket = host.connect({ip("10.0.0.2"), 80});
  REQUIRE(lan.run_until([&] { return socket->writable() > 0; }));
  auto served = listener->accept();
  REQUIRE(served);
  host.tcp().abort_all(ip("10.0.0.1"));
  lan.settle();
  CHECK(socket->error() == Errc::connection_aborted);
  CHECK(served->error() == Errc::connection_reset);
}

/// A router's advertisement, as a frame.
Octets router_frame(std::uint32_t valid = 7200, std::uint32_t preferred = 3600) {
  Tins::ICMPv6 icmp(Tins::ICMPv6::ROUTER_ADVERT);
  icmp.router_lifetime(1800);
  icmp.source_link_layer_addr(mac_of(200).to_string());
  icmp.prefix_info(Tins::ICMPv6::prefix_info_type(64, 1, 1, valid, preferred, "2001:db8:1::"));
  Tins::IPv6 packet("ff02::1", "fe80::c8");
  packet.hop_limit(255);
  Tins::EthernetII frame(Tins::HWAddress<6>("33:33:00:00:00:01"), Tins::HWAddress<6>(mac_of(200).to_string()));
  return (frame /= packet / icmp).serialize();
}

/// The host's address in the advertised prefix.
const ip::OwnAddress* advertised(Stack& stack) {
  const Prefix prefix = *Prefix::parse("2001:db8:1::/64");
  for (const ip::OwnAddress& own : stack.ip().addresses().all())
    if (prefix.contains(own.prefix.address)) return &own;
  return nullptr;
}

TEST_CASE("hosts make addresses of what a router advertises, and talk with them") {
  Lan lan;
  Stack& one = lan.add_host(careful(1, {}));
  Stack& two = lan.add_host(careful(2, {}));
  lan.run_for(3s);
  lan.inject(router_frame());
  lan.run_for(3s);
  REQUIRE(advertised(one));
  REQUIRE(advertised(two));
  const IpAddress there = advertised(two)->prefix.address;
  auto listener = two.listen({IpAddress::any(Family::ipv6), 80});
  auto socket = one.connect({there, 80});
  REQUIRE(socket);
  CHECK(lan.run_until([&] { return socket->writable() > 0; }));
  CHECK(one.ip().routes().find(ip("2001:db8:ffff::1"))[0].gateway == ip("fe80::c8"));
}

TEST_CASE(
    "a deprecated address is for old connections, an invalid one for none [R4862-5.5.4-1] [R4862-5.5.4-2] "
    "[R4862-5.5.4-3]") {
  Lan lan;
  Stack& host = lan.add_host(careful(1, {*Prefix::parse("2001:db8:2::1/64")}));
  Stack& peer = lan.add_host(careful(2, {*Prefix::parse("2001:db8:1::2/64")}));
  host.ip().routes().add({.destination = *Prefix::parse("2001:db8:1::/64")});
  peer.ip().routes().add({.destination = *Prefix::parse("2001:db8:2::/64")});
  lan.run_for(3s);
  lan.inject(router_frame(7200, 60), 1);
  lan.run_for(3s);
  const IpAddress old = advertised(host)->prefix.address;
  auto listener = host.listen({IpAddress::any(Family::ipv6), 80});
  lan.run_for(60s);
  CHECK(advertised(host)->state == ip::AddressState::deprecated);
  CHECK(*host.ip().select_source(ip("2001:db8:1::2")) == ip("2001:db8:2::1"));  // though the other one is nearer
  auto socket = peer.connect({old, 80});
  CHECK(lan.run_until([&] { return socket->writable() > 0; }, 5s));
  lan.run_for(7200s);
  CHECK_FALSE(has(host, old));
  CHECK_FALSE(advertised(host));
}

/// A DHCP server in a host's place, as much of one as a client needs.
class DhcpServer {
 public:
  explicit DhcpServer(Lan& lan) : lan_(lan) {
    lan.on_frame = [this](std::size_t from, Bytes frame) { hear(from, frame); };
  }
  std::vector<int> heard;

 private:
  void hear(std::size_t from, Bytes frame) {
    const Tins::EthernetII seen(frame.data(), static_cast<std::uint32_t>(frame.size()));
    const auto* udp = seen.find_pdu<Tins::UDP>();
    if (!udp || udp->dport() != 67) return;
    const auto raw = seen.rfind_pdu<Tins::RawPDU>().payload();
    const Tins::DHCP message(raw.data(), static_cast<std::uint32_t>(raw.size()));
    heard.push_back(message.type());
    if (message.type() == Tins::DHCP::DISCOVER) answer(from, message, Tins::DHCP::OFFER);
    if (message.type() == Tins::DHCP::REQUEST) answer(from, message, Tins::DHCP::ACK);
  }
  void answer(std::size_t to, const Tins::DHCP& asked, std::uint8_t type) {
    Tins::DHCP reply;
    reply.opcode(Tins::DHCP::BOOTREPLY);
    reply.xid(asked.xid());
    reply.chaddr(asked.chaddr());
    reply.yiaddr("10.0.0.77");
    reply.type(static_cast<Tins::DHCP::Flags>(type));
    reply.server_identifier("10.0.0.254");
    reply.lease_time(3600);
    reply.subnet_mask("255.255.255.0");
    reply.routers({"10.0.0.254"});
    reply.domain_name_servers({"10.0.0.53"});
    reply.end();
    Tins::IP packet("255.255.255.255", "10.0.0.254");
    Tins::EthernetII frame(Tins::HWAddress<6>("ff:ff:ff:ff:ff:ff"), Tins::HWAddress<6>(mac_of(254).to_string()));
    lan_.inject((frame /= packet / Tins::UDP(68, 67) / reply).serialize(), to);
  }
  Lan& lan_;
};

TEST_CASE("a host gets its address, its route and its servers by DHCP, and probes before it uses them") {
  Lan lan;
  DhcpServer server(lan);
  Config config = careful(1, {});
  config.host->dhcp = true;
  Stack& host = lan.add_host(config);
  REQUIRE(lan.run_until([&] { return has(host, ip("10.0.0.77")); }, 30s));
  CHECK(server.heard == std::vector<int>{Tins::DHCP::DISCOVER, Tins::DHCP::REQUEST});
  CHECK(host.ip().routes().find(ip("192.0.2.1"))[0].gateway == ip("10.0.0.254"));
  CHECK_FALSE(host.ip().routes().find(ip("10.0.0.9"))[0].gateway);
  CHECK(host.configurator()->dns_servers() == std::vector<IpAddress>{ip("10.0.0.53")});
  CHECK(contains(events(host), "added 10.0.0.77"));
}

TEST_CASE("a lease that runs out takes its address, its routes and its connections [R5227-2.4-3]") {
  Lan lan;
  Config config = careful(1, {});
  config.host->dhcp = true;
  Stack& host = lan.add_host(config);
  lan.add_host();  // 10.0.0.2
  {
    DhcpServer server(lan);
    REQUIRE(lan.run_until([&] { return has(host, ip("10.0.0.77")); }, 30s));
    lan.on_frame = nullptr;  // from now on silent
  }
  auto listener = lan.host(2).listen({IpAddress::any(Family::ipv6), 80});
  auto socket = host.connect({ip("10.0.0.2"), 80});
  REQUIRE(lan.run_until([&] { return socket->writable() > 0; }));
  auto served = listener->accept();
  lan.run_for(3601s);
  CHECK_FALSE(has(host, ip("10.0.0.77")));
  CHECK(socket->error() == Errc::connection_aborted);
  CHECK(served->error() == Errc::connection_reset);  // the reset left while there still was a way
  CHECK(host.ip().routes().find(ip("192.0.2.1")).empty());
}

TEST_CASE(
    "a link that returns: the lease is confirmed, the address probed, routers are asked, and connections go on "
    "[R5227-2.1-1] [R4861-6.3.7-1]") {
  Lan lan;
  DhcpServer server(lan);
  Config config = careful(1, {});
  config.host->dhcp = true;
  Stack& host = lan.add_host(config);
  lan.add_host();  // 10.0.0.2
  REQUIRE(lan.run_until([&] { return has(host, ip("10.0.0.77")); }, 30s));
  auto listener = lan.host(2).listen({IpAddress::any(Family::ipv6), 80});
  auto socket = host.connect({ip("10.0.0.2"), 80});
  REQUIRE(lan.run_until([&] { return socket->writable() > 0; }));
  auto served = listener->accept();
  lan.run_for(20s);
  events(host);
  server.heard.clear();
  std::size_t probes = 0, solicitations = 0;
  const auto hear = lan.on_frame;
  lan.on_frame = [&](std::size_t from, Bytes frame) {
    hear(from, frame);
    const auto header = wire::ethernet::parse(frame);
    const Bytes packet = frame.subspan(header->header_size);
    if (from != 1) return;
    if (header->type == wire::ethernet::kArp) probes += wire::arp::parse(packet)->sender.is_unspecified();
    if (header->type == wire::ethernet::kIpv6) solicitations += packet[6] == 58 && packet[40] == 133;
  };
  host.configurator()->link_returned(Duration(0), lan.now());
  CHECK_FALSE(host.link()->neighbours().knows(ip("10.0.0.2")));
  (void)socket->write(as_bytes("still there?"));
  CHECK(lan.run_until([&] { return served->readable() == 12; }, 2s));
  lan.run_for(20s);
  CHECK(server.heard == std::vector<int>{Tins::DHCP::REQUEST});
  CHECK(probes == 3);
  CHECK(solicitations == 3);
  CHECK(events(host) == std::vector<std::string>{"servers 10.0.0.254"});
  CHECK(socket->error() == Errc::none);
}

TEST_CASE("an address that another host took while the link was away is given up [R5227-2.1-1]") {
  Lan lan;
  Stack& host = lan.add_host(careful(1, {*Prefix::parse("10.0.0.2/24")}));
  lan.run_for(15s);
  REQUIRE(has(host, ip("10.0.0.2")));
  lan.add_host();  // 10.0.0.2, without a look for duplicates
  host.configurator()->link_returned(Duration(0), lan.now());
  lan.run_for(15s);
  CHECK_FALSE(has(host, ip("10.0.0.2")));
  CHECK(contains(events(host), "duplicate 10.0.0.2"));
}

}  // namespace
}  // namespace sluice
