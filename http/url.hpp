// URLs of the four schemes that begin with HTTP (RFC 3986, RFC 9110 4.2, RFC 6455 3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace sluice::http {

struct Url {
  std::string scheme;        ///< http, https, ws or wss
  std::string host;          ///< in lower case; an IPv6 address without its brackets
  std::uint16_t port = 80;   ///< as given, or the scheme's: 80 or 443
  std::string target = "/";  ///< path and query, for the request line

  bool secure() const noexcept { return scheme == "https" || scheme == "wss"; }
  /// What the Host field says: the port only when it isn't the scheme's, an IPv6 address in brackets.
  std::string authority() const;
};

/// Why a text is no Url.
struct UrlError {
  std::string message;  ///< one sentence, without a full stop
};

/// Reads scheme://host[:port][/path][?query]. A fragment is dropped for http and https and refused for ws and wss
/// [WS-3-1]; user information is refused.
std::variant<Url, UrlError> parse_url(std::string_view text);

}  // namespace sluice::http
