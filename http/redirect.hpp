// Where a client goes when an answer points elsewhere, and what it takes along (RFC 9110 15.4).
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "http/message.hpp"
#include "http/url.hpp"

namespace sluice::http {

/// 301, 302, 303, 307 or 308.
bool is_redirect(int status) noexcept;

/// The method of the next request: 303 makes a GET of all but HEAD, 301 and 302 one of POST, as everybody does.
std::string redirected_method(std::string_view method, int status);

/// The fields that may go to `next` when the user gave them for `first`: to another origin go no Authorization, Cookie
/// or Proxy-Authorization, and no Host of the user's.
Fields fields_for(const Url& first, const Url& next, const Fields& given);

/// Why a redirect isn't followed.
struct RedirectError {
  enum class Kind : std::uint8_t { no_location, bad_location, circle, too_many };
  Kind kind = Kind::no_location;
  std::string message;  ///< one sentence, without a full stop
};

/// The way from a first URL over all redirects so far.
class RedirectTrail {
 public:
  RedirectTrail(Url first, unsigned limit) : limit_(limit), visited_{std::move(first)} {}

  const Url& first() const noexcept { return visited_.front(); }
  const Url& now() const noexcept { return visited_.back(); }
  std::size_t steps() const noexcept { return visited_.size() - 1; }

  /// One step on. A URL that was visited before ends the trail: without cookies it would answer the same again.
  /// REQUIRES is_redirect(response.status).
  std::variant<Url, RedirectError> follow(const Response& response);

 private:
  unsigned limit_;
  std::vector<Url> visited_;
};

}  // namespace sluice::http
