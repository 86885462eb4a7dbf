// Keyed randomness against the published vectors of its primitives.
#include "stack/base/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>
#include <vector>

namespace sluice {
namespace {

Key key_of(std::uint8_t first) {
  Key key{};
  for (std::uint8_t& byte : key) byte = first++;
  return key;
}

TEST_CASE("the ChaCha20 block function gives the block of RFC 8439 2.3.2") {
  std::array<std::uint32_t, 16> input{0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  for (std::uint32_t i = 0; i < 8; ++i) input[4 + i] = 0x03020100 + i * 0x04040404;
  input[12] = 1;
  input[13] = 0x09000000;
  input[14] = 0x4a000000;
  const std::array<std::uint32_t, 16> expected = {
      0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3, 0xc7f4d1c7, 0x0368c033, 0x9aaa2204, 0x4e6cd4c3,
      0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9, 0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2};
  CHECK(detail::chacha20_block(input) == expected);
}

TEST_CASE("SipHash-2-4 gives the vectors of its paper and reference code") {
  std::vector<std::uint8_t> input;
  const auto hash = [&](std::size_t size) {
    input.resize(size);
    for (std::size_t i = 0; i < size; ++i) input[i] = static_cast<std::uint8_t>(i);
    return detail::siphash24(0x0706050403020100, 0x0f0e0d0c0b0a0908, input);
  };
  CHECK(hash(0) == 0x726fdb47dd0e0e31);
  CHECK(hash(1) == 0x74f839c593dc67fd);
  CHECK(hash(7) == 0xab0200f58b01d137);
  CHECK(hash(8) == 0x93f5f5799a932462);
  CHECK(hash(15) == 0xa129ca6149be45e5);
}

TEST_CASE("a keyed hash depends on key, use and every byte of its input") {
  const KeyedHash hash(key_of(1), KeyUse::isn);
  std::array<std::uint8_t, 36> input{};
  const std::uint64_t plain = hash(input);
  CHECK(hash(input) == plain);
  CHECK(KeyedHash(key_of(2), KeyUse::isn)(input) != plain);
  CHECK(KeyedHash(key_of(1), KeyUse::cookie)(input) != plain);
  CHECK(hash(Bytes(input).first(35)) != plain);
  for (std::uint8_t& byte : input) {
    byte ^= 1;
    CHECK(hash(input) != plain);
    byte ^= 1;
  }
}

TEST_CASE("the same key, use and stream give the same numbers, others give others") {
  const auto first_numbers = [](const Key& key, KeyUse use, std::uint64_t stream) {
    Random random(key, use, stream);
    std::vector<std::uint64_t> numbers(40);
    for (std::uint64_t& number : numbers) number = random.u64();
    return numbers;
  };
  const auto numbers = first_numbers(key_of(1), KeyUse::test, 7);
  CHECK(first_numbers(key_of(1), KeyUse::test, 7) == numbers);
  CHECK(first_numbers(key_of(2), KeyUse::test, 7) != numbers);
  CHECK(first_numbers(key_of(1), KeyUse::jitter, 7) != numbers);
  CHECK(first_numbers(key_of(1), KeyUse::test, 8) != numbers);
  CHECK(first_numbers(key_of(1), KeyUse::test, std::uint64_t{7} << 32) != numbers);
  CHECK(std::set<std::uint64_t>(numbers.begin(), numbers.end()).size() == numbers.size());
}

TEST_CASE("numbers below a bound are all reached, evenly, and never the bound") {
  Random random(key_of(3), KeyUse::test);
  std::array<int, 7> seen{};
  for (int i = 0; i < 70000; ++i) ++seen.at(random.below(7));
  for (const int count : seen) {
    CHECK(count > 9500);
    CHECK(count < 10500);
  }
  CHECK(random.below(1) == 0);
  // A bound just above half of the range makes every second draw a rejected one.
  for (int i = 0; i < 100; ++i) CHECK(random.below(0x80000001u) <= 0x80000000u);
}

TEST_CASE("unit numbers lie in [0, 1) and around the middle") {
  Random random(key_of(4), KeyUse::test);
  double sum = 0;
  for (int i = 0; i < 10000; ++i) {
    const double unit = random.unit();
    REQUIRE(unit >= 0);
    REQUIRE(unit < 1);
    sum += unit;
  }
  CHECK(sum / 10000 == doctest::Approx(0.5).epsilon(0.02));
}

TEST_CASE("fill writes every byte and nothing beyond") {
  Random random(key_of(5), KeyUse::test);
  std::array<std::uint8_t, 64> bytes{};
  random.fill(MutableBytes(bytes).first(60));
  CHECK(std::count(bytes.begin(), bytes.begin() + 60, 0) < 10);
  CHECK(std::all_of(bytes.begin() + 60, bytes.end(), [](std::uint8_t byte) { return byte == 0; }));
}

}  // namespace
}  // namespace sluice
