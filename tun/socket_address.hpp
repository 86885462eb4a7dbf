// Endpoints as the kernel's calls, and libraries beside them, want and give them.
#pragma once

#include <sys/socket.h>

#include "stack/wire/address.hpp"

namespace sluice::tun {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;  ///< bytes of it

  sockaddr* raw() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
};

/// A sockaddr_in or a sockaddr_in6.
SocketAddress to_kernel(const Endpoint& endpoint) noexcept;
/// REQUIRES a whole sockaddr_in or sockaddr_in6.
Endpoint from_kernel(const sockaddr* address) noexcept;

}  // namespace sluice::tun
