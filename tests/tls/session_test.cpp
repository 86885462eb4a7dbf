// Open connections: their ends, their bounds, their keys, and records that somebody touched.
#include <doctest/doctest.h>

#include <array>

#include "tests/tls/couple.hpp"

namespace sluice::tls::test {
namespace {

struct OpenCouple : Couple {
  explicit OpenCouple(const Settings& settings = {}) : Couple(server_context(settings), client_context()) {
    run();
    REQUIRE(open());
  }
};

TEST_CASE("close_notify is the end of one direction, the other goes on") {
  for (const Version version : {Version::tls12, Version::tls13}) {
    OpenCouple couple(only(version));
    say(couple.client, "last words");
    couple.client.finish();
    CHECK(say(couple.client, "more") == 0);
    couple.run();
    CHECK(couple.server_read == "last words");
    CHECK(couple.server.at_eof());
    CHECK(couple.server.state() == State::open);
    say(couple.server, "an answer");
    couple.server.finish();
    CHECK(couple.server.state() == State::closed);
    couple.run();
    CHECK(couple.client_read == "an answer");
    CHECK(couple.client.state() == State::closed);
    couple.client.receive_eof();
    CHECK_FALSE(couple.client.failure());
    CHECK_FALSE(couple.server.failure());
  }
}

TEST_CASE("an end without close_notify is truncation, not an end") {
  OpenCouple couple;
  say(couple.client, "half a sen");
  couple.run();
  couple.server.receive_eof();
  CHECK_FALSE(couple.server.at_eof());
  CHECK(couple.server.state() == State::closed);
  CHECK(couple.server.failure().fault == Fault::truncated);
  CHECK(couple.server.failure().sentence ==
        "the connection ended without a close_notify, so the last bytes may be missing");
}

TEST_CASE("what follows a close_notify is ignored") {
  OpenCouple couple;
  couple.client.finish();
  ByteVector bytes = out(couple.client);
  bytes.insert(bytes.end(), 100, 'x');
  CHECK(in(couple.server, bytes).empty());
  CHECK(couple.server.at_eof());
  CHECK_FALSE(couple.server.failure());
}

TEST_CASE("a finish during the handshake waits for its end") {
  Couple couple(server_context(), client_context());
  couple.client.finish();
  couple.run();
  CHECK(couple.server.at_eof());
  CHECK_FALSE(couple.server.failure());
}

TEST_CASE("a changed record ends the connection, and nothing of it is read") {
  for (const Version version : {Version::tls12, Version::tls13}) {
    OpenCouple couple(only(version));
    say(couple.client, "first");
    say(couple.client, "second");
    ByteVector bytes = out(couple.client);
    bytes.back() ^= 1;
    CHECK(in(couple.server, bytes) == "first");
    CHECK(couple.server.failure().fault == Fault::tampered);
    in(couple.client, out(couple.server));
    CHECK(couple.client.failure().fault == Fault::alert);
    CHECK(couple.client.failure().sentence == "the peer gave up with the alert \"bad record mac\"");
  }
}

TEST_CASE("a record that is sent again or left out is not believed") {
  OpenCouple couple;
  say(couple.client, "once");
  const ByteVector once = out(couple.client);
  CHECK(in(couple.server, once) == "once");
  CHECK(in(couple.server, once).empty());
  CHECK(couple.server.failure().fault == Fault::tampered);
}

TEST_CASE("ciphertext is not taken while plaintext is unread") {
  OpenCouple couple;
  const std::string text(30000, 'r');
  CHECK(say(couple.client, text) == text.size());
  const ByteVector bytes = out(couple.client);
  const std::size_t taken = couple.server.receive(bytes);
  CHECK(taken < 17000);
  CHECK(couple.server.peek().size() == Session::kRecord);
  CHECK(couple.server.receive(Bytes(bytes).subspan(taken)) == 0);
  couple.server.consume(Session::kRecord - 1);
  CHECK(couple.server.receive(Bytes(bytes).subspan(taken)) == 0);
  couple.server.consume(1);
  CHECK(couple.server.receive(Bytes(bytes).subspan(taken)) == bytes.size() - taken);
  CHECK(couple.server.peek().size() == text.size() - Session::kRecord);
}

TEST_CASE("writing stops when enough waits to leave") {
  OpenCouple couple;
  const std::string text(200000, 'w');
  CHECK(say(couple.client, text) == Session::kOutput);
  CHECK(couple.client.writable() == 0);
  CHECK(say(couple.client, text) == 0);
  CHECK(couple.client.poll_transmit().size() <= Session::kOutput + 3 * Session::kOverhead);
  out(couple.client);
  CHECK(couple.client.writable() == Session::kOutput);
}

TEST_CASE("two ends that wrote all they may still read") {
  OpenCouple couple;
  const std::string text(Session::kOutput, 'b');
  CHECK(say(couple.client, text) == text.size());
  CHECK(say(couple.server, text) == text.size());
  const ByteVector up(couple.client.poll_transmit().begin(), couple.client.poll_transmit().end());
  CHECK(in(couple.server, up) == text);
  CHECK(in(couple.client, out(couple.server)) == text);
}

TEST_CASE("many short pieces become one record") {
  OpenCouple couple;
  std::vector<Bytes> pieces(500, as_bytes("0123456789"));
  pieces[7] = {};
  CHECK(couple.client.write(pieces) == 4990);
  CHECK(couple.client.poll_transmit().size() <= 4990 + Session::kOverhead);
  couple.run();
  CHECK(couple.server_read.size() == 4990);
  CHECK(couple.server_read.ends_with("0123456789"));
  CHECK(couple.client.write(pieces, 25) == 25);
}

TEST_CASE("keys are changed under way, in both directions, in TLS 1.3") {
  OpenCouple couple;
  CHECK(couple.client.update_keys());
  say(couple.client, "with new keys");
  couple.run();
  CHECK(couple.server_read == "with new keys");
  say(couple.server, "so do I");
  couple.run();
  CHECK(couple.client_read == "so do I");
  OpenCouple old(only(Version::tls12));
  CHECK_FALSE(old.client.update_keys());
}

TEST_CASE("a flood of key updates is answered in bounded memory") {
  OpenCouple couple;
  for (int i = 0; i < 5000; ++i) REQUIRE(couple.client.update_keys());
  const ByteVector flood = out(couple.client);
  std::size_t taken = 0;
  while (taken < flood.size()) {
    const std::size_t more = couple.server.receive(Bytes(flood).subspan(taken));
    CHECK(couple.server.poll_transmit().size() <= Session::kAnswers + Session::kRecord);
    taken += more;
    if (more == 0) in(couple.client, out(couple.server));
  }
  couple.run();
  say(couple.server, "enough");
  couple.run();
  CHECK(couple.client_read == "enough");
}

}  // namespace
}  // namespace sluice::tls::test
