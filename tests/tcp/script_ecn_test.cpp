// Explicit Congestion Notification as RFC 3168 has it: who agrees to it, which segments say ECT, what a receiver echoes
// and what a sender does about it.
#include <doctest/doctest.h>

#include "tests/support/script.hpp"

namespace sluice::test {
namespace {

using tcp::Counter;
using tcp::EcnMode;
using tcp::EcnPolicy;
using tcp::SendReason;
using tcp::State;

class EcnScript : public Script {
 public:
  /// The peer opens and asks; the window lets ten segments of 1000 bytes go.
  void classic(bool sack = false) {
    tcp::ListenOptions options;
    options.congestion = tcp::CongestionControl::reno;
    listen(options);
    in(sack ? "SEW 0:0(0) win 65535 <mss 1000,sackOK>" : "SEW 0:0(0) win 65535 <mss 1000>");
    out("[noecn] SE. 0:0(0) ack 1");
    in(". 1:1(0) ack 1");
    accept();
  }
  void ask() {
    tcp::OpenOptions open;
    open.options.ecn = EcnPolicy::active;
    open.congestion = tcp::CongestionControl::reno;
    connect(open);
    out("[noecn] SEW 0:0(0)", SendReason::open);
  }
  EcnMode mode() { return socket.info()->ecn; }
  std::uint32_t cwnd() { return socket.info()->cwnd; }
};

// --- the handshake -----------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(EcnScript,
                  "a listener agrees to the ECN of a SYN that asks, and SYN,ACK says ECE alone and is not ECT "
                  "[9293 SHLD-8, R3168-6.1.1-1, R3168-6.1.1-3]") {
  classic();
  CHECK(mode() == EcnMode::classic);
  CHECK(count(Counter::ecn_negotiated) == 1);
}

TEST_CASE_FIXTURE(EcnScript, "a SYN that doesn't ask, or asks by half, gets a plain SYN,ACK [R3168-6.1.1-2]") {
  listen();
  std::uint16_t port = kPeerPort;
  for (const char* syn : {"S 0:0(0) <mss 1000>", "SE 0:0(0) <mss 1000>", "SW 0:0(0) <mss 1000>"}) {
    peer(port++);
    in(syn);
    out("[noecn] S. 0:0(0) ack 1");
    in(". 1:1(0) ack 1");
    accept();
    skip();  // the FIN of the one before
    CHECK(mode() == EcnMode::off);
    write(1000);
    out("[noecn] P. 1:1001(1000) ack 1");  // [R3168-6.1.1-4]
    in(". 1:1(0) ack 1001");
  }
}

TEST_CASE_FIXTURE(EcnScript, "with ECN off a listener does not agree [R3168-6.1.1-4]") {
  tcp::ListenOptions options;
  options.options.ecn = EcnPolicy::off;
  listen(options);
  in("SEW 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1");
}

TEST_CASE_FIXTURE(EcnScript, "an active opener asks with ECE and CWR, and ECE alone agrees [R3168-6.1.1-1]") {
  ask();
  in("SE. 0:0(0) ack 1 <mss 1000>");
  out("[noecn] . 1:1(0) ack 1", SendReason::handshake_ack);
  CHECK(mode() == EcnMode::classic);
  write(1000);
  out("[ect0] P. 1:1001(1000) ack 1");  // [R3168-5-2]
}

TEST_CASE_FIXTURE(EcnScript, "by default an opener does not ask") {
  connect();
  out("[noecn] S 0:0(0)");
  in("SE. 0:0(0) ack 1 <mss 1000>");
  out(". 1:1(0) ack 1");
  CHECK(mode() == EcnMode::off);
}

TEST_CASE_FIXTURE(EcnScript, "a SYN,ACK that echoes both flags, or has none, does not agree [R3168-6.1.1-5]") {
  const char* answer = "";
  SUBCASE("both") { answer = "SEW. 0:0(0) ack 1 <mss 1000>"; }
  SUBCASE("none") { answer = "S. 0:0(0) ack 1 <mss 1000>"; }
  SUBCASE("CWR") { answer = "SW. 0:0(0) ack 1 <mss 1000>"; }
  ask();
  in(answer);
  out(". 1:1(0) ack 1");
  CHECK(mode() == EcnMode::off);
  write(1000);
  out("[noecn] P. 1:1001(1000) ack 1");
  in("[ce] P. 1:101(100) ack 1001");
  out(". 1001:1001(0) ack 101");
}

TEST_CASE_FIXTURE(EcnScript, "a SYN that asks and is lost goes again without ECN [R3168-6.1.1-6]") {
  ask();
  out(1s, "[noecn] S 0:0(0)", SendReason::open_again);
  CHECK(count(Counter::ecn_fallbacks) == 1);
  SUBCASE("the peer took the second one") {
    in("S. 0:0(0) ack 1 <mss 1000>");
    out(". 1:1(0) ack 1");
    CHECK(mode() == EcnMode::off);
  }
  SUBCASE("the peer took the first one: its marks are echoed, but we send no ECT [R3168-6.1.1-4]") {
    in("SE. 0:0(0) ack 1 <mss 1000>");
    out(". 1:1(0) ack 1");
    write(100);
    out("[noecn] P. 1:101(100) ack 1");
    in("[ce] P. 1:101(100) ack 101");
    out("E. 101:101(0) ack 101");
  }
}

TEST_CASE_FIXTURE(EcnScript, "a SYN that asks and gets a RST goes once without ECN [R3168-6.1.1-6]") {
  ask();
  in("R. 0:0(0) ack 1");
  out("[noecn] S 0:0(0)", SendReason::open_again);
  state_is(State::syn_sent);
  in("R. 0:0(0) ack 1");
  quiet(1h);
  error_is(Errc::connection_refused);
}

TEST_CASE_FIXTURE(EcnScript, "SYNs that ask and cross agree on ECN [R3168-6.1.1-1]") {
  ask();
  in("SEW 0:0(0) <mss 1000>");
  out("[noecn] SE. 0:0(0) ack 1");
  in("SE. 0:0(0) ack 1 <mss 1000>");
  CHECK(mode() == EcnMode::classic);
  write(1000);
  out("[ect0] P. 1:1001(1000) ack 1");
}

TEST_CASE_FIXTURE(EcnScript, "a peer that repeats its SYN without ECN gets no ECT [R3168-6.1.1-4]") {
  listen();
  in("SEW 0:0(0) win 65535 <mss 1000>");
  out("SE. 0:0(0) ack 1");
  run(300ms);
  in("S 0:0(0) win 65535 <mss 1000>");
  out("SE. 0:0(0) ack 1");
  in(". 1:1(0) ack 1");
  accept();
  write(1000);
  out("[noecn] P. 1:1001(1000) ack 1");
}

TEST_CASE_FIXTURE(EcnScript, "a SYN,ACK that goes again still agrees") {
  listen();
  in("SEW 0:0(0) win 65535 <mss 1000>");
  out("SE. 0:0(0) ack 1");
  out(1s, "[noecn] SE. 0:0(0) ack 1", SendReason::accept_open_again);
  in(". 1:1(0) ack 1");
  accept();
  CHECK(mode() == EcnMode::classic);
}

// --- which segments say ECT --------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(EcnScript,
                  "new text is ECT(0); a retransmission, a pure ACK, a FIN and a RST are not ECT "
                  "[R3168-5-2, R3168-6.1.4-1, R3168-6.1.5-1]") {
  classic();
  write(2000);
  out("[ect0] . 1:1001(1000) ack 1");
  out("[ect0] P. 1001:2001(1000) ack 1");
  in("P. 1:101(100) ack 1");
  out("[noecn] . 2001:2001(0) ack 101", SendReason::quick_ack);
  run(1100ms);
  out("[noecn] . 1:1001(1000) ack 101", SendReason::timeout);
  in(". 101:101(0) ack 2001");
  finish();
  out("[noecn] F. 2001:2001(0) ack 101", SendReason::finish);
  in(". 101:101(0) ack 2002");
  abort();
  out("[noecn] R. 2002:2002(0) ack 101");
}

TEST_CASE_FIXTURE(EcnScript, "a zero-window probe is not ECT and carries no CWR [R3168-6.1.6-1]") {
  classic();
  write(5000);
  for (int i = 0; i < 5; ++i) take();
  in("E. 1:1(0) ack 5001 win 0");
  write(1000);
  const lab::PacketLine probe = (run(1100ms), take());
  CHECK(last_reason() == SendReason::window_probe);
  CHECK(probe.ip.ecn == Ecn::not_ect);
  CHECK(!probe.segment()->has(wire::tcp::cwr));
  skip();
  in(". 1:1(0) ack 5002 win 65535");
  out("[ect0] PW. 5002:6001(999) ack 1");  // it waited for text
}

// --- the receiver ------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(EcnScript, "after a mark all ACKs say ECE until CWR comes, on text too [R3168-6.1.3-1]") {
  classic();
  in("[ect0] P. 1:101(100) ack 1");
  out(". 1:1(0) ack 101");
  in("[ce] P. 101:201(100) ack 1");
  out("E. 1:1(0) ack 201");
  in("[ect0] P. 201:301(100) ack 1");
  out("E. 1:1(0) ack 301");
  write(100);
  out("[ect0] PE. 1:101(100) ack 301");
  in("[ect0] PW. 301:401(100) ack 101");
  out(". 101:101(0) ack 401");
  in("[ce] PW. 401:501(100) ack 101");  // CWR for the old mark, and a new one
  out("E. 101:101(0) ack 501");
  CHECK(socket.info()->ce_received == 2);
}

TEST_CASE_FIXTURE(EcnScript, "a mark outside the window, or on a segment without text, is ignored [R3168-6.1.5-2]") {
  classic();
  in("[ect0] P. 1:101(100) ack 1");
  out(". 1:1(0) ack 101");
  in("[ce] P. 1:101(100) ack 1");
  out(". 1:1(0) ack 101", SendReason::unacceptable);
  in("[ce] P. 200000:200100(100) ack 1");
  out(". 1:1(0) ack 101", SendReason::unacceptable);
  in("[ce] . 101:101(0) ack 1");
  in("[ect0] P. 101:201(100) ack 1");
  out(". 1:1(0) ack 201");
}

TEST_CASE_FIXTURE(EcnScript, "a mark on a segment that comes out of order is echoed with the gap [R3168-6.1.3-1]") {
  classic();
  in("[ce] P. 101:201(100) ack 1");
  out("E. 1:1(0) ack 1", SendReason::gap);
}

TEST_CASE_FIXTURE(EcnScript, "the echo goes on in TIME-WAIT [R3168-6.1.3-1]") {
  classic();
  in("[ce] P. 1:101(100) ack 1");
  out("E. 1:1(0) ack 101");
  read(100);
  close();
  out("FE. 1:1(0) ack 101");
  in("F. 101:101(0) ack 2");
  out("E. 2:2(0) ack 102");
  in("F. 101:101(0) ack 2");
  out("E. 2:2(0) ack 102");
}

// --- the sender --------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(EcnScript,
                  "ECE halves the window once a window, and CWR is on the next new segment "
                  "[R3168-5-1, R3168-6.1.2-1, R3168-6.1.2-4, A-TCP-35]") {
  classic();
  write(30000);
  for (int i = 0; i < 10; ++i) out(text_line(".", 1 + 1000u * static_cast<unsigned>(i), 1000));
  CHECK(cwnd() == 10000);
  in("E. 1:1(0) ack 2001");
  CHECK(cwnd() == 5000);
  for (std::uint32_t ack = 3001; ack <= 6001; ack += 1000) in(text_line("E.", 1, 0, " ack " + std::to_string(ack)));
  CHECK(cwnd() == 5000);  // one window, one answer, and no growth [R3168-6.1.2-2]
  out("[ect0] W. 10001:11001(1000) ack 1");
  in("E. 1:1(0) ack 10001");
  CHECK(cwnd() == 5000);
  for (std::uint32_t at = 11001; at <= 14001; at += 1000) out(text_line("[ect0] .", at, 1000));
  in("E. 1:1(0) ack 11001");  // what left after the reduction was marked too
  CHECK(cwnd() == 4000);      // less than half in congestion avoidance (RFC 8511)
  CHECK(count(Counter::ecn_reductions) == 2);
  CHECK(count(Counter::retransmissions) == 0);
  CHECK(socket.info()->ecn_reductions == 2);
}

TEST_CASE_FIXTURE(EcnScript, "ECE on duplicate ACKs counts too [R3168-6.1.2-1]") {
  classic();
  write(10000);
  CHECK(skip() == 10);
  in("E. 1:1(0) ack 1");
  CHECK(cwnd() == 5000);
  in("E. 1:1(0) ack 1");
  CHECK(cwnd() == 5000);
}

TEST_CASE_FIXTURE(EcnScript, "marks and a loss in one window are answered once [R3168-6.1.2-1]") {
  classic(true);
  write(30000);
  CHECK(skip() == 10);
  SUBCASE("the mark first") {
    in("E. 1:1(0) ack 2001");
    CHECK(cwnd() == 5000);
    in("E. 1:1(0) ack 2001 <nop,nop,sack 3001:8001>");
    run(10ms);
    CHECK(count(Counter::fast_retransmits) == 1);
    CHECK(cwnd() >= 2500);
    CHECK(count(Counter::ecn_reductions) == 1);
    CHECK(socket.info()->ssthresh == 5000);
  }
  SUBCASE("the loss first") {
    in(". 1:1(0) ack 1 <nop,nop,sack 1001:8001>");
    run(10ms);
    const std::uint32_t ssthresh = socket.info()->ssthresh;
    in("E. 1:1(0) ack 8001");
    CHECK(socket.info()->ssthresh == ssthresh);
    CHECK(count(Counter::ecn_reductions) == 0);
  }
  skip();
}

TEST_CASE_FIXTURE(EcnScript, "a window halved for a loss is told of with CWR as well [R3168-6.1.2-4]") {
  classic();
  write(30000);
  CHECK(skip() == 10);
  for (int i = 0; i < 3; ++i) in(". 1:1(0) ack 1");
  CHECK(waiting() == 3);
  out("[ect0] . 10001:11001(1000) ack 1");  // limited transmit
  out("[ect0] . 11001:12001(1000) ack 1");
  out("[noecn] . 1:1001(1000) ack 1", SendReason::fast_retransmit);
  in(". 1:1(0) ack 12001");
  out("[ect0] W. 12001:13001(1000) ack 1");
  skip();
}

TEST_CASE_FIXTURE(EcnScript,
                  "with a window of one segment ECE leaves the next segment to the retransmission timer "
                  "[R3168-6.1.2-3]") {
  listen();
  in("SEW 0:0(0) win 65535 <mss 1000>");
  out("SE. 0:0(0) ack 1");
  out(1s, "SE. 0:0(0) ack 1");  // a lost SYN,ACK: one segment to begin with
  in(". 1:1(0) ack 1");
  accept();
  write(3000);
  out("[ect0] . 1:1001(1000) ack 1");
  CHECK(cwnd() == 1000);
  in("E. 1:1(0) ack 1001");
  const Duration wait = socket.info()->rto;
  quiet(wait - 1ms);
  run(1ms);
  out("[ect0] W. 1001:2001(1000) ack 1", SendReason::new_data);
  CHECK(count(Counter::timeouts) == 1);  // the SYN,ACK's
  in(". 1:1(0) ack 2001");
  out("P. 2001:3001(1000) ack 1");
}

TEST_CASE_FIXTURE(EcnScript,
                  "a closed window takes over from that timer, and text leaves when it opens [R3168-6.1.2-3]") {
  listen();
  in("SEW 0:0(0) win 65535 <mss 1000>");
  out("SE. 0:0(0) ack 1");
  out(1s, "SE. 0:0(0) ack 1");
  in(". 1:1(0) ack 1");
  accept();
  write(2000);
  out(". 1:1001(1000) ack 1");
  in("E. 1:1(0) ack 1001 win 0");
  run(100ms);
  in(". 1:1(0) ack 1001 win 65535");
  run(10s);
  out("PW. 1001:2001(1000) ack 1");
  skip();
}

TEST_CASE_FIXTURE(EcnScript,
                  "a peer that never says ECE gets what loss leaves it, one that always says it the least "
                  "window, and neither stops the flow [A-TCP-35]") {
  classic();
  write(60000);
  std::uint32_t acked = 1;
  for (int i = 0; i < 200 && acked < 60001; ++i) {
    skip();
    run(200ms);
    acked += static_cast<std::uint32_t>(socket.info()->unacked);
    in(text_line("E.", 1, 0, " ack " + std::to_string(acked)));
  }
  CHECK(acked == 60001);
  CHECK(cwnd() <= 2000);
  CHECK(count(Counter::retransmissions) == 0);
  skip();
}

}  // namespace
}  // namespace sluice::test
