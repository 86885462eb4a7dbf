// Windows that close, shrink and open again, and the probes that ask (RFC 9293 3.8.6, 3.8.6.1; RFC 6429).
#include <doctest/doctest.h>

#include "tests/support/script.hpp"

namespace sluice::test {
namespace {

using tcp::Counter;
using tcp::SendReason;
using tcp::State;

struct Persist : Script {
  /// Text waits behind a closed window.
  void stall() {
    established({.rtt = 100ms});
    in(". 1:1(0) ack 1 win 0");
    write(3000);
    quiet();
  }
};

TEST_CASE_FIXTURE(Persist,
                  "a closed window is probed with one byte after the timeout, then after twice that [9293 MUST-36, "
                  "SHLD-29, SHLD-30]") {
  stall();
  out(300ms, ". 1:2(1) ack 1", SendReason::window_probe);
  for (const Duration wait : {600ms, 1200ms, 2400ms, 4800ms}) out(wait, ". 1:2(1) ack 1", SendReason::window_probe);
}

TEST_CASE_FIXTURE(Persist,
                  "probes that are answered keep a connection alive for ever [9293 MUST-37, MAY-8, R9293-3.10.7.4-5]") {
  stall();
  for (int hour = 0; hour < 24; ++hour) {
    for (Duration spent = 0s; spent < 1h; spent += 60s) {
      run(60s);
      if (skip() > 0) in(". 1:1(0) ack 1 win 0");
    }
  }
  state_is(State::established);
  in(". 1:1(0) ack 1 win 65535");
  out(". 1:2(1) ack 1");  // the probe's byte goes again
  in(". 1:1(0) ack 2 win 65535");
  out(". 2:1002(1000) ack 1");
  skip();
}

TEST_CASE_FIXTURE(Persist, "what is lost waits while the window is closed: only probes leave [9293 SHLD-15, MUST-36]") {
  established({.sack = true, .rtt = 100ms});
  write(5000);
  CHECK(skip() == 5);
  run(100ms);
  in(". 1:1(0) ack 1 win 0 <nop,nop,sack 1001:5001>");
  out(300ms, ". 1:2(1) ack 1", SendReason::window_probe);
  in(". 1:1(0) ack 1 win 65535 <nop,nop,sack 1001:5001>");
  CHECK(skip() > 0);
}

TEST_CASE_FIXTURE(Persist, "probes that nobody answers end the connection as R2 does [9293 MUST-20]") {
  stall();
  run(2h);
  CHECK(skip() == 15);
  state_is(State::closed);
  error_is(Errc::timed_out);
}

TEST_CASE_FIXTURE(Persist, "the user timeout ends an endless stall [A-TCP-23, A-TCP-24]") {
  stall();
  set([](tcp::Options& o) { o.user_timeout = 60s; });
  for (int i = 0; i < 59; ++i) {
    run(1s);
    if (skip() > 0) in(". 1:1(0) ack 1 win 0");
  }
  state_is(State::established);
  run(2s);
  skip();
  error_is(Errc::timed_out);
}

TEST_CASE_FIXTURE(
    Persist,
    "an orphan that a closed window holds up is given up, though its probes are answered [A-TCP-23, A-TCP-26]") {
  stall();
  close();
  for (int i = 0; i < 3600; ++i) {
    run(1s);
    if (skip() > 0 && stack().tcp().connection_count() == 1) in(". 1:1(0) ack 1 win 0");
  }
  CHECK(stack().tcp().connection_count() == 0);
}

TEST_CASE_FIXTURE(Persist, "the window opens: text flows, and the probing is over [9293 MUST-36]") {
  stall();
  out(300ms, ". 1:2(1) ack 1", SendReason::window_probe);
  in(". 1:1(0) ack 1 win 2001");
  out(". 1:2(1) ack 1");  // the probe's byte goes again
  in(". 1:1(0) ack 2 win 65535");
  out(". 2:1002(1000) ack 1");
  out(". 1002:2002(1000) ack 1");
  in(". 1:1(0) ack 2002 win 2000");
  out("P. 2002:3001(999) ack 1");
  in(". 1:1(0) ack 3001 win 2000");
  quiet(1h);
}

TEST_CASE_FIXTURE(Persist, "a probe's byte that is taken counts") {
  stall();
  out(300ms, ". 1:2(1) ack 1", SendReason::window_probe);
  in(". 1:1(0) ack 2 win 0");
  run(600ms);
  out(". 2:3(1) ack 1", SendReason::window_probe);
  in(". 1:1(0) ack 3 win 65535");
  out(". 3:1003(1000) ack 1");
  skip();
}

TEST_CASE_FIXTURE(Persist, "a FIN behind a closed window probes with its own number") {
  established({.rtt = 100ms});
  in(". 1:1(0) ack 1 win 0");
  finish();
  quiet();
  out(300ms, "F. 1:1(0) ack 1", SendReason::window_probe);
  in(". 1:1(0) ack 2 win 0");
  state_is(State::fin_wait_2);
}

TEST_CASE_FIXTURE(Persist, "a window that opens by an update that is lost is found by a probe") {
  stall();
  out(300ms, ". 1:2(1) ack 1", SendReason::window_probe);
  run(100ms);
  in(". 1:1(0) ack 2 win 5000");
  out(". 2:1002(1000) ack 1", SendReason::new_data);
  skip();
}

// --- shrinking ---------------------------------------------------------------------------------------------------

struct Shrink : Script {
  void fly() {
    established({.window = 4000, .rtt = 100ms});
    write(8000);
    CHECK(skip() == 4);
  }
};

TEST_CASE_FIXTURE(
    Shrink,
    "a window that shrinks below what is in flight is survived, and nothing new leaves [9293 MUST-34, SHLD-15]") {
  fly();
  in(". 1:1(0) ack 1001 win 1000");  // 2001 is the edge, 4001 was sent
  quiet(100ms);
  state_is(State::established);
  CHECK(socket.info()->unacked == 3000);
}

TEST_CASE_FIXTURE(Shrink, "after a shrink what lies inside the window is sent again when lost [SHLD-16]") {
  fly();
  in(". 1:1(0) ack 1001 win 1000");
  run(socket.info()->rto);
  out(". 1001:2001(1000) ack 1", SendReason::timeout);
}

TEST_CASE_FIXTURE(Shrink, "a window shrunk to nothing is probed as any closed one [9293 MUST-35]") {
  fly();
  in(". 1:1(0) ack 1001 win 0");
  const lab::PacketLine probe = (run(2s), take());
  CHECK(probe.segment()->seq == 1001);
  CHECK(probe.segment()->length == 1);
  skip();
}

TEST_CASE_FIXTURE(Shrink,
                  "text beyond a shrunk window never ends the connection by timeout while the peer answers [SHLD-17]") {
  fly();
  in(". 1:1(0) ack 1001 win 0");
  for (int i = 0; i < 3600; ++i) {
    run(1s);
    if (skip() > 0) in(". 1:1(0) ack 1001 win 0");
  }
  state_is(State::established);
  in(". 1:1(0) ack 1001 win 4000");
  out(". 1001:2001(1000) ack 1");
  skip();
}

TEST_CASE_FIXTURE(Shrink,
                  "when the window comes back, what it had cut off goes again without waiting for a timeout [MAY-7]") {
  fly();
  in(". 1:1(0) ack 1001 win 0");
  run(100ms);
  in(". 1:1(0) ack 1001 win 4000");
  out(". 1001:2001(1000) ack 1");
  skip();
}

TEST_CASE_FIXTURE(Script, "a closed window answers probes with what it is, and opens by an update [9293 MUST-39]") {
  tcp::ListenOptions options;
  options.options.receive_buffer = 4000;
  listen(options);
  in("S 0:0(0) <mss 1000>");
  take();
  in(". 1:1(0) ack 1");
  accept();
  in("P. 1:4001(4000) ack 1");
  out(". 1:1(0) ack 4001 win 0");
  run(1s);
  in(". 4001:4002(1) ack 1");
  out(". 1:1(0) ack 4001 win 0");
  read(4000);
  out(". 1:1(0) ack 4001 win 4000", SendReason::window_update);
}

}  // namespace
}  // namespace sluice::test
