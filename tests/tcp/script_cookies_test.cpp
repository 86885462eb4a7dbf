// SYN cookies on the wire (RFC 4987 3.6): made under pressure, brought back by an ACK, and nobody can tell afterwards.
#include <doctest/doctest.h>

#include <string>

#include "tests/support/script.hpp"
#include "tests/support/script_wire.hpp"
#include "tests/support/world.hpp"

namespace sluice::test {
namespace {

using tcp::Counter;
using tcp::SendReason;
using tcp::State;
using tcp::SynCookieUse;

struct Cookies : Script {
  Cookies() { config.tcp.syn_cookies = SynCookieUse::always; }
};

constexpr std::string_view kWholeSyn = "S 0:0(0) win 5000 <mss 1460,sackOK,TS val 77 ecr 0,nop,wscale 5>";

TEST_CASE_FIXTURE(
    Script, "a SYN for which there is no room gets a cookie, and its ACK opens [R4987-3.6-2, R4987-3.7-1, A-TCP-20]") {
  listen({.backlog = 1});
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1", SendReason::accept_open);
  peer(40001);
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1", SendReason::syn_cookie);
  CHECK(stack().tcp().half_open_count() == 1);
  CHECK(stack().tcp().connection_count() == 0);
  CHECK(count(Counter::syn_cookies_sent) == 1);
  in(". 1:1(0) ack 1");
  CHECK(count(Counter::syn_cookies_accepted) == 1);
  CHECK(count(Counter::passive_opens) == 2);
  accept();
  state_is(State::established);
  CHECK(socket.info()->send_mss == 536);
  in("P. 1:101(100) ack 1");
  out(". 1:1(0) ack 101");
  read(100);
  write(10);
  out("P. 1:11(10) ack 101");
}

TEST_CASE_FIXTURE(Cookies, "scale, SACK, timestamps and MSS come back with the cookie [R4987-3.6-1, R4987-3.6-4]") {
  listen();
  in(kWholeSyn);
  out("S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS val 0 ecr 77,nop,wscale 7>", SendReason::syn_cookie);
  run(100ms);
  in(". 1:1(0) ack 1 win 200 <nop,nop,TS val 80 ecr 0>");
  accept();
  const tcp::Info info = *socket.info();
  CHECK(info.sack);
  CHECK(info.timestamps);
  CHECK(info.window_scaling);
  CHECK(info.send_scale == 5);
  CHECK(info.receive_scale == 7);
  CHECK(info.send_window == 6400);
  CHECK(info.send_mss == 1448);
  CHECK(info.srtt == 0ns);  // nobody knows when the cookie left
}

TEST_CASE_FIXTURE(Cookies, "without timestamps a cookie keeps the MSS, and nothing else [R4987-3.6-4]") {
  listen();
  in("S 0:0(0) <mss 1460,sackOK,nop,nop,nop,wscale 5>");
  take();
  in(". 1:1(0) ack 1");
  accept();
  const tcp::Info info = *socket.info();
  CHECK(info.send_mss == 1460);
  CHECK_FALSE(info.sack);
  CHECK_FALSE(info.window_scaling);
  CHECK_FALSE(info.timestamps);
  CHECK(info.send_window == 65535);
}

TEST_CASE("a cookie never makes the MSS larger than the peer's [R4987-3.6-1]") {
  for (const unsigned mss : {48u, 100u, 536u, 1000u, 1219u, 1220u, 1399u, 1440u, 1459u, 1460u}) {
    CAPTURE(mss);
    Cookies script;
    script.listen();
    script.in("S 0:0(0) <mss " + std::to_string(mss) + ">");
    script.take();
    script.in(". 1:1(0) ack 1");
    script.accept();
    CHECK(script.socket.info()->send_mss <= mss);
    CHECK(script.socket.info()->send_mss * 12 >= mss);
  }
}

TEST_CASE_FIXTURE(Cookies, "each scale from 0 to 14 fits into a cookie, and having none does [R4987-3.6-4]") {
  listen();
  for (int scale = 0; scale <= 15; ++scale) {
    CAPTURE(scale);
    peer(static_cast<std::uint16_t>(41000 + scale));
    const std::string option = scale == 15 ? "" : ",nop,wscale " + std::to_string(scale);
    in("S 0:0(0) <mss 1460,sackOK,TS val 77 ecr 0" + option + ">");
    take();
    in(". 1:1(0) ack 1 win 10 <nop,nop,TS val 80 ecr 0>");
    accept();
    CHECK(socket.info()->window_scaling == (scale != 15));
    CHECK(socket.info()->send_scale == scale % 15);
    CHECK(socket.info()->sack);
    abort();
    skip();
  }
}

TEST_CASE_FIXTURE(Cookies, "our timestamps do not go back behind a cookie's [R4987-3.6-4, A-TCP-20]") {
  listen();
  for (std::uint16_t port = 42000; port < 42100; ++port) {
    peer(port);
    run(1ms);
    in(kWholeSyn);
    take();
    in("P. 1:11(10) ack 1 win 200 <nop,nop,TS val 80 ecr 0>");
    const lab::PacketLine line = take();
    for (const lab::TcpOption& option : *line.segment()->options) {
      const auto* stamps = std::get_if<lab::option::Timestamps>(&option);
      if (stamps) CHECK(*stamps->value < 32);  // relative to the cookie's
    }
    accept();
    abort();
    skip();
  }
}

TEST_CASE_FIXTURE(Cookies, "text may bring the cookie back when the bare ACK was lost, and a FIN with it") {
  listen();
  in("S 0:0(0) <mss 1460>");
  take();
  in("FP. 1:101(100) ack 1");
  out(". 1:1(0) ack 102");
  accept();
  state_is(State::close_wait);
  read(100);
}

TEST_CASE_FIXTURE(Cookies, "a cookie is sent once: nobody is there who could repeat it [R4987-3.6-5, A-TCP-38]") {
  listen();
  in("S 0:0(0) <mss 1460>");
  take();
  quiet(10min);
  CHECK(stack().next_timeout() == kNever);
}

TEST_CASE("a cookie is good in its tick and the next, not later [R4987-3.6-3, A-TCP-21]") {
  for (const Duration after : {0s, 63s, 64s, 128s, 192s}) {
    CAPTURE(after.count());
    Cookies script;
    script.listen();
    script.in("S 0:0(0) <mss 1460>");
    script.take();
    script.run(after);
    script.in(". 1:1(0) ack 1");
    const bool accepted = script.count(Counter::syn_cookies_accepted) == 1;
    if (after <= 64s) CHECK(accepted);
    if (after >= 128s) CHECK_FALSE(accepted);
    if (!accepted) script.out("R 1:1(0)", SendReason::reset_bad_ack);
  }
}

TEST_CASE_FIXTURE(Cookies, "an ACK that is not exactly a cookie's is reset [R4987-3.6-3, A-TCP-21]") {
  listen();
  in(kWholeSyn);
  take();
  in(". 1:1(0) ack 2 <nop,nop,TS val 80 ecr 0>");
  out("R 2:2(0)");
  in(". 2:2(0) ack 1 <nop,nop,TS val 80 ecr 0>");  // another ISN of the peer
  out("R 1:1(0)");
  in(". 1:1(0) ack 1 <nop,nop,TS val 80 ecr 1>");  // other options
  out("R 1:1(0)");
  in(". 1:1(0) ack 1");
  out("R 1:1(0)");
  const std::vector<std::uint8_t> right = wire(". 1:1(0) ack 1 <nop,nop,TS val 80 ecr 0>");
  CHECK(count(Counter::syn_cookies_failed) == 4);
  CHECK(count(Counter::syn_cookies_accepted) == 0);
  in_bytes(right);
  CHECK(count(Counter::syn_cookies_accepted) == 1);
}

TEST_CASE_FIXTURE(Cookies, "another peer can't use a cookie [A-TCP-21]") {
  listen();
  in("S 0:0(0) <mss 1460>");
  take();
  std::vector<std::uint8_t> packet = wire(". 1:1(0) ack 1");
  peer(kPeerPort + 1);
  ByteWriter(MutableBytes(packet).subspan(packet.size() - 20, 2)).u16(tuple().remote.port);
  mend_checksums(packet);
  in_bytes(packet);
  CHECK(count(Counter::syn_cookies_failed) == 1);
  CHECK(skip() == 1);
}

TEST_CASE_FIXTURE(Cookies, "two thousand guesses find no cookie [A-TCP-21]") {
  listen();
  in("S 0:0(0) <mss 1460>");
  take();
  const std::vector<std::uint8_t> right = wire(". 1:1(0) ack 1");
  const std::size_t tcp = right.size() - 20;
  Random guess(run_key(), KeyUse::test);
  for (int i = 0; i < 2000; ++i) {
    std::vector<std::uint8_t> packet = right;
    ByteWriter(MutableBytes(packet).subspan(tcp + 8, 4)).u32(guess.u32());
    mend_checksums(packet);
    in_bytes(packet);
    skip();
  }
  CHECK(count(Counter::syn_cookies_accepted) == 0);
  CHECK(count(Counter::syn_cookies_failed) == 2000);
}

TEST_CASE_FIXTURE(Script, "an ACK is looked at only while cookies are out [A-TCP-21]") {
  listen({.backlog = 1});
  in(". 1:1(0) ack 1");
  out("R 1:1(0)");
  CHECK(count(Counter::syn_cookies_failed) == 0);
  in("S 0:0(0) <mss 1000>");
  take();
  peer(40001);
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1", SendReason::syn_cookie);
  in(". 1:1(0) ack 5");
  out("R 5:5(0)");
  CHECK(count(Counter::syn_cookies_failed) == 1);
  run(128s);
  skip();
  in(". 1:1(0) ack 5");
  out("R 5:5(0)");
  CHECK(count(Counter::syn_cookies_failed) == 1);
}

TEST_CASE_FIXTURE(Cookies, "while accept() lags behind, cookies wait too [A-TCP-20]") {
  listen({.backlog = 1});
  in("S 0:0(0) <mss 1460>");
  take();
  peer(40001);
  in("S 0:0(0) <mss 1460>");
  take();
  in(". 1:1(0) ack 1");
  peer(40000);
  in(". 1:1(0) ack 1");
  quiet();
  CHECK(count(Counter::drop_accept_backlog) == 1);
  peer(40002);
  in("S 0:0(0) <mss 1460>");
  quiet();
  CHECK(count(Counter::drop_syn_backlog) == 1);
  accept();
  peer(40000);
  in("P. 1:11(10) ack 1");
  out(". 1:1(0) ack 11");
  accept();
  CHECK(skip() == 1);  // the FIN of the socket before
}

TEST_CASE_FIXTURE(Script, "cookies can be switched off: then SYNs without room are dropped") {
  config.tcp.syn_cookies = SynCookieUse::off;
  listen({.backlog = 1});
  in("S 0:0(0) <mss 1000>");
  take();
  peer(40001);
  in("S 0:0(0) <mss 1000>");
  quiet();
  CHECK(count(Counter::drop_syn_backlog) == 1);
}

// --- afterwards --------------------------------------------------------------------------------------------------

// What comes back for this packet in the next ten seconds, the clock's numbers left out.
std::string answers(bool cookie, bool options, std::string_view packet) {
  Script script;
  script.config.tcp.syn_cookies = cookie ? SynCookieUse::always : SynCookieUse::off;
  script.listen();
  script.in(options ? kWholeSyn : "S 0:0(0) <mss 1460>");
  script.take();
  script.in(options ? ". 1:1(0) ack 1 win 5000 <nop,nop,TS val 80 ecr 0>" : ". 1:1(0) ack 1 win 5000");
  script.accept();
  script.write(4000);
  script.in(packet);
  script.run(10s);
  std::string text;
  for (std::size_t left = script.waiting(); left > 0; --left) {
    lab::PacketLine line = script.take();
    for (lab::TcpOption& option : *line.segment()->options)
      if (auto* stamps = std::get_if<lab::option::Timestamps>(&option)) stamps->value = std::nullopt;
    text += to_text(line) + " for " + std::string(name(script.last_reason())) + "; ";
  }
  const tcp::Info info = *script.socket.info();
  text += std::string(name(info.state)) + " " + std::to_string(info.cwnd) + " " + std::to_string(info.send_window);
  return text + " " + std::to_string(info.rto.count()) + " " + std::to_string(info.unread);
}

TEST_CASE("a connection that came of a cookie answers as any other [R4987-3.6-2]") {
  for (const std::string_view packet :
       {". 1:1(0) ack 1449", ". 1:1(0) ack 4001", "P. 1:101(100) ack 1", "P. 11:101(90) ack 1", "F. 1:1(0) ack 1",
        "R 1:1(0)", "R 2:2(0)", "S 0:0(0) <mss 1460>", "S. 0:0(0) ack 1 <mss 1460>", ". 1:1(0) ack 9999",
        ". 1:1(0) ack -70000", ". 90000:90000(0) ack 1", "- 1:1(0)", "PU. 1:11(10) ack 1 urg 5"}) {
    for (const bool options : {false, true}) {
      CAPTURE(packet);
      CAPTURE(options);
      std::string line(packet);
      if (options && line.find('<') == std::string::npos) line += " <nop,nop,TS val 90 ecr 0>";
      CHECK(answers(true, options, line) == answers(false, options, line));
    }
  }
}

}  // namespace
}  // namespace sluice::test
