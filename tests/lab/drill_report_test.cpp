// What a failure tells, what --update writes, and scripts broken on purpose.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "lab/drill/mutate.hpp"
#include "lab/drill/player.hpp"
#include "tests/lab/drill_play.hpp"

namespace sluice::lab::drill {
namespace {

bool has(const std::string& text, std::string_view words) { return text.find(words) != std::string::npos; }

/// What --update makes of a script; it must pass afterwards.
std::string updated(const std::string& script) {
  const Outcome outcome = run(script, {}, {.settings = settings_of(Profile::sluice), .correct = true});
  CHECK_MESSAGE(outcome.verdict == Verdict::passed, outcome.message);
  const std::string text = corrected(script, outcome.corrections);
  passes("--strict\n" + text);
  return text;
}

/// The mutants of a statement behind an open connection.
std::vector<std::string> mutants(const std::string& statement) {
  std::vector<std::string> found;
  for (const Mutant& one : mutants_of(parse_script(statement))) found.push_back(one.what);
  return found;
}

using Names = std::vector<std::string>;

}  // namespace

// --- reports -----------------------------------------------------------------------------------------------------

TEST_CASE("two packets stand one above the other, with marks below what differs") {
  CHECK(side_by_side("P. 1:11(10) ack 1", "P. 1:101(100) ack 2") ==
        "  expected  P. 1:11(10)   ack 1\n"
        "  actual    P. 1:101(100) ack 2\n"
        "               ^^^^^^^^^^     ^\n");
}

TEST_CASE("words that one of them hasn't are marked, and the same packet has no marks") {
  CHECK(side_by_side("a b", "a") == "  expected  a b\n  actual    a\n              ^\n");
  CHECK(side_by_side("a", "a bb") == "  expected  a\n  actual    a bb\n              ^^\n");
  CHECK(side_by_side("a b", "a b") == "  expected  a b\n  actual    a b\n");
}

TEST_CASE("a failure tells the line, both packets, the exchange so far and the connection") {
  const Outcome outcome = fails(kOpen + "+0 write(4, ..., 9) = 9\n+0 > . 1:10(9) ack 1\n",
                                "another packet left than the script says: flags");
  CHECK(outcome.line == 9);
  CHECK(outcome.column == 1);
  CHECK(outcome.steps == 9);
  CHECK(has(outcome.detail, "  expected  .  1:10(9) ack 1\n  actual    P. 1:10(9) ack 1\n            ^^\n"));
  CHECK(has(outcome.detail, "peer  "));
  CHECK(has(outcome.detail, "0.1  . 1:1(0) ack 1 win 20000      ---->"));
  CHECK(has(outcome.detail, "* write(4, ..., 9) = 9"));
  CHECK(has(outcome.detail, "<----  P. 1:10(9) ack 1 win 65535  (new_data)"));
  CHECK(has(outcome.detail, "  connection: ESTABLISHED, cwnd 10000, ssthresh unlimited, in the network 9"));
}

TEST_CASE("what the script leaves open about a packet is not shown of the one that left") {
  const Outcome outcome = fails(kOpen + "+0 write(4, ..., 9) = 9\n+0 > . 1:10(9) ack 1 win 65535\n", "flags");
  CHECK(has(outcome.detail, "actual    P. 1:10(9) ack 1 win 65535\n"));
}

TEST_CASE("a packet that is missing is shown beside the one that came later, or nothing") {
  CHECK(has(fails(kOpen + "+0 > . 1:1(0) ack 1\n", "nor in the 10 s after").detail, "actual    nothing\n"));
  const std::string lost = kOpen + "+0 write(4, ..., 9) = 9\n+0 > P. 1:10(9) ack 1\n";
  CHECK(has(fails(lost + "+.1 > P. 1:10(9) ack 1\n", "the next one came at 0.4 s").detail,
            "actual    P. 1:10(9) ack 1\n"));
}

TEST_CASE("of a long exchange the last forty steps are shown") {
  std::string script = kOpen;
  for (int i = 0; i < 60; ++i) script += "+0 close(9) = -1 EBADF\n";
  const Outcome outcome = fails(script + "+0 close(9) = 0\n", "it answered");
  CHECK(has(outcome.detail, "  … 28 steps before\n"));
  CHECK(std::count(outcome.detail.begin(), outcome.detail.end(), '*') == 40);
}

TEST_CASE("a failure before there is a connection tells of none") {
  CHECK_FALSE(has(fails("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = -1 EINVAL\n", "").detail, "connection:"));
  CHECK(fails("%{ assert 0 }%", "does not hold").detail.empty());
}

TEST_CASE("a call that still waits at the end of the script is told with its line") {
  CHECK(has(fails(kOpen + "+0...0.5 read(4, ..., 9) = 9\n", "read() of line 8 still blocks").detail, "* read("));
}

// --- --update ----------------------------------------------------------------------------------------------------

TEST_CASE("what passes is not rewritten") {
  const std::string script = kOpen + "+0 write(4, ..., 9) = 9\n+0 > P. 1:10(9) ack 1\n";
  CHECK(updated(script) == script);
}

TEST_CASE("a packet that differs is rewritten in the style of the script") {
  const std::string begin = kOpen + "+0 write(4, ..., 9) = 9\n";
  CHECK(updated(begin + "+0 > . 1:5(4) ack 1 // why\n") == begin + "+0 > P. 1:10(9) ack 1 // why\n");
  CHECK(updated(begin + "+0 > P. 1:10(9) ack 1 win 5 <nop>\n") == begin + "+0 > P. 1:10(9) ack 1 win 65535\n");
  CHECK(updated(begin + "+0 > . 1:10(9) ack 1 <...>\n") == begin + "+0 > P. 1:10(9) ack 1 <...>\n");
  CHECK(updated(begin + "+0 > (ttl 3) P. 1:10(9) ack 1\n") == begin + "+0 > (ttl 64) P. 1:10(9) ack 1\n");
  CHECK(updated(begin + "+0 > 8080 > 7 P. 1:10(9) ack 1\n") == begin + "+0 > 8080 > 40001 P. 1:10(9) ack 1\n");
}

TEST_CASE("a time that differs is rewritten in its kind, and the steps behind it count from there") {
  const std::string begin = kOpen + "+0 write(4, ..., 9) = 9\n";
  CHECK(updated(begin + "+.05 > P. 1:10(9) ack 1\n+.3 > P. 1:10(9) ack 1\n") ==
        begin + "+0 > P. 1:10(9) ack 1\n+.3 > P. 1:10(9) ack 1\n");
  CHECK(updated(begin + "0.2 > P. 1:10(9) ack 1\n+.3 > P. 1:10(9) ack 1\n") ==
        begin + "0.1 > P. 1:10(9) ack 1\n+.3 > P. 1:10(9) ack 1\n");
}

TEST_CASE("two packets that differ are both rewritten, and timestamps that are open stay open") {
  const std::string script =
      "0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3\n"
      "+0 connect(3, ..., ...) = -1 EINPROGRESS\n"
      "+0 > S 0:0(0) <...>\n"
      "+.1 < S. 0:0(0) ack 1 win 20000 <mss 1000,sackOK,TS val 300 ecr 1>\n"
      "+0 > P. 1:1(0) ack 1 <nop,nop,TS val ... ecr 300>\n"
      "+0 write(3, ..., 100) = 100\n"
      "+0 > . 1:101(100) ack 1 <nop,nop,TS val 50 ecr ...>\n";
  const std::string text = updated(script);
  CHECK(has(text, "+0 > . 1:1(0) ack 1 <nop,nop,TS val ... ecr 300>\n"));
  CHECK(has(text, "+0 > P. 1:101(100) ack 1 <nop,nop,TS val 50 ecr ...>\n"));
}

TEST_CASE("a packet that doesn't come, and a call that answers something else, can't be put right") {
  const RunOptions options{.settings = settings_of(Profile::sluice), .correct = true};
  CHECK(run(kOpen + "+0 > . 1:1(0) ack 1\n", {}, options).verdict == Verdict::failed);
  CHECK(run(kOpen + "+0 close(4) = 5\n", {}, options).verdict == Verdict::failed);
}

TEST_CASE("corrections replace their part of the source each") {
  CHECK(corrected("abcdef", {{.begin = 1, .end = 2, .text = "BBB"}, {.begin = 4, .end = 6, .text = ""}}) == "aBBBcd");
  CHECK(corrected("abc", {}) == "abc");
}

// --- mutants -----------------------------------------------------------------------------------------------------

TEST_CASE("each field of an expected packet that is compared has a mutant") {
  CHECK(mutants("+0 > P. 1:10(9) ack 1\n") ==
        Names{"later", "sequence number + 1", "length + 1", "PSH", "FIN", "ack + 1", "one option more"});
  CHECK(mutants("+0 > [ect0] (ttl 64, tos 2) P. 1:10(9) ack 1 win 5 urg 3 <...>\n") ==
        Names{"later", "ECN", "TTL", "TOS", "sequence number + 1", "length + 1", "PSH", "FIN", "ack + 1", "window",
              "urgent pointer"});
}

TEST_CASE("options are left out and changed one by one") {
  CHECK(mutants("* > S. 0:0(0) ack 1 <mss 5,sackOK,wscale 3,FO 0102>\n") ==
        Names{"length + 1", "PSH", "FIN", "ack + 1", "one option more", "one option less", "MSS + 1", "one option less",
              "one option less", "window scale + 1", "one option less", "cookie"});
  const Names stamps = mutants("* > . 1:1(0) <TS val 1 ecr 2>\n* > . 1:1(0) <sack 1:2,TS val 3 ecr 4>\n");
  CHECK(std::count(stamps.begin(), stamps.end(), "timestamp") == 1);  // the first defines the script's clock
  CHECK(std::count(stamps.begin(), stamps.end(), "timestamp echo") == 2);
  CHECK(std::count(stamps.begin(), stamps.end(), "SACK edge + 1") == 1);
}

TEST_CASE("datagrams, ICMP messages and ports have mutants") {
  CHECK(mutants("* > 80 > 81 udp (5)\n") == Names{"port", "length + 1"});
  CHECK(mutants("* > icmp echo_reply id 7 seq 1 (56)\n") == Names{"ICMP type", "echo id", "echo number", "length"});
  CHECK(mutants("* > icmp unreachable frag_needed mtu 1400 [1:2(1)]\n") == Names{"ICMP type", "MTU"});
}

TEST_CASE("results of calls, values of options and assertions have mutants") {
  CHECK(mutants("0 close(3) = 0\n") == Names{"result of close"});
  CHECK(mutants("0 close(3) = -1 EBADF\n") == Names{"result of close", "errno of close"});
  CHECK(mutants("0 socket(..., SOCK_STREAM, 0) = 3\n") == Names{"result of socket"});
  CHECK(mutants("0 getsockopt(3, 1, 2, [5], [4]) = 0\n") == Names{"result of getsockopt", "value of getsockopt"});
  CHECK(mutants("%{ assert x == 1, 'a'\nassert (y)\nz = 1 }%\n") == Names{"assertion", "assertion"});
}

TEST_CASE("what isn't compared has none") {
  CHECK(mutants("0 < P. 1:10(9) ack 1 win 5 <nop>\n`true`\n%{ x = 1 }%\n0 close(3) = ...\n--strict\n").empty());
  CHECK(mutants("0 getsockopt(3) = ...\n").empty());
}

TEST_CASE("a mutant is the script with one thing changed, and each is noticed") {
  const Script script = parse_script(kOpen +
                                     "+0 write(4, ..., 9) = 9\n+0 > P. 1:10(9) ack 1 win 65535\n"
                                     "+0 %{ assert tcpi_unacked == 1, 'one' }%\n+.3 > P. 1:10(9) ack 1\n"
                                     "+100 < . 1:1(0) ack 10 win 20000\n");
  const std::vector<Mutant> all = mutants_of(script);
  CHECK(all.size() > 20);
  for (const Mutant& one : all) {
    INFO("line " << one.line << ": " << one.what);
    CHECK(one.script.steps.size() == script.steps.size());
    CHECK(run(one.script, {.settings = settings_of(Profile::sluice)}).verdict == Verdict::failed);
  }
}

TEST_CASE("a packet after a long silence is noticed to be later, too") {
  const std::string script = kOpen + "+200 write(4, ..., 9) = 9\n+0 > P. 1:10(9) ack 1\n+7200 close(4) = 0\n";
  for (const Mutant& one :
       mutants_of(parse_script(kOpen + "+0 close(4) = 0\n+0 > F. 1:1(0) ack 1\n+200~+201 > F. 1:1(0) ack 1\n")))
    if (one.what == "later") CHECK(one.script.steps[one.line - 1].when.earliest > std::chrono::seconds(9));
  passes(script);
}

}  // namespace sluice::lab::drill
