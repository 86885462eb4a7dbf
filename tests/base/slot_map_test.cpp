// SlotMap: names go stale and never come back to life.
#include "stack/base/slot_map.hpp"

#include <doctest/doctest.h>

#include <random>
#include <vector>

namespace sluice {
namespace {

TEST_CASE("an erased name is stale even when its slot is used again") {
  SlotMap<int> map;
  const auto [first, one] = map.emplace(1);
  CHECK(*map.find(first) == 1);
  CHECK(map.find(first) == &one);
  map.erase(first);
  CHECK(map.find(first) == nullptr);
  CHECK(map.empty());
  const auto [second, two] = map.emplace(2);
  CHECK(second.index == first.index);
  CHECK(second != first);
  CHECK(map.find(first) == nullptr);
  CHECK(*map.find(second) == 2);
}

TEST_CASE("the default name and one from nowhere name nothing") {
  SlotMap<int> map;
  CHECK(map.find(SlotId{}) == nullptr);
  map.emplace(1);
  CHECK(map.find(SlotId{}) == nullptr);
  CHECK(map.find(SlotId{7, 1}) == nullptr);
}

TEST_CASE("objects stay where they are while others come and go") {
  std::mt19937 random(1);
  SlotMap<int> map;
  std::vector<std::pair<SlotId, int*>> live;
  std::vector<SlotId> dead;
  for (int step = 0; step < 20000; ++step) {
    if (live.empty() || random() % 2) {
      const auto [id, object] = map.emplace(step);
      live.emplace_back(id, &object);
    } else {
      std::swap(live[random() % live.size()], live.back());
      map.erase(live.back().first);
      dead.push_back(live.back().first);
      live.pop_back();
    }
  }
  CHECK(map.size() == live.size());
  for (const auto& [id, object] : live) CHECK(map.find(id) == object);
  for (const SlotId& id : dead) REQUIRE(map.find(id) == nullptr);
  std::size_t visited = 0;
  map.for_each([&](SlotId id, int& object) {
    CHECK(map.find(id) == &object);
    ++visited;
  });
  CHECK(visited == live.size());
}

TEST_CASE("a dying object finds itself gone already") {
  struct Object {
    SlotMap<Object>& map;
    SlotId id{};
    bool* found;
    ~Object() { *found = map.find(id) != nullptr; }
  };
  SlotMap<Object> map;
  bool found = true;
  const auto [id, object] = map.emplace(Object{.map = map, .found = &found});
  object.id = id;
  map.erase(id);
  CHECK_FALSE(found);
}

}  // namespace
}  // namespace sluice
