// One message to many sessions: framed once, lost by none who has room, and nothing dangles.
#include "ws/topic.hpp"

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <vector>

#include "tests/ws/end.hpp"

namespace sluice::ws::test {
namespace {

Prepared text(std::string_view content) { return *Prepared::text(content); }

/// A session with its place in a topic, in the order that the contract asks for.
struct Member {
  explicit Member(Topic& topic, Settings chosen = {})
      : end(Role::server, chosen), subscription(topic.subscribe(end.session, [this] { ++wakes; })) {}

  int wakes = 0;
  End end;
  Subscription subscription;
};

TEST_CASE("a prepared message is the frame that a session would make, at every length") {
  for (std::size_t size : {0u, 5u, 125u, 126u, 65535u, 65536u, 100000u}) {
    const std::string payload(size, 'p');
    End server(Role::server);
    CHECK(server.session.send(text(payload)));
    REQUIRE(server.out_bytes() == from_server(0x81, payload));
    CHECK(server.session.send(Prepared::binary(as_bytes(payload))));
    REQUIRE(server.out_bytes() == from_server(0x82, payload));
  }
  CHECK(Prepared::text("\xff").error() == Errc::invalid_argument);
}

TEST_CASE("what is published reaches every subscriber, in one block that all share") {
  Topic topic;
  std::array<Member, 3> members{Member(topic), Member(topic), Member(topic)};
  const Prepared message = text("to all");
  CHECK(topic.publish(message) == 3);
  for (Member& member : members) {
    CHECK(member.wakes == 1);
    CHECK(member.end.session.poll_transmit()[0].buffer().data() == message.frame().buffer().data());
    CHECK(member.end.out() == "81 to all");
  }
}

TEST_CASE("prepared messages keep their order among others, tiny ones and large") {
  End server(Role::server);
  CHECK(server.session.send_text("a"));
  CHECK(server.session.send(text("b")));
  CHECK(server.session.send(text(std::string(100, 'c'))));
  CHECK(server.session.send(text("d")));
  CHECK(server.session.send_text("e"));
  CHECK(server.out() == "81 a | 81 b | 81 (100) | 81 d | 81 e");
}

TEST_CASE("a subscriber without room misses a message, or is closed with 1008 [A-WS-19]") {
  for (const Overflow overflow : {Overflow::skip, Overflow::close}) {
    Topic topic(overflow);
    Member slow(topic, {.high_water = 4});
    Member quick(topic);
    CHECK(topic.publish(text("first")) == 2);
    CHECK(topic.publish(text("second")) == 1);
    CHECK(topic.overflows() == 1);
    CHECK(quick.end.out() == "81 first | 81 second");
    const bool closes = overflow == Overflow::close;
    CHECK(slow.end.out() == (closes ? "81 first | 88 1008 too slow for what is sent here" : "81 first"));
    CHECK(topic.publish(text("third")) == (closes ? 1 : 2));
  }
}

TEST_CASE("a message must not come between the pieces of another [WS-5.4-4]") {
  Topic topic;
  Member member(topic);
  CHECK(member.end.session.begin(MessageType::text));
  CHECK(topic.publish(text("x")) == 0);
  CHECK(member.end.session.end());
  CHECK(topic.publish(text("x")) == 1);
  CHECK(member.end.out() == "81 | 81 x");
}

TEST_CASE("who leaves hears nothing more, and a subscription outlives its topic") {
  std::optional<Topic> topic(std::in_place);
  Member stays(*topic);
  {
    Member leaves(*topic);
    CHECK(topic->size() == 2);
  }
  CHECK(topic->publish(text("x")) == 1);
  Subscription moved = std::move(stays.subscription);
  CHECK(topic->publish(text("y")) == 1);
  CHECK(moved);
  topic.reset();
  CHECK(!moved);
  moved = Subscription();
}

TEST_CASE("inside a publish anybody may leave, come, and publish again") {
  Topic topic;
  std::vector<std::unique_ptr<Member>> members;
  for (int i = 0; i < 4; ++i) members.push_back(std::make_unique<Member>(topic));
  End trouble(Role::server);
  Subscription place;
  place = topic.subscribe(trouble.session, [&] {
    place = Subscription();  // itself, and with it this closure's owner
  });
  End other(Role::server);
  int rounds = 0;
  Subscription maker = topic.subscribe(other.session, [&] {
    if (++rounds > 1) return;
    members.erase(members.begin(), members.begin() + 2);
    members.push_back(std::make_unique<Member>(topic));
    topic.publish(text("inner"));
  });
  members.push_back(std::make_unique<Member>(topic));
  topic.publish(text("outer"));
  CHECK(topic.size() == 5);
  CHECK(members[0]->end.out() == "81 outer | 81 inner");
  CHECK(members[2]->end.out() == "81 inner | 81 outer");  // it stood behind who published
  CHECK(members[3]->end.out() == "81 inner");             // it came during the outer one
  CHECK(topic.publish(text("after")) == 5);
}

TEST_CASE("topics have names, and those that nobody wants any more are forgotten") {
  Topics topics;
  End server(Role::server);
  CHECK(topics.publish("news", text("x")) == 0);
  Subscription news = topics.subscribe("news", server.session, nullptr);
  for (int i = 0; i < 1000; ++i)
    (void)Subscription(topics.subscribe("name " + std::to_string(i), server.session, nullptr));
  CHECK(topics.publish("news", text("x")) == 1);
  CHECK(topics.publish("name 999", text("y")) == 0);
  REQUIRE(topics.find("news"));
  CHECK(topics.find("news")->size() == 1);
  CHECK(!topics.find("name 3"));
  CHECK(server.out() == "81 x");
}

}  // namespace
}  // namespace sluice::ws::test
