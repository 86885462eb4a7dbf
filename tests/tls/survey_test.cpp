// What can be had of us at all, asked as a scanner asks: versions, suites, renegotiation, compression, names.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "tests/tls/couple.hpp"
#include "tests/tls/hello.hpp"
#include "tests/tls/other_end.hpp"
#include "tests/tls/rsa_identity.hpp"

namespace sluice::tls::test {
namespace {

using Names = std::set<std::string>;

constexpr std::uint16_t kFallback = 0x5600;  ///< RFC 7507: the client tried a newer version before

/// Every suite that `servers` agree to, of all that have a number.
Numbers agreed_of_all(const ServerContext& servers, Hello (*client)(Numbers)) {
  constexpr unsigned kStep = 4096;
  Numbers agreed;
  for (unsigned first = 0; first < 0x10000; first += kStep) {
    Numbers left;
    for (unsigned suite = first; suite < first + kStep; ++suite)
      if (suite != kFallback) left.push_back(static_cast<std::uint16_t>(suite));
    for (;;) {
      const Said said = answer_to(servers, client(left));
      if (!said.hello) break;
      agreed.push_back(said.hello->suites.front());
      left.erase(std::remove(left.begin(), left.end(), agreed.back()), left.end());
    }
  }
  return agreed;
}

Hello client_of_tls12(Numbers suites) { return old_client(std::move(suites)); }

/// Every pair of version and cipher that OpenSSL's client can have with `servers`, and that each is a good one.
Names pairs_with(const ServerContext& servers) {
  Names found;
  const OtherEnd all(OtherEnd::Role::client, {});
  for (const int version : {SSL3_VERSION, TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const std::string& name : all.ciphers()) {
      Habits habits{.version = version};
      (name.starts_with("TLS_") ? habits.suites : habits.ciphers) = name;
      OtherEnd client(OtherEnd::Role::client, habits);
      Session session(servers, kStart);
      client.talk_with(session);
      CHECK(client.is_open() == (session.state() == State::open));
      if (!client.is_open()) continue;
      const SSL_CIPHER* cipher = SSL_get_current_cipher(client.ssl());
      const int exchange = SSL_CIPHER_get_kx_nid(cipher);
      CHECK(SSL_CIPHER_is_aead(cipher) == 1);
      CHECK((exchange == NID_kx_ecdhe || exchange == NID_kx_any));
      CHECK(SSL_CIPHER_get_auth_nid(cipher) != NID_auth_null);
      CHECK(SSL_get_current_compression(client.ssl()) == nullptr);
      found.insert(std::string(SSL_get_version(client.ssl())) + " " + SSL_CIPHER_get_name(cipher));
    }
  }
  return found;
}

const Names kOfTls13 = {"TLSv1.3 TLS_AES_128_GCM_SHA256", "TLSv1.3 TLS_AES_256_GCM_SHA384",
                        "TLSv1.3 TLS_CHACHA20_POLY1305_SHA256"};

Names with(Names more) {
  more.insert(kOfTls13.begin(), kOfTls13.end());
  return more;
}

std::string sorted(Numbers numbers) {
  std::sort(numbers.begin(), numbers.end());
  return joined(numbers);
}

Session believer(const std::string& host, const Settings& settings = {}) {
  return Session(client_context(settings, {.certificates = {}, .verify = false}), {host, kToday}, kStart);
}

/// Our client with the hello that it says first.
struct Greeting {
  Session session;
  Hello hello;
};

Greeting greet(const std::string& host, const Settings& settings = {}) {
  Session session = believer(host, settings);
  const Said said = read_hello(out(session), true);
  REQUIRE(said.hello);
  return {std::move(session), *said.hello};
}

}  // namespace

TEST_CASE("survey: of all suites with a number a server agrees to those with ephemeral keys and AEAD alone") {
  const ServerContext on_curve = server_context();
  const ServerContext on_rsa = server_context({}, rsa_server());
  CHECK(sorted(agreed_of_all(on_curve, client_of_tls12)) == joined({0xc02b, 0xc02c, 0xcca9}));
  CHECK(sorted(agreed_of_all(on_rsa, client_of_tls12)) == joined({0xc02f, 0xc030, 0xcca8}));
  for (const ServerContext* servers : {&on_curve, &on_rsa})
    CHECK(sorted(agreed_of_all(*servers, new_client)) == joined({0x1301, 0x1302, 0x1303}));
}

TEST_CASE("survey: a client with everything that OpenSSL has gets TLS 1.2 and 1.3, and no weak cipher in either") {
  CHECK(pairs_with(server_context()) ==
        with({"TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384",
              "TLSv1.2 ECDHE-ECDSA-CHACHA20-POLY1305"}));
  CHECK(pairs_with(server_context({}, rsa_server())) ==
        with({"TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384",
              "TLSv1.2 ECDHE-RSA-CHACHA20-POLY1305"}));
}

TEST_CASE("survey: SSL 3.0, TLS 1.0 and TLS 1.1 are refused as versions, by the server and by the client") {
  for (const std::uint16_t version : Numbers{kSsl3, kTls10, kTls11}) {
    const Said said = answer_to(server_context(), old_client({0xc02b, 0xc009, 0xc00a, 0x002f}, version));
    CHECK_FALSE(said.hello);
    CHECK(said.alert == (version == kSsl3 ? kHandshakeFailure : kProtocolVersion));  // SSL 3.0 has no such alert
    Greeting greeting = greet("server.example");
    in(greeting.session, as_bytes(written_by_server({.version = version, .suites = {0xc009}})));
    CHECK(greeting.session.failure().fault == Fault::no_common_version);
    CHECK(read_hello(out(greeting.session), false).alert == kProtocolVersion);
  }
  CHECK(answer_to(server_context(), old_client({0xc02b}, kTls12)).hello);
}

TEST_CASE("survey: a client offers what a server agrees to, and nothing else") {
  const Hello hello = greet("server.example").hello;
  CHECK(sorted(hello.suites) ==
        joined({0x00ff, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9}));
  CHECK(hello.extensions.at(kVersions) == counted(1, joined({kTls13, kTls12})));
  CHECK(hello.compressions == std::string(1, '\0'));
}

TEST_CASE("survey: a downgrade is noticed by the server, and marked for the client to notice") {
  const ServerContext servers = server_context();
  CHECK(answer_to(servers, old_client({0xc02b, kFallback})).alert == kInappropriateFallback);
  CHECK(answer_to(server_context(only(Version::tls12)), old_client({0xc02b, kFallback})).hello);
  const Said said = answer_to(servers, old_client({0xc02b}));
  REQUIRE(said.hello);
  CHECK(said.hello->random.ends_with("DOWNGRD\x01"));  // RFC 8446 4.1.3
  Greeting greeting = greet("server.example");
  in(greeting.session, as_bytes(written_by_server(*said.hello)));
  CHECK(read_hello(out(greeting.session), false).alert == kIllegalParameter);
}

TEST_CASE("survey: nothing is compressed, whoever wishes it") {
  Hello hello = old_client({0xc02b});
  hello.compressions = std::string("\1\0", 2);
  const Said said = answer_to(server_context(), hello);
  REQUIRE(said.hello);
  CHECK(said.hello->compressions == std::string(1, '\0'));
  hello.compressions = "\1";
  CHECK_FALSE(answer_to(server_context(), hello).hello);
  Greeting greeting = greet("server.example");
  hello.extensions = {{kRenegotiation, counted(1, "")}};
  in(greeting.session, as_bytes(written_by_server(hello)));
  CHECK(read_hello(out(greeting.session), false).alert == kIllegalParameter);
}

TEST_CASE("survey: a connection is never negotiated anew, whoever asks for it; OpenSSL gives up at that") {
  for (const auto role : {OtherEnd::Role::client, OtherEnd::Role::server}) {
    const bool we_serve = role == OtherEnd::Role::client;
    OtherEnd other(role, {.version = TLS1_2_VERSION, .identity = we_serve ? nullptr : &rsa_server()});
    Session session = we_serve ? Session(server_context(), kStart) : believer("server.example");
    other.talk_with(session);
    REQUIRE(session.state() == State::open);
    CHECK(SSL_get_secure_renegotiation_support(other.ssl()) == 1);  // RFC 5746
    REQUIRE(SSL_renegotiate(other.ssl()) == 1);
    other.talk_with(session);
    CHECK(other.reason() == SSL_R_NO_RENEGOTIATION);
    CHECK(session.failure().fault == Fault::alert);
  }
}

TEST_CASE("survey: a client has nothing to do with a server that knows no secure renegotiation") {
  Greeting greeting = greet("server.example");
  in(greeting.session, as_bytes(written_by_server({.suites = {0xc02b}})));
  CHECK(greeting.session.state() == State::closed);
  CHECK(read_hello(out(greeting.session), false).alert == kHandshakeFailure);
}

TEST_CASE("survey: the protocol is the server's choice of those offered, none if none is offered, and an alert else") {
  Settings settings;
  settings.protocols = {"http/1.1"};
  const auto chosen = [&](const std::string& offered) -> std::string {
    OtherEnd client(OtherEnd::Role::client, {.protocols = offered});
    Session session(server_context(settings), kStart);
    client.talk_with(session);
    if (!client.is_open()) return SSL_alert_desc_string_long(client.reason() - SSL_AD_REASON_OFFSET);
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(client.ssl(), &name, &size);
    return std::string(name, name + size);
  };
  CHECK(chosen("\x02h2\x08http/1.1") == "http/1.1");
  CHECK(chosen("\x08http/1.0\x08http/1.1\x02h2") == "http/1.1");
  CHECK(chosen("") == "");
  CHECK(chosen("\x02h2") == "no application protocol");
  CHECK(greet("server.example", settings).hello.extensions.at(kProtocols) == counted(2, "\x08http/1.1"));
  CHECK(greet("server.example").hello.extensions.count(kProtocols) == 0);
}

TEST_CASE("survey: names are told and heard, addresses are not told (RFC 6066 3)") {
  OtherEnd client(OtherEnd::Role::client, {.host = "somebody.example"});
  Session session(server_context(), kStart);
  client.talk_with(session);
  CHECK(session.state() == State::open);
  CHECK(session.server_name() == "somebody.example");
  CHECK(greet("server.example").hello.extensions.at(kServerName) ==
        counted(2, std::string(1, '\0') + counted(2, "server.example")));
  for (const char* address : {"10.0.0.2", "2001:db8::2"})
    CHECK(greet(address).hello.extensions.count(kServerName) == 0);
}

}  // namespace sluice::tls::test
