// The client core: what a request looks like, where an answer ends, what goes wrong.
#include "http/client_session.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace sluice;
using namespace sluice::http;
using namespace std::chrono_literals;

namespace {

class Broken final : public Resource {
 public:
  std::uint64_t size() const override { return 10; }
  std::size_t read_at(std::uint64_t, MutableBytes) override { return 0; }
};

struct Bench {
  void in(std::string_view text, std::size_t cut = SIZE_MAX) {
    waiting += text;
    for (;;) {
      const std::string piece = waiting.substr(0, cut);
      const std::size_t taken = session.receive(as_bytes(piece), now);
      const bool happened = events();
      waiting.erase(0, taken);
      if (taken == 0 && !happened) break;
    }
  }
  bool events() {
    bool any = false;
    while (auto event = session.poll_event()) {
      any = true;
      if (const auto* head = std::get_if<ResponseHead>(&*event))
        log += std::to_string(head->received.response.status) + ";";
      else if (const auto* part = std::get_if<BodyPart>(&*event))
        content += as_text(part->bytes);
      else if (const auto* failed = std::get_if<Failed>(&*event))
        log += std::string(failed->reason) + ";";
      else
        log += "end;";
    }
    return any;
  }
  void eof() {
    session.receive_eof();
    events();
  }
  std::string out() {
    std::string sent;
    for (;;) {
      const Gather pieces = session.poll_transmit(SIZE_MAX, now);
      if (pieces.empty()) return sent;
      for (const Bytes piece : pieces) sent += as_text(piece);
      session.transmitted(gather_size(pieces), now);
    }
  }
  bool ask(std::string method, Body body = NoBody{}, std::string extra = {}) {
    Request request;
    request.method = std::move(method);
    request.target = "/x";
    request.fields.add("Host", "h");
    if (!extra.empty() && extra != "Expect") request.fields.add("Connection", extra);
    if (extra == "Expect") request.fields.add("Expect", "100-Continue");
    if (extra == "Upgrade") request.fields.add("Upgrade", "websocket");
    return session.request(request, std::move(body));
  }

  ClientSession session;
  Time now{};
  std::string waiting, log, content;
};

}  // namespace

TEST_CASE("a GET goes out, its answer comes in, and the connection is ready again") {
  Bench c;
  CHECK(c.session.idle());
  CHECK(c.ask("GET"));
  CHECK_FALSE(c.session.idle());
  CHECK_FALSE(c.ask("GET"));
  CHECK(c.out() == "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
  c.in("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(c.log == "200;end;");
  CHECK(c.content == "hello");
  CHECK(c.session.idle());
  CHECK(c.ask("GET"));
}

TEST_CASE("every split of an interim answer and a chunked one gives the same") {
  const std::string text =
      "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  for (std::size_t split = 0; split <= text.size(); ++split) {
    Bench c;
    c.ask("GET");
    c.out();
    c.in(text.substr(0, split));
    c.in(text.substr(split));
    CHECK(c.log == "200;end;");
    CHECK(c.content == "abcde");
    CHECK(c.session.idle());
  }
}

TEST_CASE("requests carry their bodies with a length or in chunks") {
  Bench c;
  CHECK(c.ask("POST", std::string("abc")));
  CHECK(c.out() == "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
  c.in("HTTP/1.1 204 No Content\r\n\r\n");
  CHECK(c.ask("PUT"));
  CHECK(c.out() == "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  c.in("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(c.ask("PUT", StreamedBody{}));
  CHECK(c.session.write_body(as_bytes("hello")) == 5);
  c.session.finish_body();
  c.session.finish_body();
  CHECK(c.session.write_body(as_bytes("late")) == 0);
  CHECK(c.out() == "PUT /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  CHECK(c.log == "204;end;200;end;");
}

TEST_CASE("a body that expects 100 waits for it, and only so long [RFC 9110 10.1.1]") {
  Bench c;
  CHECK(c.ask("PUT", std::string("abc"), "Expect"));
  CHECK(c.out().ends_with("Content-Length: 3\r\n\r\n"));
  CHECK(c.session.next_timeout() == c.now + 1s);
  c.in("HTTP/1.1 102 Processing\r\n\r\n");
  CHECK(c.out().empty());
  c.in("HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(c.out() == "abc");
  c.in("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(c.session.idle());
  c.ask("PUT", std::string("def"), "Expect");
  c.out();
  c.now += 1s;
  c.session.handle_timeout(c.now);
  CHECK(c.out() == "def");
  CHECK(c.session.next_timeout() == c.now + 60s);
  c.in("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(c.log == "200;end;200;end;");
}

TEST_CASE("a final answer in place of 100 leaves the body unsent and ends the connection [RFC 9110 10.1.1]") {
  Bench c;
  c.ask("PUT", std::string("abc"), "Expect");
  c.out();
  c.in("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
  CHECK(c.log == "417;end;");
  CHECK(c.out().empty());
  CHECK(c.session.phase() == Phase::closed);
}

TEST_CASE("a streamed body that expects 100 has no room before it; a request without body expects nothing") {
  Bench c;
  c.ask("PUT", StreamedBody{}, "Expect");
  c.out();
  CHECK(c.session.body_room() == 0);
  CHECK(c.session.write_body(as_bytes("early")) == 0);
  c.in("HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(c.session.write_body(as_bytes("hello")) == 5);
  c.session.finish_body();
  CHECK(c.out() == "5\r\nhello\r\n0\r\n\r\n");
  Bench none;
  none.ask("GET", NoBody{}, "Expect");
  none.out();
  none.in("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(none.session.idle());
}

TEST_CASE("what can't stand in a request line is not sent") {
  Bench c;
  Request request;
  request.method = "GET";
  request.target = "/a b";
  CHECK_FALSE(c.session.request(request));
  CHECK(c.session.idle());
  CHECK(c.out().empty());
}

TEST_CASE("answers to HEAD, 204 and 304 end with their head [RFC 9112 6.3]") {
  Bench c;
  c.ask("HEAD");
  c.out();
  c.in("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
  CHECK(c.log == "200;end;");
  c.ask("GET");
  c.out();
  c.in("HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n");
  CHECK(c.log == "200;end;304;end;");
  CHECK(c.session.idle());
}

TEST_CASE("an answer without length lasts until the connection ends [RFC 9112 6.3]") {
  Bench c;
  c.ask("GET");
  c.out();
  c.in("HTTP/1.1 200 OK\r\n\r\nabc");
  c.in("def");
  CHECK(c.log == "200;");
  c.eof();
  CHECK(c.log == "200;end;");
  CHECK(c.content == "abcdef");
  CHECK(c.session.phase() == Phase::closed);
  CHECK(c.session.take_finish());
  CHECK_FALSE(c.session.take_finish());
  CHECK_FALSE(c.ask("GET"));
}

TEST_CASE("after close the connection takes no other request") {
  Bench c;
  c.ask("GET");
  c.out();
  c.in("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na");
  CHECK(c.log == "200;end;");
  CHECK(c.session.phase() == Phase::closed);
  Bench own;
  own.ask("GET", NoBody{}, "close");
  own.out();
  own.in("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(own.session.phase() == Phase::closed);
}

TEST_CASE("an end inside the answer is a failure, an end while idle is none") {
  Bench silent;
  silent.ask("GET");
  silent.out();
  silent.eof();
  CHECK(silent.log == "the server closed the connection without an answer;");
  CHECK(silent.session.phase() == Phase::aborted);
  for (const char* text : {"HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"}) {
    Bench c;
    c.ask("GET");
    c.out();
    c.in(text);
    c.eof();
    CHECK(c.log.ends_with("the connection ended inside the answer;"));
  }
  Bench idle;
  idle.eof();
  idle.eof();
  CHECK(idle.log.empty());
  CHECK(idle.session.phase() == Phase::closed);
}

TEST_CASE("an answer that is no HTTP, or broken, or unasked is a failure") {
  for (const char* text : {"SSH-2.0-x\r\n\r\n", "\x15\x03", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz", "HTTP/1.1 101 Go\r\n\r\n"}) {
    CAPTURE(text);
    Bench c;
    c.ask("GET");
    c.out();
    c.in(text);
    CHECK(c.session.phase() == Phase::aborted);
    CHECK_FALSE(c.session.idle());
  }
  Bench unasked;
  unasked.in("HTTP/1.1 200 OK\r\n\r\n");
  CHECK(unasked.log == "the server sent what nobody asked for;");
}

TEST_CASE("a 101 that was asked for leaves what follows to the new protocol") {
  Bench c;
  c.ask("GET", NoBody{}, "Upgrade");
  c.out();
  c.in("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81");
  CHECK(c.log == "101;");
  CHECK(c.session.phase() == Phase::upgraded);
  CHECK(c.waiting == "\x81");
}

TEST_CASE("an answer before the request is out ends the connection") {
  Bench c;
  c.ask("PUT", StreamedBody{});
  c.out();
  c.in("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
  CHECK(c.log == "413;end;");
  CHECK(c.session.phase() == Phase::closed);
  CHECK(c.session.body_room() == 0);
}

TEST_CASE("a request's body that can't be had breaks the connection") {
  Bench c;
  c.ask("PUT", body_of(std::make_unique<Broken>()));
  c.out();
  c.events();
  CHECK(c.log == "a resource became shorter while it was sent;");
  Bench d;
  d.ask("PUT", StreamedBody{5});
  d.session.finish_body();
  d.events();
  CHECK(d.log == "the request's body was left unfinished;");
  CHECK(d.session.phase() == Phase::aborted);
}

TEST_CASE("a server has its time to take the request, to answer and to go on") {
  Bench write;
  write.ask("GET");
  write.session.poll_transmit(0, write.now);
  CHECK(write.session.next_timeout() == write.now + 60s);
  write.session.handle_timeout(write.now + 60s);
  write.events();
  CHECK(write.log == "the server takes no bytes;");

  Bench answer;
  CHECK(answer.session.next_timeout() == kNever);
  answer.ask("GET");
  answer.out();
  CHECK(answer.session.next_timeout() == answer.now + 60s);
  answer.now += 59s;
  answer.session.handle_timeout(answer.now);
  answer.in("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  CHECK(answer.session.next_timeout() == answer.now + 60s);
  answer.session.handle_timeout(answer.now + 60s);
  answer.events();
  CHECK(answer.log == "200;the server did not answer in time;");
  CHECK(answer.session.next_timeout() == kNever);
}
