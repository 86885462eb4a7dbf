// Whole messages from pieces.
#include "ws/assembler.hpp"

#include <doctest/doctest.h>

#include "tests/ws/wire.hpp"

namespace sluice::ws::test {
namespace {

Data piece(ByteVector& bytes, bool first, bool last) { return {MessageType::text, first, last, bytes}; }

TEST_CASE("a message in one piece is not copied") {
  Assembler assembler;
  ByteVector bytes = hex("4142");
  const auto message = assembler.add(piece(bytes, true, true));
  REQUIRE(message);
  CHECK(message->bytes.data() == bytes.data());
  CHECK(message->type == MessageType::text);
  CHECK(assembler.pending() == 0);
}

TEST_CASE("pieces are joined, message after message") {
  Assembler assembler;
  ByteVector a = hex("41");
  ByteVector b = hex("4243");
  ByteVector large(10000, 'x');
  for (int round = 0; round < 2; ++round) {
    CHECK(!assembler.add(piece(a, true, false)));
    CHECK(assembler.pending() == 1);
    const auto message = assembler.add(piece(b, false, true));
    REQUIRE(message);
    CHECK(as_text(message->bytes) == "ABC");
    CHECK(assembler.pending() == 0);
    CHECK(!assembler.add(piece(large, true, false)));
    CHECK(assembler.add(piece(large, false, true))->bytes.size() == 20000);
  }
}

}  // namespace
}  // namespace sluice::ws::test
