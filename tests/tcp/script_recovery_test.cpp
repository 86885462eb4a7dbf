// D-SACKs, tail loss probes and undone timeouts, as they look on the wire (RFC 2883, RFC 8985 section 7, RFC 3522).
#include <doctest/doctest.h>

#include "tests/support/script.hpp"

namespace sluice::test {
namespace {

using tcp::Counter;
using tcp::SendReason;

struct Repair : Script {
  void open(bool timestamps = false) { established({.sack = true, .timestamps = timestamps, .rtt = 100ms}); }
};

// --- D-SACK ------------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Repair, "what arrives twice is reported first, in one ACK only [R2883-4-1, R2883-4-2]") {
  open();
  in("P. 1:101(100) ack 1");
  skip();
  in("P. 1:101(100) ack 1");
  out(". 1:1(0) ack 101 <nop,nop,sack 1:101>", SendReason::unacceptable);
  write(10);
  out("P. 1:11(10) ack 101 <>");
}

TEST_CASE_FIXTURE(Repair, "a duplicate behind a gap is followed by the block around it [R2883-4-3, R2018-4-4]") {
  open();
  in("P. 201:301(100) ack 1");
  in("P. 301:401(100) ack 1");
  in("P. 601:701(100) ack 1");
  skip();
  in("P. 301:401(100) ack 1");
  out(". 1:1(0) ack 1 <nop,nop,sack 301:401 201:401 601:701>", SendReason::gap);
  in("P. 701:801(100) ack 1");
  out(". 1:1(0) ack 1 <nop,nop,sack 601:801 201:401>");
}

TEST_CASE_FIXTURE(Repair, "of a segment that is known in part only that part is reported [R2883-4-1]") {
  open();
  in("P. 1:101(100) ack 1");
  skip();
  in("P. 51:151(100) ack 1");
  out(". 1:1(0) ack 151 <nop,nop,sack 51:101>");
  in("P. 301:401(100) ack 1");
  skip();
  in("P. 251:451(200) ack 1");
  out(". 1:1(0) ack 151 <nop,nop,sack 301:401 251:451>");
}

TEST_CASE_FIXTURE(Repair, "a repeated FIN is reported as well [R2883-4-1]") {
  open();
  in("F. 1:1(0) ack 1");
  skip();
  in("F. 1:1(0) ack 1");
  out(". 1:1(0) ack 2 <nop,nop,sack 1:2>");
}

TEST_CASE_FIXTURE(Script, "without SACK nothing is reported [R2883-4-1, R2018-4-1]") {
  established();
  in("P. 1:101(100) ack 1");
  skip();
  in("P. 1:101(100) ack 1");
  out(". 1:1(0) ack 101 <>");
}

// --- tail loss probes --------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Repair,
                  "a lost tail is probed for after two round trips, then the timeout comes [R8985-7.3-2, "
                  "R8985-7.3-3, R8985-8-1]") {
  open();
  write(3000);
  CHECK(skip() == 3);
  out(200ms, "P. 2001:3001(1000) ack 1", SendReason::tail_loss_probe);
  out(300ms, ". 1:1001(1000) ack 1", SendReason::timeout);
  CHECK(count(Counter::tail_loss_probes) == 1);
}

TEST_CASE_FIXTURE(Repair, "what the probe's SACK shows to be missing goes again [R8985-7.3-2]") {
  open();
  write(3000);
  CHECK(skip() == 3);
  run(100ms);
  in(". 1:1(0) ack 1001");  // 2 and 3 were lost
  out(200ms, "P. 2001:3001(1000) ack 1", SendReason::tail_loss_probe);
  run(100ms);
  in(". 1:1(0) ack 1001 <nop,nop,sack 2001:3001>");
  out(". 1001:2001(1000) ack 1", SendReason::rack_loss);
  in(". 1:1(0) ack 3001");
  quiet(1h);
  CHECK(count(Counter::timeouts) == 0);
}

TEST_CASE_FIXTURE(Repair, "new text is the better probe [R8985-7.3-2]") {
  open();
  write(30000);
  const std::size_t flight = skip();
  const std::uint32_t next = 1 + static_cast<std::uint32_t>(flight) * 1000;
  out(200ms, text_line(".", next, 1000), SendReason::tail_loss_probe);
}

TEST_CASE_FIXTURE(Script, "without SACK there is no probe [R8985-4-1, R8985-7.2-1]") {
  established({.rtt = 100ms});
  write(3000);
  CHECK(skip() == 3);
  out(300ms, ". 1:1001(1000) ack 1", SendReason::timeout);
}

TEST_CASE_FIXTURE(Repair, "a closed window is probed by its own rules [R8985-7.2-1]") {
  open();
  write(2000);
  CHECK(skip() == 2);
  in(". 1:1(0) ack 1001 win 0");
  quiet(299ms);
  CHECK(count(Counter::tail_loss_probes) == 0);
}

// --- proportional rate reduction ---------------------------------------------------------------------------------

// Reno halves: of ten segments five may stay. Two leave by limited transmit, the retransmission with the third SACK;
// from there on every second SACK lets one go while more than five are out, and then one leaves for each that arrives.
TEST_CASE_FIXTURE(Repair, "RACK finds the loss, PRR spreads what leaves in recovery [R8985-9.3-2] [R9937-5-1]") {
  established({.sack = true, .rtt = 100ms, .listening = {.congestion = tcp::CongestionControl::reno}});
  write(100000);
  REQUIRE(skip() == 10);
  run(100ms);
  std::string sent;
  for (const char* end : {"2001", "3001", "4001", "5001", "6001", "7001", "8001", "9001", "10001"}) {
    in(std::string(". 1:1(0) ack 1 <nop,nop,sack 1001:") + end + ">");
    sent += std::to_string(skip());
  }
  CHECK(sent == "111001001");
}

// --- undo --------------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Repair,
                  "an ACK of the original undoes the timeout: new text follows, nothing else goes twice [3522, "
                  "4015]") {
  open(true);
  write(3000);
  CHECK(skip() == 4 - 1);
  run(200ms);
  skip();  // the probe
  run(300ms);
  skip();  // the timeout
  CHECK(count(Counter::timeouts) == 1);
  const std::uint32_t cwnd = socket.info()->cwnd;
  CHECK(cwnd < 2000);
  in(". 1:1(0) ack 989 <nop,nop,TS val 1600 ecr 100>");
  CHECK(count(Counter::spurious_timeouts) == 1);
  CHECK(socket.info()->cwnd >= 9880);
  CHECK(socket.info()->backoff == 0);
  CHECK_FALSE(socket.info()->in_recovery);
  quiet();
}

}  // namespace
}  // namespace sluice::test
