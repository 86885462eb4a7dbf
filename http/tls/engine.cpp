// What a client asks for and checks before anything is said.
#include "http/tls/engine.hpp"

#include <openssl/x509v3.h>

namespace sluice::tls {
namespace {

/// The first complaint decides.
int judge(int good, X509_STORE_CTX* verification) {
  if (good == 1) return 1;
  const auto* ssl =
      static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
  Engine& engine = Engine::of(ssl);
  if (!engine.refusal) engine.refusal = failure_of_verification(verification, engine.host);
  return 0;
}

/// An address is looked for among a certificate's addresses; a name among its names, never in the subject (RFC 9525),
/// and it is told to the server (RFC 6066 3), which an address must not be.
bool want(SSL* ssl, const std::string& host) {
  X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) == 1) return true;
  X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return X509_VERIFY_PARAM_set1_host(wanted, host.data(), host.size()) == 1 &&
         SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

}  // namespace

Engine::Engine(std::shared_ptr<ContextState> shared) : context(std::move(shared)) {
  ssl.reset(SSL_new(context->openssl.get()));
  OwnedBio bio = wire.open(context->pool);
  if (!bio) ssl.reset();
  if (!ssl) return;
  SSL_set_app_data(ssl.get(), this);
  BIO* both = bio.release();
  SSL_set_bio(ssl.get(), both, both);
}

/// OpenSSL would spoil the tickets of a connection that was not closed in good order, as TLS 1.0 wanted it and RFC 4346
/// 7.2.1 no longer does. Those of one that failed are spoilt already.
Engine::~Engine() {
  if (ssl) SSL_set_shutdown(ssl.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

bool Engine::aim(const std::string& name, std::int64_t time) {
  host = name;
  if (host.empty() || !want(ssl.get(), host)) return false;
  SSL_set_verify(ssl.get(), context->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, context->verify ? judge : nullptr);
  if (time >= 0) X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl.get()), static_cast<time_t>(time));
  if (const OwnedSession ticket = context->tickets.take(host)) SSL_set_session(ssl.get(), ticket.get());
  return true;
}

void Engine::keep_ticket(OwnedSession ticket) {
  if (context->settings.resume && SSL_SESSION_is_resumable(ticket.get()) == 1)
    context->tickets.keep(host, std::move(ticket));
}

}  // namespace sluice::tls
