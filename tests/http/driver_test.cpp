// Client and server over a pipe in memory: bytes moved by the driver, in any cut and any room.
#include "http/driver.hpp"

#include <doctest/doctest.h>

#include <string>

#include "http/client_session.hpp"
#include "http/server_session.hpp"
#include "tests/http/pipe.hpp"
#include "tests/http/server_bench.hpp"

using namespace sluice;
using namespace sluice::http;
using namespace sluice::http::testing;

namespace {

/// A server that echoes bodies and answers everything else with `body`.
struct EchoServer {
  explicit EchoServer(PipeEnd& end) : stream(end) {}

  Phase turn() {
    phase = drive(stream, session, now, [&](ServerEvent&& event) { handle(std::move(event)); });
    return phase;
  }
  void handle(ServerEvent&& event) {
    if (auto* head = std::get_if<RequestHead>(&event)) {
      ++requests;
      if (head->request.has_body())
        session.respond(Response{}, StreamedBody{head->request.content_length});
      else if (head->request.upgrade)
        session.respond(Response{101, {}});
      else
        session.respond(Response{}, body);
    } else if (auto* part = std::get_if<BodyPart>(&event)) {
      CHECK(session.write_body(part->bytes) == part->bytes.size());
    } else if (std::holds_alternative<RequestEnd>(event)) {
      session.finish_body();
    }
  }

  PipeEnd& stream;
  ServerSession session;
  Phase phase = Phase::serving;
  Time now{};
  std::string body = "hi";
  int requests = 0;
};

struct Fetcher {
  explicit Fetcher(PipeEnd& end) : stream(end) {}
  Phase turn() {
    phase = drive(stream, session, now, [&](ClientEvent&& event) {
      if (auto* part = std::get_if<BodyPart>(&event)) content += as_text(part->bytes);
      if (std::holds_alternative<ResponseEnd>(event)) ++answers;
    });
    return phase;
  }
  void ask(std::string method, Body upload = NoBody{}) {
    Request request;
    request.method = std::move(method);
    request.target.assign(1, '/');
    request.fields.add("Host", "h");
    REQUIRE(session.request(request, std::move(upload)));
  }
  PipeEnd& stream;
  ClientSession session;
  Phase phase = Phase::serving;
  Time now{};
  std::string content;
  int answers = 0;
};

std::string numbers(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + " ";
  text.resize(size);
  return text;
}

}  // namespace

TEST_CASE("client and server talk over a pipe, whatever its room and cut") {
  for (const std::size_t room : std::initializer_list<std::size_t>{1, 7, 100, 5000, 1 << 20}) {
    Pipe pipe;
    pipe.up.capacity = pipe.down.capacity = room;
    pipe.server.cut = room / 2 + 1;
    EchoServer server(pipe.server);
    Fetcher client(pipe.client);
    server.body = numbers(3000);
    for (int round = 1; round <= 3; ++round) {
      client.content.clear();
      client.ask("GET");
      for (int i = 0; i < 20000 && client.answers < round; ++i) {
        client.turn();
        server.turn();
      }
      CHECK(client.content == server.body);
      CHECK(client.session.idle());
    }
  }
}

TEST_CASE("an upload of a megabyte is echoed with never more than the bound in memory") {
  Pipe pipe;
  pipe.up.capacity = pipe.down.capacity = 30000;
  EchoServer server(pipe.server);
  Fetcher client(pipe.client);
  const std::string upload = numbers(1 << 20);
  client.ask("PUT", upload);
  for (int i = 0; i < 10000 && client.answers == 0; ++i) {
    client.turn();
    server.turn();
    CHECK(server.session.body_room() <= 65536);
  }
  CHECK(client.content == upload);
}

TEST_CASE("a resource that becomes shorter while it is sent ends one connection, told once, and not the driver") {
  Pipe pipe;
  ServerSession server;
  Fetcher client(pipe.client);
  client.ask("GET");
  client.turn();
  int failures = 0;
  const Phase phase = drive(pipe.server, server, Time{}, [&](ServerEvent&& event) {
    if (std::holds_alternative<RequestHead>(event))
      server.respond(Response{}, body_of(std::make_unique<Letters>(200'000, 70'000)));
    failures += std::holds_alternative<Failed>(event);
    REQUIRE(failures < 3);
  });
  CHECK(phase == Phase::aborted);
  CHECK(failures == 1);
  CHECK(pipe.server.aborted);
}

TEST_CASE("a batch of pipelined requests is answered in one write") {
  Pipe pipe;
  EchoServer server(pipe.server);
  for (int i = 0; i < 16; ++i) pipe.up.bytes += "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  server.turn();
  CHECK(server.requests == 16);
  CHECK(pipe.server.writes == 1);
}

TEST_CASE("a peer that pipelines without reading is not served beyond the bound") {
  Pipe pipe;
  pipe.down.capacity = 100;
  EchoServer server(pipe.server);
  for (int i = 0; i < 10000; ++i) pipe.up.bytes += "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  server.turn();
  CHECK(server.requests < 3000);
  CHECK(server.phase == Phase::serving);
}

TEST_CASE("a closing client sees the answer, then the end, and the server is done") {
  Pipe pipe;
  EchoServer server(pipe.server);
  pipe.up.bytes = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  CHECK(server.turn() == Phase::lingering);
  CHECK(pipe.down.bytes.ends_with("hi"));
  CHECK(pipe.down.finished);
  pipe.up.finished = true;
  CHECK(server.turn() == Phase::closed);
}

TEST_CASE("a client that only closes gets a close") {
  Pipe pipe;
  EchoServer server(pipe.server);
  pipe.up.finished = true;
  CHECK(server.turn() == Phase::closed);
  CHECK(pipe.down.finished);
  CHECK(pipe.down.bytes.empty());
}

TEST_CASE("an upgrade leaves the stream where the new protocol begins") {
  Pipe pipe;
  EchoServer server(pipe.server);
  pipe.up.bytes = "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nNEW";
  CHECK(server.turn() == Phase::upgraded);
  CHECK(pipe.up.bytes == "NEW");
  CHECK(pipe.down.bytes.starts_with("HTTP/1.1 101 "));
}

TEST_CASE("a session that aborts aborts the stream, a stream that failed ends the session's turn") {
  Pipe pipe;
  pipe.down.capacity = 0;
  EchoServer server(pipe.server);
  pipe.up.bytes = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  CHECK(server.turn() == Phase::serving);
  server.now = server.session.next_timeout();
  CHECK(server.turn() == Phase::aborted);
  CHECK(pipe.server.aborted);

  Pipe reset;
  EchoServer other(reset.server);
  reset.server.fail(Errc::connection_reset);
  CHECK(other.turn() == Phase::aborted);

  Pipe full;
  EchoServer third(full.server);
  full.up.bytes = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  full.down.finished = true;
  CHECK(third.turn() == Phase::aborted);
}
