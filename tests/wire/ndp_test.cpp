// Neighbour discovery messages: libtins as the second opinion, and each rule that makes one invalid.
#include <doctest/doctest.h>
#include <tins/tins.h>

#include <array>
#include <functional>
#include <vector>

#include "stack/wire/icmpv6.hpp"
#include "stack/wire/ndp.hpp"

namespace sluice::wire::ndp {
namespace {

using Octets = std::vector<std::uint8_t>;

const MacAddress kMac({0x02, 0, 0x5e, 0x10, 0, 0x01});
const IpAddress kRouter = *IpAddress::parse("fe80::1");
const IpAddress kTarget = *IpAddress::parse("2001:db8::12:3456");

Envelope from_router(const IpAddress& to = all_nodes()) { return {.source = kRouter, .destination = to}; }

/// The ICMPv6 message in a packet of libtins.
Octets message_of(Tins::ICMPv6& icmp) {
  Tins::IPv6 packet("ff02::1", "fe80::1");
  const Octets bytes = (packet /= icmp).serialize();
  return {bytes.begin() + 40, bytes.end()};
}

Octets with_option(Octets message, const Octets& option) {
  message.insert(message.end(), option.begin(), option.end());
  return message;
}

Octets advertisement() {
  Tins::ICMPv6 icmp(Tins::ICMPv6::ROUTER_ADVERT);
  icmp.hop_limit(64);
  icmp.managed(1);
  icmp.other(1);
  icmp.router_pref(1);
  icmp.router_lifetime(1800);
  icmp.reachable_time(20000);
  icmp.retransmit_timer(500);
  icmp.source_link_layer_addr(kMac.to_string());
  icmp.mtu(Tins::ICMPv6::mtu_type(0, 1400));
  icmp.prefix_info(Tins::ICMPv6::prefix_info_type(64, 1, 1, 7200, 3600, "2001:db8:1::"));
  Tins::ICMPv6::recursive_dns_type servers;
  servers.lifetime = 600;
  servers.servers = {"2001:db8::53", "2001:db8::54"};
  icmp.recursive_dns_servers(servers);
  return message_of(icmp);
}

TEST_CASE("a router advertisement of libtins is read to the last option, unknown ones skipped [R4861-9-1]") {
  const auto message =
      parse_router_advertisement(with_option(advertisement(), {200, 1, 1, 2, 3, 4, 5, 6}), from_router());
  REQUIRE(message);
  CHECK(message->hop_limit == 64);
  CHECK(message->managed);
  CHECK(message->other);
  CHECK(message->preference == Preference::high);
  CHECK(message->router_lifetime == 1800);
  CHECK(message->reachable_time == 20000);
  CHECK(message->retrans_timer == 500);
  CHECK(message->source_mac == kMac);
  CHECK(message->mtu == 1400);
  REQUIRE(message->prefixes().size() == 1);
  CHECK(message->prefixes()[0].prefix.to_string() == "2001:db8:1::/64");
  CHECK(message->prefixes()[0].on_link);
  CHECK(message->prefixes()[0].autonomous);
  CHECK(message->prefixes()[0].valid_lifetime == 7200);
  CHECK(message->prefixes()[0].preferred_lifetime == 3600);
  REQUIRE(message->dns_servers().size() == 2);
  CHECK(message->dns_servers()[1] == *IpAddress::parse("2001:db8::54"));
  CHECK(message->server_lifetime == 600);
}

TEST_CASE("libtins reads what we write") {
  std::array<std::uint8_t, kMaximumSize> room{};
  std::size_t size =
      write(room, NeighborAdvertisement{
                      .router = false, .solicited = true, .override = true, .target = kTarget, .target_mac = kMac});
  CHECK(size == 32);
  const Tins::ICMPv6 advertised(room.data(), static_cast<std::uint32_t>(size));
  CHECK(advertised.type() == Tins::ICMPv6::NEIGHBOUR_ADVERT);
  CHECK(advertised.solicited() == 1);
  CHECK(advertised.override() == 1);
  CHECK(advertised.router() == 0);
  CHECK(advertised.target_addr() == kTarget.to_string());
  CHECK(advertised.target_link_layer_addr().to_string() == kMac.to_string());

  size = write(room, NeighborSolicitation{.target = kTarget, .source_mac = std::nullopt});
  CHECK(size == 24);
  CHECK(Tins::ICMPv6(room.data(), 24).target_addr() == kTarget.to_string());
  size = write(room, RouterSolicitation{.source_mac = kMac});
  CHECK(size == 16);
  CHECK(Tins::ICMPv6(room.data(), 16).source_link_layer_addr().to_string() == kMac.to_string());
}

Octets solicitation(const std::optional<MacAddress>& mac = kMac) {
  Octets room(kMaximumSize);
  room.resize(write(room, NeighborSolicitation{.target = kTarget, .source_mac = mac}));
  return room;
}

Octets neighbour_advertisement(bool solicited) {
  Octets room(kMaximumSize);
  room.resize(write(room, NeighborAdvertisement{.solicited = solicited, .target = kTarget, .target_mac = kMac}));
  return room;
}

Octets redirect(const IpAddress& target, const IpAddress& destination) {
  Octets message(40);
  message[0] = icmpv6::kRedirect;
  ByteWriter writer(MutableBytes(message).subspan(8));
  writer.bytes(target.bytes());
  writer.bytes(destination.bytes());
  return message;
}

/// Every message that must be refused whatever it is: each prefix of it, a code, a hop limit, options that lie.
void check_common(const Octets& good, const Envelope& envelope,
                  const std::function<std::optional<Fault>(Bytes, const Envelope&)>& fault, std::size_t least) {
  REQUIRE_FALSE(fault(good, envelope));
  for (std::size_t size = 0; size < least; ++size) CHECK(fault(Bytes(good).first(size), envelope) == Fault::truncated);
  for (std::size_t size = least + 1; size < good.size(); ++size)
    if ((size - least) % 8 != 0) CHECK(fault(Bytes(good).first(size), envelope) == Fault::malformed_option);
  Octets coded = good;
  coded[1] = 1;
  CHECK(fault(coded, envelope) == Fault::wrong_code);
  Envelope routed = envelope;
  routed.hop_limit = 254;
  CHECK(fault(good, routed) == Fault::wrong_hop_limit);
  CHECK(fault(with_option(good, {200, 0, 0, 0, 0, 0, 0, 0}), envelope) == Fault::malformed_option);
  CHECK(fault(with_option(good, {200, 2, 0, 0, 0, 0, 0, 0}), envelope) == Fault::malformed_option);
}

template <class Message>
std::optional<Fault> fault_in(const Parsed<Message, Fault>& parsed) {
  return parsed ? std::nullopt : std::optional(parsed.fault());
}

TEST_CASE(
    "router advertisements: from a link-local address, hop limit 255, 16 bytes, options in order [R4861-6.1.2-1] "
    "[R4861-4.6-1]") {
  const auto fault = [](Bytes bytes, const Envelope& envelope) {
    return fault_in(parse_router_advertisement(bytes, envelope));
  };
  check_common(advertisement(), from_router(), fault, 16);
  Envelope global = from_router();
  global.source = *IpAddress::parse("2001:db8::1");
  CHECK(fault(advertisement(), global) == Fault::wrong_source);
  CHECK(fault(with_option(advertisement(), Octets{3, 1, 0, 0, 0, 0, 0, 0}), from_router()) == Fault::malformed_option);
  CHECK(fault(with_option(advertisement(), Octets{25, 1, 0, 0, 0, 0, 0, 0}), from_router()) == Fault::malformed_option);
}

TEST_CASE("more prefixes than there is room for are skipped") {
  Octets message = advertisement();
  for (int i = 0; i < 100; ++i) {
    Octets option(32);
    option[0] = 3;
    option[1] = 4;
    message = with_option(message, option);
  }
  const auto parsed = parse_router_advertisement(message, from_router());
  REQUIRE(parsed);
  CHECK(parsed->prefixes().size() == RouterAdvertisement::kMaximumPrefixes);
}

TEST_CASE("neighbour solicitations: 24 bytes, hop limit 255, code 0 [R4861-7.1.1-1] [R4861-4.6-1]") {
  const auto fault = [](Bytes bytes, const Envelope& envelope) {
    return fault_in(parse_neighbor_solicitation(bytes, envelope));
  };
  check_common(solicitation(), from_router(kTarget), fault, 24);
  Octets group = solicitation();
  group[8] = 0xff;
  CHECK(fault(group, from_router()) == Fault::wrong_target);
}

TEST_CASE("who has no address may ask only the solicited-node group, and gives no MAC address [R4861-7.1.1-2]") {
  Envelope nobody{.source = IpAddress::any(Family::ipv6), .destination = solicited_node(kTarget)};
  CHECK(nobody.destination.to_string() == "ff02::1:ff12:3456");
  CHECK(parse_neighbor_solicitation(solicitation(std::nullopt), nobody));
  CHECK(parse_neighbor_solicitation(solicitation(), nobody).fault() == Fault::wrong_source);
  nobody.destination = all_nodes();
  CHECK(parse_neighbor_solicitation(solicitation(std::nullopt), nobody).fault() == Fault::wrong_destination);
}

TEST_CASE(
    "neighbour advertisements: 24 bytes, hop limit 255, and to a group never solicited [R4861-7.1.2-1] [R4861-4.6-1]") {
  const auto fault = [](Bytes bytes, const Envelope& envelope) {
    return fault_in(parse_neighbor_advertisement(bytes, envelope));
  };
  check_common(neighbour_advertisement(false), from_router(), fault, 24);
  CHECK(fault(neighbour_advertisement(true), from_router()) == Fault::wrong_destination);
  CHECK_FALSE(fault(neighbour_advertisement(true), from_router(kTarget)));
}

TEST_CASE(
    "redirects: from a link-local address, to a router's or to the destination itself [R4861-8.1-1] [R4861-4.6-1]") {
  const auto fault = [](Bytes bytes, const Envelope& envelope) { return fault_in(parse_redirect(bytes, envelope)); };
  const Octets good = redirect(*IpAddress::parse("fe80::2"), kTarget);
  check_common(good, from_router(kTarget), fault, 40);
  CHECK_FALSE(fault(redirect(kTarget, kTarget), from_router(kTarget)));
  CHECK(fault(redirect(*IpAddress::parse("2001:db8::9"), kTarget), from_router(kTarget)) == Fault::wrong_target);
  CHECK(fault(redirect(kRouter, all_nodes()), from_router(kTarget)) == Fault::wrong_destination);
  Envelope global = from_router(kTarget);
  global.source = kTarget;
  CHECK(fault(good, global) == Fault::wrong_source);
}

}  // namespace
}  // namespace sluice::wire::ndp
