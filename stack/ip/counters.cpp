// The names of the IP counters.
#include "stack/ip/counters.hpp"

namespace sluice::ip {

std::string_view name(Counter counter) noexcept {
  switch (counter) {
    case Counter::packets_in: return "packets_in";
    case Counter::datagrams_delivered: return "datagrams_delivered";
    case Counter::packets_out: return "packets_out";
    case Counter::fragments_in: return "fragments_in";
    case Counter::datagrams_reassembled: return "datagrams_reassembled";
    case Counter::fragments_out: return "fragments_out";
    case Counter::drop_empty: return "drop_empty";
    case Counter::drop_version: return "drop_version";
    case Counter::drop_truncated: return "drop_truncated";
    case Counter::drop_header_length: return "drop_header_length";
    case Counter::drop_total_length: return "drop_total_length";
    case Counter::drop_header_checksum: return "drop_header_checksum";
    case Counter::drop_options_malformed: return "drop_options_malformed";
    case Counter::drop_source_route: return "drop_source_route";
    case Counter::drop_invalid_source: return "drop_invalid_source";
    case Counter::drop_own_source: return "drop_own_source";
    case Counter::drop_not_ours: return "drop_not_ours";
    case Counter::drop_link_group: return "drop_link_group";
    case Counter::drop_unknown_protocol: return "drop_unknown_protocol";
    case Counter::drop_extension_malformed: return "drop_extension_malformed";
    case Counter::drop_extension_limit: return "drop_extension_limit";
    case Counter::drop_option_unknown: return "drop_option_unknown";
    case Counter::drop_routing_header: return "drop_routing_header";
    case Counter::drop_no_next_header: return "drop_no_next_header";
    case Counter::drop_fragment_malformed: return "drop_fragment_malformed";
    case Counter::drop_fragment_too_long: return "drop_fragment_too_long";
    case Counter::drop_fragment_overlap: return "drop_fragment_overlap";
    case Counter::drop_fragment_duplicate: return "drop_fragment_duplicate";
    case Counter::drop_fragment_tiny: return "drop_fragment_tiny";
    case Counter::drop_fragment_limit: return "drop_fragment_limit";
    case Counter::drop_fragment_ecn: return "drop_fragment_ecn";
    case Counter::drop_reassembly_timeout: return "drop_reassembly_timeout";
    case Counter::drop_reassembly_evicted: return "drop_reassembly_evicted";
    case Counter::icmp_in: return "icmp_in";
    case Counter::icmp_echo_requests: return "icmp_echo_requests";
    case Counter::icmp_echo_replies_out: return "icmp_echo_replies_out";
    case Counter::icmp_echo_limited: return "icmp_echo_limited";
    case Counter::icmp_errors_in: return "icmp_errors_in";
    case Counter::icmp_errors_out: return "icmp_errors_out";
    case Counter::icmp_errors_limited: return "icmp_errors_limited";
    case Counter::icmp_errors_forbidden: return "icmp_errors_forbidden";
    case Counter::drop_icmp_truncated: return "drop_icmp_truncated";
    case Counter::drop_icmp_checksum: return "drop_icmp_checksum";
    case Counter::drop_icmp_unknown_type: return "drop_icmp_unknown_type";
    case Counter::drop_icmp_quote: return "drop_icmp_quote";
    case Counter::drop_icmp_group_echo: return "drop_icmp_group_echo";
    case Counter::drop_source_quench: return "drop_source_quench";
    case Counter::drop_redirect: return "drop_redirect";
    case Counter::drop_outbox_full: return "drop_outbox_full";
    case Counter::path_mtu_lowered: return "path_mtu_lowered";
    case Counter::path_mtu_ignored: return "path_mtu_ignored";
    case Counter::send_too_large: return "send_too_large";
    case Counter::count: break;
  }
  return "unknown";
}

}  // namespace sluice::ip
