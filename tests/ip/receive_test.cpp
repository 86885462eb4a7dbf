// What the IP layer lets through, and what ends as a named drop.
#include <doctest/doctest.h>

#include "tests/ip/host.hpp"

namespace sluice::ip {
namespace {

/// The only counter besides packets_in that `packet` moves, by name.
std::string only_drop(const Octets& packet) {
  Host host;
  if (!host.is_dropped(packet)) return "delivered";
  return host.watcher.reasons.size() == 1 ? host.watcher.reasons[0] : "not one drop";
}

TEST_CASE("an IPv4 datagram arrives with what its header says [R1122-3.2.1.6-1], [R1122-3.2.1.7-3]") {
  Tins::IP packet("10.0.0.1", "10.0.0.2");
  packet.tos(46 << 2 | 1);
  packet.ttl(9);
  Tins::PDU& pdu = packet /= Tins::UDP(7, 4000) / Tins::RawPDU("hello");
  Host host;
  const Datagram datagram = host.datagram(pdu.serialize());
  CHECK(datagram.source == kPeer4);
  CHECK(datagram.destination == kOur4);
  CHECK(datagram.protocol == Protocol::udp);
  CHECK(datagram.hop_limit == 9);
  CHECK(datagram.dscp == 46);
  CHECK(datagram.ecn == Ecn::ect1);
  CHECK_FALSE(datagram.to_group);
  CHECK(datagram.header_size == 20);
  CHECK(datagram.payload().size() == 13);
  CHECK(host.count(Counter::packets_in) == 1);
  CHECK(host.count(Counter::datagrams_delivered) == 1);
}

TEST_CASE("an IPv6 datagram arrives with what its header says") {
  Tins::IPv6 packet("fd00::1", "fd00::2");
  packet.traffic_class(46 << 2 | 3);
  packet.hop_limit(9);
  Tins::PDU& pdu = packet /= Tins::TCP(80, 4000);
  Host host;
  const Datagram datagram = host.datagram(pdu.serialize());
  CHECK(datagram.source == kPeer6);
  CHECK(datagram.destination == kOur6);
  CHECK(datagram.protocol == Protocol::tcp);
  CHECK(datagram.hop_limit == 9);
  CHECK(datagram.dscp == 46);
  CHECK(datagram.ecn == Ecn::ce);
  CHECK(datagram.header_size == 40);
  CHECK(datagram.payload().size() == 20);
}

TEST_CASE("link padding is cut off, in both families [R791-3.1-2]") {
  Host host;
  CHECK(host.datagram(udp4() + Octets(18)).payload().size() == 28);
  CHECK(host.datagram(udp6() + Octets(18)).payload().size() == 28);
}

TEST_CASE("each malformed header is a drop with its own name [R1122-3.1-2]") {
  CHECK(only_drop({}) == "drop_empty");
  CHECK(only_drop({0x00}) == "drop_version");
  CHECK(only_drop(patched(udp4(), 0, 0x55)) == "drop_version");
  CHECK(only_drop({0x45, 0}) == "drop_truncated");
  CHECK(only_drop(patched(udp4(), 0, 0x44)) == "drop_header_length");
  CHECK(only_drop(patched(udp4(), 3, 19)) == "drop_total_length");
  CHECK(only_drop(patched(udp4(), 3, 200)) == "drop_total_length");
  Octets wrong_sum = udp4();
  wrong_sum[10] ^= 1;
  CHECK(only_drop(wrong_sum) == "drop_header_checksum");
  CHECK(only_drop({0x60, 0, 0}) == "drop_truncated");
  Octets long6 = udp6();
  long6[5] = 200;
  CHECK(only_drop(long6) == "drop_total_length");
}

TEST_CASE("a source that no packet may have is dropped [R1122-3.2.1.3-3], [R1122-4.1.3.6-1], [A-PRS-28]") {
  for (const char* source : {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "10.0.0.255", "240.0.0.1"}) {
    CAPTURE(source);
    CHECK(only_drop(udp4(source)) == "drop_invalid_source");
  }
  for (const char* source : {"::", "::1", "ff02::1", "::ffff:10.0.0.2"}) {
    CAPTURE(source);
    CHECK(only_drop(udp6(source)) == "drop_invalid_source");
  }
}

TEST_CASE("a packet from our own address did not come from us [A-TCP-36]") {
  CHECK(only_drop(udp4("10.0.0.1")) == "drop_own_source");
  CHECK(only_drop(udp6("fd00::1")) == "drop_own_source");
}

TEST_CASE("what isn't addressed to us is dropped in silence [R1122-3.2.1.3-2], [R1122-3.1-1], [R1122-3.2.2.2-1]") {
  for (const char* destination : {"10.0.0.3", "127.0.0.1", "224.0.0.5", "0.0.0.0"}) {
    CAPTURE(destination);
    CHECK(only_drop(udp4("10.0.0.2", destination)) == "drop_not_ours");
  }
  for (const char* destination : {"fd00::3", "::1", "ff02::2", "ff05::1", "::"}) {
    CAPTURE(destination);
    CHECK(only_drop(udp6("fd00::2", destination)) == "drop_not_ours");
  }
}

TEST_CASE("broadcast and the all-hosts groups reach us as such [R1122-3.3.6-1], [R1112-7-1], [R919-1]") {
  Host host;
  for (const char* destination : {"255.255.255.255", "10.0.0.255", "224.0.0.1"}) {
    CAPTURE(destination);
    CHECK(host.datagram(udp4("10.0.0.2", destination)).to_group);
  }
  for (const char* destination : {"ff02::1", "ff01::1"}) CHECK(host.datagram(udp6("fd00::2", destination)).to_group);
}

TEST_CASE("a TTL or hop limit of 0 or 1 is no matter for its destination [R1122-3.2.1.7-2], [R8200-3-2]") {
  Host host;
  for (const std::uint8_t ttl : {std::uint8_t{0}, std::uint8_t{1}}) {
    CHECK(host.datagram(patched(udp4(), 8, ttl)).payload().size() == 28);
    Octets packet = udp6();
    packet[7] = ttl;
    CHECK(host.datagram(packet).payload().size() == 28);
  }
}

Octets with_options(const Octets& options, std::uint8_t protocol = 17) {
  Octets packet = packet4(protocol, options + pattern(30));
  packet[0] = static_cast<std::uint8_t>(0x45 + options.size() / 4);
  return patched(std::move(packet), 8, 64);
}

TEST_CASE("unknown options are skipped and stay with the packet [R1122-3.2.1.8-1], [R1122-3.2.1.8-2], [R6814-2-1]") {
  Host host;
  for (const Octets& options :
       {Octets{1, 1, 1, 0}, Octets{136, 4, 0, 9}, Octets{68, 4, 5, 0}, Octets{222, 8, 1, 2, 3, 4, 5, 6}}) {
    const Datagram datagram = host.datagram(with_options(options));
    CHECK(datagram.header_size == 20 + options.size());
    CHECK(octets(datagram.payload()) == pattern(30));
    CHECK(octets(std::as_const(datagram.packet).bytes().subspan(20, options.size())) == options);
  }
}

TEST_CASE("source-routed packets are dropped, in silence [R7126-4-1], [A-PRS-08]") {
  for (const std::uint8_t kind : {std::uint8_t{131}, std::uint8_t{137}}) {
    Host host;
    CHECK(host.is_dropped(with_options({kind, 7, 4, 10, 0, 0, 9, 0})));
    CHECK(host.count(Counter::drop_source_route) == 1);
    CHECK(host.out().empty());
  }
}

TEST_CASE("a malformed option draws a parameter problem that points at it [R791-3.1-3]") {
  Host host;
  CHECK(host.is_dropped(with_options({1, 7, 0, 0})));
  CHECK(host.count(Counter::drop_options_malformed) == 1);
  const auto out = host.out();
  REQUIRE(out.size() == 1);
  const Tins::IP reply(out[0].data(), static_cast<std::uint32_t>(out[0].size()));
  const auto& icmp = reply.rfind_pdu<Tins::ICMP>();
  CHECK(icmp.type() == Tins::ICMP::PARAM_PROBLEM);
  CHECK(icmp.pointer() == 21);
  CHECK(host.is_dropped(with_options({7, 1, 0, 0})));  // a length that does not even cover itself
  CHECK(host.is_dropped(with_options({1, 1, 7, 3})));  // one beyond the header
  CHECK(host.count(Counter::drop_options_malformed) == 3);
}

TEST_CASE(
    "an unknown protocol is unreachable, in each family's words [R1122-3.2.2.1-1], [R1122-3.3.8-1], [R8200-4-2]") {
  Host host;
  CHECK(host.is_dropped(packet4(200, pattern(20))));
  CHECK(host.is_dropped(packet6(200, pattern(20))));
  CHECK(host.count(Counter::drop_unknown_protocol) == 2);
  const auto out = host.out();
  REQUIRE(out.size() == 2);
  const Tins::IP first(out[0].data(), static_cast<std::uint32_t>(out[0].size()));
  CHECK(first.rfind_pdu<Tins::ICMP>().type() == Tins::ICMP::DEST_UNREACHABLE);
  CHECK(first.rfind_pdu<Tins::ICMP>().code() == 2);
  CHECK(out[1][40] == 4);  // parameter problem
  CHECK(out[1][41] == 1);  // unknown next header
  CHECK(out[1][47] == 6);  // the pointer
}

TEST_CASE("each family's ICMP inside the other is an unknown protocol") {
  Host host;
  CHECK(host.is_dropped(packet4(58, pattern(20))));
  CHECK(host.is_dropped(packet6(1, pattern(20))));
  CHECK(host.count(Counter::drop_unknown_protocol) == 2);
}

TEST_CASE("a tunnelled packet is not unpacked [A-PRS-21]") {
  Host host;
  CHECK(host.is_dropped(packet4(4, udp4())));
  CHECK(host.is_dropped(packet6(41, udp6())));
  CHECK(host.count(Counter::drop_unknown_protocol) == 2);
}

TEST_CASE("no next header means no more, without a word [R8200-4.7-1]") {
  Host host;
  CHECK(host.is_dropped(packet6(59, pattern(20))));
  CHECK(host.count(Counter::drop_no_next_header) == 1);
  CHECK(host.out().empty());
}

Octets option_header(std::uint8_t next, std::uint8_t type) { return {next, 0, type, 4, 0, 0, 0, 0}; }

TEST_CASE("extension headers are walked to the datagram behind them [R8200-4.1-1]") {
  Host host;
  const Octets udp = octets(Bytes(udp6()).subspan(40));
  const Datagram datagram =
      host.datagram(packet6(0, option_header(60, 5) + option_header(43, 1) + Octets{17, 0, 0, 0, 0, 0, 0, 0} + udp));
  CHECK(datagram.header_size == 64);
  CHECK(datagram.protocol == Protocol::udp);
  CHECK(octets(datagram.payload()) == udp);
}

TEST_CASE(
    "chain faults are drops with names; errors go back where RFC 8200 says so [R4443-3.4-1], [A-PRS-16], "
    "[R8200-4.2-1], [R8200-4.4-1]") {
  struct Case {
    Octets packet;
    const char* reason;
    int code;  // of the parameter problem, or -1
    unsigned pointer;
  };
  for (const Case& given :
       {Case{packet6(0, option_header(17, 0x45) + pattern(8)), "drop_option_unknown", -1, 0},
        Case{packet6(0, option_header(17, 0x85) + pattern(8)), "drop_option_unknown", 2, 42},
        Case{packet6(60, option_header(17, 0xc5) + pattern(8)), "drop_option_unknown", 2, 42},
        Case{packet6(0, option_header(17, 0xc2) + pattern(8)), "drop_option_unknown", 2, 42},  // jumbogram
        Case{packet6(43, Octets{17, 0, 0, 1, 0, 0, 0, 0} + pattern(8)), "drop_routing_header", 0, 42},
        Case{packet6(60, {17, 3, 0, 0}), "drop_extension_malformed", -1, 0},
        Case{packet6(60, option_header(0, 1) + pattern(8)), "drop_unknown_protocol", 1, 40}}) {
    Host host;
    CAPTURE(given.reason);
    CHECK(host.is_dropped(given.packet));
    REQUIRE(host.watcher.reasons == std::vector<std::string>{given.reason});
    const auto out = host.out();
    REQUIRE(out.size() == (given.code < 0 ? 0 : 1));
    if (given.code < 0) continue;
    CHECK(out[0][40] == 4);
    CHECK(out[0][41] == given.code);
    CHECK(out[0][47] == given.pointer);
  }
}

TEST_CASE("an unknown option to a group is reported only when its bits are 10 [R4443-2.4e3]") {
  Host host;
  CHECK(host.is_dropped(packet6(0, option_header(17, 0xc5) + pattern(8), ip("ff02::1"))));
  CHECK(host.out().empty());
  CHECK(host.count(Counter::icmp_errors_forbidden) == 1);
  CHECK(host.is_dropped(packet6(0, option_header(17, 0x85) + pattern(8), ip("ff02::1"))));
  const auto out = host.out();
  REQUIRE(out.size() == 1);
  CHECK(IpAddress::from_bytes(Bytes(out[0]).subspan(8, 16)) == kOur6);
}

TEST_CASE("too many extension headers are refused [A-PRS-13]") {
  Octets payload;
  for (int i = 0; i < 20; ++i) payload = payload + option_header(60, 1);
  CHECK(only_drop(packet6(60, payload)) == "drop_extension_limit");
}

TEST_CASE("every truncation of a good packet is survived, with checks on or off [A-PRS-04], [A-PRS-05]") {
  Host host;
  const Octets six = packet6(0, option_header(60, 5) + option_header(43, 1) + Octets{44, 0, 0, 0, 0, 0, 0, 0} +
                                    fragment_header(17, {.more = false}) + pattern(30));
  for (std::size_t size = 0; size < six.size(); ++size) {
    Octets cut = octets(Bytes(six).first(size));
    host.in(cut);
    if (size < 40) continue;
    ByteWriter(MutableBytes(cut).subspan(4)).u16(static_cast<std::uint16_t>(size - 40));
    host.in(cut);
  }
  CHECK(host.count(Counter::packets_in) > six.size());
}

}  // namespace
}  // namespace sluice::ip
