// Why a certificate is refused, in a sentence that names dates, hosts or issuers.
#include <openssl/x509v3.h>

#include <cstdio>
#include <ctime>

#include "http/tls/openssl.hpp"
#include "stack/base/bytes.hpp"

namespace sluice::tls {
namespace {

using OwnedNames = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;

std::string text_of(const ASN1_STRING* string) {
  return printable({reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
                    static_cast<std::size_t>(ASN1_STRING_length(string))});
}

std::string common_name(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return "unnamed";
  return text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
}

std::string address_text(const ASN1_STRING* address) {
  const Bytes bytes(ASN1_STRING_get0_data(address), static_cast<std::size_t>(ASN1_STRING_length(address)));
  const bool old = bytes.size() == 4;
  std::string text;
  for (std::size_t i = 0; i + 1 < bytes.size() || (old && i < 4); i += old ? 1 : 2) {
    char part[8] = {};
    if (old)
      std::snprintf(part, sizeof part, "%u", unsigned{bytes[i]});
    else
      std::snprintf(part, sizeof part, "%x", unsigned{bytes[i]} << 8 | bytes[i + 1]);
    if (!text.empty()) text += old ? '.' : ':';
    text += part;
  }
  return text;
}

/// The hosts that a certificate is for, at most three of them by name.
std::string hosts_of(const X509* certificate) {
  const OwnedNames names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string text;
  int listed = 0;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    if (++listed > 3) return text + " and more";
    if (!text.empty()) text += ", ";
    text += name->type == GEN_DNS ? text_of(name->d.dNSName) : address_text(name->d.iPAddress);
  }
  return text.empty() ? "no host" : text;
}

std::string day_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unknown day";
  char text[32] = {};
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
  return text;
}

std::string whose(const X509* certificate, std::string_view host, int depth) {
  if (depth == 0) return "the certificate of " + printable(host);
  return "the issuer's certificate \"" + common_name(X509_get_subject_name(certificate)) + "\"";
}

}  // namespace

Failure failure_of_verification(X509_STORE_CTX* verification, std::string_view host) {
  const int error = X509_STORE_CTX_get_error(verification);
  const X509* certificate = X509_STORE_CTX_get_current_cert(verification);
  if (!certificate) return {Fault::certificate_invalid, "the peer showed no certificate"};
  const std::string subject = whose(certificate, host, X509_STORE_CTX_get_error_depth(verification));
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return {Fault::certificate_expired, subject + " expired on " + day_of(X509_get0_notAfter(certificate))};
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {Fault::certificate_not_yet_valid,
              subject + " is valid only from " + day_of(X509_get0_notBefore(certificate)) + " on"};
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return {Fault::certificate_wrong_host,
              "the certificate is for " + hosts_of(certificate) + ", not for " + printable(host)};
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return {Fault::certificate_untrusted, subject + " is self-signed and not among the trusted ones"};
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
      return {Fault::certificate_untrusted, whose(certificate, host, 0) + " goes back to \"" +
                                                common_name(X509_get_issuer_name(certificate)) +
                                                "\", who is not trusted"};
    default: return {Fault::certificate_invalid, subject + " is not valid: " + X509_verify_cert_error_string(error)};
  }
}

}  // namespace sluice::tls
