// From a 4-tuple to its connection: a flat table, since a million connections are found by what they miss in the cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "stack/tcp/tuple_hash.hpp"
#include "stack/wire/address.hpp"

namespace sluice::tcp {

class Connection;

/// Open addressing with linear probing; what is taken out leaves no mark behind. When it grows, the entries move a few
/// at a time with the insertions that follow: none of them waits for a million others. It does not shrink.
class TupleIndex {
 public:
  explicit TupleIndex(const TupleHash& hash) : hash_(hash) {}

  /// nullptr when there is none.
  Connection* find(const FourTuple& tuple) const noexcept;
  bool contains(const FourTuple& tuple) const noexcept { return find(tuple) != nullptr; }
  /// REQUIRES that its tuple is not here; it keeps its tuple and its address while it is.
  void insert(Connection& connection);
  /// REQUIRES that it is here.
  void erase(const Connection& connection) noexcept;
  std::size_t size() const noexcept { return table_.used + old_.used; }

 private:
  static constexpr std::size_t kSmallest = 16;
  /// Entries that move with each insertion: enough to be done long before the new table is full as well.
  static constexpr int kMoves = 4;

  struct Place {
    std::uint64_t hash;
    Connection* connection;  ///< nullptr: free
  };
  struct Free {
    void operator()(Place* places) const noexcept { std::free(places); }
  };
  struct Table {
    std::unique_ptr<Place[], Free> places;
    std::size_t capacity = 0;  ///< a power of two, or 0
    std::size_t used = 0;

    static Table of(std::size_t capacity);
    std::size_t home(std::uint64_t hash) const noexcept { return hash & (capacity - 1); }
    std::size_t after(std::size_t at) const noexcept { return (at + 1) & (capacity - 1); }
    Connection* find(std::uint64_t hash, const FourTuple& tuple) const noexcept;
    void insert(const Place& place) noexcept;
    void erase_at(std::size_t at) noexcept;
    bool erase(std::uint64_t hash, const Connection& connection) noexcept;
  };

  std::uint64_t hash_of(const FourTuple& tuple) const noexcept { return hash_(tuple); }
  void grow_if_due();
  void move_some() noexcept;

  TupleHash hash_;
  Table table_;
  Table old_;              ///< what has not moved to the new one yet
  std::size_t moved_ = 0;  ///< places of the old one before this are free
};

}  // namespace sluice::tcp
