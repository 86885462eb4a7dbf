// The SACK blocks that we send (RFC 2018), and how losses that the peer reports are repaired on the wire.
#include <doctest/doctest.h>

#include "tests/support/script.hpp"

namespace sluice::test {
namespace {

using tcp::Counter;
using tcp::SendReason;
using tcp::State;

struct Sack : Script {
  void open(bool timestamps = false) {
    established({.sack = true, .timestamps = timestamps, .rtt = 100ms});
    peer_window = 65535;
  }
};

// --- as a receiver -----------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Sack, "a gap is reported with the block behind it [R2018-3-1, R2018-4-3]") {
  open();
  in("P. 101:201(100) ack 1");
  out(". 1:1(0) ack 1 <nop,nop,sack 101:201>", SendReason::gap);
  in("P. 1:101(100) ack 1");
  out(". 1:1(0) ack 201 <>");
}

TEST_CASE_FIXTURE(Script, "without SACK-permitted no block is sent [R2018-4-1]") {
  established();
  in("P. 101:201(100) ack 1");
  out(". 1:1(0) ack 1 <>");
}

TEST_CASE_FIXTURE(
    Sack, "the block of the segment that came last stands first, then the latest before it [R2018-4-4, R2018-4-6]") {
  open();
  in("P. 101:201(100) ack 1");
  out(". 1:1(0) ack 1 <nop,nop,sack 101:201>");
  in("P. 301:401(100) ack 1");
  out(". 1:1(0) ack 1 <nop,nop,sack 301:401 101:201>");
  in("P. 501:601(100) ack 1");
  out(". 1:1(0) ack 1 <nop,nop,sack 501:601 301:401 101:201>");
  in("P. 201:251(50) ack 1");  // touches the oldest block
  out(". 1:1(0) ack 1 <nop,nop,sack 101:251 501:601 301:401>");
}

TEST_CASE_FIXTURE(Sack, "a segment that joins two blocks makes one of them [R2018-4-4]") {
  open();
  in("P. 101:201(100) ack 1");
  skip();
  in("P. 301:401(100) ack 1");
  skip();
  in("P. 201:301(100) ack 1");
  out(". 1:1(0) ack 1 <nop,nop,sack 101:401>");
}

TEST_CASE_FIXTURE(Sack, "at most four blocks fit, the most recent ones [R2018-3-1, R2018-4-5]") {
  open();
  for (std::uint32_t at = 101; at < 1101; at += 200) {
    in(text_line("P.", at, 100));
    skip();
  }
  in("P. 1101:1201(100) ack 1");
  out(". 1:1(0) ack 1 <nop,nop,sack 1101:1201 901:1001 701:801 501:601>");
}

TEST_CASE_FIXTURE(Sack, "with timestamps three blocks fit [R2018-3-2]") {
  open(true);
  for (std::uint32_t at = 101; at < 701; at += 200) {
    in(text_line("P.", at, 100));
    skip();
  }
  in("P. 701:801(100) ack 1");
  out(". 1:1(0) ack 1 <nop,nop,TS val 100 ecr 1100,nop,nop,sack 701:801 501:601 301:401>");
}

TEST_CASE_FIXTURE(Sack, "as long as a gap is open every segment of ours carries the blocks [R2018-4-2, R2018-4-3]") {
  open();
  in("P. 101:201(100) ack 1");
  skip();
  write(2000);
  out(". 1:989(988) ack 1 <nop,nop,sack 101:201>");  // the option takes 12 bytes of the segment [9293 MUST-16]
  out(". 989:1977(988) ack 1 <nop,nop,sack 101:201>");
  skip();
}

TEST_CASE_FIXTURE(Sack, "a partly filled gap shortens what is reported [R2018-8-3]") {
  open();
  in("P. 101:201(100) ack 1");
  skip();
  in("P. 301:401(100) ack 1");
  skip();
  in("P. 1:101(100) ack 1");
  out(". 1:1(0) ack 201 <nop,nop,sack 301:401>");
}

TEST_CASE_FIXTURE(Sack, "a repeated block is reported first again [R2018-4-4, R2018-8-2]") {
  open();
  in("P. 101:201(100) ack 1");
  skip();
  in("P. 301:401(100) ack 1");
  skip();
  in("P. 101:201(100) ack 1");
  out(". 1:1(0) ack 1 <nop,nop,sack 101:201 101:201 301:401>");  // as a duplicate, and with what is around it
}

// --- as a sender -------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Sack, "a loss that SACK shows narrows the congestion window as any other does [R2018-5.1-1]") {
  open();
  write(10000);
  CHECK(skip() == 10);
  run(100ms);
  in(". 1:1(0) ack 1 <nop,nop,sack 1001:4001>");
  run(25ms);
  CHECK(skip() > 0);
  in(". 1:1(0) ack 10001");
  CHECK(socket.info()->ssthresh <= 7000);
  CHECK(socket.info()->cwnd <= 8000);
}

TEST_CASE_FIXTURE(Sack, "the hole that SACK shows is sent again, and only that [R8985-6.2-6, R2018-5-1]") {
  open();
  write(8000);
  CHECK(skip() == 8);
  run(100ms);
  in(". 1:1(0) ack 1 <nop,nop,sack 1001:2001>");
  in(". 1:1(0) ack 1 <nop,nop,sack 1001:3001>");
  in(". 1:1(0) ack 1 <nop,nop,sack 1001:4001>");
  run(25ms);  // the reordering window: a quarter of the minimum RTT
  out(". 1:1001(1000) ack 1", SendReason::rack_loss);
  quiet(50ms);
  in(". 1:1(0) ack 8001");
  quiet(1h);
  CHECK(count(Counter::retransmissions) == 1);
}

TEST_CASE_FIXTURE(Sack,
                  "what was SACKed and thrown away again is sent after a timeout [R2018-5-3, R2018-8-1, R2018-8-4]") {
  open();
  write(3000);
  CHECK(skip() == 3);
  in(". 1:1(0) ack 1 <nop,nop,sack 1:1001>");  // it has the left edge, yet doesn't acknowledge it
  run(200ms);
  CHECK(skip() == 1);  // a probe
  run(socket.info()->rto);
  out(". 1:1001(1000) ack 1", SendReason::timeout);
  skip();
}

TEST_CASE_FIXTURE(Sack, "blocks that can't be true are ignored [A-TCP-30, A-TCP-32]") {
  open();
  write(3000);
  CHECK(skip() == 3);
  in(". 1:1(0) ack 1 <nop,nop,sack 5001:6001>");    // never sent
  in(". 1:1(0) ack 1 <nop,nop,sack 2001:1001>");    // backwards
  in(". 1:1(0) ack 1 <nop,nop,sack -4000:-3000>");  // long acknowledged
  in(". 1:1(0) ack 1 <nop,nop,sack 1001:1001>");    // empty
  quiet(100ms);
  CHECK(socket.info()->unacked == 3000);
  in(". 1:1(0) ack 3001");
  quiet(1h);
}

TEST_CASE_FIXTURE(
    Script,
    "without SACK the third duplicate ACK sends the first segment again [R5681-3.2-3, R5681-3.2-7, R5681-2-1]") {
  established({.rtt = 100ms});
  write(8000);
  CHECK(skip() == 8);
  in(". 1:1(0) ack 1");
  in(". 1:1(0) ack 1");
  quiet();
  in(". 1:1(0) ack 1");
  out(". 1:1001(1000) ack 1", SendReason::fast_retransmit);
  quiet(50ms);
  in(". 1:1(0) ack 8001");
  quiet(1h);
}

struct NoSack : Script {
  /// Eight segments are out, and three duplicates have brought the first one back.
  void lose_first_of_eight() {
    established({.rtt = 100ms});
    write(8000);
    CHECK(skip() == 8);
    for (int i = 0; i < 3; ++i) in(". 1:1(0) ack 1");
    out(". 1:1001(1000) ack 1", SendReason::fast_retransmit);
  }
};

TEST_CASE_FIXTURE(NoSack, "a partial ACK shows the next hole at once [R6582-3.2-4]") {
  lose_first_of_eight();
  in(". 1:1(0) ack 3001");
  out(". 3001:4001(1000) ack 1", SendReason::partial_ack);
  in(". 1:1(0) ack 8001");
  quiet(1h);
}

TEST_CASE_FIXTURE(NoSack, "each partial ACK starts the retransmission timer anew, not the first alone [R6298-5.3]") {
  lose_first_of_eight();
  for (const std::uint32_t at : {2001U, 3001U, 4001U}) {
    quiet(200ms);
    in(text_line(".", 1, 0, " ack " + std::to_string(at)));
    out(text_line(".", at, 1000), SendReason::partial_ack);
  }
  const Duration rto = socket.info()->rto;
  CHECK(rto > 200ms);
  out(rto, ". 4001:5001(1000) ack 1", SendReason::timeout);
}

TEST_CASE_FIXTURE(
    Script, "duplicates with text, another window or nothing outstanding are no signs of loss [R5681-2-1, A-TCP-34]") {
  established({.rtt = 100ms});
  for (int i = 0; i < 5; ++i) in(". 1:1(0) ack 1");
  quiet();
  write(8000);
  CHECK(skip() == 8);
  for (std::uint16_t i = 0; i < 5; ++i) in(". 1:1(0) ack 1 win " + std::to_string(60000 + i));
  quiet();
  for (std::uint32_t at = 1; at < 51; at += 10) in(text_line("P.", at, 10));
  for (std::size_t left = skip(); left > 0; --left) CHECK(count(Counter::retransmissions) == 0);
}

TEST_CASE_FIXTURE(Script, "two duplicate ACKs let new segments out [R5681-3.2-4, R3042-2-1]") {
  established({.rtt = 100ms});
  write(30000);
  const std::size_t flight = skip();
  const std::uint32_t next = 1 + static_cast<std::uint32_t>(flight) * 1000;
  in(". 1:1(0) ack 1");
  out(text_line(".", next, 1000), SendReason::new_data);
  in(". 1:1(0) ack 1");
  out(text_line(".", next + 1000, 1000), SendReason::new_data);
  quiet();
}

}  // namespace
}  // namespace sluice::test
