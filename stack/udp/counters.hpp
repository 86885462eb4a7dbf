// What the UDP layer counts; each drop has its name.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::udp {

enum class Counter : std::uint8_t {
  datagrams_in,    ///< delivered to a socket's queue
  datagrams_out,   ///< accepted by the sink
  drop_truncated,  ///< shorter than a header
  drop_length,     ///< the length field is below 8 or above the IP payload
  drop_checksum,
  drop_zero_checksum_v6,  ///< RFC 8200 8.1, RFC 6935 section 5
  drop_port_zero,         ///< destination port 0
  drop_no_listener,       ///< answered with port unreachable where the rules allow
  drop_queue_full,        ///< the socket's receive buffer
  drop_budget,            ///< the stack's memory
  drop_send_unroutable,   ///< no source address for the destination
  drop_send_too_large,    ///< above the path MTU, and not to be fragmented
  icmp_errors_delivered,
  icmp_errors_unmatched,  ///< no socket of ours sent what the error quotes
  ports_exhausted,
  count,
};

/// snake_case, as tools list it.
std::string_view name(Counter counter) noexcept;

}  // namespace sluice::udp
