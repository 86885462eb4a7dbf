// The inside of `sluice nc`: two pumps between standard streams and a socket.
#pragma once

#include <optional>

#include "stack/wire/address.hpp"
#include "tools/host.hpp"

namespace sluice::tools {

struct NetcatOptions {
  bool listen = false;
  bool udp = false;
  bool verbose = false;
  std::optional<Duration> wait;  ///< for the connection, and then for anything to happen
};

/// Runs until both directions ended; `where` is the peer, or what to listen on. Answers the exit code.
int run_netcat(Host& host, const Endpoint& where, const NetcatOptions& options);

}  // namespace sluice::tools
