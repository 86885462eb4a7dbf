// Options of a script's head, and commands in backticks: what each sets, and what is refused by name.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "lab/drill/settings.hpp"
#include "tests/lab/drill_play.hpp"

namespace sluice::lab::drill {
namespace {

using namespace std::chrono_literals;

Settings after(std::string_view command) {
  Settings settings;
  CHECK(apply_command(command, settings) == "");
  return settings;
}

Settings set(const std::string& name, const std::string& value) {
  return after("sysctl -q net.ipv4." + name + "=" + value);
}

void refuse(const std::string& command, std::string_view why) {
  Settings settings;
  const std::string trouble = apply_command(command, settings);
  CHECK_MESSAGE(trouble.find(why) != std::string::npos, command << ": " << trouble);
}

Settings option(std::string_view name, std::string_view value) {
  Settings settings;
  CHECK(apply_option(name, value, settings) == "");
  return settings;
}

void refuse_option(std::string_view name, std::string_view value, std::string_view why) {
  Settings settings;
  const std::string trouble = apply_option(name, value, settings);
  CHECK_MESSAGE(trouble.find(why) != std::string::npos, name << "=" << value << ": " << trouble);
}

}  // namespace

// --- sysctl ------------------------------------------------------------------------------------------------------

TEST_CASE("sysctl switches the options of a SYN") {
  CHECK_FALSE(set("tcp_sack", "0").config.tcp.sack);
  CHECK_FALSE(set("tcp_timestamps", "0").config.tcp.timestamps);
  CHECK(set("tcp_timestamps", "2").config.tcp.timestamps);
  CHECK_FALSE(set("tcp_window_scaling", "0").config.tcp.window_scaling);
}

TEST_CASE("tcp_ecn has Linux's five values") {
  CHECK(set("tcp_ecn", "0").socket.ecn == tcp::EcnPolicy::off);
  CHECK(set("tcp_ecn", "1").socket.ecn == tcp::EcnPolicy::active);
  CHECK(set("tcp_ecn", "2").socket.ecn == tcp::EcnPolicy::passive);
  CHECK_FALSE(set("tcp_ecn", "2").socket.accurate_ecn);
  CHECK(set("tcp_ecn", "3").socket.accurate_ecn);
  CHECK(set("tcp_ecn", "4").socket.ecn == tcp::EcnPolicy::passive);
}

TEST_CASE("sysctl counts retries") {
  CHECK(set("tcp_syn_retries", "3").config.tcp.syn_retries == 3);
  CHECK(set("tcp_synack_retries", "4").config.tcp.syn_ack_retries == 4);
  CHECK(set("tcp_retries1", "5").config.tcp.r1 == 5);
  CHECK(set("tcp_retries2", "6").config.tcp.r2 == 6);
}

TEST_CASE("sysctl sets times in the kernel's units") {
  CHECK(set("tcp_fin_timeout", "30").config.tcp.fin_wait_2 == 30s);
  CHECK(set("tcp_keepalive_time", "10").socket.keep_alive.idle == 10s);
  CHECK(set("tcp_keepalive_intvl", "2").socket.keep_alive.interval == 2s);
  CHECK(set("tcp_keepalive_probes", "3").socket.keep_alive.probes == 3);
  CHECK(set("tcp_invalid_ratelimit", "250").config.tcp.challenge_ack_interval == 250ms);
  CHECK(set("tcp_rto_min_us", "5000").config.tcp.rto_variance_floor == 5ms);
  CHECK(set("tcp_rto_max_ms", "60000").config.tcp.rto_ceiling == 60s);
}

TEST_CASE("sysctl sets buffers: the first size is fixed unless it is ours, the last is the largest") {
  CHECK(set("tcp_rmem", "'4096 5000 100000'").socket.receive_buffer == 5000);
  CHECK(set("tcp_rmem", "\"4096\t5000\t100000\"").socket.receive_buffer_maximum == 100000);
  CHECK(set("tcp_wmem", "'4096 1 5000'").socket.send_buffer == 2048);
  CHECK(set("tcp_wmem", "'1,5000,4000'").socket.send_buffer_maximum == 5000);
  CHECK(set("tcp_notsent_lowat", "9000").socket.unsent_low_water == 9000);
  CHECK(set("tcp_notsent_lowat", "4294967295").socket.unsent_low_water == 0);
}

TEST_CASE("sysctl chooses congestion control, path MTU probing, cookies, pacing and the rest") {
  CHECK(set("tcp_congestion_control", "reno").config.tcp.congestion == tcp::CongestionControl::reno);
  CHECK(set("tcp_congestion_control", "bbr").config.tcp.congestion == tcp::CongestionControl::bbr);
  CHECK(set("tcp_mtu_probing", "1").socket.path_mtu_probing == tcp::PathMtuProbing::on_black_hole);
  CHECK(set("tcp_mtu_probing", "2").socket.path_mtu_probing == tcp::PathMtuProbing::always);
  CHECK(set("tcp_syncookies", "2").config.tcp.syn_cookies == tcp::SynCookieUse::always);
  CHECK(set("tcp_max_syn_backlog", "7").config.tcp.maximum_half_open == 7);
  CHECK_FALSE(set("tcp_fastopen", "2").fast_open_client);
  CHECK(set("tcp_fastopen", "2").fast_open_server);
  CHECK(set("tcp_fastopen", "1").fast_open_client);
  CHECK_FALSE(set("tcp_fastopen", "1").fast_open_server);
  CHECK(set("ip_default_ttl", "3").config.ip.hop_limit == 3);
  CHECK(set("tcp_pacing", "1").socket.pacing);
}

TEST_CASE("settings that we have in one way only take that value and no other") {
  set("tcp_dsack", "1");
  set("tcp_tw_reuse", "2");
  after("sysctl net.core.rmem_max=12345");
  refuse("sysctl net.ipv4.tcp_dsack=0", "net.ipv4.tcp_dsack can only be 1 here");
  refuse("sysctl net.ipv4.tcp_recovery=0", "can only be 1 3 here");
}

TEST_CASE("a setting that is unknown, or whose value is none, is named") {
  refuse("sysctl -q net.ipv4.tcp_what=1", "there is no setting net.ipv4.tcp_what here");
  refuse("sysctl -q net.ipv4.tcp_sack=2", "net.ipv4.tcp_sack is '2', which is not a number in its range");
  refuse("sysctl -q net.ipv4.tcp_sack=", "net.ipv4.tcp_sack is ''");
  refuse("sysctl -q net.ipv4.tcp_sack=x1", "is 'x1'");
  refuse("sysctl -q net.ipv4.tcp_sack=99999999999999999999", "not a number in its range");
  refuse("sysctl -q net.ipv4.tcp_rmem=5", "needs three sizes");
  refuse("sysctl -q net.ipv4.tcp_rmem='1 x 3'", "not a number in its range");
  refuse("sysctl -q net.ipv4.tcp_congestion_control=vegas", "there is no congestion control 'vegas'");
  refuse("sysctl net.ipv4.tcp_sack", "has no '='");
}

TEST_CASE("several settings in one command, several commands in one step, by dots or by paths") {
  const Settings both = after("sysctl -q net.ipv4.tcp_sack=0 net/ipv4/tcp_retries2=3");
  CHECK_FALSE(both.config.tcp.sack);
  CHECK(both.config.tcp.r2 == 3);
  const Settings lines = after("sysctl -q net.ipv4.tcp_sack=0 && /sbin/sysctl net.ipv4.tcp_retries2=3;\r\nsync\r\n");
  CHECK_FALSE(lines.config.tcp.sack);
  CHECK(lines.config.tcp.r2 == 3);
  CHECK_FALSE(after("../common/set_sysctls.py /proc/sys/net/ipv4/tcp_sack=0").config.tcp.sack);
  refuse("./set_sysctls.py /proc/sys/net/ipv4/tcp_what=0", "there is no setting net.ipv4.tcp_what");
}

TEST_CASE("commands that prepare or tidy up a kernel change nothing, and all others are named") {
  for (const char* one : {"", "sleep 1", "../common/defaults.sh", "ip tcp_metrics flush all", "tc qdisc add dev tun0",
                          "ethtool -K tun0 tso off", "echo 'a b' > /dev/null", "  ;; && "})
    after(one);
  refuse("ip route add 1.2.3.4", "the command 'ip' means nothing here");
  refuse("sysctl -q net.ipv4.tcp_sack=0; reboot now", "the command 'reboot' means nothing here");
}

TEST_CASE("ignore_shell skips what means nothing, and does the rest") {
  Settings settings;
  settings.ignore_shell = true;
  CHECK(apply_command("reboot; sysctl -q net.ipv4.tcp_what=1; sysctl -q net.ipv4.tcp_sack=0", settings) == "");
  CHECK_FALSE(settings.config.tcp.sack);
}

// --- options of the head -----------------------------------------------------------------------------------------

TEST_CASE("options of the head set versions, addresses, ports, the MTU and the tolerance") {
  CHECK(option("ip_version", "ipv6").version == IpVersion::v6);
  CHECK(option("ip_version", "ipv4-mapped-ipv6").version == IpVersion::mapped);
  CHECK(option("local_ip", "10.0.0.1").local == *IpAddress::parse("10.0.0.1"));
  CHECK(option("remote_ip", "fd00::1").remote == *IpAddress::parse("fd00::1"));
  CHECK(option("bind_port", "80").bind_port == 80);
  CHECK(option("connect_port", "81").connect_port == 81);
  CHECK(option("mtu", "1280").mtu == 1280);
  CHECK(option("tolerance_usecs", "1500").tolerance == 1500us);
  CHECK(option("tolerance_usecs", "0").tolerance == 0us);
  CHECK(option("strict", "").strict);
}

TEST_CASE("options that mean something to packetdrill alone are skipped") {
  for (const char* one : {"verbose", "so_filename", "gateway_ip", "netmask_ip", "speed", "wire_client"})
    option(one, "");
}

TEST_CASE("a wrong option of the head is told in a sentence") {
  refuse_option("ip_version", "5", "ip_version is ipv4, ipv6 or ipv4-mapped-ipv6");
  refuse_option("mtu", "100", "mtu is '100', which is not a number in its range");
  refuse_option("bind_port", "0", "not a number in its range");
  refuse_option("connect_port", "65536", "not a number in its range");
  refuse_option("tolerance_usecs", "-1", "not a number in its range");
  refuse_option("local_ip", "10.0.0", "local_ip is '10.0.0', which is no address");
  refuse_option("remote_ip", "", "which is no address");
  refuse_option("profile", "linux", "the profile is chosen on the command line");
  refuse_option("what", "1", "there is no option --what for scripts");
}

TEST_CASE("the profile of Linux has its constants") {
  const Settings ours = settings_of(Profile::sluice), linux_ = settings_of(Profile::linux_);
  CHECK(linux_.config.tcp.syn_retries == 6);
  CHECK(linux_.config.tcp.delayed_ack == 40ms);
  CHECK(linux_.config.tcp.syn_retries != ours.config.tcp.syn_retries);
  CHECK(linux_.socket.path_mtu_probing == tcp::PathMtuProbing::off);
}

// --- in scripts --------------------------------------------------------------------------------------------------

TEST_CASE("settings come before the first call or packet, or behind the last") {
  passes("`sysctl -q net.ipv4.tcp_sack=0`\n" + kOpen + "`sysctl -q net.ipv4.tcp_sack=1`\n");
  const Outcome late =
      ends(kOpen + "`sysctl -q net.ipv4.tcp_sack=0`\n+0 close(4) = 0\n", Verdict::error, "before the first call");
  CHECK(late.line == 8);
}

TEST_CASE("a command in a script that means nothing is an error at its line") {
  CHECK(ends("\n`reboot`\n" + kOpen, Verdict::error, "the command 'reboot' means nothing here").line == 2);
  Settings settings = settings_of(Profile::sluice);
  settings.ignore_shell = true;
  passes("`reboot`\n" + kOpen + "`reboot`\n+0 close(4) = 0\n", settings);
}

TEST_CASE("an option of the head is applied, and a wrong one is an error") {
  passes("--bind_port=81\n" + kOpen + "+0 close(4) = 0\n+0 > 81 > 40001 F. 1:1(0) ack 1\n");
  CHECK(ends("\n--mtu=x\n" + kOpen, Verdict::error, "mtu is 'x'").line == 2);
  CHECK(ends("--strict\n--what\n" + kOpen, Verdict::error, "there is no option --what").line == 2);
}

TEST_CASE("addresses have to be of the script's version of IP") {
  passes("--local_ip=10.0.0.1\n--remote_ip=10.0.0.2\n" + kOpen);
  passes("--ip_version=ipv6\n--local_ip=fd00::1\n--remote_ip=fd00::2\n" + kOpen);
  ends("--local_ip=fd00::1\n" + kOpen, Verdict::error, "is no address of the script's version of IP");
  ends("--ip_version=ipv6\n--remote_ip=10.0.0.1\n" + kOpen, Verdict::error, "is no address of the script's version");
}

TEST_CASE("a command with a time waits for it") {
  passes(kOpen + "+1 `sync`\n");
  CHECK(play(kOpen + "+1 `sync`\n").length == 1100ms);
}

}  // namespace sluice::lab::drill
