// Which certificates a client believes, and what it says of those that it refuses.
#include <doctest/doctest.h>

#include "tests/tls/couple.hpp"

namespace sluice::tls::test {
namespace {

/// What a client that believes the authority says of this server.
Failure refusal(const Identity& identity, const std::string& host, std::int64_t time = kToday) {
  const ServerContext servers = server_context({}, identity);
  const ClientContext clients = client_context();
  Session server(servers, kStart);
  Session client(clients, {host, time}, kStart);
  in(server, out(client));
  CHECK(in(client, out(server)).empty());
  if (client.failure()) {
    in(server, out(client));
    CHECK(server.failure().fault == Fault::alert);  // it hears of it
    CHECK_FALSE(client.was_open());
  }
  return client.failure();
}

TEST_CASE("a certificate is believed for its names and addresses, until it expires") {
  for (const char* host : {"server.example", "SERVER.example", "a.wild.example", "10.0.0.2", "2001:db8::2"})
    CHECK_FALSE(refusal(server(), host));
}

TEST_CASE("an expired certificate is refused, and one that is not valid yet [WS-4.1-3]") {
  const Failure expired = refusal(server(), "server.example", kToday + 2 * kYear);
  CHECK(expired.fault == Fault::certificate_expired);
  CHECK(expired.sentence.find("expired on 2026-06-15") != std::string::npos);
  const Failure early = refusal(server(), "server.example", kToday - 2 * kYear);
  CHECK(early.fault == Fault::certificate_not_yet_valid);
  CHECK(early.sentence.find("is valid only from 2024-06-15") != std::string::npos);
}

TEST_CASE("a certificate for another host is refused [WS-4.1-3]") {
  const Failure name = refusal(server(), "other.example");
  CHECK(name.fault == Fault::certificate_wrong_host);
  CHECK(name.sentence ==
        "the certificate is for server.example, *.wild.example, 10.0.0.2 and more, not for other.example");
  CHECK(refusal(server(), "10.0.0.3").fault == Fault::certificate_wrong_host);
  CHECK(refusal(server(), "2001:db8::3").fault == Fault::certificate_wrong_host);
  CHECK(refusal(server(), "a.b.wild.example").fault == Fault::certificate_wrong_host);
  CHECK(refusal(server(), "wild.example").fault == Fault::certificate_wrong_host);
}

TEST_CASE("a certificate that nobody vouches for is refused [WS-4.1-3]") {
  const Failure itself = refusal(make_identity({"server.example"}), "server.example");
  CHECK(itself.fault == Fault::certificate_untrusted);
  CHECK(itself.sentence == "the certificate of server.example is self-signed and not among the trusted ones");
  const Identity stranger = make_identity({"Somebody"}, nullptr, true);
  const Failure other = refusal(make_identity({"server.example"}, &stranger), "server.example");
  CHECK(other.fault == Fault::certificate_untrusted);
  CHECK(other.sentence == "the certificate of server.example goes back to \"Somebody\", who is not trusted");
}

TEST_CASE("who may not sign, signs in vain") {
  const Identity child = make_identity({"evil.example"}, &server());
  CHECK(is_certificate(refusal(child, "evil.example").fault));
}

TEST_CASE("a self-signed certificate is believed where it is named as trusted, for its own host alone") {
  const Identity own = make_identity({"10.77.0.2"});
  const ServerContext servers = server_context({}, own);
  const ClientContext clients = client_context({}, {own.certificates});
  Couple couple(servers, clients, "10.77.0.2");
  couple.run();
  CHECK(couple.open());
  Couple wrong(servers, clients, "10.77.0.3");
  wrong.run();
  CHECK(wrong.client.failure().fault == Fault::certificate_wrong_host);
}

TEST_CASE("a client that verifies nothing believes whoever answers") {
  const ServerContext servers = server_context({}, make_identity({"else.example"}));
  const ClientContext clients = client_context({}, {.certificates = "", .verify = false});
  Couple couple(servers, clients);
  couple.run();
  CHECK(couple.open());
}

TEST_CASE("a certificate's fingerprint is its SHA-256") {
  const std::string text = fingerprint(server().certificates);
  CHECK(text.size() == 32 * 3 - 1);
  CHECK(text != fingerprint(authority().certificates));
  CHECK(fingerprint("nothing").empty());
}

}  // namespace
}  // namespace sluice::tls::test
