// What can go wrong with TLS: a kind for programs, a sentence for people.
#pragma once

#include <cstdint>
#include <string>

#include "stack/base/result.hpp"

namespace sluice::tls {

enum class Fault : std::uint8_t {
  none,
  // the peer's certificate, as a client sees it
  certificate_expired,
  certificate_not_yet_valid,
  certificate_wrong_host,
  certificate_untrusted,  ///< self-signed, or of an issuer that nobody vouches for
  certificate_invalid,    ///< anything else that verification found
  // the handshake
  not_tls,             ///< the first bytes are those of another protocol
  no_common_version,   ///< of the protocol
  no_common_cipher,    ///< or no common group or signature
  no_common_protocol,  ///< by ALPN
  timed_out,           ///< the handshake was not done in Settings::handshake_time
  // at any time
  alert,            ///< the peer gave up and said why
  tampered,         ///< a record's authentication failed
  protocol_broken,  ///< the peer broke the protocol in another way
  truncated,        ///< the stream ended without close_notify: bytes may be missing (RFC 8446 6.1)
  // what the caller gave us
  bad_identity,  ///< certificates or key can't be used
  bad_trust,     ///< trusted certificates can't be read
  internal,      ///< OpenSSL ran out of something
};

struct Failure {
  Fault fault = Fault::none;
  std::string sentence;  ///< one, without a full stop; what the peer chose in it is printable ASCII

  explicit operator bool() const noexcept { return fault != Fault::none; }
};

/// The peer's certificate is why.
constexpr bool is_certificate(Fault fault) noexcept {
  return fault >= Fault::certificate_expired && fault <= Fault::certificate_invalid;
}

/// What a ByteStream's error() says of it.
Errc errc_of(Fault fault) noexcept;

}  // namespace sluice::tls
