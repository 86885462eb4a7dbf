// Who a sluice is on a LAN when it comes back.
#include <doctest/doctest.h>

#include <csignal>

#include "tests/interop/lan.hpp"

namespace sluice::interop {
namespace {

struct Identity {
  std::string mac;
  std::string address;
};

/// What a host is called and gets by DHCP. Then it ends.
Identity identity(LanLab& lab, const Words& flags) {
  Words words{"--dhcp"};
  words.insert(words.end(), flags.begin(), flags.end());
  const auto server = lab.join(words);
  REQUIRE(server->wait_for(std::string(kAdded) + "10.88.0."));
  const Identity found{behind(server->out(), "MAC "), behind(server->out(), std::string(kAdded) + "10.88.0.")};
  server->signal(SIGTERM);
  CHECK(server->wait().status == 0);
  return found;
}

}  // namespace

TEST_CASE("a host that starts again has the MAC address that it had, and so its lease") {
  LanLab lab;
  const auto servers = lab.dnsmasq();
  const Identity first = identity(lab, {}), other = identity(lab, {"--dev", "other0"}), again = identity(lab, {});
  CHECK(first.mac.size() == 17);
  CHECK(again.mac == first.mac);
  CHECK(again.address == first.address);
  CHECK(other.mac != first.mac);
  CHECK(other.address != first.address);
  LanLab elsewhere;
  const auto there = elsewhere.dnsmasq();
  CHECK(identity(elsewhere, {}).mac != first.mac);
}

TEST_CASE("with --seed the MAC address follows from it, whatever the device is called") {
  LanLab lab;
  const auto servers = lab.dnsmasq();
  const Identity first = identity(lab, {"--seed", "a"}), other = identity(lab, {"--seed", "a", "--dev", "other0"});
  CHECK(first.mac == other.mac);
  CHECK(first.mac != identity(lab, {"--seed", "b"}).mac);
}

}  // namespace sluice::interop
