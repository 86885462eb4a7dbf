// What a host gives to the sockets of its programs: the kernel's sysctls, as far as they matter here.
#pragma once

#include <cstddef>

#include "stack/tcp/options.hpp"
#include "stack/wire/address.hpp"

namespace sluice::posix {

struct Settings {
  std::size_t pipe_size = 65536;  ///< bytes that a pipe holds
  IpAddress v4;                   ///< this host's addresses, for whoever makes sockaddrs; the calls ask the layers
  IpAddress v6 = IpAddress::any(Family::ipv6);
  bool fast_open_client = true;               ///< net.ipv4.tcp_fastopen, bit 0
  bool fast_open_server = true;               ///< and bit 1
  tcp::Options tcp_defaults = {};             ///< of every new TCP socket
  std::size_t send_buffer_limit = 212992;     ///< net.core.wmem_max: what SO_SNDBUF is cut to
  std::size_t receive_buffer_limit = 212992;  ///< net.core.rmem_max
  std::size_t backlog_limit = 4096;           ///< net.core.somaxconn
  int descriptor_limit = 1 << 20;             ///< RLIMIT_NOFILE
};

}  // namespace sluice::posix
