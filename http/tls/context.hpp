// What all connections of a server, or of a client, share: versions, protocols, who we are, whom we believe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "http/tls/fault.hpp"
#include "http/tls/identity.hpp"
#include "stack/base/time.hpp"

namespace sluice::tls {

enum class Version : std::uint8_t { tls12, tls13 };

/// Of every connection. Whatever is chosen: keys are ephemeral, ciphers authenticate what they encrypt, nothing is
/// compressed, and a connection is never negotiated anew.
struct Settings {
  Version oldest = Version::tls12;
  Version newest = Version::tls13;
  /// ALPN (RFC 7301), the preferred first; empty: not spoken of. A server that is offered others only refuses.
  std::vector<std::string> protocols;
  Duration handshake_time = std::chrono::seconds(10);  ///< from the session's beginning
  /// Gets the secrets of each connection, a line each, in the format of SSLKEYLOGFILE. May be empty.
  std::function<void(std::string_view line)> key_log;
  bool resume = true;  ///< hand out tickets, or keep them and offer them
};

/// Of clients.
struct Trust {
  std::string certificates;  ///< PEM: these, whether roots or not, and no others; empty: the system's
  bool verify = true;        ///< false: whoever answers is believed to be who we want
};

struct ContextState;

/// A server's side. Sessions keep what they need of it: it may be replaced or go while they live, which is how a server
/// changes certificates without ending connections. Belongs to one thread, with all of its sessions.
class ServerContext {
 public:
  /// Failure: bad_identity or internal.
  static std::variant<ServerContext, Failure> make(const Identity& identity, const Settings& settings = {});
  ServerContext(ServerContext&&) noexcept = default;
  ServerContext& operator=(ServerContext&&) noexcept = default;

 private:
  friend class Session;
  explicit ServerContext(std::shared_ptr<ContextState> state) noexcept : state_(std::move(state)) {}
  std::shared_ptr<ContextState> state_;
};

/// A client's side. It keeps the last ticket of each host, of at most 64 hosts, and offers it the next time. A resumed
/// connection shows no certificate: the one that it began with was verified.
class ClientContext {
 public:
  /// Failure: bad_trust or internal.
  static std::variant<ClientContext, Failure> make(const Trust& trust = {}, const Settings& settings = {});
  ClientContext(ClientContext&&) noexcept = default;
  ClientContext& operator=(ClientContext&&) noexcept = default;

  /// Hosts for which a ticket is kept.
  std::size_t tickets() const noexcept;

 private:
  friend class Session;
  explicit ClientContext(std::shared_ptr<ContextState> state) noexcept : state_(std::move(state)) {}
  std::shared_ptr<ContextState> state_;
};

}  // namespace sluice::tls
