// Which part of a server a request is for, by path and method.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "http/answer.hpp"
#include "http/message.hpp"

namespace sluice::http {

/// Paths and methods, numbered as they were added: what Router knows of its places.
class Routes {
 public:
  void add(std::string path, bool below, std::string methods);
  /// The number of a route, or an answer; see Router::route().
  std::variant<std::size_t, Answer> find(const Request& request) const;

 private:
  struct Route {
    std::string path;
    bool below = false;  ///< whatever begins with `path`, too
    std::string methods;
    bool covers(std::string_view wanted) const noexcept;
  };

  const Route* closest(std::string_view path) const noexcept;
  std::size_t answering(const Route& resource, std::string_view method) const noexcept;
  bool is_of(const Route& route, const Route* resource) const noexcept;
  std::string allowed(const Route* resource) const;

  std::vector<Route> routes_;  ///< a handful: they are looked through one by one
};

/// `Place` is whatever the owner tells its parts by: an enumerator, a function. Paths are written decoded, and compared
/// as Request::path() has them, so a place below a path still has to look after "." and "..".
///
/// The route with the longest path that covers a request's decides which resource it is for; an exact path goes before
/// the same one with all below it. Only then the method counts, among all routes of that very path. Methods are a list:
/// "PUT, POST". GET brings HEAD, and OPTIONS is answered here, unless they are listed for a place of their own; an
/// empty list means any method, those two among them. Of two routes that could both answer, the one that came first
/// does.
template <class Place>
class Router {
 public:
  /// This path and no other. REQUIRES that it begins with '/'.
  void at(std::string path, std::string methods, Place place) {
    routes_.add(std::move(path), false, std::move(methods));
    places_.push_back(std::move(place));
  }
  /// This path and what begins with it: "/files/". REQUIRES '/' at both ends; "/" is everything.
  void below(std::string path, std::string methods, Place place) {
    routes_.add(std::move(path), true, std::move(methods));
    places_.push_back(std::move(place));
  }

  /// The place (never nullptr, and valid until the next route is added), or the answer when there is none: 404 without
  /// a path that covers it, 405 with Allow for another method, 204 with Allow for OPTIONS, of "*" with all methods
  /// that are listed anywhere (RFC 9110 9.3.7), and 400 for a target that has no path.
  std::variant<const Place*, Answer> route(const Request& request) const& {
    std::variant<std::size_t, Answer> found = routes_.find(request);
    if (const std::size_t* number = std::get_if<std::size_t>(&found)) return &places_[*number];
    return std::get<Answer>(std::move(found));
  }
  void route(const Request& request) && = delete;

 private:
  Routes routes_;
  std::vector<Place> places_;  ///< by the numbers of their routes
};

}  // namespace sluice::http
