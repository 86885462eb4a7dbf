// Where bodies end: lengths, chunks in any split, and what a chunk must not look like.
#include "http/body_decoder.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace sluice;
using namespace sluice::http;

namespace {

struct Decoded {
  std::string content;
  std::size_t consumed = 0;
  bool done = false;
  int status = 0;
};

Decoded decode(BodyDecoder decoder, std::string_view text, std::size_t cut = SIZE_MAX) {
  Decoded result;
  while (result.consumed < text.size() && !decoder.done() && !decoder.refusal()) {
    const std::string_view piece = text.substr(result.consumed, cut);
    const BodyDecoder::Step step = decoder.decode(as_bytes(piece));
    REQUIRE(step.consumed > 0);
    result.consumed += step.consumed;
    result.content += as_text(step.content);
  }
  result.done = decoder.done();
  result.status = decoder.refusal().status;
  return result;
}

}  // namespace

TEST_CASE("a body with a length ends there and takes nothing behind it [RFC 9112 6.2]") {
  for (const std::size_t cut : std::initializer_list<std::size_t>{1, 2, 5, 100}) {
    const Decoded body = decode(BodyDecoder::with_length(5), "helloGET", cut);
    CHECK(body.content == "hello");
    CHECK(body.consumed == 5);
    CHECK(body.done);
  }
  CHECK(BodyDecoder::none().done());
  CHECK(BodyDecoder::with_length(7).remaining() == 7);
  CHECK(BodyDecoder::with_length(7).length_known());
  CHECK_FALSE(BodyDecoder::chunked().length_known());
}

TEST_CASE("a body until close takes everything and is never done by itself") {
  const Decoded body = decode(BodyDecoder::until_close(), "abc", 1);
  CHECK(body.content == "abc");
  CHECK_FALSE(body.done);
  CHECK(BodyDecoder::until_close().ends_with_connection());
}

TEST_CASE("chunks come apart in every split, with extensions and trailers passed over [RFC 9112 7.1]") {
  const std::string text = "5\r\nhello\r\n0A;x=\"y\";z\r\n0123456789\r\n000\r\nTrailer: a\r\nB:c\r\n\r\n";
  for (std::size_t cut = 1; cut <= text.size(); ++cut) {
    const Decoded body = decode(BodyDecoder::chunked(), text + "GET /", cut);
    CHECK(body.content == "hello0123456789");
    CHECK(body.done);
    CHECK(body.consumed == text.size());
  }
}

TEST_CASE("an unfinished chunked body is not done at any point before its last byte") {
  const std::string text = "3\r\nabc\r\n0\r\n\r\n";
  for (std::size_t size = 0; size < text.size(); ++size)
    CHECK_FALSE(decode(BodyDecoder::chunked(), text.substr(0, size)).done);
}

TEST_CASE("a chunk whose framing is off by one byte is refused [RFC 9112 7.1, A-WS-10]") {
  for (const char* bad : {"\r\n",
                          " 5\r\nhello\r\n",
                          "5 \r\nhello\r\n",
                          "0x5\r\nhello\r\n",
                          "-5\r\n",
                          "+5\r\nhello\r\n",
                          "g\r\n",
                          ";x\r\n",
                          "5\nhello\r\n",
                          "5\r\nhelloX\r\n",
                          "5\r\nhello\n",
                          "5\r\nhello\rX",
                          "5;a\nb\r\nhello",
                          "5;a\rb",
                          "5\rX",
                          "0\r\nA: b\nC",
                          "0\r\n\rX",
                          "0\r\nA: b\rX",
                          "00000000000000005\r\nhello\r\n",
                          "10000000000000000\r\n",
                          "5;\x01\r\n",
                          "0\r\n\x01: b\r\n\r\n"}) {
    CAPTURE(bad);
    for (const std::size_t cut : std::initializer_list<std::size_t>{1, 2, 100})
      CHECK(decode(BodyDecoder::chunked(), bad, cut).status == 400);
  }
}

TEST_CASE("the largest chunk size is a number, not an overflow") {
  BodyDecoder decoder = BodyDecoder::chunked();
  (void)decoder.decode(as_bytes("ffffffffffffffff\r\n"));
  CHECK_FALSE(decoder.refusal());
  CHECK(decoder.remaining() == UINT64_MAX);
}

TEST_CASE("extensions and trailers are bounded over the whole body") {
  std::string text;
  for (int i = 0; i < 20; ++i) text += "1;" + std::string(1000, 'x') + "\r\na\r\n";
  CHECK(decode(BodyDecoder::chunked(), text).status == 400);
  CHECK(decode(BodyDecoder::chunked(), "0\r\nA:" + std::string(9000, 'x')).status == 431);
  CHECK(decode(BodyDecoder::chunked(), "0\r\nA:" + std::string(8000, 'x') + "\r\n\r\n").done);
}

TEST_CASE("after the end or a refusal nothing is taken") {
  BodyDecoder decoder = BodyDecoder::chunked();
  (void)decoder.decode(as_bytes("x"));
  CHECK(decoder.refusal());
  CHECK(decoder.decode(as_bytes("5\r\n")).consumed == 0);
  BodyDecoder ended = BodyDecoder::none();
  CHECK(ended.decode(as_bytes("5\r\n")).consumed == 0);
}
