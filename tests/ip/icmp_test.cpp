// ICMP and ICMPv6: echo, errors that we send, errors that we get.
#include <doctest/doctest.h>

#include "stack/wire/icmp.hpp"
#include "stack/wire/icmpv6.hpp"
#include "stack/wire/pseudo_header.hpp"
#include "tests/ip/host.hpp"

namespace sluice::ip {
namespace {

namespace icmp = wire::icmp;
namespace icmpv6 = wire::icmpv6;

/// An ICMP message with its checksum, in a packet to us of the given family.
Octets icmp_packet(bool v4, const icmp::Header& header, const Octets& body, const IpAddress& to,
                   const IpAddress& from) {
  Octets message(icmp::kHeaderSize);
  icmp::write(message, header);
  message = message + body;
  ChecksumSum sum;
  if (!v4) sum = wire::pseudo_header(from, to, 58, message.size());
  sum.add(message);
  ByteWriter(MutableBytes(message).subspan(2)).u16(sum.checksum());
  return v4 ? packet4(1, message, to, from) : packet6(58, message, to, from);
}

Octets icmp_packet(bool v4, const icmp::Header& header, const Octets& body) {
  return icmp_packet(v4, header, body, v4 ? kOur4 : kOur6, v4 ? kPeer4 : kPeer6);
}

Octets echo_request(bool v4, const Octets& data = pattern(56)) {
  return icmp_packet(v4, {.type = v4 ? icmp::kEchoRequest : icmpv6::kEchoRequest, .rest = 0x12345678}, data);
}

/// A packet that we might have sent, to be quoted.
Octets sent(bool v4, std::uint8_t protocol = 17, const Octets& payload = pattern(40)) {
  return v4 ? packet4(protocol, payload, kPeer4, kOur4) : packet6(protocol, payload, kPeer6, kOur6);
}

TEST_CASE("libtins's ping is answered as libtins expects, over IPv4 [R792-1], [R1122-3.2.2.6-1], [R1122-3.2.2.6-2]") {
  Tins::IP request("10.0.0.1", "10.0.0.2");
  Tins::ICMP echo;
  echo.set_echo_request(0x1234, 0x5678);
  Tins::PDU& pdu = request /= echo / Tins::RawPDU("are you there?");
  Host host;
  CHECK(host.is_dropped(pdu.serialize()));
  const auto out = host.out();
  REQUIRE(out.size() == 1);
  Tins::IP reply(out[0].data(), static_cast<std::uint32_t>(out[0].size()));
  CHECK(reply.src_addr() == "10.0.0.1");
  CHECK(reply.dst_addr() == "10.0.0.2");
  const auto& answer = reply.rfind_pdu<Tins::ICMP>();
  CHECK(answer.type() == Tins::ICMP::ECHO_REPLY);
  CHECK(answer.id() == 0x1234);
  CHECK(answer.sequence() == 0x5678);
  const auto& payload = reply.rfind_pdu<Tins::RawPDU>().payload();
  CHECK(std::string(payload.begin(), payload.end()) == "are you there?");
  CHECK(internet_checksum(Bytes(out[0]).subspan(20)) == 0);
  CHECK(host.count(Counter::icmp_echo_requests) == 1);
  CHECK(host.count(Counter::icmp_echo_replies_out) == 1);
}

TEST_CASE(
    "libtins's ping is answered as libtins expects, over IPv6 [R4443-4.1-1], [R4443-4.2-1], [R4443-2.2-1], "
    "[R4443-2.3-1]") {
  Tins::IPv6 request("fd00::1", "fd00::2");
  Tins::ICMPv6 echo(Tins::ICMPv6::ECHO_REQUEST);
  echo.identifier(0x1234);
  echo.sequence(0x5678);
  Tins::PDU& pdu = request /= echo / Tins::RawPDU("are you there?");
  Host host;
  CHECK(host.is_dropped(pdu.serialize()));
  const auto out = host.out();
  REQUIRE(out.size() == 1);
  Tins::IPv6 reply(out[0].data(), static_cast<std::uint32_t>(out[0].size()));
  CHECK(reply.src_addr() == "fd00::1");
  CHECK(reply.dst_addr() == "fd00::2");
  const auto& answer = reply.rfind_pdu<Tins::ICMPv6>();
  CHECK(answer.type() == Tins::ICMPv6::ECHO_REPLY);
  CHECK(answer.identifier() == 0x1234);
  CHECK(answer.sequence() == 0x5678);
  const auto again = reply.serialize();  // libtins computes its own checksum
  CHECK(Octets(again.begin(), again.end()) == out[0]);
}

TEST_CASE("every size of ping comes back whole, odd and empty ones too") {
  for (const bool v4 : {true, false})
    for (const std::size_t size : {0u, 1u, 2u, 7u, 55u, 1000u, 1400u}) {
      Host host;
      host.in(echo_request(v4, pattern(size)));
      const auto out = host.out();
      REQUIRE(out.size() == 1);
      CHECK(octets(Bytes(out[0]).subspan(v4 ? 28 : 48)) == pattern(size));
    }
}

TEST_CASE("a ping larger than the MTU is put together, answered, and the answer cut again") {
  for (const bool v4 : {true, false}) {
    Host host;
    const Octets request = octets(Bytes(echo_request(v4, pattern(5000))).subspan(v4 ? 20 : 40));
    const std::size_t cut = 1440;
    for (std::size_t at = 0; at < request.size(); at += cut) {
      const FragmentSpec spec{at, std::min(cut, request.size() - at), at + cut < request.size(), 7};
      host.in(v4 ? fragment4(request, spec, 1) : fragment6(request, spec, 58));
    }
    const auto out = host.out();
    CHECK(out.size() == 4);
    std::size_t text = 0;
    for (const Octets& fragment : out) {
      CHECK(fragment.size() <= 1500);
      text += fragment.size() - (v4 ? 20 : 48);
    }
    CHECK(text == 5008);
    CHECK(host.count(Counter::fragments_out) == 4);
  }
}

TEST_CASE(
    "a ping is answered from the address that it was sent to, not from the nearest [R1122-3.2.2.6-2], [R4443-2.2-1]") {
  const auto request = [](bool v4, const char* to, const char* from) {
    return icmp_packet(v4, {.type = v4 ? icmp::kEchoRequest : icmpv6::kEchoRequest}, pattern(8), ip(to), ip(from));
  };
  Config config = test_config();
  config.addresses.push_back(*Prefix::parse("10.9.0.1/24"));
  Host both(config);
  both.in(request(true, "10.9.0.1", "10.0.0.2"));
  both.in(request(false, "fd00::1", "fe80::2"));
  const auto out = both.out();
  REQUIRE(out.size() == 2);
  CHECK(octets(Bytes(out[0]).subspan(12, 4)) == octets(ip("10.9.0.1").bytes()));
  CHECK(octets(Bytes(out[1]).subspan(8, 16)) == octets(ip("fd00::1").bytes()));
}

TEST_CASE("IP options of a ping are not copied into the answer [A-PRS-23]") {
  Octets packet = echo_request(true);
  const Octets message = octets(Bytes(packet).subspan(20));
  packet = packet4(1, Octets{7, 7, 4, 0, 0, 0, 0, 0} + message);
  packet[0] = 0x47;
  Host host;
  host.in(patched(packet, 8, 64));
  const auto out = host.out();
  REQUIRE(out.size() == 1);
  CHECK(out[0][0] == 0x45);
  CHECK(out[0].size() == 20 + message.size());
}

TEST_CASE("the routing header of a ping is not turned round for the answer [R8200-8.4-1]") {
  const Octets packet = echo_request(false);
  const Octets message = octets(Bytes(packet).subspan(40));
  Host host;
  host.in(packet6(43, Octets{58, 2, 0, 0, 0, 0, 0, 0} + octets(ip("fd00::7").bytes()) + message));
  const auto out = host.out();
  REQUIRE(out.size() == 1);
  CHECK(out[0][6] == 58);
  CHECK(out[0].size() == packet.size());
}

TEST_CASE("a ping can be left unanswered, and one to a group is [R1122-3.2.2.6-3], [A-PRS-28]") {
  Config quiet = test_config();
  quiet.answer_echo = false;
  Host silent(quiet);
  silent.in(echo_request(true));
  CHECK(silent.out().empty());
  Host host;
  host.in(icmp_packet(true, {.type = icmp::kEchoRequest}, pattern(8), ip("10.0.0.255"), kPeer4));
  host.in(icmp_packet(true, {.type = icmp::kEchoRequest}, pattern(8), ip("224.0.0.1"), kPeer4));
  host.in(icmp_packet(false, {.type = icmpv6::kEchoRequest}, pattern(8), ip("ff02::1"), kPeer6));
  CHECK(host.out().empty());
  CHECK(host.count(Counter::drop_icmp_group_echo) == 3);
}

TEST_CASE("where wanted, a ping to a group is answered from a unicast address [R4443-4.2-2]") {
  Config config = test_config();
  config.answer_group_echo = true;
  Host host(config);
  host.in(icmp_packet(false, {.type = icmpv6::kEchoRequest}, pattern(8), ip("ff02::1"), kPeer6));
  host.in(icmp_packet(true, {.type = icmp::kEchoRequest}, pattern(8), ip("224.0.0.1"), kPeer4));
  const auto out = host.out();
  REQUIRE(out.size() == 2);
  CHECK(IpAddress::from_bytes(Bytes(out[0]).subspan(8, 16)) == kOur6);
  CHECK(IpAddress::from_bytes(Bytes(out[1]).subspan(12, 4)) == kOur4);
}

TEST_CASE("an echo reply is for whoever pinged [R1122-3.2.2.6-4]") {
  Host host;
  const Datagram four = host.datagram(icmp_packet(true, {.type = icmp::kEchoReply, .rest = 5}, pattern(8)));
  CHECK(four.protocol == Protocol::icmp);
  CHECK(four.payload().size() == 16);
  CHECK(host.datagram(icmp_packet(false, {.type = icmpv6::kEchoReply}, pattern(8))).protocol == Protocol::icmpv6);
}

TEST_CASE(
    "messages that are short, damaged or unknown are dropped in silence [R1122-3.2.2-1], [R4443-2.4b], [A-PRS-17]") {
  for (const bool v4 : {true, false}) {
    Host host;
    const std::uint8_t protocol = v4 ? 1 : 58;
    for (std::size_t size = 0; size < 8; ++size)
      CHECK(host.is_dropped(v4 ? packet4(protocol, Octets(size)) : packet6(protocol, Octets(size))));
    CHECK(host.count(Counter::drop_icmp_truncated) == 8);
    Octets damaged = echo_request(v4);
    damaged.back() ^= 1;
    CHECK(host.is_dropped(damaged));
    CHECK(host.count(Counter::drop_icmp_checksum) == 1);
    CHECK(host.is_dropped(icmp_packet(v4, {.type = v4 ? std::uint8_t{99} : std::uint8_t{200}}, pattern(8))));
    CHECK(host.count(Counter::drop_icmp_unknown_type) == 1);
    CHECK(host.out().empty());
  }
}

TEST_CASE(
    "information requests, timestamps and masks are not answered [R1122-3.2.2.7-1], [R1122-3.2.2.8-1], [R6918-2-1]") {
  Host host;
  for (const std::uint8_t type : Octets{13, 15, 17, 30, 37})
    CHECK(host.is_dropped(icmp_packet(true, {.type = type}, pattern(12))));
  CHECK(host.count(Counter::drop_icmp_unknown_type) == 5);
  CHECK(host.out().empty());
}

TEST_CASE("source quench and redirects change nothing [R6633-3-1], [R5927-6.2-1], [A-TCP-09]") {
  Host host;
  CHECK(host.is_dropped(icmp_packet(true, {.type = icmp::kSourceQuench}, sent(true))));
  CHECK(host.is_dropped(icmp_packet(true, {.type = icmp::kRedirect}, sent(true))));
  CHECK(host.is_dropped(icmp_packet(false, {.type = icmpv6::kRedirect}, sent(false))));
  CHECK(host.count(Counter::drop_source_quench) == 1);
  CHECK(host.count(Counter::drop_redirect) == 2);
}

TEST_CASE("neighbour discovery in fragments is ignored, as all of it on a TUN [R6980-5-1], [A-PRS-18]") {
  Host host;
  for (const std::uint8_t type : Octets{133, 134, 135, 136}) {
    const Octets message = octets(Bytes(icmp_packet(false, {.type = type}, pattern(24))).subspan(40));
    host.in(fragment6(message, {0, 16, true, type}, 58));
    CHECK(host.is_dropped(fragment6(message, {16, 16, false, type}, 58)));
  }
  CHECK(host.count(Counter::drop_icmp_unknown_type) == 4);
  CHECK(host.out().empty());
}

TEST_CASE("every unreachable code has its kind [R1122-3.2.2.1-2], [R4443-3.1-2]") {
  const std::vector<IcmpKind> kinds4 = {IcmpKind::network_unreachable,
                                        IcmpKind::host_unreachable,
                                        IcmpKind::protocol_unreachable,
                                        IcmpKind::port_unreachable,
                                        IcmpKind::packet_too_big,
                                        IcmpKind::source_route_failed,
                                        IcmpKind::network_unreachable,
                                        IcmpKind::host_unreachable,
                                        IcmpKind::host_unreachable,
                                        IcmpKind::administratively_prohibited,
                                        IcmpKind::administratively_prohibited,
                                        IcmpKind::network_unreachable,
                                        IcmpKind::host_unreachable,
                                        IcmpKind::administratively_prohibited,
                                        IcmpKind::administratively_prohibited,
                                        IcmpKind::administratively_prohibited,
                                        IcmpKind::unknown};
  const std::vector<IcmpKind> kinds6 = {IcmpKind::network_unreachable,
                                        IcmpKind::administratively_prohibited,
                                        IcmpKind::network_unreachable,
                                        IcmpKind::host_unreachable,
                                        IcmpKind::port_unreachable,
                                        IcmpKind::administratively_prohibited,
                                        IcmpKind::administratively_prohibited,
                                        IcmpKind::unknown};
  Host host;
  for (std::size_t code = 0; code < kinds4.size(); ++code) {
    const auto error = host.error(
        icmp_packet(true, {.type = icmp::kUnreachable, .code = static_cast<std::uint8_t>(code)}, sent(true)));
    REQUIRE(error);
    CHECK(error->kind == kinds4[code]);
  }
  for (std::size_t code = 0; code < kinds6.size(); ++code) {
    const auto error = host.error(
        icmp_packet(false, {.type = icmpv6::kUnreachable, .code = static_cast<std::uint8_t>(code)}, sent(false)));
    REQUIRE(error);
    CHECK(error->kind == kinds6[code]);
  }
}

TEST_CASE("an error tells who reports it, about what, and where the quoted header is [R1122-3.2.2-2]") {
  Host host;
  const Octets udp = pattern(30);
  const IpAddress router = ip("192.0.2.9");
  const auto four =
      host.error(icmp_packet(true, {.type = icmp::kUnreachable, .code = 1}, sent(true, 17, udp), kOur4, router));
  REQUIRE(four);
  CHECK(four->reporter == router);
  CHECK(four->local == kOur4);
  CHECK(four->remote == kPeer4);
  CHECK(four->protocol == Protocol::udp);
  CHECK(four->quoted_length == 50);
  CHECK(octets(four->quote()) == udp);
  const Octets behind = Octets{17, 0, 1, 4, 0, 0, 0, 0} + udp;
  const auto six = host.error(icmp_packet(false, {.type = icmpv6::kUnreachable, .code = 3}, sent(false, 60, behind)));
  REQUIRE(six);
  CHECK(six->local == kOur6);
  CHECK(six->remote == kPeer6);
  CHECK(six->protocol == Protocol::udp);
  CHECK(six->quoted_length == 78);
  CHECK(octets(six->quote()) == udp);
  CHECK(host.count(Counter::icmp_errors_in) == 2);
}

TEST_CASE("time exceeded and parameter problems are handed up [R1122-3.2.2.4-1], [R1122-3.2.2.5-1], [R4443-3.3-1]") {
  Host host;
  CHECK(host.error(icmp_packet(true, {.type = icmp::kTimeExceeded}, sent(true)))->kind == IcmpKind::time_exceeded);
  CHECK(host.error(icmp_packet(true, {.type = icmp::kParameterProblem}, sent(true)))->kind ==
        IcmpKind::parameter_problem);
  CHECK(host.error(icmp_packet(false, {.type = icmpv6::kTimeExceeded}, sent(false)))->kind == IcmpKind::time_exceeded);
  CHECK(host.error(icmp_packet(false, {.type = icmpv6::kParameterProblem}, sent(false)))->kind ==
        IcmpKind::parameter_problem);
  CHECK(host.error(icmp_packet(false, {.type = icmpv6::kParameterProblem, .code = 1}, sent(false)))->kind ==
        IcmpKind::protocol_unreachable);
}

TEST_CASE("an ICMPv6 error of unknown type goes to the upper layer [R4443-2.4a]") {
  Host host;
  const auto error = host.error(icmp_packet(false, {.type = 100}, sent(false)));
  REQUIRE(error);
  CHECK(error->kind == IcmpKind::unknown);
}

TEST_CASE("packet too big carries the next hop's MTU, or 0 from old routers [R1191-3-1], [R8201-4-2], [R4443-3.2-1]") {
  Host host;
  const auto four =
      host.error(icmp_packet(true, {.type = icmp::kUnreachable, .code = 4, .rest = 0xffff0578}, sent(true)));
  REQUIRE(four);
  CHECK(four->kind == IcmpKind::packet_too_big);
  CHECK(four->mtu == 1400);
  CHECK(host.error(icmp_packet(true, {.type = icmp::kUnreachable, .code = 4}, sent(true)))->mtu == 0);
  const auto six = host.error(icmp_packet(false, {.type = icmpv6::kPacketTooBig, .rest = 100000}, sent(false)));
  REQUIRE(six);
  CHECK(six->mtu == 100000);
  // The MTU is the transport's to believe.
  CHECK(host.layer.path_mtu(kPeer4) == 1500);
}

TEST_CASE("errors about what we cannot have sent are dropped [A-TCP-08], [R8201-4-5], [R8085-5.2-1]") {
  struct Case {
    const char* what;
    bool v4;
    Octets quote;
  };
  Octets later4 = sent(true);
  later4[7] = 1;
  const Octets later6 = sent(false, 44, fragment_header(17, {8, 0, true, 1}) + pattern(40));
  Octets version = sent(true);
  version[0] = 0x65;
  for (const Case& given :
       {Case{"nothing", true, {}}, Case{"half a header", true, octets(Bytes(sent(true)).first(19))},
        Case{"seven bytes of transport", true, octets(Bytes(sent(true)).first(27))},
        Case{"another's address", true, packet4(17, pattern(40), kPeer4, ip("10.0.0.9"))},
        Case{"a later fragment", true, later4}, Case{"another version", true, version},
        Case{"a protocol that we don't speak", true, sent(true, 50)}, Case{"ICMPv6 over IPv4", true, sent(true, 58)},
        Case{"half a header", false, octets(Bytes(sent(false)).first(39))},
        Case{"seven bytes of transport", false, octets(Bytes(sent(false)).first(47))},
        Case{"another's address", false, packet6(17, pattern(40), kPeer6, ip("fd00::9"))},
        Case{"a later fragment", false, later6}, Case{"a cut extension", false, sent(false, 60, {17, 9, 0, 0})},
        Case{"ICMP over IPv6", false, sent(false, 1)}}) {
    CAPTURE(given.what);
    CAPTURE(given.v4);
    Host host;
    CHECK(host.is_dropped(
        icmp_packet(given.v4, {.type = given.v4 ? icmp::kUnreachable : icmpv6::kUnreachable}, given.quote)));
    CHECK(host.count(Counter::drop_icmp_quote) == 1);
    CHECK(host.out().empty());
  }
}

TEST_CASE("a quote may end after eight bytes of transport") {
  Host host;
  const auto error =
      host.error(icmp_packet(true, {.type = icmp::kUnreachable, .code = 3}, octets(Bytes(sent(true)).first(28))));
  REQUIRE(error);
  CHECK(error->quote().size() == 8);
}

TEST_CASE("a ping that failed is reported as a ping") {
  Host host;
  CHECK(host.error(icmp_packet(true, {.type = icmp::kUnreachable}, sent(true, 1)))->protocol == Protocol::icmp);
  CHECK(host.error(icmp_packet(false, {.type = icmpv6::kUnreachable}, sent(false, 58)))->protocol == Protocol::icmpv6);
}

TEST_CASE(
    "nobody listens: port unreachable quotes what fits, from the address that was asked [R792-2], [R1122-3.2.2-3], "
    "[R1122-3.2.2-9], [R4443-2.4c], [R4443-3.1-1]") {
  Host host;
  const Octets four = udp4("10.0.0.2", "10.0.0.1", pattern(1400));
  host.layer.send_port_unreachable(host.datagram(four), host.now);
  const Octets six = udp6("fd00::2", "fd00::1", pattern(1400));
  host.layer.send_port_unreachable(host.datagram(six), host.now);
  const auto out = host.out();
  REQUIRE(out.size() == 2);
  CHECK(out[0].size() == 576);
  CHECK(octets(Bytes(out[0]).subspan(28)) == octets(Bytes(four).first(548)));
  Tins::IP reply(out[0].data(), static_cast<std::uint32_t>(out[0].size()));
  CHECK(reply.src_addr() == "10.0.0.1");
  CHECK(reply.dst_addr() == "10.0.0.2");
  CHECK(reply.tos() == 0);
  CHECK(reply.rfind_pdu<Tins::ICMP>().type() == Tins::ICMP::DEST_UNREACHABLE);
  CHECK(reply.rfind_pdu<Tins::ICMP>().code() == 3);
  CHECK(internet_checksum(Bytes(out[0]).subspan(20)) == 0);
  CHECK(out[1].size() == 1280);
  CHECK(octets(Bytes(out[1]).subspan(48)) == octets(Bytes(six).first(1232)));
  CHECK(out[1][40] == 1);
  CHECK(out[1][41] == 4);
  ChecksumSum sum = wire::pseudo_header(kOur6, kPeer6, 58, 1240);
  sum.add(Bytes(out[1]).subspan(40));
  CHECK(sum.checksum() == 0);
  CHECK(host.count(Counter::icmp_errors_out) == 2);
}

TEST_CASE("no error about an error, a redirect or an unknown ICMP type [R1122-3.2.2-4], [R4443-2.4e1], [R4443-2.4e2]") {
  // Malformed options and header chains would draw a parameter problem, if the packet did not carry an error.
  const auto with_bad_option = [](const Octets& message) {
    Octets packet = packet4(1, Octets{7, 0, 0, 0} + message);
    packet[0] = 0x46;
    return patched(packet, 8, 64);
  };
  Host host;
  for (const std::uint8_t type : Octets{3, 4, 5, 11, 12, 77}) host.in(with_bad_option({type, 0, 0, 0, 0, 0, 0, 0}));
  host.in(with_bad_option({}));
  const Octets bad_routing = {58, 0, 0, 1, 0, 0, 0, 0};
  for (const std::uint8_t type : Octets{1, 2, 3, 4, 127, 137})
    host.in(packet6(43, bad_routing + Octets{type, 0, 0, 0, 0, 0, 0, 0}));
  host.in(packet6(43, bad_routing));
  CHECK(host.out().empty());
  CHECK(host.count(Counter::icmp_errors_forbidden) == 14);
  host.in(with_bad_option({8, 0, 0, 0, 0, 0, 0, 0}));
  host.in(packet6(43, bad_routing + Octets{128, 0, 0, 0, 0, 0, 0, 0}));
  CHECK(host.out().size() == 2);
}

TEST_CASE(
    "no error about broadcasts, multicasts or later fragments [R1122-3.2.2-5], [R1122-3.2.2-7], [R4443-2.4e3], "
    "[R1112-7-2]") {
  Host host;
  for (const char* group : {"10.0.0.255", "255.255.255.255", "224.0.0.1"})
    host.layer.send_port_unreachable(host.datagram(udp4("10.0.0.2", group)), host.now);
  host.layer.send_port_unreachable(host.datagram(udp6("fd00::2", "ff02::1")), host.now);
  Octets later = packet4(200, Octets{7, 0, 0, 0} + pattern(16));
  later[0] = 0x46;
  host.in(patched(patched(later, 7, 1), 8, 64));
  CHECK(host.count(Counter::icmp_errors_forbidden) == 5);
  CHECK(host.out().empty());
}

TEST_CASE("no error to a source that is none [R1122-3.2.2-8], [R4443-2.4e6]") {
  Host host;
  for (const char* source : {"0.0.0.0", "224.0.0.1", "10.0.0.255"}) {
    // Not even for a datagram that a caller made up. From 127.0.0.1 only we ourselves can be heard.
    Datagram datagram;
    datagram.packet = Packet::copy_of(host.pool, udp4(source));
    host.layer.send_port_unreachable(datagram, host.now);
  }
  CHECK(host.count(Counter::icmp_errors_forbidden) == 3);
  CHECK(host.out().empty());
}

TEST_CASE("errors are limited overall and by neighbourhood, and flow again later [R4443-2.4f]") {
  Config config = test_config();
  config.icmp_errors_per_second = 100;
  Host host(config);
  const auto flood = [&](const IpAddress& from, int packets) {
    for (int i = 0; i < packets; ++i) host.in(packet4(200, pattern(8), kOur4, from));
    return host.out().size();
  };
  const std::size_t first = flood(kPeer4, 1000);
  CHECK(first >= 1);
  CHECK(first <= 10);
  CHECK(host.count(Counter::icmp_errors_limited) == 1000 - first);
  CHECK(flood(ip("10.0.0.77"), 1) == 0);  // the same neighbourhood
  CHECK(flood(ip("198.51.100.1"), 1) == 1);
  std::size_t total = 0;
  for (int i = 0; i < 500; ++i) {
    host.now += std::chrono::milliseconds(20);
    for (std::uint32_t n = 0; n < 20; ++n) total += flood(IpAddress::v4(0xc6336400 + (n << 8)), 2);
  }
  // 100 a second for ten seconds, and what a full bucket held.
  CHECK(total > 700);
  CHECK(total < 1300);
}

TEST_CASE("how many errors a full bucket gives is not the same every time [A-TCP-11]") {
  std::vector<std::size_t> counts;
  Host host;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 200; ++i) host.in(packet4(200, pattern(8)));
    counts.push_back(host.out().size());
    host.now += std::chrono::seconds(10);
  }
  CHECK(std::adjacent_find(counts.begin(), counts.end(), std::not_equal_to<>()) != counts.end());
}

TEST_CASE("with a rate of zero no errors leave; a slow rate still lets the first go") {
  Config config = test_config();
  config.icmp_errors_per_second = 0;
  Host none(config);
  none.in(packet4(200, pattern(8)));
  CHECK(none.out().empty());
  config.icmp_errors_per_second = 1;
  Host one(config);
  one.in(packet4(200, pattern(8)));
  CHECK(one.out().size() == 1);
}

TEST_CASE("echo replies have a limit of their own") {
  Config config = test_config();
  config.echo_replies_per_second = 100;
  Host host(config);
  for (int i = 0; i < 1000; ++i) host.in(echo_request(true));
  CHECK(host.out().size() <= 10);
  CHECK(host.count(Counter::icmp_echo_limited) >= 990);
  host.in(packet4(200, pattern(8)));
  CHECK(host.out().size() == 1);
}

TEST_CASE("replies that find no room in the outbox are counted") {
  Host host(test_config(), 1u << 20, 50);
  host.in(packet4(200, pattern(8)));
  host.in(echo_request(true));
  CHECK(host.count(Counter::drop_outbox_full) == 2);
  CHECK(host.outbox.dropped() == 2);
}

TEST_CASE("a host without an address of the family has no voice") {
  Config config;
  config.addresses = {*Prefix::parse("10.0.0.1/24")};
  Host host(config);
  CHECK(host.is_dropped(packet6(0, Octets{17, 0, 0x85, 4, 0, 0, 0, 0} + pattern(8), ip("ff02::1"))));
  config.answer_group_echo = true;
  Host other(config);
  CHECK(other.is_dropped(icmp_packet(false, {.type = icmpv6::kEchoRequest}, pattern(8), ip("ff02::1"), kPeer6)));
  CHECK(host.out().empty());
  CHECK(other.out().empty());
}

}  // namespace
}  // namespace sluice::ip
