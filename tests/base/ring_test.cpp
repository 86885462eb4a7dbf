// Ring against std::deque, with random calls.
#include "stack/base/ring.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <random>

namespace sluice {
namespace {

bool same(const Ring<int>& ring, const std::deque<int>& model) {
  if (ring.size() != model.size() || ring.empty() != model.empty()) return false;
  for (std::size_t i = 0; i < model.size(); ++i)
    if (ring[i] != model[i]) return false;
  return model.empty() || (ring.front() == model.front() && ring.back() == model.back());
}

TEST_CASE("a ring does what a deque does") {
  std::mt19937 random(1);
  Ring<int> ring;
  std::deque<int> model;
  for (int step = 0; step < 50000; ++step) {
    const std::size_t at = model.empty() ? 0 : random() % model.size();
    const auto offset = static_cast<std::ptrdiff_t>(at);
    switch (random() % 8) {
      case 0:
      case 1: ring.push_back(step), model.push_back(step); break;
      case 2: ring.push_front(step), model.push_front(step); break;
      case 3: ring.insert(at, step), model.insert(model.begin() + offset, step); break;
      case 4:
        if (!model.empty()) ring.pop_front(), model.pop_front();
        break;
      case 5:
        if (!model.empty()) ring.pop_back(), model.pop_back();
        break;
      case 6:
        if (!model.empty()) ring.erase(at), model.erase(model.begin() + offset);
        break;
      default:
        if (model.size() > 200) ring.clear(), model.clear();
    }
    REQUIRE(same(ring, model));
  }
}

TEST_CASE("an empty ring holds no memory, and release gives it back") {
  Ring<int> ring;
  CHECK(ring.footprint() == 0);
  ring.push_back(1);
  CHECK(ring.footprint() >= sizeof(int));
  ring.release();
  CHECK(ring.size() == 1);
  ring.pop_front();
  CHECK(ring.footprint() > 0);
  ring.release();
  CHECK(ring.footprint() == 0);
}

TEST_CASE("what is popped is destroyed at once") {
  Ring<std::shared_ptr<int>> ring;
  const auto value = std::make_shared<int>(1);
  ring.push_back(value);
  ring.push_back(value);
  ring.push_front(value);
  CHECK(value.use_count() == 4);
  ring.pop_back();
  ring.pop_front();
  CHECK(value.use_count() == 2);
  ring.clear();
  CHECK(value.use_count() == 1);
}

TEST_CASE("a moved ring takes its elements along") {
  Ring<int> ring;
  for (int i = 0; i < 10; ++i) ring.push_back(i);
  Ring<int> other(std::move(ring));
  CHECK(other.size() == 10);
  Ring<int> third;
  third = std::move(other);
  CHECK(third.size() == 10);
  CHECK(third[9] == 9);
}

}  // namespace
}  // namespace sluice
