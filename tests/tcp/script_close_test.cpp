// Closing in every order, with each segment lost, and what is left afterwards (RFC 9293 3.6, 3.10.4, 3.10.7.4; RFC
// 6191).
#include <doctest/doctest.h>

#include "tests/support/script.hpp"

namespace sluice::test {
namespace {

using tcp::Counter;
using tcp::SendReason;
using tcp::State;

struct Closing : Script {
  /// Through to TIME-WAIT with an active close.
  void to_time_wait(const Established& how = {}) {
    established(how);
    close();
    out("F. 1:1(0) ack 1");
    in("F. 1:1(0) ack 2");
    out(". 2:2(0) ack 2", SendReason::finish_ack);
    CHECK(stack().tcp().time_wait_count() == 1);
  }
};

// --- we close first ----------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(
    Script, "closing first: FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT [R9293-3.10.7.4-19, R9293-3.10.7.4-30, 9293 MUST-13]") {
  established();
  finish();
  out("F. 1:1(0) ack 1", SendReason::finish);
  state_is(State::fin_wait_1);
  in(". 1:1(0) ack 2");
  state_is(State::fin_wait_2);
  in("F. 1:1(0) ack 2");
  out(". 2:2(0) ack 2", SendReason::finish_ack);
  CHECK(socket.at_eof());
  CHECK(any(events() & Readiness::peer_closed));
  error_is(Errc::none);
}

TEST_CASE_FIXTURE(Script, "FIN and the ACK of ours in one segment lead straight to TIME-WAIT [R9293-3.10.7.4-29]") {
  established();
  finish();
  out("F. 1:1(0) ack 1");
  in("F. 1:1(0) ack 2");
  out(". 2:2(0) ack 2");
  CHECK(stack().tcp().time_wait_count() == 1);
}

TEST_CASE_FIXTURE(Script, "a lost FIN goes again [R9293-3.10.8-2]") {
  established();
  finish();
  out("F. 1:1(0) ack 1");
  out(1s, "F. 1:1(0) ack 1", SendReason::timeout);
  out(2s, "F. 1:1(0) ack 1", SendReason::timeout);
  in(". 1:1(0) ack 2");
  state_is(State::fin_wait_2);
  quiet(1h);
}

TEST_CASE_FIXTURE(Script, "CLOSE waits for what was sent, then FIN rides on the last text [R9293-3.10.4-2]") {
  established({.window = 1000});
  write(1500);
  out(". 1:1001(1000) ack 1");
  finish();
  quiet(100ms);
  in(". 1:1(0) ack 1001");
  out("FP. 1001:1501(500) ack 1");
  state_is(State::fin_wait_1);
  in(". 1:1(0) ack 1502");
  state_is(State::fin_wait_2);
}

TEST_CASE_FIXTURE(Script, "a FIN that is acknowledged in part of its segment goes again alone") {
  established();
  write(500);
  out("P. 1:501(500) ack 1");
  finish();
  out("F. 501:501(0) ack 1");
  in(". 1:1(0) ack 501");
  state_is(State::fin_wait_1);
  out(socket.info()->rto, "F. 501:501(0) ack 1", SendReason::timeout);
  in(". 1:1(0) ack 502");
  state_is(State::fin_wait_2);
}

TEST_CASE_FIXTURE(Script, "after CLOSE nothing more can be sent [R9293-3.10.2-2]") {
  established();
  finish();
  out("F. 1:1(0) ack 1");
  CHECK(socket.write(as_bytes("x")).error() == Errc::connection_closing);
  CHECK(socket.writable() == 0);
  finish();  // twice is once
  quiet(500ms);
}

TEST_CASE_FIXTURE(Script, "half-closed, the peer's text is read and acknowledged without limit in time [9293 MAY-1]") {
  established();
  finish();
  out("F. 1:1(0) ack 1");
  in(". 1:1(0) ack 2");
  quiet(24h);
  state_is(State::fin_wait_2);
  in("P. 1:101(100) ack 2");
  out(". 2:2(0) ack 101");
  read(100);
}

TEST_CASE_FIXTURE(Script, "closed for good, FIN-WAIT-2 lasts a minute [A-TCP-26]") {
  established();
  close();
  out("F. 1:1(0) ack 1");
  in(". 1:1(0) ack 2");
  CHECK(stack().tcp().connection_count() == 1);
  quiet(60s);
  CHECK(stack().tcp().connection_count() == 0);
  in("F. 1:1(0) ack 2");
  out("R 2:2(0)");
}

TEST_CASE_FIXTURE(Script, "closed for good after FIN was acknowledged, the minute begins at close() [A-TCP-26]") {
  established();
  finish();
  out("F. 1:1(0) ack 1");
  in(". 1:1(0) ack 2");
  quiet(1h);
  close();
  quiet(60s - 1ns);
  CHECK(stack().tcp().connection_count() == 1);
  quiet(1ns);
  CHECK(stack().tcp().connection_count() == 0);
}

// --- the peer closes first ---------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script,
                  "the peer closes first: CLOSE-WAIT, LAST-ACK, CLOSED [R9293-3.10.7.4-27, R9293-3.10.7.4-28, "
                  "R9293-3.10.4-3, R9293-3.10.7.4-21]") {
  established();
  in("F. 1:1(0) ack 1");
  out(". 1:1(0) ack 2", SendReason::finish_ack);
  state_is(State::close_wait);
  CHECK(any(events() & Readiness::peer_closed));
  finish();
  out("F. 1:1(0) ack 2", SendReason::finish);
  state_is(State::last_ack);
  in(". 2:2(0) ack 2");
  state_is(State::closed);
  error_is(Errc::none);
  quiet(1h);
}

TEST_CASE_FIXTURE(Script, "in CLOSE-WAIT we may go on sending") {
  established();
  in("F. 1:1(0) ack 1");
  out(". 1:1(0) ack 2");
  write(2000);
  out(". 1:1001(1000) ack 2");
  out("P. 1001:2001(1000) ack 2");
  in(". 2:2(0) ack 2001");
  finish();
  out("F. 2001:2001(0) ack 2");
}

TEST_CASE_FIXTURE(Script, "in CLOSE-WAIT what is left can be read, then comes the end [R9293-3.10.3-1]") {
  established();
  in("FP. 1:101(100) ack 1");
  out(". 1:1(0) ack 102");
  CHECK_FALSE(socket.at_eof());
  read(100);
  CHECK(socket.at_eof());
  std::uint8_t room[1];
  CHECK(*socket.read(room) == 0);
}

TEST_CASE_FIXTURE(Script, "a repeated FIN is acknowledged again and changes nothing [R9293-3.10.7.4-31]") {
  established();
  in("F. 1:1(0) ack 1");
  out(". 1:1(0) ack 2");
  in("F. 1:1(0) ack 1");
  out(". 1:1(0) ack 2");
  state_is(State::close_wait);
  finish();
  out("F. 1:1(0) ack 2");
  in("F. 1:1(0) ack 1");
  out(". 2:2(0) ack 2");
  state_is(State::last_ack);
}

TEST_CASE_FIXTURE(Script, "a lost FIN in LAST-ACK goes again") {
  established();
  in("F. 1:1(0) ack 1");
  skip();
  close();
  out("F. 1:1(0) ack 2");
  out(1s, "F. 1:1(0) ack 2", SendReason::timeout);
  in(". 2:2(0) ack 2");
  CHECK(stack().tcp().connection_count() == 0);
}

TEST_CASE_FIXTURE(Script, "LAST-ACK gives up when the peer has gone [A-TCP-26]") {
  established();
  in("F. 1:1(0) ack 1");
  skip();
  close();
  run(1h);
  CHECK(skip() == 16);  // FIN and R2
  CHECK(stack().tcp().connection_count() == 0);
}

// --- both at once ------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script, "both close at once: CLOSING, TIME-WAIT [R9293-3.10.7.4-20, R9293-3.10.7.4-29]") {
  established();
  finish();
  out("F. 1:1(0) ack 1");
  in("F. 1:1(0) ack 1");  // crossed ours
  out(". 2:2(0) ack 2", SendReason::finish_ack);
  state_is(State::closing);
  in(". 2:2(0) ack 2");
  CHECK(stack().tcp().time_wait_count() == 1);
}

TEST_CASE_FIXTURE(Script,
                  "in CLOSING a repeated FIN changes nothing, and our own goes again when lost [R9293-3.10.7.4-31]") {
  established();
  finish();
  out("F. 1:1(0) ack 1");
  in("F. 1:1(0) ack 1");
  out(". 2:2(0) ack 2");
  in("F. 1:1(0) ack 1");
  out(". 2:2(0) ack 2");
  state_is(State::closing);
  out(1s, "F. 1:1(0) ack 2", SendReason::timeout);
}

TEST_CASE_FIXTURE(Script,
                  "CLOSE before the handshake has ended sends FIN once it has (RFC 9293 3.10.4, SYN-RECEIVED)") {
  connect();
  out("S 0:0(0)");
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1");
  finish();
  state_is(State::fin_wait_1);
  CHECK(skip() <= 1);
  in(". 1:1(0) ack 1");
  run(1s);
  skip();
  in(". 1:1(0) ack 2");
  state_is(State::fin_wait_2);
}

TEST_CASE_FIXTURE(Script, "CLOSE in CLOSED and after the end is harmless [R9293-3.10.2-1]") {
  established();
  abort();
  skip();
  finish();
  quiet(1s);
  CHECK(socket.write(as_bytes("x")).error() == Errc::connection_aborted);
  close();
  CHECK(socket.error() == Errc::stale_handle);
  CHECK(socket.write(as_bytes("x")).error() == Errc::stale_handle);
}

TEST_CASE_FIXTURE(Script, "a connection can have a time in FIN-WAIT-2 of its own") {
  established({.listening = {.options = {.fin_wait_2 = 5s}}});
  close();
  out("F. 1:1(0) ack 1");
  in(". 1:1(0) ack 2");
  run(5s - 1ns);
  CHECK(stack().tcp().connection_count() == 1);
  run(1ns);
  CHECK(stack().tcp().connection_count() == 0);
}

// --- TIME-WAIT ---------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Closing, "TIME-WAIT lasts 2 MSL, then the record goes [9293 MUST-13, R9293-3.10.8-3]") {
  to_time_wait();
  quiet(60s - 1ns);
  CHECK(stack().tcp().time_wait_count() == 1);
  quiet(1ns);
  CHECK(stack().tcp().time_wait_count() == 0);
}

TEST_CASE_FIXTURE(Closing, "what TIME-WAIT answers keeps the connection's DSCP [9293 MUST-48]") {
  to_time_wait({.listening = {.options = {.dscp = 10}}});
  run(1s);
  in("F. 1:1(0) ack 2");
  out("(tos 0x28) . 2:2(0) ack 2");
}

TEST_CASE_FIXTURE(Closing, "a repeated FIN in TIME-WAIT is acknowledged and restarts 2 MSL [R9293-3.10.7.4-22]") {
  to_time_wait();
  run(50s);
  in("F. 1:1(0) ack 2");
  out(". 2:2(0) ack 2");
  quiet(60s - 1ns);
  CHECK(stack().tcp().time_wait_count() == 1);
  quiet(1ns);
  CHECK(stack().tcp().time_wait_count() == 0);
}

TEST_CASE_FIXTURE(Closing, "the 4-tuple can't be opened again while TIME-WAIT lasts") {
  to_time_wait({.active = true});
  CHECK(stack().connect(tuple().remote, {.local = tuple().local}).error() == Errc::address_in_use);
  run(60s);
  connect();
  out("S 0:0(0)");
}

TEST_CASE_FIXTURE(Closing, "a SYN beyond the old numbers opens anew from TIME-WAIT [MAY-2, R6191-2-3]") {
  to_time_wait();
  in("S 2:2(0) <mss 1000>");  // the FIN had number 1
  out("S. 0:0(0) ack 3", SendReason::accept_open);
  CHECK(stack().tcp().time_wait_count() == 0);
  CHECK(count(Counter::time_wait_reused) == 1);
}

TEST_CASE_FIXTURE(Closing, "an old SYN in TIME-WAIT only draws an ACK [R6191-2-5]") {
  to_time_wait();
  in("S 1:1(0) <mss 1000>");
  out(". 2:2(0) ack 2");
  CHECK(stack().tcp().time_wait_count() == 1);
}

TEST_CASE_FIXTURE(Closing, "with timestamps the clock decides who may open anew [SHLD-4, R6191-2-1, R6191-2-2]") {
  to_time_wait({.timestamps = true});
  run(5s);
  in("S -5000:-5000(0) <mss 1000,nop,nop,TS val 500 ecr 0>");  // older
  skip();
  CHECK(stack().tcp().time_wait_count() == 1);
  in("S -5000:-5000(0) <mss 1000,nop,nop,TS val 9000 ecr 0>");  // newer, though its number is lower
  out("S. 0:0(0) ack -4999");
  CHECK(stack().tcp().time_wait_count() == 0);
}

TEST_CASE_FIXTURE(Closing, "the same timestamp needs a larger number [R6191-2-2]") {
  to_time_wait({.timestamps = true});
  in("S 0:0(0) <mss 1000,nop,nop,TS val 1000 ecr 0>");
  skip();
  CHECK(stack().tcp().time_wait_count() == 1);
  in("S 5:5(0) <mss 1000,nop,nop,TS val 1000 ecr 0>");
  out("S. 0:0(0) ack 6");
}

TEST_CASE_FIXTURE(Closing, "timestamps where there were none prove that it is new [R6191-2-4]") {
  to_time_wait();
  in("S -5000:-5000(0) <mss 1000,nop,nop,TS val 9 ecr 0>");
  out("S. 0:0(0) ack -4999");
}

TEST_CASE_FIXTURE(Closing, "a SYN that may open anew finds nobody if nobody listens") {
  to_time_wait();
  listener.close();
  in("S 3:3(0) <mss 1000>");
  CHECK(*take().segment()->ack == 4);
  CHECK(last_reason() == SendReason::reset_no_connection);
}

TEST_CASE_FIXTURE(Script, "beyond its limit the TIME-WAIT table lets the oldest go [A-TCP-22]") {
  config.tcp.maximum_time_wait = 2;
  listen();
  for (std::uint16_t port = 40000; port < 40004; ++port) {
    peer(port);
    in("S 0:0(0) <mss 1000>");
    take();
    in(". 1:1(0) ack 1");
    accept();
    close();
    out("F. 1:1(0) ack 1");
    in("F. 1:1(0) ack 2");
    out(". 2:2(0) ack 2");
    run(1s);
  }
  CHECK(stack().tcp().time_wait_count() == 2);
  CHECK(count(Counter::time_wait_recycled) == 2);
  peer(40000);
  in("F. 1:1(0) ack 2");
  out("R 2:2(0)");
}

}  // namespace
}  // namespace sluice::test
