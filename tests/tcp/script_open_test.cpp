// Opening a connection: the handshake in all its forms, and who is told what (RFC 9293 3.5, 3.10.1, 3.10.7.1 to .3).
#include <doctest/doctest.h>

#include "tests/support/script.hpp"

namespace sluice::test {
namespace {

using tcp::Counter;
using tcp::SendReason;
using tcp::State;

// --- LISTEN ------------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script, "a SYN for a listener is answered with SYN,ACK, and its ACK establishes [R9293-3.10.7.2-3]") {
  listen();
  in("S 0:0(0) win 1000 <mss 1460>");
  out("S. 0:0(0) ack 1 win 65535 <mss 1460>", SendReason::accept_open);
  in(". 1:1(0) ack 1 win 1000");
  accept();
  state_is(State::established);
  quiet(1h);
}

TEST_CASE_FIXTURE(Script, "LISTEN ignores a RST [R9293-3.10.7.2-1]") {
  listen();
  in("R 0:0(0)");
  in("R. 5:5(0) ack 7");
  in("SR 0:0(0)");
  quiet(10s);
  CHECK(stack().tcp().half_open_count() == 0);
}

TEST_CASE_FIXTURE(Script, "LISTEN answers any ACK with a RST at its number [R9293-3.10.7.2-2]") {
  listen();
  in(". 1:1(0) ack 777");
  out("R 777:777(0)", SendReason::reset_bad_ack);
  in("S. 0:0(0) ack 778");
  out("R 778:778(0)", SendReason::reset_bad_ack);
  in("F. 9:9(0) ack 779");
  out("R 779:779(0)");
}

TEST_CASE_FIXTURE(Script, "LISTEN drops what is neither SYN nor ACK, a FIN too [R9293-3.10.7.2-4, R9293-3.10.7.4-26]") {
  listen();
  in("- 1:1(0)");
  in("P 1:101(100)");
  in("F 1:1(0)");
  quiet(10s);
  CHECK(count(Counter::drop_no_ack_bit) == 3);
}

TEST_CASE_FIXTURE(Script, "text beside a SYN is not acknowledged, so that the peer sends it again [R9293-3.10.7.2-5]") {
  listen();
  in("S 0:100(100) <mss 1000>");
  out("S. 0:0(0) ack 1");
  in("P. 1:101(100) ack 1");
  accept();
  out(". 1:1(0) ack 101");
  read(100);
}

TEST_CASE_FIXTURE(Script, "a repeated SYN gets the same SYN,ACK again, at once") {
  listen();
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1 <mss 1460>", SendReason::accept_open);
  run(300ms);
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1 <mss 1460>", SendReason::accept_open_again);
  in(". 1:1(0) ack 1");
  accept();
  state_is(State::established);
}

TEST_CASE_FIXTURE(Script, "an unanswered SYN,ACK goes again five times, then the peer is forgotten [A-TCP-38]") {
  listen();
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1", SendReason::accept_open);
  for (const Duration wait : {1s, 2s, 4s, 8s, 16s}) out(wait, "S. 0:0(0) ack 1", SendReason::accept_open_again);
  quiet(32s - 1ns);
  CHECK(stack().tcp().half_open_count() == 1);
  quiet(1ns);
  CHECK(stack().tcp().half_open_count() == 0);
  in(". 1:1(0) ack 1");  // too late
  out("R 1:1(0)");
}

TEST_CASE_FIXTURE(
    Script,
    "SYN-RECEIVED from a passive OPEN falls back to LISTEN at a RST, silently [R9293-3.10.7.4-8, 9293 MUST-11]") {
  listen();
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1");
  in("R 1:1(0)");
  quiet(10s);
  CHECK(stack().tcp().half_open_count() == 0);
  CHECK(listener.accept().error() == Errc::would_block);
  in("S 0:0(0) <mss 1000>");
  take();
}

TEST_CASE_FIXTURE(
    Script, "SYN-RECEIVED from a passive OPEN falls back to LISTEN at a new SYN in the window [R9293-3.10.7.4-11]") {
  listen();
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1");
  in("S 500:500(0) <mss 1000>");
  quiet();
  CHECK(stack().tcp().half_open_count() == 0);
}

TEST_CASE_FIXTURE(Script,
                  "SYN-RECEIVED answers an ACK of something never sent with a RST, and goes on [R9293-3.10.7.4-15]") {
  listen();
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1");
  in(". 1:1(0) ack 2");
  out("R 2:2(0)", SendReason::reset_bad_ack);
  in(". 1:1(0) ack 0");
  out("R 0:0(0)", SendReason::reset_bad_ack);
  in(". 1:1(0) ack 1");
  accept();
  state_is(State::established);
}

TEST_CASE_FIXTURE(Script, "SYN-RECEIVED drops a segment without the ACK bit [R9293-3.10.7.4-13]") {
  listen();
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1");
  in("P 1:101(100)");
  quiet();
  CHECK(count(Counter::drop_no_ack_bit) == 1);
  CHECK(stack().tcp().half_open_count() == 1);
}

TEST_CASE_FIXTURE(Script, "the ACK of the handshake may carry text and FIN at once [R9293-3.10.7.4-28]") {
  listen();
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1");
  in("FP. 1:101(100) ack 1");
  out(". 1:1(0) ack 102");
  accept();
  state_is(State::close_wait);
  read(100);
  CHECK(socket.at_eof());
}

TEST_CASE_FIXTURE(Script, "each SYN for a listener makes a connection of its own, and LISTEN goes on [9293 MUST-41]") {
  listen();
  for (std::uint16_t port = 40000; port < 40003; ++port) {
    peer(port);
    in("S 0:0(0) <mss 1000>");
    out("S. 0:0(0) ack 1");
  }
  for (std::uint16_t port = 40000; port < 40003; ++port) {
    peer(port);
    in(". 1:1(0) ack 1");
  }
  for (std::uint16_t port = 40000; port < 40003; ++port) {
    accept();
    peer(port);
    CHECK(*socket.remote() == tuple().remote);
    abort();
    out("R. 1:1(0) ack 1");
  }
}

TEST_CASE_FIXTURE(
    Script, "a listener may begin while its port has connections, and leaves them alone [9293 MUST-41, MUST-42]") {
  connect();
  out("S 0:0(0)");
  listen();  // the same port
  in("S. 0:0(0) ack 1 <mss 1000>");
  out(". 1:1(0) ack 1");
  state_is(State::established);
  peer(41000);
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1");
}

TEST_CASE_FIXTURE(Script, "a second listener on the same address and port is refused [R9293-3.10.1-1]") {
  listen();
  CHECK(stack().listen({tuple().local.address, kLocalPort}).error() == Errc::address_in_use);
  CHECK(stack().listen({tuple().remote.address, kLocalPort}).error() == Errc::address_not_available);
}

TEST_CASE_FIXTURE(Script,
                  "more connections than the backlog holds wait unanswered until accept() makes room [A-TCP-20]") {
  config.tcp.syn_cookies = tcp::SynCookieUse::off;
  listen({.backlog = 1});
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1");
  peer(40001);
  in("S 0:0(0) <mss 1000>");  // one is half-open already
  quiet();
  CHECK(count(Counter::drop_syn_backlog) == 1);
  peer(40000);
  in(". 1:1(0) ack 1");
  peer(40001);
  in("S 0:0(0) <mss 1000>");  // and one waits for accept()
  quiet();
  accept();
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1");
}

TEST_CASE_FIXTURE(Script, "the last ACK of a handshake is ignored while accept() lags behind, and asked for again") {
  listen({.backlog = 2});
  for (std::uint16_t port = 40000; port < 40002; ++port) {
    peer(port);
    in("S 0:0(0) <mss 1000>");
    out("S. 0:0(0) ack 1");
  }
  in(". 1:1(0) ack 1");
  peer(40002);
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1");
  in(". 1:1(0) ack 1");
  peer(40000);
  in(". 1:1(0) ack 1");  // a third: the queue is full
  CHECK(count(Counter::drop_accept_backlog) == 1);
  accept();
  out(1s, "S. 0:0(0) ack 1", SendReason::accept_open_again);
  in(". 1:1(0) ack 1");
  CHECK(stack().tcp().half_open_count() == 0);
}

TEST_CASE_FIXTURE(Script, "a flood of SYNs meets a limit on half-open records in all [A-TCP-20, A-TCP-22]") {
  config.tcp.maximum_half_open = 10;
  config.tcp.syn_cookies = tcp::SynCookieUse::off;
  listen();
  for (std::uint16_t port = 1; port <= 50; ++port) {
    peer(port);
    in("S 0:0(0) <mss 1000>");
  }
  CHECK(skip() == 10);
  CHECK(stack().tcp().half_open_count() == 10);
  CHECK(count(Counter::drop_syn_backlog) == 40);
}

TEST_CASE_FIXTURE(Script, "a listener that closes takes its half-open and waiting connections along") {
  listen();
  in("S 0:0(0) <mss 1000>");
  take();
  in(". 1:1(0) ack 1");
  peer(40001);
  in("S 0:0(0) <mss 1000>");
  take();
  peer(40000);
  listener.close();
  run(0s);
  out("R. 1:1(0) ack 1", SendReason::abort);
  CHECK(stack().tcp().half_open_count() == 0);
  CHECK(stack().tcp().connection_count() == 0);
  quiet(1h);
}

// --- SYN-SENT ----------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script, "an active OPEN sends SYN, and SYN,ACK establishes with an ACK [R9293-3.10.7.3-4]") {
  connect();
  out("S 0:0(0) win 65535 <mss 1460,sackOK,TS val 0 ecr 0,nop,wscale 7>", SendReason::open);
  state_is(State::syn_sent);
  in("S. 0:0(0) ack 1 <mss 1000>");
  out(". 1:1(0) ack 1 <>", SendReason::handshake_ack);
  state_is(State::established);
  CHECK(any(events() & Readiness::connected));
  quiet(1h);
}

TEST_CASE_FIXTURE(
    Script,
    "SYN-SENT answers an ACK of anything but its SYN with a RST, unless it is one [R9293-3.10.7.3-1, R9293-3.5.2-1]") {
  connect();
  out("S 0:0(0)");
  in("S. 0:0(0) ack 0");
  out("R 0:0(0)", SendReason::reset_bad_ack);
  in(". 0:0(0) ack 2");
  out("R 2:2(0)", SendReason::reset_bad_ack);
  in("R. 0:0(0) ack 2");
  quiet();
  state_is(State::syn_sent);
}

TEST_CASE_FIXTURE(Script, "SYN-SENT: a RST that acknowledges the SYN means refused [R9293-3.10.7.3-2, R5961-3.2-4]") {
  connect();
  out("S 0:0(0)");
  in("R. 0:0(0) ack 1");
  state_is(State::closed);
  error_is(Errc::connection_refused);
  CHECK(any(events() & Readiness::failed));
  quiet(1h);
}

TEST_CASE_FIXTURE(Script, "SYN-SENT: a RST without ACK is dropped [R9293-3.10.7.3-3, R5961-3.2-4, A-TCP-01]") {
  connect();
  out("S 0:0(0)");
  in("R 0:0(0)");
  quiet();
  state_is(State::syn_sent);
  CHECK(count(Counter::drop_bad_reset) == 1);
}

TEST_CASE_FIXTURE(Script,
                  "SYN-SENT drops what is neither SYN nor RST, a FIN too [R9293-3.10.7.3-6, R9293-3.10.7.4-26]") {
  connect();
  out("S 0:0(0)");
  in(". 0:0(0) ack 1");
  in("F. 0:0(0) ack 1");
  in("P 0:10(10)");
  quiet();
  state_is(State::syn_sent);
}

TEST_CASE_FIXTURE(Script, "text and FIN beside SYN,ACK are taken [R9293-3.10.7.3-4]") {
  connect();
  out("S 0:0(0)");
  in("SF. 0:100(100) ack 1 <mss 1000>");
  out(". 1:1(0) ack 102");
  state_is(State::close_wait);
  read(100);
  CHECK(socket.at_eof());
}

TEST_CASE_FIXTURE(
    Script, "what is written in SYN-SENT waits and leaves with the handshake's ACK [R9293-3.10.2-3, 9293 MUST-58]") {
  connect();
  out("S 0:0(0)");
  CHECK(write(100) == 100);
  quiet(500ms);
  in("S. 0:0(0) ack 1 <mss 1000>");
  out("P. 1:101(100) ack 1", SendReason::new_data);
  quiet(100ms);
}

TEST_CASE_FIXTURE(Script, "SYNs that cross open one connection [9293 MUST-10, R9293-3.10.7.3-5, A-TCP-14]") {
  connect();
  out("S 0:0(0)");
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1");
  state_is(State::syn_received);
  in("S. 0:0(0) ack 1 <mss 1000>");  // the peer has done the same
  state_is(State::established);
  CHECK(skip() <= 1);
  quiet(1h);
}

TEST_CASE_FIXTURE(Script, "crossed SYNs are also settled by a bare ACK") {
  connect();
  out("S 0:0(0)");
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1");
  in(". 1:1(0) ack 1");
  state_is(State::established);
  quiet(1h);
}

TEST_CASE_FIXTURE(Script,
                  "after crossed SYNs a RST means refused, for nobody listens here [R9293-3.10.7.4-9, 9293 MUST-11]") {
  connect();
  out("S 0:0(0)");
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1");
  in("R 1:1(0)");
  state_is(State::closed);
  error_is(Errc::connection_refused);
}

TEST_CASE_FIXTURE(
    Script,
    "an unanswered SYN goes again with doubled waits for more than three minutes [9293 MUST-22, MUST-23, SHLD-11]") {
  connect();
  out("S 0:0(0)", SendReason::open);
  for (const Duration wait : {1s, 2s, 4s, 8s, 16s, 32s, 64s}) out(wait, "S 0:0(0)", SendReason::open_again);
  CHECK(now() == 127s);
  quiet(53s);  // three minutes
  state_is(State::syn_sent);
  quiet(120s);
  state_is(State::closed);
  error_is(Errc::timed_out);
  CHECK(any(events() & Readiness::failed));
}

TEST_CASE_FIXTURE(Script, "an OPEN can have a number of SYNs of its own") {
  connect({.options = {.syn_retries = 1}});
  out("S 0:0(0)");
  out(1s, "S 0:0(0)");
  quiet(2s - 1ns);
  run(1ns);
  error_is(Errc::timed_out);
}

TEST_CASE_FIXTURE(
    Script, "after a lost SYN one segment begins, and its timeout is 3 seconds [R5681-3.1-4, R6298-5.7, R6928-2-2]") {
  connect();
  out("S 0:0(0)");
  out(1s, "S 0:0(0)");
  in("S. 0:0(0) ack 1 <mss 1000>");
  out(". 1:1(0) ack 1");
  write(3000);
  out(". 1:1001(1000) ack 1");
  out(3s, ". 1:1001(1000) ack 1", SendReason::timeout);
}

TEST_CASE_FIXTURE(Script, "close() in SYN-SENT sends nothing and forgets the connection [R9293-3.10.4-1]") {
  connect();
  out("S 0:0(0)");
  close();
  quiet(1h);
  CHECK(stack().tcp().connection_count() == 0);
  in("S. 0:0(0) ack 1 <mss 1000>");
  out("R 1:1(0)", SendReason::reset_no_connection);
}

// --- CLOSED ------------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script, "a SYN for nobody is answered with RST,ACK of all that it occupies [R9293-3.10.7.1-2]") {
  in("S 0:0(0) <mss 1000>");
  out("R. 0:0(0) ack 1 win 0 <>", SendReason::reset_no_connection);
  in("SF 0:100(100)");
  out("R. 0:0(0) ack 102");
}

TEST_CASE_FIXTURE(Script, "an ACK for nobody is answered with a RST at its number [R9293-3.10.7.1-3]") {
  in("P. 1:101(100) ack 4242");
  out("R 4242:4242(0)", SendReason::reset_no_connection);
}

TEST_CASE_FIXTURE(Script, "a RST for nobody is swallowed [R9293-3.10.7.1-1, R9293-3.5.2-1, A-TCP-37]") {
  in("R 1:1(0)");
  in("R. 1:1(0) ack 1");
  quiet(10s);
  CHECK(count(Counter::drop_no_connection) == 2);
}

}  // namespace
}  // namespace sluice::test
