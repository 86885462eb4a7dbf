// Which place answers, and what is answered where none does.
#include "http/router.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace sluice::http;

namespace {

/// "PLACE" when a place answers, else the status and what is allowed: "405 GET, HEAD, OPTIONS".
std::string ask(const Router<std::string>& router, std::string method, std::string target) {
  Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  const auto found = router.route(request);
  if (const auto* place = std::get_if<const std::string*>(&found)) return **place;
  const Response& response = std::get<Answer>(found).response;
  const auto allowed = response.fields.find("Allow");
  return std::to_string(response.status) + (allowed ? " " + std::string(*allowed) : "");
}

Router<std::string> shop() {
  Router<std::string> router;
  router.at("/", "GET", "front");
  router.at("/cart", "GET", "show cart");
  router.at("/cart", "PUT, DELETE", "change cart");
  router.below("/files/", "GET", "files");
  router.at("/files/", "GET", "list");
  router.below("/files/new/", "POST", "uploads");
  router.at("/talk", "", "talk");
  return router;
}

}  // namespace

TEST_CASE("an exact path is that path, one with all below it what begins with it") {
  const auto router = shop();
  CHECK(ask(router, "GET", "/") == "front");
  CHECK(ask(router, "GET", "/cart") == "show cart");
  CHECK(ask(router, "GET", "/files/a/b.txt") == "files");
  for (const char* path : {"/cart/", "/Cart", "/car", "/cart2", "/files", "/file", "/x"})
    CHECK(ask(router, "GET", path) == "404");
}

TEST_CASE("the longest path decides, whatever came first, and an exact one before all below it") {
  const auto router = shop();
  CHECK(ask(router, "GET", "/files/") == "list");
  CHECK(ask(router, "POST", "/files/new/") == "uploads");
  CHECK(ask(router, "POST", "/files/new/x") == "uploads");
  CHECK(ask(router, "GET", "/files/new") == "files");
  CHECK(ask(router, "GET", "/files/new/x") == "405 POST, OPTIONS");
}

TEST_CASE("the query is no part of the path, and escapes are decoded once") {
  const auto router = shop();
  CHECK(ask(router, "GET", "/cart?item=/files/1") == "show cart");
  CHECK(ask(router, "GET", "http://shop.example/cart") == "show cart");
  CHECK(ask(router, "GET", "/c%61rt") == "show cart");
  CHECK(ask(router, "GET", "/c%2561rt") == "404");
}

TEST_CASE("what has no valid path is 400, whoever might answer it") {
  auto router = shop();
  router.below("/", "", "everything");
  for (const char* target : {"/%", "/a%00b", "/files%2fx", "x", "*"}) CHECK(ask(router, "GET", target) == "400");
}

TEST_CASE("another method is 405 with those that are allowed, each named once") {
  const auto router = shop();
  CHECK(ask(router, "PUT", "/cart") == "change cart");
  CHECK(ask(router, "DELETE", "/cart") == "change cart");
  CHECK(ask(router, "POST", "/cart") == "405 GET, HEAD, PUT, DELETE, OPTIONS");
  CHECK(ask(router, "get", "/cart") == "405 GET, HEAD, PUT, DELETE, OPTIONS");
  CHECK(ask(router, "DEL", "/cart") == "405 GET, HEAD, PUT, DELETE, OPTIONS");
  CHECK(ask(router, "POST", "/files/x") == "405 GET, HEAD, OPTIONS");
}

TEST_CASE("HEAD follows GET, and nothing else, unless it has a place of its own") {
  auto router = shop();
  CHECK(ask(router, "HEAD", "/cart") == "show cart");
  CHECK(ask(router, "HEAD", "/files/new/x") == "405 POST, OPTIONS");
  router.at("/cart", "HEAD", "look at cart");
  CHECK(ask(router, "HEAD", "/cart") == "look at cart");
  CHECK(ask(router, "GET", "/cart") == "show cart");
  CHECK(ask(router, "OPTIONS", "/cart") == "204 GET, HEAD, PUT, DELETE, OPTIONS");
}

TEST_CASE("OPTIONS is told what is allowed at a path, and of * what is anywhere") {
  auto router = shop();
  CHECK(ask(router, "OPTIONS", "/cart") == "204 GET, HEAD, PUT, DELETE, OPTIONS");
  CHECK(ask(router, "OPTIONS", "/files/new/x") == "204 POST, OPTIONS");
  CHECK(ask(router, "OPTIONS", "/x") == "404");
  CHECK(ask(router, "OPTIONS", "*") == "204 GET, HEAD, PUT, DELETE, POST, OPTIONS");
  router.at("/cart", "OPTIONS", "cart's options");
  CHECK(ask(router, "OPTIONS", "/cart") == "cart's options");
}

TEST_CASE("a place without methods answers any") {
  const auto router = shop();
  for (const char* method : {"GET", "HEAD", "OPTIONS", "BREW"}) CHECK(ask(router, method, "/talk") == "talk");
}

TEST_CASE("of two routes that could both answer, the first one does") {
  auto router = shop();
  router.at("/cart", "", "rest of cart");
  router.at("/talk", "GET", "never");
  CHECK(ask(router, "GET", "/cart") == "show cart");
  CHECK(ask(router, "POST", "/cart") == "rest of cart");
  CHECK(ask(router, "GET", "/talk") == "talk");
}

TEST_CASE("a router without routes knows no path") {
  CHECK(ask({}, "GET", "/") == "404");
  CHECK(ask({}, "OPTIONS", "*") == "204 OPTIONS");
}
