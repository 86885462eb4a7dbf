// How much may wait in a connection: the send buffer, the unsent low-water mark, and peers that never read.
#include <doctest/doctest.h>

#include "tests/support/script.hpp"

namespace sluice::test {
namespace {

using tcp::Counter;
using tcp::SendReason;
using tcp::State;

TEST_CASE_FIXTURE(Script, "buffers of no given size begin at 256 KiB, and the window scale is for their maximum") {
  listen();
  in("S 0:0(0) <mss 1000,nop,wscale 0>");
  out("S. 0:0(0) ack 1 win 65535 <mss 1460,nop,wscale 7>");
  in(". 1:1(0) ack 1");
  accept();
  CHECK(socket.info()->receive_buffer == 256 * 1024);
  CHECK(socket.info()->send_buffer == 256 * 1024);
  CHECK(socket.writable() == 256 * 1024);
}

TEST_CASE_FIXTURE(Script, "a buffer whose size is given keeps it") {
  established({.listening = {.options = {.send_buffer = 10'000, .receive_buffer = 20'000}}});
  CHECK(socket.info()->receive_buffer == 20'000);
  CHECK(socket.info()->send_buffer == 10'000);
  set([](tcp::Options& o) { o.receive_buffer = 30'000; });
  CHECK(socket.info()->receive_buffer == 30'000);
}

TEST_CASE_FIXTURE(Script, "with no maximum, or a small one, nothing grows, and the scale fits") {
  tcp::ListenOptions options;
  options.options.receive_buffer_maximum = 100'000;
  listen(options);
  in("S 0:0(0) <mss 1000,nop,wscale 0>");
  out("S. 0:0(0) ack 1 win 65535 <mss 1460,nop,wscale 1>");
  in(". 1:1(0) ack 1");
  accept();
  CHECK(socket.info()->receive_buffer == 100'000);
}

TEST_CASE_FIXTURE(Script, "the send buffer is twice the congestion window, between its bounds") {
  established({.mss = 1460, .wscale = 10, .window = 60'000});
  std::uint32_t at = 1;
  while (socket.info()->cwnd < 200'000) {
    write(socket.writable());
    at += static_cast<std::uint32_t>(socket.info()->cwnd / 1460 * 1460);
    skip();
    run(1ms);
    in(text_line(".", 1, 0, " ack " + std::to_string(at)));
  }
  CHECK(socket.info()->send_buffer == 2 * socket.info()->cwnd);
  set([](tcp::Options& o) { o.send_buffer_maximum = 300'000; });
  CHECK(socket.info()->send_buffer == 300'000);
  skip();
}

// --- the low-water mark of what is unsent --------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script, "with a low-water mark no more than that waits unsent, and the writer hears when less does") {
  established({.window = 4000});
  set([](tcp::Options& o) { o.unsent_low_water = 3000; });
  CHECK(socket.writable() == 3000);
  CHECK(write(10'000) == 3000);
  CHECK(skip() == 3);
  CHECK(socket.writable() == 3000);  // all of it is on its way
  (void)events();
  CHECK(write(10'000) == 3000);
  CHECK(skip() == 1);  // the window is full
  CHECK(socket.info()->unsent == 2000);
  CHECK(socket.writable() == 1000);
  (void)events();
  run(10ms);
  in(". 1:1(0) ack 3001");
  CHECK(skip() == 2);
  CHECK(any(events() & Readiness::writable));
  CHECK(socket.writable() == 3000);
}

TEST_CASE_FIXTURE(Script, "a mark above what is unsent limits nothing but its own amount") {
  established({.listening = {.options = {.send_buffer = 5000, .unsent_low_water = 100'000}}});
  CHECK(socket.writable() == 5000);
}

// --- peers that don't read -----------------------------------------------------------------------------------------

struct Stalled : Script {
  Stalled() {
    config.memory_limit = 256 * 1024;
    config.tcp.quick_acks = 0;
  }
  /// The peer closes its window, and text waits.
  void stall(std::size_t bytes) {
    in(". 1:1(0) ack 1 win 0");
    std::size_t taken = 0;
    while (taken < bytes) {
      const std::size_t now_taken = write(std::min<std::size_t>(bytes - taken, 16'000));
      if (now_taken == 0) break;
      taken += now_taken;
    }
  }
  void answer_probes(Duration time) {
    for (const Duration end = now() + time; now() < end && stack().tcp().connection_count() > 0;) {
      run(100ms);
      while (waiting() > 0) {
        if (take().segment()->has(wire::tcp::rst)) return;
        in(". 1:1(0) ack 1 win 0");
      }
    }
  }
};

TEST_CASE_FIXTURE(Stalled,
                  "a peer that never reads is put up with while there is memory [A-TCP-23, A-TCP-24, 9293 MUST-37]") {
  established({.rtt = 100ms});
  stall(100'000);
  answer_probes(1h);
  state_is(State::established);
  CHECK(count(Counter::stalled_dropped) == 0);
}

TEST_CASE_FIXTURE(Stalled, "when memory is short it is reset, though its probes are answered [A-TCP-23, A-TCP-24]") {
  established({.rtt = 100ms});
  stall(1'000'000);
  answer_probes(9s);
  state_is(State::established);  // patience
  answer_probes(1h);
  CHECK(last_reason() == SendReason::reset_stalled);
  CHECK(count(Counter::stalled_dropped) == 1);
  error_is(Errc::connection_aborted);
  CHECK(now() < 5min);
}

TEST_CASE_FIXTURE(Stalled, "one that offers a trickle of window is no better [A-TCP-23]") {
  established({.rtt = 100ms});
  stall(1'000'000);
  in(". 1:1(0) ack 1 win 3");
  for (int i = 0; i < 600 && stack().tcp().connection_count() == 1 && count(Counter::stalled_dropped) == 0; ++i) {
    run(100ms);
    skip();
    in(text_line(".", 1, 0,
                 " ack " + std::to_string(1 + socket.info()->unacked + socket.info()->bytes_acked) + " win 3"));
  }
  CHECK(count(Counter::stalled_dropped) == 1);
  skip();
}

TEST_CASE_FIXTURE(Stalled,
                  "of several the one that has stood still longest goes, and no more than have to [A-TCP-23]") {
  established({.rtt = 100ms});
  stall(60'000);
  const tcp::Socket first = std::move(socket);
  run(5s);
  skip();
  peer(40001);
  in("S 0:0(0) <mss 1000>");
  take();
  run(100ms);
  in(". 1:1(0) ack 1");
  accept();
  stall(1'000'000);
  run(1min);
  skip();
  CHECK(count(Counter::stalled_dropped) == 1);
  CHECK(first.state() == State::closed);
  state_is(State::established);
}

}  // namespace
}  // namespace sluice::test
