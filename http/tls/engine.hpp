// One connection's OpenSSL, where its callbacks find it. For this room's .cpp files only.
#pragma once

#include <memory>
#include <string>

#include "http/tls/context_state.hpp"
#include "http/tls/wire.hpp"

namespace sluice::tls {

/// Stays where it is: OpenSSL knows its address.
struct Engine {
  explicit Engine(std::shared_ptr<ContextState> shared);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  static Engine& of(const SSL* ssl) { return *static_cast<Engine*>(SSL_get_app_data(ssl)); }

  /// Says whom a client wants, and what it knows of it. `time`: seconds since 1970, negative for OpenSSL's clock.
  bool aim(const std::string& host, std::int64_t time);
  void keep_ticket(OwnedSession ticket);

  std::shared_ptr<ContextState> context;
  Wire wire;
  OwnedSsl ssl;  ///< nullptr: there was no memory
  std::string host;
  Failure refusal;  ///< why the certificate was refused
};

}  // namespace sluice::tls
