// Captures split into conversations: who opened, with which numbers, and which packets belong to it.
#include "lab/conversation.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "lab/conversation_summary.hpp"
#include "lab/exchange.hpp"
#include "lab/pcapng.hpp"
#include "stack/base/checksum.hpp"

namespace sluice::lab {
namespace {

using namespace std::chrono_literals;
using Packet = std::vector<std::uint8_t>;

const Endpoint kClient = *Endpoint::parse("10.0.0.1:40000"), kServer = *Endpoint::parse("10.0.0.2:80");

/// A packet of the notation; numbers as written.
Packet packet(const Endpoint& from, const Endpoint& to, std::string_view line) {
  const auto parsed = parse_packet(line);
  REQUIRE_MESSAGE(parsed, parsed.error().to_string());
  auto bytes = to_wire(*parsed, {.source = from, .destination = to});
  REQUIRE(bytes);
  return *bytes;
}
Packet client(std::string_view line) { return packet(kClient, kServer, line); }
Packet server(std::string_view line) { return packet(kServer, kClient, line); }

/// A capture file with a packet each millisecond.
Capture capture_of(const std::vector<Packet>& packets) {
  PcapngWriter writer;
  std::chrono::nanoseconds at = 1s;
  for (const Packet& one : packets) writer.add({at += 1ms}, one);
  return parse_capture(writer.bytes());
}

/// "1> 2< 3>": the packets by number, and who sent them.
std::string order(const Conversation& conversation) {
  std::string text;
  for (const ConversationPacket& one : conversation.packets)
    text += std::to_string(one.number) + (one.from_opener ? "> " : "< ");
  return text;
}

TEST_CASE("a connection belongs to whoever sent the SYN, and both ISNs are known") {
  const Capture capture = capture_of({client("S 100:100(0) win 1"), server("S. 900:900(0) ack 101 win 1"),
                                      client(". 101:101(0) ack 901 win 1"), server("P. 901:906(5) ack 101 win 1")});
  const Conversations found = split(capture);
  REQUIRE(found.all.size() == 1);
  const Conversation& one = found.all[0];
  CHECK(one.kind == ConversationKind::tcp);
  CHECK(one.opener == kClient);
  CHECK(one.other == kServer);
  CHECK(one.has_opening);
  CHECK(one.opener_isn == 100u);
  CHECK(one.other_isn == 900u);
  CHECK(order(one) == "1> 2< 3> 4< ");
  CHECK(one.title() == "tcp 10.0.0.1:40000 > 10.0.0.2:80");
  CHECK(one.packets[0].at == Time(1s + 1ms));
  CHECK(one.packets[3].at == Time(1s + 4ms));
}

TEST_CASE("a SYN with a new number begins a new conversation, a repeated one does not") {
  const Capture capture =
      capture_of({client("S 100:100(0) win 1"), client("S 100:100(0) win 1"), server("R. 0:0(0) ack 101 win 0"),
                  client("S 700:700(0) win 1"), server("S. 5:5(0) ack 701 win 1"), server("S. 5:5(0) ack 701 win 1")});
  const Conversations found = split(capture);
  REQUIRE(found.all.size() == 2);
  CHECK(order(found.all[0]) == "1> 2> 3< ");
  CHECK(order(found.all[1]) == "4> 5< 6< ");
  CHECK(!found.all[0].other_isn);
  CHECK(found.all[1].other_isn == 5u);
}

TEST_CASE("two SYNs that cross are one conversation, a later one of the other side is another") {
  const Capture crossing = capture_of({client("S 100:100(0) win 1"), server("S 900:900(0) win 1"),
                                       client("S. 100:100(0) ack 901 win 1"), server("S. 900:900(0) ack 101 win 1")});
  REQUIRE(split(crossing).all.size() == 1);
  CHECK(split(crossing).all[0].other_isn == 900u);
  const Capture turned = capture_of({client("S 100:100(0) win 1"), server("S. 900:900(0) ack 101 win 1"),
                                     server("S 3000:3000(0) win 1"), client("S. 8:8(0) ack 3001 win 1")});
  const Conversations found = split(turned);
  REQUIRE(found.all.size() == 2);
  CHECK(found.all[1].opener == kServer);
  CHECK(order(found.all[1]) == "3> 4< ");
}

TEST_CASE("what came before the SYN stands apart, and a SYN,ACK tells who opened") {
  const Capture early = capture_of(
      {server("P. 1:6(5) ack 1 win 1"), client("S 100:100(0) win 1"), server("S. 900:900(0) ack 101 win 1")});
  const Conversations found = split(early);
  REQUIRE(found.all.size() == 2);
  CHECK(!found.all[0].has_opening);
  CHECK(found.all[0].opener == kServer);
  CHECK(order(found.all[1]) == "2> 3< ");
  const Conversations late = split(capture_of({server("S. 900:900(0) ack 101 win 1"), client(". 101:101(0) ack 901")}));
  REQUIRE(late.all.size() == 1);
  CHECK(late.all[0].opener == kClient);
  CHECK(late.all[0].opener_isn == 100u);
  CHECK(!late.all[0].has_opening);
}

TEST_CASE("an ICMP error belongs to the conversation that it quotes, whoever sent it") {
  const Endpoint router = *Endpoint::parse("10.9.9.9:0");
  const Packet about_server = packet(kServer, kClient, "icmp unreachable port_unreachable [udp (4)]");
  Packet from_router = packet(kServer, kClient, "icmp unreachable host_unreachable [100:100(0)]");
  const Packet again = from_router;
  const Capture capture = capture_of({packet(kClient, kServer, "udp (4)"), about_server, client("S 100:100(0) win 1"),
                                      again, packet(router, kClient, "icmp echo_request id 7 seq 1 (8)")});
  const Conversations found = split(capture);
  REQUIRE(found.all.size() == 3);
  CHECK(order(found.all[0]) == "1> 2< ");
  CHECK(order(found.all[1]) == "3> 4< ");
  CHECK(found.all[2].kind == ConversationKind::icmp);
  CHECK(found.all[2].title() == "icmp 10.9.9.9 > 10.0.0.1");
}

TEST_CASE("pings with different identifiers are different conversations, in both families") {
  const Endpoint six = *Endpoint::parse("[fd00::1]:0"), other = *Endpoint::parse("[fd00::2]:0");
  const Capture capture = capture_of({packet(kClient, kServer, "icmp echo_request id 1 seq 1 (8)"),
                                      packet(kClient, kServer, "icmp echo_request id 2 seq 1 (8)"),
                                      packet(kServer, kClient, "icmp echo_reply id 1 seq 1 (8)"),
                                      packet(six, other, "icmp echo_request id 1 seq 1 (8)"),
                                      packet(other, six, "icmp echo_reply id 1 seq 1 (8)")});
  const Conversations found = split(capture);
  REQUIRE(found.all.size() == 3);
  CHECK(order(found.all[0]) == "1> 3< ");
  CHECK(order(found.all[1]) == "2> ");
  CHECK(order(found.all[2]) == "4> 5< ");
}

TEST_CASE("a fragment follows its first one, and without one it is counted") {
  const auto fragment = [](std::uint16_t id, std::uint16_t offset, bool more) {
    Packet bytes = packet(kClient, kServer, "udp (16)");
    ByteWriter field(MutableBytes(bytes).subspan(4, 4));
    field.u16(id);
    field.u16(static_cast<std::uint16_t>((more ? 0x2000 : 0) | offset / 8));
    ByteWriter(MutableBytes(bytes).subspan(10, 2)).u16(0);
    ByteWriter(MutableBytes(bytes).subspan(10, 2)).u16(internet_checksum(Bytes(bytes).first(20)));
    return bytes;
  };
  const Conversations found = split(capture_of({fragment(1, 0, true), fragment(1, 24, false), fragment(2, 24, false)}));
  REQUIRE(found.all.size() == 1);
  CHECK(order(found.all[0]) == "1> 2> ");
  CHECK(found.unassigned == 1);
}

TEST_CASE("what is no IP packet, or a damaged one, or too much is counted, never followed") {
  Packet cut = client("P. 101:201(100) ack 1 win 1");
  cut.resize(60);
  Packet short_header = client("S 1:1(0) win 1");
  short_header[32] = 0x40;  // a data offset of 16 bytes
  Packet strange = client("S 1:1(0) win 1");
  strange[9] = 99;  // a protocol nobody knows
  strange[10] = strange[11] = 0;
  ByteWriter(MutableBytes(strange).subspan(10, 2)).u16(internet_checksum(Bytes(strange).first(20)));
  const Capture capture = capture_of({Packet{}, Packet{0x12, 0x34}, cut, short_header, strange});
  const Conversations found = split(capture);
  CHECK(found.all.empty());
  CHECK(found.without_ip == 2);
  CHECK(found.damaged == 1);
  CHECK(found.unassigned == 2);

  const Capture many = capture_of({client("S 1:1(0)"), client("S 2:2(0)"), client("S 3:3(0)"), client("S 3:3(0)")});
  CHECK(split(many, {.conversations = 2}).all.size() == 2);
  CHECK(split(many, {.conversations = 2}).beyond_limits == 2);
  CHECK(split(many, {.packets = 3}).beyond_limits == 1);
}

TEST_CASE("time never goes back, and a file's error is told") {
  PcapngWriter writer;
  writer.add({5s}, client("S 1:1(0)"));
  writer.add({4s}, client("S 1:1(0)"));
  std::vector<std::uint8_t> file = writer.bytes();
  file.resize(file.size() - 3);
  file.insert(file.end(), 40, 0xee);
  const Capture capture = parse_capture(std::move(file));
  const Conversations found = split(capture);
  CHECK(!found.error.empty());
  writer.bytes().clear();
  PcapngWriter whole;
  whole.add({5s}, client("S 1:1(0)"));
  whole.add({4s}, client("S 1:1(0)"));
  const Capture good = parse_capture(whole.bytes());
  CHECK(split(good).all[0].packets[1].at == Time(5s));
}

TEST_CASE("a quote that ends before its ports names addresses alone, other messages quote nothing") {
  const auto quoted = [](std::string_view line) {
    const Packet bytes = packet(kServer, kClient, line);
    return view_quote(*view_datagram(bytes));
  };
  const auto quote = quoted("icmp unreachable host_unreachable [100:100(0)]");
  REQUIRE(quote);
  CHECK(quote->source == kClient);
  CHECK(quote->destination == kServer);
  CHECK(quote->protocol == protocol::kTcp);
  CHECK(quote->offset == 8 + 20);
  CHECK(!quoted("icmp echo_request id 1 seq 1 (40)"));
  CHECK(!quoted("icmp unreachable host_unreachable"));
  CHECK(!view_datagram({}));
  CHECK(!view_datagram(Bytes(client("S 1:1(0)")).first(19)));
}

TEST_CASE("the names of kinds") {
  CHECK(name(ConversationKind::udp) == "udp");
  CHECK(name(ConversationKind::icmp) == "icmp");
}

TEST_CASE("a summary counts each byte of a stream once, and segments that bring some again as retransmitted") {
  const Capture capture =
      capture_of({client("S 4294967290:4294967290(0) win 1"), server("S. 900:900(0) ack 4294967291 win 1"),
                  client("P. 4294967291:5(10) ack 901 win 1"), client("P. 4294967291:5(10) ack 901 win 1"),
                  client("P. 0:10(10) ack 901 win 1"), server("F. 901:901(0) ack 10 win 1")});
  const Conversations found = split(capture);
  REQUIRE(found.all.size() == 1);
  const ConversationSummary summary = summarize(found.all[0]);
  CHECK(summary.opener.packets == 4);
  CHECK(summary.opener.bytes == 15);
  CHECK(summary.opener.retransmitted == 2);
  CHECK(summary.other.bytes == 0);
  CHECK(summary.length == 5ms);
  CHECK(name(summary.end) == "half-closed");
}

}  // namespace
}  // namespace sluice::lab
