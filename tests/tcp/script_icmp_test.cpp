// ICMP errors about our segments: whose they are, which are believed, and what a narrower path does (RFC 9293 3.9.2.2;
// RFC 5927; RFC 1191; RFC 8201).
#include <doctest/doctest.h>

#include "tests/support/script.hpp"

namespace sluice::test {
namespace {

using tcp::Counter;
using tcp::SendReason;
using tcp::State;

struct Icmp : Script {
  bool v4() const { return family == Family::ipv4; }
  std::string host_unreachable(std::string_view quote) const {
    return "icmp unreachable " + std::string(v4() ? "host_unreachable [" : "addr_unreachable [") + std::string(quote) +
           "]";
  }
  std::string port_unreachable(std::string_view quote) const {
    return "icmp unreachable port_unreachable [" + std::string(quote) + "]";
  }
  std::string too_big(int mtu, std::string_view quote) const {
    return std::string(v4() ? "icmp unreachable frag_needed mtu " : "icmp packet_too_big mtu ") + std::to_string(mtu) +
           " [" + std::string(quote) + "]";
  }
  int headers() const { return v4() ? 40 : 60; }
  /// One segment of 1000 bytes is out.
  void fly() {
    established();
    write(1000);
    out("P. 1:1001(1000) ack 1");
  }
};

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

// --- the path MTU ------------------------------------------------------------------------------------------------

struct Narrow : Icmp {
  void fly_large() {
    established({.mss = 1460, .rtt = 100ms});
    write(2920);
    out(". 1:1461(1460) ack 1");
    out("P. 1461:2921(1460) ack 1");
  }
};

TEST_CASE_FIXTURE(Narrow,
                  "what was too big goes again at once in smaller segments, without a sign of congestion [R1191-3-1, "
                  "R1191-6.4-1, R7323-5.7-1]") {
  fly_large();
  const std::uint32_t cwnd = socket.info()->cwnd;
  in(too_big(1400, "1:1461(1460)"));
  const auto size = static_cast<std::uint32_t>(1400 - headers());
  out(text_line(".", 1, size));
  CHECK(skip() >= 1);
  CHECK(socket.info()->send_mss == size);
  CHECK(socket.info()->cwnd >= cwnd / 2);
  CHECK(count(Counter::path_mtu_changes) == 1);
}

TEST_CASE_FIXTURE(Narrow, "later segments and other connections to the same host keep to the path [R1191-3-1]") {
  fly_large();
  in(too_big(1400, "1:1461(1460)"));
  skip();
  in(". 1:1(0) ack 2921");
  const auto size = static_cast<std::uint32_t>(1400 - headers());
  write(3000);
  out(text_line(".", 2921, size));
  skip();
  const tcp::Socket first = std::move(socket);
  peer(41000);
  in("S 0:0(0) <mss 1460>");
  take();
  in(". 1:1(0) ack 1");
  accept();
  write(3000);
  out(text_line(".", 1, size));
  skip();
}

TEST_CASE_FIXTURE(Narrow, "a quote that isn't in flight narrows nothing [A-TCP-10]") {
  fly_large();
  in(too_big(1300, "5000:6460(1460)"));
  quiet();
  CHECK(socket.info()->send_mss == 1460);
  CHECK(count(Counter::icmp_ignored) == 1);
}

TEST_CASE_FIXTURE(
    Narrow, "an MTU that is no smaller narrows nothing, and sends nothing again [R1191-3-3, R1191-6.4-2, A-TCP-10]") {
  fly_large();
  in(too_big(1520, "1:1461(1460)"));
  in(too_big(9000, "1:1461(1460)"));
  quiet();
  CHECK(socket.info()->send_mss == 1460);
}

TEST_CASE_FIXTURE(Narrow, "a path below the floor isn't believed all the way [R1191-3-2, A-TCP-10]") {
  fly_large();
  in(too_big(v4() ? 68 : 500, "1:1461(1460)"));
  skip();
  CHECK(socket.info()->send_mss >= (v4() ? 512u : 1220u));
}

TEST_CASE_FIXTURE(Narrow, "an old router that doesn't say the MTU makes us try the next plateau [R1191-3-5]") {
  if (!v4()) return;
  fly_large();
  in("icmp unreachable frag_needed mtu 0 [1:1461(1460)]");
  skip();
  CHECK(socket.info()->send_mss < 1460);
  CHECK(socket.info()->send_mss >= 512);
}

TEST_CASE_FIXTURE(Narrow, "a second error of the same narrowing sends nothing twice [R1191-6.4-2]") {
  fly_large();
  in(too_big(1400, "1:1461(1460)"));
  CHECK(skip() >= 2);
  in(too_big(1400, "1461:2921(1460)"));
  quiet();
}

}  // namespace
}  // namespace sluice::test
