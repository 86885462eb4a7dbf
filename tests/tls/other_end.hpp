// OpenSSL by itself, set as carelessly as it can be: what our sessions meet out there.
#pragma once

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/tls/couple.hpp"

namespace sluice::tls::test {

struct Habits {
  std::string ciphers = "ALL:COMPLEMENTOFALL";  ///< up to TLS 1.2
  std::string suites =
      "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"
      "TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256";  ///< of TLS 1.3
  int version = 0;                                        ///< the only one; 0: any
  std::string protocols = {};                             ///< ALPN: each behind its length
  std::string host = {};                                  ///< SNI
  const Identity* identity = nullptr;                     ///< of a server; nullptr: it has none
};

class OtherEnd {
 public:
  enum class Role { client, server };

  OtherEnd(Role role, const Habits& habits)
      : context_(SSL_CTX_new(role == Role::client ? TLS_client_method() : TLS_server_method())) {
    SSL_CTX* context = context_.get();
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_options(context, SSL_OP_ALLOW_CLIENT_RENEGOTIATION | SSL_OP_LEGACY_SERVER_CONNECT);
    SSL_CTX_clear_options(context, SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_min_proto_version(context, habits.version);
    SSL_CTX_set_max_proto_version(context, habits.version);
    SSL_CTX_set_dh_auto(context, 1);
    usable_ = SSL_CTX_set_cipher_list(context, habits.ciphers.c_str()) == 1 &&
              SSL_CTX_set_ciphersuites(context, habits.suites.c_str()) == 1;
    if (habits.identity) use(*habits.identity);
    open(role, habits);
    ERR_clear_error();
  }

  SSL* ssl() noexcept { return ssl_.get(); }
  /// OpenSSL knows its ciphers.
  bool usable() const noexcept { return usable_; }
  std::vector<std::string> ciphers() const {
    std::vector<std::string> names;
    const STACK_OF(SSL_CIPHER)* all = SSL_CTX_get_ciphers(context_.get());
    for (int i = 0; i < sk_SSL_CIPHER_num(all); ++i)
      names.emplace_back(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(all, i)));
    return names;
  }
  bool is_open() const noexcept { return SSL_is_init_finished(ssl_.get()) == 1; }

  /// Moves bytes between us and `session` until there are none.
  void talk_with(Session& session) {
    for (bool moved = true; moved;) {
      step();
      const ByteVector to_session = take();
      const ByteVector to_us = out(session);
      in(session, to_session);
      BIO_write(incoming_, to_us.data(), static_cast<int>(to_us.size()));
      moved = !to_session.empty() || !to_us.empty();
    }
  }
  /// The first reason of OpenSSL's to give up; 0: none yet.
  int reason() const noexcept { return reason_; }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
    void operator()(BIO* bio) const noexcept { BIO_free(bio); }
    void operator()(X509* certificate) const noexcept { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  };
  template <class T>
  using Owned = std::unique_ptr<T, Free>;

  void use(const Identity& identity) {
    const auto reader = [](const std::string& text) {
      return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    };
    const Owned<X509> own(PEM_read_bio_X509(reader(identity.certificates).get(), nullptr, nullptr, nullptr));
    const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(reader(identity.key).get(), nullptr, nullptr, nullptr));
    REQUIRE(SSL_CTX_use_certificate(context_.get(), own.get()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey(context_.get(), key.get()) == 1);
  }

  void open(Role role, const Habits& habits) {
    ssl_.reset(SSL_new(context_.get()));
    incoming_ = BIO_new(BIO_s_mem());
    outgoing_ = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl_.get(), incoming_, outgoing_);
    if (role == Role::server) return SSL_set_accept_state(ssl_.get());
    SSL_set_connect_state(ssl_.get());
    if (!habits.host.empty()) SSL_set_tlsext_host_name(ssl_.get(), habits.host.c_str());
    const auto* protocols = reinterpret_cast<const unsigned char*>(habits.protocols.data());
    if (!habits.protocols.empty())
      SSL_set_alpn_protos(ssl_.get(), protocols, static_cast<unsigned>(habits.protocols.size()));
  }

  void step() {
    ERR_clear_error();
    int result = SSL_do_handshake(ssl_.get());  // done already: nothing happens, unless it is to be done anew
    char text[1000];
    while (result > 0) result = SSL_read(ssl_.get(), text, sizeof text);
    if (reason_ == 0 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_SSL) reason_ = ERR_GET_REASON(ERR_peek_error());
    ERR_clear_error();
  }

  ByteVector take() {
    ByteVector bytes(BIO_ctrl_pending(outgoing_));
    if (!bytes.empty()) BIO_read(outgoing_, bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
  }

  Owned<SSL_CTX> context_;
  Owned<SSL> ssl_;
  BIO* incoming_ = nullptr;  ///< ssl_'s
  BIO* outgoing_ = nullptr;  ///< likewise
  int reason_ = 0;
  bool usable_ = false;
};

}  // namespace sluice::tls::test
