// One step of a redirect at a time; each reason to stop has its sentence.
#include "http/redirect.hpp"

#include <algorithm>

namespace sluice::http {
namespace {

constexpr std::string_view kOfOneOrigin[] = {"Authorization", "Cookie", "Proxy-Authorization", "Host"};

bool stays_home(const Field& field) noexcept {
  return std::any_of(std::begin(kOfOneOrigin), std::end(kOfOneOrigin),
                     [&](std::string_view name) { return iequals(field.name, name); });
}

bool same_place(const Url& a, const Url& b) noexcept { return same_origin(a, b) && a.target == b.target; }

}  // namespace

bool is_redirect(int status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::string redirected_method(std::string_view method, int status) {
  const bool becomes_get =
      (status == 303 && method != "HEAD") || ((status == 301 || status == 302) && method == "POST");
  return std::string(becomes_get ? "GET" : method);
}

Fields fields_for(const Url& first, const Url& next, const Fields& given) {
  if (same_origin(first, next)) return given;
  Fields kept;
  for (const Field& field : given)
    if (!stays_home(field)) kept.add(field.name, field.value);
  return kept;
}

std::variant<Url, RedirectError> RedirectTrail::follow(const Response& response) {
  using Kind = RedirectError::Kind;
  const auto location = response.fields.find("Location");
  if (!location)
    return RedirectError{Kind::no_location,
                         "the server answers " + std::to_string(response.status) + " without a Location"};
  auto next = resolve_url(now(), *location);
  if (const UrlError* error = std::get_if<UrlError>(&next))
    return RedirectError{Kind::bad_location, "a redirect leads nowhere: " + error->message};
  const Url& url = std::get<Url>(next);
  const auto before = [&](const Url& one) { return same_place(one, url); };
  if (std::any_of(visited_.begin(), visited_.end(), before))
    return RedirectError{Kind::circle, "the redirects go round in a circle, back to " + url.text()};
  if (steps() >= limit_) return RedirectError{Kind::too_many, "more than " + std::to_string(limit_) + " redirects"};
  visited_.push_back(url);
  return url;
}

}  // namespace sluice::http
