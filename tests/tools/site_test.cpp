// Which part of `sluice serve --http` a request is for.
#include <doctest/doctest.h>

#include <string>

#include "tools/http_service.hpp"

namespace sluice::tools {
namespace {

/// The place, or the status of the answer that stands for none.
int ask(const Site& site, const std::string& method, const std::string& target) {
  http::Request request;
  request.method = method;
  request.target = target;
  const http::Router<Place> router = make_router(site);
  const auto found = router.route(request);
  if (const auto* place = std::get_if<const Place*>(&found)) return static_cast<int>(**place);
  return std::get<http::Answer>(found).response.status;
}

int number(Place place) { return static_cast<int>(place); }

}  // namespace

TEST_CASE("a site without files has a page at its root, uploads, and nothing else") {
  const Site site;
  CHECK(ask(site, "GET", "/") == number(Place::front));
  CHECK(ask(site, "HEAD", "/") == number(Place::front));
  CHECK(ask(site, "POST", "/") == 405);
  CHECK(ask(site, "GET", "/x") == 404);
  for (const char* path : {"/upload", "/upload/", "/upload/name"}) {
    CHECK(ask(site, "PUT", path) == number(Place::uploads));
    CHECK(ask(site, "POST", path) == number(Place::uploads));
    CHECK(ask(site, "GET", path) == 405);
  }
  CHECK(ask(site, "PUT", "/uploads") == 404);
}

TEST_CASE("files are everywhere but where something else is") {
  Site site;
  site.files = std::make_unique<DirectorySource>(".");
  site.websocket_path = "/echo";
  site.chat_path = "/chat";
  site.chat = std::make_unique<ChatRoom>();
  for (const char* path : {"/", "/x", "/echo/", "/chat/x", "/chatter", "/uploads"})
    CHECK(ask(site, "GET", path) == number(Place::files));
  CHECK(ask(site, "PUT", "/x") == 405);
  CHECK(ask(site, "GET", "/chat") == number(Place::chat_page));
  CHECK(ask(site, "GET", "/chat/") == number(Place::chat_page));
  CHECK(ask(site, "POST", "/chat") == 405);
  CHECK(ask(site, "OPTIONS", "*") == 204);
}

TEST_CASE("a WebSocket's path judges each method itself") {
  Site site;
  site.websocket_path = "/echo";
  site.chat_path = "/chat";
  site.chat = std::make_unique<ChatRoom>();
  for (const char* method : {"GET", "POST", "OPTIONS", "HEAD"}) {
    CHECK(ask(site, method, "/echo") == number(Place::echo));
    CHECK(ask(site, method, "/chat/ws") == number(Place::chat));
  }
}

}  // namespace sluice::tools
