// Two tables at most: the one that is filled, and what is left of the one before. See tuple_index.hpp.
#include "stack/tcp/tuple_index.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "stack/tcp/connection.hpp"

namespace sluice::tcp {

// calloc gives a large table pages that are only made when they are used, so that growing takes no time.
TupleIndex::Table TupleIndex::Table::of(std::size_t capacity) {
  Table table;
  table.places.reset(static_cast<Place*>(std::calloc(capacity, sizeof(Place))));
  if (!table.places) std::abort();
  table.capacity = capacity;
  return table;
}

Connection* TupleIndex::Table::find(std::uint64_t hash, const FourTuple& tuple) const noexcept {
  if (used == 0) return nullptr;
  for (std::size_t at = home(hash); places[at].connection; at = after(at))
    if (places[at].hash == hash && places[at].connection->tuple() == tuple) return places[at].connection;
  return nullptr;
}

void TupleIndex::Table::insert(const Place& place) noexcept {
  std::size_t at = home(place.hash);
  while (places[at].connection) at = after(at);
  places[at] = place;
  ++used;
}

// Those behind the gap that may stand nearer to their home do so (Knuth, TAOCP volume 3, 6.4, algorithm R).
void TupleIndex::Table::erase_at(std::size_t gap) noexcept {
  for (std::size_t at = after(gap); places[at].connection; at = after(at)) {
    const std::size_t distance = (at - home(places[at].hash)) & (capacity - 1);
    if (distance < ((at - gap) & (capacity - 1))) continue;
    places[gap] = places[at];
    gap = at;
  }
  places[gap] = {};
  --used;
}

bool TupleIndex::Table::erase(std::uint64_t hash, const Connection& connection) noexcept {
  if (used == 0) return false;
  for (std::size_t at = home(hash); places[at].connection; at = after(at)) {
    if (places[at].connection != &connection) continue;
    erase_at(at);
    return true;
  }
  return false;
}

Connection* TupleIndex::find(const FourTuple& tuple) const noexcept {
  const std::uint64_t hash = hash_of(tuple);
  if (Connection* found = table_.find(hash, tuple)) return found;
  return old_.find(hash, tuple);
}

void TupleIndex::insert(Connection& connection) {
  grow_if_due();
  move_some();
  table_.insert({hash_of(connection.tuple()), &connection});
}

void TupleIndex::erase(const Connection& connection) noexcept {
  const std::uint64_t hash = hash_of(connection.tuple());
  const bool found = table_.erase(hash, connection) || old_.erase(hash, connection);
  assert(found);
  (void)found;
  if (old_.used == 0) old_ = {};
}

// At most three quarters are used. What is left of an even older table has moved long before: kMoves sees to that.
void TupleIndex::grow_if_due() {
  if (4 * (table_.used + 1) <= 3 * table_.capacity) return;
  assert(old_.used == 0);
  old_ = std::exchange(table_, Table::of(std::max(kSmallest, 2 * table_.capacity)));
  moved_ = 0;
}

void TupleIndex::move_some() noexcept {
  for (int moves = 0; moves < kMoves && old_.used > 0;) {
    const Place place = old_.places[moved_];
    if (!place.connection) {
      moved_ = old_.after(moved_);
      continue;
    }
    table_.insert(place);
    old_.erase_at(moved_);  // another one may come here in its place
    ++moves;
  }
  if (old_.used == 0) old_ = {};
}

}  // namespace sluice::tcp
