// A LAN with bad neighbours: memory stays bounded, and whom we serve does not notice.
#include <doctest/doctest.h>
#include <tins/tins.h>

#include <string>
#include <vector>

#include "tests/support/lan.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using test::framed;
using test::Lan;
using test::mac_of;
using test::Octets;

constexpr std::size_t kMebibyte = 1u << 20;
constexpr std::uint32_t kFlood = 50'000;
constexpr std::uint32_t kStorm = 10'000;

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

/// Two hosts of ours: 1 is a client of 2's, whom the others of this LAN attack.
struct HostileLan {
  HostileLan() {
    lan.add_host();
    Config config = test::lan_config(2);
    config.host.emplace();  // heeds routers
    lan.add_host(config);
    listener = *lan.host(2).listen({IpAddress::any(Family::ipv6), 7});
    client = *lan.host(1).connect({ip("10.0.0.2"), 7});
    REQUIRE(lan.run_until([&] { return client.writable() > 0; }));
    served = *listener.accept();
    for (int i = 0; i < 3; ++i) talk(1s);
  }
  /// Some bytes from the client arrive within this time.
  bool talk(Duration limit) {
    (void)client.write(Octets(100));
    expected += 100;
    const bool heard = lan.run_until([&] { return served.readable() == expected; }, limit);
    while (served.readable() > 0) served.consume(served.peek().size());
    expected = 0;
    return heard;
  }
  /// A minute in which `frame(i)` comes so often.
  template <class Make>
  void flood(std::uint32_t count, Make frame) {
    for (std::uint32_t i = 0; i < count; ++i) {
      lan.inject(frame(i), 2);
      if (i % 100 == 99) lan.run_for(60s / (count / 100));
    }
  }
  Stack& victim() { return lan.host(2); }

  Lan lan;
  tcp::Listener listener;
  tcp::Socket client;
  tcp::Socket served;
  std::size_t expected = 0;
};

Octets arp_request(const IpAddress& from, const MacAddress& mac = mac_of(66)) {
  return test::arp_frame({.operation = wire::arp::Operation::request,
                          .sender_mac = mac,
                          .sender = from,
                          .target_mac = {},
                          .target = ip("10.0.0.2")});
}

/// fd00::66:NUMBER.
std::string numbered6(std::uint32_t number) {
  return "fd00::66:" + std::string(1, "0123456789abcdef"[number >> 12 & 15]) +
         std::string(1, "0123456789abcdef"[number >> 8 & 15]) + std::string(1, "0123456789abcdef"[number >> 4 & 15]) +
         std::string(1, "0123456789abcdef"[number & 15]);
}

TEST_CASE("50,000 hosts that ask by ARP within a minute leave less than a mebibyte [R4861-11-1] [A-PRS-27]") {
  HostileLan hostile;
  hostile.flood(kFlood, [](std::uint32_t i) { return arp_request(IpAddress::v4(0x0a010000u + i)); });
  CHECK(hostile.victim().link()->neighbours().size() <= ip::Neighbours::kMaximumEntries);
  CHECK(hostile.victim().link()->neighbours().footprint() < kMebibyte);
  CHECK(hostile.talk(1s));
}

TEST_CASE("50,000 neighbour solicitations within a minute leave less than a mebibyte [R4861-11-1] [A-PRS-27]") {
  HostileLan hostile;
  hostile.flood(kFlood, [](std::uint32_t i) {
    Tins::ICMPv6 icmp(Tins::ICMPv6::NEIGHBOUR_SOLICIT);
    icmp.target_addr("fd00::2");
    icmp.source_link_layer_addr(mac_of(66).to_string());
    Tins::IPv6 packet("fd00::2", numbered6(i));
    packet.hop_limit(255);
    return framed(mac_of(2), mac_of(66), wire::ethernet::kIpv6, (packet /= icmp).serialize());
  });
  CHECK(hostile.victim().link()->counters()[ip::LinkCounter::advertisements_out] >= kFlood);
  CHECK(hostile.victim().link()->neighbours().footprint() < kMebibyte);
  CHECK(hostile.talk(1s));
}

TEST_CASE("10,000 senders that are not there, whom we would have to ask for, leave less than a mebibyte") {
  HostileLan hostile;
  hostile.flood(kStorm, [](std::uint32_t i) {
    Tins::TCP syn(7, static_cast<std::uint16_t>(1024 + i % 60000));
    syn.set_flag(Tins::TCP::SYN, 1);
    Tins::IPv6 packet("fd00::2", numbered6(i));
    return framed(mac_of(2), mac_of(66), wire::ethernet::kIpv6, (packet /= syn).serialize());
  });
  CHECK(hostile.victim().link()->neighbours().footprint() < kMebibyte);
  CHECK(hostile.talk(1s));
}

TEST_CASE("a flood of router advertisements, each with a network of its own, makes few addresses and routes") {
  HostileLan hostile;
  hostile.flood(kStorm, [](std::uint32_t i) {
    Tins::ICMPv6 icmp(Tins::ICMPv6::ROUTER_ADVERT);
    icmp.router_lifetime(1800);
    icmp.source_link_layer_addr(mac_of(66).to_string());
    icmp.prefix_info(Tins::ICMPv6::prefix_info_type(64, 1, 1, 7200, 3600, "2001:db8:" + numbered6(i).substr(9) + "::"));
    Tins::IPv6 packet("ff02::1", "fe80::" + numbered6(i).substr(9));
    packet.hop_limit(255);
    return framed(*MacAddress::parse("33:33:00:00:00:01"), mac_of(66), wire::ethernet::kIpv6,
                  (packet /= icmp).serialize());
  });
  CHECK(hostile.victim().ip().addresses().all().size() <= ip::Addresses::kMaximum);
  CHECK(hostile.victim().ip().routes().all().size() < 64);
  CHECK(hostile.victim().link()->neighbours().footprint() < kMebibyte);
  CHECK(hostile.talk(1s));
}

TEST_CASE("who claims our peer's address by ARP cuts us off for seconds, not for ever") {
  HostileLan hostile;
  hostile.lan.inject(arp_request(ip("10.0.0.1"), mac_of(66)), 2);
  hostile.lan.settle();
  CHECK(hostile.talk(20s));
  CHECK(hostile.talk(1s));
}

TEST_CASE("a storm of broadcasts, to nobody's port and of echo requests, is not answered") {
  HostileLan hostile;
  std::uint64_t said = 0;
  hostile.lan.on_frame = [&](std::size_t from, Bytes) { said += from == 2; };
  hostile.flood(kStorm, [](std::uint32_t i) {
    Tins::IP packet(i % 4 < 2 ? "255.255.255.255" : "10.0.0.255", "10.0.0.66");
    Tins::ICMP echo;
    echo.set_echo_request(1, static_cast<std::uint16_t>(i));
    const Octets bytes = i % 2 == 0 ? (packet /= Tins::UDP(9999, 9999)).serialize() : (packet /= echo).serialize();
    return framed(MacAddress::broadcast(), mac_of(66), wire::ethernet::kIpv4, bytes);
  });
  CHECK(said < 20);  // its own business with its neighbour
  CHECK(hostile.talk(1s));
}

TEST_CASE("a flood of first fragments that never go on is held to its limit") {
  HostileLan hostile;
  const std::size_t before = hostile.victim().memory().used();
  hostile.flood(kStorm, [](std::uint32_t i) {
    Tins::IP packet("10.0.0.2", "10.0.0.66");
    packet.id(static_cast<std::uint16_t>(i));
    packet.flags(Tins::IP::MORE_FRAGMENTS);
    return framed(mac_of(2), mac_of(66), wire::ethernet::kIpv4,
                  (packet /= Tins::UDP(7, 7) / Tins::RawPDU(std::string(1000, 'x'))).serialize());
  });
  CHECK(hostile.victim().memory().used() - before <= ip::Config().reassembly_limit + 4096);
  CHECK(hostile.talk(1s));
}

}  // namespace
}  // namespace sluice
