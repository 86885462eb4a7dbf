// ICMP errors about our segments: whose they are, which are believed (RFC 9293 3.9.2.2; RFC 5927).
#include <doctest/doctest.h>

#include "tests/tcp/support_icmp.hpp"

namespace sluice::test {
namespace {

using tcp::Counter;
using tcp::SendReason;
using tcp::State;

// --- whose error it is, and whether it can be true -----------------------------------------------------------------

TEST_CASE_FIXTURE(Icmp,
                  "an error reaches the connection that it quotes, which reports it and lives on [9293 MUST-54, "
                  "MUST-47, MUST-56, SHLD-25]") {
  fly();
  in(host_unreachable("1:1001(1000)"));
  state_is(State::established);
  CHECK(count(Counter::icmp_soft_errors) == 1);
  CHECK(socket.take_soft_error() == Errc::host_unreachable);
  CHECK(socket.take_soft_error() == Errc::none);
  in(". 1:1(0) ack 1001");
}

TEST_CASE_FIXTURE(Icmp, "a quote of something not in flight is not believed [R5927-4.1-1, A-TCP-08]") {
  fly();
  in(host_unreachable("1001:2001(1000)"));  // not sent yet
  in(host_unreachable("0:1000(1000)"));     // acknowledged
  in(host_unreachable("5000000:5001000(1000)"));
  CHECK(count(Counter::icmp_ignored) == 3);
  CHECK(socket.take_soft_error() == Errc::none);
  in(". 1:1(0) ack 1001");
  in(host_unreachable("1:1001(1000)"));  // was true a moment ago
  CHECK(count(Counter::icmp_ignored) == 4);
}

TEST_CASE_FIXTURE(Icmp, "an error about another connection, or none, is not ours [9293 MUST-54]") {
  fly();
  peer(40001);
  in(host_unreachable("1:1001(1000)"));
  CHECK(count(Counter::icmp_ignored) == 1);
  peer(40000);
  CHECK(socket.take_soft_error() == Errc::none);
}

TEST_CASE_FIXTURE(Icmp, "errors are not reported to an application that doesn't want them [SHLD-20]") {
  fly();
  set([](tcp::Options& o) { o.report_soft_errors = false; });
  in(host_unreachable("1:1001(1000)"));
  CHECK(count(Counter::icmp_soft_errors) == 1);
  CHECK(socket.take_soft_error() == Errc::none);
}

TEST_CASE_FIXTURE(Icmp,
                  "no error ends a synchronized connection, be it soft or hard [9293 MUST-56, R5927-5.2-1, A-TCP-08]") {
  fly();
  in(host_unreachable("1:1001(1000)"));
  in(port_unreachable("1:1001(1000)"));
  in("icmp time_exceeded in_transit [1:1001(1000)]");
  in("icmp parameter_problem header_field [1:1001(1000)]");
  if (v4()) {
    in("icmp unreachable net_unreachable [1:1001(1000)]");
    in("icmp unreachable protocol_unreachable [1:1001(1000)]");
    in("icmp unreachable source_route_failed [1:1001(1000)]");
    in("icmp unreachable host_prohibited [1:1001(1000)]");
  } else {
    in("icmp unreachable noroute [1:1001(1000)]");
    in("icmp unreachable admin_prohibited [1:1001(1000)]");
  }
  state_is(State::established);
  error_is(Errc::none);
  in(". 1:1(0) ack 1001");
  quiet(1h);
}

TEST_CASE_FIXTURE(Icmp, "a source quench changes nothing [9293 MUST-55, R5927-6.2-1, R6633-3-1, A-TCP-09]") {
  if (!v4()) return;
  fly();
  const std::uint32_t cwnd = socket.info()->cwnd;
  in("icmp source_quench [1:1001(1000)]");
  CHECK(socket.info()->cwnd == cwnd);
  CHECK(socket.take_soft_error() == Errc::none);
  quiet(500ms);
}

// --- while a connection is being opened --------------------------------------------------------------------------

TEST_CASE_FIXTURE(Icmp, "a hard error about our SYN fails the OPEN at once [SHLD-26, R5927-5.2-2]") {
  connect();
  out("S 0:0(0)");
  in(port_unreachable("0:0(0)"));
  state_is(State::closed);
  error_is(Errc::connection_refused);
  CHECK(count(Counter::icmp_hard_errors) == 1);
  quiet(1h);
}

TEST_CASE_FIXTURE(Icmp, "a hard error that quotes another SYN is not believed [R5927-4.1-1]") {
  connect();
  out("S 0:0(0)");
  in(port_unreachable("1:1(0)"));
  in(port_unreachable("-1:-1(0)"));
  state_is(State::syn_sent);
}

TEST_CASE_FIXTURE(Icmp, "a soft error about our SYN is told when the OPEN gives up [9293 MUST-56, SHLD-25]") {
  connect();
  out("S 0:0(0)");
  in(host_unreachable("0:0(0)"));
  state_is(State::syn_sent);
  run(5min);
  CHECK(skip() == 7);
  state_is(State::closed);
  error_is(Errc::host_unreachable);
}

TEST_CASE_FIXTURE(Icmp, "a hard error about a SYN,ACK drops the half-open connection if it quotes it rightly") {
  listen();
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1");
  in(port_unreachable("7:7(0)"));
  CHECK(stack().tcp().half_open_count() == 1);
  in(host_unreachable("0:0(0)"));
  CHECK(stack().tcp().half_open_count() == 1);
  in(port_unreachable("0:0(0)"));
  CHECK(stack().tcp().half_open_count() == 0);
}

}  // namespace
}  // namespace sluice::test
