// The server core: order, framing, persistence, refusal, deadlines.
#include "http/server_session.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace sluice;
using namespace sluice::http;
using namespace std::chrono_literals;

namespace {

/// A resource of `size` bytes that can lose its end.
class Letters final : public Resource {
 public:
  explicit Letters(std::uint64_t size, std::uint64_t real) : size_(size), real_(real) {}
  std::uint64_t size() const override { return size_; }
  std::size_t read_at(std::uint64_t offset, MutableBytes into) override {
    std::size_t count = 0;
    for (; count < into.size() && offset + count < real_; ++count)
      into[count] = static_cast<std::uint8_t>('a' + (offset + count) % 26);
    return count;
  }

 private:
  std::uint64_t size_;
  std::uint64_t real_;
};

std::string letters(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('a' + i % 26);
  return text;
}

/// A session with everything that happened to it.
struct Bench {
  explicit Bench(const ServerLimits& limits = {}) : session(limits) {}

  /// Gives bytes in pieces of `cut`, polls events in between; what isn't taken stays in `waiting`.
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
      note(*event);
    }
    return any;
  }
  void note(const ServerEvent& event) {
    if (const auto* head = std::get_if<RequestHead>(&event)) {
      request = head->request;
      log += head->request.method + " " + head->request.target + ";";
      if (answer) session.respond(*answer, body);
    } else if (const auto* part = std::get_if<BodyPart>(&event)) {
      content += as_text(part->bytes);
    } else if (const auto* failed = std::get_if<Failed>(&event)) {
      log += "failed " + std::to_string(failed->status) + ";";
    } else {
      log += "end;";
      if (answer_at_end) session.respond(*answer_at_end, body);
    }
  }
  /// All that it wants to send now.
  std::string out(std::size_t room = SIZE_MAX) {
    std::string sent;
    while (sent.size() < room) {
      const Gather pieces = session.poll_transmit(room - sent.size(), now);
      if (pieces.empty()) break;
      std::size_t count = 0;
      for (const Bytes piece : pieces) {
        const Bytes fits = piece.first(std::min(piece.size(), room - sent.size()));
        sent += as_text(fits);
        count += fits.size();
      }
      session.transmitted(count, now);
    }
    return sent;
  }
  void wait(Duration time) {
    now += time;
    session.handle_timeout(now);
    events();
  }

  ServerSession session;
  Time now{};
  std::string waiting, log, content;
  Request request;
  std::optional<Response> answer, answer_at_end;
  std::string body = "hi";
};

const std::string kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

std::string status_of(const std::string& text) { return text.substr(0, text.find("\r\n")); }
bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

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

TEST_CASE("a slow head is 408 however often a byte comes [slowloris]") {
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

TEST_CASE("a peer that takes no bytes is dropped, one that takes a few is not") {
  Bench s;
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
