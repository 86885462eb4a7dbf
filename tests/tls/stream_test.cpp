// HTTP and WebSocket over TLS over a pipe in memory: the same drivers, the same sessions, another stream.
#include "http/tls/stream.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "http/client_session.hpp"
#include "http/driver.hpp"
#include "http/server_session.hpp"
#include "tests/tls/couple.hpp"
#include "tests/ws/end.hpp"
#include "tests/ws/memory_pipe.hpp"
#include "ws/connection.hpp"
#include "ws/echo.hpp"
#include "ws/handshake.hpp"

namespace sluice::tls::test {
namespace {

using Pipe = ws::test::MemoryPipe;
using Secure = Stream<ws::test::MemoryStream>;
static_assert(ByteStream<Secure>);

/// Two streams over a pipe.
struct Ends {
  explicit Ends(Pipe& pipe, const std::string& host = "server.example")
      : server(pipe.server, Session(server_context(), kStart)),
        client(pipe.client, Session(client_context(), {host, kToday}, kStart)) {}

  void shake_hands() {
    for (int i = 0; i < 10000 && !(client.session().was_open() && server.session().was_open()); ++i) {
      client.peek();
      server.peek();
    }
    REQUIRE(server.session().was_open());
  }

  Secure server;
  Secure client;
};

Result<std::size_t> write(Secure& stream, std::string_view text) {
  const Bytes bytes = as_bytes(text);
  return stream.write(Gather(&bytes, 1));
}

/// Everything that is there to read.
std::string read(Secure& stream) {
  std::string text;
  for (MutableBytes bytes = stream.peek(); !bytes.empty(); bytes = stream.peek()) {
    text += as_text(bytes);
    stream.consume(bytes.size());
  }
  return text;
}

/// A server that answers each request with `body`, and a client that fetches once.
struct Web {
  explicit Web(Pipe& pipe) : ends(pipe) {
    http::Request request;
    request.method = "GET";
    request.target.assign(1, '/');
    request.fields.add("Host", "server.example");
    request.fields.add("Connection", "close");
    REQUIRE(client.request(request));
  }
  void turn() {
    client_phase = http::drive(ends.client, client, kStart, [this](http::ClientEvent&& event) {
      if (const auto* part = std::get_if<http::BodyPart>(&event)) got += as_text(part->bytes);
      if (std::holds_alternative<http::ResponseEnd>(event)) done = true;
    });
    server_phase = http::drive(ends.server, server, kStart, [this](http::ServerEvent&& event) {
      if (std::holds_alternative<http::RequestHead>(event)) server.respond(http::Response{}, body);
    });
  }

  Ends ends;
  http::ServerSession server;
  http::ClientSession client;
  http::Phase server_phase = http::Phase::serving;
  http::Phase client_phase = http::Phase::serving;
  std::string body = std::string(100000, 'b');
  std::string got;
  bool done = false;
};

TEST_CASE("HTTP over TLS: the answer, then the end, in good order on both sides, whatever the pipe's room and cut") {
  for (const std::size_t room : std::initializer_list<std::size_t>{1, 50, 2000, 1 << 20}) {
    CAPTURE(room);
    Pipe pipe;
    pipe.up.capacity = pipe.down.capacity = room;
    pipe.up.piece = pipe.down.piece = room / 2 + 1;
    Web web(pipe);
    if (room == 1) web.body.resize(3000);
    for (int i = 0; i < 400000 && web.server_phase != http::Phase::closed; ++i) web.turn();
    CHECK(web.done);
    CHECK(web.got == web.body);
    CHECK(web.server_phase == http::Phase::closed);
    CHECK(web.client_phase == http::Phase::closed);
    CHECK(web.ends.client.error() == Errc::none);
    CHECK(web.ends.server.session().state() == State::closed);
    CHECK(pipe.down.finished);
  }
}

TEST_CASE("WebSocket over TLS: from the request to the echo, and a clean close [WS-10.6-1]") {
  Pipe pipe;
  pipe.up.piece = pipe.down.piece = 7;
  Ends ends(pipe);
  Random random(ws::test::kRandomKey, KeyUse::websocket_mask);
  ws::ClientRequest wish;
  wish.host = "server.example";
  wish.target = "/echo";
  const auto handshake = ws::ClientHandshake::start(std::move(wish), random);
  REQUIRE(handshake);
  http::ServerSession server_http;
  http::ClientSession client_http;
  REQUIRE(client_http.request(handshake->request()));
  ws::Refused refused = ws::Refused::status;
  http::Phase phase = http::Phase::serving;
  for (int i = 0; i < 100 && phase != http::Phase::upgraded; ++i) {
    phase = http::drive(ends.client, client_http, kStart, [&](http::ClientEvent&& event) {
      if (const auto* head = std::get_if<http::ResponseHead>(&event))
        refused = handshake->judge(head->received.response);
    });
    http::drive(ends.server, server_http, kStart, [&](http::ServerEvent&& event) {
      const auto* head = std::get_if<http::RequestHead>(&event);
      if (head) CHECK(server_http.respond(ws::answer_handshake(head->request).response));
    });
  }
  REQUIRE(refused == ws::Refused::none);
  const ws::Settings settings;
  ws::Connection<Secure> server(ends.server, ws::Role::server, settings);
  ws::Connection<Secure> client(ends.client, ws::Role::client, settings, &random);
  ws::test::Log log;
  bool over = false;
  const auto pump = [&] {
    for (int i = 0; i < 100 && !over; ++i) {
      const bool server_over = server.pump(kStart, ws::Echo());
      over = client.pump(kStart, [&](const ws::Event& event, ws::Session&) { log(event); }) && server_over;
    }
  };
  CHECK(client.session().send_text("one connection"));
  CHECK(client.session().send(ws::MessageType::binary, ByteVector(100000, 9)));
  pump();
  CHECK(log.take() == "text one connection | binary (100000)");
  CHECK(client.session().close());
  pump();
  CHECK(log.take() == "closed 1000");
  CHECK(over);
  CHECK(ends.client.error() == Errc::none);
}

TEST_CASE("a stream cut off under TLS is an error and no end: nobody can shorten what is said") {
  Pipe pipe;
  Ends ends(pipe);
  ends.shake_hands();
  REQUIRE(write(ends.client, "pay 100"));
  pipe.up.finished = true;
  CHECK(read(ends.server) == "pay 100");
  CHECK_FALSE(ends.server.at_eof());
  CHECK(ends.server.error() == Errc::truncated);
  CHECK(write(ends.server, "x").error() == Errc::truncated);
}

TEST_CASE("an HTTP answer that ends with the stream is not whole when TLS did not end") {
  Pipe pipe;
  Ends ends(pipe);
  http::ClientSession session;
  http::Request request;
  request.method = "GET";
  request.target.assign(1, '/');
  request.fields.add("Host", "h");
  REQUIRE(session.request(request));
  bool ended = false;
  const auto turn = [&] {
    return http::drive(ends.client, session, kStart,
                       [&](http::ClientEvent&& event) { ended |= std::holds_alternative<http::ResponseEnd>(event); });
  };
  turn();
  ends.shake_hands();
  turn();
  CHECK(read(ends.server).starts_with("GET / "));
  REQUIRE(write(ends.server, "HTTP/1.0 200 OK\r\n\r\nhalf"));
  pipe.down.finished = true;
  CHECK(turn() == http::Phase::aborted);
  CHECK_FALSE(ended);
}

TEST_CASE("a finished stream is read to its end, and writes no more") {
  Pipe pipe;
  Ends ends(pipe);
  ends.shake_hands();
  REQUIRE(write(ends.client, "bye"));
  ends.client.finish();
  CHECK(pipe.up.finished);
  CHECK(write(ends.client, "x").error() == Errc::connection_closing);
  CHECK(read(ends.server) == "bye");
  CHECK(ends.server.at_eof());
  CHECK(*write(ends.server, "answer") == 6);
  ends.server.finish();
  CHECK(read(ends.client) == "answer");
  CHECK(ends.client.at_eof());
  CHECK(ends.client.error() == Errc::none);
}

TEST_CASE("what a stream says it takes, it takes, and leaves in the stream below") {
  Pipe pipe;
  Ends ends(pipe);
  CHECK(ends.client.writable() == 0);
  CHECK(*write(ends.client, "early") == 0);
  ends.shake_hands();
  read(ends.client);
  pipe.up.capacity = 5000;
  const std::size_t room = ends.client.writable();
  CHECK(room > 4900);
  CHECK(room < 5000);
  CHECK(*write(ends.client, std::string(9000, 'x')) == room);
  CHECK(ends.client.flushed());
  CHECK(pipe.up.bytes.size() <= 5000);
  pipe.up.capacity = pipe.up.bytes.size() + 10;
  CHECK(*write(ends.client, std::string(9000, 'x')) == 1024);
  CHECK_FALSE(ends.client.flushed());
  CHECK(ends.client.writable() == 0);
  CHECK(read(ends.server).size() == room);
  ends.client.peek();
  CHECK(ends.client.flushed());
  CHECK(read(ends.server).size() == 1024);
}

TEST_CASE("a refused certificate ends the stream on both sides, with an alert, before anything is said [WS-4.1-3]") {
  Pipe pipe;
  Ends ends(pipe, "other.example");
  for (int i = 0; i < 5; ++i) {
    CHECK(read(ends.client).empty());
    CHECK(read(ends.server).empty());
  }
  CHECK(ends.client.error() == Errc::protocol_error);
  CHECK(ends.client.session().failure().fault == Fault::certificate_wrong_host);
  CHECK(ends.server.error() == Errc::protocol_error);
  CHECK(ends.server.session().failure().fault == Fault::alert);
  CHECK(pipe.up.finished);
}

TEST_CASE("a stream that fails below fails above, an aborted one aborts below, a late handshake fails") {
  Pipe pipe;
  Ends ends(pipe);
  ends.shake_hands();
  ends.server.abort();
  CHECK(ends.server.error() == Errc::connection_aborted);
  CHECK(ends.client.error() == Errc::connection_reset);
  CHECK(write(ends.client, "x").error() == Errc::connection_reset);
  Pipe silent;
  Ends late(silent);
  late.server.handle_timeout(late.server.next_timeout());
  CHECK(late.server.error() == Errc::timed_out);
  CHECK(silent.down.finished);
}

/// Once `keeps` is said it keeps what is written and looks at it only at the end.
struct Keeping : ws::test::MemoryStream {
  using MemoryStream::MemoryStream;
  Result<std::size_t> write(Gather pieces) {
    if (!keeps) return MemoryStream::write(pieces);
    std::size_t size = 0;
    for (const Bytes piece : pieces) {
      kept.push_back(Slice::copy_of(piece));
      size += piece.size();
    }
    return size;
  }
  Result<std::size_t> write(const Slice& shared) {
    const Bytes bytes = shared.bytes();
    if (!keeps) return MemoryStream::write(Gather(&bytes, 1));
    ++taken_over;
    kept.push_back(shared);
    return shared.size();
  }

  bool keeps = false;
  int taken_over = 0;
  std::vector<Slice> kept;
};
static_assert(SharedStream<Keeping>);

TEST_CASE("records go down in the memory that they were made in, which is never written over") {
  Pipe pipe;
  pipe.down.capacity = 1 << 20;
  Keeping lower(pipe.up, pipe.down);
  Stream<Keeping> server(lower, Session(server_context(), kStart));
  Secure client(pipe.client, Session(client_context(), {"server.example", kToday}, kStart));
  for (int i = 0; i < 100 && !(client.session().was_open() && server.session().was_open()); ++i) {
    client.peek();
    server.peek();
  }
  REQUIRE(server.session().was_open());
  lower.keeps = true;
  std::string text;
  for (int i = 0; text.size() < 5 * Session::kOutput; ++i) text += std::to_string(i) + " ";
  for (std::size_t sent = 0; sent < text.size();) {
    const Bytes rest = as_bytes(text).subspan(sent);
    const Result<std::size_t> written = server.write(Gather(&rest, 1));
    REQUIRE(written.value_or(0) > 0);
    sent += *written;
  }
  CHECK(lower.taken_over >= 5);
  std::string got;
  for (const Slice& records : lower.kept) {
    const Bytes bytes = records.bytes();
    pipe.down.bytes.insert(pipe.down.bytes.end(), bytes.begin(), bytes.end());
    got += read(client);
  }
  CHECK(got == text);
}

}  // namespace
}  // namespace sluice::tls::test
