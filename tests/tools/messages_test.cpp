// The bytes of a connection as HTTP and WebSocket messages, a line each.
#include "tools/messages.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "lab/capture_reader.hpp"
#include "stack/base/random.hpp"

namespace sluice::tools {
namespace {

using Lines = std::vector<std::string>;

Bytes bytes(const std::string& text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

/// Neither side finished unless `finished`.
Lines read(const std::string& opener, const std::string& other, bool finished = false) {
  return messages_of({bytes(opener), finished}, {bytes(other), finished});
}

const std::string kGet = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const std::string kUpgrade =
    "GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
std::string accepted(const std::string& more = "", const std::string& accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
         accept + "\r\n" + more + "\r\n";
}
const std::string kAsked = "> GET /chat HTTP/1.1, upgrade websocket";
const std::string kAccepted = "< 101 Switching Protocols, accept right";

/// A client's frame, masked with zeros: the bytes stay as they are.
std::string frame(int first, const std::string& payload) {
  return std::string(1, static_cast<char>(first)) + static_cast<char>(0x80 | payload.size()) + std::string(4, '\0') +
         payload;
}
/// A server's.
std::string bare(int first, const std::string& payload) {
  return std::string(1, static_cast<char>(first)) + static_cast<char>(payload.size()) + payload;
}

}  // namespace

TEST_CASE("requests and answers stand in pairs, with sizes and digests of their bodies, and how these end") {
  CHECK(read(kGet + "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" + kGet,
             "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
             "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
             "HTTP/1.1 404 Not Found\r\n\r\nto the end",
             true) == Lines{"> GET /a HTTP/1.1", "< 200 OK, 3 bytes #ba7816bf", "> POST /b HTTP/1.1, 5 bytes #2cf24dba",
                            "< 201 Created, 3 bytes #ba7816bf (chunked)", "> GET /a HTTP/1.1",
                            "< 404 Not Found, 10 bytes #8addd66c (to the end)"});
}

TEST_CASE("HEAD, 204 and 304 have no body, and interim answers are told") {
  CHECK(read("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + kGet,
             "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
             "HTTP/1.1 100 Continue\r\n\r\n"
             "HTTP/1.1 304 Not Modified\r\n\r\n") == Lines{"> HEAD / HTTP/1.1", "< 200 OK, no body",
                                                           "> GET /a HTTP/1.1", "< 100 Continue",
                                                           "< 304 Not Modified, no body"});
}

TEST_CASE("a changed byte of a body or a message changes its line") {
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
  CHECK(read(kGet, answer + "abc")[1] != read(kGet, answer + "abd")[1]);
  CHECK(read(kUpgrade, accepted() + bare(0x82, "abc"))[2] != read(kUpgrade, accepted() + bare(0x82, "abd"))[2]);
}

TEST_CASE("what is missing at the end, and what nobody asked for, is told") {
  CHECK(read(kGet, "").back() == "< no answer");
  CHECK(read(kGet, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").back() ==
        "< 200 OK, 3 bytes #ba7816bf, and 6 bytes missing");
  CHECK(read(kGet, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc").back() ==
        "< 200 OK, 3 bytes #ba7816bf (chunked), cut off");
  CHECK(read(kGet, "HTTP/1.1 200 OK\r\n\r\nabc").back() == "< 200 OK, 3 bytes #ba7816bf (to the end), cut off");
  CHECK(read(kGet, "HTTP/1.1 204 No Content\r\n\r\nmore").back() == "< 4 bytes unasked");
  CHECK(read(kGet + "GET /b HT", "HTTP/1.1 204 No Content\r\n\r\n")[2] == "> refused: the head does not end");
}

TEST_CASE("what is no HTTP has no messages, whatever the other side says") {
  CHECK(read("", "HTTP/1.1 200 OK\r\n\r\n").empty());
  CHECK(read("SSH-2.0-x\r\n", "SSH-2.0-y\r\n").empty());
  CHECK(read("\x16\x03\x01\x02", "").empty());
  CHECK(read("\r\n\r\n", "").empty());
  CHECK(read("GET /a\r\n", "").empty());
}

TEST_CASE("what http/ refuses is said in its words, and the rest of that direction is counted") {
  const auto refused = [](const std::string& head, const std::string& why) {
    INFO(head);
    CHECK(read(head + "\r\nabc", "") == Lines{"> refused: " + why, "> 3 bytes more"});
  };
  refused("GET / HTTP/1.1\r\n", "no Host field");
  refused("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n", "more than one Host field");
  refused("GET / HTTP/1.1\r\nHost: a\r\nExpect: soup\r\n", "an unknown expectation");
  refused("CONNECT x:1 HTTP/1.1\r\nHost: x\r\n", "this is no proxy");
  CHECK(read("\r\nPRI * HTTP/2.0\r\n\r\n", "").front() == "> refused: only HTTP/1.0 and HTTP/1.1 are spoken here");
  CHECK(read(kGet, "HTTP/1.1 200 OK\r\nTransfer-Encoding: soup\r\n\r\nab") ==
        Lines{"> GET /a HTTP/1.1", "< refused: an unknown transfer coding", "< 2 bytes more"});
  CHECK(read(kGet, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\naXY")[1] ==
        "< 200 OK, 1 byte #ca978112 (chunked), then refused: a chunk's line does not end in CR LF");
}

TEST_CASE("heads, lengths and chunks of any size cost no more than their bytes") {
  CHECK(read("GET / HTTP/1.1\r\n" + std::string(2u << 20, 'a'), "")[0] == "> refused: the head is too large");
  CHECK(read("GET /" + std::string(2u << 20, 'a') + " HTTP/1.1\r\n\r\n", "")[0] ==
        "> refused: the request line is too long");
  CHECK(read(kGet, "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nabc")[1] ==
        "< 200 OK, 3 bytes #ba7816bf, and 18446744073709551612 bytes missing");
  CHECK(read(kGet, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc")[1] ==
        "< 200 OK, 3 bytes #ba7816bf (chunked), cut off");
  std::string pipeline;
  for (int i = 0; i < 1000; ++i) pipeline += kGet;
  CHECK(read(pipeline, "").size() == 2000);
}

TEST_CASE("a WebSocket's answer is held against the key [WS-4.1-17] [WS-4.2.2-6]") {
  CHECK(read(kUpgrade, accepted()) == Lines{kAsked, kAccepted});
  CHECK(read(kUpgrade, accepted("", "c29tZXRoaW5nIGVsc2U=")).back() ==
        "< 101 Switching Protocols, accept c29tZXRoaW5nIGVsc2U= instead of s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK(read(kUpgrade, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n").back() ==
        "< 101 Switching Protocols, accept missing instead of s3pPLMBiTxaQ9kYGzzhZRbK+xOo=, Connection does not list "
        "upgrade");
}

TEST_CASE("the subprotocol and the extensions are held against the offer [WS-4.1-18] [WS-4.1-19]") {
  const std::string offer = kUpgrade.substr(0, kUpgrade.size() - 2) +
                            "Sec-WebSocket-Protocol: chat, soup\r\nSec-WebSocket-Extensions: x-one; a=1, x-two\r\n\r\n";
  const auto answered = [](const std::string& request, const std::string& fields) {
    return read(request, accepted(fields)).back();
  };
  CHECK(answered(offer, "Sec-WebSocket-Protocol: soup\r\n") == kAccepted + ", protocol soup");
  CHECK(answered(kUpgrade, "Sec-WebSocket-Protocol: soup\r\n") == kAccepted + ", protocol soup (not offered)");
  CHECK(answered(offer, "Sec-WebSocket-Extensions: x-two\r\n") == kAccepted + ", extensions x-two");
  CHECK(answered(offer, "Sec-WebSocket-Extensions: x-two, x-three\r\n") ==
        kAccepted + ", extensions x-two, x-three (not offered)");
  CHECK(answered(offer, "Sec-WebSocket-Extensions: =\r\n") == kAccepted + ", extensions = (malformed)");
}

TEST_CASE("a request that our server would refuse says why; its answer is read all the same") {
  std::string request = kUpgrade;
  request.replace(request.find("dGhl"), 24, "c2hvcnQ=");
  CHECK(read(request, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n") ==
        Lines{kAsked + " (refused: Sec-WebSocket-Key is not 16 bytes in base64)", "< 400 Bad Request, 0 bytes"});
}

TEST_CASE("behind an upgrade to something else bytes are counted") {
  CHECK(read("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: soup\r\n\r\nabc",
             "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: soup\r\n\r\nabcd") ==
        Lines{"> GET / HTTP/1.1, upgrade soup", "< 101 Switching Protocols, upgrade soup", "> 3 bytes of it",
              "< 4 bytes of it"});
}

TEST_CASE("frames are joined to messages, with control frames between them; a Close ends a direction [WS-5.4-5]") {
  CHECK(read(kUpgrade + frame(0x81, "hello") + frame(0x02, "ab") + frame(0x89, "p") + frame(0x00, "") +
                 frame(0x80, "c") +
                 frame(0x88,
                       "\x03\xe8"
                       "bye") +
                 "more",
             accepted() + bare(0x81, "hello") + bare(0x8a, "p") + bare(0x88, "")) ==
        Lines{kAsked, kAccepted, "> text, 5 bytes #2cf24dba", "> ping, 1 byte #148de9c5",
              "> binary, 3 bytes #ba7816bf in 3 frames", "> close 1000 bye", "> 4 bytes more",
              "< text, 5 bytes #2cf24dba", "< pong, 1 byte #148de9c5", "< close"});
}

TEST_CASE("what ws/ refuses is said in its words, with the clause, and the rest is counted") {
  const auto sent = [](const std::string& frames) { return read(kUpgrade + frames, accepted())[2]; };
  CHECK(read(kUpgrade + bare(0x81, "hello"), accepted()) ==
        Lines{kAsked, kAccepted, "> refused: RFC 6455 5.1: a client's frame is not masked", "> 7 bytes more"});
  CHECK(read(kUpgrade, accepted() + frame(0x81, "hello"))[2] == "< refused: RFC 6455 5.1: a server's frame is masked");
  CHECK(sent(frame(0xc1, "hello")) == "> refused: RFC 6455 5.2: a reserved bit is set");
  CHECK(sent(frame(0x83, "hello")) == "> refused: RFC 6455 5.2: a reserved opcode");
  CHECK(sent(frame(0x09, "hello")) == "> refused: RFC 6455 5.5: a fragmented control frame");
  CHECK(sent(frame(0x80, "hello")) == "> refused: RFC 6455 5.4: a continuation of no message");
  CHECK(sent(frame(0x81, "\xff")) == "> refused: RFC 6455 8.1: text that is not UTF-8");
  CHECK(sent(frame(0x88, "\x03\xed")) == "> close, refused: RFC 6455 7.4: a close code that may not be sent");
  CHECK(sent(frame(0x88, "\x03")) == "> close, refused: RFC 6455 5.5.1: a Close body of one byte");
  CHECK(sent(std::string("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10)) ==
        "> refused: RFC 6455 5.2: the length's top bit is set");
}

TEST_CASE("a message or a frame that does not end is told with what there is of it") {
  const auto cut = [](const std::string& frames) { return read(kUpgrade + frames, accepted()).back(); };
  CHECK(cut(frame(0x01, "hello")) == "> a message that does not end, 5 bytes #2cf24dba so far");
  CHECK(cut(frame(0x81, "hello") + frame(0x01, "")) == "> a message that does not end, 0 bytes so far");
  CHECK(cut(frame(0x82, "hello").substr(0, 9)) == "> a message that does not end, 3 bytes #d6a81f22 so far");
  CHECK(cut("\x81") == "> a frame that does not end");
  CHECK(cut(frame(0x89, "hello").substr(0, 9)) == "> a frame that does not end");
  CHECK(cut(std::string("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10)) == "> a frame that does not end");
  CHECK(cut(std::string("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0abc", 17)) ==
        "> a message that does not end, 3 bytes #ba7816bf so far");
}

TEST_CASE("a side that finishes without a Close lost its WebSocket; a capture that stops tells nothing [WS-7.1.5-1]") {
  const std::string closed = kUpgrade + frame(0x88, "");
  CHECK(read(closed, accepted(), true) ==
        Lines{kAsked, kAccepted, "> close", "< RFC 6455 7.1.5: the stream ended without a Close"});
  CHECK(read(closed, accepted()) == Lines{kAsked, kAccepted, "> close"});
}

TEST_CASE("under an extension that nobody here knows frames are told by their headers") {
  const std::string squeeze = "Sec-WebSocket-Extensions: x-squeeze\r\n";
  const std::string asked = kUpgrade.substr(0, kUpgrade.size() - 2) + squeeze + "\r\n";
  CHECK(read(asked + frame(0xc1, "abc") + frame(0x41, "abc") + frame(0x80, "abc") + frame(0x89, "") + frame(0x88, "") +
                 "ab",
             accepted(squeeze) + std::string("\xc1\x7e\xff", 3)) ==
        Lines{kAsked, kAccepted + ", extensions x-squeeze", "> text frame, compressed, 3 bytes #ba7816bf",
              "> text frame, compressed, 3 bytes #ba7816bf, to be continued", "> continuation frame, 3 bytes #ba7816bf",
              "> ping, 0 bytes", "> close", "> 2 bytes more", "< a frame that does not end"});
}

namespace {

/// What is told behind a handshake in which the server answered with these parameters of permessage-deflate.
Lines compressed(const std::string& parameters, const std::string& opener, const std::string& other = "") {
  const std::string deflate = "Sec-WebSocket-Extensions: permessage-deflate";
  const std::string asked = kUpgrade.substr(0, kUpgrade.size() - 2) + deflate + "\r\n\r\n";
  Lines lines = read(asked + opener, accepted(deflate + parameters + "\r\n") + other);
  lines.erase(lines.begin(), lines.begin() + 2);
  return lines;
}

// RFC 7692 7.2.3: "Hello", and "Hello" again by what is still in the window.
const std::string kHello("\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
const std::string kHelloAgain("\xf2\x00\x11\x00\x00", 5);
const std::string kToldHello = "text, compressed, 5 bytes #185f8db3";

}  // namespace

TEST_CASE("compressed messages are inflated, whole and in frames, with plain ones and Pings between them [WSD-6.2-1]") {
  CHECK(compressed("", frame(0xc1, kHello) + frame(0x81, "Hello") + frame(0x41, kHello.substr(0, 3)) + frame(0x89, "") +
                           frame(0x80, kHello.substr(3)) + frame(0xc2, std::string(1, '\0')) + frame(0x88, "")) ==
        Lines{"> " + kToldHello, "> text, 5 bytes #185f8db3", "> ping, 0 bytes", "> " + kToldHello + " in 2 frames",
              "> binary, compressed, 0 bytes", "> close"});
}

TEST_CASE("each direction has the window that was agreed on for it [WSD-7.2.2-2]") {
  const std::string twice = frame(0xc1, kHello) + frame(0xc1, kHelloAgain);
  const std::string back = bare(0xc1, kHello) + bare(0xc1, kHelloAgain);
  const std::string refused = "refused: RFC 7692 7.2.2: compressed payload that does not inflate";
  CHECK(compressed("", twice, back) ==
        Lines{"> " + kToldHello, "> " + kToldHello, "< " + kToldHello, "< " + kToldHello});
  CHECK(compressed("; client_no_context_takeover", twice, back) ==
        Lines{"> " + kToldHello, "> " + refused, "> 11 bytes more", "< " + kToldHello, "< " + kToldHello});
  CHECK(compressed("; server_no_context_takeover", twice, back) ==
        Lines{"> " + kToldHello, "> " + kToldHello, "< " + kToldHello, "< " + refused, "< 7 bytes more"});
}

TEST_CASE("a compressed message may be much larger than its frame, or not end") {
  const std::string letters = std::string("\xec\xc1\x31\x01\x00\x00\x00\xc2\xa0\xac\xeb\x5f\xc2\x1a\x1e\x40\x01", 17) +
                              std::string(96, '\0') + "\xaf\x06";  // 100000 times "a"
  CHECK(compressed("", frame(0xc1, letters) + frame(0x81, "Hello")) ==
        Lines{"> text, compressed, 100000 bytes #6d1cf22d", "> text, 5 bytes #185f8db3"});
  CHECK(compressed("", frame(0xc1, kHello).substr(0, 9)) ==
        Lines{"> a message that does not end, 2 bytes #30efdfb5 so far"});
  CHECK(compressed("", frame(0x41, kHello)).back() == "> a message that does not end, 5 bytes #185f8db3 so far");
  CHECK(compressed("", frame(0xc1, "\xff")).front().starts_with("> refused: RFC 7692"));
}

TEST_CASE("parameters that nobody can mean leave frames to be told by their headers") {
  CHECK(compressed("; client_max_window_bits=16", frame(0xc1, kHello)) ==
        Lines{"> text frame, compressed, 7 bytes #77a4fa7c"});
}

TEST_CASE("what a peer says is printable ASCII or its numbers") {
  CHECK(read(kUpgrade + frame(0x88, "\x03\xe8\x1b[31m\xc2\x9b"), accepted()).back() ==
        "> close 1000 \\x1b[31m\\xc2\\x9b");
  CHECK(read("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: \xff\r\n\r\n", "")[0] ==
        "> GET / HTTP/1.1, upgrade \\xff");
}

TEST_CASE("bytes at random behind a handshake never yield more than a line for two of them") {
  Random random(Key{}, KeyUse::test);
  for (int round = 0; round < 300; ++round) {
    std::string noise(random.below(200), '\0');
    for (char& c : noise) c = static_cast<char>(random.u32());
    const Lines lines = read(kUpgrade + noise, accepted() + noise, round % 2 == 0);
    CHECK(lines.size() <= 6 + noise.size());
    CHECK(compressed("", noise, noise).size() <= 4 + noise.size());
  }
}

TEST_CASE("the golden WebSocket conversation is read to its end") {
  const lab::Capture capture = lab::load_capture(std::string(SLUICE_SOURCE_DIR) + "/pcaps/websocket.pcapng");
  const lab::Conversations found = lab::split(capture);
  const Lines lines = messages_of(found.all.at(0));
  REQUIRE(lines.size() >= 4);
  CHECK(lines[1].starts_with(kAccepted));
  for (const std::string& line : lines) CHECK(line.find("refused") == std::string::npos);
}

}  // namespace sluice::tools
