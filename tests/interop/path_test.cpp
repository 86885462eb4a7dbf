// traceroute and arping among routers and hosts of the kernel's, each in a namespace of its own.
#include <doctest/doctest.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/interop/lan.hpp"

namespace sluice::interop {
namespace {

using Json = nlohmann::json;

/// sluice (10.77.1.2) - the lab's namespace as router (10.77.1.1) - another one (10.99.1.2) - a host (10.99.2.2); and
/// the same with fd77:0:0:1:: and fd99:.
struct ChainLab : Lab {
  ChainLab() {
    here({"sh", "-c", kForward});
    here({"ip", "link", "add", "west", "type", "veth", "peer", "name", "east", "netns", router.process()});
    beyond({"ip", "link", "add", "far", "type", "veth", "peer", "name", "end", "netns", host.process()});
    beyond({"sh", "-c", kForward});
    last({"sh", "-c", kForward});
    here({"sh", "-c", "ip addr add 10.99.1.1/24 dev west; ip addr add fd99:1::1/64 dev west nodad"});
    here({"ip", "link", "set", "west", "up"});
    beyond({"sh", "-c", "ip addr add 10.99.1.2/24 dev east; ip addr add fd99:1::2/64 dev east nodad"});
    beyond({"sh", "-c", "ip addr add 10.99.2.1/24 dev far; ip addr add fd99:2::1/64 dev far nodad"});
    beyond({"sh", "-c", "ip link set east up; ip link set far up"});
    last({"sh", "-c", "ip addr add 10.99.2.2/24 dev end; ip addr add fd99:2::2/64 dev end nodad"});
    last({"ip", "link", "set", "end", "up"});
    here({"sh", "-c", "ip route add 10.99.2.0/24 via 10.99.1.2; ip -6 route add fd99:2::/64 via fd99:1::2"});
    beyond({"sh", "-c", "ip route add default via 10.99.1.1; ip -6 route add default via fd99:1::1"});
    last({"sh", "-c", "ip route add default via 10.99.2.1; ip -6 route add default via fd99:2::1"});
  }
  void here(const Words& command) {
    const Finished done = run(command);
    REQUIRE_MESSAGE(done.status == 0, done.err);
  }
  void beyond(const Words& command) { here(router.inside(command)); }
  void last(const Words& command) { here(host.inside(command)); }
  Finished trace(Words flags) {
    flags.insert(flags.begin(), {"traceroute", "-w", "5s"});
    return sluice(flags);
  }

  /// With ICMP errors as fast as they are asked for.
  static constexpr const char* kForward =
      "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding;"
      "echo 0 > /proc/sys/net/ipv4/icmp_ratelimit; echo 0 > /proc/sys/net/ipv6/icmp/ratelimit";
  OtherNamespace router{*this};
  OtherNamespace host{*this};
};

std::vector<Json> lines_of(const std::string& text) {
  std::vector<Json> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(Json::parse(text.substr(at, end - at)));
    at = end + 1;
  }
  return lines;
}

/// The bridge has a MAC address of ours, and a carrier from the start, by a port of its own: a bridge that gets its
/// first one drops what it would say in the same moment.
struct BridgeLab : LanLab {
  BridgeLab() {
    const Finished made = run({"sh", "-c", kCarrier, "sh", kMac});
    REQUIRE_MESSAGE(made.status == 0, made.err);
  }
  Finished arping(Words flags) {
    flags.insert(flags.begin(), {"arping", "--tap", "--bridge", "br0"});
    return sluice(flags);
  }
  static constexpr const char* kMac = "02:00:00:00:00:41";
  static constexpr const char* kCarrier =
      "set -e; ip link set br0 address $1; ip link add port0 type veth peer name port1;"
      "ip link set port1 arp off up; ip link set port0 master br0 up;"
      "for turn in $(seq 200); do ip link show br0 | grep -q 'state UP' && exit 0; sleep 0.05; done; exit 1";
};

}  // namespace

TEST_CASE("traceroute names each router of the kernel's in turn, by UDP, ICMP and TCP, over IPv4 and IPv6 [R792-2]") {
  ChainLab lab;
  const Words hops4{"10.77.1.1", "10.99.1.2", "10.99.2.2"};
  const Words hops6{"fd77:0:0:1::1", "fd99:1::2", "fd99:2::2"};
  for (const Words& hops : {hops4, hops6})
    for (const char* kind : {"", "--icmp", "--tcp"}) {
      CAPTURE(kind);
      Words flags{"--json", hops.back()};
      if (*kind != 0) flags.emplace_back(kind);
      const Finished done = lab.trace(flags);
      CAPTURE(done.out);
      CHECK_MESSAGE(done.status == 0, done.err);
      const std::vector<Json> lines = lines_of(done.out);
      REQUIRE(lines.size() == 4);
      for (std::size_t i = 0; i < 3; ++i) {
        REQUIRE(lines[i].at("answers").size() == 3);
        for (const Json& answer : lines[i].at("answers")) CHECK(answer.at("from") == hops[i]);
      }
      CHECK(lines[3].at("reached") == true);
      CHECK(lines[3].at("hops") == 3);
    }
}

TEST_CASE("traceroute by TCP ends at a listener, too, which never sees a connection") {
  ChainLab lab;
  const auto listener = lab.start(lab.host.inside({"python3", "-u", "-c", R"(
import socket
with socket.create_server(("10.99.2.2", 443)) as server:
    print("listening")
    server.settimeout(30)
    try:
        with server.accept()[0] as peer:
            print("said", peer.recv(100))
    except OSError as error:
        print(error)
)"}));
  REQUIRE(listener->wait_for("listening"));
  const Finished done = lab.trace({"--tcp", "-p", "443", "--json", "10.99.2.2"});
  CHECK_MESSAGE(done.status == 0, done.err);
  CHECK(lines_of(done.out).back().at("hops") == 3);
  listener->signal(SIGTERM);
  CHECK(listener->wait().out == "listening\n");
}

TEST_CASE("traceroute's lines are those of traceroute(8)") {
  ChainLab lab;
  const Finished done = lab.trace({"-q", "1", "10.99.2.2"});
  CHECK(done.status == 0);
  CHECK(done.out.find("traceroute to 10.99.2.2 (10.99.2.2), 30 hops max, 60 byte packets\n 1  10.77.1.1  ") == 0);
  CHECK(done.out.find("\n 3  10.99.2.2  ") != std::string::npos);
  const Finished later = lab.trace({"-q", "1", "-f", "2", "-m", "2", "10.99.2.2"});
  CHECK(later.status == 1);
  CHECK(later.out.find("\n 2  10.99.1.2  ") != std::string::npos);
  CHECK(later.out.find("\n 1  ") == std::string::npos);
}

TEST_CASE("traceroute ends where a router knows no way, and says so") {
  ChainLab lab;
  lab.here({"ip", "route", "add", "prohibit", "10.99.3.0/24"});
  lab.here({"ip", "route", "add", "unreachable", "10.99.4.0/24"});
  const Finished prohibited = lab.trace({"-q", "1", "-f", "2", "10.99.3.3"});
  CHECK(prohibited.status == 1);
  CHECK(prohibited.out.find(" ms !X\n") != std::string::npos);
  const Finished nobody = lab.trace({"-q", "1", "-f", "2", "10.99.4.4"});
  CHECK(nobody.status == 1);
  CHECK(nobody.out.find(" ms !H\n") != std::string::npos);
}

TEST_CASE("traceroute shows a star for a probe that nobody answers") {
  ChainLab lab;
  lab.here({"ip", "route", "add", "blackhole", "10.99.3.0/24"});
  const Finished silent = lab.sluice({"traceroute", "-q", "2", "-m", "2", "-w", "100ms", "10.99.3.3"});
  CHECK(silent.status == 1);
  CHECK(silent.out.find("\n 2  * *\n") != std::string::npos);
}

TEST_CASE("wrong values of traceroute and arping are one sentence, and exit 2") {
  Lab lab;
  CHECK(lab.sluice({"traceroute", "-q", "9", "10.77.1.1"}).status == 2);
  CHECK(lab.sluice({"traceroute", "-f", "9", "-m", "3", "10.77.1.1"}).status == 2);
  CHECK(lab.sluice({"traceroute", "-p", "65535", "10.77.1.1"}).status == 2);
  CHECK(lab.sluice({"traceroute", "--tcp", "--icmp", "10.77.1.1"}).status == 2);
  CHECK(lab.sluice({"traceroute", "--icmp", "-p", "80", "10.77.1.1"}).status == 2);
  CHECK(lab.sluice({"arping", "10.77.1.1"}).err ==
        "sluice arping: --tap: is needed, for there is ARP only on an Ethernet (see sluice arping --help)\n");
  CHECK(lab.sluice({"arping", "--tap", "fd77::1"}).status == 2);
}

TEST_CASE("arping finds the kernel's MAC address across a bridge, and nobody where nobody is [R826-4]") {
  BridgeLab lab;
  const Words ours{"--local", "10.88.0.8/24", "--no-probe"};
  Words asked = ours;
  asked.insert(asked.end(), {"-c", "2", "-i", "20ms", "-w", "5s", "10.88.0.1"});
  const Finished there = lab.arping(asked);
  CHECK_MESSAGE(there.status == 0, there.err);
  CHECK(there.out.find(std::string("Reply from 10.88.0.1 [") + BridgeLab::kMac + "]  ") != std::string::npos);
  CHECK(there.out.find("Sent 2 requests, received 2 answers\n") != std::string::npos);
  Words json = ours;
  json.insert(json.end(), {"-c", "1", "--json", "-w", "5s", "10.88.0.1"});
  CHECK(lines_of(lab.arping(json).out).at(0).at("mac") == BridgeLab::kMac);
  Words nobody = ours;
  nobody.insert(nobody.end(), {"-c", "1", "-w", "200ms", "10.88.0.77"});
  CHECK(lab.arping(nobody).status == 1);
}

TEST_CASE("arping -D tells a taken address from a free one, and speaks for nobody [R5227-2.1.1-1] [R5227-2.1.1-3]") {
  BridgeLab lab;
  const std::string capture = lab.file("probes.pcapng");
  const Finished taken = lab.arping({"-D", "-c", "1", "-w", "5s", "--capture", capture, "10.88.0.1"});
  CHECK_MESSAGE(taken.status == 1, taken.err);
  CHECK(taken.out.find(BridgeLab::kMac) != std::string::npos);
  const Finished seen = lab.run({"tcpdump", "-n", "-r", capture, "arp"});
  CHECK(seen.out.find("Request who-has 10.88.0.1 tell 0.0.0.0") != std::string::npos);
  CHECK(lab.arping({"-D", "-c", "2", "-i", "20ms", "-w", "200ms", "10.88.0.77"}).status == 0);
}

}  // namespace sluice::interop
