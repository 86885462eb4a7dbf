// RFC 6455 5.5.2 and 5.5.3: Ping and Pong.
#include <doctest/doctest.h>

#include "tests/ws/end.hpp"

namespace sluice::ws::test {
namespace {

TEST_CASE("a Ping is answered with its own payload, empty or full [WS-5.5.2-1] [WS-5.5.3-1] [A-WS-16]") {
  End server(Role::server);
  server.in(from_client(0x89, ""));
  CHECK(server.out() == "8a");
  const std::string payload(125, '\x01');
  server.in(from_client(0x89, payload));
  CHECK(server.out_bytes() == from_server(0x8a, payload));
  End client(Role::client);
  client.in(from_server(0x89, "p"));
  CHECK(client.out() == "8a* p");
}

TEST_CASE("a Ping that arrives byte by byte is answered the same [WS-5.5.3-1]") {
  End server(Role::server);
  server.in(from_client(0x89, "payload") + from_client(0x89, "x"), 1);
  CHECK(server.events() == "ping payload | ping x");
  CHECK(server.out() == "8a payload | 8a x");
}

TEST_CASE("a Pong that nobody asked for is reported and not answered [WS-5.5.3-3]") {
  End server(Role::server);
  server.in(from_client(0x8a, "why"));
  CHECK(server.events() == "pong why");
  CHECK(server.out().empty());
}

TEST_CASE("of a flood of Pings that nobody reads the answers of, only the latest is added [WS-5.5.3-2] [A-WS-06]") {
  End server(Role::server);
  for (int i = 0; i < 10000; ++i) server.in(from_client(0x89, std::to_string(i)));
  const ByteVector first = server.out_bytes();
  CHECK(first.size() <= 16 * 4);
  CHECK(show_frames(first).ends_with("8a 15"));
  CHECK(server.out() == "8a 9999");
  CHECK(server.out().empty());
  server.in(from_client(0x89, "again"));
  CHECK(server.out() == "8a again");
}

TEST_CASE("held-back Pongs leave no trace behind a Close [WS-5.5.1-3]") {
  End server(Role::server);
  for (int i = 0; i < 100; ++i) server.in(from_client(0x89, "x"));
  CHECK(server.session.close());
  CHECK(server.out().ends_with("8a x | 88 1000"));
  CHECK(server.out().empty());
}

TEST_CASE("a Ping after our Close gets no answer: nothing follows a Close [WS-5.5.1-3]") {
  End server(Role::server);
  CHECK(server.session.close());
  server.in(from_client(0x89, "late"));
  CHECK(server.events() == "ping late");
  CHECK(server.out() == "88 1000");
}

TEST_CASE("our own Ping has at most 125 bytes [WS-5.5-1]") {
  End client(Role::client);
  CHECK(client.session.ping(ByteVector(126, 1)).error() == Errc::invalid_argument);
  CHECK(client.session.ping(ByteVector(125, 1)));
  CHECK(client.out_bytes().size() == 2 + 4 + 125);
}

}  // namespace
}  // namespace sluice::ws::test
