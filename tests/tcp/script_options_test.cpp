// What the handshake agrees on, and what every segment carries: options, MSS, scaling, ISN, ports, IP fields
// (RFC 9293 3.1, 3.2, 3.4.1, 3.7.1, 3.9; RFC 7323 section 2; RFC 6528).
#include <doctest/doctest.h>

#include <set>

#include "tests/support/script.hpp"
#include "tests/support/script_wire.hpp"

namespace sluice::test {
namespace {

using tcp::Counter;
using tcp::State;

// The text that the first of many bytes written fills a segment with.
std::uint32_t first_segment(Script& script) {
  script.write(20000);
  const std::uint32_t size = script.take().segment()->length;
  script.skip();
  return size;
}

// --- MSS ---------------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script, "segments are as large as the peer's MSS option says [9293 MUST-14, SHLD-28]") {
  established({.mss = 1234});
  CHECK(first_segment(*this) == 1234);
}

TEST_CASE_FIXTURE(Script, "without an MSS option 536 bytes are sent over IPv4, 1220 over IPv6 [9293 MUST-15]") {
  established({.mss = 0});
  CHECK(first_segment(*this) == (family == Family::ipv4 ? 536 : 1220));
}

TEST_CASE_FIXTURE(Script, "segments are no larger than our MTU allows, whatever the peer offers [9293 MUST-16]") {
  established({.mss = 9000});
  CHECK(first_segment(*this) == 1460);
}

TEST_CASE_FIXTURE(Script, "the application's limit of a segment is offered, and kept to") {
  listen({.options = {.maximum_segment = 700}});
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1 <mss 700>");
  in(". 1:1(0) ack 1");
  accept();
  CHECK(first_segment(*this) == 700);
  set([](tcp::Options& o) { o.maximum_segment = 0; });
  CHECK(socket.info()->send_mss == 1000);
  set([](tcp::Options& o) { o.maximum_segment = 1; });
  CHECK(socket.info()->send_mss == 48);
}

TEST_CASE_FIXTURE(Script, "options make a segment's text smaller by their size [9293 MUST-16]") {
  established({.mss = 1000, .timestamps = true});
  CHECK(first_segment(*this) == 988);
}

TEST_CASE_FIXTURE(Script, "a tiny MSS counts as 48 [A-TCP-31]") {
  established({.mss = 1});
  CHECK(first_segment(*this) == 48);
}

TEST_CASE_FIXTURE(Script, "segments to a peer with a tiny MSS leave at a bounded rate [A-TCP-31]") {
  config.tcp.small_segments_per_second = 100;
  established({.mss = 48});
  write(20'000);
  std::uint32_t segments = 0, acked = 1;
  for (int i = 0; i < 200; ++i) {
    while (waiting() > 0) {
      acked += take().segment()->length;
      ++segments;
    }
    in(text_line(".", 1, 0, " ack " + std::to_string(acked)));
    run(10ms);
  }
  skip();
  CHECK(segments >= 180);
  CHECK(segments <= 207);
}

TEST_CASE_FIXTURE(Script,
                  "we announce the MTU less the fixed headers, on a SYN and nowhere else [9293 MUST-65, MUST-67, "
                  "SHLD-5, SHLD-6, MAY-3, R8200-8.3-1, R1122-3.3.2-4]") {
  config.ip.mtu = 1400;
  const int headers = family == Family::ipv4 ? 40 : 60;
  listen();
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1 <mss " + std::to_string(1400 - headers) + ">");
  in(". 1:1(0) ack 1");
  accept();
  write(10);
  out("P. 1:11(10) ack 1 <>");
  finish();
  out("F. 11:11(0) ack 1 <>");
}

// --- reading options ---------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script, "options of unknown kinds are skipped by their length [9293 MUST-6]") {
  listen();
  in("S 0:0(0) <kind 99 0x0102030405,mss 700,kind 253>");
  take();
  in(". 1:1(0) ack 1");
  accept();
  CHECK(first_segment(*this) == 700);
}

TEST_CASE_FIXTURE(Script,
                  "options stand at any offset and between NOPs; EOL ends the list [9293 MUST-4, MUST-64, MUST-69]") {
  listen();
  in("S 0:0(0) <nop,mss 700,nop,nop,nop,eol,mss 800>");
  take();
  in(". 1:1(0) ack 1");
  accept();
  CHECK(first_segment(*this) == 700);
}

TEST_CASE_FIXTURE(Script, "options are read on any segment: timestamps on every one [9293 MUST-5]") {
  established({.timestamps = true});
  in("P. 1:101(100) ack 1 <kind 99 0x01,TS val 5000 ecr 0,nop>");
  out(". 1:1(0) ack 101 <nop,nop,TS val 0 ecr 5000>");
}

TEST_CASE_FIXTURE(Script,
                  "an option of impossible length ends the list and harms nobody [9293 MUST-7, MUST-68, A-PRS-01, "
                  "A-PRS-02, A-PRS-07]") {
  // The length byte of the second option, at 20 + 4 + 1 behind the TCP header's start.
  const std::size_t at = (family == Family::ipv4 ? 20u : 40u) + 25;
  listen();
  for (const int length : {0, 1, 12, 255}) {
    peer(static_cast<std::uint16_t>(41000 + length));
    auto syn = wire("S 0:0(0) <mss 700,kind 99 0x010203040506>");
    syn[at] = static_cast<std::uint8_t>(length);
    mend_checksums(syn);
    in_bytes(syn, "SYN with a bad option");
    out("S. 0:0(0) ack 1 <mss 1460>");
  }
  CHECK(count(Counter::malformed_options) == 4);
}

TEST_CASE_FIXTURE(Script, "a known option of wrong length is skipped") {
  listen();
  in("S 0:0(0) <kind 2 0x010203,kind 3 0x0102,kind 4 0x01,kind 8 0x0102,mss 700>");
  out("S. 0:0(0) ack 1 <mss 1460>");
}

TEST_CASE_FIXTURE(
    Script, "MSS, SACK-permitted and window scale mean nothing on an established connection [R7323-2.2-2, R2018-2-1]") {
  established({.mss = 1000});
  in(". 1:1(0) ack 1 win 1000 <mss 100,sackOK,nop,wscale 7>");
  CHECK(socket.info()->send_window == 1000);
  CHECK_FALSE(socket.info()->sack);
  write(1000);
  out("P. 1:1001(1000) ack 1");
}

// --- what is offered in return -----------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script,
                  "SYN,ACK offers only what the SYN offered [R7323-2.2-1, R7323-2.2-4, R7323-3.2-8, R2018-4-1]") {
  listen();
  const std::pair<std::string_view, std::string_view> pairs[] = {
      {"<>", "<mss 1460>"},
      {"<sackOK>", "<mss 1460,nop,nop,sackOK>"},
      {"<nop,wscale 7>", "<mss 1460,nop,wscale 7>"},
      {"<TS val 9 ecr 0>", "<mss 1460,nop,nop,TS val 0 ecr 9>"},
      {"<mss 900,sackOK,TS val 9 ecr 0,nop,wscale 7>", "<mss 1460,sackOK,TS val 0 ecr 9,nop,wscale 7>"},
  };
  std::uint16_t port = 41000;
  for (const auto& [offered, answered] : pairs) {
    peer(port++);
    in("S 0:0(0) " + std::string(offered));
    out("S. 0:0(0) ack 1 " + std::string(answered));
  }
}

TEST_CASE_FIXTURE(Script, "what is switched off is neither offered nor taken") {
  config.tcp.sack = config.tcp.timestamps = config.tcp.window_scaling = false;
  listen();
  in("S 0:0(0) <mss 1000,sackOK,TS val 1 ecr 0,nop,wscale 7>");
  out("S. 0:0(0) ack 1 <mss 1460>");
}

TEST_CASE_FIXTURE(Script, "what the peer did not take up is not used after an active OPEN [R7323-2.3-4]") {
  established({.active = true});
  const tcp::Info info = *socket.info();
  CHECK_FALSE(info.sack);
  CHECK_FALSE(info.timestamps);
  CHECK_FALSE(info.window_scaling);
  write(10);
  out("P. 1:11(10) ack 1 win 65535 <>");
}

// --- window scale ------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script, "windows are scaled both ways, but never on a SYN [R7323-2.2-3, R7323-2.3-1, R7323-2.3-2]") {
  listen();
  in("S 0:0(0) win 1000 <mss 1000,nop,wscale 4>");
  out("S. 0:0(0) ack 1 win 65535 <mss 1460,nop,wscale 7>");
  in(". 1:1(0) ack 1 win 1000");
  accept();
  CHECK(socket.info()->send_window == 16000);
  in("P. 1:11(10) ack 1 win 500");
  CHECK(socket.info()->send_window == 8000);
  const auto ack = take();
  CHECK(ack.segment()->window == (262144 - 10) >> 7);
}

TEST_CASE_FIXTURE(Script, "the SYN's own window is not scaled [R7323-2.2-3]") {
  connect();
  take();
  in("S. 0:0(0) ack 1 win 3000 <mss 1000,nop,wscale 4>");
  take();
  CHECK(socket.info()->send_window == 3000);
}

TEST_CASE_FIXTURE(Script, "a shift above 14 counts as 14 [R7323-2.3-3]") {
  established({.wscale = 15, .window = 10});
  CHECK(socket.info()->send_scale == 14);
  CHECK(socket.info()->send_window == 10u << 14);
}

TEST_CASE_FIXTURE(Script, "a shift of zero is offered too [R7323-2.2-5]") {
  tcp::OpenOptions options;
  options.options.receive_buffer = 4096;
  connect(options);
  out("S 0:0(0) win 4096 <mss 1460,sackOK,TS val 0 ecr 0,nop,wscale 0>");
}

TEST_CASE_FIXTURE(Script, "a window above 32767 is not a negative one [9293 MUST-1, REC-1]") {
  established({.window = 65535});
  CHECK(socket.info()->send_window == 65535);
  set([](tcp::Options& o) { o.send_buffer = 1 << 20; });
  write(600000);
  std::size_t most = 0;
  while (skip() > 0) {  // slow start opens the flight as far as the window allows
    const tcp::Info info = *socket.info();
    most = std::max(most, info.unacked);
    in(text_line(".", 1, 0, " ack " + std::to_string(1 + info.bytes_acked + info.unacked)));
  }
  CHECK(most == 65000);
}

// --- ISN, ports, addresses ---------------------------------------------------------------------------------------

std::uint32_t isn_of(Script& script, const Endpoint& local) {
  script.ports(local.port, Script::kPeerPort);
  auto socket = script.stack().connect(script.tuple().remote, {.local = local});
  REQUIRE(socket);
  script.run(0s);
  const auto raw = lab::to_line(*lab::open_packet((script.take(), script.last_bytes())), {}, {});
  socket->abort();
  script.run(0s);
  return raw.segment()->seq;
}

TEST_CASE_FIXTURE(Script,
                  "the ISN of a 4-tuple advances by one every 4 microseconds [9293 MUST-8, SHLD-1, R6528-3-1]") {
  const Endpoint local = tuple().local;
  const std::uint32_t first = isn_of(*this, local);
  run(4ms);
  CHECK(isn_of(*this, local) - first == 1000);
  run(1h);
  CHECK(isn_of(*this, local) - first == 1000 + 900'000'000);
}

TEST_CASE_FIXTURE(
    Script, "the ISNs of different 4-tuples and keys tell nothing of each other [9293 MUST-9, R6528-3-2, A-TCP-05]") {
  std::set<std::uint32_t> seen;
  for (std::uint16_t port = 1000; port < 1200; ++port) seen.insert(isn_of(*this, {tuple().local.address, port}) >> 20);
  CHECK(seen.size() > 150);  // of 4096 places: neighbours of a counter would share few
}

TEST_CASE_FIXTURE(Script, "a secret that changes changes every ISN [R6528-3-2]") {
  Script other;
  other.config.key[5] ^= 1;
  other.our_isn = our_isn;
  const Duration unlike = 0s;
  run(unlike);
  other.run(unlike);
  // Both began at the time that gives 8080/40000 the wanted ISN, which is another time under another key.
  CHECK(isn_of(*this, {tuple().local.address, 7000}) != isn_of(other, {other.tuple().local.address, 7000}));
}

TEST_CASE_FIXTURE(Script, "OPEN takes a local address and port, and keeps them [9293 MUST-43, MUST-45]") {
  const bool v4 = family == Family::ipv4;
  const IpAddress first = *IpAddress::parse(v4 ? "10.0.0.7" : "fd00::7"), second = tuple().local.address;
  config.ip.addresses = {{first, static_cast<std::uint8_t>(v4 ? 24 : 64)},
                         {second, static_cast<std::uint8_t>(v4 ? 24 : 64)}};
  connect({.local = Endpoint{second, kActivePort}});
  out("S 0:0(0)");
  in("S. 0:0(0) ack 1 <mss 1000>");
  out(". 1:1(0) ack 1");
  write(10);
  out("P. 1:11(10) ack 1");
  CHECK(lab::open_packet(last_bytes())->source.address == second);
  CHECK(socket.local()->address == second);
}

TEST_CASE_FIXTURE(Script,
                  "without one, IP chooses the source address before the first SYN [9293 MUST-44, R1122-3.4-1]") {
  auto made = stack().connect({tuple().remote.address, 80});
  REQUIRE(made);
  CHECK(made->local()->address == tuple().local.address);
  CHECK(made->local()->port >= 32768);
  CHECK(made->local()->port <= 60999);
  run(0s);
  skip();
}

TEST_CASE_FIXTURE(Script,
                  "OPEN to nobody, to a group or from a foreign address fails here [9293 MUST-46, R9293-3.10.1-2]") {
  const bool v4 = family == Family::ipv4;
  const auto open = [&](std::string_view address, std::uint16_t port, std::optional<Endpoint> local = std::nullopt) {
    return stack().connect({*IpAddress::parse(address), port}, {.local = local}).error();
  };
  CHECK(open(v4 ? "0.0.0.0" : "::", 80) == Errc::invalid_argument);
  CHECK(open(v4 ? "224.0.0.1" : "ff02::1", 80) == Errc::invalid_argument);
  if (v4) CHECK(open("255.255.255.255", 80) == Errc::invalid_argument);
  if (v4) CHECK(open("10.0.0.255", 80) == Errc::invalid_argument);
  CHECK(open(v4 ? "10.0.0.2" : "fd00::2", 0) == Errc::invalid_argument);
  CHECK(open(v4 ? "10.0.0.2" : "fd00::2", 80, Endpoint{tuple().remote.address, 0}) == Errc::address_not_available);
  CHECK(open(v4 ? "fd00::2" : "10.0.0.2", 80, tuple().local) == Errc::address_family);
  quiet(1s);
}

TEST_CASE_FIXTURE(Script, "a 4-tuple is opened once [R9293-3.10.1-1]") {
  connect();
  take();
  CHECK(stack().connect(tuple().remote, {.local = tuple().local}).error() == Errc::address_in_use);
}

// --- checksums and addresses of what arrives ---------------------------------------------------------------------

TEST_CASE_FIXTURE(Script, "a wrong checksum is dropped without an answer [9293 MUST-3]") {
  established();
  auto segment = wire("P. 1:101(100) ack 1");
  segment.back() ^= 1;
  in_bytes(segment, "P. 1:101(100) with a bit turned over");
  quiet(1s);
  CHECK(count(Counter::drop_bad_checksum) == 1);
  CHECK(socket.readable() == 0);
}

TEST_CASE_FIXTURE(Script, "a data offset below 5 or past the segment's end is dropped [R9293-3.1-2, A-PRS-03]") {
  established();
  const std::size_t at = (family == Family::ipv4 ? 20u : 40u) + 12;
  for (const int offset : {0x00, 0x40, 0xf0}) {
    auto segment = wire("P. 1:11(10) ack 1");
    segment[at] = static_cast<std::uint8_t>(offset);
    mend_checksums(segment);
    in_bytes(segment, "a segment whose data offset lies");
  }
  quiet(1s);
  CHECK(count(Counter::drop_bad_data_offset) == 3);
}

TEST_CASE_FIXTURE(Script, "reserved bits are ignored, and sent as zero [R9293-3.1-1]") {
  established();
  auto segment = wire("P. 1:11(10) ack 1");
  const std::size_t at = (family == Family::ipv4 ? 20u : 40u) + 12;
  segment[at] |= 0x0f;
  mend_checksums(segment);
  in_bytes(segment, "P. 1:11(10) with all reserved bits");
  out(". 1:1(0) ack 11");
  CHECK((last_bytes()[at] & 0x0f) == 0);
}

TEST_CASE_FIXTURE(Script, "a SYN to or from a group or broadcast address is dropped quietly [9293 MUST-57, MUST-63]") {
  listen();
  const bool v4 = family == Family::ipv4;
  const IpAddress group = *IpAddress::parse(v4 ? "224.0.0.1" : "ff02::1");
  const Endpoint us = tuple().local, peer = tuple().remote;
  const auto syn = [](const Endpoint& from, const Endpoint& to) {
    return *lab::to_wire(*lab::parse_packet("S 0:0(0) win 1000 <mss 1000>"), {.source = from, .destination = to});
  };
  in_bytes(syn(peer, {group, us.port}), "SYN to a group");
  in_bytes(syn({group, peer.port}, us), "SYN from a group");
  if (v4) in_bytes(syn(peer, {*IpAddress::parse("10.0.0.255"), us.port}), "SYN to broadcast");
  if (v4) in_bytes(syn({*IpAddress::parse("10.0.0.255"), peer.port}, us), "SYN from broadcast");
  in_bytes(syn({us.address, peer.port}, us), "SYN from ourselves [A-TCP-36]");
  quiet(1s);
  CHECK(stack().tcp().half_open_count() == 0);
}

TEST_CASE_FIXTURE(Script, "port 0 belongs to nobody and gets no answer") {
  ports(0, kPeerPort);
  in("S 0:0(0) <mss 1000>");
  ports(kLocalPort, 0);
  in("S 0:0(0) <mss 1000>");
  quiet();
  CHECK(count(Counter::drop_zero_port) == 2);
}

TEST_CASE_FIXTURE(Script, "IPv4 options are no concern of TCP [9293 MUST-50]") {
  if (family == Family::ipv6) return;
  listen();
  auto syn = wire("S 0:0(0) win 1000 <mss 1000>");
  syn.insert(syn.begin() + 20, {0x94, 4, 0, 0});  // router alert
  syn[0] = 0x46;
  syn[3] = static_cast<std::uint8_t>(syn.size());
  mend_checksums(syn);
  in_bytes(syn, "SYN with an IP option");
  out("S. 0:0(0) ack 1");
}

// --- fields of the IP header -------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script, "the hop limit is configurable, by stack and by connection [9293 MUST-49]") {
  config.ip.hop_limit = 77;
  established();
  write(10);
  out("(ttl 77) P. 1:11(10) ack 1");
  set([](tcp::Options& o) { o.hop_limit = 5; });
  write(10);
  in(". 1:1(0) ack 11");
  out("(ttl 5) P. 11:21(10) ack 1");
}

TEST_CASE_FIXTURE(
    Script, "DSCP is chosen by the application, at any time, and sent as given [9293 MUST-48, SHLD-21, SHLD-22]") {
  tcp::ListenOptions options;
  options.options.dscp = 10;
  listen(options);
  in("S 0:0(0) <mss 1000>");
  out("(tos 0x28) S. 0:0(0) ack 1");
  in(". 1:1(0) ack 1");
  accept();
  set([](tcp::Options& o) { o.dscp = 46; });
  write(10);
  out("(tos 0xb8) P. 1:11(10) ack 1");
}

TEST_CASE_FIXTURE(Script, "TCP never lets IPv4 fragment, and marks nothing ECN-capable") {
  established();
  write(10);
  out("[noecn] P. 1:11(10) ack 1");
  if (family == Family::ipv4) CHECK(last_bytes()[6] == 0x40);
}

TEST_CASE_FIXTURE(Script, "options out of their range change nothing") {
  established();
  const tcp::Options good = *socket.options();
  const auto refuses = [&](auto change) {
    tcp::Options bad = good;
    change(bad);
    return socket.set_options(bad).error() == Errc::invalid_argument;
  };
  CHECK(refuses([](tcp::Options& o) { o.send_buffer = 100; }));
  CHECK(refuses([](tcp::Options& o) { o.receive_buffer = std::size_t{2} << 30; }));
  CHECK(refuses([](tcp::Options& o) { o.dscp = 64; }));
  CHECK(refuses([](tcp::Options& o) { o.keep_alive.idle = 0s; }));
  CHECK(refuses([](tcp::Options& o) { o.keep_alive.probes = 0; }));
  CHECK(refuses([](tcp::Options& o) { o.user_timeout = -1s; }));
  CHECK(refuses([](tcp::Options& o) { o.linger.timeout = -1s; }));
  CHECK(socket.options()->dscp == good.dscp);
}

}  // namespace
}  // namespace sluice::test
