// The names of the UDP counters.
#include "stack/udp/counters.hpp"

namespace sluice::udp {

std::string_view name(Counter counter) noexcept {
  switch (counter) {
    case Counter::datagrams_in: return "datagrams_in";
    case Counter::datagrams_out: return "datagrams_out";
    case Counter::drop_truncated: return "drop_truncated";
    case Counter::drop_length: return "drop_length";
    case Counter::drop_checksum: return "drop_checksum";
    case Counter::drop_zero_checksum_v6: return "drop_zero_checksum_v6";
    case Counter::drop_port_zero: return "drop_port_zero";
    case Counter::drop_no_listener: return "drop_no_listener";
    case Counter::drop_queue_full: return "drop_queue_full";
    case Counter::drop_budget: return "drop_budget";
    case Counter::drop_send_unroutable: return "drop_send_unroutable";
    case Counter::drop_send_too_large: return "drop_send_too_large";
    case Counter::icmp_errors_delivered: return "icmp_errors_delivered";
    case Counter::icmp_errors_unmatched: return "icmp_errors_unmatched";
    case Counter::ports_exhausted: return "ports_exhausted";
    case Counter::count: break;
  }
  return "unknown";
}

}  // namespace sluice::udp
