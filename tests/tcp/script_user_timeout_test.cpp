// How long text may wait, as both ends tell each other (RFC 5482).
#include <doctest/doctest.h>

#include "tests/support/script.hpp"

namespace sluice::test {
namespace {

using tcp::SendReason;
using tcp::State;

struct UserTimeout : Script {
  void open(Duration advertise, std::uint16_t mss = 1000) {
    established({.mss = mss, .listening = {.options = {.user_timeout_advertise = advertise}}});
  }
  void told(std::string_view value) { in(". 1:1(0) ack 1 <kind 28 " + std::string(value) + ">"); }
  /// Text that nobody acknowledges ends the connection after this time, neither sooner nor later.
  void ends_after(Duration limit) {
    write(500);
    run(limit - 1ms);
    skip();
    state_is(State::established);
    run(2ms);
    skip();
    error_is(Errc::timed_out);
  }
  void outlives(Duration time) {
    write(500);
    run(time);
    skip();
    state_is(State::established);
  }
};

TEST_CASE_FIXTURE(UserTimeout,
                  "ours is told on the SYN and on the first segment after it, and then no more [R5482-3.3-1]") {
  connect({.options = {.user_timeout_advertise = 120s}});
  CHECK(to_text(take()).ends_with("kind 28 0x0078>"));
  in("S. 0:0(0) ack 1 <mss 1000>");
  out(". 1:1(0) ack 1 <kind 28 0x0078>");
  write(100);
  out("P. 1:101(100) ack 1 <>");
}

TEST_CASE_FIXTURE(UserTimeout, "who is opened to tells it on the SYN,ACK [R5482-3.3-1]") {
  tcp::ListenOptions options;
  options.options.user_timeout_advertise = 200s;
  listen(options);
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1 <mss 1460,kind 28 0x00c8>");
  in(". 1:1(0) ack 1");
  accept();
  write(100);
  out("P. 1:101(100) ack 1 <kind 28 0x00c8>");
}

TEST_CASE_FIXTURE(UserTimeout, "beyond 32767 seconds it is told in minutes, rounded up [R5482-3.3-1]") {
  open(40000s);
  write(100);
  out("P. 1:101(100) ack 1 <kind 28 0x829b>");
}

TEST_CASE_FIXTURE(UserTimeout,
                  "a change is told by the next segment, once; switched off, nothing is told [R5482-3.4-1]") {
  established();
  set([](tcp::Options& o) { o.user_timeout_advertise = 300s; });
  write(100);
  out("P. 1:101(100) ack 1 <kind 28 0x012c>");
  in(". 1:1(0) ack 101");
  set([](tcp::Options& o) { o.user_timeout_advertise = 0s; });
  write(100);
  out("P. 101:201(100) ack 1 <>");
}

TEST_CASE_FIXTURE(UserTimeout, "the option takes its bytes from the text beside it [9293 MUST-16]") {
  open(120s);
  write(1996);
  out(". 1:997(996) ack 1 <kind 28 0x0078>");
  out("P. 997:1997(1000) ack 1 <>");
}

TEST_CASE_FIXTURE(UserTimeout, "the longer of both timeouts is adopted [R5482-3.1-1]") {
  open(120s);
  told("0x0096");
  ends_after(150s);
}

TEST_CASE_FIXTURE(UserTimeout, "of the peer's and ours, ours may be the longer one [R5482-3.1-1]") {
  open(180s);
  told("0x0096");
  ends_after(180s);
}

TEST_CASE_FIXTURE(UserTimeout, "minutes are understood [R5482-3.3-1]") {
  open(120s);
  told("0x8004");
  ends_after(240s);
}

TEST_CASE_FIXTURE(UserTimeout, "the peer can't ask for less than a hundred seconds [R5482-3-3, R5482-3.1-2]") {
  open(1s);
  told("0x0001");
  ends_after(100s);
}

TEST_CASE_FIXTURE(UserTimeout, "nor for more than the upper limit [R5482-3-3, R5482-3.1-1]") {
  config.tcp.user_timeout_ceiling = 300s;
  open(120s);
  told("0xf530");
  ends_after(300s);
}

TEST_CASE_FIXTURE(UserTimeout, "whatever the limits say, one retransmission comes before the end [R5482-3.1-3]") {
  config.tcp.user_timeout_floor = 0s;
  open(1s);
  told("0x0001");
  write(500);
  skip();
  out(1s, "P. 1:501(500) ack 1", SendReason::timeout);
  state_is(State::established);
  run(3s);
  skip();
  error_is(Errc::timed_out);
}

TEST_CASE_FIXTURE(UserTimeout,
                  "a timeout that the application set is not the peer's to change [R5482-3-1, R5482-3.1-4]") {
  open(120s);
  set([](tcp::Options& o) { o.user_timeout = 50s; });
  told("0x00c8");
  ends_after(50s);
}

TEST_CASE_FIXTURE(UserTimeout, "who doesn't use the option doesn't mind it [R5482-3-2]") {
  established();
  told("0x0096");
  outlives(160s);
  quiet(0s);
}

TEST_CASE_FIXTURE(UserTimeout, "a timeout of nothing means nothing [R5482-3.4-1]") {
  open(120s);
  told("0x0000");
  told("0x8000");
  outlives(250s);
}

TEST_CASE_FIXTURE(UserTimeout, "telling ours changes nothing here: the peer may never have heard it [R5482-3.2-1]") {
  open(120s);
  outlives(250s);
}

TEST_CASE_FIXTURE(UserTimeout, "a peer that tells another one while text waits moves the end [R5482-3.1-1]") {
  open(120s);
  told("0x0190");
  write(500);
  skip();
  run(60s);
  told("0x0096");
  run(90s - 1ms);
  skip();
  state_is(State::established);
  run(2ms);
  skip();
  error_is(Errc::timed_out);
}

TEST_CASE_FIXTURE(UserTimeout, "an idle line is probed only after the adopted timeout [R5482-4.2-1]") {
  open(120s);
  set([](tcp::Options& o) { o.keep_alive = {.on = true, .idle = 100s, .interval = 10s, .probes = 3}; });
  told("0x012c");
  out(301s, ". 0:0(0) ack 1", SendReason::keep_alive);
}

TEST_CASE_FIXTURE(UserTimeout, "one told on the peer's SYN,ACK counts [R5482-3.1-1]") {
  connect({.options = {.user_timeout_advertise = 120s}});
  take();
  in("S. 0:0(0) ack 1 <mss 1000,kind 28 0x00c8>");
  take();
  ends_after(200s);
}

}  // namespace
}  // namespace sluice::test
