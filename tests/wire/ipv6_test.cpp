// The IPv6 header and its extension headers: what is accepted, what is written, and libtins's opinion.
#include "stack/wire/ipv6.hpp"

#include <doctest/doctest.h>
#include <tins/tins.h>

#include <random>
#include <vector>

#include "stack/wire/ipv6_chain.hpp"

namespace sluice::wire::ipv6 {
namespace {

using Octets = std::vector<std::uint8_t>;

Octets packet_with(std::uint8_t next_header, const Octets& payload) {
  Octets packet(kHeaderSize);
  write(packet, {.source = *IpAddress::parse("fd00::2"),
                 .destination = *IpAddress::parse("fd00::1"),
                 .next_header = next_header,
                 .payload_length = static_cast<std::uint16_t>(payload.size())});
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

Octets operator+(Octets left, const Octets& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

/// An options header of 8 bytes whose one option has this type.
Octets options(std::uint8_t next, std::uint8_t option_type) { return {next, 0, option_type, 4, 0, 0, 0, 0}; }

const Octets kUdp = {0, 7, 0, 9, 0, 8, 0, 0};

TEST_CASE("what is written is read back") {
  Octets packet(kHeaderSize + 3);
  write(packet, {.source = *IpAddress::parse("fd00::2"),
                 .destination = *IpAddress::parse("fe80::1"),
                 .next_header = 17,
                 .hop_limit = 9,
                 .dscp = 46,
                 .ecn = Ecn::ce,
                 .flow_label = 0xabcde,
                 .payload_length = 3});
  const auto header = parse(packet);
  REQUIRE(header);
  CHECK(header->source.to_string() == "fd00::2");
  CHECK(header->destination.to_string() == "fe80::1");
  CHECK(header->next_header == 17);
  CHECK(header->hop_limit == 9);
  CHECK(header->dscp == 46);
  CHECK(header->ecn == Ecn::ce);
  CHECK(header->flow_label == 0xabcde);
  CHECK(header->payload_length == 3);
}

TEST_CASE("libtins reads what we write") {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    std::array<std::uint8_t, 16> address{};
    for (std::uint8_t& byte : address) byte = static_cast<std::uint8_t>(random());
    const Header header{.source = IpAddress::v6(address),
                        .destination = *IpAddress::parse("fd00::1"),
                        .hop_limit = static_cast<std::uint8_t>(random()),
                        .dscp = static_cast<std::uint8_t>(random() % 64),
                        .ecn = static_cast<Ecn>(random() % 4),
                        .flow_label = static_cast<std::uint32_t>(random()) & 0xfffff};
    Octets packet(kHeaderSize);
    write(packet, header);
    const Tins::IPv6 seen(packet.data(), static_cast<std::uint32_t>(packet.size()));
    REQUIRE(IpAddress::parse(seen.src_addr().to_string()) == header.source);
    REQUIRE(seen.hop_limit() == header.hop_limit);
    REQUIRE(seen.traffic_class() == (header.dscp << 2 | static_cast<int>(header.ecn)));
    REQUIRE(seen.flow_label() == header.flow_label);
    REQUIRE(seen.next_header() == kNoNextHeader);
  }
}

TEST_CASE("version, size and payload length must fit [R8200-3-1], [A-PRS-14]") {
  Octets packet = packet_with(17, kUdp);
  for (std::size_t size = 0; size < packet.size(); ++size)
    CHECK(parse(Bytes(packet).first(size)).fault() ==
          (size < kHeaderSize ? Fault::truncated : Fault::bad_payload_length));
  CHECK(parse(packet + Octets(10)));  // link padding
  packet[0] = 0x45;
  CHECK(parse(packet).fault() == Fault::bad_version);
  CHECK(parse_quoted(packet).fault() == Fault::bad_version);
}

TEST_CASE("a packet without extensions is its own chain") {
  const auto chain = walk(packet_with(17, kUdp));
  REQUIRE(chain);
  CHECK(chain->upper == 17);
  CHECK(chain->size == 40);
  CHECK(chain->named_at == 6);
  CHECK_FALSE(chain->fragment);
}

TEST_CASE("extension headers may come in any order and repeat; hop-by-hop first [R8200-4.1-1], [R8200-4-1]") {
  const Octets pad = {1, 4, 0, 0, 0, 0};
  const Octets payload = Octets{kDestinationOptions, 0} + pad + Octets{kRouting, 0} + pad +
                         Octets{kDestinationOptions, 0, 9, 0, 0, 0, 0, 0} + Octets{17, 0} + pad + kUdp;
  const auto chain = walk(packet_with(kHopByHop, payload));
  REQUIRE(chain);
  CHECK(chain->upper == 17);
  CHECK(chain->size == 72);
  CHECK(chain->named_at == 64);
}

TEST_CASE("a hop-by-hop header behind another is an unknown next header [R8200-4-3]") {
  const auto chain = walk(packet_with(kDestinationOptions, options(kHopByHop, 1) + options(17, 1) + kUdp));
  REQUIRE(chain);
  CHECK(chain->upper == kHopByHop);
  CHECK(chain->named_at == 40);
}

TEST_CASE("the walk agrees with libtins about options headers and routing headers") {
  Tins::IPv6 ip("fd00::1", "fd00::2");
  const std::uint8_t pad[] = {1, 4, 0, 0, 0, 0};
  ip.add_header(Tins::IPv6::ext_header(kHopByHop, pad, pad + 6));
  ip.add_header(Tins::IPv6::ext_header(kDestinationOptions, pad, pad + 6));
  Tins::PDU& pdu = ip /= Tins::UDP(53, 1234) / Tins::RawPDU("hello");
  const auto packet = pdu.serialize();
  REQUIRE(parse(packet));
  const auto chain = walk(packet);
  REQUIRE(chain);
  CHECK(chain->upper == 17);
  CHECK(chain->size == 56);
}

TEST_CASE("an unknown option is treated as its two top bits say [R8200-4.2-1]") {
  const auto fault_of = [](std::uint8_t type) { return walk(packet_with(kHopByHop, options(17, type) + kUdp)); };
  CHECK(fault_of(0x1e));
  for (const std::uint8_t type : Octets{0x5e, 0x9e, 0xde}) {
    const auto chain = fault_of(type);
    REQUIRE_FALSE(chain);
    CHECK(chain.fault().fault == ChainFault::unknown_option);
    CHECK(chain.fault().answered == (type != 0x5e));
    CHECK(chain.fault().even_to_group == (type == 0x9e));
    if (type != 0x5e) CHECK(chain.fault().code == 2);
    CHECK(chain.fault().pointer == 42);
  }
}

TEST_CASE("Pad1 and PadN are skipped, wherever they stand [R8200-4.2-2]") {
  const Octets header = {17, 1, 0, 0, 1, 0, 0, 1, 3, 0, 0, 0, 5, 2, 0, 0};
  CHECK(walk(packet_with(kHopByHop, header + kUdp))->upper == 17);
}

TEST_CASE("an option or header that runs past its end is malformed [A-PRS-13], [A-PRS-14]") {
  const auto malformed = [](std::uint8_t next, const Octets& payload) {
    const auto chain = walk(packet_with(next, payload));
    return !chain && chain.fault().fault == ChainFault::malformed && !chain.fault().answered;
  };
  CHECK(malformed(kHopByHop, {17, 0, 1, 5, 0, 0, 0, 0}));  // the option is one byte too long
  CHECK(malformed(kHopByHop, {17, 0, 0, 0, 0, 0, 0, 1}));  // no room for its length
  CHECK(malformed(kHopByHop, {17, 1, 1, 4, 0, 0, 0, 0}));  // the header is longer than the packet
  CHECK(malformed(kHopByHop, {17, 0, 1}));                 // fewer than 8 bytes
  CHECK(malformed(kDestinationOptions, {}));
  CHECK(malformed(kFragment, {17, 0, 0, 0, 0, 0, 0}));
  CHECK(malformed(kRouting, {17, 0, 0, 0}));
}

TEST_CASE("every option type with every length ends the walk [A-PRS-13]") {
  for (unsigned type = 0; type < 256; ++type)
    for (unsigned length = 0; length < 256; ++length) {
      const Octets header = {
          17, 1, static_cast<std::uint8_t>(type), static_cast<std::uint8_t>(length), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
          0,  0};
      const auto chain = walk(packet_with(kDestinationOptions, header + kUdp));
      if (chain) REQUIRE(chain->size == 56);
    }
}

TEST_CASE("more headers or options than anyone needs are refused [A-PRS-13]") {
  Octets payload;
  for (int i = 0; i < kMaximumExtensions; ++i) payload = payload + options(kDestinationOptions, 1);
  CHECK(walk(packet_with(kDestinationOptions, payload + options(17, 1) + kUdp)).fault().fault == ChainFault::limit);
  payload[8u * (kMaximumExtensions - 1)] = 17;
  CHECK(walk(packet_with(kDestinationOptions, payload + kUdp)));
  const Octets eight = {17, 2, 5, 0, 5, 0, 5, 0, 5, 0, 5, 0, 5, 0, 5, 0, 5, 0, 1, 4, 0, 0, 0, 0};
  CHECK(walk(packet_with(kDestinationOptions, eight + kUdp)));
  const Octets nine = {17, 2, 5, 0, 5, 0, 5, 0, 5, 0, 5, 0, 5, 0, 5, 0, 5, 0, 5, 0, 1, 2, 0, 0};
  CHECK(walk(packet_with(kDestinationOptions, nine + kUdp)).fault().fault == ChainFault::limit);
}

TEST_CASE("a routing header is skipped when no segments are left and refused otherwise [R8200-4.4-1]") {
  for (const std::uint8_t type : Octets{0, 2, 3, 4, 99}) {
    CHECK(walk(packet_with(kRouting, Octets{17, 0, type, 0, 0, 0, 0, 0} + kUdp))->upper == 17);
    const auto chain = walk(packet_with(kRouting, Octets{17, 0, type, 1, 0, 0, 0, 0} + kUdp));
    REQUIRE_FALSE(chain);
    CHECK(chain.fault().fault == ChainFault::routing);
    CHECK(chain.fault().answered);
    CHECK(chain.fault().code == 0);
    CHECK(chain.fault().pointer == 42);
  }
}

TEST_CASE("the walk stops behind a fragment header; what follows may be a later piece of anything") {
  const auto chain = walk(packet_with(kFragment, {17, 0, 0x05, 0xc9, 1, 2, 3, 4, 0xff}));
  REQUIRE(chain);
  REQUIRE(chain->fragment);
  CHECK(chain->fragment->offset == 1480);
  CHECK(chain->fragment->more);
  CHECK(chain->fragment->identification == 0x01020304);
  CHECK(chain->fragment->next_header == 17);
  CHECK(chain->fragment_at == 40);
  CHECK(chain->fragment_named_at == 6);
  CHECK(chain->size == 48);
}

TEST_CASE("an atomic fragment is walked through, but not two [R8200-4.5-8], [A-PRS-15]") {
  const auto chain = walk(packet_with(kFragment, Octets{17, 0, 0, 0, 1, 2, 3, 4} + kUdp));
  REQUIRE(chain);
  CHECK_FALSE(chain->fragment);
  CHECK(chain->upper == 17);
  CHECK(chain->size == 48);
  const Octets two = Octets{kFragment, 0, 0, 0, 1, 2, 3, 4} + Octets{17, 0, 0, 0, 1, 2, 3, 4} + kUdp;
  CHECK(walk(packet_with(kFragment, two)).fault().fault == ChainFault::malformed);
}

TEST_CASE("a first fragment's own headers are walked to the upper layer [R7112-5-1]") {
  const Octets whole = Octets{kDestinationOptions, 0, 0, 1, 0, 0, 0, 1} + options(17, 1) + kUdp;
  const Octets packet = packet_with(kFragment, whole);
  const auto rest = walk_fragmentable(packet, *walk(packet));
  REQUIRE(rest);
  CHECK(rest->upper == 17);
  CHECK(rest->size == 56);
  const Octets cut =
      packet_with(kFragment, Octets{kDestinationOptions, 0, 0, 1, 0, 0, 0, 1} + Octets{17, 1, 1, 12, 0, 0, 0, 0});
  CHECK_FALSE(walk_fragmentable(cut, *walk(cut)));
}

TEST_CASE("a fragment header is written as libtins reads it") {
  Octets header(FragmentHeader::kSize);
  write(header, {.next_header = 17, .offset = 1480, .more = true, .identification = 0xdeadbeef});
  const Octets packet = packet_with(kFragment, header + kUdp);
  const auto chain = walk(packet);
  CHECK(chain->fragment->identification == 0xdeadbeef);
  const Tins::IPv6 seen(packet.data(), static_cast<std::uint32_t>(packet.size()));
  const Tins::IPv6::ext_header* const fragment = seen.search_header(Tins::IPv6::FRAGMENT);
  REQUIRE(fragment != nullptr);
  CHECK(Octets(fragment->data_ptr(), fragment->data_ptr() + fragment->data_size()) ==
        Octets{0x05, 0xc9, 0xde, 0xad, 0xbe, 0xef});
}

TEST_CASE("a quote's upper header is found behind extensions, or not at all") {
  const auto found = [](const Octets& packet) { return find_quoted_upper(packet); };
  CHECK(found(packet_with(17, kUdp))->at == 40);
  const auto behind = found(packet_with(kHopByHop, options(kRouting, 1) + Octets{kFragment, 0, 0, 9, 0, 0, 0, 0} +
                                                       Octets{17, 0, 0, 1, 0, 0, 0, 0} + kUdp));
  REQUIRE(behind);
  CHECK(behind->protocol == 17);
  CHECK(behind->at == 64);
  CHECK_FALSE(found(Octets(39)));
  CHECK_FALSE(found(packet_with(kFragment, Octets{17, 0, 0, 8, 0, 0, 0, 0} + kUdp)));  // a later fragment
  CHECK_FALSE(found(packet_with(kRouting, {17, 0, 0})));
  CHECK_FALSE(found(packet_with(kRouting, {17, 9, 0, 0, 0, 0, 0, 0})));
  Octets many;
  for (int i = 0; i < kMaximumExtensions + 1; ++i) many = many + options(kDestinationOptions, 1);
  CHECK_FALSE(found(packet_with(kDestinationOptions, many)));
}

}  // namespace
}  // namespace sluice::wire::ipv6
