// The names of TCP's counters.
#include "stack/tcp/counters.hpp"

#include <array>
#include <cstddef>

namespace sluice::tcp {
namespace {

constexpr auto kNames = std::to_array<std::string_view>({
    "segments_in",
    "segments_out",
    "drop_truncated",
    "drop_bad_data_offset",
    "drop_bad_checksum",
    "drop_group_destination",
    "drop_zero_port",
    "drop_no_connection",
    "drop_unacceptable",
    "drop_paws",
    "drop_missing_timestamp",
    "drop_no_ack_bit",
    "drop_bad_ack",
    "drop_bad_reset",
    "drop_syn_backlog",
    "drop_accept_backlog",
    "drop_connection_limit",
    "drop_memory",
    "drop_out_of_order_limit",
    "malformed_options",
    "active_opens",
    "passive_opens",
    "syn_cookies_sent",
    "syn_cookies_accepted",
    "syn_cookies_failed",
    "fast_open_cookies_sent",
    "fast_open_accepted",
    "fast_open_bad_cookie",
    "fast_open_queue_full",
    "fast_open_fallbacks",
    "established",
    "failed_opens",
    "resets_in",
    "resets_out",
    "retransmissions",
    "timeouts",
    "fast_retransmits",
    "tail_loss_probes",
    "spurious_recoveries",
    "spurious_timeouts",
    "duplicates_reported",
    "challenge_acks",
    "acks_suppressed",
    "window_probes",
    "keep_alives",
    "out_of_order_segments",
    "duplicate_bytes",
    "late_data_resets",
    "connections_timed_out",
    "time_wait_entered",
    "time_wait_recycled",
    "time_wait_reused",
    "icmp_ignored",
    "icmp_soft_errors",
    "icmp_hard_errors",
    "path_mtu_changes",
    "path_mtu_doubts",
    "path_mtu_black_holes",
    "mtu_probes",
    "mtu_probes_lost",
    "stalled_dropped",
    "ce_received",
    "ecn_negotiated",
    "accurate_negotiated",
    "ecn_fallbacks",
    "ecn_reductions",
    "ecn_distrusted",
    "r1_advice",
});
static_assert(kNames.size() == static_cast<std::size_t>(Counter::count));

}  // namespace

std::string_view name(Counter counter) noexcept { return kNames[static_cast<std::size_t>(counter)]; }

}  // namespace sluice::tcp
