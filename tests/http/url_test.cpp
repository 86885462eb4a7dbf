// URLs: what is taken, and how the rest is refused.
#include "http/url.hpp"

#include <doctest/doctest.h>

using namespace sluice::http;

namespace {

Url read(std::string_view text) {
  auto parsed = parse_url(text);
  REQUIRE(std::holds_alternative<Url>(parsed));
  return std::get<Url>(std::move(parsed));
}

std::string complaint(std::string_view text) {
  const auto parsed = parse_url(text);
  REQUIRE(std::holds_alternative<UrlError>(parsed));
  return std::get<UrlError>(parsed).message;
}

}  // namespace

TEST_CASE("a URL comes apart into scheme, host, port and target [RFC 3986 3]") {
  const Url url = read("HTTP://Example.ORG:8080/a/b?c=d#e");
  CHECK(url.scheme == "http");
  CHECK(url.host == "example.org");
  CHECK(url.port == 8080);
  CHECK(url.target == "/a/b?c=d");
  CHECK(url.authority() == "example.org:8080");
  CHECK_FALSE(url.secure());
}

TEST_CASE("what is left out has its default [WS-3-2]") {
  CHECK(read("http://h").port == 80);
  CHECK(read("https://h").port == 443);
  CHECK(read("ws://h").port == 80);
  CHECK(read("wss://h").port == 443);
  CHECK(read("wss://h").secure());
  CHECK(read("http://h").target == "/");
  CHECK(read("http://h?q").target == "/?q");
  CHECK(read("http://h:/").port == 80);
  CHECK(read("https://h:443").authority() == "h");
  CHECK(read("https://h:80").authority() == "h:80");
}

TEST_CASE("an IPv6 address stands in brackets") {
  const Url url = read("http://[FD00::2]:81/x");
  CHECK(url.host == "fd00::2");
  CHECK(url.port == 81);
  CHECK(url.authority() == "[fd00::2]:81");
  CHECK(read("ws://[::1]").authority() == "[::1]");
}

TEST_CASE("a WebSocket URL has no fragment [WS-3-1]") {
  CHECK(complaint("ws://h/#a") == "'ws://h/#a' is no URL that sluice takes: a WebSocket URL has no fragment");
  CHECK(read("http://h#a").target == "/");
}

TEST_CASE("each way to be wrong has its sentence") {
  struct Case {
    const char* text;
    const char* part;
  };
  for (const Case& c :
       {Case{"", "lacks a scheme"}, Case{"h/x", "lacks a scheme"}, Case{"ftp://h", "none of http"},
        Case{"http://", "lacks a host"}, Case{"http://:80", "lacks a host"}, Case{"http://u:p@h", "user information"},
        Case{"http://h:0", "its port"}, Case{"http://h:65536", "its port"}, Case{"http://h:x", "its port"},
        Case{"http://[::1", "closing bracket"}, Case{"http://[1.2.3.4]", "no IPv6 address"},
        Case{"http://[::g]", "no IPv6 address"}, Case{"http://[]", "no IPv6 address"},
        Case{"http://[::1]x", "other than a port"}, Case{"http://a b/", "no name has"},
        Case{"http://h\xC3\xA4/", "no name has"}, Case{"http://h/a b", "percent-encoded"},
        Case{"http://h/\xC3\xA4", "percent-encoded"}, Case{"http://h/\r\nX: y", "percent-encoded"}}) {
    CAPTURE(c.text);
    CHECK(complaint(c.text).find(c.part) != std::string::npos);
  }
}

TEST_CASE("a reference is resolved as the RFC's examples are [RFC 3986 5.4]") {
  const Url base = read("http://a/b/c/d;p?q");
  struct Case {
    const char* reference;
    const char* url;
  };
  for (const Case& c : {Case{"g", "http://a/b/c/g"},
                        Case{"./g", "http://a/b/c/g"},
                        Case{"g/", "http://a/b/c/g/"},
                        Case{"/g", "http://a/g"},
                        Case{"//g", "http://g/"},
                        Case{"?y", "http://a/b/c/d;p?y"},
                        Case{"g?y", "http://a/b/c/g?y"},
                        Case{"#s", "http://a/b/c/d;p?q"},
                        Case{"g#s", "http://a/b/c/g"},
                        Case{";x", "http://a/b/c/;x"},
                        Case{"", "http://a/b/c/d;p?q"},
                        Case{".", "http://a/b/c/"},
                        Case{"..", "http://a/b/"},
                        Case{"../g", "http://a/b/g"},
                        Case{"../..", "http://a/"},
                        Case{"../../../g", "http://a/g"},
                        Case{"/./g", "http://a/g"},
                        Case{"/../g", "http://a/g"},
                        Case{"g..", "http://a/b/c/g.."},
                        Case{"./../g", "http://a/b/g"},
                        Case{"g/./h", "http://a/b/c/g/h"},
                        Case{"g;x=1/../y", "http://a/b/c/y"},
                        Case{"g?y/../x", "http://a/b/c/g?y/../x"},
                        Case{"https://h:444/./x/..", "https://h:444/"},
                        Case{"//h:81/x", "http://h:81/x"},
                        Case{" /a b\xc3\xbc ", "http://a/a%20b%C3%BC"}}) {
    CAPTURE(c.reference);
    const auto resolved = resolve_url(base, c.reference);
    REQUIRE(std::holds_alternative<Url>(resolved));
    CHECK(std::get<Url>(resolved).text() == c.url);
  }
  for (const char* wrong : {"ftp://h/", "http://", "//user@h/", "javascript:alert(1)"})
    CHECK(std::holds_alternative<UrlError>(resolve_url(base, wrong)));
}
