// The chat's room without sockets: names, history, and members that go at any time.
#include "tools/chat_room.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/ws/end.hpp"
#include "tools/chat_page.hpp"

namespace sluice::tools {
namespace {

using Json = nlohmann::json;

/// A member with a session of its own; frames out are read as the text in them.
struct Guest {
  explicit Guest(ChatRoom& room, const std::string& name = "")
      : end(ws::Role::server, room.settings()), member(room, name, [this] { ++wakes; }) {
    member.begin(end.session);
  }

  void say(std::string_view text, std::uint8_t first = 0x81) {
    ws::test::ByteVector bytes = ws::test::from_client(first, text);
    MutableBytes input = bytes;
    while (!input.empty()) {
      input = input.subspan(end.session.receive(input));
      while (const auto event = end.session.poll_event()) member(*event, end.session);
    }
  }

  /// "type name text present" of each event since the last call, one a line.
  std::string heard() {
    std::string lines;
    const ws::test::ByteVector bytes = end.out_bytes();
    Bytes rest = bytes;
    while (!rest.empty()) {
      const ws::ParsedHeader frame = ws::parse_header(rest, {.masked = false});
      const Bytes payload = rest.subspan(frame.size, frame.header.length);
      rest = rest.subspan(frame.size + payload.size());
      if (ws::is_control(frame.header.opcode)) {
        lines += "close " + std::to_string(payload[0] * 256 + payload[1]) + "\n";
        continue;
      }
      const Json event = Json::parse(as_text(payload));
      lines += event.at("type").get<std::string>() + " " + event.at("name").get<std::string>() + " " +
               event.at("text").get<std::string>();
      if (event.contains("present")) lines += std::to_string(event["present"].get<int>());
      lines += "\n";
    }
    return lines;
  }

  int wakes = 0;
  ws::test::End end;
  ChatMember member;
};

}  // namespace

TEST_CASE("the room tells everybody what is said, and who comes and goes") {
  ChatRoom room;
  Guest ann(room, "Ann");
  {
    Guest bob(room);
    bob.say("Bob");
    CHECK(bob.heard() == "welcome Bob 2\n");
    bob.say(R"({"type":"message","text":"<b>hi</b>"})");
    CHECK(bob.heard() == "message Bob <b>hi</b>\n");
  }
  CHECK(ann.heard() == "welcome Ann 1\njoin Bob 2\nmessage Bob <b>hi</b>\nleave Bob 1\n");
  CHECK(ann.wakes == 3);
}

TEST_CASE("names are cleaned, cut between characters, and held by one member") {
  ChatRoom room;
  Guest first(room, " A\x1b[1mnn\n ");
  CHECK(first.heard() == "welcome A[1mnn 1\n");
  Guest second(room, "A[1mnn");
  CHECK(second.heard() == "welcome A[1mnn 2 2\n");
  std::string long_name;
  for (int i = 0; i < 40; ++i) long_name += "\xc3\xa9";
  Guest third(room, "x" + long_name);
  CHECK(third.heard() == "welcome x" + long_name.substr(0, 62) + " 3\n");
  Guest nobody(room, "\n\t");
  CHECK(nobody.heard() == "error  say your name first\n");
  CHECK(room.present() == 3);
}

TEST_CASE("what is no JSON object is text, and an object that says nothing is an error") {
  ChatRoom room;
  Guest ann(room, "Ann");
  ann.heard();
  for (const char* text : {"plain", "[1]", "{\"text\":", "7"}) {
    ann.say(text);
    CHECK(ann.heard() == std::string("message Ann ") + text + "\n");
  }
  for (const char* text : {"{}", "{\"text\":7}", "{\"text\":\"\"}"}) {
    ann.say(text);
    CHECK(ann.heard() == "error  a message has a text\n");
  }
}

TEST_CASE("the history is bounded in messages and in bytes") {
  ChatRoom few({.history = 3});
  Guest ann(few, "Ann");
  for (const char* text : {"1", "2", "3", "4", "5"}) ann.say(text);
  CHECK(Guest(few, "B").heard() == "welcome B 2\nmessage Ann 3\nmessage Ann 4\nmessage Ann 5\n");
  ChatRoom small({.history_bytes = 150});
  Guest eve(small, "Eve");
  for (const char* text : {"1", "2", "3", "4", "5"}) eve.say(text);
  CHECK(Guest(small, "B").heard() == "welcome B 2\nmessage Eve 4\nmessage Eve 5\n");
}

TEST_CASE("binary and oversized messages end the member, not the room") {
  ChatRoom room;
  Guest ann(room, "Ann");
  Guest bob(room, "Bob");
  bob.heard();
  bob.say("x", 0x82);
  CHECK(bob.heard() == "close 1003\n");
  Guest eve(room, "Eve");
  eve.heard();
  eve.say(std::string(8193, 'x'));
  CHECK(eve.heard() == "close 1009\n");
  CHECK(ann.heard() == "welcome Ann 1\njoin Bob 2\njoin Eve 3\nleave Eve 2\n");
}

TEST_CASE("a member that reads nothing is closed, and the others hear all") {
  ChatRoom room({.unread = 2000});
  Guest lazy(room, "Lazy");
  Guest ann(room, "Ann");
  for (int i = 0; i < 100; ++i) {
    ann.say("x");
    CHECK(ann.heard().ends_with("message Ann x\n"));
  }
  CHECK(lazy.heard().ends_with("close 1008\n"));
}

TEST_CASE("what was said in one turn is bounded, so that the members' queues can drain") {
  ChatRoom room({.unread = 2000});
  Guest ann(room, "Ann");
  CHECK(ann.member.ready(ann.end.session));
  for (int i = 0; i < 5; ++i) ann.say(std::string(100, 'x'));
  CHECK(!ann.member.ready(ann.end.session));
  room.at(std::chrono::nanoseconds(1));
  CHECK(ann.member.ready(ann.end.session));
}

TEST_CASE("the chat's page uses nothing but what is in it") {
  const http::Answer page = chat_page();
  CHECK(page.response.status == 200);
  const std::string& text = std::get<std::string>(page.body);
  for (const char* foreign : {"src=", "href=\"http", "@import", "url(", "innerHTML", "document.write", "eval("})
    CHECK(text.find(foreign) == text.npos);
}

}  // namespace sluice::tools
