// What both roles set alike, and the kept tickets.
#include "http/tls/context.hpp"

#include <algorithm>

#include "http/tls/context_state.hpp"

namespace sluice::tls {
namespace {

/// Of TLS 1.2 only what is left in TLS 1.3: ephemeral keys and AEAD (RFC 9325 4.2). All of TLS 1.3's are such.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

int number_of(Version version) { return version == Version::tls12 ? TLS1_2_VERSION : TLS1_3_VERSION; }

bool write_protocols(const std::vector<std::string>& names, std::vector<unsigned char>& out) {
  for (const std::string& name : names) {
    if (name.empty() || name.size() > 255) return false;
    out.push_back(static_cast<unsigned char>(name.size()));
    out.insert(out.end(), name.begin(), name.end());
  }
  return true;
}

void write_key_log(const SSL* ssl, const char* line) {
  static_cast<ContextState*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))->settings.key_log(line);
}

}  // namespace

std::shared_ptr<ContextState> make_state(const SSL_METHOD* method, const Settings& settings) {
  auto state = std::make_shared<ContextState>();
  state->settings = settings;
  state->openssl.reset(SSL_CTX_new(method));
  SSL_CTX* context = state->openssl.get();
  if (!context || !write_protocols(settings.protocols, state->protocols)) return nullptr;
  SSL_CTX_set_app_data(context, state.get());
  SSL_CTX_set_security_level(context, 2);
  const bool good = SSL_CTX_set_min_proto_version(context, number_of(settings.oldest)) == 1 &&
                    SSL_CTX_set_max_proto_version(context, number_of(settings.newest)) == 1 &&
                    SSL_CTX_set_cipher_list(context, kCiphers) == 1;
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_clear_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_LEGACY_SERVER_CONNECT);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 0);
  if (settings.key_log) SSL_CTX_set_keylog_callback(context, write_key_log);
  return good ? state : nullptr;
}

void Tickets::keep(const std::string& host, OwnedSession ticket) {
  take(host);
  kept_.emplace_back(host, std::move(ticket));
  if (kept_.size() > kMost) kept_.pop_front();
}

OwnedSession Tickets::take(const std::string& host) {
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const auto& entry) { return entry.first == host; });
  if (found == kept_.end()) return nullptr;
  OwnedSession ticket = std::move(found->second);
  kept_.erase(found);
  return ticket;
}

}  // namespace sluice::tls
