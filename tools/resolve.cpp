// getaddrinfo(), and a choice by family.
#include "tools/resolve.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include <algorithm>

#include "tun/error.hpp"
#include "tun/socket_address.hpp"

namespace sluice::tools {
namespace {

constexpr std::uint16_t kDnsPort = 53;

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
  return (!options.dns.empty() || options.dhcp) && !IpAddress::parse(name);
}

Resolved resolve_over(Host& host, const std::string& name, const LinkOptions& options) {
  ResolverOptions asking;
  asking.servers = options.dns;
  if (options.dns.empty())
    for (const IpAddress& server : host.dns_servers()) asking.servers.push_back({server, kDnsPort});
  if (asking.servers.empty()) return {{}, fmt::format("cannot resolve {}: nobody named a DNS server", name)};
  return resolve_now(host.loop(), asking, name);
}

std::vector<IpAddress> addresses_over(Host& host, const std::string& name, const LinkOptions& options) {
  Resolved resolved = resolve_over(host, name, options);
  if (resolved.addresses.empty()) throw tun::Error(Errc::not_found, resolved.error);
  return std::move(resolved.addresses);
}

Result<IpAddress> reachable(const std::vector<IpAddress>& addresses, Host& host) {
  const auto has_family = [&](const IpAddress& one) { return host.stack().ip().select_source(one).has_value(); };
  const auto found = std::find_if(addresses.begin(), addresses.end(), has_family);
  if (found == addresses.end()) return Errc::address_family;
  return *found;
}

}  // namespace sluice::tools
