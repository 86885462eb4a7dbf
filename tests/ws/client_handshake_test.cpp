// RFC 6455 4.1: a client's request, and what it believes of the answer.
#include <doctest/doctest.h>

#include "ws/handshake.hpp"
#include "ws/key.hpp"

namespace sluice::ws::test {
namespace {

ClientRequest wish(std::vector<std::string> subprotocols = {}) {
  ClientRequest request;
  request.host = "server.example.com:8080";
  request.target = "/chat?room=1";
  request.subprotocols = std::move(subprotocols);
  return request;
}

Result<ClientHandshake> start(ClientRequest request) {
  Random random(Key{9}, KeyUse::websocket_mask);
  return ClientHandshake::start(std::move(request), random);
}

/// A server's good answer to `handshake`, with some fields in place of its own; an empty value takes one out.
http::Response answer_with(const ClientHandshake& handshake, std::vector<http::Field> changes = {}) {
  http::Response response;
  response.status = 101;
  for (const http::Field& field : answer_handshake(handshake.request()).response.fields) {
    bool changed = false;
    for (const http::Field& change : changes) changed |= http::iequals(change.name, field.name);
    if (!changed) response.fields.add(field.name, field.value);
  }
  for (const http::Field& change : changes)
    if (!change.value.empty()) response.fields.add(change.name, change.value);
  return response;
}

TEST_CASE(
    "the request has all that the RFC asks for, each once [WS-4.1-4] [WS-4.1-5] [WS-4.1-6] [WS-4.1-7] [WS-4.1-8] "
    "[WS-4.1-11]") {
  const auto handshake = start(wish());
  REQUIRE(handshake);
  const http::Request& request = handshake->request();
  CHECK(request.method == "GET");
  CHECK(request.minor_version == 1);
  CHECK(request.target == "/chat?room=1");
  CHECK(request.fields.find("Host") == "server.example.com:8080");
  CHECK(request.fields.find("Upgrade") == "websocket");
  CHECK(request.fields.has_token("Connection", "upgrade"));
  CHECK(request.fields.find("Sec-WebSocket-Version") == "13");
  CHECK(is_key(*request.fields.find("Sec-WebSocket-Key")));
  CHECK(request.fields.count("Origin") == 0);
  CHECK(request.fields.count("Sec-WebSocket-Protocol") == 0);
  CHECK(request.fields.count("Sec-WebSocket-Extensions") == 0);
}

TEST_CASE("origin, subprotocols and further fields go along [WS-4.1-10] [WS-4.1-12]") {
  ClientRequest request = wish({"chat", "superchat"});
  request.origin = "https://a.example";
  request.fields.add("Cookie", "a=b");
  const auto handshake = start(std::move(request));
  REQUIRE(handshake);
  const http::Fields& fields = handshake->request().fields;
  CHECK(fields.find("Origin") == "https://a.example");
  CHECK(fields.find("Sec-WebSocket-Protocol") == "chat, superchat");
  CHECK(fields.find("Cookie") == "a=b");
}

TEST_CASE("what can't stand in a request is the caller's mistake [WS-4.1-1] [WS-4.1-12] [WS-11.3-1] [A-WS-10]") {
  const auto refused = [](auto change) {
    ClientRequest request = wish();
    change(request);
    return start(std::move(request)).error() == Errc::invalid_argument;
  };
  CHECK(refused([](ClientRequest& r) { r.host = ""; }));
  CHECK(refused([](ClientRequest& r) { r.host = "a\r\nX: y"; }));
  CHECK(refused([](ClientRequest& r) { r.target = "chat"; }));
  CHECK(refused([](ClientRequest& r) { r.target = "/a b"; }));
  CHECK(refused([](ClientRequest& r) { r.target = "/a#b"; }));
  CHECK(refused([](ClientRequest& r) { r.subprotocols = {""}; }));
  CHECK(refused([](ClientRequest& r) { r.subprotocols = {"a,b"}; }));
  CHECK(refused([](ClientRequest& r) { r.subprotocols = {"a", "a"}; }));
  for (const char* own : {"sec-websocket-key", "Host", "upgrade", "Connection", "Origin", "Sec-WebSocket-Extensions"})
    CHECK(refused([own](ClientRequest& r) { r.fields.add(own, "x"); }));
}

TEST_CASE("a server's good answer is believed [WS-4.1-17]") {
  const auto handshake = start(wish());
  REQUIRE(handshake);
  CHECK(handshake->judge(answer_with(*handshake)) == Refused::none);
  CHECK(handshake->judge(answer_with(*handshake, {{"Upgrade", "WebSocket"}, {"Connection", "x, upgrade"}})) ==
        Refused::none);
}

TEST_CASE("another status is HTTP's business [WS-4.1-14] [WS-4.2.2-7]") {
  const auto handshake = start(wish());
  REQUIRE(handshake);
  for (int status : {200, 301, 401, 404, 426}) {
    http::Response response = answer_with(*handshake);
    response.status = status;
    CHECK(handshake->judge(response) == Refused::status);
  }
}

TEST_CASE(
    "an answer without the right Upgrade, Connection or Accept is not believed [WS-4.1-15] [WS-4.1-16] [WS-4.1-17] "
    "[WS-11.3-2]") {
  const auto handshake = start(wish());
  REQUIRE(handshake);
  const auto judged = [&](std::vector<http::Field> changes) {
    return handshake->judge(answer_with(*handshake, std::move(changes)));
  };
  CHECK(judged({{"Upgrade", ""}}) == Refused::upgrade);
  CHECK(judged({{"Upgrade", "h2c"}}) == Refused::upgrade);
  CHECK(judged({{"Connection", ""}}) == Refused::connection);
  CHECK(judged({{"Connection", "keep-alive"}}) == Refused::connection);
  CHECK(judged({{"Sec-WebSocket-Accept", ""}}) == Refused::accept);
  CHECK(judged({{"Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}}) == Refused::accept);
  const std::string good(*answer_with(*handshake).fields.find("Sec-WebSocket-Accept"));
  CHECK(judged({{"Sec-WebSocket-Accept", good}, {"Sec-WebSocket-Accept", good}}) == Refused::accept);
}

TEST_CASE("offered compression may be agreed on, once and as offered [WSD-5-1] [WSD-5-3] [WSD-5-5] [WSD-7-3]") {
  ClientRequest request = wish();
  request.deflate = {{12, true}, {15, true}};
  const auto handshake = start(std::move(request));
  REQUIRE(handshake);
  CHECK(handshake->request().fields.find("Sec-WebSocket-Extensions") == "permessage-deflate; client_max_window_bits");
  const auto judged = [&](std::vector<http::Field> changes) {
    return handshake->judge(answer_with(*handshake, std::move(changes)));
  };
  const http::Field good = {"Sec-WebSocket-Extensions", "permessage-deflate; server_no_context_takeover"};
  CHECK(judged({}) == Refused::none);
  CHECK(!handshake->deflate(answer_with(*handshake)));
  CHECK(judged({good}) == Refused::none);
  CHECK(handshake->deflate(answer_with(*handshake, {good})) == DeflateParameters{{15, false}, {12, true}});
  CHECK(judged({good, good}) == Refused::extension);
  for (const char* bad : {",", "x-other", "permessage-deflate; mode=1", "permessage-deflate, x-other"})
    CHECK(judged({{"Sec-WebSocket-Extensions", bad}}) == Refused::extension);
}

TEST_CASE("what was not asked for is not accepted [WS-4.1-18] [WS-4.1-19] [WS-9.1-3] [WS-11.3-4]") {
  const auto handshake = start(wish({"chat"}));
  REQUIRE(handshake);
  const auto judged = [&](std::vector<http::Field> changes) {
    return handshake->judge(answer_with(*handshake, std::move(changes)));
  };
  CHECK(judged({{"Sec-WebSocket-Extensions", "permessage-deflate"}}) == Refused::extension);
  CHECK(judged({{"Sec-WebSocket-Protocol", "soap"}}) == Refused::subprotocol);
  CHECK(judged({{"Sec-WebSocket-Protocol", "chat"}, {"Sec-WebSocket-Protocol", "chat"}}) == Refused::subprotocol);
  CHECK(judged({{"Sec-WebSocket-Protocol", "chat"}}) == Refused::none);
  CHECK(handshake->subprotocol(answer_with(*handshake, {{"Sec-WebSocket-Protocol", "chat"}})) == "chat");
  CHECK(handshake->subprotocol(answer_with(*handshake)).empty());
}

}  // namespace
}  // namespace sluice::ws::test
