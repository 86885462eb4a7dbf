// OpenSSL's objects with owners, and the end of its error queue in our words. For this room's .cpp files only.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

#include "http/tls/fault.hpp"

namespace sluice::tls {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, Freed<Free>>;

using OwnedBio = Owned<BIO, BIO_free>;
using OwnedCertificate = Owned<X509, X509_free>;
using OwnedContext = Owned<SSL_CTX, SSL_CTX_free>;
using OwnedKey = Owned<EVP_PKEY, EVP_PKEY_free>;
using OwnedSession = Owned<SSL_SESSION, SSL_SESSION_free>;
using OwnedSsl = Owned<SSL, SSL_free>;

/// Reads from `text`, which outlives it.
OwnedBio reader_of(std::string_view text);

/// The next certificate of a PEM text; nullptr at its end, or where it can't be read: then error is true.
OwnedCertificate next_certificate(BIO* pem, bool& error);

/// nullptr when it can't be read; a key behind a password can't, and nobody is asked for it.
OwnedKey read_key(std::string_view pem);

/// What OpenSSL's error queue says of a call that failed; empties the queue.
Failure failure_of_queue();

/// Why verification refused the certificate that it looks at now; `host` is whom we wanted.
Failure failure_of_verification(X509_STORE_CTX* verification, std::string_view host);

/// At most 100 characters, everything but printable ASCII replaced: what a peer wrote may reach a terminal.
std::string printable(std::string_view text);

}  // namespace sluice::tls
