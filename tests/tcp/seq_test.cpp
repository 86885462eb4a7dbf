// The laws of sequence numbers, tried all around the wrap.
#include <doctest/doctest.h>

#include <array>

#include "stack/base/random.hpp"
#include "stack/tcp/seq.hpp"

namespace sluice::tcp {
namespace {

constexpr std::uint64_t kHalf = std::uint64_t{1} << 31;
constexpr std::uint64_t kWrap = std::uint64_t{1} << 32;

// Numbers near the wrap of the first and of a late lap, and anything else.
Seq any_seq(Random& random) {
  static constexpr std::array<std::uint64_t, 4> kCentres{kWrap, 2 * kWrap, 3 * kWrap + kHalf, 1000 * kWrap};
  const std::uint64_t spread = std::uint64_t{1} << random.below(32);
  return Seq(kCentres[random.below(4)] + random.u64() % spread);
}

}  // namespace

TEST_CASE("an initial sequence number has the numbers left of it in the same order [9293 3.4]") {
  const Seq zero = Seq::initial(WireSeq{0});
  CHECK(zero.wire() == WireSeq{0});
  CHECK((zero - 1).wire() == WireSeq{0xffffffff});
  CHECK(zero - 1 < zero);
  CHECK(Seq::initial(WireSeq{0xffffffff}).wire() == WireSeq{0xffffffff});
}

TEST_CASE("unwrapping gives back each number less than half a lap from the reference [9293 3.4]") {
  Random random(Key{1}, KeyUse::test);
  for (int i = 0; i < 20000; ++i) {
    const Seq reference = any_seq(random);
    const std::uint64_t distance = random.u64() % kHalf >> random.below(31);
    CAPTURE(reference.number());
    CAPTURE(distance);
    CHECK(Seq::unwrap((reference + distance).wire(), reference) == reference + distance);
    CHECK(Seq::unwrap((reference - distance).wire(), reference) == reference - distance);
  }
}

TEST_CASE("exactly half a lap away unwraps to the left, so to an old number [9293 3.4]") {
  const Seq reference = Seq::initial(WireSeq{5});
  CHECK(Seq::unwrap((reference + kHalf).wire(), reference) == reference - kHalf);
}

TEST_CASE("adding walks across the wrap, and differences undo it [9293 3.4]") {
  Random random(Key{2}, KeyUse::test);
  for (int i = 0; i < 5000; ++i) {
    const Seq a = any_seq(random);
    const std::uint64_t n = random.u32();
    const std::uint64_t m = random.u32();
    Seq b = a + n;
    CHECK(b - a == n);
    CHECK(b - n == a);
    CHECK((a + n) + m == a + (n + m));
    CHECK(a <= b);
    CHECK((b == a) == (n == 0));
    CHECK(static_cast<std::uint32_t>(b.wire()) == static_cast<std::uint32_t>(static_cast<std::uint32_t>(a.wire()) + n));
    b += m;
    CHECK(b == a + n + m);
  }
}

TEST_CASE("order is total and transitive, whatever the low bits show [9293 3.4]") {
  Random random(Key{3}, KeyUse::test);
  for (int i = 0; i < 5000; ++i) {
    const Seq a = any_seq(random);
    const Seq b = any_seq(random);
    const Seq c = any_seq(random);
    CHECK((a < b) + (a == b) + (a > b) == 1);
    if (a < b && b < c) CHECK(a < c);
    CHECK((a < b) == (a.number() < b.number()));
  }
}

TEST_CASE("a range holds its begin and not its end, across the wrap [9293 3.4]") {
  const Seq begin = Seq::initial(WireSeq{0xfffffffe});
  const SeqRange range{begin, begin + 4};
  CHECK(range.size() == 4);
  CHECK_FALSE(range.empty());
  CHECK(range.contains(begin));
  CHECK(range.contains(Seq::unwrap(WireSeq{1}, begin)));
  CHECK_FALSE(range.contains(Seq::unwrap(WireSeq{2}, begin)));
  CHECK_FALSE(range.contains(begin - 1));
  CHECK(SeqRange{begin, begin}.empty());
  CHECK(SeqRange{begin + 1, begin}.empty());
  CHECK(range == SeqRange{begin, begin + 4});
}

}  // namespace sluice::tcp
