// How a connection begins: versions, names, protocols, tickets, deadlines, and peers that speak something else.
#include <doctest/doctest.h>

#include "tests/tls/couple.hpp"

namespace sluice::tls::test {
namespace {

TEST_CASE("a handshake opens both sides, in TLS 1.3 where both may, and text flows both ways") {
  const ServerContext servers = server_context();
  const ClientContext clients = client_context();
  Couple couple(servers, clients);
  CHECK(couple.client.state() == State::handshaking);
  CHECK(say(couple.client, "too early") == 0);
  couple.run();
  REQUIRE(couple.open());
  CHECK(couple.client.version() == "TLSv1.3");
  CHECK(couple.server.server_name() == "server.example");
  CHECK(say(couple.client, "question") == 8);
  CHECK(say(couple.server, "answer") == 6);
  couple.run();
  CHECK(couple.server_read == "question");
  CHECK(couple.client_read == "answer");
}

TEST_CASE("either side may hold the other to one version") {
  for (const Version version : {Version::tls12, Version::tls13}) {
    const ServerContext servers = server_context(only(version));
    const ClientContext clients = client_context();
    Couple couple(servers, clients);
    couple.run();
    REQUIRE(couple.open());
    CHECK(couple.server.version() == (version == Version::tls12 ? "TLSv1.2" : "TLSv1.3"));
    const bool ephemeral = couple.server.cipher().starts_with("ECDHE-") || couple.server.cipher().starts_with("TLS_");
    CHECK(ephemeral);
  }
}

TEST_CASE("without a common version there is no connection, and both hear why") {
  const ServerContext servers = server_context(only(Version::tls13));
  const ClientContext clients = client_context(only(Version::tls12));
  Couple couple(servers, clients);
  couple.run();
  CHECK(couple.server.failure().fault == Fault::no_common_version);
  CHECK(couple.client.failure().fault == Fault::alert);
  CHECK(couple.client.failure().sentence == "the peer gave up with the alert \"protocol version\"");
}

TEST_CASE("drips of one byte make the same handshake and the same text") {
  for (const Version version : {Version::tls12, Version::tls13}) {
    const ServerContext servers = server_context(only(version));
    const ClientContext clients = client_context();
    Couple couple(servers, clients);
    couple.run(1);
    REQUIRE(couple.open());
    const std::string text(40000, 't');
    std::size_t said = 0;
    while (said < text.size()) {
      said += say(couple.client, std::string_view(text).substr(said));
      couple.run(1);
    }
    CHECK(couple.server_read == text);
  }
}

TEST_CASE("the server's order decides which protocol is spoken, and none in common ends the handshake") {
  Settings ours;
  ours.protocols = {"http/1.1", "other"};
  Settings theirs;
  theirs.protocols = {"h2", "other", "http/1.1"};
  const ServerContext servers = server_context(ours);
  {
    Couple couple(servers, client_context(theirs));
    couple.run();
    CHECK(couple.client.protocol() == "http/1.1");
    CHECK(couple.server.protocol() == "http/1.1");
  }
  {
    Couple silent(servers, client_context());
    silent.run();
    CHECK(silent.open());
    CHECK(silent.client.protocol().empty());
  }
  theirs.protocols = {"h2"};
  Couple couple(servers, client_context(theirs));
  couple.run();
  CHECK(couple.server.failure().fault == Fault::no_common_protocol);
  CHECK(couple.client.failure().fault == Fault::alert);
}

TEST_CASE("the second connection resumes the first one's session, without a certificate") {
  for (const Version version : {Version::tls12, Version::tls13}) {
    const ServerContext servers = server_context(only(version));
    const ClientContext clients = client_context();
    for (const bool again : {false, true, true}) {
      Couple couple(servers, clients);
      couple.run();
      REQUIRE(couple.open());
      CHECK(couple.client.resumed() == again);
      CHECK(couple.server.resumed() == again);
      CHECK(clients.tickets() == 1);
    }
    Couple other(servers, clients, "a.wild.example");
    other.run();
    CHECK_FALSE(other.client.resumed());
  }
}

TEST_CASE("tickets of another server, or none, mean a whole handshake") {
  const ClientContext clients = client_context();
  Settings forgetful;
  forgetful.resume = false;
  for (const ServerContext& servers : {server_context(), server_context(), server_context(forgetful)}) {
    Couple couple(servers, clients);
    couple.run();
    CHECK(couple.open());
    CHECK_FALSE(couple.client.resumed());
  }
  CHECK(clients.tickets() == 0);
}

TEST_CASE("a server changes its certificate under the connections that it has") {
  ServerContext servers = server_context();
  const ClientContext clients = client_context();
  Couple old(servers, clients);
  old.run();
  servers = server_context({}, make_identity({"new.example"}, &authority()));
  Couple fresh(servers, clients, "new.example");
  fresh.run();
  CHECK(fresh.open());
  CHECK(say(old.client, "still there") == 11);
  old.run();
  CHECK(old.server_read == "still there");
}

TEST_CASE("a handshake that does not end in time is given up, an open connection has no deadline") {
  const ServerContext servers = server_context();
  Session waiting(servers, kStart);
  CHECK(waiting.next_timeout() == kStart + std::chrono::seconds(10));
  waiting.handle_timeout(waiting.next_timeout() - std::chrono::nanoseconds(1));
  CHECK(waiting.state() == State::handshaking);
  waiting.handle_timeout(waiting.next_timeout());
  CHECK(waiting.failure().fault == Fault::timed_out);
  Couple couple(servers, client_context());
  couple.run();
  CHECK(couple.server.next_timeout() == kNever);
}

TEST_CASE("what is no ClientHello ends the handshake with a sentence, and nothing of it is plaintext") {
  const ServerContext servers = server_context();
  const auto failure_of = [&](std::string_view bytes) {
    Session session(servers, kStart);
    CHECK(in(session, as_bytes(bytes)).empty());
    CHECK(session.state() == State::closed);
    CHECK(session.receive(as_bytes("more")) == 4);
    CHECK(session.peek().empty());
    return session.failure();
  };
  CHECK(failure_of("GET / HTTP/1.1\r\n\r\n").fault == Fault::not_tls);
  CHECK(failure_of("GET / HTTP/1.1\r\n\r\n").sentence == "the peer speaks plain HTTP, not TLS");
  CHECK(failure_of("SSH-2.0-OpenSSH_9.2\r\n").fault == Fault::not_tls);
  CHECK(failure_of(std::string(100, '\xff')).sentence != "");
  CHECK(failure_of(std::string(100, '\0')).sentence != "");
  // A record that says ClientHello and isn't.
  CHECK(failure_of(std::string("\x16\x03\x01\x00\x08\x01\x00\x00\x04junk", 13)).fault == Fault::protocol_broken);
}

TEST_CASE("an end within the handshake is truncation") {
  const ServerContext servers = server_context();
  const ClientContext clients = client_context();
  Couple couple(servers, clients);
  in(couple.server, Bytes(out(couple.client)).first(20));
  couple.server.receive_eof();
  CHECK(couple.server.failure().fault == Fault::truncated);
  CHECK(couple.server.failure().sentence == "the connection ended in the middle of the TLS handshake");
}

TEST_CASE("secrets go to the key log, a line each") {
  std::vector<std::string> lines;
  Settings settings;
  settings.key_log = [&](std::string_view line) { lines.emplace_back(line); };
  Couple couple(server_context(settings), client_context());
  couple.run();
  REQUIRE(lines.size() >= 4);
  CHECK(lines.front().find("_TRAFFIC_SECRET") != std::string::npos);
}

TEST_CASE("a server's certificate and key are checked when they are given") {
  const auto complaint = [](const Identity& identity) {
    const auto made = ServerContext::make(identity);
    const auto* failure = std::get_if<Failure>(&made);
    REQUIRE(failure);
    CHECK(failure->fault == Fault::bad_identity);
    return failure->sentence;
  };
  CHECK(complaint({"", ""}) == "the certificate can't be read as PEM");
  CHECK(complaint({server().certificates, "x"}) == "the key can't be read as PEM without a password");
  CHECK(complaint({server().certificates, authority().key}) == "the key is not the certificate's");
  CHECK(complaint({server().certificates + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                   server().key}) == "the certificates behind the first can't be read as PEM");
  const auto trust = ClientContext::make({"no certificate"});
  CHECK(std::get<Failure>(trust).fault == Fault::bad_trust);
}

}  // namespace
}  // namespace sluice::tls::test
