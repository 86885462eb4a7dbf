// `sluice ws` without sockets: lines in, frames out, and what is printed, over a pipe in memory.
#include "tools/ws_talk.hpp"

#include <doctest/doctest.h>

#include "http/driver.hpp"
#include "http/server_session.hpp"
#include "tests/ws/end.hpp"
#include "tests/ws/memory_pipe.hpp"
#include "tools/hex.hpp"
#include "ws/echo.hpp"

namespace sluice::tools {
namespace {

using std::chrono::seconds;
using ws::test::after;
using ws::test::MemoryStream;

/// A talk with a server that a test writes, from the request on.
struct Lab {
  explicit Lab(WsTalkOptions chosen = {}) : options(std::move(chosen)) {
    options.url = "ws://sluice/";
    options.say = [this](const std::string& sentence) { said += sentence + "\n"; };
    options.complain = [this](const std::string& sentence) { complaints += sentence + "\n"; };
    ws::ClientRequest wish;
    wish.host = "sluice";
    wish.subprotocols = {"chat"};
    client.emplace(pipe.client, *ws::ClientHandshake::start(wish, random), settings, random);
  }

  void in(std::string_view text) { talk.input().add(as_bytes(text)); }

  /// Both sides until nothing moves; true when the client is over.
  template <class Handler>
  bool run(Handler&& handler, Time now = after(seconds(0))) {
    bool over = false;
    for (int i = 0; i < 50 && !over; ++i) {
      talk.at(now);
      over = client->pump(now, talk);
      if (client->session()) talk.speak(*client->session());
      serve(now, handler);
    }
    return over;
  }
  bool run(Time now = after(seconds(0))) { return run(ws::Echo(), now); }

  template <class Handler>
  void serve(Time now, Handler& handler) {
    if (server) {
      if (!server_over) server_over = server->pump(now, handler);
      return;
    }
    const http::Phase phase = http::drive(pipe.server, http, now, [this](http::ServerEvent&& event) {
      const auto* head = std::get_if<http::RequestHead>(&event);
      if (!head) return;
      http::Response answer = ws::answer_handshake(head->request, policy).response;
      if (edit) edit(answer);
      CHECK(http.respond(answer));
    });
    if (phase == http::Phase::upgraded) server.emplace(pipe.server, ws::Role::server, settings);
  }

  std::string out() {
    std::string text(as_text(talk.output().waiting()));
    talk.output().written(text.size());
    return text;
  }

  WsTalkOptions options;
  ws::Settings settings;
  Random random{ws::test::kRandomKey, KeyUse::websocket_mask};
  ws::test::MemoryPipe pipe;
  ws::ServerPolicy policy{.hosts = {}, .subprotocols = {"chat"}};
  std::function<void(http::Response&)> edit;
  http::ServerSession http;
  std::optional<ws::Connection<MemoryStream>> server;
  bool server_over = false;
  std::string said;
  std::string complaints;
  std::optional<ws::Client<MemoryStream>> client;
  WsTalk talk{options};
};

/// A server that says no such thing as it hears.
struct Silent {
  void operator()(const ws::Event&, ws::Session&) const {}
};

}  // namespace

TEST_CASE("lines go out as text, come back as lines, and the input's end is a clean close") {
  Lab lab;
  lab.in("hello\nGr");
  lab.in(
      "\xc3\xbc\xc3\x9f"
      "e\r\n\nlast");
  lab.talk.input().end();
  CHECK(lab.run());
  CHECK(lab.out() ==
        "hello\nGr\xc3\xbc\xc3\x9f"
        "e\n\nlast\n");
  REQUIRE(lab.talk.end());
  CHECK(lab.talk.end()->clean);
  CHECK(lab.talk.end()->ours);
  CHECK(lab.said == "open, subprotocol chat\n");
}

TEST_CASE("a line that makes no message is named and passed over") {
  Lab text;
  text.in("good\nbad \xff\nagain\n");
  text.run();
  CHECK(text.out() == "good\nagain\n");
  CHECK(text.complaints == "line 2 of the input is not UTF-8 and was not sent\n");
  Lab hex({.form = WsForm::hex});
  hex.in("00 ff\n0\nxy\nABcd\n");
  hex.run();
  CHECK(hex.out() == "00ff\nabcd\n");
  CHECK(hex.talk.complaints() == 2);
}

TEST_CASE("a line without end is dropped at 16 MiB, and the next one counts") {
  WsInput input(WsForm::text, 0);
  const std::string megabyte(1u << 20, 'x');
  for (int i = 0; i < 17; ++i) input.add(as_bytes(megabyte));
  input.add(as_bytes("\nnext\n"));
  CHECK(input.take().error == "line 1 of the input is longer than 16 MiB");
  CHECK(as_text((*input.take()).payload) == "next");
}

TEST_CASE("binary input is sent as it is read, and shown as hexadecimal or raw") {
  for (const bool raw : {false, true}) {
    Lab lab({.form = WsForm::binary, .chunk = 3, .output = {.raw = raw}});
    CHECK(lab.talk.input().wanted() == 3);
    lab.in(std::string_view("\0\n\xff", 3));
    CHECK(lab.talk.input().wanted() == 0);
    lab.run();
    CHECK(lab.out() == (raw ? std::string("\0\n\xff", 3) : "000aff\n"));
  }
}

TEST_CASE("as JSON each event is a line, whatever bytes the peer chose") {
  Lab lab({.output = {.json = true}});
  lab.run(Silent());
  CHECK(lab.server->session().send_text("a \"b\"\n"));
  CHECK(lab.server->session().send(ws::MessageType::binary, as_bytes("\x01\xff")));
  CHECK(lab.server->session().ping(as_bytes("?")));
  CHECK(lab.server->session().close(static_cast<ws::CloseCode>(4001), "bye"));
  CHECK(lab.run());
  CHECK(lab.out() ==
        R"({"type":"open","url":"ws://sluice/","subprotocol":"chat"}
{"type":"message","kind":"text","text":"a \"b\"\n"}
{"type":"message","kind":"binary","bytes":2,"hex":"01ff"}
{"type":"ping","hex":"3f"}
{"type":"close","code":4001,"reason":"bye","clean":true}
)");
  CHECK(lab.talk.end()->code == static_cast<ws::CloseCode>(4001));
  CHECK(!lab.talk.end()->ours);
}

TEST_CASE("after the input's end it waits for so much silence") {
  Lab lab({.wait = seconds(2)});
  lab.talk.input().end();
  CHECK(!lab.run());
  CHECK(lab.talk.next_timeout() == after(seconds(2)));
  CHECK(lab.server->session().send_text("late"));
  CHECK(!lab.run(after(seconds(1))));
  CHECK(lab.out() == "late\n");
  CHECK(!lab.run(after(seconds(2))));
  CHECK(lab.run(after(seconds(3))));
  CHECK(lab.talk.end()->clean);
}

TEST_CASE("what the peer sends before it answers our Close is still printed") {
  Lab lab;
  lab.run();
  lab.talk.input().end();
  lab.talk.speak(*lab.client->session());
  CHECK(lab.server->session().send_text("so long"));
  CHECK(lab.run());
  CHECK(lab.out() == "so long\n");
}

TEST_CASE("it leaves the Close to the peer when it is told so, and says what it is told to say") {
  Lab open({.close_at_end = false});
  open.talk.input().end();
  CHECK(!open.run(after(seconds(3600))));
  Lab told({.code = static_cast<ws::CloseCode>(4000), .reason = "done"});
  told.talk.input().end();
  CHECK(told.run());
  CHECK(told.talk.end()->code == static_cast<ws::CloseCode>(4000));
}

TEST_CASE("one message can be enough") {
  Lab lab({.one = true, .close_at_end = false});
  lab.in("first\nsecond\n");
  CHECK(lab.run());
  CHECK(lab.out() == "first\n");
  CHECK(lab.talk.end()->clean);
}

TEST_CASE("its Pings are timed, and strange Pongs are not") {
  Lab lab({.output = {.json = true}});
  lab.run(Silent());
  lab.out();
  lab.talk.ping(*lab.client->session());
  lab.run(Silent(), after(std::chrono::milliseconds(20)));
  CHECK(lab.out() == "{\"type\":\"pong\",\"hex\":\"31\",\"ms\":20.0}\n");
  lab.pipe.down.bytes = ws::test::from_server(0x8a, "?");
  lab.run(Silent());
  CHECK(lab.out() == "{\"type\":\"pong\",\"hex\":\"3f\"}\n");
}

TEST_CASE("who reads nothing from us holds up what is read from the peer [A-WS-19]") {
  Lab lab;
  lab.run(Silent());
  const std::string large(600'000, 'x');
  for (int i = 0; i < 4; ++i) {
    (void)lab.server->session().send_text(large);
    lab.run(Silent());
  }
  CHECK(lab.talk.output().full());
  CHECK(lab.talk.output().waiting().size() < 2'000'000);
}

TEST_CASE("a terminal is not steered by what a peer says") {
  CHECK(printable("a\tb\x1b[2J\x7f\xc2\x9b\xc3\xa9") == "a\tb\\x1b[2J\\x7f\\x9b\xc3\xa9");
  Lab lab({.output = {.terminal = true}});
  lab.in("\x1b[31mred\n");
  lab.run();
  CHECK(lab.out() == "\\x1b[31mred\n");
}

TEST_CASE("a refusal is one sentence [WS-4.1-14] [WS-4.1-15] [WS-4.1-16] [WS-4.1-17] [WS-4.1-18] [WS-4.1-19]") {
  const auto failure = [](const std::function<void(http::Response&)>& edit) {
    Lab lab;
    lab.edit = edit;
    CHECK(lab.run());
    REQUIRE(lab.client->failure());
    return lab.client->failure()->reason;
  };
  const auto changed = [](const std::string& name, const std::string& value) {
    return [name, value](http::Response& response) {
      http::Fields fields;
      for (const http::Field& field : response.fields)
        if (field.name != name) fields.add(field.name, field.value);
      fields.add(name, value);
      response.fields = fields;
    };
  };
  CHECK(failure([](http::Response& r) { r = {.status = 401, .fields = {}}; }) == "the server answers 401 Unauthorized");
  CHECK(failure([](http::Response& r) {
          r = {.status = 301, .fields = {}};
          r.fields.add("Location", "/there");
        }) == "the server answers 301 Moved Permanently, which points to /there");
  CHECK(failure(changed("Upgrade", "h2c")) == "the server's Upgrade is not websocket");
  CHECK(failure(changed("Sec-WebSocket-Accept", "x")) == "the server's Sec-WebSocket-Accept does not answer our key");
  CHECK(failure(changed("Sec-WebSocket-Extensions", "x")) == "the server chose an extension that was not offered");
  CHECK(failure(changed("Sec-WebSocket-Protocol", "x")) == "the server chose a subprotocol that was not offered");
  Lab gone;
  gone.pipe.down.finished = true;
  CHECK(gone.run());
  CHECK(gone.client->failure()->reason == "the server closed the connection without an answer");
}

TEST_CASE("a connection that breaks off is no clean end") {
  Lab lab;
  lab.run();
  lab.pipe.down.broken = true;
  CHECK(lab.run());
  REQUIRE(lab.talk.end());
  CHECK(!lab.talk.end()->clean);
  CHECK(lab.talk.end()->code == ws::CloseCode::abnormal);
}

}  // namespace sluice::tools
