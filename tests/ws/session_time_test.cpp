// Patience in virtual time: closes, silence, messages that stand still.
#include <doctest/doctest.h>

#include "tests/ws/end.hpp"

namespace sluice::ws::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("an idle session has no timer") {
  End server(Role::server);
  CHECK(server.session.next_timeout() == kNever);
  server.at(after(seconds(1)));
  CHECK(server.session.next_timeout() == kNever);
}

TEST_CASE("a Close that is not answered in time ends in abort() [A-WS-15]") {
  End server(Role::server, {.close_timeout = seconds(5)});
  CHECK(server.session.close());
  CHECK(server.session.next_timeout() == Time::min());
  server.at(after(seconds(0)));
  CHECK(server.session.next_timeout() == after(seconds(5)));
  server.at(after(milliseconds(4999)));
  CHECK(server.events().empty());
  server.at(after(seconds(5)));
  CHECK(server.events() == "failed 1006 unclean RFC 6455 7.1.5: our Close was not answered in time");
  CHECK(server.session.stream_step() == StreamStep::abort);
  CHECK(server.session.next_timeout() == kNever);
  CHECK(server.out() == "88 1000");
}

TEST_CASE("a peer that never ends its stream is not waited for for ever [A-WS-15]") {
  for (Role role : {Role::server, Role::client}) {
    End end(role, {.close_timeout = seconds(5)});
    end.in(frame(0x88, close_body(1000), role == Role::server ? std::optional(kKey) : std::nullopt));
    end.out();
    end.at(after(seconds(0)));
    CHECK(end.session.next_timeout() == after(seconds(5)));
    CHECK(end.session.stream_step() == (role == Role::server ? StreamStep::finish : StreamStep::keep));
    end.at(after(seconds(5)));
    CHECK(end.session.stream_step() == StreamStep::abort);
    CHECK(end.events() == "closed 1000");
  }
}

TEST_CASE("a peer that does not read our last bytes is not waited for either [A-WS-15] [A-WS-19]") {
  End server(Role::server);
  CHECK(server.session.send_text("never read"));
  server.eof();
  server.at(after(seconds(0)));
  CHECK(server.session.stream_step() == StreamStep::keep);
  server.at(after(seconds(5)));
  CHECK(server.session.stream_step() == StreamStep::abort);
}

TEST_CASE("the peer's Close starts the wait for its end afresh") {
  End server(Role::server, {.close_timeout = seconds(5)});
  CHECK(server.session.close());
  server.at(after(seconds(0)));
  server.in(from_client(0x88, close_body(1000)));
  server.at(after(seconds(4)));
  CHECK(server.session.next_timeout() == after(seconds(9)));
  server.out();
  server.eof();
  CHECK(server.session.next_timeout() == kNever);
  server.at(after(seconds(9)));
  CHECK(server.session.stream_step() == StreamStep::done);
}

TEST_CASE("silence asks for a Ping, an answer calms it [WS-5.5.2-1]") {
  End server(Role::server, {.idle_ping = seconds(30), .ping_timeout = seconds(10)});
  CHECK(server.session.next_timeout() == Time::min());
  server.at(after(seconds(0)));
  CHECK(server.session.next_timeout() == after(seconds(30)));
  server.in(from_client(0x81, "x"));
  server.at(after(seconds(20)));
  CHECK(server.session.next_timeout() == after(seconds(50)));
  server.at(after(seconds(50)));
  CHECK(server.out() == "89");
  CHECK(server.session.next_timeout() == after(seconds(60)));
  server.in(from_client(0x8a, ""));
  server.at(after(seconds(55)));
  CHECK(server.session.next_timeout() == after(seconds(85)));
  CHECK(server.events() == "text x | pong");
}

TEST_CASE("silence after the Ping is the end: 1006 and abort()") {
  End server(Role::server, {.idle_ping = seconds(30), .ping_timeout = seconds(10)});
  server.at(after(seconds(0)));
  server.at(after(seconds(30)));
  server.at(after(seconds(39)));
  CHECK(server.events().empty());
  server.at(after(seconds(40)));
  CHECK(server.events() == "failed 1006 unclean RFC 6455 5.5.2: our Ping was not answered in time");
  CHECK(server.session.stream_step() == StreamStep::abort);
  CHECK(server.out() == "89");
}

TEST_CASE("a message that stands still fails with 1008, one that goes on does not [A-WS-05]") {
  End server(Role::server, {.message_timeout = seconds(10)});
  server.at(after(seconds(0)));
  CHECK(server.session.next_timeout() == kNever);
  server.in(from_client(0x02, "begin"));
  CHECK(server.session.next_timeout() == Time::min());
  server.at(after(seconds(1)));
  CHECK(server.session.next_timeout() == after(seconds(11)));
  server.in(from_client(0x00, ""));
  server.at(after(seconds(9)));
  CHECK(server.session.next_timeout() == after(seconds(19)));
  server.in(from_client(0x89, "pings are no progress"));
  server.at(after(seconds(18)));
  CHECK(server.session.next_timeout() == after(seconds(19)));
  server.at(after(seconds(19)));
  CHECK(server.events() ==
        "ping pings are no progress | failed 1008 unclean RFC 6455 10.4: the message does not go on");
  CHECK(server.out().ends_with("88 1008 RFC 6455 10.4: the message does not go on"));
}

TEST_CASE("the end of a message stops its timer") {
  End server(Role::server, {.message_timeout = seconds(10)});
  server.in(from_client(0x02, "begin"));
  server.at(after(seconds(0)));
  server.in(from_client(0x80, "end"));
  server.at(after(seconds(9)));
  CHECK(server.session.next_timeout() == kNever);
  server.at(after(seconds(100)));
  server.in(from_client(0x02, "next"));
  server.at(after(seconds(101)));
  CHECK(server.session.next_timeout() == after(seconds(111)));
  CHECK(server.session.open());
}

TEST_CASE("a peer that takes nothing of what we send is given up, a slow one is not [A-WS-19]") {
  End server(Role::server, {.send_timeout = seconds(60)});
  CHECK(server.session.send_text("0123456789"));
  CHECK(server.session.next_timeout() == Time::min());
  server.at(after(seconds(0)));
  CHECK(server.session.next_timeout() == after(seconds(60)));
  server.session.transmitted(1);
  server.at(after(seconds(50)));
  CHECK(server.session.next_timeout() == after(seconds(110)));
  server.at(after(seconds(110)));
  CHECK(server.events() == "failed 1006 unclean RFC 6455 7.1.5: the peer takes nothing of what we send");
  CHECK(server.session.stream_step() == StreamStep::abort);
}

TEST_CASE("a queue that empties and fills again starts its wait afresh [A-WS-19]") {
  End server(Role::server, {.send_timeout = seconds(60)});
  CHECK(server.session.send_text("a"));
  server.at(after(seconds(0)));
  server.out();
  CHECK(server.session.next_timeout() == kNever);
  server.at(after(seconds(30)));
  CHECK(server.session.send_text("b"));
  server.at(after(seconds(100)));
  CHECK(server.session.next_timeout() == after(seconds(160)));
  CHECK(server.session.open());
}

}  // namespace
}  // namespace sluice::ws::test
