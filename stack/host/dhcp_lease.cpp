// Leases out of messages; see dhcp_lease.hpp.
#include "stack/host/dhcp_lease.hpp"

#include <chrono>
#include <utility>

namespace sluice::host {
namespace {

using wire::dhcp::Option;
using wire::dhcp::Options;

constexpr std::uint32_t kInfinite = 0xffffffff;
constexpr std::uint16_t kMinimumMtu = 576;

/// The class of an address, which stands in for a mask that was not told (RFC 1122 3.2.1.3).
std::uint8_t class_length(const IpAddress& address) noexcept {
  const std::uint32_t top = address.v4_number() >> 30;
  return top < 2 ? 8 : top == 2 ? 16 : 24;
}

/// An address that a host may have in its prefix: neither the network's own nor its broadcast (RFC 1122 3.2.1.3).
bool is_host(const Prefix& prefix) noexcept {
  if (prefix.address.is_invalid_source()) return false;
  if (prefix.length == 0 || prefix.length >= 31) return prefix.length != 0;
  const std::uint32_t mask = ~std::uint32_t{0} >> prefix.length;
  const std::uint32_t host = prefix.address.v4_number() & mask;
  return host != 0 && host != mask;
}

std::optional<Prefix> read_prefix(const wire::dhcp::Message& message) noexcept {
  Prefix prefix{message.header.your, class_length(message.header.your)};
  if (const auto mask = message.options.find(Option::subnet_mask)) {
    const auto length = wire::dhcp::read_mask(mask->bytes());
    if (!length) return std::nullopt;
    prefix.length = *length;
  }
  return is_host(prefix) ? std::optional(prefix) : std::nullopt;
}

std::vector<IpAddress> read_hosts(const Options& options, Option option) {
  const auto value = options.find(option);
  auto hosts = value ? wire::dhcp::read_addresses(value->bytes(), DhcpLease::kMaximumAddresses) : std::nullopt;
  if (!hosts) return {};
  std::erase_if(*hosts, [](const IpAddress& host) { return host.is_invalid_source(); });
  return std::move(*hosts);
}

std::vector<wire::dhcp::Route> read_routes(const Options& options) {
  const auto value = options.find(Option::classless_routes);
  auto routes = value ? wire::dhcp::read_routes(value->bytes(), DhcpLease::kMaximumRoutes) : std::nullopt;
  if (!routes) return {};
  std::erase_if(*routes, [](const wire::dhcp::Route& route) {
    return !route.router.is_unspecified() && route.router.is_invalid_source();
  });
  return std::move(*routes);
}

void read_facts(const Options& options, DhcpLease& lease) {
  lease.routes = read_routes(options);
  if (lease.routes.empty()) lease.routers = read_hosts(options, Option::routers);
  lease.dns_servers = read_hosts(options, Option::dns_servers);
  if (const auto domain = options.find(Option::domain_name))
    lease.domain = wire::dhcp::read_name(domain->bytes()).value_or("");
  lease.broadcast = options.address(Option::broadcast_address);
  lease.mtu = options.u16(Option::interface_mtu);
  if (lease.mtu && *lease.mtu < kMinimumMtu) lease.mtu.reset();
}

/// RFC 2131 4.4.5. T1 and T2 that contradict each other or the lease are replaced by their defaults.
void set_times(const Options& options, std::uint32_t seconds, Time asked, double early, DhcpLease& lease) noexcept {
  if (seconds == kInfinite) return;
  const Duration whole = std::chrono::seconds(seconds);
  const auto told = [&](Option option, Duration otherwise) {
    const auto value = options.u32(option);
    return value ? Duration(std::chrono::seconds(*value)) : otherwise;
  };
  Duration renewal = told(Option::renewal_time, whole / 2);
  Duration rebinding = told(Option::rebinding_time, whole / 8 * 7);
  if (renewal == Duration::zero() || renewal > rebinding || rebinding > whole) {
    renewal = whole / 2;
    rebinding = whole / 8 * 7;
  }
  const auto hastened = [&](Duration time) {
    return time - Duration(static_cast<Duration::rep>(early * static_cast<double>(time.count())));
  };
  lease.renew_at = asked + hastened(renewal);
  lease.rebind_at = asked + hastened(rebinding);
  lease.until = asked + whole;
}

}  // namespace

std::optional<DhcpLease> read_lease(const wire::dhcp::Message& message, Time asked, double early) {
  const auto server = message.options.address(Option::server_identifier);
  const auto seconds = message.options.u32(Option::lease_time);
  const auto prefix = read_prefix(message);
  if (!server || server->is_invalid_source() || seconds.value_or(0) == 0 || !prefix) return std::nullopt;
  DhcpLease lease;
  lease.address = *prefix;
  lease.server = *server;
  read_facts(message.options, lease);
  set_times(message.options, *seconds, asked, early, lease);
  return lease;
}

}  // namespace sluice::host
