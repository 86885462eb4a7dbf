// MAC addresses, Ethernet headers and ARP packets, with libtins as the second opinion.
#include <doctest/doctest.h>
#include <tins/tins.h>

#include <array>
#include <vector>

#include "stack/wire/arp.hpp"
#include "stack/wire/ethernet.hpp"
#include "stack/wire/mac_address.hpp"

namespace sluice::wire {
namespace {

const MacAddress kOurs({0x02, 0, 0x5e, 0x10, 0, 0x01});
const MacAddress kTheirs({0x02, 0, 0x5e, 0x10, 0, 0xfe});

TEST_CASE("a MAC address is read in both spellings and written in one") {
  CHECK(MacAddress::parse("02:00:5e:10:00:fe") == kTheirs);
  CHECK(MacAddress::parse("02-00-5E-10-00-FE") == kTheirs);
  CHECK(kTheirs.to_string() == "02:00:5e:10:00:fe");
  for (const char* text : {"", "02:00:5e:10:00", "02:00:5e:10:00:f", "02:00:5e:10:00:fe:", "02:00-5e:10:00:fe",
                           "02.00.5e.10.00.fe", "0g:00:5e:10:00:fe", "+2:00:5e:10:00:fe", "02:00:5e:10:00:-1"})
    CHECK_MESSAGE(!MacAddress::parse(text), text);
}

TEST_CASE("a group's frames go to 01:00:5e with 23 bits, or to 33:33 with 32 [R1112-6.4-1]") {
  CHECK(MacAddress::of_group(*IpAddress::parse("224.0.0.251")).to_string() == "01:00:5e:00:00:fb");
  CHECK(MacAddress::of_group(*IpAddress::parse("239.255.1.2")).to_string() == "01:00:5e:7f:01:02");
  CHECK(MacAddress::of_group(*IpAddress::parse("ff02::1:ff12:3456")).to_string() == "33:33:ff:12:34:56");
  CHECK(MacAddress::of_group(*IpAddress::parse("224.0.0.1")).is_group());
  CHECK_FALSE(MacAddress::of_group(*IpAddress::parse("ff02::1")).is_unicast());
}

TEST_CASE("libtins reads the Ethernet header that we write, tagged or not") {
  std::array<std::uint8_t, 64> frame{};
  const ethernet::Header plain{.destination = kTheirs, .source = kOurs, .type = ethernet::kIpv4};
  CHECK(ethernet::write(frame, plain) == 14);
  const Tins::EthernetII seen(frame.data(), 14);
  CHECK(seen.dst_addr().to_string() == kTheirs.to_string());
  CHECK(seen.src_addr().to_string() == kOurs.to_string());
  CHECK(seen.payload_type() == 0x0800);

  ethernet::Header tagged = plain;
  tagged.vlan = 42;
  tagged.priority = 5;
  CHECK(ethernet::write(frame, tagged) == 18);
  frame[18] = 0x45;
  const Tins::EthernetII outer(frame.data(), 64);
  REQUIRE(outer.find_pdu<Tins::Dot1Q>());
  CHECK(outer.rfind_pdu<Tins::Dot1Q>().id() == 42);
  CHECK(outer.rfind_pdu<Tins::Dot1Q>().priority() == 5);
  const auto back = ethernet::parse(frame);
  REQUIRE(back);
  CHECK(back->vlan == 42);
  CHECK(back->priority == 5);
  CHECK(back->type == ethernet::kIpv4);
  CHECK(back->header_size == 18);
  CHECK(back->source == kOurs);
  CHECK(back->destination == kTheirs);
}

TEST_CASE("a frame cut short, and one of 802.3 with a length, are named faults") {
  std::array<std::uint8_t, 18> frame{};
  ethernet::write(frame, {.destination = kTheirs, .source = kOurs, .type = ethernet::kIpv6, .vlan = 1});
  for (std::size_t size = 0; size < 18; ++size)
    CHECK(ethernet::parse(Bytes(frame).first(size)).fault() == ethernet::Fault::truncated);
  ethernet::write(frame, {.destination = kTheirs, .source = kOurs, .type = 100});
  CHECK(ethernet::parse(frame).fault() == ethernet::Fault::length_field);
  ethernet::write(frame, {.destination = kTheirs, .source = kOurs, .type = 0x5ff});
  CHECK(ethernet::parse(frame).fault() == ethernet::Fault::length_field);
}

TEST_CASE("libtins and we agree on ARP both ways [R826-1]") {
  std::array<std::uint8_t, arp::kSize> bytes{};
  arp::write(bytes, {.operation = arp::Operation::reply,
                     .sender_mac = kOurs,
                     .sender = IpAddress::v4(10, 0, 0, 1),
                     .target_mac = kTheirs,
                     .target = IpAddress::v4(10, 0, 0, 2)});
  const Tins::ARP seen(bytes.data(), bytes.size());
  CHECK(seen.opcode() == Tins::ARP::REPLY);
  CHECK(seen.sender_hw_addr().to_string() == kOurs.to_string());
  CHECK(seen.sender_ip_addr() == "10.0.0.1");
  CHECK(seen.target_hw_addr().to_string() == kTheirs.to_string());
  CHECK(seen.target_ip_addr() == "10.0.0.2");

  Tins::ARP request("10.0.0.1", "10.0.0.2", "00:00:00:00:00:00", kTheirs.to_string());
  request.opcode(Tins::ARP::REQUEST);
  std::vector<std::uint8_t> wire = request.serialize();
  wire.resize(46);  // padded to Ethernet's least
  const auto packet = arp::parse(wire);
  REQUIRE(packet);
  CHECK(packet->operation == arp::Operation::request);
  CHECK(packet->sender_mac == kTheirs);
  CHECK(packet->sender == IpAddress::v4(10, 0, 0, 2));
  CHECK(packet->target == IpAddress::v4(10, 0, 0, 1));
}

TEST_CASE("ARP for other hardware, protocols, lengths and operations is refused by name [R826-1]") {
  std::array<std::uint8_t, arp::kSize> good{};
  arp::write(good, {});
  REQUIRE(arp::parse(good));
  const auto fault_with = [&](std::size_t at, std::uint8_t value) {
    auto bad = good;
    bad[at] = value;
    return arp::parse(bad).fault();
  };
  for (const std::size_t at : {0u, 1u, 2u, 3u, 4u, 5u}) CHECK(fault_with(at, 9) == arp::Fault::wrong_kind);
  CHECK(fault_with(7, 0) == arp::Fault::wrong_operation);
  CHECK(fault_with(7, 3) == arp::Fault::wrong_operation);
  for (std::size_t size = 0; size < arp::kSize; ++size)
    CHECK(arp::parse(Bytes(good).first(size)).fault() == arp::Fault::truncated);
}

}  // namespace
}  // namespace sluice::wire
