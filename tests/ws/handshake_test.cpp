// RFC 6455 4.2: a server's answer to a request, rule by rule.
#include "ws/handshake.hpp"

#include <doctest/doctest.h>

#include <string>

#include "ws/key.hpp"

namespace sluice::ws::test {
namespace {

/// The request of the RFC's section 1.2, which a test then spoils. An empty value takes the field out.
http::Request request_with(std::vector<http::Field> changes = {}) {
  const std::vector<http::Field> usual = {{"Host", "server.example.com"},
                                          {"Upgrade", "websocket"},
                                          {"Connection", "Upgrade"},
                                          {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
                                          {"Sec-WebSocket-Version", "13"}};
  http::Request request;
  request.method = "GET";
  request.target = "/chat";
  for (const http::Field& field : usual) {
    bool changed = false;
    for (const http::Field& change : changes) changed |= http::iequals(change.name, field.name);
    if (!changed) request.fields.add(field.name, field.value);
  }
  for (const http::Field& change : changes)
    if (!change.value.empty()) request.fields.add(change.name, change.value);
  return request;
}

int status_with(std::vector<http::Field> changes, const ServerPolicy& policy = {}) {
  return answer_handshake(request_with(std::move(changes)), policy).response.status;
}

TEST_CASE("the RFC's own request gets the RFC's own answer [WS-4.2.2-6] [WS-11.3-2]") {
  const ServerAnswer answer = answer_handshake(request_with());
  CHECK(answer.accepted());
  CHECK(answer.reason.empty());
  const http::Fields& fields = answer.response.fields;
  CHECK(answer.response.status == 101);
  CHECK(fields.find("Upgrade") == "websocket");
  CHECK(fields.find("Connection") == "Upgrade");
  CHECK(fields.find("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK(fields.size() == 3);
}

TEST_CASE("only GET by HTTP/1.1 may ask [WS-4.2.1-2] [WS-4.2.1-1]") {
  http::Request request = request_with();
  request.method = "POST";
  CHECK(answer_handshake(request).response.status == 405);
  CHECK(answer_handshake(request).response.fields.find("Allow") == "GET");
  request = request_with();
  request.minor_version = 0;
  CHECK(answer_handshake(request).response.status == 400);
}

TEST_CASE("Host is there once [WS-4.2.1-3]") {
  CHECK(status_with({{"Host", ""}}) == 400);
  CHECK(status_with({{"Host", "a"}, {"Host", "b"}}) == 400);
}

TEST_CASE("Upgrade names websocket, in any case and any list [WS-4.2.1-4]") {
  CHECK(status_with({{"Upgrade", "WebSocket"}}) == 101);
  CHECK(status_with({{"Upgrade", "h2c, websocket"}}) == 101);
  CHECK(status_with({{"Upgrade", "h2c"}}) == 426);
  CHECK(status_with({{"Upgrade", "websockets"}}) == 426);
}

TEST_CASE("a plain request for the resource is told what it speaks: 426") {
  const ServerAnswer answer = answer_handshake(request_with({{"Upgrade", ""}, {"Connection", ""}}));
  CHECK(answer.response.status == 426);
  CHECK(answer.response.fields.find("Upgrade") == "websocket");
  CHECK(!answer.accepted());
}

TEST_CASE("Connection lists upgrade, in any case and any list [WS-4.2.1-5]") {
  CHECK(status_with({{"Connection", "keep-alive, uPGRADE"}}) == 101);
  CHECK(status_with({{"Connection", "keep-alive"}}) == 400);
  CHECK(status_with({{"Connection", ""}}) == 400);
}

TEST_CASE("base64 as RFC 4648 10 has it") {
  const std::pair<const char*, const char*> examples[] = {{"", ""},
                                                          {"f", "Zg=="},
                                                          {"fo", "Zm8="},
                                                          {"foo", "Zm9v"},
                                                          {"foob", "Zm9vYg=="},
                                                          {"fooba", "Zm9vYmE="},
                                                          {"foobar", "Zm9vYmFy"},
                                                          {"\xfb\xff", "+/8="}};
  for (const auto& [text, coded] : examples) CHECK(base64(as_bytes(text)) == coded);
}

TEST_CASE("the key is there once and is 16 bytes in base64, as an encoder writes it [WS-4.2.1-6] [WS-11.3-1]") {
  for (const char* bad :
       {"", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZR==", "dGhlIHNhbXBsZSBub25jZSE=",
        "dGhlIHNhbXBsZSBub2==", "dGhlIHNhbXBsZSBub25 jZQ==", "dGhlIHNhb*BsZSBub25jZQ=="})
    CHECK_MESSAGE(status_with({{"Sec-WebSocket-Key", bad}}) == 400, bad);
  const std::string good = "dGhlIHNhbXBsZSBub25jZQ==";
  CHECK(status_with({{"Sec-WebSocket-Key", good}, {"Sec-WebSocket-Key", good}}) == 400);
}

TEST_CASE("another version than 13 is answered with 426 and ours, and closes [WS-4.2.1-7] [WS-4.2.2-2] [A-WS-11]") {
  for (const char* version : {"8", "0", "14", "013", "13, 8", "x"}) {
    const ServerAnswer answer = answer_handshake(request_with({{"Sec-WebSocket-Version", version}}));
    CHECK(answer.response.status == 426);
    CHECK(answer.response.fields.find("Sec-WebSocket-Version") == "13");
    CHECK(answer.response.fields.has_token("Connection", "close"));
  }
}

TEST_CASE("the version is there once [WS-11.3-5]") {
  CHECK(status_with({{"Sec-WebSocket-Version", ""}}) == 400);
  CHECK(status_with({{"Sec-WebSocket-Version", "13"}, {"Sec-WebSocket-Version", "13"}}) == 400);
}

TEST_CASE("a request with a body is refused: its bytes could pass for frames [A-WS-11] [A-WS-10]") {
  http::Request request = request_with();
  request.content_length = 5;
  CHECK(answer_handshake(request).response.status == 400);
  request.content_length = 0;
  CHECK(answer_handshake(request).accepted());
  request.chunked = true;
  CHECK(answer_handshake(request).response.status == 400);
}

TEST_CASE("every refusal closes the connection and says why [A-WS-11] [WS-4.2.1-1]") {
  for (const auto& change :
       std::vector<http::Field>{{"Host", ""}, {"Upgrade", ""}, {"Connection", ""}, {"Origin", "null"}}) {
    const ServerAnswer answer = answer_handshake(request_with({change}));
    CHECK(!answer.accepted());
    CHECK(!answer.reason.empty());
    CHECK(answer.response.fields.has_token("Connection", "close"));
  }
}

TEST_CASE("by default only pages of the same host may connect [WS-4.2.2-1] [WS-10.2-1] [A-WS-01]") {
  CHECK(status_with({{"Origin", "https://server.example.com"}}) == 101);
  CHECK(status_with({{"Origin", "http://SERVER.example.com"}}) == 101);
  for (const char* other : {"https://evil.example", "https://server.example.com.evil.example",
                            "https://server.example.com:8080", "null", "server.example.com", "https://"})
    CHECK_MESSAGE(status_with({{"Origin", other}}) == 403, other);
  CHECK(status_with({{"Origin", "https://server.example.com"}, {"Origin", "https://server.example.com"}}) == 400);
}

TEST_CASE("a policy may list origins, or welcome all [WS-10.2-1] [A-WS-01]") {
  const ServerPolicy listed{.allow_origin = listed_origins({"https://a.example"}), .hosts = {}, .subprotocols = {}};
  CHECK(status_with({{"Origin", "https://a.example"}}, listed) == 101);
  CHECK(status_with({{"Origin", "https://server.example.com"}}, listed) == 403);
  CHECK(status_with({}, listed) == 101);
  const ServerPolicy open{.allow_origin = any_origin, .hosts = {}, .subprotocols = {}};
  CHECK(status_with({{"Origin", "null"}}, open) == 101);
}

TEST_CASE("a policy may list hosts, against DNS rebinding [A-WS-22]") {
  ServerPolicy policy;
  policy.hosts = {"localhost", "127.0.0.1", "[::1]"};
  for (const char* host : {"localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]", "[::1]:8080"})
    CHECK_MESSAGE(status_with({{"Host", host}}, policy) == 101, host);
  for (const char* host : {"evil.example", "localhost.evil.example", "[::2]:80"})
    CHECK_MESSAGE(status_with({{"Host", host}}, policy) == 403, host);
}

TEST_CASE("an offer of compression is accepted by policy only, and other extensions never [WSD-5-2] [WSD-5-4]") {
  const std::vector<http::Field> offers = {
      {"Sec-WebSocket-Extensions", "x-other; a=1"},
      {"Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=99, permessage-deflate"}};
  ServerAnswer answer = answer_handshake(request_with(offers));
  CHECK(answer.accepted());
  CHECK(answer.response.fields.count("Sec-WebSocket-Extensions") == 0);
  CHECK(!answer.deflate);
  ServerPolicy policy;
  policy.deflate.emplace();
  answer = answer_handshake(request_with(offers), policy);
  CHECK(answer.response.fields.find("Sec-WebSocket-Extensions") == "permessage-deflate; server_max_window_bits=12");
  CHECK(answer.deflate == DeflateParameters{{12, true}, {15, true}});
  answer = answer_handshake(request_with(), policy);
  CHECK(answer.response.fields.count("Sec-WebSocket-Extensions") == 0);
}

TEST_CASE("of the offered subprotocols the first that we speak is chosen, or none [WS-4.2.2-4] [WS-11.3-4]") {
  ServerPolicy policy;
  policy.subprotocols = {"chat", "superchat"};
  ServerAnswer answer = answer_handshake(request_with({{"Sec-WebSocket-Protocol", "soap, superchat, chat"}}), policy);
  CHECK(answer.subprotocol == "superchat");
  CHECK(answer.response.fields.find("Sec-WebSocket-Protocol") == "superchat");
  CHECK(answer.response.fields.count("Sec-WebSocket-Protocol") == 1);
  answer = answer_handshake(request_with({{"Sec-WebSocket-Protocol", "CHAT"}}), policy);
  CHECK(answer.accepted());
  CHECK(answer.subprotocol.empty());
  CHECK(answer.response.fields.count("Sec-WebSocket-Protocol") == 0);
  CHECK(answer_handshake(request_with(), policy).subprotocol.empty());
}

TEST_CASE("offers may be spread over several fields [WS-11.3-3]") {
  ServerPolicy policy;
  policy.subprotocols = {"chat"};
  const auto request = request_with({{"Sec-WebSocket-Protocol", "soap"}, {"Sec-WebSocket-Protocol", "chat"}});
  CHECK(answer_handshake(request, policy).subprotocol == "chat");
}

TEST_CASE("malformed or repeated offers of subprotocols are refused [WS-4.1-12] [WS-4.3-1] [A-WS-13]") {
  for (const char* bad : {"a b", "a, a", "a;b", "\"a\"", ","})
    CHECK_MESSAGE(status_with({{"Sec-WebSocket-Protocol", bad}}) == 400, bad);
}

TEST_CASE("extensions are read by the grammar and none is accepted yet [WS-4.2.2-5] [WS-9-1] [WS-9.1-3] [WS-5.8-1]") {
  const ServerAnswer answer = answer_handshake(
      request_with({{"Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits, x-other"}}));
  CHECK(answer.accepted());
  CHECK(answer.response.fields.count("Sec-WebSocket-Extensions") == 0);
  for (const char* bad : {"=", "a;", "a;b=", "a b", "a;b=\"", "a;b=\"c d\"", ","})
    CHECK_MESSAGE(status_with({{"Sec-WebSocket-Extensions", bad}}) == 400, bad);
}

TEST_CASE("keys are new each time and right in form [WS-4.1-9]") {
  Random random(Key{7}, KeyUse::websocket_mask);
  const std::string first = make_key(random);
  CHECK(is_key(first));
  CHECK(make_key(random) != first);
  CHECK(accept_for("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

}  // namespace
}  // namespace sluice::ws::test
