// RFC 6455 5.2: the header alone.
#include "ws/frame.hpp"

#include <doctest/doctest.h>

#include "tests/ws/wire.hpp"

namespace sluice::ws::test {
namespace {

constexpr HeaderRules kServerRules{true, 0};
constexpr HeaderRules kClientRules{false, 0};

Fault fault_of(std::string_view digits, const HeaderRules& rules = kClientRules) {
  return parse_header(hex(digits), rules).fault;
}

TEST_CASE("a header is read with all its fields [WS-5.2-5]") {
  const ParsedHeader parsed = parse_header(hex("02 fe 0100 37fa213d aabb"), kServerRules);
  CHECK(parsed.fault == Fault::none);
  CHECK(parsed.size == 8);
  CHECK(!parsed.header.fin);
  CHECK(parsed.header.opcode == Opcode::binary);
  CHECK(parsed.header.masked);
  CHECK(parsed.header.key == kKey);
  CHECK(parsed.header.length == 256);
}

TEST_CASE("headers of every length form survive writing and reading, and no prefix of one is a header [WS-5.2-3]") {
  for (std::uint64_t length : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{125}, std::uint64_t{126},
                               std::uint64_t{65535}, std::uint64_t{65536}, ~std::uint64_t{0} >> 1}) {
    for (bool masked : {false, true}) {
      const FrameHeader header{true, 0, Opcode::text, masked, masked ? kKey : MaskKey{}, length};
      ByteVector bytes(kMaxHeader);
      bytes.resize(write_header(bytes, header));
      REQUIRE(bytes.size() == header_size(length, masked));
      for (std::size_t size = 0; size < bytes.size(); ++size) {
        const ParsedHeader cut = parse_header(Bytes(bytes).first(size), {masked, 0});
        REQUIRE(cut.size == 0);
        REQUIRE(cut.fault == Fault::none);
      }
      const ParsedHeader parsed = parse_header(bytes, {masked, 0});
      REQUIRE(parsed.size == bytes.size());
      REQUIRE(parsed.header.length == length);
      REQUIRE(parsed.header.masked == masked);
      REQUIRE(parsed.header.key == header.key);
    }
  }
}

TEST_CASE("a reserved bit fails with the first byte, unless an extension owns it [WS-5.2-1]") {
  for (const char* first : {"c1", "a1", "91", "f1"}) CHECK(fault_of(first) == Fault::reserved_bit);
  const ParsedHeader parsed = parse_header(hex("c1 00"), {false, kRsv1});
  CHECK(parsed.fault == Fault::none);
  CHECK(parsed.header.rsv == kRsv1);
  CHECK(parse_header(hex("e1 00"), {false, kRsv1}).fault == Fault::reserved_bit);
}

TEST_CASE("reserved opcodes fail with the first byte [WS-5.2-2]") {
  for (const char* first : {"83", "84", "85", "86", "87", "8b", "8c", "8d", "8e", "8f", "03", "0b"})
    CHECK(fault_of(first) == Fault::reserved_opcode);
  for (const char* first : {"80", "81", "82", "88", "89", "8a"}) CHECK(fault_of(first) == Fault::none);
}

TEST_CASE("a length in more bytes than it needs fails [WS-5.2-3]") {
  CHECK(fault_of("82 7e 0000") == Fault::length_not_shortest);
  CHECK(fault_of("82 7e 007d") == Fault::length_not_shortest);
  CHECK(fault_of("82 7e 007e") == Fault::none);
  CHECK(fault_of("82 7f 000000000000ffff") == Fault::length_not_shortest);
  CHECK(fault_of("82 7f 0000000000010000") == Fault::none);
}

TEST_CASE("a 64-bit length with its top bit set fails [WS-5.2-4] [A-WS-03]") {
  CHECK(fault_of("82 7f 8000000000000000") == Fault::length_out_of_range);
  CHECK(fault_of("82 7f ffffffffffffffff") == Fault::length_out_of_range);
  CHECK(fault_of("82 7f 7fffffffffffffff") == Fault::none);
}

TEST_CASE("control frames are whole and short [WS-5.5-1] [WS-5.4-1] [A-WS-16]") {
  for (const char* first : {"08", "09", "0a"}) CHECK(fault_of(first) == Fault::control_fragmented);
  for (const char* first : {"88 7e", "89 7e", "8a 7f"}) CHECK(fault_of(first) == Fault::control_too_long);
  CHECK(fault_of("89 7d") == Fault::none);
}

TEST_CASE("a server's rules demand the mask, a client's refuse it [WS-5.1-2] [WS-5.1-4]") {
  CHECK(fault_of("81 05", kServerRules) == Fault::mask_missing);
  CHECK(fault_of("81 85", kClientRules) == Fault::mask_present);
}

}  // namespace
}  // namespace sluice::ws::test
