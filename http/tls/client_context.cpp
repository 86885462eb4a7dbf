// Whom a client believes, and the tickets that it gets.
#include <openssl/err.h>

#include "http/tls/context_state.hpp"
#include "http/tls/engine.hpp"

namespace sluice::tls {
namespace {

/// Empty when all is well.
std::string trust_these(SSL_CTX* context, const std::string& certificates) {
  const OwnedBio pem = reader_of(certificates);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  bool error = false;
  int count = 0;
  while (const OwnedCertificate one = next_certificate(pem.get(), error)) {
    if (X509_STORE_add_cert(store, one.get()) != 1) return "a trusted certificate can't be used";
    ++count;
  }
  if (error || count == 0) return "the trusted certificates can't be read as PEM";
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return "";
}

int keep_ticket(SSL* ssl, SSL_SESSION* ticket) {
  Engine::of(ssl).keep_ticket(OwnedSession(ticket));
  return 1;
}

}  // namespace

std::variant<ClientContext, Failure> ClientContext::make(const Trust& trust, const Settings& settings) {
  std::shared_ptr<ContextState> state = make_state(TLS_client_method(), settings);
  if (!state) return Failure{Fault::internal, "OpenSSL takes no such settings"};
  SSL_CTX* context = state->openssl.get();
  state->verify = trust.verify;
  std::string complaint;
  if (!trust.certificates.empty())
    complaint = trust_these(context, trust.certificates);
  else if (trust.verify && SSL_CTX_set_default_verify_paths(context) != 1)
    complaint = "the system's trusted certificates can't be read";
  ERR_clear_error();
  if (!complaint.empty()) return Failure{Fault::bad_trust, std::move(complaint)};
  const auto& protocols = state->protocols;
  if (!protocols.empty()) SSL_CTX_set_alpn_protos(context, protocols.data(), static_cast<unsigned>(protocols.size()));
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  if (settings.resume)
    SSL_CTX_sess_set_new_cb(context, keep_ticket);
  else
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  return ClientContext(std::move(state));
}

std::size_t ClientContext::tickets() const noexcept { return state_->tickets.size(); }

}  // namespace sluice::tls
