// The state × event grid of RFC 9293 3.10: in each state, each kind of segment, call and timer. What the stack does
// must be what an independent model says (tests/support/grid_model.cpp) and what people have read and kept as a table
// (tests/tcp/grid/*.txt; SLUICE_UPDATE_GRID=1 writes them anew), over IPv4 and IPv6 alike.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "tests/support/grid_stage.hpp"

namespace sluice::test::grid {
namespace {

// --- how the states are reached ----------------------------------------------------------------------------------

// Three segments of ours are acknowledged and a fourth is out; two of the peer's are read.
void establish(Stage& stage, const Established& how = {}) {
  stage.established(how);
  stage.write(3000);
  stage.in(". 1:1(0) ack 3001");
  stage.in("P. 1:1001(1000) ack 3001");
  stage.in("P. 1001:2001(1000) ack 3001");
  stage.read(2000);
  stage.in(". 2001:2001(0) ack 3001");
  stage.write(1000);
  stage.replies();
}

Block established_block() {
  return {.state = State::established,
          .passive = true,
          .una = 3001,
          .nxt = 4001,
          .wnd = 65535,
          .max_wnd = 65535,
          .wl1 = 2001,
          .wl2 = 3001,
          .rcv_nxt = 2001};
}

Block with(Block block, State state, Number una, Number nxt, Number rcv_nxt, bool fin_sent) {
  block.state = state;
  block.una = una;
  block.nxt = nxt;
  block.rcv_nxt = rcv_nxt;
  block.fin_sent = fin_sent;
  return block;
}

Scenario closed() {
  return {"closed", "nobody listens, nothing is connected", [](Stage&) {}, {.handle = false}};
}

Scenario listening() {
  return {"listen",
          "a listener",
          [](Stage& stage) { stage.listen(); },
          {.state = State::listen, .passive = true, .handle = false}};
}

Scenario syn_sent() {
  return {"syn_sent",
          "our SYN is out",
          [](Stage& stage) { stage.connect(); },
          {.state = State::syn_sent, .una = 0, .nxt = 1, .max_wnd = 0}};
}

Scenario syn_received() {
  return {"syn_received",
          "the peer's SYN came to a listener",
          [](Stage& stage) {
            stage.listen();
            stage.in("S 0:0(0) <mss 1000>");
          },
          {.state = State::syn_received,
           .passive = true,
           .handle = false,
           .una = 0,
           .nxt = 1,
           .wnd = 65535,
           .max_wnd = 65535,
           .rcv_nxt = 1}};
}

Scenario syn_received_crossed() {
  return {"syn_received_crossed",
          "the peer's SYN crossed ours (simultaneous open)",
          [](Stage& stage) {
            stage.connect();
            stage.in("S 0:0(0) <mss 1000>");
          },
          {.state = State::syn_received, .una = 0, .nxt = 1, .wnd = 65535, .max_wnd = 65535, .rcv_nxt = 1}};
}

Scenario established() {
  return {"established", "1000 bytes of ours are not acknowledged", [](Stage& stage) { establish(stage); },
          established_block()};
}

Scenario established_full() {
  Block block = with(established_block(), State::established, 1, 1, 2049, false);
  block.unread = 2048;
  block.wl1 = 1001;
  block.wl2 = 1;
  return {"established_full", "our receive window is closed: 2048 bytes wait for the user",
          [](Stage& stage) {
            stage.established({.listening = {.options = {.receive_buffer = 2048}}});
            stage.in("P. 1:1001(1000) ack 1");
            stage.in("P. 1001:2049(1048) ack 1");
          },
          block};
}

Scenario established_timestamps() {
  Block block = established_block();
  block.timestamps = true;
  return {"established_timestamps", "as in established.txt, with timestamps (RFC 7323)",
          [](Stage& stage) { establish(stage, {.mss = 1012, .timestamps = true}); }, block};
}

Scenario fin_wait_1() {
  return {"fin_wait_1", "1000 bytes of ours and our FIN are not acknowledged",
          [](Stage& stage) {
            establish(stage);
            stage.finish();
          },
          with(established_block(), State::fin_wait_1, 3001, 4002, 2001, true)};
}

void to_fin_wait_2(Stage& stage) {
  establish(stage);
  stage.finish();
  stage.in(". 2001:2001(0) ack 4002");
}

Scenario fin_wait_2() {
  Block block = with(established_block(), State::fin_wait_2, 4002, 4002, 2001, true);
  block.wl2 = 4002;
  return {"fin_wait_2", "our FIN is acknowledged; the user still reads", to_fin_wait_2, block};
}

Scenario fin_wait_2_let_go() {
  Scenario one = fin_wait_2();
  one.name = "fin_wait_2_let_go";
  one.title = "our FIN is acknowledged; the user has let go and reads no more";
  one.block.handle = false;
  one.block.let_go = true;
  one.reach = [](Stage& stage) {
    to_fin_wait_2(stage);
    stage.close();
  };
  return one;
}

Scenario close_wait() {
  Block block = with(established_block(), State::close_wait, 3001, 4001, 2002, false);
  return {"close_wait", "the peer's FIN came; 1000 bytes of ours are not acknowledged",
          [](Stage& stage) {
            establish(stage);
            stage.in("F. 2001:2001(0) ack 3001");
          },
          block};
}

Scenario closing() {
  return {"closing", "both FINs crossed; ours and 1000 bytes are not acknowledged",
          [](Stage& stage) {
            establish(stage);
            stage.finish();
            stage.in("F. 2001:2001(0) ack 3001");
          },
          with(established_block(), State::closing, 3001, 4002, 2002, true)};
}

Scenario last_ack() {
  return {"last_ack", "the peer's FIN came first; ours and 1000 bytes are not acknowledged",
          [](Stage& stage) {
            establish(stage);
            stage.in("F. 2001:2001(0) ack 3001");
            stage.finish();
          },
          with(established_block(), State::last_ack, 3001, 4002, 2002, true)};
}

Scenario time_wait() {
  Block block = with(established_block(), State::time_wait, 4002, 4002, 2002, true);
  block.wl2 = 4002;
  return {"time_wait", "both FINs are acknowledged, since ten seconds; the listener still listens",
          [](Stage& stage) {
            to_fin_wait_2(stage);
            stage.in("F. 2001:2001(0) ack 4002");
            stage.run(10s);
          },
          block};
}

// --- the tables --------------------------------------------------------------------------------------------------

std::string table(const Scenario& scenario, const std::vector<Row>& rows) {
  std::string text = fmt::format("# {}: {}.\n", name(scenario.block.state), scenario.title);
  if (scenario.block.state > State::listen)
    text += fmt::format("# SND.UNA {}, SND.NXT {}, RCV.NXT {}; all segments offer a window of 32000.\n",
                        scenario.block.una, scenario.block.nxt, scenario.block.rcv_nxt);
  const auto line = [&text](auto... cells) {
    std::string made = fmt::format("{:<40} | {:<34} | {:<12} | {:<36} | {}", cells...);
    text += made.substr(0, made.find_last_not_of(' ') + 1) + "\n";
  };
  line("event", "reply", "next state", "took", "drop counter");
  for (const Row& row : rows) line(row.event, row.seen.reply, name(row.seen.next), row.seen.took, row.counters);
  return text;
}

void compare(const std::string& file, const std::string& made) {
  const std::string path = std::string(SLUICE_SOURCE_DIR "/tests/tcp/grid/") + file + ".txt";
  if (std::getenv("SLUICE_UPDATE_GRID")) {
    std::ofstream(path) << made;
    return;
  }
  std::ifstream kept(path);
  std::istringstream now(made);
  std::string was, is;
  for (int number = 1; std::getline(now, is); ++number) {
    std::getline(kept, was);
    CHECK_MESSAGE(was == is, file << ".txt:" << number << ": if this is meant, run with SLUICE_UPDATE_GRID=1");
  }
  CHECK_MESSAGE(!std::getline(kept, was), file << ".txt is longer than the grid");
}

void check(const Scenario& scenario) {
  const std::vector<Row> rows = play(scenario, Family::ipv4);
  for (const Row& row : rows) {
    INFO(scenario.name, ": ", row.event);
    CHECK(row.seen.reply == row.predicted.reply);
    CHECK(name(row.seen.next) == name(row.predicted.next));
    CHECK(row.seen.took == row.predicted.took);
  }
  const std::string made = table(scenario, rows);
  CHECK_MESSAGE(made == table(scenario, play(scenario, Family::ipv6)), "both families answer alike");
  compare(scenario.name, made);
}

TEST_CASE(
    "grid: CLOSED [R9293-3.10.7.1-1, R9293-3.10.7.1-2, R9293-3.10.7.1-3, R9293-3.10.7.4-26, R9293-3.10.2-1, "
    "R9293-3.5.2-1]") {
  check(closed());
}

TEST_CASE(
    "grid: LISTEN [R9293-3.10.7.2-1, R9293-3.10.7.2-2, R9293-3.10.7.2-3, R9293-3.10.7.2-4, R9293-3.10.7.2-5, "
    "R9293-3.10.7.4-26, R9293-3.10.1-3, R9293-3.10.4-1]") {
  check(listening());
}

TEST_CASE(
    "grid: SYN-SENT [R9293-3.10.7.3-1, R9293-3.10.7.3-2, R9293-3.10.7.3-3, R9293-3.10.7.3-4, R9293-3.10.7.3-5, "
    "R9293-3.10.7.3-6, R9293-3.10.7.4-26, R9293-3.10.2-3, R9293-3.10.4-1, R5961-3.2-4]") {
  check(syn_sent());
}

TEST_CASE(
    "grid: SYN-RECEIVED of a listener [R9293-3.10.7.4-8, R9293-3.10.7.4-11, R9293-3.10.7.4-13, R9293-3.10.7.4-15, "
    "R9293-3.10.7.4-28]") {
  check(syn_received());
}

TEST_CASE(
    "grid: SYN-RECEIVED after SYNs that crossed [R9293-3.10.7.4-9, R9293-3.10.7.4-15, R9293-3.10.7.4-28, "
    "R9293-3.10.2-3]") {
  check(syn_received_crossed());
}

TEST_CASE(
    "grid: ESTABLISHED [R9293-3.10.7.4-1, R9293-3.10.7.4-2, R9293-3.10.7.4-3, R9293-3.10.7.4-4, R9293-3.10.7.4-10, "
    "R9293-3.10.7.4-12, R9293-3.10.7.4-13, R9293-3.10.7.4-16, R9293-3.10.7.4-17, R9293-3.10.7.4-18, "
    "R9293-3.10.7.4-23, R9293-3.10.7.4-25, R9293-3.10.7.4-27, R9293-3.10.7.4-28, R9293-3.10.1-1, R9293-3.10.5-1, "
    "R9293-3.10.8-1, R9293-3.10.8-2, R9293-3.5.2-2, A-TCP-01, A-TCP-02, A-TCP-03]") {
  check(established());
}

TEST_CASE("grid: ESTABLISHED with a closed receive window [R9293-3.10.7.4-1, R9293-3.10.7.4-5, 9293 MUST-66]") {
  check(established_full());
}

TEST_CASE("grid: ESTABLISHED with timestamps [R7323-5.3-1, R7323-5.3-2, R7323-5.2-1]") {
  check(established_timestamps());
}

TEST_CASE("grid: FIN-WAIT-1 [R9293-3.10.7.4-19, R9293-3.10.7.4-29, R9293-3.10.2-2]") { check(fin_wait_1()); }

TEST_CASE("grid: FIN-WAIT-2 [R9293-3.10.7.4-30, R9293-3.10.2-2]") { check(fin_wait_2()); }

TEST_CASE("grid: FIN-WAIT-2 when the user has let go [9293 SHLD-3, A-TCP-26]") { check(fin_wait_2_let_go()); }

TEST_CASE("grid: CLOSE-WAIT [R9293-3.10.7.4-24, R9293-3.10.7.4-31, R9293-3.10.3-1, R9293-3.10.4-3]") {
  check(close_wait());
}

TEST_CASE("grid: CLOSING [R9293-3.10.7.4-20, R9293-3.10.7.4-24, R9293-3.10.7.4-31, R9293-3.10.2-2]") {
  check(closing());
}

TEST_CASE("grid: LAST-ACK [R9293-3.10.7.4-21, R9293-3.10.7.4-24, R9293-3.10.7.4-31, R9293-3.10.2-2]") {
  check(last_ack());
}

TEST_CASE("grid: TIME-WAIT [R9293-3.10.7.4-22, R9293-3.10.8-3, 9293 MAY-2, A-TCP-12]") { check(time_wait()); }

}  // namespace
}  // namespace sluice::test::grid
