// What the IP layer counts; each drop has its name.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::ip {

enum class Counter : std::uint8_t {
  packets_in,           ///< from the device
  datagrams_delivered,  ///< to a transport, after reassembly
  packets_out,          ///< accepted by a sink through send()
  fragments_in,
  datagrams_reassembled,
  fragments_out,
  // Headers.
  drop_empty,
  drop_version,
  drop_truncated,
  drop_header_length,
  drop_total_length,
  drop_header_checksum,
  drop_options_malformed,
  drop_source_route,
  drop_invalid_source,  ///< multicast, broadcast, loopback, unspecified, reserved
  drop_own_source,      ///< one of our addresses, come in from the wire (LAND)
  drop_not_ours,
  drop_link_group,  ///< in a frame to many, though for one
  drop_unknown_protocol,
  drop_extension_malformed,
  drop_extension_limit,  ///< more extension headers or options than anyone needs
  drop_option_unknown,   ///< RFC 8200 4.2: the option's top bits say so
  drop_routing_header,   ///< segments left for us to forward
  drop_no_next_header,
  // Reassembly.
  drop_fragment_malformed,  ///< length not a multiple of 8, or no text
  drop_fragment_too_long,   ///< the datagram would pass 65535 bytes
  drop_fragment_overlap,
  drop_fragment_duplicate,
  drop_fragment_tiny,   ///< the first fragment lacks the transport header (RFC 1858, RFC 7112)
  drop_fragment_limit,  ///< bytes, pieces or datagrams over the limit
  drop_fragment_ecn,    ///< marks that no ECN sender mixes (RFC 3168 5.3)
  drop_reassembly_timeout,
  drop_reassembly_evicted,  ///< the oldest gave way to a newer one
  // ICMP.
  icmp_in,
  icmp_echo_requests,
  icmp_echo_replies_out,
  icmp_echo_limited,
  icmp_errors_in,
  icmp_errors_out,
  icmp_errors_limited,
  icmp_errors_forbidden,  ///< about an error, a group, a later fragment or a source that is none
  drop_icmp_truncated,
  drop_icmp_checksum,
  drop_icmp_unknown_type,
  drop_icmp_quote,  ///< the quoted packet was never ours
  drop_icmp_group_echo,
  drop_source_quench,
  drop_redirect,
  drop_outbox_full,
  path_mtu_lowered,
  path_mtu_ignored,
  // Sending.
  send_too_large,
  count,
};

/// snake_case, as tools list it.
std::string_view name(Counter counter) noexcept;

}  // namespace sluice::ip
