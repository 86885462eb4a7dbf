// getaddrinfo(), and a choice by family.
#include "tools/resolve.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include <utility>

#include "tools/address_order.hpp"
#include "tun/error.hpp"
#include "tun/socket_address.hpp"

namespace sluice::tools {
namespace {

constexpr std::uint16_t kDnsPort = 53;

/// Those of --dns, else those that DHCP or a router named by now.
ResolverOptions servers_for(Host& host, const LinkOptions& options) {
  ResolverOptions asking;
  asking.servers = options.dns;
  if (options.dns.empty())
    for (const IpAddress& server : host.dns_servers()) asking.servers.push_back({server, kDnsPort});
  return asking;
}

Resolved nobody_to_ask(const std::string& name) {
  return {{}, fmt::format("cannot resolve {}: nobody named a DNS server", name)};
}

}  // namespace

std::vector<IpAddress> resolve(const std::string& name) {
  if (const auto address = IpAddress::parse(name)) return {*address};
  std::vector<IpAddress> found;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* first = nullptr;
  if (::getaddrinfo(name.c_str(), nullptr, &hints, &first) != 0) return found;
  for (const addrinfo* one = first; one; one = one->ai_next) found.push_back(tun::from_kernel(one->ai_addr).address);
  ::freeaddrinfo(first);
  return found;
}

bool is_for_stack(const std::string& name, const LinkOptions& options) {
  const auto leases = [](const LinkOptions& one) { return one.dhcp; };
  const bool dhcp = options.dhcp || std::any_of(options.also.begin(), options.also.end(), leases);
  return (!options.dns.empty() || dhcp) && !IpAddress::parse(name);
}

Resolved resolve_over(Host& host, const std::string& name, const LinkOptions& options) {
  const ResolverOptions asking = servers_for(host, options);
  if (asking.servers.empty()) return nobody_to_ask(name);
  return resolve_now(host.loop(), asking, name);
}

std::vector<IpAddress> addresses_over(Host& host, const std::string& name, const LinkOptions& options) {
  Resolved resolved = resolve_over(host, name, options);
  if (resolved.addresses.empty()) throw tun::Error(Errc::not_found, resolved.error);
  return std::move(resolved.addresses);
}

std::vector<IpAddress> by_preference(const std::vector<IpAddress>& addresses, Host& host) {
  std::vector<IpAddress> ordered = order_addresses(addresses, sources_of(host.stack()));
  if (ordered.empty()) throw tun::Error(Errc::address_family, "the stack has no address of this family (see --local6)");
  return ordered;
}

Result<IpAddress> reachable(const std::vector<IpAddress>& addresses, Host& host) {
  const std::vector<IpAddress> ordered = order_addresses(addresses, sources_of(host.stack()));
  if (ordered.empty()) return Errc::address_family;
  return ordered.front();
}

void Names::look_up(const std::string& name, Resolver::Done done) {
  if (is_for_stack(name, options_)) {
    ResolverOptions asking = servers_for(host_, options_);
    if (!asking.servers.empty()) {
      resolver_ = std::make_unique<Resolver>(host_.loop(), std::move(asking));
      return resolver_->resolve(name, std::move(done));
    }
  }
  Resolved resolved = is_for_stack(name, options_) ? nobody_to_ask(name) : Resolved{resolve(name), {}};
  if (resolved.addresses.empty() && resolved.error.empty())
    resolved.error = fmt::format("no address is known for {}", name);
  // By an alarm: the next turn reads the clock again, and knows how long this took.
  host_.loop().after(Duration(0), [done = std::move(done), resolved = std::move(resolved)] { done(resolved); });
}

}  // namespace sluice::tools
