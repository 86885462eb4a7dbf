// The compact records answer as full connections would; memory that runs out harms nobody (Config::compact_time_wait,
// half_open.hpp, budgets).
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/script.hpp"

namespace sluice::test {
namespace {

using tcp::Counter;
using tcp::SendReason;
using tcp::State;

// --- TIME-WAIT ---------------------------------------------------------------------------------------------------

// Everything that may still arrive in TIME-WAIT, and what comes back within ten seconds.
std::string answers_in_time_wait(bool compact, const Established& how, std::string_view packet) {
  Script script;
  script.config.tcp.compact_time_wait = compact;
  script.established(how);
  script.finish();
  script.out("F. 1:1(0) ack 1");
  script.in("F. 1:1(0) ack 2");
  script.out(". 2:2(0) ack 2");
  script.run(3s);
  script.in(packet);
  script.run(10s);
  std::string answers;
  for (std::size_t left = script.waiting(); left > 0; --left) {
    answers += to_text(script.take());
    answers += " for " + std::string(name(script.last_reason())) + "; ";
  }
  return answers;
}

TEST_CASE("a TIME-WAIT record answers as the whole connection would") {
  for (const Established& how : {Established{}, Established{.sack = true, .timestamps = true, .wscale = 3}}) {
    for (const std::string_view packet :
         {"F. 1:1(0) ack 2", ". 2:2(0) ack 2", ". 1:1(0) ack 2", "P. 1:2(1) ack 2", "P. 2:102(100) ack 2", "R 2:2(0)",
          "R 3:3(0)", "R. 2:2(0) ack 2", "S 1:1(0) <>", ". 2:2(0) ack 3", ". 2:2(0) ack 1", ". 90000:90000(0) ack 2",
          "- 2:2(0)", "F. 2:2(0) ack 2", "S. 2:2(0) ack 2", "PU. 2:12(10) ack 2 urg 5", "P. 2:102(100) ack -70000",
          ". 2:2(0) ack 2 <TS val 5 ecr 1>"}) {
      CAPTURE(packet);
      CHECK(answers_in_time_wait(true, how, packet) == answers_in_time_wait(false, how, packet));
    }
  }
}

TEST_CASE("both forms of TIME-WAIT end at the same time") {
  for (const bool compact : {true, false}) {
    Script script;
    script.config.tcp.compact_time_wait = compact;
    script.established();
    script.close();
    script.out("F. 1:1(0) ack 1");
    script.in("F. 1:1(0) ack 2");
    script.out(". 2:2(0) ack 2");
    script.run(60s - 1ns);
    script.in(". 2:2(0) ack 1");
    script.quiet();
    script.run(1ns);
    script.in(". 50000:50100(100) ack 2");
    script.out("R 2:2(0)");
  }
}

TEST_CASE_FIXTURE(Script, "rationed answers stay rationed in a TIME-WAIT record [A-TCP-15]") {
  established();
  close();
  out("F. 1:1(0) ack 1");
  in("F. 1:1(0) ack 2");
  out(". 2:2(0) ack 2");
  std::size_t answers = 0;
  for (int i = 0; i < 100; ++i) {
    in(". 90000:90000(0) ack 2");
    answers += skip();
  }
  CHECK(answers <= 2);
}

// --- half-open ---------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script, "a half-open record remembers all that the SYN agreed on") {
  listen();
  in("S 0:0(0) win 5000 <mss 700,sackOK,TS val 77 ecr 0,nop,wscale 5>");
  out("S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 0 ecr 77,nop,wscale 7>");
  CHECK(stack().tcp().connection_count() == 0);
  run(100ms);
  in(". 1:1(0) ack 1 win 200 <nop,nop,TS val 80 ecr 0>");
  CHECK(stack().tcp().connection_count() == 1);
  accept();
  const tcp::Info info = *socket.info();
  CHECK(info.sack);
  CHECK(info.timestamps);
  CHECK(info.send_scale == 5);
  CHECK(info.send_window == 6400);
  CHECK(info.send_mss == 688);
  CHECK(info.srtt == 100ms);
  write(10);
  out("P. 1:11(10) ack 1 <nop,nop,TS val 100 ecr 80>");
}

TEST_CASE_FIXTURE(
    Script,
    "a half-open connection challenges, refuses and drops as RFC 9293 says [R9293-3.10.7.4-2, R9293-3.10.7.4-3]") {
  listen();
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1");
  in("R 0:0(0)");  // outside the window
  quiet();
  in("R 500:500(0)");  // inside, but not exact
  out(". 1:1(0) ack 1", SendReason::challenge);
  in("P. -500:-400(100) ack 1");
  out(". 1:1(0) ack 1", SendReason::unacceptable);
  in(". 1:1(0) ack 1");
  accept();
}

TEST_CASE_FIXTURE(Script,
                  "the RTT of a SYN,ACK that went twice is not sampled, and slow start begins with one segment "
                  "[R6298-3-1, R5681-3.1-4]") {
  listen();
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1");
  out(1s, "S. 0:0(0) ack 1");
  in(". 1:1(0) ack 1");
  accept();
  CHECK(socket.info()->srtt == 0ns);
  CHECK(socket.info()->rto == 3s);
  write(3000);
  CHECK(skip() == 1);
}

// --- memory ------------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script,
                  "without memory text is dropped and the window isn't opened; freed, the peer's repeat is taken") {
  config.memory_limit = 64 * 1024;
  established({.wscale = 4, .listening = {.options = {.receive_buffer = 1 << 20}}});
  std::uint32_t at = 1;
  std::uint32_t edge = 0;
  while (count(Counter::drop_memory) == 0) {
    in(text_line(".", at, 1000));
    at += 1000;
    REQUIRE(at < 1000000);
    if (waiting() == 0) continue;
    const lab::PacketLine ack = take();
    const std::uint32_t next = *ack.segment()->ack + (std::uint32_t{*ack.segment()->window} << 5);
    CHECK(next + 32 > edge);  // no promise is taken back
    edge = std::max(edge, next);
  }
  const std::uint32_t missing = at - 1000;
  CHECK(socket.readable() == missing - 1);
  run(1s);
  skip();
  read(missing - 1);
  skip();
  in(text_line(".", missing, 1000));
  run(40ms);
  CHECK(*take().segment()->ack == missing + 1000);
}

TEST_CASE_FIXTURE(Script, "without memory a write takes less, and goes on when something was acknowledged") {
  config.memory_limit = 256 * 1024;
  established();
  set([](tcp::Options& o) { o.send_buffer = 1 << 20; });
  const std::size_t taken = write(900000);
  CHECK(taken > 100000);
  CHECK(taken <= 256 * 1024);
  skip();
  (void)events();
  for (std::uint32_t acked = 0; acked < taken;) {
    acked = static_cast<std::uint32_t>(socket.info()->bytes_acked + socket.info()->unacked);
    in(text_line(".", 1, 0, " ack " + std::to_string(1 + acked)));
    skip();
  }
  CHECK(any(events() & Readiness::writable));
  CHECK(write(1000) == 1000);
  skip();
}

TEST_CASE_FIXTURE(Script, "a send buffer's limit is kept, and room is told of") {
  established();
  set([](tcp::Options& o) { o.send_buffer = 4096; });
  CHECK(write(10000) == 4096);
  CHECK(socket.writable() == 0);
  CHECK(skip() == 4);
  (void)events();
  in(". 1:1(0) ack 4001");
  out("P. 4001:4097(96) ack 1");
  CHECK(any(events() & Readiness::writable));
  CHECK(socket.writable() == 4000);
}

TEST_CASE_FIXTURE(Script, "an idle connection holds no memory but its own") {
  established({.sack = true, .rtt = 10ms});
  const std::size_t idle = socket.info()->memory;
  write(5000);
  skip();
  in("P. 1:3001(3000) ack 1");
  skip();
  CHECK(socket.info()->memory > idle + 5000);
  in(". 3001:3001(0) ack 5001");
  read(3000);
  skip();
  CHECK(socket.info()->memory <= idle + 2048);
  CHECK(stack().memory().used() == 0);
}

TEST_CASE_FIXTURE(Script, "each of very many pieces behind a gap is bounded by number [A-TCP-27]") {
  established({.wscale = 4, .listening = {.options = {.receive_buffer = 1 << 20}}});
  for (std::uint32_t at = 3; at < 2 * 9000; at += 2) in(text_line(".", at, 1));
  skip();
  CHECK(count(Counter::drop_out_of_order_limit) > 0);
  CHECK(count(Counter::out_of_order_segments) >= 8000);
  state_is(State::established);
}

}  // namespace
}  // namespace sluice::test
