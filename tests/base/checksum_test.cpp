// The Internet checksum against a slow one that adds byte by byte.
#include "stack/base/checksum.hpp"

#include <doctest/doctest.h>

#include <random>
#include <vector>

namespace sluice {
namespace {

std::uint16_t slow_checksum(Bytes bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += i % 2 ? bytes[i] : static_cast<std::uint32_t>(bytes[i] << 8);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(~sum);
}

std::vector<std::uint8_t> random_bytes(std::mt19937& random, std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

TEST_CASE("the checksum of the example in RFC 1071 section 3 is right") {
  const std::uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  CHECK(internet_checksum(bytes) == 0x220d);
}

TEST_CASE("an odd last byte counts as if a zero followed [R1071-1]") {
  const std::uint8_t odd[] = {0x12, 0x34, 0x56};
  const std::uint8_t padded[] = {0x12, 0x34, 0x56, 0x00};
  CHECK(internet_checksum(odd) == internet_checksum(padded));
  CHECK(internet_checksum({}) == 0xffff);
}

TEST_CASE("every length at every alignment agrees with the slow sum [R1071-1]") {
  std::mt19937 random(1);
  const std::vector<std::uint8_t> bytes = random_bytes(random, 400);
  for (std::size_t offset = 0; offset < 16; ++offset)
    for (std::size_t size = 0; size < 300; ++size) {
      const Bytes run = Bytes(bytes).subspan(offset, size);
      REQUIRE(internet_checksum(run) == slow_checksum(run));
    }
}

TEST_CASE("bytes of all ones do not lose their carries") {
  const std::vector<std::uint8_t> ones(65535, 0xff);
  for (const std::size_t size : {1u, 2u, 31u, 32u, 33u, 4096u, 65534u, 65535u})
    REQUIRE(internet_checksum(Bytes(ones).first(size)) == slow_checksum(Bytes(ones).first(size)));
}

TEST_CASE("pieces of any length, odd ones too, sum like the whole") {
  std::mt19937 random(2);
  for (int round = 0; round < 500; ++round) {
    const std::vector<std::uint8_t> bytes = random_bytes(random, random() % 200);
    ChecksumSum sum;
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t size = std::min<std::size_t>(random() % 40, bytes.size() - at);
      sum.add(Bytes(bytes).subspan(at, size));
      at += size;
    }
    REQUIRE(sum.checksum() == slow_checksum(bytes));
  }
}

TEST_CASE("a word added by value is a word added by bytes") {
  ChecksumSum by_value;
  by_value.add_word(0xbeef);
  ChecksumSum by_bytes;
  by_bytes.add(Bytes(std::initializer_list<std::uint8_t>{0xbe, 0xef}.begin(), 2));
  CHECK(by_value.folded() == by_bytes.folded());
  CHECK(by_value.checksum() == static_cast<std::uint16_t>(~0xbeef));
}

TEST_CASE("a checksum mended for one changed word is the checksum of the changed bytes [R1624-3-1]") {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::uint8_t> bytes = random_bytes(random, 40);
    const std::uint16_t before = internet_checksum(bytes);
    const std::size_t at = random() % 20 * 2;
    const auto old_word = static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
    const auto new_word = static_cast<std::uint16_t>(random());
    ByteWriter(MutableBytes(bytes).subspan(at)).u16(new_word);
    REQUIRE(update_checksum(before, old_word, new_word) == internet_checksum(bytes));
  }
}

TEST_CASE("the mended checksum has the zero that RFC 1624 section 3 asks for") {
  // Its example: the older equation of RFC 1141 would give 0xffff here.
  CHECK(update_checksum(0xdd2f, 0x5555, 0x3285) == 0x0000);
}

}  // namespace
}  // namespace sluice
