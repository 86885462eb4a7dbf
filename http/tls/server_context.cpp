// A server's certificate, its choice of protocol, its tickets.
#include <openssl/err.h>

#include "http/tls/context_state.hpp"

namespace sluice::tls {
namespace {

/// RFC 7301 3.2: the server's order decides; nothing in common ends the handshake.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                    unsigned offered_size, void* state) {
  const std::vector<unsigned char>& ours = static_cast<const ContextState*>(state)->protocols;
  const int found = SSL_select_next_proto(const_cast<unsigned char**>(chosen), size, ours.data(),
                                          static_cast<unsigned>(ours.size()), offered, offered_size);
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// Empty when all is well.
std::string use_certificates(SSL_CTX* context, const Identity& identity) {
  const OwnedBio pem = reader_of(identity.certificates);
  bool error = false;
  const OwnedCertificate own = next_certificate(pem.get(), error);
  if (!own) return "the certificate can't be read as PEM";
  if (SSL_CTX_use_certificate(context, own.get()) != 1) return "the certificate is too weak or of an unknown kind";
  while (const OwnedCertificate issuer = next_certificate(pem.get(), error))
    if (SSL_CTX_add1_chain_cert(context, issuer.get()) != 1) return "an issuer's certificate is too weak";
  return error ? "the certificates behind the first can't be read as PEM" : "";
}

std::string use_key(SSL_CTX* context, const Identity& identity) {
  const OwnedKey key = read_key(identity.key);
  if (!key) return "the key can't be read as PEM without a password";
  const bool good = SSL_CTX_use_PrivateKey(context, key.get()) == 1 && SSL_CTX_check_private_key(context) == 1;
  return good ? "" : "the key is not the certificate's";
}

/// Tickets carry all that a session needs, so the server remembers nothing.
void set_up_tickets(SSL_CTX* context, bool resume) {
  constexpr unsigned char kName[] = "sluice";
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(context, kName, sizeof kName - 1);
  if (resume) return;
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
}

}  // namespace

std::variant<ServerContext, Failure> ServerContext::make(const Identity& identity, const Settings& settings) {
  std::shared_ptr<ContextState> state = make_state(TLS_server_method(), settings);
  if (!state) return Failure{Fault::internal, "OpenSSL takes no such settings"};
  SSL_CTX* context = state->openssl.get();
  std::string complaint = use_certificates(context, identity);
  if (complaint.empty()) complaint = use_key(context, identity);
  ERR_clear_error();
  if (!complaint.empty()) return Failure{Fault::bad_identity, std::move(complaint)};
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  set_up_tickets(context, settings.resume);
  if (!state->protocols.empty()) SSL_CTX_set_alpn_select_cb(context, choose_protocol, state.get());
  return ServerContext(std::move(state));
}

}  // namespace sluice::tls
