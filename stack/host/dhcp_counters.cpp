// The names of the DHCP client's counters.
#include "stack/host/dhcp_counters.hpp"

namespace sluice::host {

std::string_view name(DhcpCounter counter) noexcept {
  switch (counter) {
    case DhcpCounter::discovers_out: return "discovers_out";
    case DhcpCounter::requests_out: return "requests_out";
    case DhcpCounter::declines_out: return "declines_out";
    case DhcpCounter::releases_out: return "releases_out";
    case DhcpCounter::offers_in: return "offers_in";
    case DhcpCounter::acks_in: return "acks_in";
    case DhcpCounter::naks_in: return "naks_in";
    case DhcpCounter::leases: return "leases";
    case DhcpCounter::renewals: return "renewals";
    case DhcpCounter::expiries: return "expiries";
    case DhcpCounter::conflicts: return "conflicts";
    case DhcpCounter::drop_truncated: return "drop_truncated";
    case DhcpCounter::drop_too_long: return "drop_too_long";
    case DhcpCounter::drop_wrong_operation: return "drop_wrong_operation";
    case DhcpCounter::drop_wrong_hardware: return "drop_wrong_hardware";
    case DhcpCounter::drop_no_cookie: return "drop_no_cookie";
    case DhcpCounter::drop_bad_option: return "drop_bad_option";
    case DhcpCounter::drop_bad_overload: return "drop_bad_overload";
    case DhcpCounter::drop_no_type: return "drop_no_type";
    case DhcpCounter::drop_not_reply: return "drop_not_reply";
    case DhcpCounter::drop_foreign_client: return "drop_foreign_client";
    case DhcpCounter::drop_foreign_transaction: return "drop_foreign_transaction";
    case DhcpCounter::drop_foreign_server: return "drop_foreign_server";
    case DhcpCounter::drop_unexpected: return "drop_unexpected";
    case DhcpCounter::drop_unusable: return "drop_unusable";
    case DhcpCounter::count: break;
  }
  return "unknown";
}

}  // namespace sluice::host
