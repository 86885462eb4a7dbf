// Time: retransmission with backoff and giving up, user timeout, keep-alive, linger (RFC 9293 3.8.1, 3.8.3, 3.8.4;
// RFC 6298).
#include <doctest/doctest.h>

#include "tests/support/script.hpp"

namespace sluice::test {
namespace {

using tcp::Counter;
using tcp::SendReason;
using tcp::State;

// --- retransmission ----------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script,
                  "without an RTT sample the first timeout is one second, then it doubles [R6298-2.1, R6298-5.1, "
                  "R6298-5.4, R6298-5.5, R6298-5.6, 9293 MUST-18, MUST-19]") {
  established();
  write(500);
  out("P. 1:501(500) ack 1", SendReason::new_data);
  for (const Duration wait : {1s, 2s, 4s, 8s, 16s}) out(wait, "P. 1:501(500) ack 1", SendReason::timeout);
  in(". 1:1(0) ack 501");
  quiet(1h);
}

TEST_CASE_FIXTURE(Script, "the first sample R gives SRTT = R, RTTVAR = R/2 [R6298-2.2, R6298-2.4, R8961-4.2c]") {
  established({.rtt = 400ms});
  CHECK(socket.info()->srtt == 400ms);
  CHECK(socket.info()->rttvar == 200ms);
  write(500);
  out("P. 1:501(500) ack 1");
  out(1200ms, "P. 1:501(500) ack 1", SendReason::timeout);  // 400 + 4 * 200
}

TEST_CASE_FIXTURE(Script, "later samples move RTTVAR by a quarter and SRTT by an eighth [R6298-2.3a, R6298-2.3b]") {
  established({.rtt = 400ms});
  write(500);
  out("P. 1:501(500) ack 1");
  run(800ms);
  in(". 1:1(0) ack 501");
  CHECK(socket.info()->rttvar == 250ms);  // 3/4 * 200 + 1/4 * |400 - 800|
  CHECK(socket.info()->srtt == 450ms);    // 7/8 * 400 + 1/8 * 800
  CHECK(socket.info()->rto == 1450ms);
}

TEST_CASE_FIXTURE(Script,
                  "the variance counts for 200 ms at least, and the settings restore RFC 6298's second [R6298-2.4]") {
  established({.rtt = 10ms});
  CHECK(socket.info()->rto == 210ms);
  Script strict;
  strict.config.tcp.rto_variance_floor = 0s;
  strict.config.tcp.rto_floor = 1s;
  strict.established({.rtt = 10ms});
  CHECK(strict.socket.info()->rto == 1s);
}

TEST_CASE_FIXTURE(Script, "all acknowledged, the timer stops [R6298-5.2]") {
  established();
  write(500);
  out("P. 1:501(500) ack 1");
  run(900ms);
  in(". 1:1(0) ack 501");
  quiet(1h);
}

TEST_CASE_FIXTURE(Script, "an ACK of new text restarts the timer for the rest [R6298-5.3, R6298-5-0]") {
  established({.rtt = 100ms});
  write(2000);
  CHECK(skip() == 2);
  run(200ms);
  in(". 1:1(0) ack 1001");
  const Duration rto = socket.info()->rto;
  out(rto, "P. 1001:2001(1000) ack 1", SendReason::timeout);
}

TEST_CASE_FIXTURE(Script,
                  "a timeout sends the oldest segment only [R6298-5.4, R9293-3.10.8-2, R5681-3.1-14, R8961-4.3]") {
  established({.rtt = 100ms});
  write(5000);
  CHECK(skip() == 5);
  run(300ms);
  out(". 1:1001(1000) ack 1", SendReason::timeout);
  quiet(100ms);
  CHECK(socket.info()->cwnd == 1000);
}

TEST_CASE_FIXTURE(Script, "what was sent twice gives no sample without timestamps [R6298-3-1, R8961-4.2d]") {
  established({.rtt = 100ms});
  write(500);
  out("P. 1:501(500) ack 1");
  out(300ms, "P. 1:501(500) ack 1", SendReason::timeout);
  run(50ms);
  in(". 1:1(0) ack 501");
  CHECK(socket.info()->srtt == 100ms);
}

TEST_CASE_FIXTURE(Script,
                  "a backed-off timeout stays until a sample is taken of something sent once [R6298-3-1, R6298-5.5, "
                  "R8961-4.4a, R8961-4.4b]") {
  established({.rtt = 100ms});
  write(500);
  out("P. 1:501(500) ack 1");
  out(300ms, "P. 1:501(500) ack 1", SendReason::timeout);
  in(". 1:1(0) ack 501");
  write(500);
  out("P. 501:1001(500) ack 1");
  out(600ms, "P. 501:1001(500) ack 1", SendReason::timeout);
  in(". 1:1(0) ack 1001");
  write(500);
  out("P. 1001:1501(500) ack 1");
  run(100ms);
  in(". 1:1(0) ack 1501");
  write(500);
  out("P. 1501:2001(500) ack 1");
  out(300ms, "P. 1501:2001(500) ack 1", SendReason::timeout);
}

TEST_CASE_FIXTURE(Script, "after longer idleness than a timeout a burst is the initial window [R5681-4.1-1]") {
  established({.rtt = 100ms});
  write(60000);
  for (std::uint32_t acknowledged = 2001; acknowledged <= 60001; acknowledged += 2000) {
    skip();
    in(text_line(".", 1, 0, " ack " + std::to_string(acknowledged)));
  }
  CHECK(socket.info()->cwnd > 10000);
  run(10s);
  write(30000);
  CHECK(skip() == 10);
}

TEST_CASE_FIXTURE(Script, "a ceiling of less than a minute counts as a minute [R6298-2.5, R8961-4.4c]") {
  config.tcp.rto_ceiling = 1s;
  established();
  write(500);
  skip();
  for (const Duration wait : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) out(wait, "P. 1:501(500) ack 1");
}

TEST_CASE_FIXTURE(Script, "no timeout is longer than two minutes [R6298-2.5]") {
  established();
  write(500);
  take();
  for (const Duration wait : {1s, 2s, 4s, 8s, 16s, 32s, 64s, 120s, 120s}) out(wait, "P. 1:501(500) ack 1");
}

// --- giving up ---------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script,
                  "R1: after three timeouts the application is warned; R2: after fifteen the connection ends [9293 "
                  "MUST-20, SHLD-9, SHLD-10, SHLD-11]") {
  established();
  write(500);
  take();
  run(7s);  // 1 + 2 + 4
  CHECK(skip() == 3);
  CHECK(socket.take_soft_error() == Errc::none);
  run(8s);
  CHECK(skip() == 1);
  CHECK(count(Counter::r1_advice) == 1);
  CHECK(socket.take_soft_error() == Errc::timed_out);
  run(100s);
  state_is(State::established);
  run(1h);
  CHECK(skip() == 11);
  state_is(State::closed);
  error_is(Errc::timed_out);
  CHECK(count(Counter::connections_timed_out) == 1);
}

TEST_CASE_FIXTURE(Script, "the application sets its own limit, in time [9293 MUST-21, R9293-3.10.8-1]") {
  established();
  set([](tcp::Options& o) { o.user_timeout = 10s; });
  write(500);
  take();
  run(10s - 1ns);
  CHECK(skip() == 3);
  state_is(State::established);
  run(1ns);
  out("R. 501:501(0) ack 1", SendReason::abort);
  error_is(Errc::timed_out);
  CHECK(socket.write(as_bytes("x")).error() == Errc::timed_out);
  quiet(1h);
}

TEST_CASE_FIXTURE(Script, "the user timeout counts from the last progress [9293 MUST-21]") {
  established();
  set([](tcp::Options& o) { o.user_timeout = 10s; });
  write(2000);
  CHECK(skip() == 2);
  run(8s);
  skip();
  in(". 1:1(0) ack 1001");
  skip();
  run(8s);
  state_is(State::established);
  run(3s);
  state_is(State::closed);
  skip();
}

TEST_CASE_FIXTURE(Script, "a user timeout longer than R2 keeps the connection alive that long [9293 MUST-21]") {
  established();
  set([](tcp::Options& o) { o.user_timeout = 2h; });
  write(500);
  run(2h - 1s);
  state_is(State::established);
  run(1s);
  state_is(State::closed);
  skip();
}

TEST_CASE_FIXTURE(Script,
                  "the user timeout holds for a SYN too, and none runs on an idle line [9293 MUST-21, MUST-22]") {
  tcp::OpenOptions options;
  options.options.user_timeout = 5s;
  connect(options);
  run(5s);
  CHECK(skip() == 3);
  error_is(Errc::timed_out);
  Script idle;
  idle.established();
  idle.set([](tcp::Options& o) { o.user_timeout = 5s; });
  idle.quiet(1h);
  idle.state_is(State::established);
}

TEST_CASE_FIXTURE(Script, "a FIN that nobody acknowledges times out as text does [9293 MUST-20]") {
  established();
  set([](tcp::Options& o) { o.user_timeout = 5s; });
  finish();
  run(5s);
  state_is(State::closed);
  error_is(Errc::timed_out);
  skip();
}

TEST_CASE_FIXTURE(Script, "the user timeout holds for a FIN that the device had no room for [9293 MUST-21]") {
  established();
  set([](tcp::Options& o) { o.user_timeout = 5s; });
  device_full(true);
  finish();
  run(5s);
  state_is(State::closed);
  error_is(Errc::timed_out);
  device_full(false);
  out("R. 1:1(0) ack 1", SendReason::abort);
}

// --- keep-alive --------------------------------------------------------------------------------------------------

struct KeepAlive : Script {
  void open() {
    established();
    set([](tcp::Options& o) { o.keep_alive = {.on = true, .idle = 100s, .interval = 10s, .probes = 3}; });
  }
};

TEST_CASE_FIXTURE(Script, "keep-alive is off unless asked for [9293 MUST-24, MUST-25, MAY-5]") {
  established();
  quiet(24h);
  state_is(State::established);
}

TEST_CASE_FIXTURE(Script, "by default an idle line is probed after two hours [9293 MUST-28]") {
  established();
  set([](tcp::Options& o) { o.keep_alive.on = true; });
  out(2h, ". 0:0(0) ack 1", SendReason::keep_alive);
  in(". 1:1(0) ack 1");
  out(2h, ". 0:0(0) ack 1", SendReason::keep_alive);
}

TEST_CASE_FIXTURE(KeepAlive,
                  "a probe is empty and stands before SND.NXT; its interval is tunable [9293 MUST-27, SHLD-12]") {
  open();
  out(100s, ". 0:0(0) ack 1", SendReason::keep_alive);
  in(". 1:1(0) ack 1");
  quiet(100s - 1ns);
  run(1ns);
  out(". 0:0(0) ack 1", SendReason::keep_alive);
}

TEST_CASE_FIXTURE(KeepAlive, "one unanswered probe proves nothing, all of them do [9293 MUST-29]") {
  open();
  out(100s, ". 0:0(0) ack 1");
  out(10s, ". 0:0(0) ack 1");
  out(10s, ". 0:0(0) ack 1");
  state_is(State::established);
  out(10s, "R. 1:1(0) ack 1", SendReason::abort);
  error_is(Errc::timed_out);
}

TEST_CASE_FIXTURE(KeepAlive, "an answered probe begins the count anew [9293 MUST-29]") {
  open();
  out(100s, ". 0:0(0) ack 1");
  out(10s, ". 0:0(0) ack 1");
  run(1s);
  in(". 1:1(0) ack 1");
  out(100s, ". 0:0(0) ack 1");
}

TEST_CASE_FIXTURE(KeepAlive,
                  "no probe while text waits to be acknowledged: the retransmission timer watches [9293 MUST-26]") {
  open();
  run(50s);
  write(500);
  take();
  for (const Duration wait : {1s, 2s, 4s, 8s, 16s, 32s}) out(wait, "P. 1:501(500) ack 1", SendReason::timeout);
  in(". 1:1(0) ack 501");
  out(100s, ". 500:500(0) ack 1", SendReason::keep_alive);
}

TEST_CASE_FIXTURE(KeepAlive, "nor when the timeouts have backed off beyond the idle time [9293 MUST-26]") {
  open();
  set([](tcp::Options& o) { o.keep_alive.idle = 10s; });
  write(500);
  take();
  for (const Duration wait : {1s, 2s, 4s, 8s, 16s, 32s}) out(wait, "P. 1:501(500) ack 1", SendReason::timeout);
}

TEST_CASE_FIXTURE(KeepAlive, "while text waits the keep-alive timer looks once an idle time, no more [9293 MUST-26]") {
  open();
  write(500);
  run(101s);  // a timer that fires without end fails it
  skip();
  state_is(State::established);
}

TEST_CASE_FIXTURE(KeepAlive, "any segment from the peer counts as a sign of life [9293 MUST-26]") {
  open();
  for (std::uint32_t at = 1; at < 6; ++at) {
    run(99s);
    in(text_line("P.", at, 1));
    skip();
  }
  out(100s, ". 0:0(0) ack 6", SendReason::keep_alive);
}

TEST_CASE_FIXTURE(KeepAlive, "switched off, it stops") {
  open();
  run(50s);
  set([](tcp::Options& o) { o.keep_alive.on = false; });
  quiet(1h);
}

TEST_CASE_FIXTURE(Script,
                  "the peer's keep-alive is answered, with a byte of junk or without [MAY-6, R9293-3.10.7.4-2]") {
  established();
  in("P. 1:101(100) ack 1");
  take();
  run(1h);
  in(". 100:100(0) ack 1");
  out(". 1:1(0) ack 101");
  run(1h);
  in(". 100:101(1) ack 1");
  out(". 1:1(0) ack 101");
  CHECK(socket.readable() == 100);
}

// --- linger ------------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script, "linger with no time is an abort [R9293-3.10.5-1]") {
  established();
  set([](tcp::Options& o) { o.linger = {.on = true, .timeout = 0s}; });
  close();
  out("R. 1:1(0) ack 1", SendReason::abort);
  quiet(1h);
}

TEST_CASE_FIXTURE(Script, "linger with time aborts what isn't acknowledged by then") {
  established();
  set([](tcp::Options& o) { o.linger = {.on = true, .timeout = 5s}; });
  write(500);
  out("P. 1:501(500) ack 1");
  close();
  out("F. 501:501(0) ack 1");
  run(5s - 1ns);
  skip();
  CHECK(stack().tcp().connection_count() == 1);
  out(1ns, "R. 502:502(0) ack 1", SendReason::abort);
  CHECK(stack().tcp().connection_count() == 0);
}

TEST_CASE_FIXTURE(Script, "without linger what was written goes on by itself, however long it takes") {
  established();
  write(500);
  out("P. 1:501(500) ack 1");
  close();
  out("F. 501:501(0) ack 1");
  run(60s);
  CHECK(count(tcp::Counter::resets_out) == 0);
  CHECK(skip() >= 5);
  in(". 1:1(0) ack 502");
  CHECK(stack().tcp().connection_count() == 1);
  in("F. 1:1(0) ack 502");
  out(". 502:502(0) ack 2");
}

TEST_CASE_FIXTURE(Script, "linger's time runs while a closed window holds the text up, too") {
  established();
  set([](tcp::Options& o) { o.linger = {.on = true, .timeout = 5s}; });
  in(". 1:1(0) ack 1 win 0");
  write(500);
  close();
  for (int i = 0; i < 49; ++i) {
    run(100ms);
    if (skip() > 0) in(". 1:1(0) ack 1 win 0");
  }
  CHECK(stack().tcp().connection_count() == 1);
  run(101ms);
  CHECK(stack().tcp().connection_count() == 0);
  CHECK(count(tcp::Counter::resets_out) == 1);
  skip();
}

TEST_CASE_FIXTURE(Script, "linger with no time throws away what waits [R9293-3.10.5-1]") {
  established({.window = 1000});
  set([](tcp::Options& o) { o.linger = {.on = true, .timeout = 0s}; });
  write(5000);
  out(". 1:1001(1000) ack 1");
  close();
  out("R. 1001:1001(0) ack 1", SendReason::abort);
  quiet(1h);
  CHECK(stack().tcp().connection_count() == 0);
}

TEST_CASE_FIXTURE(Script, "linger does nothing to a close that goes well") {
  established();
  set([](tcp::Options& o) { o.linger = {.on = true, .timeout = 5s}; });
  write(500);
  out("P. 1:501(500) ack 1");
  close();
  out("F. 501:501(0) ack 1");
  in(". 1:1(0) ack 502");
  quiet(30s);
  CHECK(stack().tcp().connection_count() == 1);  // FIN-WAIT-2
  in("F. 1:1(0) ack 502");
  out(". 502:502(0) ack 2");
  CHECK(stack().tcp().time_wait_count() == 1);
}

// --- sent again ----------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script, "a full device delays, and nothing is counted as sent before it has left") {
  established();
  device_full(true);
  write(500);
  quiet(10s);
  CHECK(socket.info()->unacked == 0);
  device_full(false);
  out("P. 1:501(500) ack 1", SendReason::new_data);
  out(1s, "P. 1:501(500) ack 1", SendReason::timeout);
}

TEST_CASE_FIXTURE(
    Script, "several RTTs are sampled, but of retransmissions none; at least once a round [R6298-3-2, R8961-4.2b]") {
  established({.rtt = 100ms});
  for (std::uint32_t at = 1; at < 5001; at += 500) {
    write(500);
    out(text_line("P.", at, 500));
    run(100ms);
    in(text_line(".", 1, 0, " ack " + std::to_string(at + 500)));
  }
  CHECK(socket.info()->srtt == 100ms);
  CHECK(socket.info()->rttvar < 10ms);
}

}  // namespace
}  // namespace sluice::test
