// Redirects: where they lead, with which method and fields, and when they end.
#include "http/redirect.hpp"

#include <doctest/doctest.h>

using namespace sluice::http;

namespace {

Url url(std::string_view text) { return std::get<Url>(parse_url(text)); }

Response to(std::string location, int status = 302) {
  Response response{status, {}};
  response.fields.add("Location", std::move(location));
  return response;
}

RedirectError::Kind stopped(RedirectTrail& trail, const Response& response) {
  const auto next = trail.follow(response);
  REQUIRE(std::holds_alternative<RedirectError>(next));
  CHECK_FALSE(std::get<RedirectError>(next).message.empty());
  return std::get<RedirectError>(next).kind;
}

}  // namespace

TEST_CASE("five statuses redirect, and their neighbours don't [RFC 9110 15.4]") {
  for (const int status : {301, 302, 303, 307, 308}) CHECK(is_redirect(status));
  for (const int status : {200, 201, 300, 304, 305, 306, 309, 404}) CHECK_FALSE(is_redirect(status));
}

TEST_CASE("GET and HEAD stay what they are; POST becomes GET but for 307 and 308 [RFC 9110 15.4]") {
  for (const int status : {301, 302, 303, 307, 308}) {
    CHECK(redirected_method("GET", status) == "GET");
    CHECK(redirected_method("HEAD", status) == "HEAD");
    CHECK(redirected_method("POST", status) == (status < 304 ? "GET" : "POST"));
    CHECK(redirected_method("PUT", status) == (status == 303 ? "GET" : "PUT"));
  }
}

TEST_CASE("a trail goes on from where the last step led") {
  RedirectTrail trail(url("http://a/x/y"), 10);
  CHECK(std::get<Url>(trail.follow(to("z"))).text() == "http://a/x/z");
  CHECK(std::get<Url>(trail.follow(to("https://b/c/"))).text() == "https://b/c/");
  CHECK(std::get<Url>(trail.follow(to("d"))).text() == "https://b/c/d");
  CHECK(trail.steps() == 3);
  CHECK(trail.first().text() == "http://a/x/y");
}

TEST_CASE("a trail ends where it has been, after its limit, and without a place to go") {
  RedirectTrail trail(url("http://a/1"), 2);
  CHECK(stopped(trail, Response{302, {}}) == RedirectError::Kind::no_location);
  CHECK(stopped(trail, to("ftp://a/")) == RedirectError::Kind::bad_location);
  CHECK(stopped(trail, to("/1#other")) == RedirectError::Kind::circle);
  trail.follow(to("/2"));
  CHECK(stopped(trail, to("http://A:80/1")) == RedirectError::Kind::circle);
  trail.follow(to("/3"));
  CHECK(stopped(trail, to("/4")) == RedirectError::Kind::too_many);
  RedirectTrail none(url("http://a/1"), 0);
  CHECK(stopped(none, to("/2")) == RedirectError::Kind::too_many);
}

TEST_CASE("credentials stay with the origin that they were given for") {
  Fields given;
  for (const char* name : {"authorization", "Cookie", "Proxy-Authorization", "Host", "X-Trace"}) given.add(name, "v");
  const Url home = url("http://a/");
  CHECK(fields_for(home, url("http://a:80/other"), given).size() == 5);
  for (const char* elsewhere : {"http://b/", "http://a:81/", "https://a/", "http://a.b/"}) {
    const Fields kept = fields_for(home, url(elsewhere), given);
    CHECK(kept.size() == 1);
    CHECK(kept.find("X-Trace") == "v");
  }
}
