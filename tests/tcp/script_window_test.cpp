// Which segments are acceptable and what is done with them: windows, duplicates, gaps, updates (RFC 9293 3.4, 3.8.6,
// 3.10.7.4).
#include <doctest/doctest.h>

#include "tests/support/script.hpp"

namespace sluice::test {
namespace {

using tcp::Counter;
using tcp::SendReason;
using tcp::State;

// A connection whose receive window is exactly this large.
struct Window : Script {
  void open(std::size_t bytes) {
    tcp::ListenOptions options;
    options.options.receive_buffer = bytes;
    listen(options);
    in("S 0:0(0) <mss 1000>");
    out("S. 0:0(0) ack 1 win " + std::to_string(bytes));
    in(". 1:1(0) ack 1");
    accept();
  }
  void close_window() {
    open(4000);
    in("P. 1:4001(4000) ack 1");
    out(". 1:1(0) ack 4001 win 0");
  }
};

// --- the four cases of acceptability -----------------------------------------------------------------------------

TEST_CASE_FIXTURE(Window, "an empty segment is acceptable from RCV.NXT to the window's end [R9293-3.10.7.4-1]") {
  open(4000);
  for (const std::string_view good : {"1:1", "2:2", "4000:4000"}) {
    in(". " + std::string(good) + "(0) ack 1");
    quiet();
  }
  for (const std::string_view bad : {"0:0", "-100:-100", "4002:4002", "100000:100000"}) {
    in(". " + std::string(bad) + "(0) ack 1");
    out(". 1:1(0) ack 1", SendReason::unacceptable);
    run(1s);
  }
}

TEST_CASE_FIXTURE(Window, "text is acceptable if any of it lies in the window [R9293-3.10.7.4-1, R9293-3.10.7.4-2]") {
  open(4000);
  for (const std::string_view bad : {"-9:1(10)", "4001:4011(10)", "-2000:-1000(1000)", "5000:5001(1)"}) {
    in(". " + std::string(bad) + " ack 1");
    out(". 1:1(0) ack 1", SendReason::unacceptable);
  }
  CHECK(count(Counter::drop_unacceptable) == 4);
  in(". -9:2(11) ack 1");  // its last byte is new
  out(". 1:1(0) ack 2");
  in(". 3990:4010(20) ack 1");  // the first ones fit
  out(". 1:1(0) ack 2", SendReason::gap);
  read(1);
}

TEST_CASE_FIXTURE(
    Window,
    "with a closed window an empty segment is acceptable at RCV.NXT only [R9293-3.10.7.4-1, R9293-3.10.7.4-5]") {
  close_window();
  in(". 4001:4001(0) ack 1");
  quiet();
  in(". 4002:4002(0) ack 1");
  out(". 1:1(0) ack 4001 win 0", SendReason::unacceptable);
  run(1s);
  in(". 4000:4000(0) ack 1");
  out(". 1:1(0) ack 4001 win 0", SendReason::unacceptable);
}

TEST_CASE_FIXTURE(
    Window, "with a closed window no text is acceptable, and the answer tells so [R9293-3.10.7.4-1, 9293 MUST-36]") {
  close_window();
  in(". 4001:4002(1) ack 1");  // a window probe
  out(". 1:1(0) ack 4001 win 0", SendReason::unacceptable);
  CHECK(socket.readable() == 4000);
}

TEST_CASE_FIXTURE(Window,
                  "a refused segment's acknowledgment counts if it stands at RCV.NXT of a closed window [9293 MUST-66, "
                  "R9293-3.10.7.4-5]") {
  close_window();
  write(1000);
  out("P. 1:1001(1000) ack 4001 win 0");
  in(". 4001:4002(1) ack 1001");
  out(". 1001:1001(0) ack 4001 win 0", SendReason::unacceptable);
  CHECK(socket.info()->unacked == 0);
}

// --- trimming ----------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Window, "what was received before is cut from the front of a segment [R9293-3.10.7.4-4]") {
  open(4000);
  in("P. 1:101(100) ack 1");
  out(". 1:1(0) ack 101");
  in("P. 51:151(100) ack 1");
  out(". 1:1(0) ack 151");
  read(150);
  CHECK(count(Counter::duplicate_bytes) == 50);
}

TEST_CASE_FIXTURE(Window, "what lies beyond the window is cut from the end, a FIN too [R9293-3.10.7.4-4]") {
  open(4000);
  in("FP. 1:4101(4100) ack 1");
  out(". 1:1(0) ack 4001 win 0");
  state_is(State::established);
  read(4000);
  out(". 1:1(0) ack 4001 win 4000", SendReason::window_update);
  in("FP. 4001:4101(100) ack 1");
  out(". 1:1(0) ack 4102");
  state_is(State::close_wait);
}

TEST_CASE_FIXTURE(Window, "text that is known already is acknowledged at once, for the peer missed the last ACK") {
  open(4000);
  in("P. 1:101(100) ack 1");
  out(". 1:1(0) ack 101");
  in("P. 1:101(100) ack 1");
  out(". 1:1(0) ack 101", SendReason::unacceptable);
}

// --- gaps --------------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(
    Window, "text behind a gap waits, each such segment being acknowledged at once [SHLD-31, MAY-13, R5681-3.2-1]") {
  open(4000);
  in(". 1001:2001(1000) ack 1");
  out(". 1:1(0) ack 1", SendReason::gap);
  in(". 2001:3001(1000) ack 1");
  out(". 1:1(0) ack 1", SendReason::gap);
  CHECK(socket.readable() == 0);
  in(". 1:1001(1000) ack 1");
  out(". 1:1(0) ack 3001", SendReason::gap);
  read(3000);
  out(". 1:1(0) ack 3001 win 4000", SendReason::window_update);
}

TEST_CASE_FIXTURE(Window, "an ACK leaves at once when a gap shrinks [R5681-3.2-2]") {
  config.tcp.quick_acks = 0;
  open(4000);
  in(". 1001:2001(1000) ack 1");
  out(". 1:1(0) ack 1");
  in(". 3001:3501(500) ack 1");
  out(". 1:1(0) ack 1");
  in(". 1:1001(1000) ack 1");
  out(". 1:1(0) ack 2001", SendReason::gap);
}

TEST_CASE_FIXTURE(Window, "of overlapping text the first received bytes win [A-PRS-11]") {
  open(4000);
  in(". 4:7(3) ack 1", "def");
  skip();
  in(". 3:8(5) ack 1", "CDEFG");
  skip();
  in("P. 1:5(4) ack 1", "ABxx");
  skip();
  CHECK(read_text() == "ABCdefG");
}

TEST_CASE_FIXTURE(Window,
                  "a FIN behind a gap waits for what is missing, and text beyond it is ignored [R9293-3.10.7.4-24]") {
  open(4000);
  in("FP. 101:201(100) ack 1");
  out(". 1:1(0) ack 1", SendReason::gap);
  state_is(State::established);
  in("P. 201:301(100) ack 1");  // there is no such text
  skip();
  in(". 1:101(100) ack 1");
  out(". 1:1(0) ack 202");
  state_is(State::close_wait);
  read(200);
  CHECK(socket.at_eof());
}

TEST_CASE_FIXTURE(Window, "text after the peer's FIN is ignored [R9293-3.10.7.4-24]") {
  open(4000);
  in("F. 1:1(0) ack 1");
  out(". 1:1(0) ack 2");
  in("P. 2:102(100) ack 1");
  skip();
  CHECK(socket.readable() == 0);
  CHECK(socket.at_eof());
  state_is(State::close_wait);
}

// --- the window that we offer ------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Window, "the window's right edge never goes back [SHLD-14, R9293-3.10.7.4-25]") {
  open(4000);
  std::uint32_t edge = 4001;
  for (std::uint32_t at = 1; at < 4001; at += 400) {
    in(text_line("P.", at, 400));
    const lab::PacketLine ack = take();
    CHECK(*ack.segment()->ack + *ack.segment()->window == edge);
  }
  set([](tcp::Options& o) { o.receive_buffer = 2048; });
  quiet();
  read(4000);
  const lab::PacketLine update = take();
  edge = *update.segment()->ack + *update.segment()->window;
  CHECK(edge >= 4001);
}

TEST_CASE_FIXTURE(Window, "a smaller buffer is reached by not opening the window, never by closing it [SHLD-14]") {
  open(8000);
  set([](tcp::Options& o) { o.receive_buffer = 2048; });
  in("P. 1:1001(1000) ack 1");
  out(". 1:1(0) ack 1001 win 7000");
  read(1000);
  quiet();
  in("P. 1001:8001(7000) ack 1");
  out(". 1:1(0) ack 8001 win 0");
  read(7000);
  out(". 1:1(0) ack 8001 win 2048", SendReason::window_update);
}

TEST_CASE_FIXTURE(Window, "text anywhere in a window once promised is taken [R7323-2.4-2]") {
  open(8000);
  set([](tcp::Options& o) { o.receive_buffer = 2048; });
  in("P. 7001:8001(1000) ack 1");
  out(". 1:1(0) ack 1", SendReason::gap);
  in("P. 1:7001(7000) ack 1");
  out(". 1:1(0) ack 8001 win 0");
  read(8000);
  out(". 1:1(0) ack 8001 win 2048", SendReason::window_update);
}

TEST_CASE_FIXTURE(Window, "a window that rounding of the shift shrinks is coped with [R7323-2.4-1]") {
  config.tcp.quick_acks = 200;
  tcp::ListenOptions options;
  options.options.receive_buffer = 262144;
  listen(options);
  in("S 0:0(0) <mss 1000,nop,wscale 0>");
  take();
  in(". 1:1(0) ack 1");
  accept();
  std::uint32_t edge = 0;
  for (std::uint32_t at = 1; at < 200; at += 3) {  // 3 bytes at a time: the edge as shown moves by steps of 8
    in(text_line("P.", at, 3));
    const lab::PacketLine ack = take();
    const std::uint32_t shown = *ack.segment()->ack + (std::uint32_t{*ack.segment()->window} << 3);
    CHECK(shown + 8 > edge);  // less than a unit
    edge = std::max(edge, shown);
  }
}

// --- the window that the peer offers -----------------------------------------------------------------------------

TEST_CASE_FIXTURE(Script, "an old segment's window doesn't replace a newer one [R9293-3.10.7.4-17]") {
  established();
  in("P. 1:101(100) ack 1 win 2000");
  skip();
  CHECK(socket.info()->send_window == 2000);
  in(". 1:101(100) ack 1 win 9000");  // an older SEQ, come late: unacceptable by now
  skip();
  CHECK(socket.info()->send_window == 2000);
  in(". 151:201(50) ack 1 win 3000");  // out of order, but newer
  skip();
  CHECK(socket.info()->send_window == 3000);
  in("P. 101:151(50) ack 1 win 4000");  // the older of the two
  skip();
  CHECK(socket.info()->send_window == 3000);
}

TEST_CASE_FIXTURE(Script, "a segment that acknowledges nothing new may update the window [R9293-3.10.7.4-18]") {
  established();
  in(". 1:1(0) ack 1 win 1234");
  CHECK(socket.info()->send_window == 1234);
  write(2000);
  skip();
  in(". 1:1(0) ack 1001 win 5000");
  in(". 1:1(0) ack 1 win 99");  // an old ACK
  CHECK(socket.info()->send_window == 5000);
  skip();
}

TEST_CASE_FIXTURE(Script, "what is sent for the first time stays inside the latest window [R7323-2.4-3, R5681-3.1-1]") {
  established({.window = 2500});
  write(10000);
  out(". 1:1001(1000) ack 1");
  out(". 1001:2001(1000) ack 1");
  quiet(100ms);
  in(". 1:1(0) ack 2001 win 3000");
  out(". 2001:3001(1000) ack 1");
  out(". 3001:4001(1000) ack 1");
  out(". 4001:5001(1000) ack 1");
  quiet(100ms);
}

TEST_CASE_FIXTURE(Script, "the handshake's own ACKs don't widen the congestion window [R5681-3.1-3]") {
  established({.active = true, .rtt = 100ms});
  CHECK(socket.info()->cwnd == 10000);
  Script passive;
  passive.established({.rtt = 100ms});
  CHECK(passive.socket.info()->cwnd == 10000);
}

TEST_CASE_FIXTURE(Script, "both sides' numbers pass the wrap of 2^32 in the middle of a transfer [9293 MUST-1]") {
  our_isn = 0xffff'f000;
  peer_isn = 0xffff'f800;
  established();
  for (std::uint32_t at = 1; at < 10001; at += 1000) {
    in(text_line("P.", at, 1000));
    out(text_line(".", at, 0, " ack " + std::to_string(at + 1000)));
    read(1000);
    write(1000);
    out(text_line("P.", at, 1000, " ack " + std::to_string(at + 1000)));
    in(text_line(".", at + 1000, 0, " ack " + std::to_string(at + 1000)));
  }
}

TEST_CASE_FIXTURE(Script, "a FIN that the window has no number for does not leave with the text [9293 SHLD-15]") {
  established({.window = 1000});
  device_full(true);
  write(1000);
  finish();
  device_full(false);
  out("P. 1:1001(1000) ack 1");
  quiet(100ms);
  in(". 1:1(0) ack 1001");
  out("F. 1001:1001(0) ack 1", SendReason::finish);
}

}  // namespace
}  // namespace sluice::test
