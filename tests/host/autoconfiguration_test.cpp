// Router discovery, prefixes and addresses, in virtual time.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "stack/host/autoconfiguration.hpp"

namespace sluice::host {
namespace {

using namespace std::chrono_literals;
namespace ndp = wire::ndp;
using ip::AddressState;

constexpr MacAddress kMac({0x02, 0, 0x5e, 0x10, 0, 1});
const IpAddress kRouter = *IpAddress::parse("fe80::ff");
const Prefix kPrefix = *Prefix::parse("2001:db8:1::/64");

ndp::RouterAdvertisement advertisement(std::uint32_t valid = 7200, std::uint32_t preferred = 3600,
                                       const Prefix& prefix = kPrefix) {
  ndp::RouterAdvertisement message;
  message.router_lifetime = 1800;
  message.add({.prefix = prefix,
               .on_link = true,
               .autonomous = true,
               .valid_lifetime = valid,
               .preferred_lifetime = preferred});
  return message;
}

/// A host with its machine, and what the machine said, sorted.
struct Bench {
  explicit Bench(const AutoconfigurationSettings& settings = {.mac = kMac}, std::uint8_t seed = 1)
      : machine(settings, Key{seed}) {}

  void drain() {
    while (const auto action = machine.poll()) {
      if (const auto* one = std::get_if<SolicitRouters>(&*action)) solicitations.push_back(one->source);
      if (const auto* one = std::get_if<ProbeAddress>(&*action)) probes.push_back(one->address);
      if (const auto* one = std::get_if<SetAddress>(&*action)) set(one->address);
      if (const auto* one = std::get_if<RemoveAddress>(&*action)) remove(one->address);
      if (const auto* one = std::get_if<AddressDuplicate>(&*action)) duplicates.push_back(one->address);
      if (const auto* one = std::get_if<AddRoute>(&*action)) routes.add(one->route);
      if (const auto* one = std::get_if<RemoveRoute>(&*action)) routes.remove(one->route);
      if (const auto* one = std::get_if<SetParameters>(&*action)) parameters.push_back(*one);
      if (const auto* one = std::get_if<SetDnsServers>(&*action)) servers.push_back(one->servers);
      if (const auto* one = std::get_if<AskDhcpv6>(&*action)) asked.push_back(*one);
    }
  }
  void set(const ip::OwnAddress& address) {
    remove(address.prefix.address);
    addresses.push_back(address);
  }
  void remove(const IpAddress& address) {
    std::erase_if(addresses, [&](const ip::OwnAddress& one) { return one.prefix.address == address; });
  }
  void up() {
    machine.link_up(now);
    drain();
  }
  /// Runs the machine's timers for a while.
  void wait(Duration time) {
    const Time end = now + time;
    while (machine.next_timeout() <= end) {
      now = std::max(now, machine.next_timeout());
      machine.handle_timeout(now);
      drain();
    }
    now = end;
  }
  void hear(const ndp::RouterAdvertisement& message, const IpAddress& from = kRouter) {
    machine.receive(message, from, now);
    drain();
  }
  /// Its address in this network.
  const ip::OwnAddress* in(const Prefix& network, bool temporary = false) const {
    for (const ip::OwnAddress& one : addresses)
      if (network.contains(one.prefix.address) && one.temporary == temporary) return &one;
    return nullptr;
  }
  std::uint64_t count(AutoconfigurationCounter counter) const { return machine.counters()[counter]; }

  Autoconfiguration machine;
  Time now = Time{} + 1h;
  std::vector<IpAddress> solicitations;
  std::vector<IpAddress> probes;
  std::vector<ip::OwnAddress> addresses;
  std::vector<IpAddress> duplicates;
  ip::Routes routes;
  std::vector<SetParameters> parameters;
  std::vector<std::vector<IpAddress>> servers;
  std::vector<AskDhcpv6> asked;
};

const Prefix kLinkLocal = *Prefix::parse("fe80::/64");

TEST_CASE(
    "a link-local address is tentative, probed once, and used a second later [R4862-5.3-1] [R4862-5.4-1] "
    "[R4862-5.4.2-2]") {
  Bench host;
  host.up();
  REQUIRE(host.in(kLinkLocal));
  CHECK(host.in(kLinkLocal)->state == AddressState::tentative);
  const Time probed = host.machine.next_timeout();
  CHECK(probed - host.now <= 1s);
  while (host.probes.empty()) host.wait(10ms);
  const Time start = host.now;
  CHECK(host.in(kLinkLocal)->state == AddressState::tentative);
  while (host.in(kLinkLocal)->state == AddressState::tentative) host.wait(10ms);
  CHECK(host.now - start >= 980ms);
  CHECK(host.now - start <= 1020ms);
  CHECK(host.probes.size() == 1);
}

TEST_CASE("routers are asked for three times, four seconds apart, the first within a second [R4861-6.3.7-1]") {
  Bench host;
  host.up();
  host.wait(1s);
  CHECK(host.solicitations.size() == 1);
  host.wait(4s);
  CHECK(host.solicitations.size() == 2);
  host.wait(60s);
  CHECK(host.solicitations.size() == 3);
  CHECK(kLinkLocal.contains(host.solicitations.back()));
}

TEST_CASE("an advertisement of a router ends the asking, one of a mere neighbour does not [R4861-6.3.7-2]") {
  for (const std::uint16_t lifetime : {std::uint16_t{0}, std::uint16_t{1800}}) {
    Bench host;
    host.up();
    host.wait(1s);
    ndp::RouterAdvertisement message;
    message.router_lifetime = lifetime;
    host.hear(message);
    host.wait(60s);
    CHECK(host.solicitations.size() == (lifetime == 0 ? 3 : 1));
  }
}

TEST_CASE("an autonomous prefix becomes an address, the same after the link was away, another in another network") {
  Bench host;
  host.up();
  host.hear(advertisement());
  host.wait(3s);
  REQUIRE(host.in(kPrefix));
  const IpAddress first = host.in(kPrefix)->prefix.address;
  CHECK(host.in(kPrefix)->state == AddressState::preferred);
  CHECK(host.in(kPrefix)->prefix.length == 128);
  host.up();
  CHECK_FALSE(host.in(kPrefix));
  host.hear(advertisement());
  CHECK(host.in(kPrefix)->prefix.address == first);
  const Prefix other = *Prefix::parse("2001:db8:2::/64");
  host.hear(advertisement(7200, 3600, other));
  CHECK_FALSE(
      std::equal(first.bytes().begin() + 8, first.bytes().end(), host.in(other)->prefix.address.bytes().begin() + 8));
  Bench elsewhere({.mac = kMac}, 2);
  elsewhere.up();
  elsewhere.hear(advertisement());
  CHECK(elsewhere.in(kPrefix)->prefix.address != first);
}

TEST_CASE(
    "prefixes that make no address: link-local, not 64 bits, preferred for longer than valid, valid for nothing "
    "[R4862-5.5.3-1] [R4862-5.5.3-2]") {
  Bench host;
  host.up();
  host.hear(advertisement(7200, 3600, *Prefix::parse("fe80::/64")));
  host.hear(advertisement(7200, 3600, *Prefix::parse("2001:db8:1::/63")));
  host.hear(advertisement(7200, 3600, *Prefix::parse("2001:db8:1::/80")));
  host.hear(advertisement(3600, 7200));
  host.hear(advertisement(0, 0));
  CHECK(host.addresses.size() == 1);  // the link-local one
  CHECK(host.count(AutoconfigurationCounter::prefixes_ignored) == 4);
}

TEST_CASE("an address is deprecated, then removed, as its lifetimes end") {
  Bench host;
  host.up();
  host.hear(advertisement(7200, 3600));
  host.wait(3599s);
  CHECK(host.in(kPrefix)->state == AddressState::preferred);
  host.wait(2s);
  CHECK(host.in(kPrefix)->state == AddressState::deprecated);
  host.wait(3598s);
  CHECK(host.in(kPrefix));
  host.wait(2s);
  CHECK_FALSE(host.in(kPrefix));
}

TEST_CASE("a new advertisement prefers a deprecated address again") {
  Bench host;
  host.up();
  host.hear(advertisement(7200, 10));
  host.wait(20s);
  CHECK(host.in(kPrefix)->state == AddressState::deprecated);
  host.hear(advertisement(7200, 3600));
  CHECK(host.in(kPrefix)->state == AddressState::preferred);
}

TEST_CASE("nobody takes an address away at once: at least two hours are left [R4862-5.5.3-3]") {
  Bench host;
  host.up();
  host.hear(advertisement(86400, 3600));
  host.wait(60s);
  host.hear(advertisement(1, 1));
  host.wait(7199s);
  CHECK(host.in(kPrefix));
  host.wait(2s);
  CHECK_FALSE(host.in(kPrefix));

  host.hear(advertisement(3600, 3600));  // less than two hours are left: a shorter word changes nothing
  host.wait(10s);
  host.hear(advertisement(1, 1));
  host.wait(3580s);
  CHECK(host.in(kPrefix));
  host.wait(20s);
  CHECK_FALSE(host.in(kPrefix));
}

TEST_CASE("a duplicate is never used; another address is tried three times [R4862-5.4.3-2] [R4862-5.4.5-1]") {
  Bench host;
  host.up();
  for (int i = 0; i < 4; ++i) {
    REQUIRE(host.in(kLinkLocal));
    const IpAddress tried = host.in(kLinkLocal)->prefix.address;
    host.machine.receive(ndp::NeighborAdvertisement{.target = tried}, host.now);
    host.drain();
    CHECK(host.duplicates.back() == tried);
    CHECK((!host.in(kLinkLocal) || host.in(kLinkLocal)->prefix.address != tried));
  }
  CHECK_FALSE(host.in(kLinkLocal));
  CHECK(host.duplicates.size() == 4);
}

TEST_CASE(
    "who probes for the same address at the same time has a duplicate, who only asks for it has none [R4862-5.4.3-2]") {
  Bench host;
  host.machine.add_static(*Prefix::parse("2001:db8::5/64"), host.now);
  host.drain();
  const ndp::NeighborSolicitation question{.target = *IpAddress::parse("2001:db8::5")};
  host.machine.receive(question, kRouter, host.now);
  host.drain();
  CHECK(host.duplicates.empty());
  host.machine.receive(question, IpAddress::any(Family::ipv6), host.now);
  host.drain();
  CHECK(host.duplicates.size() == 1);
  CHECK(host.addresses.empty());
}

TEST_CASE("an advertisement of an address in use is counted, and the address stays") {
  Bench host;
  host.up();
  host.wait(3s);
  const IpAddress own = host.in(kLinkLocal)->prefix.address;
  host.machine.receive(ndp::NeighborAdvertisement{.target = own}, host.now);
  host.drain();
  CHECK(host.in(kLinkLocal)->prefix.address == own);
  CHECK(host.count(AutoconfigurationCounter::duplicates_in_use) == 1);
}

TEST_CASE("routers come, are renewed, and go with their lifetime, at once with lifetime zero [R4861-6.3.4-1]") {
  Bench host;
  host.up();
  const IpAddress second = *IpAddress::parse("fe80::fe");
  host.hear(advertisement());
  host.hear(advertisement(), second);
  const auto gateways = [&] { return host.routes.find(*IpAddress::parse("2001:db8:ffff::1")).size(); };
  CHECK(gateways() == 2);
  host.wait(1700s);
  host.hear(advertisement(), second);
  host.wait(200s);
  CHECK(gateways() == 1);
  ndp::RouterAdvertisement leaving;
  leaving.router_lifetime = 0;
  host.hear(leaving, second);
  CHECK(gateways() == 0);
}

TEST_CASE("a router that is lost loses its route; preference decides between those that stay") {
  Bench host;
  host.up();
  ndp::RouterAdvertisement message;
  message.router_lifetime = 1800;
  host.hear(message);
  message.preference = ndp::Preference::high;
  const IpAddress better = *IpAddress::parse("fe80::fe");
  host.hear(message, better);
  const IpAddress far = *IpAddress::parse("2001:db8:ffff::1");
  REQUIRE(host.routes.find(far).size() == 1);
  CHECK(host.routes.find(far)[0].gateway == better);
  host.machine.router_lost(better);
  host.drain();
  CHECK(host.routes.find(far)[0].gateway == kRouter);
}

TEST_CASE("on-link prefixes are routes; without the L flag nothing is said about the link [R4861-6.3.4-4]") {
  Bench host;
  host.up();
  host.hear(advertisement());
  const IpAddress near = *IpAddress::parse("2001:db8:1::9");
  CHECK_FALSE(host.routes.find(near)[0].gateway);
  ndp::RouterAdvertisement silent;
  silent.router_lifetime = 1800;
  silent.add({.prefix = kPrefix, .on_link = false, .autonomous = true, .valid_lifetime = 0});
  host.hear(silent);
  CHECK_FALSE(host.routes.find(near)[0].gateway);
  ndp::RouterAdvertisement off;
  off.router_lifetime = 1800;
  off.add({.prefix = kPrefix, .on_link = true, .valid_lifetime = 0});
  host.hear(off);
  CHECK(host.routes.find(near)[0].gateway == kRouter);
}

TEST_CASE(
    "parameters that are said apply, those that are not stay, nonsense is ignored [R4861-6.3.4-2] [R4861-6.3.4-3]") {
  Bench host;
  host.up();
  ndp::RouterAdvertisement message;
  message.hop_limit = 42;
  message.reachable_time = 20000;
  message.retrans_timer = 500;
  message.mtu = 1400;
  host.hear(message);
  REQUIRE(host.parameters.size() == 1);
  CHECK(host.parameters[0].hop_limit == 42);
  CHECK(host.parameters[0].reachable == 20s);
  CHECK(host.parameters[0].retransmit == 500ms);
  CHECK(host.parameters[0].mtu == 1400);
  host.hear(ndp::RouterAdvertisement{});
  CHECK(host.parameters.size() == 1);
  for (const std::uint32_t mtu : {1279u, 1501u, 65536u}) {
    ndp::RouterAdvertisement odd;
    odd.mtu = mtu;
    host.hear(odd);
  }
  CHECK(host.parameters.size() == 1);
}

TEST_CASE("DNS servers come with a lifetime and go with it") {
  Bench host;
  host.up();
  ndp::RouterAdvertisement message;
  message.add_server(*IpAddress::parse("2001:db8::53"));
  message.server_lifetime = 600;
  host.hear(message);
  host.hear(message);
  REQUIRE(host.servers.size() == 1);
  CHECK(host.servers[0].size() == 1);
  host.wait(601s);
  REQUIRE(host.servers.size() == 2);
  CHECK(host.servers[1].empty());
}

TEST_CASE("the flags for DHCPv6 are told once") {
  Bench host;
  host.up();
  ndp::RouterAdvertisement message;
  message.other = true;
  host.hear(message);
  host.hear(message);
  REQUIRE(host.asked.size() == 1);
  CHECK(host.asked[0].other);
  CHECK_FALSE(host.asked[0].managed);
}

TEST_CASE("with a secret of their own stable addresses outlast a restart, and temporary ones don't [7217]") {
  const auto addresses_of = [](std::uint8_t seed, std::optional<Key> secret) {
    Bench host({.mac = kMac, .temporary = true, .secret = secret}, seed);
    host.up();
    host.hear(advertisement());
    host.wait(3s);
    REQUIRE(host.in(kPrefix, true));
    return std::pair(host.in(kPrefix)->prefix.address, host.in(kPrefix, true)->prefix.address);
  };
  const auto first = addresses_of(1, Key{7});
  const auto again = addresses_of(2, Key{7});
  CHECK(first.first == again.first);
  CHECK(first.second != again.second);
  CHECK(addresses_of(2, Key{8}).first != first.first);
  CHECK(addresses_of(1, std::nullopt).first != addresses_of(2, std::nullopt).first);
}

TEST_CASE("a temporary address stands beside the stable one, and a new one follows before it is deprecated") {
  Bench host({.mac = kMac, .temporary = true});
  host.up();
  host.hear(advertisement(30 * 86400, 30 * 86400));
  host.wait(3s);
  REQUIRE(host.in(kPrefix, true));
  const IpAddress first = host.in(kPrefix, true)->prefix.address;
  CHECK(first != host.in(kPrefix)->prefix.address);
  const auto temporary = [&] {
    return std::count_if(host.addresses.begin(), host.addresses.end(),
                         [](const ip::OwnAddress& one) { return one.temporary; });
  };
  while (temporary() == 1) host.wait(1s);
  CHECK(host.now - (Time{} + 1h) <= 24h);
  CHECK(host.now - (Time{} + 1h) >= 14h);
  const auto state_of_first = [&] {
    return std::find_if(host.addresses.begin(), host.addresses.end(),
                        [&](const ip::OwnAddress& one) { return one.prefix.address == first; })
        ->state;
  };
  CHECK(state_of_first() == AddressState::preferred);
  host.wait(30s);
  CHECK(state_of_first() == AddressState::deprecated);
  host.wait(48h);
  for (const ip::OwnAddress& one : host.addresses) CHECK(one.prefix.address != first);
}

TEST_CASE("a flood of advertisements leaves bounded lists and counts the rest") {
  Bench host;
  host.up();
  for (std::uint8_t i = 1; i < 200; ++i) {
    std::array<std::uint8_t, 16> router{0xfe, 0x80};
    router[15] = i;
    std::array<std::uint8_t, 16> network{0x20, 0x01, 0x0d, 0xb8, 0, i};
    host.hear(advertisement(7200, 3600, {IpAddress::v6(network), 64}), IpAddress::v6(router));
  }
  CHECK(host.addresses.size() <= Autoconfiguration::kMaximumAddresses);
  CHECK(host.routes.all().size() == Autoconfiguration::kMaximumRouters + Autoconfiguration::kMaximumPrefixes);
  CHECK(host.count(AutoconfigurationCounter::routers_over_limit) == 199 - Autoconfiguration::kMaximumRouters);
  CHECK(host.count(AutoconfigurationCounter::prefixes_over_limit) > 100);
}

}  // namespace
}  // namespace sluice::host
