// Resets and what may pass for them: RST rules (RFC 9293 3.5.2, 3.10.7.4), RFC 5961's checks, ABORT, half-open peers.
#include <doctest/doctest.h>

#include "tests/support/script.hpp"

namespace sluice::test {
namespace {

using tcp::Counter;
using tcp::SendReason;
using tcp::State;

// --- RST ---------------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script,
                  "a RST at exactly RCV.NXT ends the connection, and the application hears of it [R5961-3.2-1, "
                  "R9293-3.10.7.4-6, R9293-3.10.7.4-10, 9293 MUST-12]") {
  established();
  write(500);
  out("P. 1:501(500) ack 1");
  in("R 1:1(0)");
  state_is(State::closed);
  error_is(Errc::connection_reset);
  CHECK(any(events() & Readiness::failed));
  CHECK(socket.write(as_bytes("x")).error() == Errc::connection_reset);
  quiet(1h);
}

TEST_CASE_FIXTURE(Script, "a RST may carry text and any acknowledgment [SHLD-2]") {
  established();
  in("R 1:21(20)");
  error_is(Errc::connection_reset);
}

TEST_CASE_FIXTURE(
    Script,
    "a RST in the window but beside RCV.NXT is asked to prove itself [R5961-3.2-2, R9293-3.10.7.4-7, A-TCP-01]") {
  established();
  in("R 2:2(0)");
  out(". 1:1(0) ack 1", SendReason::challenge);
  state_is(State::established);
  run(1s);
  in("R 65535:65535(0)");  // the last number in the window
  out(". 1:1(0) ack 1", SendReason::challenge);
  in("R 1:1(0)");  // what an honest peer answers to the challenge
  error_is(Errc::connection_reset);
}

TEST_CASE_FIXTURE(Script, "a RST outside the window is dropped without a word [R5961-3.2-3, R9293-3.10.7.4-3]") {
  established();
  in("R 0:0(0)");
  in("R -1000:-1000(0)");
  in("R 65536:65536(0)");
  in("R. 65537:65537(0) ack 1");
  in("R 2000000000:2000000000(0)");
  quiet(1s);
  state_is(State::established);
  CHECK(count(Counter::challenge_acks) == 0);
}

TEST_CASE_FIXTURE(Script, "a RST at RCV.NXT counts with a closed window too [9293 MUST-66, R9293-3.10.7.4-5]") {
  established({.listening = {.options = {.receive_buffer = 2048}}});
  in("P. 1:2049(2048) ack 1");
  out(". 1:1(0) ack 2049 win 0");
  in("R 2050:2050(0)");
  quiet();
  state_is(State::established);
  in("R 2049:2049(0)");
  error_is(Errc::connection_reset);
}

TEST_CASE_FIXTURE(Script, "what was received before a RST can still be read, then the error shows") {
  established();
  in("P. 1:101(100) ack 1");
  skip();
  in("R 101:101(0)");
  read(100);
  std::uint8_t room[10];
  CHECK(socket.read(room).error() == Errc::connection_reset);
}

TEST_CASE_FIXTURE(Script, "after the peer's FIN a RST is still believed: CLOSE-WAIT ends [R9293-3.10.7.4-10]") {
  established();
  in("F. 1:1(0) ack 1");
  out(". 1:1(0) ack 2");
  in("R 2:2(0)");
  state_is(State::closed);
  error_is(Errc::connection_reset);
}

TEST_CASE_FIXTURE(Script, "a RST is ignored in TIME-WAIT [R1337-3-1, A-TCP-12]") {
  established();
  close();
  out("F. 1:1(0) ack 1");
  in("F. 1:1(0) ack 2");
  out(". 2:2(0) ack 2");
  CHECK(stack().tcp().time_wait_count() == 1);
  in("R 2:2(0)");
  quiet(59s);
  CHECK(stack().tcp().time_wait_count() == 1);
}

// --- SYN in a synchronized state ---------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script,
                  "a SYN on an established connection is challenged and dropped, wherever it lies [R5961-4.2-1, "
                  "R5961-4.2-2, R9293-3.10.7.4-12, A-TCP-02]") {
  established();
  for (const std::string_view syn : {"S 0:0(0)", "S 1:1(0)", "S 500:500(0)", "S -5000:-5000(0)", "S 1000000:1000000(0)",
                                     "S. 1:1(0) ack 1", "SP. 1:101(100) ack 1"}) {
    in(syn);
    out(". 1:1(0) ack 1");
    run(1s);
  }
  state_is(State::established);
  CHECK(socket.readable() == 0);
}

TEST_CASE_FIXTURE(Script, "a peer that crashed and opens anew finds out by the challenge (RFC 9293 3.5.1, Figure 9)") {
  established();
  in("S 30000:30000(0) <mss 1000>");
  out(". 1:1(0) ack 1", SendReason::challenge);
  in("R 1:1(0)");
  error_is(Errc::connection_reset);
}

TEST_CASE_FIXTURE(Script, "a SYN is challenged in the closing states as well [R5961-4.2-1]") {
  established();
  finish();
  out("F. 1:1(0) ack 1");
  in("S 1:1(0)");
  out(". 2:2(0) ack 1", SendReason::challenge);
  state_is(State::fin_wait_1);
  in(". 1:1(0) ack 2");
  run(1s);
  in("S 1:1(0)");
  out(". 2:2(0) ack 1", SendReason::challenge);
  state_is(State::fin_wait_2);
}

// --- the acknowledgment range ------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(
    Script, "an ACK of something never sent is answered and dropped with its text [R9293-3.10.7.4-16, A-TCP-32]") {
  established();
  in("P. 1:101(100) ack 2");
  out(". 1:1(0) ack 1", SendReason::challenge);
  CHECK(socket.readable() == 0);
  CHECK(count(Counter::drop_bad_ack) == 1);
}

TEST_CASE_FIXTURE(Script,
                  "an ACK older than the largest window is answered and dropped with its text [R5961-5.2-1, "
                  "R5961-5.2-2, R9293-3.10.7.4-14, A-TCP-03, MAY-12]") {
  established({.window = 1000});
  in("P. 1:101(100) ack -1000");
  out(". 1:1(0) ack 1", SendReason::challenge);
  CHECK(socket.readable() == 0);
  run(1s);
  in("P. 1:101(100) ack -999");  // just in range: una - max window
  out(". 1:1(0) ack 101", SendReason::quick_ack);
  read(100);
}

TEST_CASE_FIXTURE(Script, "the range follows the largest window that the peer ever offered [R5961-5.2-1]") {
  established({.window = 1000});
  in(". 1:1(0) ack 1 win 5000");
  in(". 1:1(0) ack 1 win 10");
  in("P. 1:101(100) ack -4999");
  out(". 1:1(0) ack 101");
}

TEST_CASE_FIXTURE(Script, "a segment without ACK is dropped [R9293-3.10.7.4-13]") {
  established();
  in("P 1:101(100)");
  in("F 1:1(0)");
  in("- 1:1(0)");
  quiet(1s);
  CHECK(count(Counter::drop_no_ack_bit) == 3);
  state_is(State::established);
}

// --- how often -----------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script,
                  "challenges are rationed by connection, about one in half a second [R5961-7-1, A-TCP-04, A-TCP-15]") {
  established();
  in("R 2:2(0)");
  out(". 1:1(0) ack 1", SendReason::challenge);
  run(400ms);
  for (int i = 0; i < 100; ++i) in("R 2:2(0)");
  quiet();
  CHECK(count(Counter::acks_suppressed) == 100);
  run(200ms);  // the jitter ends at 563 ms
  in("S 2:2(0)");
  out(". 1:1(0) ack 1", SendReason::challenge);
}

TEST_CASE_FIXTURE(Script, "one connection's challenges don't use up another's [A-TCP-04, R5961-7-3]") {
  established();
  in("R 2:2(0)");
  out(". 1:1(0) ack 1", SendReason::challenge);
  peer(40001);
  in("S 0:0(0) <mss 1000>");
  take();
  in(". 1:1(0) ack 1");
  in("R 2:2(0)");
  out(". 1:1(0) ack 1", SendReason::challenge);
}

TEST_CASE_FIXTURE(Script, "the ration can be changed, or lifted [R5961-7-2]") {
  config.tcp.challenge_ack_interval = 0s;
  established();
  for (int i = 0; i < 10; ++i) {
    in("R 2:2(0)");
    out(". 1:1(0) ack 1", SendReason::challenge);
  }
}

TEST_CASE_FIXTURE(Script,
                  "two ends that disagree don't answer each other's bare ACKs for ever [A-TCP-15, R9293-A.2-1]") {
  established();
  int answers = 0;
  for (int i = 0; i < 1000; ++i) {
    in(". 100000:100000(0) ack 1");
    answers += static_cast<int>(skip());
    run(1ms);
  }
  CHECK(answers <= 3);
  CHECK(answers >= 1);
}

// --- ABORT and late text -----------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script, "abort() sends a RST at SND.NXT and forgets everything [R9293-3.10.5-1]") {
  established();
  write(3000);
  CHECK(skip() == 3);
  abort();
  out("R. 3001:3001(0) ack 1", SendReason::abort);
  state_is(State::closed);
  error_is(Errc::connection_aborted);
  in(". 1:1(0) ack 3001");
  out("R 3001:3001(0)");
  quiet(1h);
}

TEST_CASE_FIXTURE(Script, "abort() says RST in each state in which the peer cares [R9293-3.10.5-1]") {
  established();
  in("F. 1:1(0) ack 1");
  out(". 1:1(0) ack 2");
  abort();
  out("R. 1:1(0) ack 2", SendReason::abort);
}

TEST_CASE_FIXTURE(Script, "abort() after our FIN counts the FIN [R9293-3.10.5-1]") {
  established();
  finish();
  out("F. 1:1(0) ack 1");
  abort();
  out("R. 2:2(0) ack 1", SendReason::abort);
}

TEST_CASE_FIXTURE(Script, "abort() in SYN-SENT is silent, in SYN-RECEIVED it is not [R9293-3.10.5-1]") {
  connect();
  out("S 0:0(0)");
  abort();
  quiet(1h);
  connect();
  out("S 0:0(0)");
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1");
  abort();
  out("R. 1:1(0) ack 1", SendReason::abort);
}

TEST_CASE_FIXTURE(Script, "a RST after the window was overrun stands where the peer's RCV.NXT must be") {
  established({.window = 2000});
  write(3000);
  CHECK(skip() == 2);
  in(". 1:1(0) ack 1001 win 0");  // took the window back: the peer's RCV.NXT is 1001
  abort();
  out("R. 1001:1001(0) ack 1", SendReason::abort);
}

TEST_CASE_FIXTURE(Script, "close() with unread text is a RST, for that text is lost [SHLD-3]") {
  established();
  in("P. 1:101(100) ack 1");
  out(". 1:1(0) ack 101");
  close();
  out("R. 1:1(0) ack 101", SendReason::abort);
  quiet(1h);
}

TEST_CASE_FIXTURE(Script, "text that comes after close() is answered with a RST [SHLD-3, MAY-1]") {
  established();
  close();
  out("F. 1:1(0) ack 1");
  in("P. 1:101(100) ack 2");
  out("R. 2:2(0) ack 1", SendReason::reset_late_data);
  CHECK(stack().tcp().connection_count() == 0);
  quiet(1h);
}

TEST_CASE_FIXTURE(Script, "half-closed by finish(), text goes on arriving") {
  established();
  finish();
  out("F. 1:1(0) ack 1");
  in("P. 1:101(100) ack 2");
  out(". 2:2(0) ack 101");
  read(100);
  state_is(State::fin_wait_2);
}

}  // namespace
}  // namespace sluice::test
