// What the TCP layer counts; drops first, each with its own name.
#pragma once

#include <cstdint>
#include <string_view>

#include "stack/base/counters.hpp"

namespace sluice::tcp {

enum class Counter : std::uint8_t {
  segments_in,
  segments_out,
  drop_truncated,  ///< shorter than a header
  drop_bad_data_offset,
  drop_bad_checksum,
  drop_group_destination,  ///< to or from a broadcast or multicast address
  drop_zero_port,
  drop_no_connection,  ///< nobody there; answered with RST unless it was one
  drop_unacceptable,   ///< outside the window
  drop_paws,
  drop_missing_timestamp,
  drop_no_ack_bit,
  drop_bad_ack,             ///< RFC 5961 5, or an ACK of something not sent
  drop_bad_reset,           ///< a RST that does not match
  drop_syn_backlog,         ///< SYN refused: too many half-open connections
  drop_accept_backlog,      ///< the last ACK of a handshake ignored: accept() lags behind
  drop_connection_limit,    ///< a limit on connections is reached
  drop_memory,              ///< text dropped: the budget is exhausted
  drop_out_of_order_limit,  ///< too many pieces wait for a gap
  malformed_options,
  active_opens,
  passive_opens,
  syn_cookies_sent,
  syn_cookies_accepted,
  syn_cookies_failed,  ///< an ACK for nobody that brought no cookie of ours, while some were out
  fast_open_cookies_sent,
  fast_open_accepted,    ///< text of a SYN taken
  fast_open_bad_cookie,  ///< text of a SYN not taken
  fast_open_queue_full,  ///< likewise
  fast_open_fallbacks,   ///< our SYN went again without
  established,
  failed_opens,
  resets_in,
  resets_out,
  retransmissions,
  timeouts,
  fast_retransmits,
  tail_loss_probes,
  spurious_recoveries,  ///< undone: their retransmissions had been needless
  spurious_timeouts,    ///< the same of timeouts
  duplicates_reported,  ///< D-SACKs that came
  challenge_acks,
  acks_suppressed,  ///< an answer withheld by a rate limit
  window_probes,
  keep_alives,
  out_of_order_segments,
  duplicate_bytes,
  late_data_resets,
  connections_timed_out,
  time_wait_entered,
  time_wait_recycled,  ///< the oldest record made way for a new one
  time_wait_reused,    ///< RFC 6191
  icmp_ignored,        ///< the quote matched no outstanding segment
  icmp_soft_errors,
  icmp_hard_errors,
  path_mtu_changes,
  path_mtu_doubts,       ///< packet-too-big for what has passed before: kept until text stops arriving (RFC 5927 7.2)
  path_mtu_black_holes,  ///< full-sized packets vanished, smaller ones took their place (RFC 8899 4.3)
  mtu_probes,
  mtu_probes_lost,
  stalled_dropped,      ///< a peer that didn't read, when memory was short [A-TCP-23]
  ce_received,          ///< segments that the network marked
  ecn_negotiated,       ///< connections that agreed on RFC 3168
  accurate_negotiated,  ///< connections that agreed on RFC 9768
  ecn_fallbacks,        ///< SYNs and SYN,ACKs repeated without ECN
  ecn_reductions,       ///< of cwnd because of marks
  ecn_distrusted,       ///< connections that stopped sending ECT: marks or feedback were tampered with
  r1_advice,            ///< RFC 9293 3.8.3: R1 reached
  count,
};

std::string_view name(Counter counter) noexcept;

}  // namespace sluice::tcp
