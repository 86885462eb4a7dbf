// A WebSocket's client over TCP, or over TLS over TCP: for `sluice ws` the same thing.
#pragma once

#include <memory>
#include <optional>

#include "http/tls/session.hpp"
#include "stack/tcp/socket.hpp"
#include "tools/ws_talk.hpp"
#include "ws/client.hpp"

namespace sluice::tools {

/// The calls are those of ws::Client.
class WsLink {
 public:
  WsLink() = default;
  virtual ~WsLink() = default;
  WsLink(const WsLink&) = delete;
  WsLink& operator=(const WsLink&) = delete;

  virtual bool pump(Time now, WsTalk& talk) = 0;
  virtual ws::Session* session() noexcept = 0;
  virtual const std::optional<ws::HandshakeFailure>& failure() const noexcept = 0;
  /// Why TLS failed; nullptr when it didn't, or isn't there.
  virtual const tls::Failure* tls_failure() const noexcept { return nullptr; }
  virtual Time next_timeout() const noexcept = 0;
};

/// `settings` and `random` outlive the link, as ws::Client has it.
struct WsBasics {
  ws::ClientHandshake handshake;
  const ws::Settings& settings;
  Random& random;
};

/// `socket` is connected and outlives the link.
std::unique_ptr<WsLink> link_over_tcp(tcp::Socket& socket, WsBasics basics);
std::unique_ptr<WsLink> link_over_tls(tcp::Socket& socket, tls::Session session, WsBasics basics);

}  // namespace sluice::tools
