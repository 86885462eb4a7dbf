// Lines to bytes and back, compared with libtins; differences; ladders.
#include "lab/exchange.hpp"

#include <doctest/doctest.h>
#include <tins/tins.h>

#include <array>
#include <string>

#include "lab/ladder.hpp"
#include "tests/support/script_wire.hpp"

namespace sluice::lab {
namespace {

using namespace std::chrono_literals;

WireForm form(Family family, Bytes payload = {}) {
  const bool v4 = family == Family::ipv4;
  return {.source = {*IpAddress::parse(v4 ? "10.0.0.2" : "fd00::2"), 40000},
          .destination = {*IpAddress::parse(v4 ? "10.0.0.1" : "fd00::1"), 80},
          .sender = {.first = 0xffff'fff0, .first_stamp = 5000},
          .receiver = {.first = 1000, .first_stamp = 7},
          .payload = payload};
}

PacketLine line(std::string_view text) { return *parse_packet(text); }

std::vector<std::uint8_t> bytes_of(std::string_view text, Family family = Family::ipv4) {
  const auto bytes = to_wire(line(text), form(family));
  REQUIRE_MESSAGE(bytes, text);
  return *bytes;
}

std::string again(std::string_view text, Family family) {
  const auto bytes = bytes_of(text, family);
  const auto opened = open_packet(bytes);
  REQUIRE_MESSAGE(opened, text);
  return to_text(brief(to_line(*opened, form(family).sender, form(family).receiver)));
}

}  // namespace

TEST_CASE("what is built is read back as it was written, over both families") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    for (const std::string_view text :
         {"S 0:0(0) win 65535 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>", "P. 1:101(100) ack 1 win 500",
          "[ect0] . 1:1(0) ack 1 win 1 <nop,nop,sack 1:11 21:31>", "FRU. 20:20(0) ack 5 win 0 urg 7",
          "SEWA 0:0(0) win 3 <FO 0102,nop,nop,nop,eol>", "- 1:1(0) win 9", "[ce] udp (100)",
          "S 0:0(0) win 1 <FOEXP 0102,kind 30 0x0a0b,md5 01,nop,nop,nop>", "icmp echo_request id 7 seq 1 (56)",
          "icmp unreachable port_unreachable [1:1001(1000)]", "icmp time_exceeded in_transit [udp (20)]",
          "S 0:10(10) win 1 <TS val 7 ecr 9,nop,nop>", ". 1:1(0) ack 1 win 2 <TS val 7 ecr 9,nop,nop>"})
      CHECK(again(text, family) == text);
  }
  CHECK(again("icmp unreachable frag_needed mtu 1400 [1:1001(1000)]", Family::ipv4) ==
        "icmp unreachable frag_needed mtu 1400 [1:1001(1000)]");
  CHECK(again("icmp packet_too_big mtu 1280 [1:1001(1000)]", Family::ipv6) ==
        "icmp packet_too_big mtu 1280 [1:1001(1000)]");
}

TEST_CASE("numbers on the wire begin where each side begins") {
  const auto bytes = bytes_of(". 1:1(0) ack 1 win 2 <TS val 7 ecr 9>");
  const auto raw = to_line(*open_packet(bytes), {}, {});
  CHECK(raw.segment()->seq == 0xffff'fff1);
  CHECK(raw.segment()->ack == 1001u);
  CHECK(std::get<option::Timestamps>((*raw.segment()->options)[0]) == option::Timestamps{5007, 16});
}

TEST_CASE("libtins agrees with the packets that we build") {
  for (const Family family : {Family::ipv4, Family::ipv6})
    for (const std::string_view text :
         {"S 0:0(0) win 65535 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>", "P. 1:102(101) ack 1 win 500",
          ". 1:1(0) ack 1 win 1 <nop,nop,sack 1:11 21:31>", "udp (33)"})
      CHECK(test::disagreement(bytes_of(text, family)) == "");
}

TEST_CASE("libtins would see a wrong checksum, and we see what is no packet") {
  auto bytes = bytes_of("P. 1:102(101) ack 1 win 500");
  bytes[36] ^= 1;
  CHECK(test::disagreement(bytes) == "the bytes from offset 36 on");
  CHECK(test::disagreement(Bytes(bytes).first(10)) != "");
}

TEST_CASE("there is no packet with too many options, or with a message that the family lacks") {
  CHECK_FALSE(to_wire(line("S 0:0(0) <sack 1:2 1:2 1:2 1:2,TS val 1 ecr 1>"), form(Family::ipv4)));
  CHECK_FALSE(to_wire(line("icmp packet_too_big mtu 1280"), form(Family::ipv4)));
  CHECK_FALSE(to_wire(line("icmp source_quench"), form(Family::ipv6)));
}

TEST_CASE("fragments, other protocols and damaged packets are not opened") {
  auto bytes = bytes_of("S 0:0(0) win 1");
  CHECK_FALSE(open_packet({}));
  CHECK_FALSE(open_packet(Bytes(bytes).first(30)));
  auto short_offset = bytes;
  short_offset[32] = 0x40;
  CHECK_FALSE(open_packet(short_offset));
  const auto v6 = bytes_of("S 0:0(0) win 1", Family::ipv6);
  auto other = v6;
  other[6] = 50;
  CHECK_FALSE(open_packet(other));
  CHECK_FALSE(open_packet(Bytes(v6).first(39)));
}

TEST_CASE("a line is compared in what it says") {
  const PacketLine actual = line("[ect0] P. 1:101(100) ack 7 win 500 <nop,nop,TS val 5 ecr 6>");
  CHECK(difference(line("P. 1:101(100)"), actual) == "");
  CHECK(difference(line("P. 1:101(100) ack 7 win 500 <nop,nop,TS val 5 ecr 6>"), actual) == "");
  CHECK(difference(line("P. 1:101(100) <nop,nop,TS val ... ecr 6>"), actual) == "");
  CHECK(difference(line("P. 1:101(100) <nop,nop,TS val ... ecr 7>"), actual) == "options");
  CHECK(difference(line("P. 1:101(100) <...>"), actual) == "");
  CHECK(difference(line("P. 1:101(100) <>"), actual) == "options");
  CHECK(difference(line("F. 2:102(100) ack 8 win 501 urg 1"), actual) ==
        "flags, sequence number, ack, window, urgent pointer");
  CHECK(difference(line("[ce] P. 1:100(99)"), actual) == "ECN, length");
  CHECK(difference(line("udp (100)"), actual) == "protocol");
  CHECK(difference(line("udp (100)"), line("udp (101)")) == "length");
}

TEST_CASE("ICMP lines are compared too") {
  const PacketLine actual = line("icmp unreachable frag_needed mtu 1400 [1:1001(1000)]");
  CHECK(difference(line("icmp unreachable"), actual) == "");
  CHECK(difference(line("icmp time_exceeded in_transit"), actual) == "ICMP type, ICMP code");
  CHECK(difference(line("icmp unreachable frag_needed mtu 1401 [2:1002(1000)]"), actual) == "MTU, quote");
}

TEST_CASE("a ladder shows who sent what, when and why") {
  const std::array rungs = {
      Rung{0s, Rung::Kind::inbound, "S 0:0(0)", ""}, Rung{1ms, Rung::Kind::outbound, "S. 0:0(0) ack 1", "accept_open"},
      Rung{-1s, Rung::Kind::local, "listen", ""}, Rung{2s, Rung::Kind::missing, ". 1:1(0)", "nothing left"}};
  CHECK(ladder(rungs) ==
        "              peer            stack\n"
        "           0  S 0:0(0) ---->\n"
        "       0.001           <----  S. 0:0(0) ack 1  (accept_open)\n"
        "          -1                  * listen\n"
        "           2           ?????  . 1:1(0)  (nothing left)\n");
}

}  // namespace sluice::lab
