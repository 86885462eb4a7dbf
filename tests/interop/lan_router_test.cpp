// Routers that radvd advertises: prefixes, name servers, and the end of a router.
#include <doctest/doctest.h>

#include <csignal>

#include "tests/interop/lan.hpp"

namespace sluice::interop {
namespace {

using Json = nlohmann::json;

struct RouterLab : LanLab {
  /// Only a kernel that forwards says in its neighbour advertisements that it is a router [R4861-7.2.5-4].
  RouterLab() { REQUIRE(run({"sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"}).status == 0); }
  /// `options`: lines of radvd's interface.
  std::unique_ptr<Program> radvd(const std::string& options) {
    file("radvd.conf",
         "interface br0 { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; " + options + " };");
    return start({"radvd", "--nodaemon", "--config", file("radvd.conf"), "--logmethod", "stderr", "--pidfile",
                  file("radvd.pid")});
  }
  /// The gateways of the IPv6 default routes.
  std::vector<std::string> gateways() {
    std::vector<std::string> found;
    const Json seen = addresses();
    for (const Json& route : seen.at("routes"))
      if (route.at("destination") == "::/0") found.push_back(route.at("gateway"));
    return found;
  }
};

const std::string kPrefix = "prefix fd88:1::/64 { AdvOnLink on; AdvAutonomous on; };";

}  // namespace

TEST_CASE("radvd gives a prefix, a router and a name server; when it goes, so does the route (RFC 4861 6.3.4)") {
  RouterLab lab;
  lab.ip({"addr", "add", "fd88:1::1/64", "dev", "br0", "nodad"});
  const auto router = lab.radvd(kPrefix + "RDNSS fd88::53 fd88::54 { AdvRDNSSLifetime 60; };");
  const auto server = lab.join({});
  REQUIRE(server->wait_for(std::string(kAdded) + "fd88:1:"));
  const std::string six = "fd88:1:" + behind(server->out(), std::string(kAdded) + "fd88:1:");
  REQUIRE(server->wait_for("servers    dns         fd88::53  fd88::54"));
  REQUIRE(lab.gateways().size() == 1);
  CHECK(lab.gateways()[0].starts_with("fe80::"));
  CHECK(lab.pings(six));
  router->signal(SIGTERM);  // its last advertisement has a lifetime of 0
  CHECK(router->wait().status == 0);
  CHECK(eventually([&] { return lab.gateways().empty(); }));
  CHECK(lab.addresses().dump().find(six) != std::string::npos);
  CHECK(lab.pings(six));
}

TEST_CASE("a router with a lifetime of 0 is no default router, but its prefix counts") {
  RouterLab lab;
  const auto router = lab.radvd("AdvDefaultLifetime 0; " + kPrefix);
  const auto server = lab.join({});
  REQUIRE(server->wait_for(std::string(kAdded) + "fd88:1:"));
  CHECK(lab.gateways().empty());
}

TEST_CASE("radvd's prefix and dnsmasq's lease serve one host, and the link's MTU is the router's") {
  RouterLab lab;
  const auto servers = lab.dnsmasq();
  const auto router = lab.radvd("AdvLinkMTU 1400; " + kPrefix);
  const auto server = lab.join({"--dhcp"});
  REQUIRE(server->wait_for(std::string(kAdded) + "10.88.0."));
  REQUIRE(server->wait_for(std::string(kAdded) + "fd88:1:"));
  const std::string six = "fd88:1:" + behind(server->out(), std::string(kAdded) + "fd88:1:");
  lab.ip({"addr", "add", "fd88:1::1/64", "dev", "br0", "nodad"});
  CHECK(lab.run({"ping", "-c", "1", "-W", "5", "-s", "1300", six}).status == 0);
  const Finished seen = lab.python(R"(
import socket, sys
with socket.create_connection((sys.argv[1], 7), timeout=20) as tcp:
    print(tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))
)",
                                   {six});
  CHECK(std::stoi(seen.out) <= 1400 - 60);
}

}  // namespace sluice::interop
