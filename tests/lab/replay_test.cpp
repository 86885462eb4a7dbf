// The parts of a replay alone: numbers translated, settings and the application inferred from what was captured.
#include "lab/replay.hpp"

#include <doctest/doctest.h>

#include <deque>

#include "lab/exchange.hpp"
#include "lab/replay_application.hpp"
#include "lab/replay_numbers.hpp"
#include "lab/replay_stream.hpp"
#include "stack/base/checksum.hpp"
#include "stack/wire/pseudo_header.hpp"

namespace sluice::lab {
namespace {

using namespace std::chrono_literals;
using Packet = std::vector<std::uint8_t>;

/// Both ends of one family.
struct Ends {
  Endpoint client;
  Endpoint server;
};
const Ends kV4{*Endpoint::parse("10.0.0.1:40000"), *Endpoint::parse("10.0.0.2:80")};
const Ends kV6{*Endpoint::parse("[fd00::1]:40000"), *Endpoint::parse("[fd00::2]:80")};

Packet build(const Endpoint& from, const Endpoint& to, std::string_view line) {
  const auto parsed = parse_packet(line);
  REQUIRE_MESSAGE(parsed, parsed.error().to_string());
  auto bytes = to_wire(*parsed, {.source = from, .destination = to});
  REQUIRE(bytes);
  return *bytes;
}

std::string text(const Packet& packet) {
  const auto opened = open_packet(packet);
  REQUIRE(opened);
  return to_text(brief(to_line(*opened, {}, {})));
}

bool checksum_is_good(const Packet& packet) {
  const auto view = view_datagram(packet);
  ChecksumSum sum;
  if (view->protocol != protocol::kIcmp)
    sum = wire::pseudo_header(view->source, view->destination, view->protocol, view->transport.size());
  sum.add(view->transport);
  return sum.checksum() == 0;
}

/// A conversation written down: "<" from the client, ">" from the server; a millisecond between packets.
class Written {
 public:
  explicit Written(std::initializer_list<std::string_view> lines, const Ends& ends = kV4) {
    conversation.opener = ends.client;
    conversation.other = ends.server;
    for (const std::string_view line : lines) {
      const bool from_client = line[0] == '<';
      bytes_.push_back(
          build(from_client ? ends.client : ends.server, from_client ? ends.server : ends.client, line.substr(2)));
      const std::size_t number = conversation.packets.size() + 1;
      conversation.packets.push_back(
          {number, Time(std::chrono::milliseconds(number)), from_client, Direction::unknown, false, bytes_.back()});
    }
    conversation.opener_isn = 0;
    conversation.other_isn = 0;
    conversation.has_opening = true;
  }
  Conversation conversation;

 private:
  std::deque<Packet> bytes_;
};

TEST_CASE("a segment's words about our numbers are moved, its own are not") {
  for (const Ends& ends : {kV4, kV6}) {
    const Packet before =
        build(ends.client, ends.server,
              "P. 500:510(10) ack 1000 win 7 <nop,nop,TS val 5 ecr 70,nop,nop,sack 1100:1200 1300:1400>");
    const Packet after = translated(before, {.isn = 10000, .stamp = 300});
    CHECK(text(after) ==
          "P. 500:510(10) ack 11000 win 7 <nop,nop,TS val 5 ecr 370,nop,nop,sack 11100:11200 11300:11400>");
    CHECK(checksum_is_good(after));
    CHECK(translated(before, {}) == before);
  }
}

TEST_CASE("numbers wrap, and without the ACK bit nothing is about us") {
  const Packet ack = build(kV4.client, kV4.server, ". 1:1(0) ack 4294967290 win 7");
  CHECK(text(translated(ack, {.isn = 10, .stamp = 0})) == ". 1:1(0) ack 4 win 7");
  const Packet syn = build(kV4.client, kV4.server, "S 1:1(0) win 7 <mss 1460,sackOK,TS val 9 ecr 0>");
  CHECK(translated(syn, {.isn = 10, .stamp = 10}) == syn);
  const Packet udp = build(kV4.client, kV4.server, "udp (8)");
  CHECK(translated(udp, {.isn = 10, .stamp = 10}) == udp);
}

TEST_CASE("options that run past their end are left alone") {
  Packet packet = build(kV4.client, kV4.server, ". 1:1(0) ack 5 win 7 <nop,nop,TS val 9 ecr 7>");
  packet[20 + 20 + 3] = 60;  // the length of the timestamps
  const Packet after = translated(packet, {.isn = 1, .stamp = 1});
  CHECK(std::equal(after.begin() + 40, after.end(), packet.begin() + 40, packet.end()));
  CHECK(translated(Packet{1, 2, 3}, {.isn = 1, .stamp = 1}) == Packet{1, 2, 3});
}

TEST_CASE("an ICMP error quotes the number that we sent now") {
  for (const Ends& ends : {kV4, kV6}) {
    const bool v4 = ends.client.address.is_v4();
    const Packet error = build(ends.client, ends.server,
                               v4 ? "icmp unreachable frag_needed mtu 1400 [1000:1100(100)]"
                                  : "icmp packet_too_big mtu 1400 [1000:1100(100)]");
    const Packet after = translated(error, {.isn = 5000, .stamp = 0});
    CHECK(text(after).find("[6000:6100(100)]") != std::string::npos);
    CHECK(checksum_is_good(after));
  }
  const Packet about_udp = build(kV4.client, kV4.server, "icmp unreachable port_unreachable [udp (4)]");
  CHECK(translated(about_udp, {.isn = 5000, .stamp = 0}) == about_udp);
}

TEST_CASE("the settings of our side are read from what it offered") {
  const Written full({"< S 0:0(0) win 65535 <mss 1000,sackOK,TS val 1 ecr 0,nop,wscale 4>",
                      "> S. 0:0(0) ack 1 win 60000 <mss 1400,sackOK,TS val 1 ecr 1,nop,wscale 0>",
                      "< (ttl 64) . 1:1(0) ack 1 win 50000 <nop,nop,TS val 1 ecr 1>",
                      "> . 1:1(0) ack 1 win 40000 <nop,nop,TS val 1 ecr 1>"});
  const ReplaySettings client = settings_from(full.conversation, Side::opener);
  CHECK(client.stack.ip.mtu == 1040);
  CHECK(client.stack.tcp.sack);
  CHECK(client.stack.tcp.timestamps);
  CHECK(client.stack.tcp.window_scaling);
  CHECK(client.socket.receive_buffer == 800000);
  const ReplaySettings server = settings_from(full.conversation, Side::other);
  CHECK(server.stack.ip.mtu == 1440);
  CHECK(server.socket.receive_buffer == 40000);
}

TEST_CASE("what our side did not offer it has not, unless it was not asked") {
  const Written plain({"< S 0:0(0) win 3000", "> S. 0:0(0) ack 1 win 3000"}, kV6);
  const ReplaySettings client = settings_from(plain.conversation, Side::opener);
  CHECK(!client.stack.tcp.sack);
  CHECK(!client.stack.tcp.timestamps);
  CHECK(!client.stack.tcp.window_scaling);
  CHECK(client.socket.receive_buffer == 3000);
  const ReplaySettings server = settings_from(plain.conversation, Side::other);
  CHECK(server.stack.tcp.sack);
  CHECK(server.stack.tcp.timestamps);
  CHECK(server.stack.tcp.window_scaling);
  const Written refusing(
      {"< S 0:0(0) win 3000 <mss 1000,sackOK,TS val 1 ecr 0,nop,wscale 4>", "> S. 0:0(0) ack 1 win 3000 <mss 1000>"});
  const ReplaySettings refused = settings_from(refusing.conversation, Side::other);
  CHECK(!refused.stack.tcp.sack);
  CHECK(!refused.stack.tcp.timestamps);
  CHECK(!refused.stack.tcp.window_scaling);
}

TEST_CASE("a first window that no buffer of the offered scale gives is not believed") {
  const Written tuned({"< S 0:0(0) win 64240 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>",
                       "> S. 0:0(0) ack 1 win 64000 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>",
                       "< . 1:1(0) ack 1 win 502 <nop,nop,TS val 1 ecr 1>"});
  CHECK(settings_from(tuned.conversation, Side::opener).socket.receive_buffer == 65535u << 7);
}

TEST_CASE("small text behind unacknowledged text means that Nagle is off") {
  const Written eager({"< S 0:0(0) win 65535 <mss 1000>", "> S. 0:0(0) ack 1 win 65535 <mss 1000>",
                       "< P. 1:11(10) ack 1 win 65535", "< P. 11:21(10) ack 1 win 65535"});
  CHECK(settings_from(eager.conversation, Side::opener).socket.no_delay);
  const Written patient({"< S 0:0(0) win 65535 <mss 1000>", "> S. 0:0(0) ack 1 win 65535 <mss 1000>",
                         "< P. 1:11(10) ack 1 win 65535", "> . 1:1(0) ack 11 win 65535",
                         "< P. 11:21(10) ack 1 win 65535", "< P. 11:21(10) ack 1 win 65535"});
  CHECK(!settings_from(patient.conversation, Side::opener).socket.no_delay);
}

TEST_CASE("text up to a PSH is one write, and repetitions are none") {
  const Written written({"< S 0:0(0) win 65535 <mss 1000>", "> S. 0:0(0) ack 1 win 65535 <mss 1000>",
                         "< . 1:1001(1000) ack 1 win 65535", "< P. 1001:1501(500) ack 1 win 65535",
                         "< . 1:1001(1000) ack 1 win 65535", "< P. 1001:1601(600) ack 1 win 65535",
                         "< . 1601:1701(100) ack 1 win 65535"});
  const OurStream stream = both_streams(written.conversation).opener;
  CHECK(stream.text.size() == 1700);
  REQUIRE(stream.writes.size() == 3);
  CHECK(stream.writes[0].packet == 2);
  CHECK(stream.writes[0].end == 1500);
  CHECK(stream.writes[1].packet == 5);
  CHECK(stream.writes[1].end == 1600);
  CHECK(stream.writes[2].packet == 6);
  CHECK(both_streams(written.conversation).other.text.empty());
  Conversation unknown = written.conversation;
  unknown.opener_isn.reset();
  CHECK(both_streams(unknown).opener.writes.empty());
}

TEST_CASE("our own retransmission of the capture that brings more text than before goes on with the rest") {
  const Written written({"< S 0:0(0) win 65535", "> S. 0:0(0) ack 1 win 65535", "< P. 1:101(100) ack 1 win 65535",
                         "< P. 51:201(150) ack 1 win 65535"});
  const OurStream stream = both_streams(written.conversation).opener;
  CHECK(stream.text.size() == 200);
  CHECK(stream.writes.back().end == 200);
}

TEST_CASE("an earlier ACK of the peer's has his numbers and window, no text, no FIN and no SACK blocks") {
  for (const Ends& ends : {kV4, kV6}) {
    const Packet before = build(ends.client, ends.server, "FP. 500:510(10) ack 1500 win 7 <nop,nop,TS val 5 ecr 70>");
    const NumberBase captured{.isn = 1000, .stamp = 60, .end = 500}, now{.isn = 7000, .stamp = 90, .end = 200};
    const auto ack = earlier_ack(before, 200, captured, now);
    REQUIRE(ack);
    CHECK(text(*ack) == ". 500:500(0) ack 7200 win 7 <nop,nop,TS val 5 ecr 100>");
    CHECK(checksum_is_good(*ack));
    CHECK_FALSE(earlier_ack(build(ends.client, ends.server, "S 0:0(0)"), 200, captured, now));
    const auto sacked =
        earlier_ack(build(ends.client, ends.server, ". 1:1(0) ack 2 <nop,nop,sack 5:9>"), 200, captured, now);
    REQUIRE(sacked);
    CHECK(text(*sacked).find("sack") == std::string::npos);
    CHECK(checksum_is_good(*sacked));
  }
}

TEST_CASE("a peer whose ACK comes too early says first what he has, at level stream alone") {
  // Our side left the cutting to its device, and had a larger window for its first flight.
  Written written({"< S 0:0(0) win 65535 <mss 1000>", "> S. 0:0(0) ack 1 win 65535 <mss 1000>",
                   "< . 1:1(0) ack 1 win 65535", "> P. 1:30001(30000) ack 1 win 65535",
                   "< . 1:1(0) ack 30001 win 65535"});
  ReplaySettings settings = settings_from(written.conversation, Side::other);
  CHECK_FALSE(replay(written.conversation, Side::other, settings).same());
  settings.level = Level::stream;
  settings.after = 10s;
  const Verdict verdict = replay(written.conversation, Side::other, settings);
  CHECK_MESSAGE(verdict.same(), to_text(verdict));
  CHECK(verdict.added > 0);
  CHECK(verdict.super_segments == 1);
}

TEST_CASE("a number before the last acknowledged one is a keep-alive, if the window is open: sent when it was sent") {
  const Written idle({"< S 0:0(0) win 65535 <mss 1000>", "> S. 0:0(0) ack 1 win 65535 <mss 1000>",
                      "< . 1:1(0) ack 1 win 65535", "< P. 1:6(5) ack 1 win 65535", "> . 1:1(0) ack 6 win 65530",
                      "< . 5:5(0) ack 1 win 65535", "> . 1:1(0) ack 6 win 65530", "< . 5:5(0) ack 1 win 65535",
                      "> . 1:1(0) ack 6 win 0", "< . 5:5(0) ack 1 win 65535", "> . 1:1(0) ack 6 win 65530"});
  const OurStream stream = both_streams(idle.conversation).opener;
  CHECK(stream.probes == std::vector<std::size_t>{5, 7});
  ReplaySettings settings = settings_from(idle.conversation, Side::opener);
  settings.until = 9;
  const Verdict verdict = replay(idle.conversation, Side::opener, settings);
  CHECK_MESSAGE(verdict.same(), to_text(verdict));
}

/// A client's SYN with text and a cookie that the server takes.
const std::initializer_list<std::string_view> kFastOpened = {
    "< S 0:11(11) win 65535 <mss 1000,FO 0102030405060708,nop,nop>", "> S. 0:0(0) ack 12 win 65535 <mss 1000>",
    "< . 12:12(0) ack 1 win 65535", "> P. 1:12(11) ack 12 win 65535", "< . 12:12(0) ack 12 win 65535"};

TEST_CASE("a server that took the text of a SYN is shown a cookie of its own, and takes it again") {
  const Written written(kFastOpened);
  ReplaySettings settings = settings_from(written.conversation, Side::other);
  CHECK(settings.fast_open);
  settings.windows = false;
  const Verdict verdict = replay(written.conversation, Side::other, settings);
  CHECK_MESSAGE(verdict.same(), to_text(verdict));
  settings.fast_open = false;
  CHECK_FALSE(replay(written.conversation, Side::other, settings).same());
  const Written refused({"< S 0:11(11) win 65535 <mss 1000,FO 0102030405060708,nop,nop>",
                         "> S. 0:0(0) ack 1 win 65535 <mss 1000>", "< P. 1:12(11) ack 1 win 65535"});
  CHECK_FALSE(settings_from(refused.conversation, Side::other).fast_open);
}

TEST_CASE("text of a SYN goes again as a segment of its own, without what belongs to a SYN") {
  for (const Ends& ends : {kV4, kV6}) {
    const Packet syn = build(ends.client, ends.server,
                             "S 500:510(10) win 7 <mss 1000,sackOK,TS val 5 ecr 0,wscale 3,FO 0102030405060708>");
    const auto again = text_of_syn(syn, {.isn = 7000});
    REQUIRE(again);
    const std::string line = text(*again);
    CHECK(line.starts_with("P. 501:511(10) ack 7001 win 7 <"));
    CHECK(line.find("TS val 5 ecr 0") != std::string::npos);
    for (const std::string_view word : {"mss", "sackOK", "wscale", "FO"}) CHECK(line.find(word) == std::string::npos);
    CHECK(checksum_is_good(*again));
    CHECK_FALSE(text_of_syn(syn, {}));
    CHECK_FALSE(text_of_syn(build(ends.client, ends.server, "S 500:500(0)"), {.isn = 7000}));
    CHECK_FALSE(text_of_syn(build(ends.client, ends.server, "P. 500:510(10) ack 1"), {.isn = 7000}));
  }
}

TEST_CASE("a server that took text by a cookie of another length than ours hears it again, at level stream alone") {
  const Written written({"< S 0:10(10) win 65535 <mss 1000,FO 0102030405060708090a0b0c0d0e0f10>",
                         "> S. 0:0(0) ack 11 win 65535 <mss 1000>", "< . 11:11(0) ack 1 win 65535"});
  ReplaySettings settings = settings_from(written.conversation, Side::other);
  CHECK_FALSE(replay(written.conversation, Side::other, settings).same());
  settings.level = Level::stream;
  settings.after = 10s;
  const Verdict verdict = replay(written.conversation, Side::other, settings);
  CHECK_MESSAGE(verdict.same(), to_text(verdict));
  CHECK(verdict.added == 1);
}

TEST_CASE("a client whose SYN had text writes it before the SYN, and asks for the cookie that it lacks") {
  const Written written(kFastOpened);
  ReplaySettings settings = settings_from(written.conversation, Side::opener);
  CHECK(settings.fast_open);
  settings.level = Level::stream;
  settings.after = 10s;
  std::vector<Packet> said;
  settings.on_packet = [&](Time, Direction direction, Bytes bytes) {
    if (direction == Direction::out) said.emplace_back(bytes.begin(), bytes.end());
  };
  const Verdict verdict = replay(written.conversation, Side::opener, settings);
  CHECK_MESSAGE(verdict.same(), to_text(verdict));
  REQUIRE(said.size() >= 2);
  CHECK(text(said[0]).find("FO") != std::string::npos);
}

TEST_CASE("a cookie takes the place of one of its size, and the checksum follows") {
  const wire::tcp::FastOpen cookie{
      .present = true, .experimental = false, .size = 8, .cookie = {9, 9, 9, 9, 9, 9, 9, 9}};
  for (const Ends& ends : {kV4, kV6}) {
    Packet syn = build(ends.client, ends.server, "S 0:3(3) win 7 <mss 1000,FO 0102030405060708,nop,nop>");
    show_cookie(syn, cookie);
    CHECK(text(syn).find("FO 0909090909090909") != std::string::npos);
    CHECK(checksum_is_good(syn));
    const Packet shorter = build(ends.client, ends.server, "S 0:3(3) win 7 <mss 1000,FO 01020304,nop,nop>");
    Packet same = shorter;
    show_cookie(same, cookie);
    CHECK(same == shorter);
  }
}

TEST_CASE(
    "a straggler that only a repeated FIN of the capture called for finds the connection over: that is no other end") {
  const Written written({"< S 0:0(0) win 65535 <mss 1000>", "> S. 0:0(0) ack 1 win 65535 <mss 1000>",
                         "< F. 1:1(0) ack 1 win 65535", "> F. 1:1(0) ack 2 win 65535", "< . 2:2(0) ack 2 win 65535",
                         "> F. 1:1(0) ack 2 win 65535", "< . 2:2(0) ack 2 win 65535"});
  ReplaySettings settings = settings_from(written.conversation, Side::other);
  settings.level = Level::acks;
  std::size_t resets = 0;
  settings.on_packet = [&](Time, Direction direction, Bytes bytes) {
    if (direction == Direction::out) resets += tcp_header(*view_datagram(bytes))->has(wire::tcp::rst) ? 1u : 0u;
  };
  const Verdict verdict = replay(written.conversation, Side::other, settings);
  CHECK_MESSAGE(verdict.same(), to_text(verdict));
  CHECK(resets == 1);
}

TEST_CASE("a RST before both sides have finished is an end, after that it is none") {
  const Written written({"< S 0:0(0) win 65535 <mss 1000>", "> S. 0:0(0) ack 1 win 65535 <mss 1000>",
                         "< F. 1:1(0) ack 1 win 65535", "> R. 1:1(0) ack 2 win 65535"});
  const Written closed({"< S 0:0(0) win 65535 <mss 1000>", "> S. 0:0(0) ack 1 win 65535 <mss 1000>",
                        "< F. 1:1(0) ack 1 win 65535", "> F. 1:1(0) ack 2 win 65535", "> R 2:2(0) win 0"});
  const auto run_of = [](const Conversation& conversation) {
    StreamFollower follower(nullptr, 1);
    for (const ConversationPacket& packet : conversation.packets)
      if (!packet.from_opener) follower.look(*view_segment(packet.bytes), packet.number, {}, {{0, {}}, {0, {}}});
    return follower.run();
  };
  CHECK(run_of(written.conversation).reset);
  CHECK_FALSE(run_of(closed.conversation).reset);
}

TEST_CASE("the names of the sides") {
  CHECK(name(Side::opener) == "opener");
  CHECK(name(Side::other) == "other side");
}

}  // namespace
}  // namespace sluice::lab
