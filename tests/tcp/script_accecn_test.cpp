// Accurate ECN (RFC 9768): each row of its tables of negotiation, counters in three bits, options, and what is done
// about middleboxes that tamper.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/script.hpp"

namespace sluice::test {
namespace {

using tcp::Counter;
using tcp::EcnMode;
using tcp::EcnPolicy;
using tcp::SendReason;
using tcp::State;

class AccurateScript : public Script {
 public:
  void listen_accurate() {
    tcp::ListenOptions options;
    options.options.accurate_ecn = true;
    options.congestion = tcp::CongestionControl::reno;
    listen(options);
  }
  /// A peer that has AccECN opens; the window lets ten segments of 1000 bytes go.
  void server(const char* third = ".2 1:1(0) ack 1") {
    listen_accurate();
    in("SEWA 0:0(0) win 65535 <mss 1000>");
    out("[noecn] SW. 0:0(0) ack 1");
    in(third);
    accept();
  }
  void ask() {
    tcp::OpenOptions open;
    open.options.ecn = EcnPolicy::active;
    open.options.accurate_ecn = true;
    open.congestion = tcp::CongestionControl::reno;
    connect(open);
    out("[noecn] SEWA 0:0(0)", SendReason::open);
  }
  void client(const char* answer = "SW. 0:0(0) ack 1 win 65535 <mss 1000>") {
    ask();
    in(answer);
    out("[noecn] .2 1:1(0) ack 1", SendReason::handshake_ack);
  }
  EcnMode mode() { return socket.info()->ecn; }
  std::uint32_t cwnd() { return socket.info()->cwnd; }
};

// --- negotiation: table 2 ----------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(AccurateScript, "an AccECN server tells a client that asks how the SYN came [9768 3.1.1]") {
  const std::vector<std::pair<const char*, const char*>> rows = {
      {"SEWA 0:0(0) <mss 1000>", "SW. 0:0(0) ack 1"},
      {"[ect1] SEWA 0:0(0) <mss 1000>", "SEW. 0:0(0) ack 1"},
      {"[ect0] SEWA 0:0(0) <mss 1000>", "SA. 0:0(0) ack 1"},
      {"[ce] SEWA 0:0(0) <mss 1000>", "SWA. 0:0(0) ack 1"},
  };
  listen_accurate();
  std::uint16_t port = kPeerPort;
  for (const auto& [syn, answer] : rows) {
    peer(port++);
    in(syn);
    out(answer);
    in(".2 1:1(0) ack 1");
    accept();
    CHECK(mode() == EcnMode::accurate);
    skip();  // the FIN of the one before
  }
  CHECK(count(Counter::accurate_negotiated) == 4);
}

TEST_CASE_FIXTURE(AccurateScript, "an AccECN server agrees to less with a client that asks for less [9768 3.1.2]") {
  listen_accurate();
  in("SEW 0:0(0) <mss 1000>");
  out("SE. 0:0(0) ack 1");
  in(". 1:1(0) ack 1");
  accept();
  CHECK(mode() == EcnMode::classic);
  peer(40001);
  in("S 0:0(0) <mss 1000>");
  out("S. 0:0(0) ack 1");
  in(". 1:1(0) ack 1");
  accept();
  CHECK(mode() == EcnMode::off);
  skip();
}

TEST_CASE_FIXTURE(AccurateScript, "combinations that nobody uses yet ask for AccECN too [9768 3.1.3]") {
  listen_accurate();
  std::uint16_t port = kPeerPort;
  for (const char* syn : {"SE 0:0(0)", "SW 0:0(0)", "SA 0:0(0)", "SEA 0:0(0)", "SWA 0:0(0)"}) {
    peer(port++);
    in(syn);
    out("SW. 0:0(0) ack 1");
    in(".2 1:1(0) ack 1");
    accept();
    CHECK(mode() == EcnMode::accurate);
    skip();
  }
}

TEST_CASE_FIXTURE(AccurateScript,
                  "a server without AccECN takes an AccECN SYN for one that asks for RFC 3168 "
                  "[R3168-6.1.1-1]") {
  listen();
  in("SEWA 0:0(0) <mss 1000>");
  out("SE. 0:0(0) ack 1");
}

TEST_CASE_FIXTURE(AccurateScript, "an AccECN client takes what the SYN,ACK offers [9768 3.1.1, 9768 3.1.2]") {
  struct Row {
    const char* answer;
    EcnMode mode;
    const char* third;
    bool ect;
  };
  const std::vector<Row> rows = {
      {"SW. 0:0(0) ack 1 <mss 1000>", EcnMode::accurate, ".2 1:1(0) ack 1", true},
      {"SEW. 0:0(0) ack 1 <mss 1000>", EcnMode::accurate, ".2 1:1(0) ack 1", false},  // our SYN was not ECT(1)
      {"SA. 0:0(0) ack 1 <mss 1000>", EcnMode::accurate, ".2 1:1(0) ack 1", false},
      {"SWA. 0:0(0) ack 1 <mss 1000>", EcnMode::accurate, ".2 1:1(0) ack 1", false},
      {"SEA. 0:0(0) ack 1 <mss 1000>", EcnMode::accurate, ".2 1:1(0) ack 1", true},  // reserved [9768 3.1.3]
      {"SE. 0:0(0) ack 1 <mss 1000>", EcnMode::classic, ". 1:1(0) ack 1", true},
      {"S. 0:0(0) ack 1 <mss 1000>", EcnMode::off, ". 1:1(0) ack 1", false},
      {"SEWA. 0:0(0) ack 1 <mss 1000>", EcnMode::off, ". 1:1(0) ack 1", false},  // an echo of our flags
  };
  for (const Row& row : rows) {
    CAPTURE(row.answer);
    AccurateScript one;
    one.ask();
    one.in(row.answer);
    one.out(row.third);
    CHECK(one.mode() == row.mode);
    one.write(1000);
    const lab::PacketLine text = one.take();
    CHECK(text.ip.ecn == (row.ect ? Ecn::ect0 : Ecn::not_ect));
    one.skip();
  }
}

TEST_CASE_FIXTURE(AccurateScript, "a CE mark that our SYN met is answered by half the window [9768 3.2.2.2]") {
  ask();
  in("SWA. 0:0(0) ack 1 <mss 1000>");
  out(".2 1:1(0) ack 1");
  CHECK(cwnd() == 5000);
  CHECK(count(Counter::ecn_distrusted) == 1);
}

TEST_CASE_FIXTURE(AccurateScript, "SYNs that ask and cross agree on AccECN, each as a server would [9768 3.1.2]") {
  ask();
  in("[ect0] SEWA 0:0(0) <mss 1000>");
  out("SA. 0:0(0) ack 1");
  in("SW. 0:0(0) ack 1 <mss 1000>");
  CHECK(mode() == EcnMode::accurate);
  write(1000);
  out("[ect0] P.5 1:1001(1000) ack 1");
}

TEST_CASE_FIXTURE(AccurateScript, "a lost AccECN SYN goes again as it was, the next without [9768 3.1.4.1]") {
  ask();
  out(1s, "[noecn] SEWA 0:0(0)", SendReason::open_again);
  out(2s, "[noecn] S 0:0(0)", SendReason::open_again);
  SUBCASE("and a late answer to the first still counts, ECT and all [9768 3.1.5]") {
    in("SW. 0:0(0) ack 1 <mss 1000>");
    out(".2 1:1(0) ack 1");
    CHECK(mode() == EcnMode::accurate);
    write(1000);
    CHECK(take().ip.ecn == Ecn::ect0);
  }
  SUBCASE("and an answer to the last means no ECN") {
    in("S. 0:0(0) ack 1 <mss 1000>");
    out(". 1:1(0) ack 1");
    CHECK(mode() == EcnMode::off);
  }
}

TEST_CASE_FIXTURE(AccurateScript,
                  "a lost SYN,ACK goes again without the option, then without ECN, and then there is no "
                  "ECT [9768 3.2.3.2.2, 9768 3.1.5]") {
  listen_accurate();
  in("SEWA 0:0(0) win 65535 <mss 1000>");
  out("SW. 0:0(0) ack 1 <mss 1460,nop,kind 172 0x000001000000000001>");
  out(1s, "SW. 0:0(0) ack 1 <mss 1460>");
  SUBCASE("the second arrives") {
    in(".2 1:1(0) ack 1");
    accept();
    write(100);
    out("[ect0] P.5 1:101(100) ack 1");
  }
  SUBCASE("the third arrives") {
    out(2s, "S. 0:0(0) ack 1 <mss 1460>");
    in(".2 1:1(0) ack 1");
    accept();
    CHECK(mode() == EcnMode::accurate);
    write(100);
    out("[noecn] P.5 1:101(100) ack 1");
    in("[ce] P.5 1:101(100) ack 101");
    CHECK(take().segment()->flags == (wire::tcp::ack | wire::tcp::cwr | lab::kAccurateEcnFlag));  // still told: 6
  }
}

TEST_CASE_FIXTURE(AccurateScript,
                  "a SYN that comes again is answered by how the latest came, without the option "
                  "[9768 3.1.5, 9768 3.2.3.2.2]") {
  listen_accurate();
  in("SEWA 0:0(0) win 65535 <mss 1000>");
  take();
  in("[ce] SEWA 0:0(0) win 65535 <mss 1000>");
  out("SWA. 0:0(0) ack 1 <mss 1460>");
  SUBCASE("and without ECN, so that there is no ECT") {
    in("S 0:0(0) win 65535 <mss 1000>");
    out("SW. 0:0(0) ack 1 <mss 1460>");
    in(".2 1:1(0) ack 1");
    accept();
    write(100);
    out("[noecn] P.5 1:101(100) ack 1");
  }
}

TEST_CASE_FIXTURE(AccurateScript, "SYNs that ask for both kinds of ECN are answered with a RST [9768 3.1.5]") {
  listen_accurate();
  SUBCASE("AccECN first") {
    in("SEWA 0:0(0) <mss 1000>");
    take();
    in("SEW 0:0(0) <mss 1000>");
  }
  SUBCASE("RFC 3168 first") {
    in("SEW 0:0(0) <mss 1000>");
    take();
    in("SEWA 0:0(0) <mss 1000>");
  }
  out("R. 1:1(0) ack 1", SendReason::reset_mixed_ecn);
  CHECK(stack().tcp().half_open_count() == 0);
}

// --- the ACK of the SYN,ACK: tables 3 and 4 ----------------------------------------------------------------------

TEST_CASE_FIXTURE(AccurateScript,
                  "the ACK of a SYN,ACK tells how that came, alone and before any text "
                  "[9768 3.2.2.1]") {
  const std::vector<std::array<const char*, 3>> rows = {
      {"SW. 0:0(0) ack 1 <mss 1000>", ".2 1:1(0) ack 1", "P.5 1:101(100) ack 1"},
      {"[ect1] SW. 0:0(0) ack 1 <mss 1000>", ".3 1:1(0) ack 1", "P.5 1:101(100) ack 1"},
      {"[ect0] SW. 0:0(0) ack 1 <mss 1000>", ".4 1:1(0) ack 1", "P.5 1:101(100) ack 1"},
      {"[ce] SW. 0:0(0) ack 1 <mss 1000>", ".6 1:1(0) ack 1", "P.6 1:101(100) ack 1"},  // counted as well
  };
  for (const auto& row : rows) {
    const char* third = row[1];
    CAPTURE(third);
    AccurateScript one;
    one.ask();
    one.write(100);
    one.in(row[0]);
    one.out(third);
    one.out(row[2]);
  }
}

TEST_CASE_FIXTURE(AccurateScript,
                  "a SYN,ACK that comes again gets that ACK again, and its CE counts once "
                  "[9768 3.2.2.1, 9768 3.2.2.2]") {
  client();
  in("[ce] SW. 0:0(0) ack 1 <mss 1000>");
  out(".6 1:1(0) ack 1", SendReason::handshake_ack);
  run(1s);
  in("[ce] SW. 0:0(0) ack 1 <mss 1000>");
  out(".6 1:1(0) ack 1", SendReason::handshake_ack);
  run(1s);
  in("[ect1] SW. 0:0(0) ack 1 <mss 1000>");
  out(".3 1:1(0) ack 1");  // the latest one's
  in("P.5 1:101(100) ack 1");
  out(".6 1:1(0) ack 101");
}

TEST_CASE_FIXTURE(AccurateScript, "a server reads the ACK of its SYN,ACK by table 4 [9768 3.2.2.1]") {
  struct Row {
    const char* third;
    bool ect;
    std::uint32_t cwnd;
  };
  // Our SYN,ACK is not ECT, so what says that it came otherwise tells of a middlebox that tampers [9768 3.2.2.3].
  const std::vector<Row> rows = {
      {".0 1:1(0) ack 1", false, 10000}, {".1 1:1(0) ack 1", true, 10000},  {".2 1:1(0) ack 1", true, 10000},
      {".3 1:1(0) ack 1", false, 10000}, {".4 1:1(0) ack 1", false, 10000}, {".5 1:1(0) ack 1", true, 10000},
      {".6 1:1(0) ack 1", false, 5000},  {".7 1:1(0) ack 1", true, 10000},
  };
  for (const Row& row : rows) {
    CAPTURE(row.third);
    AccurateScript one;
    one.server(row.third);
    CHECK(one.cwnd() == row.cwnd);
    one.write(1000);
    CHECK(one.take().ip.ecn == (row.ect ? Ecn::ect0 : Ecn::not_ect));
    // Counting begins at 5, or at 6 after CE: this ACK tells of no mark.
    one.in(one.cwnd() == 5000 ? ".6 1:1(0) ack 1001" : ".5 1:1(0) ack 1001");
    CHECK(one.count(Counter::ecn_reductions) == (one.cwnd() < 10000 ? 1 : 0));
  }
}

TEST_CASE_FIXTURE(AccurateScript,
                  "a zero in the ACK of the SYN,ACK: feedback is not believed, but given "
                  "[9768 3.2.2.1]") {
  server(".0 1:1(0) ack 1");
  write(4000);
  CHECK(skip() == 4);
  in("[ce] P.3 1:101(100) ack 4001");
  CHECK(count(Counter::ecn_reductions) == 0);
  out(".6 4001:4001(0) ack 101");
}

TEST_CASE_FIXTURE(AccurateScript,
                  "a counter that is zero at the start was cleared on the way: no ECT, no answer "
                  "[9768 3.2.2.4]") {
  client();
  write(4000);
  CHECK(skip() == 4);
  in(".0 1:1(0) ack 3989");  // the option took twelve bytes
  CHECK(count(Counter::ecn_distrusted) == 1);
  CHECK(count(Counter::ecn_reductions) == 0);
  out("[noecn] P.5 3989:4001(12) ack 1");
}

// --- the receiver ------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(AccurateScript, "each marked segment counts, and the count wraps at eight [9768 3.2, 9768 3.2.2.2]") {
  server();
  std::uint32_t at = 1;
  for (const char ace : std::string("67012345670")) {
    in(text_line("[ce] P.5", at, 100));
    at += 100;
    out(std::string(".") + ace + " 1:1(0) ack " + std::to_string(at));
  }
  write(100);
  out("P.0 1:101(100) ack 1101");  // on text as well
  in("[ce] P.5 1:101(100) ack 101");
  out(".0 101:101(0) ack 1101");  // an old segment is not acceptable
  in("[ce] .5 1101:1101(0) ack 101");
  in("[ect0] P.5 1101:1201(100) ack 101");
  out(".1 101:101(0) ack 1201");  // a control packet counts
}

TEST_CASE_FIXTURE(AccurateScript, "CWR is never sent, though its bit belongs to the counter [9768 3.1.5]") {
  server();
  write(20000);
  CHECK(skip() == 10);
  in(".6 1:1(0) ack 2001");
  CHECK(count(Counter::ecn_reductions) == 1);
  in(".6 1:1(0) ack 10001");
  while (waiting() > 0) CHECK(take().segment()->flags % 256 / 64 == 1);  // ACE is 5: AE and ECE
}

TEST_CASE_FIXTURE(AccurateScript, "a mark after none is told at once, and so are two in a row [9768 3.2.2.5.1]") {
  config.tcp.quick_acks = 0;
  server();
  in("[ect0] P.5 1:101(100) ack 1");
  quiet();
  in("[ce] P.5 101:201(100) ack 1");
  out(".6 1:1(0) ack 201", SendReason::ecn_feedback);
  in("[ce] P.5 201:301(100) ack 1");
  quiet();
  in("[ce] P.5 301:401(100) ack 1");
  out(".0 1:1(0) ack 401", SendReason::ecn_feedback);
  in("[ect0] P.5 401:501(100) ack 1");
  quiet();
  in("[ce] P.5 501:601(100) ack 1");
  out(".1 1:1(0) ack 601", SendReason::ecn_feedback);
}

TEST_CASE_FIXTURE(AccurateScript, "without text to acknowledge three marks are told of, not two [9768 3.2.2.5.1]") {
  server();
  for (int i = 0; i < 2; ++i) in("[ce] .5 1:1(0) ack 1");
  quiet();
  in("[ce] .5 1:1(0) ack 1");
  out(".0 1:1(0) ack 1", SendReason::ecn_feedback);
}

TEST_CASE_FIXTURE(AccurateScript, "the counter goes on in TIME-WAIT [9768 3.2.2]") {
  server();
  in("[ce] P.5 1:101(100) ack 1");
  out(".6 1:1(0) ack 101");
  read(100);
  close();
  out("F.6 1:1(0) ack 101");
  in("F.5 101:101(0) ack 2");
  out(".6 2:2(0) ack 102");
  in("F.5 101:101(0) ack 2");
  out(".6 2:2(0) ack 102");
}

// --- options -----------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(AccurateScript,
                  "SYN,ACK, the ACK of it and a client's first text carry the option, a SYN never does "
                  "[9768 3.2.3.2.1]") {
  ask();
  CHECK(true);
  in("SW. 0:0(0) ack 1 <mss 1000>");
  out(".2 1:1(0) ack 1 <nop,kind 172 0x000001000000000001>");
  write(1988);
  out(".5 1:989(988) ack 1 <nop,kind 172 0x000001000000000001>");
  out("P.5 989:1989(1000) ack 1 <>");
}

TEST_CASE_FIXTURE(AccurateScript, "a retransmission of that text goes without the option [9768 3.2.3.2.2]") {
  client();
  write(100);
  out("P.5 1:101(100) ack 1 <nop,kind 172 0x000001000000000001>");
  run(1100ms);
  out("P.5 1:101(100) ack 1 <>");
}

TEST_CASE_FIXTURE(AccurateScript,
                  "an ACK carries the counters that ever changed, in the order that takes least room "
                  "[9768 3.2.3.3]") {
  server();
  in(".5 1:1(0) ack 1");
  in("[ect0] P.5 1:101(100) ack 1");
  out(".5 1:1(0) ack 101 <nop,nop,nop,kind 172 0x000065>");
  in("P.5 101:201(100) ack 1");
  out(".5 1:1(0) ack 201 <>");  // nothing counted
  in("[ce] P.5 201:301(100) ack 1");
  out(".6 1:1(0) ack 301 <kind 172 0x000065000064>");
  in("[ect1] P.5 301:401(100) ack 1");
  out(".6 1:1(0) ack 401 <nop,kind 172 0x000065000064000065>");
}

TEST_CASE_FIXTURE(AccurateScript, "with ECT(1) alone the other order is taken [9768 3.2.3.3]") {
  server();
  in("[ect1] P.5 1:101(100) ack 1");
  out(".5 1:1(0) ack 101 <nop,nop,nop,kind 174 0x000065>");
  in("[ce] P.5 101:201(100) ack 1");
  out(".6 1:1(0) ack 201 <kind 174 0x000065000064>");
}

TEST_CASE_FIXTURE(AccurateScript, "two SACK blocks go before the option [9768 3.2.3.3]") {
  listen_accurate();
  in("SEWA 0:0(0) <mss 1000,sackOK,TS val 1 ecr 0>");
  take();
  in(".2 1:1(0) ack 1 <nop,nop,TS val 1 ecr 0>");
  accept();
  in("[ect0] P.5 101:201(100) ack 1 <nop,nop,TS val 1 ecr 0>");
  out(".5 1:1(0) ack 1 <nop,nop,TS val ... ecr 1,nop,nop,nop,kind 172 0x000065,nop,nop,sack 101:201>");
  in("[ect0] P.5 301:401(100) ack 1 <nop,nop,TS val 1 ecr 0>");
  out(".5 1:1(0) ack 1 <nop,nop,TS val ... ecr 1,nop,nop,nop,kind 172 0x0000c9,nop,nop,sack 301:401 101:201>");
  in("[ect1] P.5 501:601(100) ack 1 <nop,nop,TS val 1 ecr 0>");
  out(".5 1:1(0) ack 1 <nop,nop,TS val ... ecr 1,nop,nop,sack 501:601 301:401 101:201>");
}

TEST_CASE_FIXTURE(AccurateScript, "options of odd lengths are read as far as whole fields go [9768 3.2.3]") {
  server();
  write(20000);
  CHECK(skip() == 10);
  in(".5 1:1(0) ack 1001 <nop,kind 172 0x0003e900000000>");  // seven bytes of body: two fields
  CHECK(count(Counter::ecn_reductions) == 0);
  in(".6 1:1(0) ack 2001 <kind 172 0x0003e90003e80000,nop,nop>");
  CHECK(count(Counter::ecn_reductions) == 1);
  skip();
}

// --- the sender --------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(AccurateScript, "marks halve the window once a round trip [9768 3.1.5, R3168-6.1.2-1]") {
  server();
  write(30000);
  CHECK(skip() == 10);
  in(".6 1:1(0) ack 2001");
  CHECK(cwnd() == 5000);
  in(".7 1:1(0) ack 4001");
  in(".1 1:1(0) ack 10001");
  CHECK(cwnd() == 5000);
  CHECK(skip() == 5);
  in(".2 1:1(0) ack 11001");
  CHECK(cwnd() == 4000);
}

TEST_CASE_FIXTURE(AccurateScript,
                  "an ACK that delivers nothing new may be an older one: its bits are not read "
                  "[9768 3.2.2.2]") {
  server();
  write(10000);
  CHECK(skip() == 10);
  in(".6 1:1(0) ack 2001");
  in(".5 1:1(0) ack 2001");
  in(".5 1:1(0) ack 1001");
  CHECK(count(Counter::ecn_reductions) == 1);
  in(".6 1:1(0) ack 10001");
  CHECK(count(Counter::ecn_reductions) == 1);
}

TEST_CASE_FIXTURE(AccurateScript,
                  "an ACK of more packets than three bits count, without an option, is taken for the "
                  "worst [9768 3.2.2.5.2]") {
  server();
  write(10000);
  CHECK(skip() == 10);
  SUBCASE("no option ever came: eight marks may hide in the same bits") {
    in(".5 1:1(0) ack 10001");
    CHECK(count(Counter::ecn_reductions) == 1);
  }
  SUBCASE("an option says that none was marked") {
    in(".5 1:1(0) ack 10001 <nop,nop,nop,kind 172 0x002711>");
    CHECK(count(Counter::ecn_reductions) == 0);
  }
  SUBCASE("options come, and this ACK has none because nothing changed") {
    in(".5 1:1(0) ack 1001 <nop,nop,nop,kind 172 0x0003e9>");
    in(".5 1:1(0) ack 10001");
    CHECK(count(Counter::ecn_reductions) == 0);
  }
  SUBCASE("an option that starts at zero was cleared on the way and does not count [9768 3.2.3.2.4]") {
    in(".5 1:1(0) ack 10001 <nop,nop,nop,kind 172 0x000000>");
    CHECK(count(Counter::ecn_reductions) == 1);
  }
}

TEST_CASE_FIXTURE(AccurateScript,
                  "bytes marked but no packet: feedback was tampered with, and there is no ECT "
                  "[9768 3.2.3.2.5]") {
  server();
  write(3000);
  CHECK(skip() == 3);
  in(".5 1:1(0) ack 3001 <kind 172 0x0000010003e8>");
  CHECK(count(Counter::ecn_distrusted) == 1);
  write(1000);
  CHECK(take().ip.ecn == Ecn::not_ect);
}

TEST_CASE_FIXTURE(AccurateScript,
                  "a super-segment is cut by us while the counter has CWR's bit, which devices clear "
                  "[9768 3.3.4]") {
  config.tcp.maximum_frame = 65535;
  server();
  write(4000);
  CHECK(skip() == 4);
  in("[ce] P.5 1:101(100) ack 4001");
  out(".6 4001:4001(0) ack 101");
  const std::uint64_t frames = this->frames();
  write(4000);
  for (std::uint32_t at = 4001; at < 7001; at += 1000) out(text_line("[ect0] .6", at, 1000, " ack 101"));
  out("P.6 7001:8001(1000) ack 101");
  CHECK(this->frames() == frames + 4);
}

}  // namespace
}  // namespace sluice::test
