// Playing scripts: each rule by which packets, times and calls are held against what is written.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/lab/drill_play.hpp"

namespace sluice::lab::drill {
namespace {

using namespace std::chrono_literals;

/// An open connection with timestamps, its SYN-ACK's value written as 100.
const std::string kStamped =
    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
    "+0 bind(3, ..., ...) = 0\n"
    "+0 listen(3, 1) = 0\n"
    "+0 < S 0:0(0) win 20000 <mss 1000,sackOK,TS val 500 ecr 0>\n"
    "+0 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 100 ecr 500>\n"
    "+.1 < . 1:1(0) ack 1 win 20000 <nop,nop,TS val 600 ecr 100>\n"
    "+0 accept(3, ..., ...) = 4\n";

std::string written(int bytes) {
  const std::string count = std::to_string(bytes);
  return kOpen + "+0 write(4, ..., " + count + ") = " + count + "\n";
}

}  // namespace

// --- what of a packet is compared ------------------------------------------------------------------------------------

TEST_CASE("flags, the sequence number and the length are always compared") {
  passes(written(100) + "+0 > P. 1:101(100) ack 1\n");
  fails(written(100) + "+0 > . 1:101(100) ack 1\n", "another packet left than the script says: flags");
  fails(written(100) + "+0 > P. 2:102(100) ack 1\n", "sequence number");
  fails(written(100) + "+0 > P. 1:51(50) ack 1\n", "length");
}

TEST_CASE("window, ack and urgent pointer are compared if they are written") {
  passes(written(9) + "+0 > P. 1:10(9) ack 1 win 65535\n");
  fails(written(9) + "+0 > P. 1:10(9) ack 1 win 65534\n", "script says: window");
  fails(written(9) + "+0 > P. 1:10(9) ack 2\n", "script says: ack");
  passes(written(9) + "+0 > P. 1:10(9)\n");
  fails(written(9) + "+0 > P. 1:10(9) ack 1 urg 5\n", "script says: urgent pointer");
}

TEST_CASE("fields of the IP header are compared if they are written") {
  passes(written(9) + "+0 > (ttl 64) P. 1:10(9) ack 1\n");
  fails(written(9) + "+0 > (ttl 63) P. 1:10(9) ack 1\n", "script says: TTL");
  fails(written(9) + "+0 > [ect0] P. 1:10(9) ack 1\n", "script says: ECN");
  fails(written(9) + "+0 > (tos 0x10) P. 1:10(9) ack 1\n", "script says: TOS");
}

TEST_CASE("a packet of another protocol is another packet") {
  fails(written(9) + "+0 > udp (9)\n", "script says: protocol");
  fails(kOpen + "+0 < icmp echo_request id 7 seq 1 (8)\n+0 > P. 1:10(9) ack 1\n", "script says: protocol");
}

TEST_CASE("another protocol's packet where the script writes text in two pieces is another packet") {
  fails(kOpen + "+0 < icmp echo_request id 7 seq 1 (8)\n+0 > . 1:101(100) ack 1\n+0 > P. 101:201(100) ack 1\n",
        "script says: protocol");
}

TEST_CASE("options that aren't written are options that aren't there") {
  const std::string begin = kOpen.substr(0, kOpen.find("+0 > S."));
  passes(begin + "+0 > S. 0:0(0) ack 1 <mss 1460>\n");
  fails(begin + "+0 > S. 0:0(0) ack 1\n", "script says: options");
  fails(begin + "+0 > S. 0:0(0) ack 1 <>\n", "script says: options");
  passes(begin + "+0 > S. 0:0(0) ack 1 <...>\n");
  passes(written(9) + "+0 > P. 1:10(9) ack 1 <>\n");
}

TEST_CASE("options are compared with their values and in their order") {
  const std::string begin = kStamped.substr(0, kStamped.find("+0 > S."));
  passes(begin + "+0 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 100 ecr 500>\n");
  fails(begin + "+0 > S. 0:0(0) ack 1 <mss 1461,sackOK,TS val 100 ecr 500>\n", "options");
  fails(begin + "+0 > S. 0:0(0) ack 1 <sackOK,TS val 100 ecr 500,mss 1460>\n", "options");
  fails(begin + "+0 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 100 ecr 500,nop>\n", "options");
}

TEST_CASE("the script's sequence numbers begin where it writes our SYN") {
  std::string far = kOpen;
  far.replace(far.find("S. 0:0(0)"), 9, "S. 7000:7000(0)");
  far.replace(far.find("1:1(0) ack 1"), 12, "1:1(0) ack 7001");
  passes(far + "+0 write(4, ..., 10) = 10\n+0 > P. 7001:7011(10) ack 1\n");
}

// --- timestamps ------------------------------------------------------------------------------------------------------

TEST_CASE("the first timestamp that is written says where the script's clock begins") {
  passes(kStamped + "+0 write(4, ..., 9) = 9\n+0 > P. 1:10(9) ack 1 <nop,nop,TS val 200 ecr 600>\n");
  fails(kStamped + "+0 write(4, ..., 9) = 9\n+0 > P. 1:10(9) ack 1 <nop,nop,TS val 250 ecr 600>\n", "options");
}

TEST_CASE("a timestamp may be as far off as the packet's time, its echo not at all") {
  passes(kStamped + "+0 write(4, ..., 9) = 9\n+0 > P. 1:10(9) ack 1 <nop,nop,TS val 203 ecr 600>\n");
  fails("--tolerance_usecs=0\n" + kStamped +
            "+0 write(4, ..., 9) = 9\n+0 > P. 1:10(9) ack 1 <nop,nop,TS val 201 ecr 600>\n",
        "options");
  fails(kStamped + "+0 write(4, ..., 9) = 9\n+0 > P. 1:10(9) ack 1 <nop,nop,TS val 200 ecr 601>\n", "options");
}

TEST_CASE("timestamps that are left open can be anything") {
  passes(kStamped + "+0 write(4, ..., 9) = 9\n+0 > P. 1:10(9) ack 1 <nop,nop,TS val ... ecr ...>\n");
  fails(kStamped + "+0 write(4, ..., 9) = 9\n+0 > P. 1:10(9) ack 1 <TS val ... ecr ...>\n", "options");
}

// --- one line, several packets ---------------------------------------------------------------------------------------

TEST_CASE("a line may stand for the text of two packets, and two lines for one packet") {
  passes(written(2000) + "+0 > P. 1:2001(2000) ack 1\n");
  passes(written(1000) + "+0 > . 1:501(500) ack 1\n+0 > P. 501:1001(500) ack 1\n");
  passes(written(900) + "+0 > . 1:301(300) ack 1\n+0 > . 301:601(300) ack 1\n+0 > P. 601:901(300) ack 1\n");
}

TEST_CASE("lines and packets may end at different places") {
  passes(written(2000) + "+0 > . 1:1501(1500) ack 1\n+0 > P. 1501:2001(500) ack 1\n");
  passes(written(3000) + "+0 > . 1:501(500) ack 1\n+0 > . 501:2501(2000) ack 1\n+0 > P. 2501:3001(500) ack 1\n");
}

TEST_CASE("of packets in one line the last one's push and fin count, of one in two lines the last line has them") {
  fails(written(2000) + "+0 > . 1:2001(2000) ack 1\n", "flags");
  fails(written(1000) + "+0 > P. 1:501(500) ack 1\n+0 > P. 501:1001(500) ack 1\n", "flags");
  passes(kOpen + "+0 send(4, ..., 1500, MSG_MORE) = 1500\n+0 close(4) = 0\n+0 > FP. 1:1501(1500) ack 1\n");
}

TEST_CASE("a line alone doesn't cut a packet") {
  fails(written(1000) + "+0 > P. 1:501(500) ack 1\n", "length");
  fails(written(1000) + "+0 > . 1:501(500) ack 1\n+0 > P. 502:1001(499) ack 1\n", "length");
}

TEST_CASE("text that ends before the line does is too little") {
  fails(written(1000) + "+0 > P. 1:1501(1500) ack 1\n", "length");
}

// --- times -----------------------------------------------------------------------------------------------------------

TEST_CASE("a packet may be 4 ms early or late, or an eighth of the step") {
  passes(written(9) + "+.003 > P. 1:10(9) ack 1\n");
  fails(written(9) + "+.006 > P. 1:10(9) ack 1\n", "the packet left too early: at 0.1 s, and 0.106 s is written");
  const std::string retransmitted = written(9) + "+0 > P. 1:10(9) ack 1\n";
  passes(retransmitted + "+.3 > P. 1:10(9) ack 1\n");
  passes(retransmitted + "+.27 > P. 1:10(9) ack 1\n");
  passes(retransmitted + "+.34 > P. 1:10(9) ack 1\n");
  fails(retransmitted + "+.26 > P. 1:10(9) ack 1\n", "no packet left up to 0.3925 s; the next one came at 0.4 s");
  fails(retransmitted + "+.35 > P. 1:10(9) ack 1\n", "too early");
}

TEST_CASE("--tolerance_usecs replaces both") {
  passes("--tolerance_usecs=0\n" + written(9) + "+0 > P. 1:10(9) ack 1\n+.3 > P. 1:10(9) ack 1\n");
  fails("--tolerance_usecs=0\n" + written(9) + "+.000001 > P. 1:10(9) ack 1\n", "too early");
  fails("--tolerance_usecs=1000\n" + written(9) + "+0 > P. 1:10(9) ack 1\n+.298 > P. 1:10(9) ack 1\n",
        "no packet left");
  passes("--tolerance_usecs=50000\n" + written(9) + "+.04 > P. 1:10(9) ack 1\n");
}

TEST_CASE("a range takes a packet between its ends, and the next step counts from the packet") {
  passes(written(9) + "+0 > P. 1:10(9) ack 1\n+.1~+.5 > P. 1:10(9) ack 1\n+.6 > P. 1:10(9) ack 1\n");
  fails(written(9) + "+0 > P. 1:10(9) ack 1\n+.4~+.5 > P. 1:10(9) ack 1\n", "too early");
  fails(written(9) + "+0 > P. 1:10(9) ack 1\n+.1~+.2 > P. 1:10(9) ack 1\n", "no packet left");
}

TEST_CASE("'*' takes a packet whenever it comes, and the next step counts from it") {
  passes(written(9) + "+0 > P. 1:10(9) ack 1\n* > P. 1:10(9) ack 1\n+.6 > P. 1:10(9) ack 1\n");
  fails(kOpen + "* > . 1:1(0) ack 1\n", "no packet left up to 7200.1 s");
}

TEST_CASE("absolute times count from the beginning") {
  passes(written(9) + "0.1 > P. 1:10(9) ack 1\n0.4 > P. 1:10(9) ack 1\n");
  fails(written(9) + "0.1 > P. 1:10(9) ack 1\n0.3 > P. 1:10(9) ack 1\n", "no packet left");
}

TEST_CASE("a time that is over when the packet leaves is too late for it") {
  fails(written(9) +
            "+0 > P. 1:10(9) ack 1\n0.4 > P. 1:10(9) ack 1\n+.1 < . 1:1(0) ack 10 win 20000\n"
            "+0 write(4, ..., 9) = 9\n0.2 > P. 10:19(9) ack 1\n",
        "the packet left too late: at 0.5 s, and 0.2 s is written");
}

TEST_CASE("a packet that never comes is told, and how long it was waited for") {
  fails(kOpen + "+0 > . 1:1(0) ack 1\n", "no packet left up to 0.104 s, nor in the 10 s after");
}

TEST_CASE("a script can't last longer than a hundred years, and hours cost nothing") {
  std::string ages = kOpen;
  for (int i = 0; i < 4; ++i) ages += "+999999999 close(5) = -1 EBADF\n";
  ends(ages, Verdict::error, "a script can't last longer than a hundred years");
  passes(kOpen + "+86400 close(4) = 0\n+0 > F. 1:1(0) ack 1\n");
}

TEST_CASE("a stack that never comes to rest ends the script") {
  Settings settings = settings_of(Profile::sluice);
  settings.limits.turns = 20;
  const Outcome outcome =
      play(written(9) + "+0 > P. 1:10(9) ack 1\n* > P. 1:10(9) ack 1\n+900 close(4) = 0\n", settings);
  CHECK(outcome.verdict == Verdict::failed);
  CHECK(outcome.message.find("too many turns") != std::string::npos);
}

// --- flows -----------------------------------------------------------------------------------------------------------

TEST_CASE("ports are compared if they are written, and what is shown of the packet has them too") {
  passes(written(9) + "+0 > 8080 > 40001 P. 1:10(9) ack 1\n");
  const Outcome outcome = fails(written(9) + "+0 > 8080 > 40002 P. 1:10(9) ack 1\n", "script says: ports");
  CHECK(outcome.detail.find("actual    8080 > 40001 P. 1:10(9)") != std::string::npos);
}

TEST_CASE("ports tell two connections apart") {
  const auto open = [](const std::string& port) {
    return "+0 < " + port + " > 8080 S 0:0(0) win 20000 <mss 1000>\n+0 > 8080 > " + port +
           " S. 0:0(0) ack 1 <...>\n+0 < " + port + " > 8080 . 1:1(0) ack 1 win 20000\n";
  };
  passes(kOpen.substr(0, kOpen.find("+0 < S")) + open("7") + open("9") +
         "+0 accept(3, ..., ...) = 4\n+0 accept(3, ..., ...) = 5\n+0 write(4, ..., 9) = 9\n"
         "+0 > 8080 > 7 P. 1:10(9) ack 1\n+0 write(5, ..., 8) = 8\n+0 > 8080 > 9 P. 1:9(8) ack 1\n");
}

// --- leftovers -------------------------------------------------------------------------------------------------------

TEST_CASE("packets that nobody expected are told, and with strict they are a failure") {
  const Outcome outcome = play(written(9));
  CHECK(outcome.verdict == Verdict::passed);
  CHECK(outcome.leftovers == std::vector<std::string>{"0.1 > P. 1:10(9) ack 1 win 65535"});
  fails("--strict\n" + written(9), "a packet left that the script doesn't expect: 0.1 > P. 1:10(9)");
  passes("--strict\n" + written(9) + "+0 > P. 1:10(9) ack 1\n");
}

TEST_CASE("fragments left over are told as well") {
  const std::string script =
      "0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3\n+0 sendto(3, ..., 3000, 0, ..., ...) = 3000\n";
  const Outcome outcome = play(script);
  CHECK(outcome.verdict == Verdict::passed);
  CHECK(outcome.leftovers.size() == 3);
  fails("--strict\n" + script, "a packet that can't be read");
  fails(script + "+0 > udp (3000)\n", "a packet left that can't be read");
}

// --- calls -----------------------------------------------------------------------------------------------------------

TEST_CASE("a call's result and errno are compared, unless '...' is written") {
  fails(kOpen + "+0 write(4, ..., 9) = 8\n", "write(): it answered 9");
  fails(kOpen + "+0 close(5) = 0\n", "close(): it answered -1 EBADF");
  fails(kOpen + "+0 close(5) = -1 EINVAL\n", "close(): it answered -1 EBADF");
  passes(kOpen + "+0 close(5) = -1\n");
  passes(kOpen + "+0 write(4, ..., 9) = ...\n");
}

TEST_CASE("a call that fails shows what was expected beside what it answered") {
  const Outcome outcome = fails(kOpen + "+0 close(5) = -1 EINVAL (words)\n", "it answered");
  CHECK(outcome.line == 8);
  CHECK(outcome.detail.find("  expected  -1 EINVAL\n  actual    -1 EBADF\n") == 0);
}

TEST_CASE("an unknown call is not supported, and one with wrong arguments an error") {
  CHECK(ends(kOpen + "+0 frobnicate(4) = 0\n", Verdict::unsupported, "there is no call frobnicate()").line == 8);
  ends(kOpen + "+0 close() = 0\n", Verdict::error, "close() takes 1 arguments, not 0");
  ends(kOpen + "+0 fcntl(4) = 0\n", Verdict::error, "fcntl() takes 2 to 3 arguments, not 1");
  ends(kOpen + "+0 close([4]) = 0\n", Verdict::error, "argument 1 of close() is [4], and a number is needed");
  ends(kOpen + "+0 bind(3, {1}, 16) = 0\n", Verdict::error, "is no address");
  ends(kOpen + "+0 setsockopt(4, SOL_SOCKET, SO_LINGER, {}, 4) = ...\n+0 setsockopt(4, SOL_TCP, 1, [], 4) = 0\n",
       Verdict::error, "is no value for this option");
  ends(kOpen + "+0 poll([{fd=4}], 1, 0) = 0\n", Verdict::error, "poll() needs");
}

TEST_CASE("a call that moves more than there is room for is an error") {
  ends(kOpen + "+0 write(4, ..., 100000000) = 0\n", Verdict::error, "can't move more than 67108864 bytes");
  ends(kOpen + "+0 readv(4, [{..., 60000000}, {..., 60000000}], 2) = 0\n", Verdict::error, "can't move more than");
  passes(kOpen + "+0 write(4, ..., -5) = ...\n");
}

TEST_CASE("a call may wait between two times") {
  const std::string begin = kOpen + "+0...0.5 read(4, ..., 100) = 10\n";
  passes(begin + "+.5 < P. 1:11(10) ack 1 win 20000\n+0 > . 1:1(0) ack 11\n");
  fails(begin + "+.1 < P. 1:11(10) ack 1 win 20000\n", "read() of line 8 returned at 0.2 s, and 0.6 s is written");
  fails(begin + "+1 < P. 1:11(10) ack 1 win 20000\n+0 close(4) = 0\n",
        "read() of line 8 returned at 1.1 s, and 0.6 s is written");
  fails(begin, "read() of line 8 still blocks at");
}

TEST_CASE("a call that waits when none is written, or doesn't when it is, fails") {
  fails(kOpen + "+0 read(4, ..., 100) = 10\n", "read() blocks: a range such as +0...0.1 says until when it may");
  fails(kOpen + "+0...0.5 close(4) = 0\n", "close() doesn't block: it answered 0 at once");
  passes(kOpen + "+0...0 close(4) = 0\n");
}

TEST_CASE("a call that waits answers what is written, too") {
  fails(kOpen + "+0...0.5 read(4, ..., 100) = 11\n+.5 < P. 1:11(10) ack 1 win 20000\n", "read(): it answered 10");
}

TEST_CASE("the next call is made when the one that waits is over") {
  passes(kOpen +
         "+0...0.5 read(4, ..., 100) = 10\n+.5 < P. 1:11(10) ack 1 win 20000\n+0 > . 1:1(0) ack 11\n+0 close(4) = 0\n"
         "+0 > F. 1:1(0) ack 11\n");
}

TEST_CASE("timeouts of calls end them, however large they are written") {
  passes(kOpen +
         "+0 setsockopt(4, SOL_SOCKET, SO_RCVTIMEO, {0, 500000}, 16) = 0\n+0...0.5 read(4, ..., 9) = -1 EAGAIN\n");
  passes(kOpen + "+0...0.25 poll([{fd=4, events=POLLIN, revents=0}], 1, 250) = 0\n");
  fails(kOpen +
            "+0 setsockopt(4, SOL_SOCKET, SO_RCVTIMEO, {9223372036854775807, 0}, 16) = 0\n+0...1 read(4, ..., 9) = 0\n",
        "still blocks");
  fails(kOpen + "+0...1 poll([{fd=4, events=POLLIN}], 1, 9223372036854775807) = 0\n", "still blocks");
}

// --- text ------------------------------------------------------------------------------------------------------------

TEST_CASE("text that is written in the script is what leaves and what is read") {
  passes(kOpen + "+0 write(4, \"abc\", 3) = 3\n+0 > P. 1:4(3) ack 1\n");
  passes(kOpen + "+0 < P. 1:11(10) ack 1 win 20000\n+0 read(4, ..., 10) = 10\n");
  fails(kOpen + "+0 < P. 1:4(3) ack 1 win 20000\n+0 read(4, \"abc\", 3) = 3\n",
        "byte 0 is not what the peer sent there");
}

TEST_CASE("the pattern of the text goes on from read to read, and peeking doesn't move it") {
  passes(kOpen +
         "+0 < P. 1:11(10) ack 1 win 20000\n+0 read(4, ..., 4) = 4\n+0 recv(4, ..., 3, MSG_PEEK) = 3\n"
         "+0 readv(4, [{..., 2}, {..., 9}], 2) = 6\n");
}

TEST_CASE("values that calls give are compared") {
  fails(kOpen + "+0 getsockopt(4, SOL_TCP, TCP_NODELAY, [1], [4]) = 0\n", "getsockopt(): the value is 0, not 1");
  fails(kOpen + "+0 getsockopt(4, SOL_TCP, TCP_CONGESTION, \"vegas\", [9]) = 0\n", "not \"vegas\"");
  fails(kOpen + "+0 poll([{fd=4, events=POLLOUT, revents=POLLIN}], 1, 0) = 1\n", "poll(): revents is 4, not 1");
  fails(kOpen +
            "+0 getpeername(4, {sa_family = AF_INET, sin_port = htons(1), sin_addr = inet_addr(\"192.0.2.1\")}, ...) = "
            "0\n",
        "the address is 192.0.2.1:40001, not 192.0.2.1:1");
  ends(kOpen + "+0 getsockopt(4, SOL_TCP, TCP_INFO, {tcpi_what=1}, [999]) = 0\n", Verdict::error,
       "struct tcp_info has no field tcpi_what");
}

// --- code, and what can't be -----------------------------------------------------------------------------------------

TEST_CASE("code sees the connection's tcp_info, and its slips are told with their line") {
  passes(kOpen + "+0 %{ assert tcpi_state == TCP_ESTABLISHED }%\n");
  CHECK(fails(kOpen + "+0 %{ assert tcpi_state == TCP_CLOSE, 'no' }%\n", "does not hold").line == 8);
  CHECK(ends(kOpen + "+0 %{ x = tcpi_what }%\n", Verdict::error, "there is no name 'tcpi_what'").line == 8);
  ends("%{ x = tcpi_state }%\n", Verdict::error, "there is no name 'tcpi_state'");
  CHECK(play("%{ print('said', 5) }%\n").printed == std::vector<std::string>{"said 5"});
}

TEST_CASE("a packet that there can't be is an error") {
  ends(kOpen + "+0 < . 1:1(0) ack 1 win 5 <mss 5,kind 200 0x" + std::string(76, 'a') + ">\n", Verdict::error,
       "there can be no such packet");
  ends("--ip_version=ipv6\n" + kOpen + "+0 < icmp source_quench [1:2(1)]\n", Verdict::error,
       "there can be no such packet");
}

TEST_CASE("an empty script passes") {
  const Outcome outcome = play("");
  CHECK(outcome.verdict == Verdict::passed);
  CHECK(outcome.steps == 0);
  CHECK(outcome.length == 0s);
}

TEST_CASE("all packets that pass are heard of, with why ours left") {
  std::vector<std::string> heard;
  RunOptions options{.settings = settings_of(Profile::sluice)};
  options.capture = [&](const Passed& one) {
    heard.push_back((one.inbound ? "in" : "out ") + std::string(one.comment.substr(0, one.comment.find(':'))));
  };
  CHECK(run(written(9), {}, options).verdict == Verdict::passed);
  CHECK(heard == std::vector<std::string>{"in", "out accept_open", "in", "out new_data"});
}

}  // namespace sluice::lab::drill
