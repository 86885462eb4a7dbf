// Small segments and few ACKs: Nagle, silly windows, PSH, delayed ACKs (RFC 9293 3.7.4, 3.8.6.2, 3.8.6.3, 3.9.1.2;
// RFC 5681 4.2).
#include <doctest/doctest.h>

#include "tests/support/script.hpp"

namespace sluice::test {
namespace {

using tcp::SendReason;
using tcp::State;

// --- Nagle -------------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script, "while something small is out, small writes gather [SHLD-7, MAY-16]") {
  established();
  write(10);
  out("P. 1:11(10) ack 1");
  write(10);
  write(10);
  quiet(100ms);
  in(". 1:1(0) ack 11");
  out("P. 11:31(20) ack 1");
}

TEST_CASE_FIXTURE(Script, "what makes a full segment leaves at once, the rest waits [SHLD-7, SHLD-28]") {
  established();
  write(10);
  out("P. 1:11(10) ack 1");
  write(1500);
  out(". 11:1011(1000) ack 1");
  quiet(100ms);
  in(". 1:1(0) ack 1011");
  out("P. 1011:1511(500) ack 1");
}

TEST_CASE_FIXTURE(Script, "no_delay switches Nagle off, by connection and at any time [9293 MUST-17]") {
  established();
  write(10);
  out("P. 1:11(10) ack 1");
  write(10);
  quiet(10ms);
  set([](tcp::Options& o) { o.no_delay = true; });
  out("P. 11:21(10) ack 1");
  write(10);
  out("P. 21:31(10) ack 1");
}

TEST_CASE_FIXTURE(Script, "finish() lets what is left go with the FIN [9293 MUST-60]") {
  established();
  write(10);
  out("P. 1:11(10) ack 1");
  write(10);
  quiet();
  finish();
  out("FP. 11:21(10) ack 1");
}

// --- a cork ------------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script, "a cork holds what is less than a full segment, even with Nagle off, until it is pulled") {
  established({.listening = {.options = {.no_delay = true, .cork = true}}});
  write(10);
  write(1500);
  out(". 1:1001(1000) ack 1");
  in(". 1:1(0) ack 1001");
  quiet(100ms);
  set([](tcp::Options& o) { o.cork = false; });
  out("P. 1001:1511(510) ack 1");
}

TEST_CASE_FIXTURE(Script, "what is corked goes with the FIN, or alone after 200 ms with nothing in flight") {
  established({.listening = {.options = {.cork = true}}});
  write(10);
  out(200ms, "P. 1:11(10) ack 1");
  write(10);
  finish();
  out("FP. 11:21(10) ack 1");
}

// --- the sender's silly-window avoidance -------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script, "a small window is not filled with a small segment; half the largest one is [9293 MUST-38]") {
  established({.window = 800});
  write(3000);
  out(". 1:801(800) ack 1");
  in(". 1:1(0) ack 801 win 399");
  quiet(100ms);
  in(". 1:1(0) ack 801 win 400");  // Fs = 1/2
  out(". 801:1201(400) ack 1");
}

TEST_CASE_FIXTURE(Script,
                  "a silly window is used after all, after a time between 0.1 and 1 second [9293 MUST-38, MUST-60]") {
  established({.window = 800});
  write(3000);
  out(". 1:801(800) ack 1");
  in(". 1:1(0) ack 801 win 50");
  quiet(100ms - 1ns);
  run(900ms);
  out(". 801:851(50) ack 1", SendReason::override_small);
  skip();
}

TEST_CASE_FIXTURE(Script, "text is cut into full segments [SHLD-28]") {
  established();
  write(3500);
  for (const std::uint32_t at : {1u, 1001u, 2001u}) out(text_line(".", at, 1000));
  quiet();  // 500 more wait for an ACK
  in(". 1:1(0) ack 3001");
  out("P. 3001:3501(500) ack 1");
}

// --- PSH ---------------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(
    Script, "PSH stands on the last segment of what was written, not on each write's [9293 MUST-61, SHLD-27, MAY-15]") {
  established();
  write(10);
  out("P. 1:11(10) ack 1");
  write(600);
  write(600);
  write(800);
  out(". 11:1011(1000) ack 1");
  in(". 1:1(0) ack 1011");
  out("P. 1011:2011(1000) ack 1");
}

TEST_CASE_FIXTURE(Script, "unsent text never waits for ever: the silly-window timer sends it [9293 MUST-60]") {
  established({.window = 1000});
  write(1000);
  out("P. 1:1001(1000) ack 1");
  write(100);
  in(". 1:1(0) ack 1001 win 30");
  run(1s);
  out(". 1001:1031(30) ack 1");
  skip();
}

// --- delayed ACKs ------------------------------------------------------------------------------------------------

struct Delayed : Script {
  Delayed() { config.tcp.quick_acks = 0; }
  /// The largest segment seen is 1000 bytes; nothing is owed.
  void warm() {
    established();
    in({". 1:1001(1000) ack 1", ". 1001:2001(1000) ack 1"});
    out(". 1:1(0) ack 2001");
    read(2000);
  }
};

TEST_CASE_FIXTURE(
    Delayed, "the ACK of a lone segment waits 40 ms, well below half a second [SHLD-18, 9293 MUST-40, R5681-4.2-2]") {
  warm();
  in("P. 2001:3001(1000) ack 1");
  out(40ms, ". 1:1(0) ack 3001", SendReason::delayed_ack);
  quiet(1h);
}

TEST_CASE_FIXTURE(Delayed, "two full segments are acknowledged at once [SHLD-19, R5681-4.2-1]") {
  warm();
  in(". 2001:3001(1000) ack 1");
  quiet();
  in(". 3001:4001(1000) ack 1");
  out(". 1:1(0) ack 4001", SendReason::second_segment);
}

TEST_CASE_FIXTURE(Delayed, "it is bytes that count: small segments don't make a second full one [SHLD-19]") {
  warm();
  for (std::uint32_t at = 2001; at < 3901; at += 100) in(text_line("P.", at, 100));
  quiet();
  in("P. 3901:4001(100) ack 1");
  out(". 1:1(0) ack 4001", SendReason::second_segment);
}

TEST_CASE_FIXTURE(Delayed, "an ACK rides on text that leaves before the delay is over [9293 MUST-58]") {
  warm();
  in("P. 2001:2101(100) ack 1");
  run(20ms);
  write(50);
  out("P. 1:51(50) ack 2101");
  quiet(500ms);
}

TEST_CASE_FIXTURE(Script, "one ACK answers all of a batch [9293 MUST-58, MUST-59, R5681-4.2-3]") {
  established();
  in({". 1:1001(1000) ack 1", ". 1001:2001(1000) ack 1", ". 2001:3001(1000) ack 1", "P. 3001:3501(500) ack 1"});
  out(". 1:1(0) ack 3501");
  quiet(1s);
}

TEST_CASE_FIXTURE(
    Script, "a batch's text, FIN and window are answered by one segment with our own text [9293 MUST-58, MUST-59]") {
  established({.window = 0});
  write(100);
  quiet();
  in({"P. 1:101(100) ack 1 win 0", "FP. 101:201(100) ack 1 win 1000"});
  out("P. 1:101(100) ack 202");
  quiet(500ms);
}

TEST_CASE_FIXTURE(Script, "early segments are acknowledged at once, so that the peer's window opens") {
  established();
  for (std::uint32_t at = 1; at < 161; at += 10) {
    in(text_line("P.", at, 10));
    out(". 1:1(0) ack " + std::to_string(at + 10), SendReason::quick_ack);
  }
  in("P. 161:171(10) ack 1");
  out(40ms, ". 1:1(0) ack 171", SendReason::delayed_ack);
}

TEST_CASE_FIXTURE(
    Script, "after a gap segments are acknowledged at once again, as the peer's window is small then [R5681-4.2-3]") {
  config.tcp.quick_acks = 3;
  established();
  for (std::uint32_t at = 1; at < 31; at += 10) {
    in(text_line("P.", at, 10));
    out(". 1:1(0) ack " + std::to_string(at + 10), SendReason::quick_ack);
  }
  in("P. 41:51(10) ack 1");
  out(". 1:1(0) ack 31", SendReason::gap);
  in("P. 31:41(10) ack 1");
  out(". 1:1(0) ack 51", SendReason::gap);
  for (std::uint32_t at = 51; at < 81; at += 10) {
    in(text_line("P.", at, 10));
    out(". 1:1(0) ack " + std::to_string(at + 10), SendReason::quick_ack);
  }
  in("P. 81:91(10) ack 1");
  out(40ms, ". 1:1(0) ack 91", SendReason::delayed_ack);
}

// A peer that sends some segments, and more when a round trip is over, again and again.
struct Rounds : Script {
  static constexpr Duration kTrip = 100ms;
  Rounds() { config.tcp.quick_acks = 5; }
  /// How many of the sixth round trip's `segments` are acknowledged before it is over, if we send `ours` bytes after
  /// each.
  std::size_t acknowledged_of(std::uint32_t segments, std::size_t ours = 0) {
    established({.rtt = kTrip});
    std::size_t acknowledged = 0;
    std::size_t written = 0;
    for (std::uint32_t at = 1, end = at + 6000 * segments; at < end;) {
      acknowledged = 0;
      for (const std::uint32_t next = at + 1000 * segments; at < next; at += 1000) {
        in(text_line(".", at, 1000, " ack " + std::to_string(1 + written)));
        acknowledged += skip();
        read(1000);
      }
      run(kTrip / 2);
      if (ours > 0) written += write(ours);
      run(kTrip / 2);
      skip();
    }
    return acknowledged;
  }
};

TEST_CASE_FIXTURE(Rounds,
                  "while a peer sends few segments in a round trip each is acknowledged at once [R5681-4.2-3]") {
  CHECK(acknowledged_of(4) == 4);
}

TEST_CASE_FIXTURE(Rounds, "where more come in a round trip, every second one is [R5681-4.2-1]") {
  CHECK(acknowledged_of(8) == 4);
}

TEST_CASE_FIXTURE(Rounds, "of one message a round trip the ACK waits, since an answer may carry it [9293 MUST-58]") {
  CHECK(acknowledged_of(1) == 0);
}

TEST_CASE_FIXTURE(Rounds, "nor is it of a few while we send, too [9293 MUST-58]") {
  CHECK(acknowledged_of(4, 100) == 2);
}

TEST_CASE_FIXTURE(Rounds, "who wants no quick ACKs has none in a small round either") {
  config.tcp.quick_acks = 0;
  CHECK(acknowledged_of(4) == 2);
}

TEST_CASE_FIXTURE(Delayed, "no more than one ACK answers a segment [R5681-4.2-3]") {
  warm();
  for (std::uint32_t at = 2001; at < 12001; at += 1000) {
    in(text_line(".", at, 1000));
    CHECK(skip() <= 1);
    read(1000);
    CHECK(skip() <= 1);
  }
}

// --- the receiver's silly-window avoidance -----------------------------------------------------------------------

struct SmallWindow : Script {
  void open(std::size_t buffer) {
    tcp::ListenOptions options;
    options.options.receive_buffer = buffer;
    listen(options);
    in("S 0:0(0) <mss 1000>");
    take();
    in(". 1:1(0) ack 1");
    accept();
  }
};

TEST_CASE_FIXTURE(SmallWindow, "a closed window opens only when a segment or half the buffer fits [9293 MUST-39]") {
  open(4000);
  in("P. 1:4001(4000) ack 1");
  out(". 1:1(0) ack 4001 win 0");
  for (int i = 0; i < 9; ++i) {
    read(100);
    quiet();
  }
  in(". 4001:4002(1) ack 1");
  out(". 1:1(0) ack 4001 win 0");
  read(100);  // 1000 bytes: the effective MSS
  out(". 1:1(0) ack 4001 win 1000", SendReason::window_update);
}

TEST_CASE_FIXTURE(SmallWindow, "of a small buffer half must be free [9293 MUST-39]") {
  open(2048);
  in("P. 1:2049(2048) ack 1");
  out(". 1:1(0) ack 2049 win 0");
  read(999);
  quiet();
  read(1);
  skip();
  read(24);
  CHECK(socket.info()->receive_window >= 1000);
  skip();
}

TEST_CASE_FIXTURE(SmallWindow,
                  "an open window grows by steps worth a segment, without updates for each read [9293 MUST-39]") {
  open(8000);
  in("P. 1:2001(2000) ack 1");
  out(". 1:1(0) ack 2001 win 6000");
  for (int i = 0; i < 20; ++i) read(100);
  quiet();
  in("P. 2001:2101(100) ack 1");
  out(". 1:1(0) ack 2101 win 7900");
}

}  // namespace
}  // namespace sluice::test
