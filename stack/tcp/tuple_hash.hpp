// The hash of a 4-tuple, one for all tables of a layer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "stack/base/random.hpp"
#include "stack/wire/address.hpp"

namespace sluice::tcp {

/// Hashes 4-tuples under a secret key, so that nobody can choose addresses that collide. What comes in is looked up in
/// several tables one after the other, so the last answer is kept.
class TupleHasher {
 public:
  explicit TupleHasher(const Key& key) noexcept : hash_(key, KeyUse::hash_table), last_hash_(hashed(last_)) {}
  TupleHasher(const TupleHasher&) = delete;
  TupleHasher& operator=(const TupleHasher&) = delete;

  std::uint64_t operator()(const FourTuple& tuple) noexcept {
    if (tuple == last_) return last_hash_;
    last_ = tuple;
    return last_hash_ = hashed(tuple);
  }

 private:
  std::uint64_t hashed(const FourTuple& tuple) const noexcept;

  KeyedHash hash_;
  FourTuple last_;
  std::uint64_t last_hash_;
};

/// What a table takes of it.
struct TupleHash {
  TupleHasher* hasher;  ///< outlives the table
  /// Not noexcept, though it never throws: so the standard's tables keep the hash beside the key, and don't make it
  /// anew.
  std::size_t operator()(const FourTuple& tuple) const { return (*hasher)(tuple); }
};

}  // namespace sluice::tcp
