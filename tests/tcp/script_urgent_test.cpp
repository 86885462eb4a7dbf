// Urgent text: received inline with a mark, sent with a pointer (RFC 9293 3.8.5; RFC 6093).
#include <doctest/doctest.h>

#include "tests/support/script.hpp"

namespace sluice::test {
namespace {

using tcp::SendReason;
using tcp::State;

TEST_CASE_FIXTURE(Script,
                  "the application hears when urgent text appears, and how far it is [9293 MUST-30, MUST-32, MUST-33, "
                  "R9293-3.10.7.4-23]") {
  established();
  CHECK_FALSE(socket.urgent_ahead());
  (void)events();
  in("PU. 1:101(100) ack 1 urg 50");
  skip();
  CHECK(any(events() & Readiness::urgent));
  CHECK(socket.urgent_ahead() == 50u);
  read(20);
  CHECK(socket.urgent_ahead() == 30u);
  read(30);
  CHECK_FALSE(socket.urgent_ahead());
  read(50);  // inline: nothing is missing
}

TEST_CASE_FIXTURE(Script,
                  "the mark moves ahead with a new pointer, with a word each time, and never back [9293 MUST-32, "
                  "R9293-3.10.7.4-23]") {
  established();
  in("PU. 1:101(100) ack 1 urg 100");
  skip();
  (void)events();
  in("PU. 101:201(100) ack 1 urg 100");
  skip();
  CHECK(any(events() & Readiness::urgent));
  CHECK(socket.urgent_ahead() == 200u);
  in("PU. 201:301(100) ack 1 urg 0");
  skip();
  CHECK_FALSE(any(events() & Readiness::urgent));
  in("U. 301:301(0) ack 1 urg 10");  // no text, but a mark ahead
  CHECK(any(events() & Readiness::urgent));
  CHECK(socket.urgent_ahead() == 310u);
  skip();
}

TEST_CASE_FIXTURE(Script, "urgent text may be longer than any segment [9293 MUST-31]") {
  established();
  in("U. 1:1001(1000) ack 1 urg 60000");
  skip();
  CHECK(socket.urgent_ahead() == 60000u);
  in("U. 1001:2001(1000) ack 1 urg 59000");
  skip();
  CHECK(socket.urgent_ahead() == 60000u);
}

TEST_CASE_FIXTURE(Script,
                  "a pointer without the bit, behind what was read, or after the FIN means nothing [A-PRS-06]") {
  established();
  in("P. 1:101(100) ack 1 urg 50");
  skip();
  CHECK_FALSE(socket.urgent_ahead());
  read(100);
  in("PU. 101:111(10) ack 1 urg 0");
  skip();
  CHECK_FALSE(socket.urgent_ahead());
  in("F. 111:111(0) ack 1");
  skip();
  in("U. 112:112(0) ack 1 urg 500");
  skip();
  CHECK_FALSE(socket.urgent_ahead());
}

TEST_CASE_FIXTURE(Script, "URG counts with a closed window too [9293 MUST-66, R9293-3.10.7.4-5]") {
  established({.listening = {.options = {.receive_buffer = 2048}}});
  in("P. 1:2049(2048) ack 1");
  out(". 1:1(0) ack 2049 win 0");
  (void)events();
  in("U. 2049:2050(1) ack 1 urg 1");
  out(". 1:1(0) ack 2049 win 0");
  CHECK(any(events() & Readiness::urgent));
  CHECK(socket.urgent_ahead() == 2049u);
}

TEST_CASE_FIXTURE(Script, "our pointer names the octet behind the urgent text [9293 MUST-30, MUST-62]") {
  established();
  write_urgent(10);
  out("PU. 1:11(10) ack 1 urg 10");
  in(". 1:1(0) ack 11");
  write(10);
  out("P. 11:21(10) ack 1");
}

TEST_CASE_FIXTURE(Script, "every segment before the mark tells of it, also when sent again [9293 MUST-31, MUST-62]") {
  established();
  write(1000);
  out("P. 1:1001(1000) ack 1");
  write_urgent(1500);
  out("U. 1001:2001(1000) ack 1 urg 1500");
  in(". 1:1(0) ack 2001");
  out("PU. 2001:2501(500) ack 1 urg 500");
  run(1s);
  const lab::PacketLine again = take();
  CHECK(again.segment()->has(wire::tcp::urg));
  CHECK(again.segment()->seq + *again.segment()->urgent == 2501);
  skip();
}

TEST_CASE_FIXTURE(Script,
                  "a mark farther than the pointer reaches is approached with the largest pointer [9293 MUST-31]") {
  established({.wscale = 4, .window = 65535});
  set([](tcp::Options& o) { o.send_buffer = 400000; });
  write_urgent(100000);
  out("U. 1:1001(1000) ack 1 urg 65535");
  skip();
}

}  // namespace
}  // namespace sluice::test
