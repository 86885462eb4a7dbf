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
  /// All of it, as parse_url() reads it.
  std::string text() const { return scheme + "://" + authority() + target; }
};

/// Why a text is no Url.
struct UrlError {
  std::string message;  ///< one sentence, without a full stop
};

/// Reads scheme://host[:port][/path][?query]. A fragment is dropped for http and https and refused for ws and wss
/// [WS-3-1]; user information is refused.
std::variant<Url, UrlError> parse_url(std::string_view text);

/// What `reference`, as Location has it, means on the page `base` (RFC 3986 5.2): a URL, or one without scheme, host or
/// path. Segments "." and ".." are gone, and bytes that no URL holds are percent-encoded, as browsers do.
std::variant<Url, UrlError> resolve_url(const Url& base, std::string_view reference);

/// True when scheme, host and port are the same (RFC 9110 4.3.1).
bool same_origin(const Url& a, const Url& b) noexcept;

}  // namespace sluice::http
