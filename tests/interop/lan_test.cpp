// sluice on a bridge of the kernel's, among hosts of the kernel's: found and finding, configured by dnsmasq.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/interop/lan.hpp"

namespace sluice::interop {
namespace {

using Json = nlohmann::json;

constexpr const char* kEcho = R"(
import socket, sys
def talk(host, text):
    with socket.create_connection((host, 7), timeout=20) as tcp:
        tcp.sendall(text)
        tcp.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: tcp.recv(65536), b""))
text = bytes(range(256)) * 4096
for host in sys.argv[1:]:
    assert talk(host, text) == text, host
print("same")
)";

}  // namespace

TEST_CASE("dnsmasq gives an address by DHCP and a prefix by advertisement, and the kernel reaches both") {
  LanLab lab;
  const auto servers = lab.dnsmasq();
  const auto server = lab.join({"--dhcp", "--http", "80", "--ws-echo", "/echo"});
  REQUIRE(server->wait_for(std::string(kAdded) + "10.88.0."));
  REQUIRE(server->wait_for(std::string(kAdded) + "fd88:"));
  const std::string four = "10.88.0." + behind(server->out(), std::string(kAdded) + "10.88.0.");
  const std::string six = "fd88:" + behind(server->out(), std::string(kAdded) + "fd88:");
  CHECK(lab.pings(four));
  CHECK(lab.pings(six));
  CHECK(lab.python(kEcho, {four, six}).out == "same\n");
  const Json seen = lab.addresses();
  CHECK(seen.at("leases").at(0).at("server") == "10.88.0.1");
  CHECK(seen.at("dns_servers").at(0) == "10.88.0.1");
  CHECK(seen.dump().find(R"("address":"10.88.0.1")") != std::string::npos);  // a neighbour
  CHECK(Lab::read(lab.file("leases")).find(four) != std::string::npos);
}

TEST_CASE("given addresses are probed, used and announced; both families carry a transfer") {
  LanLab lab;
  const auto server = lab.join({"--local", "10.88.0.7/24", "--local6", "fd88::7/64"});
  REQUIRE(server->wait_for(std::string(kAdded) + "10.88.0.7"));
  REQUIRE(server->wait_for(std::string(kAdded) + "fd88::7"));
  CHECK(lab.pings("10.88.0.7"));
  CHECK(lab.python(kEcho, {"10.88.0.7", "fd88::7"}).out == "same\n");
}

TEST_CASE("addresses that the kernel has are duplicates, and not used") {
  LanLab lab;
  const auto server = lab.join({"--local", "10.88.0.1/24", "--local6", "fd88::1/64"});
  CHECK(server->wait_for("address    duplicate   10.88.0.1"));
  CHECK(server->wait_for("address    duplicate   fd88::1"));
  CHECK(server->out().find(std::string(kAdded) + "10.88.0.1") == std::string::npos);
  CHECK(server->out().find(std::string(kAdded) + "fd88::1\n") == std::string::npos);
}

TEST_CASE("ping asks across the bridge, and says who is not there [R4861-7.2.2-3]") {
  LanLab lab;
  const auto ping = [&](const std::string& host) {
    return lab.sluice({"ping", "--tap", "--bridge", "br0", "--local", "10.88.0.8/24", "--local6", "fd88::8/64",
                       "--no-probe", "-c", "1", "-W", "10s", host});
  };
  for (const char* const there : {"10.88.0.1", "fd88::1"}) {
    const Finished answered = ping(there);
    CHECK_MESSAGE(answered.status == 0, answered.err);
    CHECK(answered.out.find(std::string("64 bytes from ") + there + ": icmp_seq=1 ttl=64 time=") != std::string::npos);
  }
  const Finished nobody = ping("10.88.0.77");
  CHECK(nobody.status == 1);
  CHECK(nobody.out.find("From 10.88.0.8 icmp_seq=1 destination host unreachable") != std::string::npos);
  const Finished nobody6 = ping("fd88::77");
  CHECK(nobody6.status == 1);
  CHECK(nobody6.out.find("From fd88::8 icmp_seq=1 destination address unreachable") != std::string::npos);
}

TEST_CASE("a neighbour whose MAC address changes in mid-transfer is found again") {
  LanLab lab;
  const auto server = lab.join({"--local", "10.88.0.7/24", "--no-probe", "--local6", "fd88::7/64"});
  const Finished done = lab.python(R"(
import socket, subprocess
with socket.create_connection(("10.88.0.7", 7), timeout=20) as tcp:
    for mac in ("02:00:00:00:00:41", "02:00:00:00:00:42"):
        tcp.sendall(b"before")
        assert tcp.recv(100) == b"before"
        subprocess.run(["ip", "link", "set", "br0", "address", mac], check=True)
        tcp.sendall(b"after")
        assert tcp.recv(100) == b"after"
print("found")
)");
  CHECK_MESSAGE(done.out == "found\n", done.err);
}

TEST_CASE("a link that goes down and comes back costs time, not the connection") {
  LanLab lab;
  const auto server = lab.join({"--local", "10.88.0.7/24", "--no-probe"});
  const Finished done = lab.python(R"(
import socket, subprocess, sys, time
with socket.create_connection(("10.88.0.7", 7), timeout=20) as tcp:
    for state in ("down", "up"):
        subprocess.run(["ip", "link", "set", sys.argv[1], state], check=True)
    tcp.sendall(b"still there?")
    assert tcp.recv(100) == b"still there?"
print("there")
)",
                                   {"sluice0"});
  CHECK_MESSAGE(done.out == "there\n", done.err);
}

TEST_CASE("frames of 9000 bytes pass where the link has room for them") {
  LanLab lab;
  const auto server = lab.join({"--local", "10.88.0.7/24", "--no-probe", "--mtu", "9000"});
  lab.ip({"link", "set", "br0", "mtu", "9000"});
  const Finished large = lab.run({"ping", "-c", "1", "-W", "5", "-M", "do", "-s", "8900", "10.88.0.7"});
  CHECK_MESSAGE(large.status == 0, large.out);
  CHECK(lab.python(kEcho, {"10.88.0.7"}).out == "same\n");
}

// This kernel may lack 802.1Q itself: the far end of the trunk is another sluice, and tcpdump looks at the frames.
TEST_CASE("on a trunk two hosts of one VLAN talk, and a host without a tag does not hear them") {
  LanLab lab;
  const auto server = lab.join(
      {"--vlan", "42", "--local", "10.88.0.7/24", "--no-probe", "--http", "80", "--capture", lab.file("trunk.pcapng")});
  const Words get{"get", "--tap", "--bridge", "br0", "--local", "10.88.0.8/24", "--no-probe"};
  Words tagged = get;
  tagged.insert(tagged.end(), {"--vlan", "42", "http://10.88.0.7/nothing"});
  CHECK(lab.sluice(tagged).out.find("404") != std::string::npos);
  CHECK_FALSE(lab.run({"ping", "-c", "1", "-W", "1", "10.88.0.7"}).status == 0);
  server->signal(15);
  server->wait();
  const Finished seen =
      lab.run({"tcpdump", "-e", "-n", "-r", lab.file("trunk.pcapng"), "-c", "1", "vlan", "42", "and", "arp"});
  CHECK(seen.out.find("who-has 10.88.0.7") != std::string::npos);
}

TEST_CASE("without a bridge the kernel is the only neighbour, and a capture is of Ethernet") {
  Lab lab;
  const auto server = lab.serve({"--tap", "--no-probe", "--tcp-echo", "7", "--capture", lab.file("lan.pcapng")});
  CHECK(lab.python(kEcho, {"10.77.0.2", "fd77::2"}).out == "same\n");
  server->signal(15);
  server->wait();
  const Finished seen = lab.run({"tcpdump", "-e", "-n", "-r", lab.file("lan.pcapng"), "-c", "4", "arp"});
  CHECK(seen.out.find("who-has 10.77.0.2") != std::string::npos);
  CHECK(lab.sluice({"explain", lab.file("lan.pcapng")}).out.find("10.77.0.2") != std::string::npos);
}

}  // namespace sluice::interop
