// What a DHCP server lends: an address, what belongs to it, and until when (RFC 2131 4.3.1, RFC 2132).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "stack/base/time.hpp"
#include "stack/wire/address.hpp"
#include "stack/wire/dhcp.hpp"

namespace sluice::host {

struct DhcpLease {
  static constexpr std::size_t kMaximumAddresses = 8;  ///< of each list
  static constexpr std::size_t kMaximumRoutes = 64;

  Prefix address;
  IpAddress server;                       ///< its identifier, to which renewals go
  std::vector<IpAddress> routers;         ///< for everything off the link, the best first; none if there are `routes`
  std::vector<wire::dhcp::Route> routes;  ///< classless ones, which replace `routers` (RFC 3442)
  std::vector<IpAddress> dns_servers;
  std::string domain;                                 ///< "" = not told
  std::optional<IpAddress> broadcast = std::nullopt;  ///< nullopt = that of the prefix
  std::optional<std::uint16_t> mtu = std::nullopt;    ///< bytes, at least 576
  Time renew_at = kNever;                             ///< T1
  Time rebind_at = kNever;                            ///< T2
  Time until = kNever;                                ///< the address may not be used after this

  friend bool operator==(const DhcpLease&, const DhcpLease&) = default;
};

/// The lease in an OFFER or ACK that answers a message sent at `asked`; nullopt if there is none that a host could use.
/// T1 and T2 come earlier by the part `early` in [0, 1) of their distance, so that clients that were started together
/// don't renew together (RFC 2131 4.4.5). Optional facts that are malformed are left out.
std::optional<DhcpLease> read_lease(const wire::dhcp::Message& message, Time asked, double early);

}  // namespace sluice::host
