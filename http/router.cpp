// First the resource, by the closest path; then who of it answers the method (RFC 9110 9.1, 15.5.6).
#include "http/router.hpp"

#include <algorithm>
#include <cassert>
#include <optional>

namespace sluice::http {
namespace {

constexpr std::size_t kNobody = SIZE_MAX;

/// Methods are case-sensitive (RFC 9110 9.1).
bool lists(std::string_view methods, std::string_view method) noexcept {
  while (const auto element = next_element(methods))
    if (*element == method) return true;
  return false;
}

}  // namespace

void Routes::add(std::string path, bool below, std::string methods) {
  assert(path.starts_with('/') && (!below || path.ends_with('/')));
  routes_.push_back({std::move(path), below, std::move(methods)});
}

bool Routes::Route::covers(std::string_view wanted) const noexcept {
  return below ? wanted.starts_with(path) : wanted == path;
}

/// nullptr: no route covers the path.
const Routes::Route* Routes::closest(std::string_view path) const noexcept {
  const Route* best = nullptr;
  for (const Route& route : routes_) {
    if (!route.covers(path)) continue;
    const bool closer = !best || route.path.size() > best->path.size() ||
                        (route.path.size() == best->path.size() && best->below && !route.below);
    if (closer) best = &route;
  }
  return best;
}

/// nullptr stands for the server as a whole.
bool Routes::is_of(const Route& route, const Route* resource) const noexcept {
  return !resource || (route.path == resource->path && route.below == resource->below);
}

std::size_t Routes::answering(const Route& resource, std::string_view method) const noexcept {
  for (std::size_t number = 0; number < routes_.size(); ++number) {
    const Route& route = routes_[number];
    if (is_of(route, &resource) && (route.methods.empty() || lists(route.methods, method))) return number;
  }
  return method == "HEAD" ? answering(resource, "GET") : kNobody;
}

/// Each method once, in the order of the routes.
std::string Routes::allowed(const Route* resource) const {
  std::string list;
  const auto allow = [&list](std::string_view method) {
    if (!lists(list, method)) list.append(list.empty() ? "" : ", ").append(method);
  };
  for (const Route& route : routes_) {
    if (!is_of(route, resource)) continue;
    std::string_view methods = route.methods;
    while (const auto method = next_element(methods)) {
      allow(*method);
      if (*method == "GET") allow("HEAD");
    }
  }
  allow("OPTIONS");
  return list;
}

std::variant<std::size_t, Answer> Routes::find(const Request& request) const {
  if (request.target == "*" && request.method == "OPTIONS") return options_answer(allowed(nullptr));
  const std::optional<std::string> path = request.path();
  if (!path) return status_answer(400);
  const Route* resource = closest(*path);
  if (!resource) return status_answer(404);
  if (const std::size_t number = answering(*resource, request.method); number != kNobody) return number;
  if (request.method == "OPTIONS") return options_answer(allowed(resource));
  return not_allowed_answer(allowed(resource));
}

}  // namespace sluice::http
