// What a context and its sessions hold together. For this room's .cpp files only.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <utility>

#include "http/tls/context.hpp"
#include "http/tls/openssl.hpp"
#include "stack/base/buffer.hpp"

namespace sluice::tls {

/// The last ticket of each host, the newest host last.
class Tickets {
 public:
  static constexpr std::size_t kMost = 64;

  void keep(const std::string& host, OwnedSession ticket);
  /// Takes it out: a ticket is offered once, so that nobody can tell two connections for the same client's by it
  /// (RFC 8446 C.4). nullptr: none.
  OwnedSession take(const std::string& host);
  std::size_t size() const noexcept { return kept_.size(); }

 private:
  std::deque<std::pair<std::string, OwnedSession>> kept_;
};

struct ContextState {
  Settings settings;
  bool verify = true;
  std::vector<unsigned char> protocols;  ///< as ALPN writes them: each behind its length
  Tickets tickets;
  BufferPool pool;  ///< of what sessions write
  OwnedContext openssl;
};

/// Versions, ciphers and what nobody may have, for both roles; nullptr when OpenSSL fails or a protocol's name is none.
std::shared_ptr<ContextState> make_state(const SSL_METHOD* method, const Settings& settings);

}  // namespace sluice::tls
