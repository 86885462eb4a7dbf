// sockaddr on one side, Endpoint on the other.
#include "tun/socket_address.hpp"

#include <netinet/in.h>

#include <cstring>

namespace sluice::tun {

SocketAddress to_kernel(const Endpoint& endpoint) noexcept {
  SocketAddress address;
  const Bytes bytes = endpoint.address.bytes();
  if (endpoint.address.is_v4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(endpoint.port);
    std::memcpy(&in.sin_addr, bytes.data(), bytes.size());
    std::memcpy(&address.storage, &in, sizeof in);
    address.size = sizeof in;
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(endpoint.port);
    std::memcpy(&in.sin6_addr, bytes.data(), bytes.size());
    std::memcpy(&address.storage, &in, sizeof in);
    address.size = sizeof in;
  }
  return address;
}

Endpoint from_kernel(const sockaddr* address) noexcept {
  if (address->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    return {IpAddress::v4(ntohl(in.sin_addr.s_addr)), ntohs(in.sin_port)};
  }
  sockaddr_in6 in{};
  std::memcpy(&in, address, sizeof in);
  return {IpAddress::from_bytes(Bytes(in.sin6_addr.s6_addr, 16)), ntohs(in.sin6_port)};
}

}  // namespace sluice::tun
