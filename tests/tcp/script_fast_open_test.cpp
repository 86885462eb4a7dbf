// TCP Fast Open on the wire (RFC 7413): cookies asked for, given, shown and refused; text on SYNs, and what it may
// cost.
#include <doctest/doctest.h>

#include <string>

#include "tests/support/script.hpp"

namespace sluice::test {
namespace {

using tcp::Counter;
using tcp::FastOpen;
using tcp::SendReason;
using tcp::State;

std::string hex_cookie(const lab::PacketLine& line) {
  for (const lab::TcpOption& option : *line.segment()->options) {
    const auto* open = std::get_if<lab::option::FastOpen>(&option);
    if (!open) continue;
    std::string text;
    for (const std::uint8_t byte : open->cookie) {
      text += "0123456789abcdef"[byte >> 4];
      text += "0123456789abcdef"[byte & 15];
    }
    return text;
  }
  return "";
}

// --- the server --------------------------------------------------------------------------------------------------

struct Server : Script {
  /// Gets a cookie by an ordinary handshake from port 39999, and goes on at 40000.
  void give(std::size_t places = 8) {
    listen({.fast_open = places});
    peer(39999);
    in("S 0:0(0) <mss 1000,FO>");
    cookie = hex_cookie(take());
    REQUIRE(cookie.size() == 16);
    in(". 1:1(0) ack 1");
    accept();
    abort();
    skip();
    peer(40000);
  }
  std::string syn(unsigned text, const std::string& flags = "S") const {
    return text_line(flags, 0, text, " <mss 1000,FO " + cookie + ">");
  }
  std::string cookie;
};

TEST_CASE_FIXTURE(Script, "Fast Open is off unless the listener asks for it [R7413-2-1, R7413-4.2-1]") {
  listen();
  in("S 0:10(10) <mss 1000,FO>");
  out("S. 0:0(0) ack 1 win 65535 <mss 1460>");
  peer(40001);
  in("S 0:10(10) <mss 1000,FO 0102030405060708>");
  out("S. 0:0(0) ack 1 win 65535 <mss 1460>");
  CHECK(stack().tcp().half_open_count() == 2);
}

TEST_CASE_FIXTURE(Server, "who asks for a cookie gets one, the same each time [R7413-4.2.1-1, R7413-4.1.2-1]") {
  give();
  in("S 0:0(0) <mss 1000,FO>");
  CHECK(hex_cookie(take()) == cookie);
  CHECK(stack().tcp().half_open_count() == 1);
}

TEST_CASE_FIXTURE(Server, "with a good cookie the text of a SYN is read before the handshake ends [R7413-4.2.2-2]") {
  give();
  in(syn(100));
  out("S. 0:0(0) ack 101 win 65435 <mss 1460>", SendReason::accept_open);
  accept();
  state_is(State::syn_received);
  CHECK(socket.info()->fast_open == FastOpen::accepted);
  read(100);
  run(50ms);
  in(". 101:101(0) ack 1");
  state_is(State::established);
  CHECK(socket.info()->srtt == 50ms);
  in("P. 101:111(10) ack 1");
  out(". 1:1(0) ack 111");
  read(10);
  CHECK(count(Counter::fast_open_accepted) == 1);
}

TEST_CASE_FIXTURE(Server, "the answer may leave before the client's ACK, within the initial window [R7413-4.2.2-5]") {
  give();
  in(syn(100));
  out("S. 0:0(0) ack 101");
  accept();
  read(100);
  write(20000);
  for (std::uint32_t at = 1; at < 10001; at += 1000) out(text_line(".", at, 1000, " ack 101"));
  quiet();
  in(". 101:101(0) ack 10001");
  CHECK(skip() >= 10);
  state_is(State::established);
}

TEST_CASE_FIXTURE(Server, "an answer that got lost before the client's ACK goes again after it") {
  give();
  in(syn(100));
  out("S. 0:0(0) ack 101");
  accept();
  read(100);
  write(50);
  out("P. 1:51(50) ack 101");
  in(". 101:101(0) ack 1");
  state_is(State::established);
  out(1s, "P. 1:51(50) ack 101", SendReason::timeout);
  in(". 101:101(0) ack 51");
}

TEST_CASE_FIXTURE(Server, "a bad cookie costs the text, not the connection, and brings a good one [R7413-4.2.2-1]") {
  give();
  for (const std::string& bad : {std::string("0102030405060708"), cookie.substr(0, 8), cookie + "0000"}) {
    CAPTURE(bad);
    in("S 0:100(100) <mss 1000,FO " + bad + ">");
    const lab::PacketLine answer = take();
    CHECK(*answer.segment()->ack == 1);
    CHECK(hex_cookie(answer) == cookie);
    in("P. 1:101(100) ack 1");
    out(". 1:1(0) ack 101");
    accept();
    read(100);
    close();
    skip();
    in("R 101:101(0)");
    peer(static_cast<std::uint16_t>(40001 + count(Counter::fast_open_bad_cookie)));
  }
  CHECK(count(Counter::fast_open_bad_cookie) == 3);
}

TEST_CASE_FIXTURE(Server,
                  "a cookie of impossible length, or beside no SYN, is ignored [R7413-4.1.1-1, R7413-4.1.1-2]") {
  give();
  std::uint16_t port = 41000;
  for (const char* bad : {"01", "0102", "010203", "0102030405", "010203040506070809101112131415161718"}) {
    CAPTURE(bad);
    peer(port++);
    in("S 0:10(10) <mss 1000,FO " + std::string(bad) + ">");
    const lab::PacketLine answer = take();
    CHECK(*answer.segment()->ack == 1);
    CHECK(hex_cookie(answer).empty());
  }
  in("P. 1:11(10) ack 1 <FO " + cookie + ">");
  out(". 1:1(0) ack 11");
}

TEST_CASE_FIXTURE(Server, "the experimental option is answered in kind [R7413-4.1.1-1]") {
  give();
  in("S 0:0(0) <mss 1000,FOEXP>");
  const lab::PacketLine answer = take();
  CHECK(hex_cookie(answer) == cookie);
  CHECK(to_text(answer).find("FOEXP") != std::string::npos);
  peer(40001);
  in("S 0:10(10) <mss 1000,FOEXP " + cookie + ">");
  out("S. 0:0(0) ack 11");
}

TEST_CASE_FIXTURE(Server,
                  "cookies go out of date: the last period's is good and replaced, the one before's is not "
                  "[R7413-4.1.2-1, A-TCP-39]") {
  config.tcp.fast_open_period = 1h;
  give();
  run(1h);
  in(syn(10));
  const lab::PacketLine second = take();
  CHECK(*second.segment()->ack == 11);
  CHECK(hex_cookie(second).size() == 16);
  CHECK(hex_cookie(second) != cookie);
  run(1h);
  skip();
  peer(40001);
  in(syn(10));
  const lab::PacketLine third = take();
  CHECK(*third.segment()->ack == 1);
  CHECK(hex_cookie(third) != hex_cookie(second));
}

TEST_CASE_FIXTURE(Server, "beyond the limit of pending ones the handshake is ordinary [R7413-4.2-2, A-TCP-39]") {
  give(2);
  for (std::uint16_t port = 40000; port < 40004; ++port) {
    peer(port);
    in(syn(10));
    out(port < 40002 ? "S. 0:0(0) ack 11" : "S. 0:0(0) ack 1");
  }
  CHECK(count(Counter::fast_open_queue_full) == 2);
  peer(40000);
  in(". 11:11(0) ack 1");  // one is complete: a place is free
  peer(40005);
  in(syn(10));
  out("S. 0:0(0) ack 11");
}

TEST_CASE_FIXTURE(Server, "a place that a RST ended stays taken for a minute [A-TCP-39]") {
  give(1);
  in(syn(10));
  out("S. 0:0(0) ack 11");
  accept();
  in("R 11:11(0)");
  error_is(Errc::connection_reset);
  peer(40001);
  in(syn(10));
  out("S. 0:0(0) ack 1");
  run(60s);
  skip();
  peer(40002);
  in(syn(10));
  out("S. 0:0(0) ack 11");
}

TEST_CASE_FIXTURE(Server,
                  "an application that answers and closes frees no place before the handshake ends [A-TCP-39]") {
  give(1);
  in(syn(10));
  out("S. 0:0(0) ack 11");
  accept();
  read(10);
  write(10);
  out("P. 1:11(10) ack 11");
  close();
  peer(40001);
  in(syn(10));
  out("S. 0:0(0) ack 1");
}

TEST_CASE_FIXTURE(Server, "SYN,ACK goes again without cookie and text, and few times [R7413-4.2.2-4, A-TCP-38]") {
  give();
  in(syn(10));
  out("S. 0:0(0) ack 11");
  accept();
  read(10);
  write(100);
  out("P. 1:101(100) ack 11");
  for (const Duration after : {1s, 2s, 4s, 8s, 16s}) out(after, "S. 0:0(0) ack 11 win 65525 <mss 1460>");
  run(32s);
  error_is(Errc::timed_out);
  quiet(10min);
}

TEST_CASE_FIXTURE(Server, "a cookie's SYN,ACK goes again without the cookie [R7413-4.2.2-4]") {
  give();
  in("S 0:0(0) <mss 1000,FO>");
  CHECK(hex_cookie(take()) == cookie);
  run(1s);
  CHECK(hex_cookie(take()).empty());
}

TEST_CASE_FIXTURE(Server, "a SYN that comes again, with its text or without, is answered as the first was") {
  give();
  in(syn(10));
  out("S. 0:0(0) ack 11");
  in(syn(10));
  out("S. 0:0(0) ack 11");
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 11");
  in(". 11:11(0) ack 1");
  accept();
  CHECK(socket.readable() == 10);
}

TEST_CASE_FIXTURE(Server, "a FIN beside the text of a SYN is taken when it comes again") {
  give();
  in(syn(10, "SF"));
  out("S. 0:0(0) ack 11");
  in("F. 11:11(0) ack 1");
  out(". 1:1(0) ack 12");
  accept();
  state_is(State::close_wait);
  read(10);
}

TEST_CASE_FIXTURE(Server, "a good cookie without text opens by the ordinary handshake") {
  give();
  in(syn(0));
  out("S. 0:0(0) ack 1 win 65535 <mss 1460>");
  CHECK(stack().tcp().half_open_count() == 1);
}

TEST_CASE_FIXTURE(Server, "text of a SYN is charged, and dropped without memory [A-TCP-39]") {
  config.memory_limit = 4096;
  give();
  std::size_t taken = 0;
  for (std::uint16_t port = 40000; port < 40008; ++port) {
    peer(port);
    in(syn(1400));
    taken += *take().segment()->ack == 1401;
  }
  CHECK(taken < 4);
  CHECK(stack().memory().used() <= 4096);
}

// --- the client --------------------------------------------------------------------------------------------------

struct Client : Script {
  /// connect(), write(), and only then the SYN leaves.
  void open(std::size_t text) {
    device_full(true);
    connect({.fast_open = true});
    if (text > 0) write(text);
    device_full(false);
  }
  /// The first connection brings a cookie, the next uses it.
  void learn(const std::string& options = "mss 1200,FO 0102030405060708") {
    open(0);
    take();
    in("S. 0:0(0) ack 1 <" + options + ">");
    take();
    CHECK(socket.info()->fast_open == FastOpen::answered);
    again();
  }
  /// The next connection, from another port.
  void again() {
    if (socket) abort();
    skip();
    ports(++port, kServerPort);
  }
  std::uint16_t port = kActivePort;
};

TEST_CASE_FIXTURE(Client, "the first SYN to a server asks for a cookie, and carries no text [R7413-4.2.1-1]") {
  open(100);
  out("S 0:0(0) win 65535 <mss 1460,sackOK,TS val 0 ecr 0,nop,wscale 7,nop,nop,FO>", SendReason::open);
  CHECK(socket.info()->fast_open == FastOpen::asked);
  in("S. 0:0(0) ack 1 <mss 1200,FO 0102030405060708>");
  out("P. 1:101(100) ack 1");
  CHECK(socket.info()->fast_open == FastOpen::answered);
}

TEST_CASE_FIXTURE(Client, "with a cookie the text written so far leaves with the SYN [R7413-4.2.2-2]") {
  learn();
  open(100);
  out("SP 0:100(100) win 65535 <mss 1460,sackOK,TS val ... ecr 0,nop,wscale 7,nop,nop,FO 0102030405060708>",
      SendReason::fast_open);
  run(50ms);
  in("S. 0:0(0) ack 101 <mss 1200>");
  out(". 101:101(0) ack 1");
  const tcp::Info info = *socket.info();
  CHECK(info.fast_open == FastOpen::accepted);
  CHECK(info.bytes_acked == 100);
  CHECK(info.unacked == 0);
  CHECK(info.srtt == 50ms);
  CHECK(info.retransmissions == 0);
  write(10);
  out("P. 101:111(10) ack 1");
}

TEST_CASE_FIXTURE(Client,
                  "a SYN carries no more than one segment of the MSS that came with the cookie [R7413-4.1.3-1]") {
  learn("mss 700,FO 0102030405060708");
  open(5000);
  out("S 0:660(660)");
  in("S. 0:0(0) ack 661 <mss 700>");
  out(". 661:1361(700) ack 1");
  skip();
}

TEST_CASE_FIXTURE(Client, "text that SYN,ACK does not acknowledge goes again at once [R7413-4.2.2-1]") {
  learn();
  open(100);
  out("SP 0:100(100)");
  in("S. 0:0(0) ack 1 <mss 1200,FO 1112131415161718>");
  out("P. 1:101(100) ack 1");
  CHECK(socket.info()->fast_open == FastOpen::refused);
  in(". 1:1(0) ack 101");
  again();
  open(10);
  CHECK(hex_cookie(take()) == "1112131415161718");
}

TEST_CASE_FIXTURE(Client, "of text taken in part the rest goes again [R7413-4.2.2-1]") {
  learn();
  open(100);
  out("SP 0:100(100)");
  in("S. 0:0(0) ack 41 <mss 1200>");
  out("P. 41:101(60) ack 1");
  CHECK(socket.info()->bytes_acked == 40);
}

TEST_CASE_FIXTURE(Client,
                  "a SYN without answer goes again without text and option; a late answer counts "
                  "[R7413-4.2.2-3]") {
  learn();
  open(100);
  out("SP 0:100(100)");
  out(1s, "S 0:0(0) win 65535 <mss 1460,sackOK,TS val ... ecr 0,nop,wscale 7>", SendReason::open_again);
  CHECK(count(Counter::fast_open_fallbacks) == 1);
  CHECK(socket.info()->fast_open == FastOpen::timed_out);
  in("S. 0:0(0) ack 101 <mss 1200>");
  out(". 101:101(0) ack 1");
  CHECK(socket.info()->fast_open == FastOpen::accepted);
}

TEST_CASE_FIXTURE(Client, "where SYNs with text vanish they are not tried for a growing time [R7413-4.2.2-3]") {
  learn();
  for (const Duration avoided : {60s, 120s, 240s}) {
    open(100);
    out("SP 0:100(100)");
    out(1s, "S 0:0(0)");
    in("S. 0:0(0) ack 1 <mss 1200>");
    out("P. 1:101(100) ack 1");
    again();
    run(avoided - 1s - 1ms);
    open(100);
    out("S 0:0(0) win 65535 <mss 1460,sackOK,TS val ... ecr 0,nop,wscale 7>");
    CHECK(socket.info()->fast_open == FastOpen::avoided);
    again();
    run(2s);
  }
}

TEST_CASE_FIXTURE(Client, "a server that gives no cookie is not asked again for a while [R7413-4.1.3-2]") {
  open(0);
  take();
  in("S. 0:0(0) ack 1 <mss 1200>");
  take();
  CHECK(socket.info()->fast_open == FastOpen::unanswered);
  again();
  open(0);
  out("S 0:0(0) win 65535 <mss 1460,sackOK,TS val ... ecr 0,nop,wscale 7>");
  CHECK(socket.info()->fast_open == FastOpen::avoided);
  again();
  run(60s);
  open(0);
  out("S 0:0(0) win 65535 <mss 1460,sackOK,TS val ... ecr 0,nop,wscale 7,nop,nop,FO>");
}

TEST_CASE_FIXTURE(Client, "an experimental cookie is shown as it came [R7413-4.1.1-1]") {
  learn("mss 1200,FOEXP 0102030405060708");
  open(100);
  out("SP 0:100(100) win 65535 <mss 1460,sackOK,TS val ... ecr 0,nop,wscale 7,FOEXP 0102030405060708>");
}

TEST_CASE_FIXTURE(Client, "the longest cookie still fits") {
  learn("mss 1200,FO 0102030405060708090a0b0c0d0e0f10");
  open(100);
  out("SP 0:100(100) win 65535 <mss 1460,sackOK,TS val ... ecr 0,nop,wscale 7,nop,nop,FO "
      "0102030405060708090a0b0c0d0e0f10>");
}

TEST_CASE_FIXTURE(Client, "SYNs that cross, one with text: the text goes again when the handshake is over [A-TCP-14]") {
  learn();
  open(100);
  out("SP 0:100(100)");
  in("S 0:0(0) <mss 1200>");
  out("S. 0:0(0) ack 1");
  in(". 1:1(0) ack 1");
  state_is(State::established);
  out("P. 1:101(100) ack 1");
  in(". 1:1(0) ack 101");
  CHECK(socket.info()->bytes_acked == 100);
}

TEST_CASE_FIXTURE(Client, "a refused connection with text on its SYN is as refused as any") {
  learn();
  open(100);
  out("SP 0:100(100)");
  in("R. 0:0(0) ack 101");
  error_is(Errc::connection_refused);
}

TEST_CASE_FIXTURE(Script, "without the option no SYN carries text or asks [R7413-2-1, R7413-6.1-1]") {
  device_full(true);
  connect();
  write(100);
  device_full(false);
  out("S 0:0(0) win 65535 <mss 1460,sackOK,TS val 0 ecr 0,nop,wscale 7>");
  CHECK(socket.info()->fast_open == FastOpen::unused);
}

}  // namespace
}  // namespace sluice::test
