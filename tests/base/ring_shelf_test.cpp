// Rings that lie on a shelf until they are needed.
#include "stack/base/ring_shelf.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace sluice {
namespace {

TEST_CASE("a ring that fell empty lends its memory to the next one") {
  RingShelf<int> shelf;
  Ring<int> first, second;
  shelf.lend(first);
  CHECK(first.footprint() == 0);
  for (int i = 0; i < 10; ++i) first.push_back(i);
  while (!first.empty()) first.pop_front();
  const std::size_t bytes = first.footprint();
  shelf.take_back(first);
  CHECK(first.footprint() == 0);
  CHECK(shelf.idle_bytes() == bytes);
  shelf.lend(second);
  CHECK(second.footprint() == bytes);
  CHECK(shelf.idle_bytes() == 0);
  second.push_back(7);
  CHECK(second.front() == 7);
}

TEST_CASE("a ring that holds something keeps its memory, and one with memory is lent none") {
  RingShelf<int> shelf;
  Ring<int> spare, ring;
  spare.push_back(1);
  spare.pop_front();
  shelf.take_back(spare);
  ring.push_back(1);
  const std::size_t lying = shelf.idle_bytes();
  shelf.take_back(ring);
  shelf.lend(ring);
  CHECK(ring.front() == 1);
  CHECK(shelf.idle_bytes() == lying);
}

TEST_CASE("what does not fit on the shelf is freed") {
  RingShelf<int> shelf;
  for (int i = 0; i < 20; ++i) {
    Ring<int> ring;
    for (int k = 0; k < 10'000; ++k) ring.push_back(k);
    while (!ring.empty()) ring.pop_front();
    shelf.take_back(ring);
    CHECK(ring.footprint() == 0);
  }
  CHECK(shelf.idle_bytes() > 0);
  CHECK(shelf.idle_bytes() <= RingShelf<int>::kMaximumBytes);
}

}  // namespace
}  // namespace sluice
