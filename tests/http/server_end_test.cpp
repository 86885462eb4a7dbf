// How exchanges go wrong or end: refusals, ends of the stream, deadlines.
#include <doctest/doctest.h>

#include "tests/http/server_bench.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::http::testing;

TEST_CASE("a refused head is answered and ends the connection") {
  Bench s;
  s.in(kGet);
  s.session.respond(Response{}, std::string("hi"));
  s.in("GET / HTTP/1.1\r\n\r\n" + kGet);
  CHECK(s.log == "GET /a;end;failed 400;");
  const std::string sent = s.out();
  CHECK(sent.substr(0, kOk.size()) == kOk);
  CHECK(status_of(sent.substr(kOk.size())) == "HTTP/1.1 400 Bad Request");
  CHECK(has(sent, "Connection: close\r\n"));
  CHECK(has(sent, "\r\n\r\n400 Bad Request: no Host field\n"));
  CHECK(s.session.phase() == Phase::lingering);
  CHECK_FALSE(s.session.respond(Response{}));
}

TEST_CASE("each kind of refusal has its status") {
  struct Case {
    std::string text;
    const char* status;
  };
  for (const Case& c : {Case{"GET / HTTP/2.0\r\n\r\n", "505"}, Case{"GET /" + std::string(9000, 'a'), "414"},
                        Case{"GET / HTTP/1.1\r\nA: " + std::string(9000, 'a'), "431"},
                        Case{"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", "501"},
                        Case{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n", "413"},
                        Case{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: x\r\n\r\n", "417"}}) {
    Bench s;
    s.in(c.text);
    CHECK(s.log == "failed " + std::string(c.status) + ";");
    CHECK(s.out().substr(9, 3) == c.status);
  }
}

TEST_CASE("a broken chunk after the head was reported is answered by the session [RFC 9112 7.1]") {
  Bench s;
  s.in("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n");
  CHECK(s.content == "abc");
  CHECK(s.log == "POST /;failed 400;");
  CHECK_FALSE(s.session.respond(Response{}));
  CHECK(status_of(s.out()) == "HTTP/1.1 400 Bad Request");
}

TEST_CASE("a broken chunk under a streamed answer breaks the connection") {
  Bench s;
  s.in("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  s.session.respond(Response{}, StreamedBody{});
  s.in("x");
  CHECK(s.session.phase() == Phase::aborted);
  CHECK(s.log == "POST /;failed 0;");
}

TEST_CASE("a chunked body over the limit is 413") {
  ServerLimits limits;
  limits.body = 10;
  Bench s(limits);
  s.in("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nabcdefgh\r\n8\r\nabcdefgh\r\n");
  CHECK(s.log == "POST /;failed 413;");
  CHECK(s.out().substr(9, 3) == "413");
}

TEST_CASE("a client that half-closes after its request still gets its answer") {
  Bench s;
  s.in(kGet);
  s.session.receive_eof();
  CHECK(s.session.phase() == Phase::serving);
  s.session.respond(Response{}, std::string("hi"));
  CHECK(status_of(s.out()) == "HTTP/1.1 200 OK");
  CHECK(s.session.take_finish());
  CHECK(s.session.phase() == Phase::closed);
}

TEST_CASE("an end between requests closes quietly, an end inside one is 400") {
  Bench quiet;
  quiet.session.receive_eof();
  CHECK(quiet.out().empty());
  CHECK(quiet.session.take_finish());
  CHECK(quiet.session.phase() == Phase::closed);

  Bench head;
  head.in("GET /");
  head.session.receive_eof();
  head.events();
  CHECK(head.log == "failed 400;");
  CHECK(status_of(head.out()) == "HTTP/1.1 400 Bad Request");
  CHECK(head.session.phase() == Phase::closed);

  Bench body;
  body.in("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nab");
  body.session.receive_eof();
  body.events();
  CHECK(body.log == "PUT /;failed 400;");

  Bench dropped;
  dropped.answer = Response{404, {}};
  dropped.in("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nab");
  dropped.session.receive_eof();
  dropped.events();
  CHECK(dropped.log == "PUT /;");
  CHECK(status_of(dropped.out()) == "HTTP/1.1 404 Not Found");
  CHECK(dropped.session.phase() == Phase::closed);
}

TEST_CASE("a slow head is 408 however often a byte comes [A-TCP-25, A-WS-12]") {
  Bench s;
  s.out();
  CHECK(s.session.next_timeout() == s.now + 60s);
  s.in("GET / HT");
  CHECK(s.session.next_timeout() == s.now + 10s);
  s.wait(9s);
  s.in("T");
  CHECK(s.log.empty());
  s.wait(1s);
  CHECK(s.log == "failed 408;");
  CHECK(status_of(s.out()) == "HTTP/1.1 408 Request Timeout");
  CHECK(s.session.phase() == Phase::lingering);
}

TEST_CASE("an idle connection closes quietly; its time begins when the last answer is sent") {
  Bench s;
  s.answer = Response{};
  s.in(kGet);
  s.now += 100s;
  s.out();
  CHECK(s.session.next_timeout() == s.now + 60s);
  s.wait(60s);
  CHECK(s.log == "GET /a;");
  CHECK(s.out().empty());
  CHECK(s.session.phase() == Phase::lingering);
}

TEST_CASE("a body without progress is 408, a dropped one just ends the connection") {
  Bench s;
  s.in("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n");
  s.out();
  s.wait(29s);
  s.in("a");
  s.wait(29s);
  CHECK(s.log == "PUT /;");
  s.wait(1s);
  CHECK(s.log == "PUT /;failed 408;");

  Bench dropped;
  dropped.answer = Response{404, {}};
  dropped.in("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n");
  dropped.out();
  dropped.wait(30s);
  CHECK(dropped.log == "PUT /;");
  dropped.out();
  CHECK(dropped.session.phase() == Phase::lingering);
}

TEST_CASE("a peer that takes no bytes is dropped, one that takes a few is not where no rate is asked for") {
  ServerLimits limits;
  limits.least_rate = 0;
  Bench s(limits);
  s.answer = Response{};
  s.in(kGet);
  CHECK(s.out(1).size() == 1);
  s.wait(59s);
  CHECK(s.out(1).size() == 1);
  s.wait(59s);
  CHECK(s.session.phase() == Phase::serving);
  s.wait(1s);
  CHECK(s.session.phase() == Phase::aborted);
  CHECK(s.log == "GET /a;failed 0;");
  CHECK(s.out().empty());
}

TEST_CASE("a body that comes byte by byte is 408 once its rate counts, whatever came fast before [A-TCP-25]") {
  Bench slow;
  slow.in("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
  slow.out();
  slow.in(std::string(50000, 'x'));
  for (int second = 0; second < 100 && slow.log == "PUT /;"; second += 10) {
    slow.wait(10s);
    slow.in("x");
  }
  CHECK(slow.log == "PUT /;failed 408;");
  CHECK(slow.now == Time{} + 70s);
}

TEST_CASE("a body at the least rate comes through, and the owner's pauses cost it nothing") {
  Bench s;
  s.in("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
  s.out();
  for (int second = 0; second < 100; ++second) {
    s.wait(1s);
    s.in(std::string(500, 'x'));
  }
  s.session.hold_body(true);
  s.out();
  s.wait(1000s);
  s.session.hold_body(false);
  s.out();
  for (int second = 0; second < 100; ++second) {
    s.in(std::string(500, 'x'));
    s.wait(1s);
  }
  CHECK(s.log == "PUT /;end;");
}

TEST_CASE("chunk framing is no progress of a body [A-TCP-25]") {
  Bench s;
  s.in("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
  s.out();
  for (int second = 0; second < 61 && s.log == "PUT /;"; ++second) {
    s.in(second == 0 ? "1;" + std::string(600, 'x') : std::string(100, 'x'));
    s.wait(1s);
  }
  CHECK(s.log == "PUT /;failed 408;");
}

TEST_CASE("a peer that takes its answer slower than the least rate is dropped, one at that rate is not [A-TCP-25]") {
  for (const std::size_t taken : {250u, 500u}) {
    Bench s;
    s.answer = Response{};
    s.body = letters(200'000);
    s.in(kGet);
    s.out(1);
    for (int second = 0; second < 40000 && s.session.phase() == Phase::serving; ++second) {
      s.wait(1s);
      if (s.out(taken).empty()) break;
    }
    CHECK(s.session.phase() == (taken == 500 ? Phase::serving : Phase::aborted));
  }
}

TEST_CASE("a connection carries so many requests as it may, and the last answer says so") {
  ServerLimits limits;
  limits.requests = 2;
  Bench s(limits);
  s.answer = Response{};
  s.in(kGet + kGet + kGet);
  CHECK(s.log == "GET /a;GET /a;");
  CHECK(s.out() == kOk + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
  CHECK(s.session.phase() == Phase::lingering);
}

TEST_CASE("a shut-down answers what is open and takes nothing new") {
  Bench s;
  s.in(kGet);
  s.session.shut_down();
  s.session.respond(Response{}, std::string("hi"));
  CHECK(has(s.out(), "Connection: close\r\n"));
  CHECK(s.session.phase() == Phase::lingering);
  Bench idle;
  idle.session.shut_down();
  idle.out();
  CHECK(idle.session.phase() == Phase::lingering);
  CHECK(idle.session.take_finish());
}
