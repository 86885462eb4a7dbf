// RFC 3629 and RFC 6455 8.1: which bytes are text, told as early as possible.
#include "ws/utf8.hpp"

#include <doctest/doctest.h>

#include "tests/ws/utf8_reference.hpp"
#include "tests/ws/wire.hpp"

namespace sluice::ws::test {
namespace {

Verdict verdict(Utf8Validator& validator, Bytes piece) {
  if (!validator.feed(piece)) return Verdict::impossible;
  return validator.complete() ? Verdict::complete : Verdict::open;
}

Verdict verdict(Bytes text) {
  Utf8Validator validator;
  return verdict(validator, text);
}

TEST_CASE("overlong forms, surrogates and numbers beyond U+10FFFF are refused [WS-8.1-2] [A-WS-14]") {
  for (const char* bad : {"c0 80", "c1 bf", "e0 80 80", "e0 9f bf", "f0 80 80 80", "f0 8f bf bf", "ed a0 80",
                          "ed bf bf", "f4 90 80 80", "f5 80 80 80", "ff", "fe", "80", "bf", "f8 88 80 80 80"})
    CHECK_MESSAGE(!is_utf8(hex(bad)), bad);
  for (const char* good : {"", "00", "7f", "c2 80", "df bf", "e0 a0 80", "ed 9f bf", "ee 80 80", "ef bf bf",
                           "f0 90 80 80", "f4 8f bf bf", "ce ba e1 bd b9 cf 83"})
    CHECK_MESSAGE(is_utf8(hex(good)), good);
}

TEST_CASE("a text that ends inside a character is not whole [WS-8.1-1]") {
  for (const char* open : {"c3", "e2 82", "f0 9f 98", "41 f0"}) {
    CHECK(verdict(hex(open)) == Verdict::open);
    CHECK(!is_utf8(hex(open)));
  }
}

TEST_CASE("every two bytes, and every third behind them that matters, are judged as by decoding [WS-8.1-2]") {
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b) {
      const ByteVector two{static_cast<std::uint8_t>(a), static_cast<std::uint8_t>(b)};
      REQUIRE(verdict(two) == judge_utf8(two));
      for (unsigned c : {0x00u, 0x7fu, 0x80u, 0x8fu, 0x90u, 0x9fu, 0xa0u, 0xbfu, 0xc0u, 0xe0u, 0xf4u, 0xffu}) {
        const ByteVector three = two + ByteVector{static_cast<std::uint8_t>(c)};
        REQUIRE(verdict(three) == judge_utf8(three));
      }
    }
  }
}

TEST_CASE("the first impossible byte ends it, even inside a character, and for good [WS-5.6-2] [A-WS-14]") {
  Utf8Validator validator;
  CHECK(validator.feed(hex("41 f4")));
  CHECK(!validator.feed(hex("90")));
  CHECK(!validator.feed(hex("41")));
  CHECK(!validator.feed(ByteVector(100, 'a')));
  CHECK(!validator.complete());
  validator.reset();
  CHECK(validator.feed(hex("41")));
  CHECK(validator.complete());
}

TEST_CASE("a character may straddle any cut of a long text [WS-5.6-2]") {
  const ByteVector text =
      ByteVector(40, 'a') + hex("f09f9880 e282ac c3a9 41 f48fbfbf") + ByteVector(40, 'b') + hex("e282ac");
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      Utf8Validator validator;
      REQUIRE(validator.feed(Bytes(text).first(first)));
      REQUIRE(validator.feed(Bytes(text).subspan(first, second - first)));
      REQUIRE(validator.feed(Bytes(text).subspan(second)));
      REQUIRE(validator.complete());
    }
  }
}

TEST_CASE("a bad byte anywhere in a long run, and at its edges, is found [WS-8.1-1]") {
  const ByteVector good = ByteVector(33, 'a') + hex("e282ac f09f9880") + ByteVector(33, 'b') + hex("c3a9 e282ac");
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (std::uint8_t wrong :
         {std::uint8_t{0x80}, std::uint8_t{0xc0}, std::uint8_t{0xed}, std::uint8_t{0xff}, std::uint8_t{'x'}}) {
      ByteVector text = good;
      text[at] = wrong;
      REQUIRE(verdict(text) == judge_utf8(text));
      const ByteVector head(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at) + 1);
      REQUIRE(verdict(head) == judge_utf8(head));
    }
  }
}

}  // namespace
}  // namespace sluice::ws::test
