// Sessions over byte streams: from the HTTP handshake to the end of both streams.
#include "ws/connection.hpp"

#include <doctest/doctest.h>

#include "http/client_session.hpp"
#include "http/driver.hpp"
#include "http/server_session.hpp"
#include "tests/ws/end.hpp"
#include "tests/ws/memory_pipe.hpp"
#include "ws/assembler.hpp"
#include "ws/echo.hpp"
#include "ws/handshake.hpp"

namespace sluice::ws::test {
namespace {

using std::chrono::seconds;

/// A client that talks to an echo over a pipe.
struct Pair {
  explicit Pair(Settings chosen = {}) : settings(chosen) {}

  /// Grows with every byte that is written or read.
  std::uint64_t traffic() const {
    return 2 * (pipe.up.passed + pipe.down.passed) + pipe.up.bytes.size() + pipe.down.bytes.size();
  }

  /// Pumps both until nothing moves; true if both are over.
  bool run(Time now = after(seconds(0))) {
    bool over = false;
    std::uint64_t before = ~std::uint64_t{0};
    while (!over && before != traffic()) {
      before = traffic();
      const bool server_over = server.pump(now, Echo());
      over = client.pump(now, [this](const Event& event, Session&) { log(event); }) && server_over;
    }
    return over;
  }

  Settings settings;
  Random random{kRandomKey, KeyUse::websocket_mask};
  MemoryPipe pipe;
  Log log;
  Connection<MemoryStream> server{pipe.server, Role::server, settings};
  Connection<MemoryStream> client{pipe.client, Role::client, settings, &random};
};

TEST_CASE("messages echo, and a close from the client ends both sides cleanly [WS-5.5.1-5] [WS-7.1.1-1]") {
  Pair pair;
  CHECK(pair.client.session().send_text("Hello"));
  CHECK(pair.client.session().send(MessageType::binary, ByteVector(100000, 9)));
  CHECK(pair.client.session().ping());
  CHECK(!pair.run());
  CHECK(pair.log.take() == "text Hello | binary (100000) | pong");
  CHECK(pair.client.session().close());
  CHECK(pair.run());
  CHECK(pair.log.take() == "closed 1000");
  CHECK(pair.pipe.up.finished);
  CHECK(pair.pipe.down.finished);
}

TEST_CASE("a batch of messages is answered with one write") {
  Pair pair;
  for (int i = 0; i < 500; ++i) CHECK(pair.client.session().send_text("0123456789"));
  pair.client.pump(after(seconds(0)), [](const Event&, Session&) {});
  CHECK(pair.pipe.client.writes == 1);
  pair.server.pump(after(seconds(0)), Echo());
  CHECK(pair.pipe.server.writes == 1);
  CHECK(pair.pipe.down.bytes.size() == 500 * 12);
}

TEST_CASE("narrow streams and small pieces change nothing but the pace [WS-5.4-3]") {
  for (std::size_t capacity : {1u, 5u, 100u}) {
    Pair pair;
    pair.pipe.up.capacity = pair.pipe.down.capacity = capacity;
    pair.pipe.up.piece = pair.pipe.down.piece = 3;
    CHECK(pair.client.session().send_text("first"));
    CHECK(pair.client.session().send_text(std::string(300, 'x')));
    CHECK(!pair.run());
    CHECK(pair.log.take() == "text first | text (300)");
    CHECK(pair.client.session().close());
    CHECK(pair.run());
  }
}

TEST_CASE("an echo whose peer does not read stops reading: memory stays bounded [A-WS-19]") {
  Pair pair({.high_water = 10000});
  pair.pipe.down.capacity = 1000;
  std::size_t taken = 0;
  const ByteVector message = from_client(0x82, std::string(500, 'm'));
  for (int i = 0; i < 1000; ++i) {
    if (pair.pipe.up.bytes.size() < 60000) {
      pair.pipe.up.bytes.insert(pair.pipe.up.bytes.end(), message.begin(), message.end());
      taken += message.size();
    }
    pair.server.pump(after(seconds(0)), Echo());
  }
  CHECK(taken < 80000);
  std::size_t waiting = 0;
  for (const Slice& slice : pair.server.session().poll_transmit()) waiting += slice.size();
  CHECK(waiting <= 10000 + 600);
  for (int i = 0; i < 1000 && !pair.pipe.down.bytes.empty(); ++i) {
    pair.pipe.client.consume(pair.pipe.client.peek().size());
    pair.server.pump(after(seconds(0)), Echo());
  }
  CHECK(pair.pipe.up.bytes.empty());
}

TEST_CASE("a long message is echoed while it comes, in bounded memory [WS-5.4-5]") {
  Pair pair({.high_water = 20000, .fragment_size = 5000});
  pair.pipe.up.capacity = pair.pipe.down.capacity = 3000;
  const std::string text(300000, 'l');
  CHECK(pair.client.session().send_text(text));
  CHECK(!pair.run());
  CHECK(pair.log.take() == "text (300000)");
}

TEST_CASE("bytes behind the handshake that were already read come first") {
  MemoryPipe pipe;
  Settings settings;
  const ByteVector hello = from_client(0x81, "Hello") + from_client(0x81, "again");
  Connection<MemoryStream> server(pipe.server, Role::server, settings, nullptr, Bytes(hello).first(8));
  pipe.up.bytes.assign(hello.begin() + 8, hello.end());
  CHECK(!server.pump(after(seconds(0)), Echo()));
  CHECK(show_frames(pipe.down.bytes) == "81 Hello | 81 again");
}

TEST_CASE("leftover bytes wait, too, while the peer does not read [A-WS-19]") {
  MemoryPipe pipe;
  pipe.down.capacity = 1;
  Settings settings;
  settings.high_water = 4;
  const ByteVector two = from_client(0x81, "Hello") + from_client(0x81, "again");
  Connection<MemoryStream> server(pipe.server, Role::server, settings, nullptr, two);
  ByteVector got;
  for (int i = 0; i < 20; ++i) {
    server.pump(after(seconds(0)), Echo());
    got.insert(got.end(), pipe.down.bytes.begin(), pipe.down.bytes.end());
    pipe.down.bytes.clear();
  }
  CHECK(show_frames(got) == "81 Hello | 81 again");
}

TEST_CASE("a protocol error closes the stream behind the Close that names it [WS-7.1.7-1]") {
  MemoryPipe pipe;
  Settings settings;
  Connection<MemoryStream> server(pipe.server, Role::server, settings);
  pipe.up.bytes = hex("83 00 00 00");
  CHECK(!server.pump(after(seconds(0)), Echo()));
  CHECK(show_frames(pipe.down.bytes) == "88 1002 RFC 6455 5.2: a reserved opcode");
  CHECK(pipe.down.finished);
  CHECK(pipe.up.bytes.empty());
  pipe.up.finished = true;
  CHECK(server.pump(after(seconds(0)), Echo()));
}

TEST_CASE("a peer that stays after the Close is aborted when patience ends [A-WS-15]") {
  MemoryPipe pipe;
  Settings settings;
  Connection<MemoryStream> server(pipe.server, Role::server, settings);
  CHECK(server.session().close());
  CHECK(!server.pump(after(seconds(0)), Echo()));
  CHECK(server.next_timeout() == after(seconds(5)));
  CHECK(server.pump(after(seconds(5)), Echo()));
  CHECK(pipe.down.broken);
}

TEST_CASE("a stream that fails is the end, and the handler hears of it [WS-7.1.5-1]") {
  MemoryPipe pipe;
  Settings settings;
  Connection<MemoryStream> server(pipe.server, Role::server, settings);
  Log log;
  pipe.up.broken = true;
  CHECK(server.pump(after(seconds(0)), [&](const Event& event, Session&) { log(event); }));
  CHECK(log.take() == "failed 1006 unclean RFC 6455 7.1.5: the stream ended without a Close");
}

TEST_CASE(
    "one compressed frame that inflates to much is echoed as fast as the peer takes it, in bounded memory "
    "[A-WS-02] [A-WS-19]") {
  Settings settings;
  settings.high_water = 20'000;
  settings.deflate_min = 1u << 30;  // the echo answers uncompressed
  const DeflateParameters agreed;
  Random random{kRandomKey, KeyUse::websocket_mask};
  MemoryPipe pipe;
  pipe.down.capacity = 1000;
  Connection<MemoryStream> server{pipe.server, Role::server, settings, nullptr, {}, agreed};
  Settings eager;
  Connection<MemoryStream> client{pipe.client, Role::client, eager, &random, {}, agreed};
  const std::string zeros(5'000'000, '\0');
  CHECK(client.session().send(MessageType::binary, as_bytes(zeros)));
  std::size_t most = 0;
  Log log;
  for (int turn = 0; turn < 20'000 && log.last().empty(); ++turn) {
    server.pump(after(seconds(0)), Echo());
    std::size_t waiting = 0;
    for (const Slice& slice : server.session().poll_transmit()) waiting += slice.size();
    most = std::max(most, waiting);
    client.pump(after(seconds(0)), [&](const Event& event, Session&) { log(event); });
  }
  CHECK((log.last() == zeros));
  CHECK(most < 20'000 + 70'000);
}

TEST_CASE("what was received before the stream's end is delivered, however long the handler waits") {
  MemoryPipe pipe;
  Random random{kRandomKey, KeyUse::websocket_mask};
  Settings settings;
  Connection<MemoryStream> server{pipe.server, Role::server, settings, nullptr, {}, DeflateParameters()};
  Connection<MemoryStream> client{pipe.client, Role::client, settings, &random, {}, DeflateParameters()};
  CHECK(client.session().send(MessageType::binary, as_bytes(std::string(500'000, 'x'))));
  client.pump(after(seconds(0)), [](const Event&, Session&) {});
  pipe.up.finished = true;
  /// Takes one event a turn.
  struct Slow {
    Log* log;
    int* turns;
    bool ready(const Session&) const { return *turns > 0; }
    void operator()(const Event& event, Session&) {
      --*turns;
      (*log)(event);
    }
  };
  Log log;
  for (int i = 0; i < 100; ++i) {
    int turns = 1;
    server.pump(after(seconds(0)), Slow{&log, &turns});
  }
  CHECK(log.take() == "binary (500000) | failed 1006 unclean RFC 6455 7.1.5: the stream ended without a Close");
}

TEST_CASE("from request to echo over one stream: HTTP ends where WebSocket begins [WS-4.1-13] [WS-4.2.2-6]") {
  MemoryPipe pipe;
  pipe.up.piece = pipe.down.piece = 7;
  Random random(kRandomKey, KeyUse::websocket_mask);
  ClientRequest wish;
  wish.host = "sluice";
  wish.target = "/echo";
  const auto handshake = ClientHandshake::start(std::move(wish), random);
  REQUIRE(handshake);
  http::ServerSession server_http;
  http::ClientSession client_http;
  REQUIRE(client_http.request(handshake->request()));
  Refused refused = Refused::status;
  const Time now = after(seconds(0));
  http::Phase server_phase = http::Phase::serving;
  http::Phase client_phase = http::Phase::serving;
  for (int i = 0; i < 100 && client_phase != http::Phase::upgraded; ++i) {
    client_phase = http::drive(pipe.client, client_http, now, [&](http::ClientEvent&& event) {
      if (const auto* head = std::get_if<http::ResponseHead>(&event))
        refused = handshake->judge(head->received.response);
    });
    server_phase = http::drive(pipe.server, server_http, now, [&](http::ServerEvent&& event) {
      const auto* head = std::get_if<http::RequestHead>(&event);
      if (head) CHECK(server_http.respond(answer_handshake(head->request).response));
    });
  }
  REQUIRE(server_phase == http::Phase::upgraded);
  REQUIRE(refused == Refused::none);
  Settings settings;
  Connection<MemoryStream> server(pipe.server, Role::server, settings);
  Connection<MemoryStream> client(pipe.client, Role::client, settings, &random);
  Log log;
  CHECK(client.session().send_text("one connection"));
  for (int i = 0; i < 10; ++i) {
    server.pump(now, Echo());
    client.pump(now, [&](const Event& event, Session&) { log(event); });
  }
  CHECK(log.take() == "text one connection");
}

}  // namespace
}  // namespace sluice::ws::test
