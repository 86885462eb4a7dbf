// Identifications for datagrams that may be cut (RFC 6864, RFC 7739).
#pragma once

#include <cstdint>
#include <vector>

#include "stack/base/random.hpp"
#include "stack/ip/shard.hpp"
#include "stack/wire/address.hpp"

namespace sluice::ip {

/// A counter for each of the latest destinations, beginning at a random value: no value comes twice for a destination
/// before all others did, and nobody learns from his own how many datagrams go to others. Shards of a host share the
/// values: none is another's.
class Identifications {
 public:
  explicit Identifications(const Key& key, ShardSettings shard = {}) noexcept;

  /// Never 0 in its lower 16 bits, which are what IPv4 uses.
  std::uint32_t next(const IpAddress& destination);

 private:
  static constexpr std::size_t kSlots = 1024;
  struct Slot {
    IpAddress destination;
    std::uint32_t last = 0;
  };

  ShardSettings shard_;
  KeyedHash hash_;
  Random random_;
  std::vector<Slot> slots_;  // made at the first use
};

}  // namespace sluice::ip
