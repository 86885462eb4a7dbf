// Takes a URL apart from left to right; each way to be wrong has its sentence.
#include "http/url.hpp"

#include <algorithm>

#include "http/message.hpp"

namespace sluice::http {
namespace {

std::string lowered(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return lower;
}

bool is_name_byte(char c) noexcept {
  const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return alphanumeric || c == '-' || c == '.' || c == '_' || c == '~';
}

bool is_address_byte(char c) noexcept {
  const bool hexadecimal = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  return hexadecimal || c == ':' || c == '.';
}

bool all(std::string_view text, bool (*fits)(char) noexcept) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

std::uint16_t scheme_port(const Url& url) noexcept { return url.secure() ? 443 : 80; }

/// What a URL's parse leaves behind: nothing when it went well.
using Complaint = std::string_view;

Complaint read_scheme(Url& url, std::string_view& rest) {
  const std::size_t end = rest.find("://");
  if (end == rest.npos) return "it lacks a scheme such as http://";
  url.scheme = lowered(rest.substr(0, end));
  rest.remove_prefix(end + 3);
  for (const std::string_view known : {"http", "https", "ws", "wss"}) {
    if (url.scheme == known) return {};
  }
  return "its scheme is none of http, https, ws and wss";
}

Complaint read_port(Url& url, std::string_view text) {
  if (text.empty()) return {};  // "host:" means the scheme's own (RFC 3986 3.2.3)
  const auto number = parse_decimal(text);
  if (!number || *number == 0 || *number > 65535) return "its port is no number from 1 to 65535";
  url.port = static_cast<std::uint16_t>(*number);
  return {};
}

Complaint read_authority(Url& url, std::string_view text) {
  url.port = scheme_port(url);
  if (text.find('@') != text.npos) return "it holds user information, which is not sent";
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == text.npos) return "its address lacks a closing bracket";
    const std::string_view address = text.substr(1, end - 1);
    if (!all(address, is_address_byte) || address.find(':') == address.npos)
      return "there is no IPv6 address in its brackets";
    url.host = lowered(address);
    const std::string_view behind = text.substr(end + 1);
    if (behind.empty()) return {};
    return behind.front() == ':' ? read_port(url, behind.substr(1)) : "something other than a port follows its address";
  }
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  if (name.empty()) return "it lacks a host";
  if (!all(name, is_name_byte)) return "its host holds a character that no name has";
  url.host = lowered(name);
  return colon == text.npos ? Complaint() : read_port(url, text.substr(colon + 1));
}

Complaint read_target(Url& url, std::string_view text) {
  const std::size_t fragment = text.find('#');
  if (fragment != text.npos) {
    if (url.scheme.starts_with("ws")) return "a WebSocket URL has no fragment";
    text = text.substr(0, fragment);
  }
  url.target = text.starts_with('/') ? std::string(text) : std::string("/").append(text);
  return is_target(url.target) ? Complaint()
                               : "it holds a space or a character beyond ASCII, which must be percent-encoded";
}

Complaint read(Url& url, std::string_view rest) {
  if (const Complaint complaint = read_scheme(url, rest); !complaint.empty()) return complaint;
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  if (const Complaint complaint = read_authority(url, rest.substr(0, end)); !complaint.empty()) return complaint;
  return read_target(url, rest.substr(end));
}

std::string encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte < 0x7f)
      out += c;
    else
      out.append("%").append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
  }
  return out;
}

bool has_scheme(std::string_view reference) noexcept {
  const std::size_t end = reference.find_first_of(":/?#");
  return end != reference.npos && end > 0 && reference[end] == ':';
}

/// RFC 3986 5.2.4, for a path that begins with a slash.
std::string without_dots(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(0, end);
    path.remove_prefix(end);
    const bool upwards = segment == "/..";
    if (upwards) out.erase(std::min(out.rfind('/'), out.size()));
    if (!upwards && segment != "/.")
      out += segment;
    else if (path.empty())
      out += '/';
  }
  return out.empty() ? "/" : out;
}

std::string tidy_target(std::string_view target) {
  const std::size_t query = std::min(target.find('?'), target.size());
  return without_dots(target.substr(0, query)).append(target.substr(query));
}

/// RFC 3986 5.2.2 for a reference that has neither scheme nor host.
std::string merged_target(std::string_view base, std::string_view reference) {
  const std::string_view path = base.substr(0, base.find('?'));
  if (reference.empty()) return std::string(base);
  if (reference.front() == '/') return std::string(reference);
  if (reference.front() == '?') return std::string(path).append(reference);
  return std::string(path.substr(0, path.rfind('/') + 1)).append(reference);
}

}  // namespace

std::string Url::authority() const {
  std::string text = host.find(':') == host.npos ? host : std::string("[").append(host).append("]");
  if (port != scheme_port(*this)) text.append(":").append(std::to_string(port));
  return text;
}

std::variant<Url, UrlError> parse_url(std::string_view text) {
  Url url;
  const Complaint complaint = read(url, text);
  if (complaint.empty()) return url;
  return UrlError{std::string("'").append(text).append("' is no URL that sluice takes: ").append(complaint)};
}

std::variant<Url, UrlError> resolve_url(const Url& base, std::string_view reference) {
  const std::string text = encoded(trim(reference.substr(0, reference.find('#'))));
  const bool other_host = text.starts_with("//");
  if (!other_host && !has_scheme(text)) {
    Url url = base;
    url.target = tidy_target(merged_target(base.target, text));
    return url;
  }
  auto parsed = parse_url(other_host ? base.scheme + ":" + text : text);
  if (Url* url = std::get_if<Url>(&parsed)) url->target = tidy_target(url->target);
  return parsed;
}

bool same_origin(const Url& a, const Url& b) noexcept {
  return a.scheme == b.scheme && a.host == b.host && a.port == b.port;
}

}  // namespace sluice::http
