// What the DHCP client counts; each drop has its name.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::host {

enum class DhcpCounter : std::uint8_t {
  discovers_out,
  requests_out,
  declines_out,
  releases_out,
  offers_in,
  acks_in,
  naks_in,
  leases,     ///< addresses that came into use
  renewals,   ///< and were prolonged
  expiries,   ///< or were not
  conflicts,  ///< or were found in use by another
  drop_truncated,
  drop_too_long,
  drop_wrong_operation,
  drop_wrong_hardware,
  drop_no_cookie,
  drop_bad_option,
  drop_bad_overload,
  drop_no_type,
  drop_not_reply,
  drop_foreign_client,       ///< for another hardware address or client identifier
  drop_foreign_transaction,  ///< an answer to nothing that we have asked
  drop_foreign_server,       ///< from another server than the one that we have chosen
  drop_unexpected,           ///< a message of no meaning in this state
  drop_unusable,             ///< without what a lease needs, or with an address that no host may have
  count,
};

/// snake_case, as tools list it.
std::string_view name(DhcpCounter counter) noexcept;

}  // namespace sluice::host
