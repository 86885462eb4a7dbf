// The inside of `sluice ws`: one WebSocket after another on a stack of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "http/url.hpp"
#include "tools/certificates.hpp"
#include "tools/host.hpp"
#include "tools/ws_talk.hpp"
#include "ws/handshake.hpp"

namespace sluice::tools {

struct WsOptions {
  WsTalkOptions talk;
  ws::ClientRequest request;
  ClientTrust trust;                ///< of wss
  std::uint64_t limit = 64u << 20;  ///< bytes of a message from the peer
  std::optional<Duration> ping;     ///< a Ping each so often
  Duration connect_timeout = std::chrono::seconds(10);
  std::uint32_t reconnect = 0;  ///< attempts in a row after a failure
  bool verbose = false;
};

/// Runs until the last session ended; answers the exit code, as `sluice ws --help` lists them. `options` are good for
/// this one run. `addresses`: of the URL's host, the best first; at least one.
int run_ws(Host& host, const http::Url& url, const std::vector<IpAddress>& addresses, WsOptions& options);

}  // namespace sluice::tools
