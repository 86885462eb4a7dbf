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

Lines read(const std::string& opener, const std::string& other) { return messages_of(bytes(opener), bytes(other)); }

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

TEST_CASE("requests and answers stand in pairs, with sizes and digests of their bodies") {
  CHECK(read(kGet + "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" + kGet,
             "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
             "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
             "HTTP/1.1 404 Not Found\r\n\r\nto the end") ==
        Lines{"> GET /a HTTP/1.1", "< 200 OK, 3 bytes #ba7816bf", "> POST /b HTTP/1.1, 5 bytes #2cf24dba",
              "< 201 Created, 3 bytes #ba7816bf", "> GET /a HTTP/1.1", "< 404 Not Found, 10 bytes #8addd66c"});
}

TEST_CASE("HEAD, 204 and 304 have no body, and interim answers are told") {
  CHECK(read("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + kGet,
             "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
             "HTTP/1.1 100 Continue\r\n\r\n"
             "HTTP/1.1 304 Not Modified\r\n\r\n") == Lines{"> HEAD / HTTP/1.1", "< 200 OK, no body",
                                                           "> GET /a HTTP/1.1", "< 100 Continue",
                                                           "< 304 Not Modified, no body"});
}

TEST_CASE("what is missing at the end, and what nobody asked for, is told") {
  CHECK(read(kGet, "").back() == "< no answer");
  CHECK(read(kGet, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").back() ==
        "< 200 OK, 3 bytes #ba7816bf, and 6 bytes missing");
  CHECK(read(kGet, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc").back() ==
        "< 200 OK, 3 bytes #ba7816bf, cut off");
  CHECK(read(kGet, "HTTP/1.1 204 No Content\r\n\r\nmore").back() == "< 4 bytes unasked");
  CHECK(read(kGet + "GET /b HT", "HTTP/1.1 204 No Content\r\n\r\n")[2] == "> refused: the head does not end");
}

TEST_CASE("what is no HTTP has no messages, and what turns into something else is refused in the parser's words") {
  CHECK(read("", "HTTP/1.1 200 OK\r\n\r\n").empty());
  CHECK(read("SSH-2.0-x\r\n", "SSH-2.0-y\r\n").empty());
  CHECK(read("\x16\x03\x01\x02", "").empty());
  const Lines lines = read(kGet, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab");
  REQUIRE(lines.size() == 3);
  CHECK(lines[1].starts_with("< refused: "));
  CHECK(lines[2] == "< 2 bytes more");
}

TEST_CASE("a WebSocket's answer is held against the key, its protocol against the offer [R6455-4.2.2]") {
  CHECK(read(kUpgrade, accepted()) == Lines{kAsked, kAccepted});
  CHECK(read(kUpgrade, accepted("", "c29tZXRoaW5nIGVsc2U=")).back() ==
        "< 101 Switching Protocols, accept c29tZXRoaW5nIGVsc2U= instead of s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK(read(kUpgrade, accepted("Sec-WebSocket-Protocol: soup\r\n")).back() ==
        kAccepted + ", protocol soup (not offered)");
}

TEST_CASE("frames are joined to messages; a Close ends a direction") {
  CHECK(read(kUpgrade + frame(0x81, "hello") + frame(0x02, "ab") + frame(0x89, "p") + frame(0x80, "c") +
                 frame(0x88,
                       "\x03\xe8"
                       "bye") +
                 "more",
             accepted() + bare(0x81, "hello") + bare(0x8a, "p") + bare(0x88, "")) ==
        Lines{kAsked, kAccepted, "> text, 5 bytes #2cf24dba", "> ping, 1 byte #148de9c5",
              "> binary, 3 bytes #ba7816bf in 2 frames", "> close 1000 bye", "> 4 bytes more",
              "< text, 5 bytes #2cf24dba", "< pong, 1 byte #148de9c5", "< close"});
}

TEST_CASE("what a receiver refuses is said as it says it, and so is what does not end") {
  CHECK(read(kUpgrade + bare(0x81, "hello"), accepted())[2].starts_with("> refused: "));
  CHECK(read(kUpgrade, accepted() + frame(0x81, "hello"))[2].starts_with("< refused: "));
  CHECK(read(kUpgrade + frame(0x01, "hello"), accepted())[2] == "> a message that does not end");
  CHECK(read(kUpgrade + "\x81", accepted())[2] == "> a message that does not end");
  CHECK(read(kUpgrade + std::string("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10), accepted()).back() ==
        "> a message that does not end");
  CHECK(read(kUpgrade + frame(0x88, "\x03\xed"), accepted())[2].starts_with("> close, refused: "));
}

TEST_CASE("compressed frames are told by their headers") {
  const std::string deflate = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
  CHECK(read(kUpgrade + frame(0xc1, "abc") + frame(0x41, "abc") + frame(0x80, "abc") + frame(0x89, ""),
             accepted(deflate) + std::string("\xc1\x7e\xff", 3)) ==
        Lines{kAsked, kAccepted + ", extensions permessage-deflate", "> text frame, compressed, 3 bytes #ba7816bf",
              "> text frame, compressed, 3 bytes #ba7816bf, to be continued", "> continuation frame, 3 bytes #ba7816bf",
              "> ping, 0 bytes", "< a frame that does not end"});
}

TEST_CASE("control characters of a peer never reach the terminal") {
  for (const std::string& line : read(kUpgrade + frame(0x88, "\x03\xe8\x1b[31m"), accepted()))
    CHECK(line.find('\x1b') == std::string::npos);
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
