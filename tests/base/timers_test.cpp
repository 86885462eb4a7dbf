// TimerQueue against a multimap.
#include "stack/base/timers.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <set>
#include <vector>

namespace sluice {
namespace {

struct Owner {
  TimerEntry timer;
};
TimerEntry& timer_of(Owner& owner) noexcept { return owner.timer; }
using Queue = TimerQueue<Owner, timer_of>;

Time at(std::int64_t milliseconds) { return Time{} + std::chrono::milliseconds(milliseconds); }

TEST_CASE("an empty queue is due never") {
  Queue queue;
  CHECK(queue.next() == kNever);
  CHECK(queue.pop_due(kNever) == nullptr);
}

TEST_CASE("owners come out in the order of their deadlines, not before") {
  Queue queue;
  Owner early, late;
  queue.arm(late, at(20));
  queue.arm(early, at(10));
  CHECK(queue.next() == at(10));
  CHECK(queue.pop_due(at(9)) == nullptr);
  CHECK(queue.pop_due(at(30)) == &early);
  CHECK(queue.pop_due(at(30)) == &late);
  CHECK(queue.size() == 0);
}

TEST_CASE("a later deadline touches nothing, an earlier one moves the entry") {
  Queue queue;
  Owner owner;
  queue.arm(owner, at(10));
  queue.arm(owner, at(50));
  CHECK(queue.next() == at(10));
  queue.arm(owner, at(5));
  CHECK(queue.next() == at(5));
  CHECK(queue.size() == 1);
  queue.arm(owner, kNever);
  CHECK(queue.next() == at(5));
}

TEST_CASE("a removed owner never fires, and removing it twice is harmless") {
  Queue queue;
  Owner owner;
  queue.arm(owner, at(1));
  queue.remove(owner);
  queue.remove(owner);
  CHECK(queue.pop_due(kNever) == nullptr);
  queue.arm(owner, at(2));
  CHECK(queue.pop_due(at(2)) == &owner);
}

TEST_CASE("a queue does what a multimap of earliest deadlines does") {
  std::mt19937 random(1);
  Queue queue;
  std::vector<Owner> owners(100);
  std::map<Owner*, Time> model;
  const auto earliest = [&] {
    Time first = kNever;
    for (const auto& [owner, deadline] : model) first = std::min(first, deadline);
    return first;
  };
  for (int step = 0; step < 30000; ++step) {
    Owner& owner = owners[random() % owners.size()];
    const Time deadline = at(static_cast<std::int64_t>(random() % 1000));
    const unsigned action = random() % 8;
    if (action < 5) {
      queue.arm(owner, deadline);
      const auto [entry, fresh] = model.emplace(&owner, deadline);
      if (!fresh) entry->second = std::min(entry->second, deadline);
    } else if (action < 6) {
      queue.remove(owner);
      model.erase(&owner);
    } else {
      const Time first = earliest();
      Owner* const due = queue.pop_due(deadline);
      REQUIRE((due != nullptr) == (first <= deadline && first != kNever));
      if (due) {
        REQUIRE(model.at(due) == first);
        model.erase(due);
      }
    }
    REQUIRE(queue.size() == model.size());
    REQUIRE(queue.next() == earliest());
  }
}

}  // namespace
}  // namespace sluice
