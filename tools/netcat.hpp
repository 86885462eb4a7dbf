// The inside of `sluice nc`: two pumps between standard streams and a socket.
#pragma once

#include <optional>
#include <vector>

#include "stack/wire/address.hpp"
#include "tools/host.hpp"

namespace sluice::tools {

struct NetcatOptions {
  bool listen = false;
  bool udp = false;
  bool verbose = false;
  std::optional<Duration> wait;  ///< for the connection, and then for anything to happen
};

/// Runs until both directions ended. `addresses`: the peer's, the best first, or the one to listen on. TCP connects to
/// the first that answers; UDP takes the first. Answers the exit code. REQUIRES an address.
int run_netcat(Host& host, const std::vector<IpAddress>& addresses, std::uint16_t port, const NetcatOptions& options);

}  // namespace sluice::tools
