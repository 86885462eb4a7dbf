// Bodies in and out: streamed, of resources, awaited, dropped.
#include <doctest/doctest.h>

#include "tests/http/server_bench.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::http::testing;

TEST_CASE("a streamed answer goes out in chunks [RFC 9112 7.1]") {
  Bench s;
  s.in(kGet + kGet);
  CHECK(s.session.body_room() == 0);
  s.session.respond(Response{}, StreamedBody{});
  CHECK(s.session.write_body(as_bytes("hello")) == 5);
  CHECK(s.session.write_body({}) == 0);
  s.session.write_body(as_bytes(letters(16)));
  CHECK(s.out() == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n10\r\nabcdefghijklmnop\r\n");
  s.in("");
  CHECK(s.log == "GET /a;end;");
  s.session.finish_body();
  s.session.finish_body();
  CHECK(s.out() == "0\r\n\r\n");
  s.in("");
  CHECK(s.log == "GET /a;end;GET /a;end;");
}

TEST_CASE("a streamed answer of known size goes out bare, and short of it is broken off") {
  Bench s;
  s.in(kGet + kGet);
  s.session.respond(Response{}, StreamedBody{2});
  s.session.write_body(as_bytes("hi"));
  s.session.finish_body();
  CHECK(s.out() == kOk);
  s.in("");
  s.session.respond(Response{}, StreamedBody{3});
  s.session.write_body(as_bytes("hi"));
  s.session.finish_body();
  CHECK(s.session.phase() == Phase::aborted);
  CHECK(s.out().empty());
  CHECK(s.events());
  CHECK(has(s.log, "failed 0;"));
}

TEST_CASE("a streamed answer to HTTP/1.0 lasts until close; to HEAD it is none") {
  Bench s;
  s.in("HEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  s.session.respond(Response{}, StreamedBody{});
  CHECK(s.session.body_room() == 0);
  CHECK(s.out() == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  s.in("");
  s.session.respond(Response{}, StreamedBody{});
  s.session.write_body(as_bytes("abc"));
  s.session.finish_body();
  CHECK(s.out() == "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc");
  CHECK(s.session.phase() == Phase::lingering);
}

TEST_CASE("a streamed answer takes no more than the queue may hold") {
  ServerLimits limits;
  limits.queued = 1000;
  Bench s(limits);
  s.in(kGet);
  s.session.respond(Response{}, StreamedBody{5000});
  const std::string text = letters(5000);
  std::size_t written = s.session.write_body(as_bytes(text));
  CHECK(written < 1000);
  std::string sent = s.out();
  while (written < text.size()) {
    const std::size_t more = s.session.write_body(as_bytes(text).subspan(written));
    REQUIRE(more > 0);
    written += more;
    sent += s.out(300);
  }
  s.session.finish_body();
  sent += s.out();
  CHECK(sent.substr(sent.find("\r\n\r\n") + 4) == text);
}

TEST_CASE("a body is echoed while it arrives") {
  Bench s;
  s.in("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n");
  s.session.respond(Response{}, StreamedBody{6});
  s.in("abc");
  s.session.write_body(as_bytes(s.content));
  CHECK(s.out() == "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
  s.in("def");
  CHECK(s.log == "POST /;end;");
  s.session.write_body(as_bytes(s.content).subspan(3));
  s.session.finish_body();
  CHECK(s.out() == "def");
  s.in(kGet);
  CHECK(has(s.log, "GET /a;"));
}

TEST_CASE("a large resource streams in pieces as room appears") {
  Bench s;
  s.in(kGet);
  s.session.respond(Response{}, body_of(std::make_unique<Letters>(300000, 300000)));
  std::string sent;
  std::size_t turns = 0;
  for (std::string piece = s.out(50000); !piece.empty(); piece = s.out(50000), ++turns) sent += piece;
  CHECK(turns == 7);
  CHECK(sent == "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + letters(300000));
}

TEST_CASE("part of a resource, a slice and a long text go out as they are") {
  Bench s;
  s.in(kGet + kGet + kGet + kGet);
  s.session.respond(Response{206, {}}, ResourceBody{std::make_unique<Letters>(100, 100), 3, 4});
  CHECK(has(s.out(), "\r\n\r\ndefg"));
  for (const std::size_t size : std::initializer_list<std::size_t>{10, 100000}) {
    s.in("");
    s.session.respond(Response{}, Slice::copy_of(as_bytes(letters(size))));
    CHECK(has(s.out(), "\r\n\r\n" + letters(size)));
  }
  s.in("");
  s.session.respond(Response{}, letters(100000));
  CHECK(has(s.out(), "\r\n\r\n" + letters(100000)));
}

TEST_CASE("a resource that became shorter breaks the connection, not the peer's idea of it") {
  Bench s;
  s.in(kGet);
  s.session.respond(Response{}, body_of(std::make_unique<Letters>(200000, 150000)));
  const std::string sent = s.out();
  CHECK(sent.size() < 200000);
  CHECK(s.session.phase() == Phase::aborted);
  s.events();
  CHECK(s.log == "GET /a;end;failed 0;");
}

TEST_CASE("100 goes out when the owner waits for the body, and not when it has come [RFC 9110 10.1.1]") {
  const std::string head = "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
  Bench s;
  s.in(head);
  CHECK(s.out() == "HTTP/1.1 100 Continue\r\n\r\n");
  s.answer_at_end = Response{};
  s.in("abc");
  CHECK(s.out() == kOk);

  Bench held;
  CHECK(held.session.receive(as_bytes(head), held.now) == head.size());
  CHECK(held.session.poll_event().has_value());
  held.session.hold_body(true);
  CHECK_FALSE(held.session.poll_event().has_value());
  CHECK(held.out().empty());
  held.session.hold_body(false);
  held.in("abc");
  CHECK(held.content == "abc");
}

TEST_CASE("an answer instead of 100 ends the connection: the body may or may not come [RFC 9110 10.1.1]") {
  Bench s;
  s.answer = Response{403, {}};
  s.in("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  const std::string sent = s.out();
  CHECK(status_of(sent) == "HTTP/1.1 403 Forbidden");
  CHECK(has(sent, "Connection: close\r\n"));
  CHECK(s.session.phase() == Phase::lingering);
}

TEST_CASE("an early answer drops a short rest of the body and keeps the connection") {
  Bench s;
  s.answer = Response{404, {}};
  s.in("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc");
  CHECK(status_of(s.out()) == "HTTP/1.1 404 Not Found");
  s.in("def" + kGet);
  CHECK(s.content.empty());
  CHECK(s.log == "PUT /;GET /a;");
  CHECK(s.session.phase() == Phase::serving);
}

TEST_CASE("an early answer to a long or unmeasured body ends the connection") {
  for (const char* framing : {"Content-Length: 1000000", "Transfer-Encoding: chunked"}) {
    Bench s;
    s.answer = Response{404, {}};
    s.in("PUT / HTTP/1.1\r\nHost: h\r\n" + std::string(framing) + "\r\n\r\n");
    s.in(std::string(200000, 'x'));
    CHECK(s.waiting.empty());
    CHECK(has(s.out(), "Connection: close\r\n"));
    CHECK(s.session.phase() == Phase::lingering);
  }
}

TEST_CASE("a body that waits is not read, nor does its time run") {
  Bench s;
  s.in("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n");
  s.session.hold_body(true);
  s.in("abc");
  CHECK(s.waiting == "abc");
  CHECK(s.out().empty());
  CHECK(s.session.next_timeout() == kNever);
  s.session.hold_body(false);
  s.out();
  CHECK(s.session.next_timeout() == s.now + 30s);
  s.in("");
  CHECK(s.content == "abc");
}

TEST_CASE("a streamed answer that may use the body asks for it first [RFC 9110 10.1.1]") {
  Bench s;
  const std::string head = "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
  CHECK(s.session.receive(as_bytes(head), s.now) == head.size());
  CHECK(s.session.poll_event().has_value());
  s.session.respond(Response{}, StreamedBody{3});
  CHECK(s.out() == "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
  s.in("abc");
  CHECK(s.log == "end;");
  s.session.write_body(as_bytes(s.content));
  s.session.finish_body();
  CHECK(s.out() == "abc");
  CHECK(s.session.phase() == Phase::serving);
}

TEST_CASE("trailers frame and say nothing: what follows them is the next request [RFC 9110 6.5.1]") {
  Bench s;
  s.answer_at_end = Response{};
  s.in(
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nContent-Length: 99\r\n"
      "Transfer-Encoding: gzip\r\nHost: evil\r\nConnection: close\r\n\r\n" +
      kGet);
  CHECK(s.log == "POST /;end;GET /a;end;");
  CHECK(s.content == "abc");
  CHECK(s.out() == kOk + kOk);
}
