// RFC 6455 5.5.1, 7: how a session ends.
#include "ws/close.hpp"

#include <doctest/doctest.h>

#include <array>

#include "tests/ws/end.hpp"

namespace sluice::ws::test {
namespace {

TEST_CASE("the peer's Close is answered once, with its code, and ends the session [WS-5.5.1-4] [WS-5.5.1-1]") {
  End server(Role::server);
  server.in(from_client(0x88, close_body(1001, "going")) + from_client(0x88, close_body(1000)));
  CHECK(server.events() == "closed 1001 going");
  CHECK(server.session.closed());
  CHECK(server.out() == "88 1001");
}

TEST_CASE("a Close without a code counts as 1005, and is answered without one [WS-7.1.5-1] [WS-7.4.1-1]") {
  End server(Role::server);
  server.in(from_client(0x88, ""));
  CHECK(server.events() == "closed 1005");
  CHECK(server.out() == "88");
}

TEST_CASE("our Close waits for the peer's, and messages still come in between [WS-5.5.1-4]") {
  End client(Role::client);
  CHECK(client.session.close(CloseCode{4001}, "enough"));
  CHECK(client.out() == "88* 4001 enough");
  client.in(from_server(0x81, "late") + from_server(0x88, close_body(4001)));
  CHECK(client.events() == "text late | closed 4001");
  CHECK(client.out().empty());
}

TEST_CASE("both sides may say Close at once [WS-5.5.1-4]") {
  End server(Role::server);
  CHECK(server.session.close(CloseCode::going_away));
  server.in(from_client(0x88, close_body(1000)));
  CHECK(server.events() == "closed 1000");
  CHECK(server.out() == "88 1001");
}

TEST_CASE("what was queued before leaves before the Close [WS-6.1-1]") {
  End server(Role::server);
  CHECK(server.session.send_text("first"));
  server.in(from_client(0x88, close_body(1000)));
  CHECK(server.out() == "81 first | 88 1000");
}

TEST_CASE(
    "after both Closes the server ends the stream first, the client waits for that [WS-5.5.1-5] [WS-5.5.1-6] "
    "[WS-7.1.1-1]") {
  End server(Role::server);
  End client(Role::client);
  CHECK(client.session.close());
  server.in(client.out_bytes());
  CHECK(server.session.stream_step() == StreamStep::keep);  // its Close still waits
  client.in(server.out_bytes());
  CHECK(server.session.stream_step() == StreamStep::finish);
  CHECK(client.session.stream_step() == StreamStep::keep);
  client.eof();
  CHECK(client.session.stream_step() == StreamStep::done);
  server.eof();
  CHECK(server.session.stream_step() == StreamStep::done);
  CHECK(server.events() == "closed 1000");
  CHECK(client.events() == "closed 1000");
}

TEST_CASE("a client that fails the connection does not wait [WS-7.1.7-1]") {
  End client(Role::client);
  client.in(hex("83"));
  CHECK(client.out().starts_with("88* 1002"));
  CHECK(client.session.stream_step() == StreamStep::finish);
}

TEST_CASE("a Close body of one byte fails with 1002 [WS-5.5.1-2]") {
  End server(Role::server);
  server.in(from_client(0x88, "\x03"));
  CHECK(server.events() == "failed 1002 unclean RFC 6455 5.5.1: a Close body of one byte");
  CHECK(server.out().starts_with("88 1002"));
}

TEST_CASE(
    "codes that may not be on the wire are answered with 1002, never echoed [WS-7.4.1-1] [WS-7.4.1-4] [WS-7.4.2-1] "
    "[A-WS-20]") {
  for (unsigned code : {0u, 1u, 999u, 1004u, 1005u, 1006u, 1015u, 1016u, 1100u, 2000u, 2999u, 5000u, 65535u}) {
    CAPTURE(code);
    End server(Role::server);
    server.in(from_client(0x88, close_body(code)));
    CHECK(server.events() == "failed 1002 unclean RFC 6455 7.4: a close code that may not be sent");
    CHECK(server.out().starts_with("88 1002 RFC"));
  }
}

TEST_CASE("every code that may be on the wire is echoed [WS-7.4.1-2] [WS-7.4.1-3] [WS-7.4.2-1] [WS-7.4.2-2]") {
  for (unsigned code : {1000u, 1001u, 1002u, 1003u, 1007u, 1008u, 1009u, 1010u, 1011u, 1012u, 1013u, 1014u, 3000u,
                        3999u, 4000u, 4999u}) {
    End server(Role::server);
    server.in(from_client(0x88, close_body(code)));
    CHECK(server.events() == "closed " + std::to_string(code));
    CHECK(server.out() == "88 " + std::to_string(code));
  }
}

TEST_CASE("a reason that is not UTF-8 fails with 1007 [WS-5.5.1-1] [WS-8.1-1]") {
  End server(Role::server);
  server.in(from_client(0x88, close_body(1000, "\xff")));
  CHECK(server.events() == "failed 1007 unclean RFC 6455 5.5.1: a Close reason that is not UTF-8");
  CHECK(server.out().starts_with("88 1007"));
}

TEST_CASE("close() refuses codes and reasons that may not be sent [WS-7.4.1-1] [WS-5.5.1-1]") {
  End server(Role::server);
  for (CloseCode code :
       {CloseCode::no_status, CloseCode::abnormal, CloseCode::tls_failure, CloseCode{1004}, CloseCode{999}})
    CHECK(server.session.close(code).error() == Errc::invalid_argument);
  CHECK(server.session.close(CloseCode::normal, std::string(124, 'x')).error() == Errc::invalid_argument);
  CHECK(server.session.close(CloseCode::normal, "\xc3").error() == Errc::invalid_argument);
  CHECK(server.session.open());
  CHECK(server.session.close(CloseCode::normal, std::string(123, 'x')));
  CHECK(server.out() == "88 1000 (123)");
}

TEST_CASE("after a failure input is ignored, and no second Close is sent [WS-7.1.7-2] [WS-7.1.7-1]") {
  End server(Role::server);
  server.in(hex("83") + from_client(0x81, "x") + from_client(0x88, close_body(1000)));
  CHECK(server.events() == "failed 1002 unclean RFC 6455 5.2: a reserved opcode");
  CHECK(server.out() == "88 1002 RFC 6455 5.2: a reserved opcode");
}

TEST_CASE("a fault after our Close ends the session without another Close [WS-5.5.1-4]") {
  End server(Role::server);
  CHECK(server.session.close());
  server.in(hex("83"));
  CHECK(server.events() == "failed 1002 unclean RFC 6455 5.2: a reserved opcode");
  CHECK(server.out() == "88 1000");
  CHECK(server.session.stream_step() == StreamStep::finish);
}

TEST_CASE("a stream that ends without a Close is 1006, which nobody sends [WS-7.1.5-1] [WS-7.4.1-1] [WS-7.2.1-1]") {
  for (Role role : {Role::server, Role::client}) {
    End end(role);
    end.eof();
    CHECK(end.events() == "failed 1006 unclean RFC 6455 7.1.5: the stream ended without a Close");
    CHECK(end.out().empty());
    CHECK(end.session.stream_step() == StreamStep::done);
    end.eof();
    CHECK(end.events().empty());
  }
}

TEST_CASE("a stream that ends behind our Close is 1006 as well: the peer never answered [WS-7.1.5-1]") {
  End client(Role::client);
  CHECK(client.session.close());
  client.eof();
  CHECK(client.events() == "failed 1006 unclean RFC 6455 7.1.5: the stream ended without a Close");
  CHECK(client.session.stream_step() == StreamStep::keep);
  CHECK(client.out() == "88* 1000");
  CHECK(client.session.stream_step() == StreamStep::done);
}

TEST_CASE("a Close in the middle of a fragmented message ends it [WS-5.4-2] [WS-5.5.1-4]") {
  End server(Role::server);
  server.in(from_client(0x01, "half") + from_client(0x88, close_body(1000)));
  CHECK(server.events() == "closed 1000");
  CHECK(server.log.unfinished() == "half");
}

TEST_CASE("an event that waits comes before the Closed") {
  End server(Role::server);
  ByteVector input = from_client(0x81, "x");
  server.session.receive(input);
  server.session.receive_eof();
  server.poll();
  CHECK(server.events() == "text x | failed 1006 unclean RFC 6455 7.1.5: the stream ended without a Close");
}

TEST_CASE("close bodies are written as they are read [WS-5.5.1-1]") {
  std::array<std::uint8_t, 125> room;
  CHECK(write_close_body(room, CloseCode::no_status, "") == 0);
  const std::size_t size = write_close_body(room, CloseCode::too_big, "much");
  const CloseBody body = parse_close_body(Bytes(room).first(size));
  CHECK(body.fault == Fault::none);
  CHECK(body.code == CloseCode::too_big);
  CHECK(body.reason == "much");
}

}  // namespace
}  // namespace sluice::ws::test
