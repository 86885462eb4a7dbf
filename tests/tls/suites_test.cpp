// Suites that protect nothing: without encryption, without a server's name, or weak by order (RFC 9325 4.1).
#include <doctest/doctest.h>

#include <array>

#include "tests/tls/couple.hpp"
#include "tests/tls/hello.hpp"
#include "tests/tls/other_end.hpp"
#include "tests/tls/rsa_identity.hpp"

namespace sluice::tls::test {
namespace {

struct Weakness {
  const char* name;
  const char* ciphers;  ///< as OpenSSL names what it has of them; nullptr: it has none any more
  Numbers suites;       ///< RFC 2246 A.5, RFC 4492 6, RFC 5246 A.5, RFC 5288 3, RFC 4785 2, RFC 5489 3.3
};

const std::array kWeaknesses = {
    Weakness{"NULL", "eNULL", {0x0000, 0x0001, 0x0002, 0x002c, 0x002d, 0x002e, 0x003b, 0x00b0, 0x00b1, 0x00b4, 0x00b5,
                               0x00b8, 0x00b9, 0xc001, 0xc006, 0xc00b, 0xc010, 0xc015, 0xc039, 0xc03a, 0xc03b}},
    Weakness{"anonymous",
             "aNULL",
             {0x0018, 0x001a, 0x001b, 0x0034, 0x003a, 0x0046, 0x006c, 0x006d, 0x0089, 0x009b, 0x00a6, 0x00a7, 0x00bf,
              0x00c5, 0xc015, 0xc016, 0xc017, 0xc018, 0xc019}},
    Weakness{"export", nullptr, {0x0003, 0x0006, 0x0008, 0x000b, 0x000e, 0x0011, 0x0014, 0x0017, 0x0019, 0x0026, 0x0027,
                                 0x0028, 0x0029, 0x002a, 0x002b, 0x0060, 0x0061, 0x0062, 0x0063, 0x0064, 0x0065}}};

/// What our client says of a server's hello.
Session answered_with(const ClientContext& clients, const Hello& hello) {
  Session session(clients, {"server.example", kToday}, kStart);
  out(session);
  in(session, as_bytes(written_by_server(hello)));
  return session;
}

}  // namespace

TEST_CASE("a server refuses NULL, anonymous and export suites, each by its number and all at once") {
  for (const Identity* identity : {&server(), &rsa_server()}) {
    const ServerContext servers = server_context({}, *identity);
    const auto refuses = [&](const Hello& hello) {
      Fault fault = Fault::none;
      const Said said = answer_to(servers, hello, &fault);
      return !said.hello && said.alert == kHandshakeFailure && fault == Fault::no_common_cipher;
    };
    for (const Weakness& weakness : kWeaknesses) {
      INFO(weakness.name);
      CHECK(refuses(old_client(weakness.suites)));
      CHECK(refuses(new_client(weakness.suites)));
      for (const std::uint16_t suite : weakness.suites) CHECK_MESSAGE(refuses(old_client({suite})), suite);
    }
  }
}

TEST_CASE("a weak suite in front of a strong one is passed over") {
  const ServerContext servers = server_context();
  for (const Weakness& weakness : kWeaknesses) {
    Numbers suites = weakness.suites;
    suites.push_back(0xc02b);
    const Said said = answer_to(servers, old_client(suites));
    REQUIRE(said.hello);
    CHECK(said.hello->suites == Numbers{0xc02b});
  }
}

TEST_CASE("a client gives up when the server chooses a NULL, anonymous or export suite") {
  const ClientContext clients = client_context({}, {.certificates = {}, .verify = false});
  const Session strong = answered_with(clients, {.suites = {0xc02b}, .extensions = {{kRenegotiation, counted(1, "")}}});
  CHECK(strong.state() == State::handshaking);
  for (const Weakness& weakness : kWeaknesses) {
    for (const std::uint16_t suite : weakness.suites) {
      Session session = answered_with(clients, {.suites = {suite}, .extensions = {{kRenegotiation, counted(1, "")}}});
      CHECK_MESSAGE(session.failure().fault == Fault::protocol_broken, suite);
      CHECK(read_hello(out(session), false).alert == kIllegalParameter);
    }
  }
}

TEST_CASE("OpenSSL with nothing but NULL or anonymous suites has no connection with us, in either role") {
  for (const Weakness& weakness : kWeaknesses) {
    if (!weakness.ciphers) continue;
    for (const Identity* identity : {&server(), &rsa_server()}) {
      Habits habits{.ciphers = weakness.ciphers, .version = TLS1_2_VERSION};
      OtherEnd client(OtherEnd::Role::client, habits);
      Session ours(server_context({}, *identity), kStart);
      client.talk_with(ours);
      CHECK(client.usable());
      CHECK(ours.failure().fault == Fault::no_common_cipher);
      habits.identity = identity;
      OtherEnd server(OtherEnd::Role::server, habits);
      Session theirs(client_context({}, {.certificates = {}, .verify = false}), {"server.example", kToday}, kStart);
      server.talk_with(theirs);
      CHECK(server.usable());
      CHECK(server.reason() == SSL_R_NO_SHARED_CIPHER);
      CHECK(theirs.failure().sentence == "the peer gave up with the alert \"handshake failure\"");
    }
  }
}

}  // namespace sluice::tls::test
