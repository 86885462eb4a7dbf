// The words of RFC 792 for IPv4, those of RFC 4443 for IPv6.
#include "tools/echo_text.hpp"

#include "stack/wire/icmp.hpp"

namespace sluice::tools {

std::string_view describe_error(const ip::EchoAnswer& answer) noexcept {
  const bool v4 = answer.from.is_v4();
  switch (*answer.error) {
    case ip::IcmpKind::network_unreachable: return v4 ? "destination network unreachable" : "no route to destination";
    case ip::IcmpKind::host_unreachable: return v4 ? "destination host unreachable" : "destination address unreachable";
    case ip::IcmpKind::protocol_unreachable: return "destination protocol unreachable";
    case ip::IcmpKind::port_unreachable: return "destination port unreachable";
    case ip::IcmpKind::source_route_failed: return "source route failed";
    case ip::IcmpKind::administratively_prohibited: return "administratively prohibited";
    case ip::IcmpKind::packet_too_big: return "packet too big";
    case ip::IcmpKind::time_exceeded:
      return answer.code == wire::icmp::kReassemblyTimeExceeded ? "fragment reassembly time exceeded"
                                                                : "time to live exceeded";
    case ip::IcmpKind::parameter_problem: return "parameter problem";
    case ip::IcmpKind::unknown: break;
  }
  return "ICMP error";
}

}  // namespace sluice::tools
