// Labs of a LAN: a bridge of the kernel's on which sluice is a port.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "tests/interop/command.hpp"

namespace sluice::interop {

/// False when 20 seconds pass first.
inline bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + Seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return true;
}

/// A bridge on which the kernel is 10.88.0.1 and fd88::1.
struct LanLab : Lab {
  LanLab() {
    ip({"link", "add", "br0", "type", "bridge"});
    ip({"addr", "add", "10.88.0.1/24", "dev", "br0"});
    ip({"addr", "add", "fd88::1/64", "dev", "br0", "nodad"});
    ip({"link", "set", "br0", "up"});
  }
  void ip(Words words) {
    words.insert(words.begin(), "ip");
    const Finished done = run(words);
    REQUIRE_MESSAGE(done.status == 0, done.err);
  }
  /// Addresses by DHCP and by router advertisements, names by DNS.
  std::unique_ptr<Program> dnsmasq() {
    return start({"dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--user=root", "--pid-file", "--interface=br0",
                  "--bind-interfaces", "--no-resolv", "--no-hosts", "--dhcp-leasefile=" + file("leases"),
                  "--dhcp-range=10.88.0.50,10.88.0.99,1h", "--dhcp-authoritative", "--enable-ra",
                  "--dhcp-range=fd88::,ra-stateless", "--host-record=page.test,10.88.0.1,fd88::1",
                  "--log-facility=" + file("dnsmasq.log")});
  }
  /// `sluice serve` as a port of the bridge.
  std::unique_ptr<Program> join(Words flags) {
    const Words always{"--tap", "--bridge", "br0", "--tcp-echo", "7"};
    flags.insert(flags.begin(), always.begin(), always.end());
    return serve(flags);
  }
  nlohmann::json addresses() { return nlohmann::json::parse(sluice({"ip", name(), "--json"}).out); }
  /// Until dnsmasq has logged this so often; false when 20 seconds pass first.
  bool logged(const std::string& text, int times = 1) {
    const char* const code = R"(
import sys, time
end = time.monotonic() + 20
while open(sys.argv[1]).read().count(sys.argv[2]) < int(sys.argv[3]):
    if time.monotonic() > end: sys.exit(1)
    time.sleep(0.05)
)";
    return python(code, {file("dnsmasq.log"), text, std::to_string(times)}).status == 0;
  }
  bool pings(const std::string& address) { return run({"ping", "-c", "1", "-W", "5", address}).status == 0; }
};

/// What stands behind `before` up to the end of its line.
inline std::string behind(const std::string& text, const std::string& before) {
  const std::size_t at = text.find(before);
  if (at == std::string::npos) return {};
  const std::size_t start = at + before.size();
  return text.substr(start, text.find('\n', start) - start);
}

/// What `sluice serve` says of an address that it may use from now on, before the address.
inline constexpr const char* kAdded = "address    added       ";

}  // namespace sluice::interop
