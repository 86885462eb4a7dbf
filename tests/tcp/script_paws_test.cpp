// Timestamps: on which segments, what is echoed, and what they protect from (RFC 7323 sections 3 to 5).
#include <doctest/doctest.h>

#include "tests/support/script.hpp"

namespace sluice::test {
namespace {

using tcp::Counter;
using tcp::SendReason;
using tcp::State;

// The peer writes all its timestamps itself; TS.Recent is 1000 after the handshake.
struct Stamps : Script {
  void open() {
    listen();
    in("S 0:0(0) <mss 1000,sackOK,TS val 1000 ecr 0>");
    out("S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 0 ecr 1000>");
    in(". 1:1(0) ack 1 <nop,nop,TS val 1000 ecr 0>");
    accept();
  }
};

// --- on which segments -------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(
    Stamps,
    "once agreed on, every segment of ours carries timestamps that echo the peer's [R7323-3.2-1, R7323-3.2-6]") {
  open();
  run(5ms);
  in("P. 1:101(100) ack 1 <nop,nop,TS val 1007 ecr 0>");
  out(". 1:1(0) ack 101 <nop,nop,TS val 5 ecr 1007>");
  write(10);
  out("P. 1:11(10) ack 101 <nop,nop,TS val 5 ecr 1007>");
  finish();
  out("F. 11:11(0) ack 101 <nop,nop,TS val 5 ecr 1007>");
}

TEST_CASE_FIXTURE(Stamps, "a RST of ours carries them too [R7323-3.2-2]") {
  open();
  run(3ms);
  abort();
  out("R. 1:1(0) ack 1 <nop,nop,TS val 3 ecr 1000>");
}

TEST_CASE_FIXTURE(Script, "the echo of a SYN is zero [R7323-3.2-7]") {
  connect();
  out("S 0:0(0) <mss 1460,sackOK,TS val 0 ecr 0,nop,wscale 7>");
  run(7ms);
  in("S. 0:0(0) ack 1 <mss 1000,nop,nop,TS val 555 ecr 0>");
  out(". 1:1(0) ack 1 <nop,nop,TS val 7 ecr 555>");
}

TEST_CASE_FIXTURE(
    Stamps, "a segment without timestamps is dropped in silence, and the connection lives [R7323-3.2-3, R7323-3.2-4]") {
  open();
  in("P. 1:101(100) ack 1");
  in("F. 1:1(0) ack 1");
  quiet(1s);
  CHECK(count(Counter::drop_missing_timestamp) == 2);
  state_is(State::established);
  in("P. 1:101(100) ack 1 <nop,nop,TS val 1001 ecr 0>");
  out(". 1:1(0) ack 101");
}

TEST_CASE_FIXTURE(Stamps, "a RST needs none [R7323-3.2-4, R7323-5.2-1]") {
  open();
  in("R 1:1(0)");
  error_is(Errc::connection_reset);
}

TEST_CASE_FIXTURE(Script, "timestamps that were never agreed on are ignored [R7323-3.2-5]") {
  established();
  in("P. 1:101(100) ack 1 <nop,nop,TS val 5 ecr 6>");
  out(". 1:1(0) ack 101 <>");
  in("P. 101:201(100) ack 1 <nop,nop,TS val 4 ecr 6>");
  out(". 1:1(0) ack 201 <>");
}

TEST_CASE_FIXTURE(Stamps,
                  "our clock ticks in milliseconds from a secret start [R7323-4.1-1, R7323-5.4-1, R7323-5.4-2, "
                  "R7323-7-1, A-TCP-13]") {
  open();
  const auto raw = [this] {
    const auto line = lab::to_line(*lab::open_packet(last_bytes()), {}, {});
    return *std::get<lab::option::Timestamps>(line.segment()->options->back()).value;
  };
  write(1);
  take();
  const std::uint32_t first = raw();
  in(". 1:1(0) ack 2 <nop,nop,TS val 1001 ecr 0>");
  run(1h);
  write(1);
  take();
  CHECK(raw() - first == 3'600'000);
  // Another connection's clock stands elsewhere.
  peer(40001);
  in("S 0:0(0) <mss 1000,TS val 1000 ecr 0>");
  take();
  CHECK(raw() != first + 3'600'000);
}

// --- PAWS --------------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Stamps, "a segment from the past is acknowledged and dropped [R7323-5.3-1, R7323-5.3-3]") {
  open();
  in("P. 1:101(100) ack 1 <nop,nop,TS val 999 ecr 0>");
  out(". 1:1(0) ack 1 <nop,nop,TS val 0 ecr 1000>", SendReason::paws);
  CHECK(socket.readable() == 0);
  CHECK(count(Counter::drop_paws) == 1);
}

TEST_CASE_FIXTURE(Stamps, "timestamps are compared modulo 2^32 [R7323-5.3-1]") {
  listen();
  in("S 0:0(0) <mss 1000,TS val 4294967290 ecr 0>");
  take();
  in(". 1:1(0) ack 1 <nop,nop,TS val 4294967290 ecr 0>");
  accept();
  in("P. 1:101(100) ack 1 <nop,nop,TS val 5 ecr 0>");
  out(". 1:1(0) ack 101");
  in("P. 101:201(100) ack 1 <nop,nop,TS val 4294967295 ecr 0>");
  out(". 1:1(0) ack 101", SendReason::paws);
}

TEST_CASE_FIXTURE(Stamps,
                  "PAWS comes before the window: an old segment outside it is dropped for its age [R7323-5.3-2]") {
  open();
  in("P. 900000:900100(100) ack 1 <nop,nop,TS val 999 ecr 0>");
  out(". 1:1(0) ack 1", SendReason::paws);
  CHECK(count(Counter::drop_paws) == 1);
  CHECK(count(Counter::drop_unacceptable) == 0);
}

TEST_CASE_FIXTURE(Stamps, "a RST passes PAWS and changes no timestamp [R7323-5.2-1]") {
  open();
  in("R 2:2(0) <nop,nop,TS val 5000 ecr 0>");  // challenged
  out(". 1:1(0) ack 1 <nop,nop,TS val 0 ecr 1000>", SendReason::challenge);
  in("R 1:1(0) <nop,nop,TS val 1 ecr 0>");
  error_is(Errc::connection_reset);
}

TEST_CASE_FIXTURE(Stamps, "after 24 idle days TS.Recent means nothing any more [R7323-5.5-1]") {
  open();
  run(24h * 24 - 1s);
  in("P. 1:101(100) ack 1 <nop,nop,TS val 999 ecr 0>");
  out(". 1:1(0) ack 1", SendReason::paws);
  run(2s);
  in("P. 1:101(100) ack 1 <nop,nop,TS val 999 ecr 0>");
  out(". 1:1(0) ack 101");
}

TEST_CASE_FIXTURE(Stamps, "old bare ACKs are answered sparingly [A-TCP-15]") {
  open();
  for (int i = 0; i < 50; ++i) in(". 1:1(0) ack 1 <nop,nop,TS val 999 ecr 0>");
  CHECK(skip() == 1);
}

// --- what is echoed ----------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Stamps,
                  "a bare duplicate ACK that was overtaken a moment ago still brings its SACK block [R2018-5-1]") {
  open();
  write(3000);
  CHECK(skip() == 3);
  in("P. 1:101(100) ack 1 <nop,nop,TS val 1010 ecr 0>");
  skip();
  in(". 101:101(0) ack 1 <nop,nop,TS val 1005 ecr 0,nop,nop,sack 989:1977>");
  CHECK(count(Counter::drop_paws) == 0);
  CHECK(socket.info()->pipe == 1976);
  skip();
  SUBCASE("but not without a block") { in(". 101:101(0) ack 1 <nop,nop,TS val 1005 ecr 0>"); }
  SUBCASE("not with text") { in("P. 101:201(100) ack 1 <nop,nop,TS val 1005 ecr 0>"); }
  SUBCASE("not with another number") { in(". 51:51(0) ack 1 <nop,nop,TS val 1005 ecr 0,nop,nop,sack 1977:2965>"); }
  SUBCASE("not with news of its own") { in(". 101:101(0) ack 989 <nop,nop,TS val 1005 ecr 0,nop,nop,sack 1977:2965>"); }
  SUBCASE("not with another window") {
    in(". 101:101(0) ack 1 win 100 <nop,nop,TS val 1005 ecr 0,nop,nop,sack 1977:2965>");
  }
  SUBCASE("not from long ago") { in(". 101:101(0) ack 1 <nop,nop,TS val 0 ecr 0,nop,nop,sack 1977:2965>"); }
  CHECK(count(Counter::drop_paws) == 1);
  skip();
}

TEST_CASE_FIXTURE(Stamps, "TS.Recent follows segments at the left edge, when newer [R7323-4.3-1]") {
  open();
  in("P. 1:101(100) ack 1 <nop,nop,TS val 1010 ecr 0>");
  out(". 1:1(0) ack 101 <nop,nop,TS val 0 ecr 1010>");
  in("P. 101:201(100) ack 1 <nop,nop,TS val 1010 ecr 0>");
  out(". 1:1(0) ack 201 <nop,nop,TS val 0 ecr 1010>");
}

TEST_CASE_FIXTURE(
    Stamps, "a segment beyond a gap is not echoed; the one that fills it is [R7323-4.3-1, R7323-4.3-3, R7323-4.3-4]") {
  open();
  in("P. 101:201(100) ack 1 <nop,nop,TS val 1020 ecr 0>");
  out(". 1:1(0) ack 1 <nop,nop,TS val 0 ecr 1000,nop,nop,sack 101:201>");
  in("P. 1:101(100) ack 1 <nop,nop,TS val 1010 ecr 0>");
  out(". 1:1(0) ack 201 <nop,nop,TS val 0 ecr 1010>");
}

TEST_CASE_FIXTURE(Stamps, "a delayed ACK echoes the earliest segment that it acknowledges [R7323-4.3-2]") {
  config.tcp.quick_acks = 0;
  open();
  in("P. 1:101(100) ack 1 <nop,nop,TS val 1010 ecr 0>");
  in("P. 101:201(100) ack 1 <nop,nop,TS val 1020 ecr 0>");
  run(40ms);
  out(". 1:1(0) ack 201 <nop,nop,TS val 40 ecr 1010>", SendReason::delayed_ack);
}

TEST_CASE_FIXTURE(Stamps, "a forged large timestamp far outside the window doesn't poison TS.Recent [A-TCP-13]") {
  open();
  in("P. 500000:500100(100) ack 1 <nop,nop,TS val 900000 ecr 0>");
  out(". 1:1(0) ack 1 <nop,nop,TS val 0 ecr 1000>");
  in("P. 1:101(100) ack 1 <nop,nop,TS val 1001 ecr 0>");
  out(". 1:1(0) ack 101");
}

}  // namespace
}  // namespace sluice::test
