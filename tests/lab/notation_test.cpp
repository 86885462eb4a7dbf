// The packet notation: what it reads, what it refuses, and that printing is the way back.
#include <doctest/doctest.h>

#include <array>
#include <string>

#include "lab/notation.hpp"
#include "lab/notation_scanner.hpp"
#include "stack/base/random.hpp"

namespace sluice::lab {
namespace {

namespace flag = wire::tcp;

PacketLine packet(std::string_view text) {
  const NotationResult<PacketLine> parsed = parse_packet(text);
  REQUIRE_MESSAGE(parsed, text << ": " << (parsed ? "" : parsed.error().to_string()));
  return *parsed;
}

SegmentLine segment(std::string_view text) {
  const PacketLine line = packet(text);
  REQUIRE(line.segment() != nullptr);
  return *line.segment();
}

void refuse(std::string_view text, std::size_t column, std::string_view why) {
  const NotationResult<PacketLine> parsed = parse_packet(text);
  REQUIRE_MESSAGE(!parsed, text);
  CHECK_MESSAGE(parsed.error().column == column, text << ": " << parsed.error().to_string());
  CHECK_MESSAGE(parsed.error().message.find(why) != std::string::npos, text << ": " << parsed.error().to_string());
}

void keep(std::string_view text) { CHECK(to_text(packet(text)) == text); }

}  // namespace

TEST_CASE("a segment has flags, a range, and fields that may be left out") {
  const SegmentLine full = segment("FP. 1:101(100) ack 7 win 500 urg 3 <nop>");
  CHECK(full.flags == (flag::fin | flag::psh | flag::ack));
  CHECK(full.seq == 1);
  CHECK(full.length == 100);
  CHECK(full.ack == 7u);
  CHECK(full.window == 500);
  CHECK(full.urgent == 3);
  const SegmentLine bare = segment("S 0:0(0)");
  CHECK_FALSE(bare.ack);
  CHECK_FALSE(bare.window);
  CHECK_FALSE(bare.urgent);
  CHECK_FALSE(bare.options);
  CHECK_FALSE(bare.any_options);
}

TEST_CASE("a number beyond 64 bits is refused, and not what is left of it") {
  NotationScanner in("18446744073709551617");
  in.number(0x7fff'ffff'ffff'ffff, "a number");
  CHECK_FALSE(in.ok());
}

TEST_CASE("every flag has a letter, none is a dash, and a digit counts ACE") {
  CHECK(segment("- 0:0(0)").flags == 0);
  CHECK(segment("FSRP.UEWA 0:0(0)").flags == 511);
  CHECK(segment("SEW 0:0(0)").flags == (flag::syn | flag::ece | flag::cwr));
  CHECK(segment(".5 0:0(0)").flags == (flag::ack | flag::ece | kAccurateEcnFlag));
  CHECK(segment(".0 0:0(0)").flags == flag::ack);
  CHECK(segment("P.2 0:0(0)").flags == (flag::psh | flag::ack | flag::cwr));
}

TEST_CASE("options stand in their order") {
  const auto options = segment("S 0:0(0) <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7,eol>").options;
  REQUIRE(options);
  REQUIRE(options->size() == 6);
  CHECK(std::get<option::Mss>((*options)[0]).bytes == 1460);
  CHECK(std::holds_alternative<option::SackPermitted>((*options)[1]));
  CHECK(std::get<option::Timestamps>((*options)[2]) == option::Timestamps{1, 0});
  CHECK(std::get<option::WindowScale>((*options)[4]).shift == 7);
}

TEST_CASE("SACK blocks, cookies and unknown kinds") {
  const auto options = segment(". 1:1(0) ack 1 <nop,nop,sack 1:11 21:31>").options;
  CHECK(std::get<option::Sack>((*options)[2]).blocks == std::vector<wire::tcp::SackBlock>{{1, 11}, {21, 31}});
  const auto rare = segment("S 0:0(0) <FO 0a0b,FOEXP,md5,kind 253 0xf989>").options;
  CHECK(std::get<option::FastOpen>((*rare)[0]).cookie == std::vector<std::uint8_t>{10, 11});
  CHECK(std::get<option::FastOpen>((*rare)[1]).experimental);
  CHECK(std::get<option::Other>((*rare)[3]) == option::Other{253, {0xf9, 0x89}});
}

TEST_CASE("no options, any options and any timestamp are told apart") {
  CHECK(segment("S 0:0(0) <>").options->empty());
  CHECK(segment("S 0:0(0) <...>").any_options);
  CHECK_FALSE(segment("S 0:0(0) <...>").options);
  const auto options = segment("S 0:0(0) <TS val ... ecr 5>").options;
  CHECK(std::get<option::Timestamps>((*options)[0]) == option::Timestamps{std::nullopt, 5});
}

TEST_CASE("sequence numbers wrap, and may be written as negative ones") {
  CHECK(segment(". 4294967290:4(10)").seq == 4294967290u);
  CHECK(segment(". -6:4(10) ack -1").seq == 4294967290u);
  CHECK(to_text(packet(". 4294967290:4(10)")) == ". -6:4(10)");
  CHECK(segment(". -2147483648:-2147483648(0)").seq == 0x80000000u);
}

TEST_CASE("the IP header in front: marks, TTL, TOS, flow label") {
  const PacketLine line = packet("[ect0] (ttl 1, tos 0x10, flow 0x1234) . 1:1(0)");
  CHECK(line.ip.ecn == Ecn::ect0);
  CHECK(line.ip.ttl == 1);
  CHECK(line.ip.tos == 16);
  CHECK(line.ip.label == 0x1234u);
  CHECK(packet("[noecn] . 1:1(0)").ip.ecn == Ecn::not_ect);
  CHECK(packet("[ect1]. 1:1(0)").ip.ecn == Ecn::ect1);
  CHECK(packet("[ce] udp (1)").ip.ecn == Ecn::ce);
}

TEST_CASE("UDP and ICMP have forms of their own") {
  CHECK(std::get<UdpLine>(packet("udp (100)").body).length == 100);
  const auto big = std::get<IcmpLine>(packet("icmp unreachable frag_needed mtu 1400 [1:1001(1000)]").body);
  CHECK(big.type == IcmpType::unreachable);
  CHECK(big.code == IcmpCode::frag_needed);
  CHECK(big.mtu == 1400u);
  CHECK(big.quote == QuoteLine{false, 1, 1000});
  const auto echo = std::get<IcmpLine>(packet("icmp echo_request id 7 seq 1 (56)").body);
  CHECK(echo.id == 7);
  CHECK(echo.seq == 1);
  CHECK(echo.length == 56u);
  CHECK(std::get<IcmpLine>(packet("icmp unreachable port_unreachable [udp (20)]").body).quote ==
        QuoteLine{true, 0, 20});
  CHECK_FALSE(std::get<IcmpLine>(packet("icmp time_exceeded").body).code);
}

TEST_CASE("what is printed is what was written") {
  for (const std::string_view text :
       {"S 0:0(0) win 65535 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>", "S. 0:0(0) ack 1", ". 1:1(0) ack 1",
        "P. 1:101(100) ack 1 win 500", "R 2:2(0)", "F. 1:1(0) ack 1", "PU. 1:2(1) ack 1 urg 1", "- -1:-1(0)",
        ". 1:1(0) ack 1 <nop,nop,sack 1:11 21:31>", "[ect0] (ttl 1, tos 16, flow 20) SEW 0:0(0) <...>",
        "icmp unreachable frag_needed mtu 1400 [1:1001(1000)]", "icmp unreachable port_unreachable [udp (20)]",
        "icmp echo_reply id 7 seq 1 (56)", "udp (100)", "S 0:0(0) <>", "S 0:0(0) <FO,FOEXP 00ff,md5 01,kind 30>",
        "[noecn] . 1:1(0) <TS val ... ecr ...,eol>", "SFRPUEWA. 0:0(0)", "icmp packet_too_big mtu 1280"})
    keep(text);
}

TEST_CASE("spaces don't matter where tokens end by themselves") {
  CHECK(packet("  S  0 : 0 ( 0 )  < mss  1460 , nop >  ") == packet("S 0:0(0) <mss 1460,nop>"));
}

TEST_CASE("an error says in which column, and what would be right") {
  refuse("", 1, "expected a packet");
  refuse("X 0:0(0)", 1, "TCP flags");
  refuse("SX 0:0(0)", 2, "TCP flags");
  refuse("SS 0:0(0)", 2, "twice");
  refuse("E1 0:0(0)", 2, "twice");
  refuse("S", 2, "a sequence number");
  refuse("S 0(0)", 4, "expected ':'");
  refuse("S 0:9(8)", 7, "9 bytes apart");
  refuse("S 0:0(70000)", 7, "up to 65535");
  refuse("S 4294967296:0(0)", 3, "up to 4294967295");
  refuse("S 0:0(0) win 65536", 14, "a window");
  refuse("S 0:0(0) win 5x", 14, "a window");
  refuse("S 0:0(0) ack", 13, "an acknowledgment");
  refuse("S 0:0(0) win 1 ack 1", 16, "nothing more");
  refuse("S 0:0(0) <mss>", 14, "an MSS");
  refuse("S 0:0(0) <max 1>", 11, "expected an option");
  refuse("S 0:0(0) <nop", 14, "expected '>'");
  refuse("S 0:0(0) <sack>", 15, "SACK blocks");
  refuse("S 0:0(0) <sack 1:2 3:4 5:6 7:8 9:10>", 32, "expected '>'");
  refuse("S 0:0(0) <TS val 1>", 19, "expected 'ecr'");
  refuse("S 0:0(0) <FO 123>", 14, "hexadecimal");
  refuse("S 0:0(0) <FO xx>", 14, "hexadecimal");
  refuse("S 0:0(0) <kind 1>", 16, "eol and nop");
  refuse("S 0:0(0) <kind 300>", 16, "an option kind");
  refuse("S 0:0(0) <...", 14, "expected '>'");
}

TEST_CASE("errors in the IP header, UDP and ICMP") {
  refuse("[ect2] S 0:0(0)", 2, "noecn, ect0");
  refuse("[ce S 0:0(0)", 5, "expected ']'");
  refuse("(hops 1) S 0:0(0)", 2, "ttl, tos or flow");
  refuse("(ttl 1, ttl 2) S 0:0(0)", 9, "twice");
  refuse("(ttl 256) S 0:0(0)", 6, "a TTL");
  refuse("udp 100", 5, "expected '('");
  refuse("icmp nothing", 6, "an ICMP type");
  refuse("icmp unreachable in_transit", 18, "nothing more");
  refuse("icmp unreachable [1:2(2)]", 23, "1 bytes apart");
  refuse("icmp unreachable [udp (1)", 26, "expected ']'");
}

namespace {

// Random packets of everything that the notation can say.
struct Maker {
  Random random;

  std::uint32_t below(std::uint32_t bound) { return random.below(bound); }
  bool coin() { return below(2) == 0; }
  template <class T>
  std::optional<T> maybe() {
    if (coin()) return std::nullopt;
    return static_cast<T>(random.u32());
  }
  std::vector<std::uint8_t> bytes(std::uint32_t most) {
    std::vector<std::uint8_t> made(below(most + 1));
    random.fill(made);
    return made;
  }
  TcpOption option() {
    switch (below(10)) {
      case 0: return option::EndOfList{};
      case 1: return option::NoOperation{};
      case 2: return option::Mss{static_cast<std::uint16_t>(random.u32())};
      case 3: return option::WindowScale{static_cast<std::uint8_t>(random.u32())};
      case 4: return option::SackPermitted{};
      case 5: {
        option::Sack sack;
        for (std::uint32_t i = 0, count = 1 + below(4); i < count; ++i)
          sack.blocks.push_back({random.u32(), random.u32()});
        return sack;
      }
      case 6: return option::Timestamps{maybe<std::uint32_t>(), maybe<std::uint32_t>()};
      case 7: return option::FastOpen{bytes(36), coin()};
      case 8: return option::Md5{bytes(38)};
      default: return option::Other{static_cast<std::uint8_t>(2 + below(254)), bytes(38)};
    }
  }
  SegmentLine segment() {
    SegmentLine line{static_cast<std::uint16_t>(below(512)),
                     random.u32(),
                     below(65536),
                     maybe<std::uint32_t>(),
                     maybe<std::uint16_t>(),
                     maybe<std::uint16_t>(),
                     {},
                     false};
    line.any_options = below(4) == 0;
    if (!line.any_options && coin()) {
      line.options.emplace();
      for (std::uint32_t i = 0, count = below(5); i < count; ++i) line.options->push_back(option());
    }
    return line;
  }
  IcmpLine icmp() {
    static constexpr std::array kTypes = {IcmpType::unreachable, IcmpType::time_exceeded, IcmpType::echo_reply};
    IcmpLine line;
    line.type = kTypes[below(3)];
    line.mtu = maybe<std::uint32_t>();
    line.id = maybe<std::uint16_t>();
    line.seq = maybe<std::uint16_t>();
    if (line.type == IcmpType::unreachable && coin()) line.code = static_cast<IcmpCode>(below(20));
    if (coin()) line.length = below(65536);
    if (coin()) line.quote = QuoteLine{false, random.u32(), below(65536)};
    if (line.quote && coin()) line.quote = QuoteLine{true, 0, below(65536)};
    return line;
  }
  PacketLine line() {
    PacketLine made{{}, segment()};
    if (coin()) made.ip.ecn = static_cast<Ecn>(below(4));
    made.ip.ttl = maybe<std::uint8_t>();
    made.ip.tos = maybe<std::uint8_t>();
    if (coin()) made.ip.label = below(1u << 20);
    const std::uint32_t kind = below(4);
    if (kind == 0) made.body = UdpLine{below(65536)};
    if (kind == 1) made.body = icmp();
    return made;
  }
};

}  // namespace

TEST_CASE("every packet survives being printed and read again") {
  Maker maker{Random({}, KeyUse::test)};
  for (int i = 0; i < 5000; ++i) {
    const PacketLine made = maker.line();
    const std::string text = to_text(made);
    const NotationResult<PacketLine> again = parse_packet(text);
    REQUIRE_MESSAGE(again, text << ": " << again.error().to_string());
    REQUIRE_MESSAGE(*again == made, text);
    REQUIRE(to_text(*again) == text);
  }
}

TEST_CASE("ICMP words have their numbers in each family, and back") {
  CHECK(icmp_numbers(IcmpType::unreachable, IcmpCode::port_unreachable, Family::ipv4)->code == 3);
  CHECK(icmp_numbers(IcmpType::unreachable, IcmpCode::port_unreachable, Family::ipv6)->code == 4);
  CHECK(icmp_numbers(IcmpType::packet_too_big, std::nullopt, Family::ipv6)->type == 2);
  CHECK_FALSE(icmp_numbers(IcmpType::packet_too_big, std::nullopt, Family::ipv4));
  CHECK_FALSE(icmp_numbers(IcmpType::unreachable, IcmpCode::no_route, Family::ipv4));
  CHECK_FALSE(icmp_numbers(IcmpType::time_exceeded, IcmpCode::no_route, Family::ipv6));
  CHECK(icmp_names({3, 4}, Family::ipv4)->code == IcmpCode::frag_needed);
  CHECK(icmp_names({128, 0}, Family::ipv6)->type == IcmpType::echo_request);
  CHECK_FALSE(icmp_names({3, 99}, Family::ipv4));
  CHECK_FALSE(icmp_names({77, 0}, Family::ipv4));
  CHECK(name(IcmpType::echo_reply) == "echo_reply");
  CHECK(name(IcmpCode::unknown_option) == "unknown_option");
}

}  // namespace sluice::lab
