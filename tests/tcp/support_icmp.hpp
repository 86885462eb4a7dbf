// ICMP errors about our segments, as a script writes them in either family.
#pragma once

#include <string>

#include "tests/support/script.hpp"

namespace sluice::test {

struct Icmp : Script {
  bool v4() const { return family == Family::ipv4; }
  std::string host_unreachable(std::string_view quote) const {
    return "icmp unreachable " + std::string(v4() ? "host_unreachable [" : "addr_unreachable [") + std::string(quote) +
           "]";
  }
  std::string port_unreachable(std::string_view quote) const {
    return "icmp unreachable port_unreachable [" + std::string(quote) + "]";
  }
  std::string too_big(int mtu, std::string_view quote) const {
    return std::string(v4() ? "icmp unreachable frag_needed mtu " : "icmp packet_too_big mtu ") + std::to_string(mtu) +
           " [" + std::string(quote) + "]";
  }
  int headers() const { return v4() ? 40 : 60; }
  /// One segment of 1000 bytes is out.
  void fly() {
    established();
    write(1000);
    out("P. 1:1001(1000) ack 1");
  }
};

struct Narrow : Icmp {
  void fly_large() {
    established({.mss = 1460, .rtt = 100ms});
    write(2920);
    out(". 1:1461(1460) ack 1");
    out("P. 1461:2921(1460) ack 1");
  }
};

}  // namespace sluice::test
