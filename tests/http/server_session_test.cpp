// The server core: order, framing, persistence, upgrade.
#include <doctest/doctest.h>

#include "tests/http/server_bench.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::http::testing;

TEST_CASE("one GET, one answer, and the connection waits for the next [RFC 9112 9.3]") {
  Bench s;
  s.in(kGet);
  CHECK(s.log == "GET /a;end;");
  CHECK(s.out().empty());
  CHECK(s.session.respond(Response{}, std::string("hi")));
  CHECK_FALSE(s.session.respond(Response{}, std::string("again")));
  CHECK(s.out() == kOk);
  CHECK(s.session.phase() == Phase::serving);
  s.in(kGet);
  CHECK(s.log == "GET /a;end;GET /a;end;");
}

TEST_CASE("every split of two requests with bodies gives the same events and answers") {
  const std::string text =
      "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello" +
      std::string("PUT /q HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n") + kGet;
  for (std::size_t split = 0; split <= text.size(); ++split) {
    Bench s;
    s.answer_at_end = Response{};
    s.in(text.substr(0, split));
    s.in(text.substr(split));
    CHECK(s.log == "POST /p;end;PUT /q;end;GET /a;end;");
    CHECK(s.content == "helloabc");
    CHECK(s.out() == kOk + kOk + kOk);
    CHECK(s.waiting.empty());
  }
  for (const std::size_t cut : std::initializer_list<std::size_t>{1, 2, 3, 5, 11}) {
    Bench s;
    s.answer_at_end = Response{};
    s.in(text, cut);
    CHECK(s.content == "helloabc");
    CHECK(s.out() == kOk + kOk + kOk);
  }
}

TEST_CASE("a pipelined request waits unread until the one before it is answered [RFC 9112 9.3.2]") {
  Bench s;
  s.in(kGet + kGet + "GET /b");
  CHECK(s.log == "GET /a;end;");
  CHECK(s.waiting == kGet + "GET /b");
  s.session.respond(Response{}, std::string("hi"));
  s.in("");
  CHECK(s.log == "GET /a;end;GET /a;end;");
}

TEST_CASE("answers that nobody fetches stop the reading of requests") {
  ServerLimits limits;
  limits.queued = 500;
  Bench s(limits);
  s.answer = Response{};
  s.body = letters(400);
  s.in(kGet + kGet + kGet + kGet);
  CHECK(s.log == "GET /a;GET /a;");
  CHECK_FALSE(s.out().empty());
  s.in("");
  CHECK(s.log == "GET /a;GET /a;GET /a;GET /a;");

  ServerLimits few;
  few.answers = 2;
  Bench t(few);
  for (int i = 0; i < 3; ++i) {
    t.in(kGet);
    t.session.respond(Response{}, body_of(std::make_unique<Letters>(100000, 100000)));
  }
  CHECK(t.log == "GET /a;end;");  // its head and its resource are two entries
  CHECK(t.out().size() > 100000);
  t.in("");
  CHECK(t.log == "GET /a;end;GET /a;end;");
}

TEST_CASE("HEAD is told the size and sent no body [RFC 9110 9.3.2]") {
  Bench s;
  s.in("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" + kGet);
  s.session.respond(Response{}, body_of(std::make_unique<Letters>(70000, 70000)));
  CHECK(s.out() == "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n");
  s.in("");
  s.session.respond(Response{}, std::string("hi"));
  CHECK(s.out() == kOk);
}

TEST_CASE("204 and 304 have no body and no false length [RFC 9110 8.6, 15.4.5]") {
  Bench s;
  s.in(kGet + kGet + kGet);
  s.session.respond(Response{204, {}}, std::string("never"));
  CHECK(s.out() == "HTTP/1.1 204 No Content\r\n\r\n");
  s.in("");
  s.session.respond(Response{304, {}});
  CHECK(s.out() == "HTTP/1.1 304 Not Modified\r\n\r\n");
  s.in("");
  s.session.respond(Response{304, {}}, std::string("hi"));
  CHECK(s.out() == "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n");
}

TEST_CASE("fields of the owner go out, but framing and what would break the head does not") {
  Bench s;
  s.in(kGet);
  Response response;
  response.fields.add("X", "y");
  response.fields.add("Content-Length", "99");
  response.fields.add("Transfer-Encoding", "chunked");
  response.fields.add("Location", "/a\r\nEvil: 1");
  s.session.respond(response, std::string("hi"));
  CHECK(s.out() == "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 2\r\n\r\nhi");
}

TEST_CASE("the date is the one that the owner told, unless the answer has its own [RFC 9110 6.6.1]") {
  Bench s;
  s.in(kGet + kGet + kGet);
  s.session.set_date(784111777);
  s.session.respond(Response{});
  CHECK(s.out() == "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n");
  s.in("");
  s.session.set_date(784111778);
  s.session.respond(Response{});
  CHECK(has(s.out(), "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n"));
  s.in("");
  Response dated;
  dated.fields.add("Date", "x");
  s.session.respond(dated);
  CHECK(s.out() == "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("a client that wants to close is told close, and the stream is finished once [RFC 9112 9.6]") {
  Bench s;
  s.answer = Response{};
  s.in("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" + kGet);
  CHECK(s.session.phase() == Phase::flushing);
  CHECK(s.out() == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
  CHECK(s.log == "GET /;");
  CHECK(s.session.phase() == Phase::lingering);
  CHECK(s.session.take_finish());
  CHECK_FALSE(s.session.take_finish());
  s.in("still talking");
  CHECK(s.waiting.empty());
  s.session.receive_eof();
  CHECK(s.session.phase() == Phase::closed);
}

TEST_CASE("an owner that says close closes; lingering ends by itself") {
  Bench s;
  s.in(kGet);
  Response response;
  response.fields.add("Connection", "close");
  s.session.respond(response);
  CHECK(s.out() == "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  CHECK(s.session.phase() == Phase::lingering);
  CHECK(s.session.next_timeout() == s.now + 2s);
  s.wait(2s);
  CHECK(s.session.phase() == Phase::closed);
  CHECK(s.session.next_timeout() == kNever);
}

TEST_CASE("HTTP/1.0 closes unless it asked to stay [RFC 9112 9.3]") {
  Bench s;
  s.answer = Response{};
  s.in("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(s.out() == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi");
  CHECK(s.session.phase() == Phase::serving);
  s.in("GET / HTTP/1.0\r\n\r\n");
  CHECK(has(s.out(), "Connection: close\r\n"));
  CHECK(s.session.phase() == Phase::lingering);
}

TEST_CASE("a 101 ends HTTP behind the request's last byte [RFC 9110 7.8]") {
  Bench s;
  const std::string ask = "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  s.in(ask + "\x81\x00");
  CHECK(s.request.upgrade);
  Response response{101, {}};
  response.fields.add("Connection", "Upgrade");
  response.fields.add("Upgrade", "websocket");
  CHECK(s.session.respond(response));
  CHECK(s.session.phase() == Phase::flushing);
  CHECK(s.session.receive(as_bytes("\x81"), s.now) == 0);
  CHECK(s.out() == "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  CHECK(s.session.phase() == Phase::upgraded);
  CHECK(s.waiting == std::string("\x81\x00", 1));
  CHECK_FALSE(s.session.take_finish());
  CHECK(s.session.next_timeout() == kNever);
}

TEST_CASE("a 101 to a request that can't change the protocol is 400 [A-WS-11]") {
  for (const char* fields : {"", "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n"}) {
    Bench s;
    s.in("GET /ws HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n");
    CHECK_FALSE(s.session.respond(Response{101, {}}));
    CHECK(status_of(s.out()) == "HTTP/1.1 400 Bad Request");
    CHECK(s.session.phase() == Phase::lingering);
  }
}
