// A LAN whose link comes and goes under a running sluice.
#include <doctest/doctest.h>

#include "tests/interop/lan.hpp"

namespace sluice::interop {

TEST_CASE("a transfer survives three seconds without a link") {
  LanLab lab;
  const auto server = lab.join({"--local", "10.88.0.7/24", "--no-probe"});
  const Finished done = lab.python(R"(
import socket, subprocess, threading, time
size = 64 << 20
with socket.create_connection(("10.88.0.7", 7), timeout=30) as tcp:
    def send():
        tcp.sendall(bytes(size))
    sender = threading.Thread(target=send)
    sender.start()
    count, cut = 0, False
    while count < size:
        count += len(tcp.recv(65536))
        if count > size // 8 and not cut:
            cut = True
            subprocess.run(["ip", "link", "set", "sluice0", "down"], check=True)
            time.sleep(3)
            subprocess.run(["ip", "link", "set", "sluice0", "up"], check=True)
    sender.join()
    print("all", cut)
)");
  CHECK_MESSAGE(done.out == "all True\n", done.err);
}

TEST_CASE("after the link was down the DHCP lease is confirmed, and its connections go on (RFC 2131 4.3.2)") {
  LanLab lab;
  const auto servers = lab.dnsmasq();
  const auto server = lab.join({"--dhcp"});
  REQUIRE(server->wait_for(std::string(kAdded) + "10.88.0."));
  const std::string four = "10.88.0." + behind(server->out(), std::string(kAdded) + "10.88.0.");
  REQUIRE(lab.logged("DHCPACK(br0) " + four));
  const auto talk = lab.start({"/usr/bin/python3", "-uc", R"(
import socket, sys, time
with socket.create_connection((sys.argv[1], 7), timeout=30) as tcp:
    print("connected")
    end = time.monotonic() + 25
    while open(sys.argv[2]).read().count("DHCPACK(br0) " + sys.argv[1]) < 2 and time.monotonic() < end: time.sleep(0.05)
    tcp.sendall(b"still there?")
    print(tcp.recv(100).decode())
)",
                               four, lab.file("dnsmasq.log")});
  REQUIRE(talk->wait_for("connected"));
  lab.ip({"link", "set", "sluice0", "down"});
  lab.ip({"link", "set", "sluice0", "up"});
  CHECK(lab.logged("DHCPACK(br0) " + four, 2));
  CHECK(talk->wait_for("still there?"));
  CHECK(Lab::read(lab.file("dnsmasq.log")).find("DHCPNAK") == std::string::npos);
}

TEST_CASE("a port that moves to another network gives its old lease up and gets a new one") {
  LanLab lab;
  const auto servers = lab.dnsmasq();
  const auto server = lab.join({"--dhcp"});
  REQUIRE(server->wait_for(std::string(kAdded) + "10.88.0."));
  lab.ip({"link", "add", "br1", "type", "bridge"});
  lab.ip({"addr", "add", "10.89.0.1/24", "dev", "br1"});
  lab.ip({"link", "set", "br1", "up"});
  const auto elsewhere = lab.start({"dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--user=root", "--pid-file",
                                    "--interface=br1", "--except-interface=lo", "--bind-interfaces", "--port=0",
                                    "--dhcp-leasefile=" + lab.file("others"), "--dhcp-range=10.89.0.50,10.89.0.99,1h",
                                    "--dhcp-authoritative", "--log-facility=" + lab.file("elsewhere.log")});
  lab.ip({"link", "set", "sluice0", "master", "br1"});
  CHECK(server->wait_for("address    removed     10.88.0."));
  CHECK(server->wait_for(std::string(kAdded) + "10.89.0.", Seconds(30)));
}

TEST_CASE("--mark finds the IP packet in the frame, and TCP hears of it") {
  LanLab lab;
  lab.ip({"route", "add", "10.88.0.7/32", "dev", "br0", "features", "ecn"});
  const auto server = lab.join({"--local", "10.88.0.7/24", "--no-probe", "--mark", "100%"});
  const Finished done = lab.python(R"(
import socket
with socket.create_connection(("10.88.0.7", 7), timeout=20) as tcp:
    for _ in range(20):
        tcp.sendall(b"x" * 1000)
        tcp.recv(1000)
    print("echoed")
)");
  CHECK_MESSAGE(done.out == "echoed\n", done.err);
  const auto counters = nlohmann::json::parse(lab.sluice({"stats", lab.name(), "--format", "json"}).out).at("counters");
  CHECK(counters.at("impairment_in").at("marked") > 0);
  CHECK(counters.at("impairment_out").at("marked") > 0);
}

}  // namespace sluice::interop
