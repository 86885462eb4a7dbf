// Makes keys and certificates of OpenSSL's pieces.
#include "http/tls/identity.hpp"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>

#include "http/tls/openssl.hpp"

namespace sluice::tls {
namespace {

using OwnedExtension = Owned<X509_EXTENSION, X509_EXTENSION_free>;
using OwnedAddress = Owned<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free>;
using OwnedNumber = Owned<BIGNUM, BN_free>;

bool is_address(const std::string& host) { return OwnedAddress(a2i_IPADDRESS(host.c_str())) != nullptr; }

std::string alternative_names(const std::vector<std::string>& hosts) {
  std::string text;
  for (const std::string& host : hosts) {
    if (!text.empty()) text += ',';
    text += (is_address(host) ? "IP:" : "DNS:") + host;
  }
  return text;
}

bool add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const OwnedExtension extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

/// 159 random bits: never negative, at most 20 bytes (RFC 5280 4.1.2.2).
bool set_serial(X509* certificate) {
  const OwnedNumber number(BN_new());
  return number && BN_rand(number.get(), 159, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_subject(X509* certificate, const std::string& host) {
  const std::string name = host.substr(0, ub_common_name);
  return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0) == 1;
}

bool set_times(X509* certificate, const Wish& wish) {
  return ASN1_TIME_set(X509_getm_notBefore(certificate), static_cast<time_t>(wish.from)) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), static_cast<time_t>(wish.until)) != nullptr;
}

bool fill(X509* certificate, EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key, const Wish& wish) {
  return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
         set_subject(certificate, wish.hosts.front()) && set_times(certificate, wish) &&
         X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
         X509_set_pubkey(certificate, key) == 1 &&
         add_extension(certificate, issuer, NID_subject_alt_name, alternative_names(wish.hosts)) &&
         add_extension(certificate, issuer, NID_basic_constraints,
                       wish.authority ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
         add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
         X509_sign(certificate, issuer_key, EVP_sha256()) > 0;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem_of(X509* certificate) {
  const OwnedBio out(BIO_new(BIO_s_mem()));
  return PEM_write_bio_X509(out.get(), certificate) == 1 ? text_of(out.get()) : "";
}

std::string pem_of(EVP_PKEY* key) {
  const OwnedBio out(BIO_new(BIO_s_mem()));
  const int good = PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return good == 1 ? text_of(out.get()) : "";
}

}  // namespace

Identity issue(const Wish& wish) {
  const OwnedKey key(EVP_EC_gen("P-256"));
  const OwnedCertificate certificate(X509_new());
  if (!key || !certificate) return {};
  OwnedCertificate issuer;
  OwnedKey issuer_key;
  if (wish.issuer) {
    bool error = false;
    issuer = next_certificate(reader_of(wish.issuer->certificates).get(), error);
    issuer_key = read_key(wish.issuer->key);
    if (!issuer || !issuer_key) return {};
  }
  X509* signer = issuer ? issuer.get() : certificate.get();
  if (!fill(certificate.get(), key.get(), signer, issuer_key ? issuer_key.get() : key.get(), wish)) return {};
  return {pem_of(certificate.get()) + (wish.issuer ? wish.issuer->certificates : ""), pem_of(key.get())};
}

std::string fingerprint(std::string_view certificates) {
  bool error = false;
  const OwnedCertificate first = next_certificate(reader_of(certificates).get(), error);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (!first || X509_digest(first.get(), EVP_sha256(), digest.data(), &size) != 1) return "";
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    if (i > 0) text += ':';
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return text;
}

}  // namespace sluice::tls
