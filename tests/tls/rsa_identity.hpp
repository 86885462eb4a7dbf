// A server with an RSA key, as most are: what depends on the key's kind is looked at with both.
#pragma once

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>

#include "tests/tls/identities.hpp"

namespace sluice::tls::test {

/// Self-signed, and made once. It names nobody: for clients that do not ask.
inline const Identity& rsa_server() {
  static const Identity made = [] {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_RSA_gen(2048), EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
    ASN1_TIME_set(X509_getm_notBefore(certificate.get()), static_cast<time_t>(kToday - kYear));
    ASN1_TIME_set(X509_getm_notAfter(certificate.get()), static_cast<time_t>(kToday + kYear));
    X509_set_pubkey(certificate.get(), key.get());
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    const auto text_of = [](auto write) {
      const std::unique_ptr<BIO, decltype(&BIO_free)> pem(BIO_new(BIO_s_mem()), BIO_free);
      write(pem.get());
      char* text = nullptr;
      const long size = BIO_get_mem_data(pem.get(), &text);
      return std::string(text, static_cast<std::size_t>(size));
    };
    return Identity{text_of([&](BIO* pem) { PEM_write_bio_X509(pem, certificate.get()); }), text_of([&](BIO* pem) {
                      PEM_write_bio_PrivateKey(pem, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
                    })};
  }();
  return made;
}

}  // namespace sluice::tls::test
