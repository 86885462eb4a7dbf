// Who a server is: a certificate chain and its key, as PEM text; made in memory where none is at hand.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::tls {

struct Identity {
  std::string certificates;  ///< PEM: the server's own first, then its issuers
  std::string key;           ///< PEM, without a password
};

/// What a new certificate says.
struct Wish {
  std::vector<std::string> hosts;    ///< names or addresses; the first is the common name, too. REQUIRES one
  std::int64_t from = 0;             ///< seconds since 1970
  std::int64_t until = 0;            ///< likewise
  bool authority = false;            ///< it may sign others
  const Identity* issuer = nullptr;  ///< nullptr: signs itself
};

/// A new key on P-256 and a certificate for it (X.509 version 3, the hosts as alternative names); behind it the
/// issuer's chain. Both texts are empty when OpenSSL fails or the issuer can't be read.
Identity issue(const Wish& wish);

/// SHA-256 of the first certificate, "AB:CD:…"; empty when there is none.
std::string fingerprint(std::string_view certificates);

}  // namespace sluice::tls
