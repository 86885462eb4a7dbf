// getaddrinfo(), and a choice by family.
#include "tools/resolve.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include <algorithm>

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
  for (const addrinfo* one = first; one; one = one->ai_next) {
    const auto* bytes =
        one->ai_family == AF_INET
            ? reinterpret_cast<const std::uint8_t*>(&reinterpret_cast<const sockaddr_in*>(one->ai_addr)->sin_addr)
            : reinterpret_cast<const sockaddr_in6*>(one->ai_addr)->sin6_addr.s6_addr;
    found.push_back(IpAddress::from_bytes(Bytes(bytes, one->ai_family == AF_INET ? 4 : 16)));
  }
  ::freeaddrinfo(first);
  return found;
}

bool is_for_stack(const std::string& name, const LinkOptions& options) {
  return (!options.dns.empty() || options.dhcp) && !IpAddress::parse(name);
}

Resolved resolve_over(Host& host, const std::string& name, const LinkOptions& options) {
  ResolverOptions asking;
  asking.servers = options.dns;
  if (const host::Configurator* const configurator = host.stack().configurator(); configurator && options.dns.empty())
    for (const IpAddress& server : configurator->dns_servers()) asking.servers.push_back({server, kDnsPort});
  if (asking.servers.empty()) return {{}, fmt::format("cannot resolve {}: nobody named a DNS server", name)};
  return resolve_now(host.loop(), asking, name);
}

Result<IpAddress> reachable(const std::vector<IpAddress>& addresses, Host& host) {
  const auto has_family = [&](const IpAddress& one) { return host.stack().ip().select_source(one).has_value(); };
  const auto found = std::find_if(addresses.begin(), addresses.end(), has_family);
  if (found == addresses.end()) return Errc::address_family;
  return *found;
}

}  // namespace sluice::tools
