// What a narrower path does to a connection: told by routers (RFC 1191, RFC 8201, RFC 5927 7.2), or found without them
// (RFC 8899, RFC 4821).
#include <doctest/doctest.h>

#include "tests/tcp/support_icmp.hpp"

namespace sluice::test {
namespace {

using tcp::Counter;
using tcp::SendReason;
using tcp::State;

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

// --- forged ones, and what the path itself says ------------------------------------------------------------------

struct Doubtful : Narrow {
  /// Packets as large as the MTU have arrived, and two more are out.
  void fly_on() {
    fly_large();
    in(". 1:1(0) ack 2921");
    write(2920);
    out(". 2921:4381(1460) ack 1");
    out("P. 4381:5841(1460) ack 1");
  }
};

TEST_CASE_FIXTURE(Doubtful,
                  "a claim that packets are too big of which such have arrived changes nothing while text arrives "
                  "[R5927-7.2-1, A-TCP-10]") {
  fly_on();
  in(too_big(1300, "2921:4381(1460)"));
  quiet();
  CHECK(socket.info()->send_mss == 1460);
  CHECK(count(Counter::path_mtu_doubts) == 1);
  in(". 1:1(0) ack 5841");
  quiet(1h);
  write(1460);
  run(1h);  // and a later timeout has nothing to do with it
  skip();
  CHECK(count(Counter::path_mtu_changes) == 0);
}

TEST_CASE_FIXTURE(Doubtful,
                  "when the retransmission timer says that nothing arrives, the claim was true: no sign of congestion "
                  "[R5927-7.2-1, R8201-5.4-2, R1191-6.4-1]") {
  fly_on();
  in(too_big(1300, "2921:4381(1460)"));
  const std::uint32_t cwnd = socket.info()->cwnd;
  quiet();
  while (waiting() == 0) run(10ms);
  out(text_line(".", 2921, static_cast<std::uint32_t>(1300 - headers())));
  CHECK(skip() >= 1);
  CHECK(socket.info()->send_mss == 1300u - static_cast<unsigned>(headers()));
  CHECK(socket.info()->cwnd >= cwnd * 3 / 4);
  CHECK(count(Counter::path_mtu_changes) == 1);
}

TEST_CASE_FIXTURE(Narrow, "a claim about larger packets than were ever sent is refused [R5927-7.2-2, A-TCP-10]") {
  established({.mss = 1460});
  write(500);
  out("P. 1:501(500) ack 1");
  in(too_big(1400, "1:501(500)"));
  CHECK(count(Counter::icmp_ignored) == 1);
  CHECK(socket.info()->send_mss == 1460);
}

TEST_CASE_FIXTURE(Icmp, "a SYN is never too big [R5927-7.2-2]") {
  connect();
  out("S 0:0(0)");
  in(too_big(v4() ? 68 : 1280, "0:0(0)"));
  state_is(State::syn_sent);
  CHECK(count(Counter::icmp_ignored) == 1);
}

TEST_CASE_FIXTURE(Narrow, "IPv6 paths are never narrower than 1280 [R8201-4-1]") {
  if (v4()) return;
  fly_large();
  in(too_big(1279, "1:1461(1460)"));
  in(too_big(68, "1:1461(1460)"));
  quiet();
  CHECK(socket.info()->send_mss == 1460);
  in(too_big(1280, "1:1461(1460)"));
  skip();
  CHECK(socket.info()->send_mss == 1220);
}

TEST_CASE_FIXTURE(Narrow,
                  "below 552 bytes IPv4 packets become no smaller, but may be fragmented [R1191-3-2, A-TCP-10]") {
  if (!v4()) return;
  fly_large();
  CHECK((last_bytes()[6] & 0x40) != 0);
  in(too_big(300, "1:1461(1460)"));
  out(". 1:513(512) ack 1");
  CHECK((last_bytes()[6] & 0x40) == 0);
  const auto id = std::pair(last_bytes()[4], last_bytes()[5]);
  out(". 513:1025(512) ack 1");
  CHECK((last_bytes()[6] & 0x40) == 0);
  CHECK(id != std::pair(last_bytes()[4], last_bytes()[5]));
  skip();
}

TEST_CASE_FIXTURE(Narrow,
                  "after ten minutes a path may have become wider: it is tried [R8201-5.3-1, R8201-4-4, R1191-3-4]") {
  fly_large();
  in(too_big(1400, "1:1461(1460)"));
  skip();
  in(". 1:1(0) ack 2921");
  run(10min - 1s);
  write(100);
  skip();
  in(". 1:1(0) ack 3021");
  CHECK(socket.info()->send_mss == 1400u - static_cast<unsigned>(headers()));
  run(2s);
  write(2920);
  out(". 3021:4481(1460) ack 1");
  skip();
}

TEST_CASE_FIXTURE(Narrow, "all connections to a host hear that the path to it is narrower [R8201-5.2-2, R8201-5.2-1]") {
  established({.mss = 1460, .rtt = 100ms});
  const tcp::Socket first = std::move(socket);
  peer(41000);
  in("S 0:0(0) <mss 1460>");
  take();
  in(". 1:1(0) ack 1");
  accept();
  write(2920);
  skip();
  in(too_big(1400, "1:1461(1460)"));
  skip();
  CHECK(socket.info()->send_mss == 1400u - static_cast<unsigned>(headers()));
  CHECK(first.info()->send_mss == socket.info()->send_mss);
}

// --- without ICMP ------------------------------------------------------------------------------------------------

struct Probing : Icmp {
  std::uint32_t base() const { return v4() ? 1160 : 1220; }
  void open(tcp::PathMtuProbing how, std::uint16_t mss = 1460, bool sack = true) {
    established({.mss = mss, .sack = sack, .rtt = 100ms, .listening = {.options = {.path_mtu_probing = how}}});
  }
  /// Nothing comes back for this long; the length of the last segment.
  std::uint32_t fall_silent(Duration time) {
    run(time);
    std::uint32_t last = 0;
    while (waiting() > 0) last = take().segment()->length;
    return last;
  }
  /// The first flight at the base size was acknowledged: a probe is out, and as much as may be behind it.
  void probe() {
    open(tcp::PathMtuProbing::always);
    write(60'000);
    const std::size_t flight = skip();
    run(100ms);
    acked = 1 + static_cast<std::uint32_t>(flight) * base();
    in(text_line(".", 1, 0, " ack " + std::to_string(acked)));
    out(text_line(".", acked, 1460), SendReason::mtu_probe);
    behind = skip();
  }
  std::uint32_t acked = 1;
  std::size_t behind = 0;
};

TEST_CASE_FIXTURE(Probing,
                  "full-sized packets that vanish four times over give way to the base size, and none that is larger "
                  "leaves [R4821-7-5, R8899-4.3-1, R8899-3-1]") {
  open(tcp::PathMtuProbing::on_black_hole);
  write(5840);
  skip();
  CHECK(fall_silent(4s) == 1460);
  CHECK(count(Counter::path_mtu_black_holes) == 0);
  CHECK(fall_silent(4s) <= base());
  CHECK(count(Counter::path_mtu_black_holes) == 1);
  CHECK(socket.info()->send_mss == base());
  CHECK(socket.info()->path_mtu == base() + static_cast<unsigned>(headers()));
  in(text_line(".", 1, 0, " ack " + std::to_string(1 + base())));
  while (waiting() > 0) CHECK(take().segment()->length <= base());
}

TEST_CASE_FIXTURE(Probing, "without SACK as well [R4821-7-5]") {
  open(tcp::PathMtuProbing::on_black_hole, 1460, false);
  write(5840);
  skip();
  CHECK(fall_silent(8s) <= base());
  CHECK(count(Counter::path_mtu_black_holes) == 1);
}

TEST_CASE_FIXTURE(Probing,
                  "small packets that vanish do so for another reason, and so do all when it is switched off") {
  open(tcp::PathMtuProbing::on_black_hole, 1000);
  write(5000);
  skip();
  CHECK(fall_silent(60s) == 1000);
  const tcp::Socket small = std::move(socket);
  peer(41000);
  in("S 0:0(0) <mss 1460,sackOK>");
  take();
  in(". 1:1(0) ack 1");
  accept();
  set([](tcp::Options& o) { o.path_mtu_probing = tcp::PathMtuProbing::off; });
  write(5840);
  skip();
  run(60s);
  CHECK(count(Counter::path_mtu_black_holes) == 0);
  skip();
}

TEST_CASE_FIXTURE(Probing,
                  "where nothing passes at all, IPv4 packets shrink by halves and lose DF at the floor [R4821-7-5]") {
  open(tcp::PathMtuProbing::on_black_hole);
  write(5840);
  skip();
  run(200s);
  while (waiting() > 0) take();
  CHECK(socket.info()->path_mtu == (v4() ? 552 : 1280));
  if (v4()) CHECK((last_bytes()[6] & 0x40) == 0);
}

TEST_CASE_FIXTURE(Probing,
                  "a search begins at the base size; a probe is text in a larger packet with DF, and when it arrives "
                  "so do the next [R8899-5.2-1, R8899-3-2, R4821-7-1, R8899-3-7, R4821-4-2]") {
  probe();
  if (v4()) CHECK((last_bytes()[6] & 0x40) != 0);
  CHECK(behind >= 3);
  CHECK(socket.info()->send_mss == base());
  const std::uint32_t cwnd = socket.info()->cwnd;
  run(100ms);
  in(text_line(".", 1, 0, " ack " + std::to_string(acked + 1460)));
  CHECK(socket.info()->send_mss == 1460);
  CHECK(socket.info()->cwnd <= cwnd + 1460);
  CHECK(count(Counter::mtu_probes) == 1);
  CHECK(count(Counter::mtu_probes_lost) == 0);
  skip();
}

TEST_CASE_FIXTURE(Probing,
                  "a probe that is lost alone goes again in small segments, and is no sign of congestion [R8899-3-6, "
                  "R4821-7-2, R4821-7-3]") {
  probe();
  const std::uint32_t cwnd = socket.info()->cwnd;
  run(100ms);
  const std::uint32_t from = acked + 1460, to = from + 3 * base();
  in(text_line(
      ".", 1, 0,
      " ack " + std::to_string(acked) + " <nop,nop,sack " + std::to_string(from) + ":" + std::to_string(to) + ">"));
  run(100ms);
  CHECK(count(Counter::mtu_probes_lost) == 1);
  CHECK(count(Counter::fast_retransmits) == 0);
  CHECK(socket.info()->cwnd >= cwnd);
  CHECK(socket.info()->send_mss == base());
  out(text_line(".", acked, base()));
  out(text_line(".", acked + base(), 1460 - base()));
  skip();
  in(text_line(".", 1, 0, " ack " + std::to_string(to)));
  skip();
  CHECK(count(Counter::mtu_probes) == 1);  // the next one waits
}

TEST_CASE_FIXTURE(
    Probing, "a router that refuses a probe bounds the search; packets stay as they are [R8899-4.6.2-1, R8899-3-3]") {
  probe();
  const std::uint32_t cwnd = socket.info()->cwnd;
  in(too_big(1400, std::to_string(acked) + ":" + std::to_string(acked + 1460) + "(1460)"));
  CHECK(socket.info()->send_mss == base());
  CHECK(socket.info()->cwnd == cwnd);
  CHECK(skip() >= 1);  // the probe's text
  CHECK(count(Counter::timeouts) == 0);
}

}  // namespace
}  // namespace sluice::test
