// The gate: which heads come in, and with which status the others are refused.
#include "http/head_parser.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace sluice;
using namespace sluice::http;

namespace {

/// 0 for an accepted head, else the refusal's status; -1 when the head has no end. Fed in pieces of `cut` bytes.
int judge(std::string_view text, std::size_t cut = SIZE_MAX, const HeadLimits& limits = {}) {
  HeadReader reader(limits);
  std::string kept;
  while (!text.empty() && reader.state() == HeadReader::State::incomplete) {
    kept = text.substr(0, cut);
    text.remove_prefix(std::min(cut, text.size()));
    reader.receive(as_bytes(kept));
  }
  if (reader.state() == HeadReader::State::incomplete) return -1;
  if (reader.state() == HeadReader::State::refused) return reader.refusal().status;
  const auto parsed = parse_request(reader.head(), limits);
  const Refusal* refusal = std::get_if<Refusal>(&parsed);
  return refusal ? refusal->status : 0;
}

Request accept(std::string_view text) {
  HeadReader reader{HeadLimits{}};
  CHECK(reader.receive(as_bytes(text)) == text.size());
  REQUIRE(reader.state() == HeadReader::State::complete);
  auto parsed = parse_request(reader.head(), {});
  REQUIRE(std::holds_alternative<Request>(parsed));
  return std::get<Request>(std::move(parsed));
}

/// A request whose fields behind Host are `fields`.
std::string with_fields(std::string_view fields) {
  return "POST / HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}

std::string with_line(std::string_view line) { return std::string(line) + "\r\nHost: h\r\n\r\n"; }

}  // namespace

TEST_CASE("a plain head is read whole [RFC 9112 3]") {
  const Request request = accept("GET /a?b HTTP/1.1\r\nHost: example.org\r\nX-Y:  z \t\r\nEmpty:\r\n\r\n");
  CHECK(request.method == "GET");
  CHECK(request.target == "/a?b");
  CHECK(request.minor_version == 1);
  CHECK(request.fields.find("host") == "example.org");
  CHECK(request.fields.find("x-y") == "z");
  CHECK(request.fields.find("empty") == "");
  CHECK(request.keep_alive);
  CHECK_FALSE(request.has_body());
  CHECK_FALSE(request.upgrade);
}

TEST_CASE("the version and Connection decide whether the connection lives on [RFC 9112 9.3]") {
  CHECK(accept("GET / HTTP/1.0\r\n\r\n").keep_alive == false);
  CHECK(accept("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
  CHECK(accept(with_fields("Connection: x, Close\r\n")).keep_alive == false);
  CHECK(accept(with_fields("Connection: keep-alive, close\r\n")).keep_alive == false);
}

TEST_CASE("an upgrade needs both fields and HTTP/1.1 [RFC 9110 7.8]") {
  CHECK(accept(with_fields("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n")).upgrade);
  CHECK_FALSE(accept(with_fields("Upgrade: websocket\r\n")).upgrade);
  CHECK_FALSE(accept(with_fields("Connection: upgrade\r\n")).upgrade);
  CHECK_FALSE(accept("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").upgrade);
}

TEST_CASE("lengths and codings frame the body [RFC 9112 6]") {
  CHECK(accept(with_fields("Content-Length: 42\r\n")).content_length == 42);
  CHECK(accept(with_fields("Content-Length: 0\r\n")).has_body() == false);
  const Request request = accept(with_fields("transfer-encoding: Chunked\r\n"));
  CHECK(request.chunked);
  CHECK(request.has_body());
  CHECK(accept(with_fields("Expect: 100-Continue\r\nContent-Length: 1\r\n")).expect_continue);
  CHECK_FALSE(accept(with_fields("Expect: 100-continue\r\n")).expect_continue);
}

TEST_CASE("exactly one Host on HTTP/1.1 [RFC 9112 3.2]") {
  CHECK(judge("GET / HTTP/1.1\r\n\r\n") == 400);
  CHECK(judge("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n") == 400);
  CHECK(judge("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n") == 400);
  CHECK(judge("GET / HTTP/1.0\r\n\r\n") == 0);
  CHECK(judge("GET / HTTP/1.1\r\nHost:\r\n\r\n") == 0);
  CHECK(judge("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n") == 0);
  CHECK(judge("GET / HTTP/1.1\r\nHost: a b\r\n\r\n") == 400);
  CHECK(judge("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n") == 400);
  CHECK(judge("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n") == 400);
}

TEST_CASE("framing that could be read in two ways is refused: request smuggling [RFC 9112 11.2, A-WS-10]") {
  struct Case {
    const char* fields;
    int status;
  };
  for (const Case& c : {
           Case{"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400},
           Case{"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400},
           Case{"Content-Length: 5\r\nContent-Length: 5\r\n", 400},
           Case{"Content-Length: 5\r\nContent-Length: 6\r\n", 400},
           Case{"Content-Length: 5, 5\r\n", 400},
           Case{"Content-Length: +5\r\n", 400},
           Case{"Content-Length: -5\r\n", 400},
           Case{"Content-Length: 0x5\r\n", 400},
           Case{"Content-Length: 5 6\r\n", 400},
           Case{"Content-Length:\r\n", 400},
           Case{"Content-Length: 18446744073709551616\r\n", 400},
           Case{"Content-Length : 5\r\n", 400},
           Case{"Transfer-Encoding : chunked\r\n", 400},
           Case{"Transfer-Encoding: chunked, gzip\r\n", 400},
           Case{"Transfer-Encoding: chunked, chunked\r\n", 400},
           Case{"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400},
           Case{"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400},
           Case{"Transfer-Encoding:\r\n", 400},
           Case{"Transfer-Encoding: gzip, chunked\r\n", 501},
           Case{"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", 501},
           Case{"Transfer-Encoding: xchunked\r\n", 501},
           Case{"Transfer-Encoding: identity\r\n", 501},
           Case{"Transfer-Encoding: chunked;q=1\r\n", 501},
           Case{"Transfer-Encoding: \x0B"
                "chunked\r\n",
                400},
           Case{"Transfer-Encoding: \"chunked\"\r\n", 501},
           Case{"X: \rTransfer-Encoding: chunked\r\n", 400},
           Case{"X: y\nTransfer-Encoding: chunked\r\n", 400},
           Case{"Transfer-Encoding:\r\n chunked\r\n", 400},
           Case{"X: y\r\n folded\r\n", 400},
           Case{"X: y\r\n\tfolded\r\n", 400},
           Case{" X: y\r\n", 400},
           Case{"X\r\n", 400},
           Case{": y\r\n", 400},
           Case{"X Y: z\r\n", 400},
           Case{"X\x80: z\r\n", 400},
           Case{"X: a\x01\r\n", 400},
           Case{"X: a\x7F\r\n", 400},
           Case{"Expect: magic\r\n", 417},
       }) {
    CAPTURE(c.fields);
    CHECK(judge(with_fields(c.fields)) == c.status);
  }
  CHECK(judge(with_fields(std::string_view("X: a\0b\r\n", 8))) == 400);
  CHECK(judge("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
  CHECK(judge("GET / HTTP/1.1\nHost: h\n\n") == 400);
}

TEST_CASE("a start line is one method, one target, one version, one space between [RFC 9112 3]") {
  for (const char* bad : {"GET  / HTTP/1.1",
                          "GET / HTTP/1.1 ",
                          "GET / HTTP/1",
                          "GET / http/1.1",
                          "GET /",
                          "GET",
                          "GET / HTTP/1.1x",
                          "GET / FTP/1.1",
                          "G@T / HTTP/1.1",
                          "GET /a b HTTP/1.1",
                          "GET /\xC3\xA4 HTTP/1.1",
                          "GET /\x7F HTTP/1.1",
                          "GET /#f HTTP/1.1",
                          " GET / HTTP/1.1",
                          "GET\t/ HTTP/1.1",
                          "GET a HTTP/1.1",
                          "GET * HTTP/1.1",
                          "GET ftp://h/ HTTP/1.1",
                          "GET http:// HTTP/1.1",
                          "GET http://u@h/ HTTP/1.1",
                          "GET / HTTP/a.b",
                          "GET / HTTP/1.1\rX"}) {
    CAPTURE(bad);
    CHECK(judge(with_line(bad)) == 400);
  }
  CHECK(judge(with_line("GET / HTTP/2.0")) == 505);
  CHECK(judge(with_line("GET / HTTP/1.2")) == 505);
  CHECK(judge(with_line("GET / HTTP/0.9")) == 505);
  CHECK(judge("PRI * HTTP/2.0\r\n\r\n") == 505);
  CHECK(judge(with_line("CONNECT h:80 HTTP/1.1")) == 501);
  CHECK(judge(with_line("OPTIONS * HTTP/1.1")) == 0);
  CHECK(judge(with_line("GET http://h/p HTTP/1.1")) == 0);
  CHECK(judge(with_line("BREW /pot HTTP/1.1")) == 0);
}

TEST_CASE("empty lines before a request are passed over, within the head's limit [RFC 9112 2.2]") {
  CHECK(judge(std::string("\r\n\r\n").append(with_line("GET / HTTP/1.1"))) == 0);
  CHECK(judge(std::string("\n").append(with_line("GET / HTTP/1.1"))) == 400);
  CHECK(judge("\rGET / HTTP/1.1\r\n\r\n") == 400);
  std::string blank;
  for (int i = 0; i < 5000; ++i) blank += "\r\n";
  CHECK(judge(blank) == 414);
}

TEST_CASE("what is too large is 414 in the first line and 431 behind it [A-WS-12]") {
  CHECK(judge(with_line("GET /" + std::string(7999, 'a') + " HTTP/1.1")) == 0);
  CHECK(judge(with_line("GET /" + std::string(8000, 'a') + " HTTP/1.1")) == 414);
  CHECK(judge("GET /" + std::string(9000, 'a')) == 414);
  CHECK(judge(with_fields("X: " + std::string(8192, 'a') + "\r\n")) == 431);
  CHECK(judge("GET / HTTP/1.1\r\nX: " + std::string(9000, 'a')) == 431);
  const HeadLimits small{64, 8000, 2};
  const std::string begin = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
  CHECK(judge(begin + std::string(32, 'a') + "\r\n\r\n", SIZE_MAX, small) == 0);  // 64 bytes
  CHECK(judge(begin + std::string(33, 'a') + "\r\n\r\n", SIZE_MAX, small) == 431);
  CHECK(judge("GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nB: 2\r\n\r\n", SIZE_MAX, small) == 431);
}

TEST_CASE("a hundred fields pass, one more does not") {
  std::string fields;
  for (int i = 0; i < 99; ++i) fields += "A: b\r\n";
  CHECK(judge(with_fields(fields)) == 0);
  CHECK(judge(with_fields(fields + "A: b\r\n")) == 431);
}

TEST_CASE("what can be no HTTP is known by its first byte") {
  CHECK(judge("\x16\x03\x01") == 400);
  CHECK(judge("{") == 400);
  CHECK(judge("G") == -1);
  CHECK(judge("\r") == -1);
}

TEST_CASE("the split of the bytes never changes the verdict") {
  const std::string heads[] = {
      "\r\n" + with_line("GET /a HTTP/1.1"),
      with_fields("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
      with_fields("X: y\r\n folded\r\n"),
      with_fields("X: y\nz: a\r\n"),
      with_line("GET / HTTP/3.0"),
      "{}\r\n\r\n",
      with_fields("X: " + std::string(9000, 'a') + "\r\n"),
      with_line("GET /" + std::string(9000, 'a') + " HTTP/1.1"),
  };
  for (const std::string& head : heads) {
    const int expected = judge(head);
    for (const std::size_t cut : std::initializer_list<std::size_t>{1, 2, 3, 7, 19, 64, 1000, 8191, 8192, 8193})
      CHECK(judge(head, cut) == expected);
  }
}

TEST_CASE("a reader takes exactly one head, for every split in two") {
  const std::string head = with_line("GET /a HTTP/1.1");
  const std::string both = head + "GET /next";
  for (std::size_t cut = 0; cut <= both.size(); ++cut) {
    HeadReader reader{HeadLimits{}};
    std::string first = both.substr(0, cut);
    std::size_t taken = reader.receive(as_bytes(first));
    CHECK(taken == std::min(cut, head.size()));
    std::string second = both.substr(taken);
    taken += reader.receive(as_bytes(second));
    CHECK(taken == head.size());
    REQUIRE(reader.state() == HeadReader::State::complete);
    CHECK(as_text(reader.head()) == head);
    CHECK(reader.receive(as_bytes(second)) == 0);
    reader.clear();
    CHECK_FALSE(reader.started());
  }
}

namespace {

std::variant<ReceivedResponse, Refusal> response(std::string_view text) {
  HeadReader reader{HeadLimits{}};
  reader.receive(as_bytes(text));
  REQUIRE(reader.state() == HeadReader::State::complete);
  return parse_response(reader.head());
}

}  // namespace

TEST_CASE("a response's head is read with its framing [RFC 9112 4]") {
  const auto parsed = response("HTTP/1.1 206 Some Part\r\nContent-Length: 3\r\nA: b\r\n\r\n");
  REQUIRE(std::holds_alternative<ReceivedResponse>(parsed));
  const auto& received = std::get<ReceivedResponse>(parsed);
  CHECK(received.response.status == 206);
  CHECK(received.content_length == 3);
  CHECK(received.keep_alive);
  CHECK(received.response.fields.find("a") == "b");
  const auto old = response("HTTP/1.0 200 \r\n\r\n");
  REQUIRE(std::holds_alternative<ReceivedResponse>(old));
  CHECK_FALSE(std::get<ReceivedResponse>(old).keep_alive);
}

TEST_CASE("a response that could be read in two ways is none") {
  for (const char* bad :
       {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n", "ICY 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 OK\r\n\r\n"}) {
    CAPTURE(bad);
    const auto parsed = response(bad);
    REQUIRE(std::holds_alternative<Refusal>(parsed));
    CHECK(std::get<Refusal>(parsed).status == 502);
  }
}
