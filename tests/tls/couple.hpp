// A client and a server session, tied to each other: what each sends the other gets, whole, in drips or changed.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "http/tls/session.hpp"
#include "tests/tls/identities.hpp"

namespace sluice::tls::test {

using ByteVector = std::vector<std::uint8_t>;

inline const Time kStart{std::chrono::hours(1)};

inline ServerContext server_context(const Settings& settings = {}, const Identity& identity = server()) {
  auto made = ServerContext::make(identity, settings);
  REQUIRE(std::holds_alternative<ServerContext>(made));
  return std::get<ServerContext>(std::move(made));
}

/// One that believes the authority of the tests.
inline ClientContext client_context(const Settings& settings = {}, const Trust& trust = {authority().certificates}) {
  auto made = ClientContext::make(trust, settings);
  REQUIRE(std::holds_alternative<ClientContext>(made));
  return std::get<ClientContext>(std::move(made));
}

inline Settings only(Version version) {
  Settings settings;
  settings.oldest = settings.newest = version;
  return settings;
}

/// What waits to leave; it counts as sent.
inline ByteVector out(Session& session) {
  const Bytes waiting = session.poll_transmit();
  ByteVector bytes(waiting.begin(), waiting.end());
  session.transmitted(bytes.size());
  return bytes;
}

/// What is read of it, until it takes no more.
inline std::string in(Session& session, Bytes bytes, std::size_t piece = SIZE_MAX) {
  std::string text;
  while (!bytes.empty()) {
    const std::size_t taken = session.receive(bytes.first(std::min(piece, bytes.size())));
    text += as_text(session.peek());
    session.consume(session.peek().size());
    if (taken == 0) break;
    bytes = bytes.subspan(taken);
  }
  return text;
}

inline std::size_t say(Session& session, std::string_view text) {
  const Bytes bytes = as_bytes(text);
  return session.write(Gather(&bytes, 1));
}

struct Couple {
  Couple(const ServerContext& server_context, const ClientContext& client_context, std::string host = "server.example")
      : server(server_context, kStart), client(client_context, {std::move(host), kToday}, kStart) {}

  /// Moves bytes until none wait; true when something moved.
  bool run(std::size_t piece = SIZE_MAX) {
    bool moved = false;
    while (!client.poll_transmit().empty() || !server.poll_transmit().empty()) {
      moved = true;
      server_read += in(server, out(client), piece);
      client_read += in(client, out(server), piece);
    }
    return moved;
  }
  bool open() const { return client.state() == State::open && server.state() == State::open; }

  Session server;
  Session client;
  std::string server_read;
  std::string client_read;
};

}  // namespace sluice::tls::test
