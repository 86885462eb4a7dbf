// Scheme, authority, target: from the left, nothing guessed.
#include "ws/url.hpp"

#include <algorithm>
#include <optional>

#include "http/message.hpp"

namespace sluice::ws {
namespace {

constexpr std::uint16_t default_port(bool secure) noexcept { return secure ? 443 : 80; }

/// Cuts "ws://" or "wss://" off.
bool take_scheme(std::string_view& text, Url& url) {
  const std::size_t end = text.find("://");
  if (end == text.npos) return false;
  const std::string_view scheme = text.substr(0, end);
  url.secure = http::iequals(scheme, "wss");
  if (!url.secure && !http::iequals(scheme, "ws")) return false;
  text.remove_prefix(end + 3);
  return true;
}

bool is_v6_text(std::string_view text) noexcept {
  return text.find(':') != text.npos && text.find_first_not_of("0123456789abcdefABCDEF:.") == text.npos;
}

bool is_name(std::string_view text) noexcept {
  const auto fits = [](char c) {
    return c > ' ' && c < 0x7f && std::string_view("\"#%/:<>?@[\\]^`{|}").find(c) == std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

/// "name", "name:port", "[v6]" or "[v6]:port".
bool take_authority(std::string_view text, Url& url) {
  std::size_t host_end = text.find(':');
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == text.npos || !is_v6_text(text.substr(1, bracket - 1))) return false;
    url.host = text.substr(1, bracket - 1);
    host_end = bracket + 1;
  } else {
    url.host = text.substr(0, host_end);
    if (!is_name(url.host)) return false;
  }
  url.port = default_port(url.secure);
  if (host_end >= text.size()) return true;
  if (text[host_end] != ':') return false;
  const auto port = http::parse_decimal(text.substr(host_end + 1));
  if (!port || *port == 0 || *port > 65535) return false;
  url.port = static_cast<std::uint16_t>(*port);
  return true;
}

}  // namespace

std::string Url::authority() const {
  std::string text = host.find(':') == host.npos ? host : "[" + host + "]";
  if (port != default_port(secure)) text.append(":").append(std::to_string(port));
  return text;
}

Result<Url> parse_url(std::string_view text) {
  Url url;
  if (!take_scheme(text, url)) return Errc::malformed;
  const std::size_t end = std::min(text.find_first_of("/?"), text.size());
  if (!take_authority(text.substr(0, end), url)) return Errc::malformed;
  if (end < text.size()) {
    if (!http::is_target(text.substr(end))) return Errc::malformed;  // a fragment, too [WS-3-1]
    url.target = text[end] == '?' ? "/" + std::string(text.substr(end)) : std::string(text.substr(end));
  }
  return url;
}

}  // namespace sluice::ws
