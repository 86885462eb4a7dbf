// From OpenSSL's many reasons to our few faults, each with a sentence.
#include "http/tls/fault.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sslerr.h>

#include "http/tls/openssl.hpp"

namespace sluice::tls {
namespace {

/// A fatal alert's reason is SSL_AD_REASON_OFFSET plus its number (RFC 8446 6.2).
Failure failure_of_alert(int alert) {
  return {Fault::alert, std::string("the peer gave up with the alert \"") + SSL_alert_desc_string_long(alert) + "\""};
}

Failure failure_of_reason(int reason) {
  switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST: return {Fault::not_tls, "the peer speaks plain HTTP, not TLS"};
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_BAD_PROTOCOL_VERSION_NUMBER: return {Fault::not_tls, "the peer does not speak TLS"};
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
      return {Fault::no_common_version, "the peer speaks no version of TLS that is allowed here"};
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_CIPHERS_AVAILABLE:
      return {Fault::no_common_cipher, "the peer offers no cipher, group or signature that is allowed here"};
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return {Fault::no_common_protocol, "the peer offers no application protocol that is spoken here"};
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
      return {Fault::tampered, "a record was changed on its way, or is not of this connection"};
    case ERR_R_MALLOC_FAILURE: return {Fault::internal, "there is no memory left for TLS"};
    default: break;
  }
  if (reason > SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256)
    return failure_of_alert(reason - SSL_AD_REASON_OFFSET);
  const char* words = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, reason));
  return {Fault::protocol_broken, std::string("the peer broke the protocol: ") + (words ? words : "unknown reason")};
}

}  // namespace

Errc errc_of(Fault fault) noexcept {
  switch (fault) {
    case Fault::none: return Errc::none;
    case Fault::timed_out: return Errc::timed_out;
    case Fault::truncated: return Errc::truncated;
    case Fault::internal: return Errc::no_buffer_space;
    default: return Errc::protocol_error;
  }
}

std::string printable(std::string_view text) {
  constexpr std::size_t kMost = 100;
  std::string result(text.substr(0, kMost));
  for (char& c : result)
    if (c < ' ' || c > '~') c = '?';
  if (text.size() > kMost) result += "...";
  return result;
}

OwnedBio reader_of(std::string_view text) {
  return OwnedBio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

OwnedCertificate next_certificate(BIO* pem, bool& error) {
  ERR_clear_error();
  OwnedCertificate found(PEM_read_bio_X509(pem, nullptr, nullptr, nullptr));
  error = !found && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
  ERR_clear_error();
  return found;
}

OwnedKey read_key(std::string_view pem) {
  const auto no_password = [](char*, int, int, void*) { return -1; };
  OwnedKey key(PEM_read_bio_PrivateKey(reader_of(pem).get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  return key;
}

/// The first entry of TLS itself is the cause: before it stands what its tools met, behind it what passed it on.
Failure failure_of_queue() {
  unsigned long entry = ERR_get_error();
  while (entry != 0 && ERR_GET_LIB(entry) != ERR_LIB_SSL) entry = ERR_get_error();
  ERR_clear_error();
  if (entry == 0) return {Fault::protocol_broken, "the peer broke the protocol"};
  return failure_of_reason(ERR_GET_REASON(entry));
}

}  // namespace sluice::tls
