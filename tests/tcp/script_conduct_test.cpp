// How a connection behaves all its life long: one DSCP, no urgent mark of its own accord, no RST for what may be its
// own (RFC 9293 3.5.2, 3.8.5, 3.9.2), and how LISTEN ends by the application.
#include <doctest/doctest.h>

#include <vector>

#include "tests/support/script.hpp"

namespace sluice::test {
namespace {

using tcp::Counter;
using tcp::SendReason;
using tcp::State;
namespace flag = wire::tcp;

TEST_CASE_FIXTURE(Script,
                  "a connection keeps one DSCP from its first segment to its last, also on what goes again [SHLD-23]") {
  tcp::ListenOptions options;
  options.options.dscp = 46;
  listen(options);
  const auto marked = [this] { CHECK(take().ip.tos == 46 << 2); };
  in("S 0:0(0) <mss 1000>");
  marked();
  run(1s);  // SYN,ACK again
  marked();
  in(". 1:1(0) ack 1");
  accept();
  write(1500);
  marked();
  in("P. 1:101(100) ack 1001");
  marked();  // the rest, with an ACK
  run(3s);   // again
  marked();
  in(". 101:101(0) ack 1501");
  skip();
  read(100);
  close();
  marked();
  in("F. 101:101(0) ack 1502");
  marked();
}

TEST_CASE_FIXTURE(Script, "URG stands on no segment that the application didn't ask for [SHLD-13]") {
  const auto calm = [this] {
    const lab::PacketLine line = take();
    const lab::SegmentLine* segment = line.segment();
    REQUIRE(segment);
    CHECK_FALSE(segment->has(flag::urg));
    CHECK(segment->urgent.value_or(0) == 0);
  };
  listen();
  in("S 0:0(0) <mss 1000>");
  calm();
  in(". 1:1(0) ack 1");
  accept();
  in("PU. 1:101(100) ack 1 urg 50");  // the peer's mark is not caught
  calm();
  read(100);
  write(3000);
  while (waiting() > 0) calm();
  run(10s);
  while (waiting() > 0) calm();
  in(". 101:101(0) ack 3001");
  finish();
  while (waiting() > 0) calm();
}

TEST_CASE("only what is clearly foreign is answered with a RST: nothing that comes late or early is [R9293-3.5.2-2]") {
  for (const std::string_view segment :
       {". 1:1(0) ack 1", ". -5000:-5000(0) ack 1", "P. -99:1(100) ack 1", "P. 500:600(100) ack 1",
        "P. 300000:300100(100) ack 1", "P. 1:101(100) ack 50000", "P. 1:101(100) ack -90000", "F. -1:-1(0) ack 1",
        "S 0:0(0) <mss 1000>", "S 70000:70000(0) <mss 1000>", "S. 0:0(0) ack 1", "P 1:101(100)", "F 1:1(0)",
        "R 400:400(0)", "R -400:-400(0)", "PU. 1:11(10) ack 1 urg 60000"}) {
    CAPTURE(segment);
    Script script;
    script.established();
    script.in(segment);
    script.run(1s);
    while (script.waiting() > 0) {
      const lab::PacketLine line = script.take();
      const lab::SegmentLine* answer = line.segment();
      REQUIRE(answer);
      CHECK_FALSE(answer->has(flag::rst));
    }
    CHECK(script.count(Counter::resets_out) == 0);
    script.state_is(State::established);
  }
}

TEST_CASE("in SYN-SENT an ACK counts that lies behind ISS and not behind SND.NXT [R9293-3.10.7.3-7]") {
  struct Case {
    std::string_view ack;
    bool good;
  };
  for (const Case one : {Case{"-1", false}, {"0", false}, {"1", true}, {"2", false}, {"100000", false}}) {
    CAPTURE(one.ack);
    Script script;
    script.connect();
    script.out("S 0:0(0)");
    script.in("S. 0:0(0) ack " + std::string(one.ack) + " <mss 1000>");
    if (one.good)
      script.out(". 1:1(0) ack 1", SendReason::handshake_ack);
    else
      script.out("R " + std::string(one.ack) + ":" + std::string(one.ack) + "(0)", SendReason::reset_bad_ack);
    script.state_is(one.good ? State::established : State::syn_sent);
  }
}

TEST_CASE_FIXTURE(Script, "closing a listener leads from LISTEN to CLOSED: the port answers with RST, and is free") {
  listen();
  std::vector<State> states;
  const auto look = [this, &states] {
    states.clear();
    stack().tcp().for_each_socket([&states](const tcp::Info& info) { states.push_back(info.state); });
  };
  look();
  CHECK(states == std::vector{State::listen});
  const SlotId stale = listener.id();
  listener.close();
  CHECK_FALSE(listener);
  CHECK(listener.accept().error() == Errc::stale_handle);
  CHECK(listener.local().error() == Errc::stale_handle);
  look();
  CHECK(states.empty());
  in("S 0:0(0) <mss 1000>");
  out("R. 0:0(0) ack 1", SendReason::reset_no_connection);
  listen();
  CHECK(listener.id() != stale);
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1");
}

}  // namespace
}  // namespace sluice::test
