// HTTP messages as values, for servers, clients and what begins as HTTP (RFC 9110, RFC 9112).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::http {

struct Field {
  std::string name;   ///< as received; compare with iequals()
  std::string value;  ///< without surrounding white space
};

/// ASCII case-insensitive equality, for field names and tokens (RFC 9110 5.1).
bool iequals(std::string_view a, std::string_view b) noexcept;

/// True for a non-empty token of RFC 9110 5.6.2: what a method or a field name may be.
bool is_token(std::string_view text) noexcept;

/// True for what may stand as a request target: visible ASCII, and no fragment (RFC 9112 3.2, RFC 3986 3.5).
bool is_target(std::string_view text) noexcept;

/// `text` without spaces and tabs at both ends (OWS of RFC 9110 5.6.3).
std::string_view trim(std::string_view text) noexcept;

/// Cuts the next element off a comma-separated list, trimmed; empty elements are passed over (RFC
/// 9110 5.6.1). nullopt at the list's end.
std::optional<std::string_view> next_element(std::string_view& list) noexcept;

/// A decimal number of digits only; nullopt when empty, otherwise written, or over 64 bits.
std::optional<std::uint64_t> parse_decimal(std::string_view text) noexcept;

/// Percent-decoded once (RFC 3986 2.1); nullopt when a % is not followed by two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text);

/// The fields of a message in their order.
class Fields {
 public:
  void add(std::string name, std::string value) { fields_.push_back({std::move(name), std::move(value)}); }
  void reserve(std::size_t count) { fields_.reserve(count); }
  /// The first value of that name.
  std::optional<std::string_view> find(std::string_view name) const noexcept;
  std::size_t count(std::string_view name) const noexcept;
  /// All values of that name joined by ", " (RFC 9110 5.3).
  std::string joined(std::string_view name) const;
  /// True if the comma-separated list under `name` has `token`, case-insensitively.
  bool has_token(std::string_view name, std::string_view token) const noexcept;
  auto begin() const noexcept { return fields_.begin(); }
  auto end() const noexcept { return fields_.end(); }
  std::size_t size() const noexcept { return fields_.size(); }

 private:
  std::vector<Field> fields_;
};

/// A request's head. The body, if any, comes separately.
struct Request {
  std::string method;
  std::string target;     ///< as received: origin-form, absolute-form, or *
  int minor_version = 1;  ///< HTTP/1.x
  Fields fields;
  bool keep_alive = true;        ///< by version and Connection (RFC 9112 9.3)
  bool chunked = false;          ///< the body comes in chunks (RFC 9112 7.1)
  bool upgrade = false;          ///< Connection: upgrade with an Upgrade field, on HTTP/1.1 (RFC 9110 7.8)
  bool expect_continue = false;  ///< waits for 100 before the body (RFC 9110 10.1.1)
  std::optional<std::uint64_t> content_length;

  /// True when bytes of a body follow the head.
  bool has_body() const noexcept { return chunked || content_length.value_or(0) > 0; }
  /// The target without query, percent-decoded once, beginning with '/'. nullopt when it is not a valid path:
  /// a form without one, a bad escape, or an escaped control byte, slash or backslash (each could pass for
  /// another path).
  std::optional<std::string> path() const;
  /// The path as received, still encoded and without query; "" for a target without path.
  std::string_view raw_path() const noexcept;
  /// What follows the target's first '?', as received; "" when there is none.
  std::string_view query() const noexcept;
};

/// A response's head.
struct Response {
  int status = 200;
  Fields fields;
};

/// "Not Found" for 404, and so on; "" for a status without a registered phrase.
std::string_view reason_phrase(int status) noexcept;

}  // namespace sluice::http
