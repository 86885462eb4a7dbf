// RFC 6455 5.3: the mask, against the byte loop of the RFC's own definition.
#include "ws/mask.hpp"

#include <doctest/doctest.h>

#include "tests/ws/wire.hpp"

namespace sluice::ws::test {
namespace {

ByteVector numbered(std::size_t size) {
  ByteVector bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + 1);
  return bytes;
}

ByteVector masked_slowly(Bytes bytes, const MaskKey& key) {
  ByteVector result(bytes.begin(), bytes.end());
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = static_cast<std::uint8_t>(result[i] ^ key[i % 4]);
  return result;
}

TEST_CASE("byte i meets key byte i mod 4, at every length and alignment [WS-5.3-2]") {
  for (std::size_t size = 0; size <= 200; ++size) {
    for (std::size_t alignment = 0; alignment < 9; ++alignment) {
      ByteVector bytes = numbered(alignment + size + 3);
      const ByteVector before = bytes;
      const MutableBytes part = MutableBytes(bytes).subspan(alignment, size);
      const ByteVector expected = masked_slowly(part, kKey);
      apply_mask(part, kKey);
      REQUIRE(std::equal(part.begin(), part.end(), expected.begin()));
      apply_mask(part, kKey);
      REQUIRE(bytes == before);
    }
  }
}

TEST_CASE("copying while masking gives the same bytes and leaves the source alone [WS-5.3-2]") {
  for (std::size_t size : {0u, 1u, 3u, 8u, 63u, 64u, 65u, 1000u}) {
    const ByteVector source = numbered(size);
    ByteVector target(size);
    copy_masked(target, source, kKey);
    CHECK(target == masked_slowly(source, kKey));
    CHECK(source == numbered(size));
  }
}

TEST_CASE("a payload masked in pieces goes on with the rotated key [WS-5.3-2]") {
  const ByteVector whole = numbered(50);
  const ByteVector expected = masked_slowly(whole, kKey);
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    ByteVector bytes = whole;
    apply_mask(MutableBytes(bytes).first(cut), kKey);
    apply_mask(MutableBytes(bytes).subspan(cut), rotated(kKey, cut));
    REQUIRE(bytes == expected);
  }
  CHECK(rotated(kKey, (std::uint64_t{1} << 40) + 3) == MaskKey{0x3d, 0x37, 0xfa, 0x21});
}

}  // namespace
}  // namespace sluice::ws::test
