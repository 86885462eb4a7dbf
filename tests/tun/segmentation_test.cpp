// Super-segments cut in software, held against libtins and against the cut of the scripts, which shares no code.
#include "tun/segmentation.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "tests/support/script_wire.hpp"
#include "tests/support/super_packet.hpp"

namespace sluice::tun {
namespace {

using Octets = std::vector<std::uint8_t>;
using test::super_packet;
using test::whole_packet;

constexpr Family kFamilies[] = {Family::ipv4, Family::ipv6};

std::vector<Octets> pieces(const Octets& packet, std::uint16_t gso_size) {
  std::vector<Octets> all;
  Segments segments(packet, gso_size);
  for (Bytes piece = segments.next(); !piece.empty(); piece = segments.next())
    all.emplace_back(piece.begin(), piece.end());
  CHECK(segments.next().empty());
  return all;
}

std::string brief_line(const Octets& packet) {
  return lab::to_text(lab::brief(lab::to_line(*lab::open_packet(packet), {}, {})));
}

}  // namespace

TEST_CASE("a super-segment is cut into what the scripts' own cut makes of it, and libtins finds nothing wrong") {
  for (const Family family : kFamilies) {
    const Octets whole = super_packet(family, "FPW. 1:9501(9500) ack 1 win 500 <nop,nop,TS val 7 ecr 8>");
    const std::size_t head = test::network_size(whole) + 32;
    const Slice text = Slice::copy_of(Bytes(whole).subspan(head));
    const auto expected = test::cut({.head = Bytes(whole).first(head),
                                     .body = {&text, 1},
                                     .gso_size = 1448,
                                     .transport_offset = static_cast<std::uint16_t>(test::network_size(whole)),
                                     .checksum_partial = true});
    const std::vector<Octets> found = pieces(whole, 1448);
    CHECK(found.size() == 7);
    CHECK(found == expected);
    for (const Octets& piece : found) CHECK(test::disagreement(piece) == "");
  }
}

TEST_CASE("PSH and FIN are the last piece's, CWR the first one's [R3168-6.1.2-4]") {
  const std::vector<Octets> found = pieces(super_packet(Family::ipv4, "FPW. 1:2501(2500) ack 1 win 500"), 1000);
  REQUIRE(found.size() == 3);
  CHECK(brief_line(found[0]).starts_with("W. 1:1001(1000) ack 1"));
  CHECK(brief_line(found[1]).starts_with(". 1001:2001(1000) ack 1"));
  CHECK(brief_line(found[2]).starts_with("FP. 2001:2501(500) ack 1"));
}

TEST_CASE("a row of datagrams is cut into datagrams with lengths and checksums of their own") {
  for (const Family family : kFamilies) {
    const std::vector<Octets> found = pieces(super_packet(family, "udp (2500)"), 1000);
    REQUIRE(found.size() == 3);
    for (const Octets& piece : found) CHECK(test::disagreement(piece) == "");
    CHECK(lab::open_packet(found[0])->payload.size() == 1000);
    CHECK(lab::open_packet(found[2])->payload.size() == 500);
    const Octets text = test::pattern(3, 2000, 500);
    CHECK(std::ranges::equal(lab::open_packet(found[2])->payload, text));
  }
}

TEST_CASE("a packet that is not to be cut gets its checksum and is else as it was") {
  for (const Family family : kFamilies)
    for (const char* line : {"P. 1:101(100) ack 1 win 500", ". 1:1(0) ack 1 win 500", "udp (77)", "udp (0)"}) {
      CAPTURE(line);
      const std::vector<Octets> found = pieces(super_packet(family, line), 0);
      REQUIRE(found.size() == 1);
      CHECK(found[0] == whole_packet(family, line));
    }
}

TEST_CASE("what is no whole TCP or UDP packet comes out as it is") {
  const Octets whole = whole_packet(Family::ipv4, "P. 1:3001(3000) ack 1 win 500");
  Octets fragment = whole, icmp = whole, version = whole, padded = whole, offset = whole, six = whole;
  fragment[6] = 0x20;
  icmp[9] = 1;
  version[0] = 0x15;
  padded.push_back(0);
  offset[20 + 12] = 0x10;
  six[0] = 0x65;
  const Octets cut_off(whole.begin(), whole.begin() + 30);
  for (const Octets& packet : {fragment, icmp, version, padded, offset, six, cut_off, Octets{0x45}}) {
    const std::vector<Octets> found = pieces(packet, 1000);
    REQUIRE(found.size() == 1);
    CHECK(found[0] == packet);
  }
  CHECK(pieces({}, 1000).empty());
}

TEST_CASE("the transport header is found behind IPv6 extension headers, but not in a fragment") {
  Octets packet = whole_packet(Family::ipv6, "udp (10)");
  const Octets options = {17, 0, 1, 4, 0, 0, 0, 0};  // padding
  packet.insert(packet.begin() + 40, options.begin(), options.end());
  packet[6] = 60;
  packet[5] = static_cast<std::uint8_t>(packet[5] + 8);
  CHECK(find_transport(packet) == TransportPlace{17, 48});
  packet[6] = 44;
  packet[43] = 1;
  CHECK(!find_transport(packet));
}

}  // namespace sluice::tun
