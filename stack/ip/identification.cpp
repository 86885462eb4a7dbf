// A table of counters, indexed by a keyed hash; see identification.hpp.
#include "stack/ip/identification.hpp"

namespace sluice::ip {

Identifications::Identifications(const Key& key, ShardSettings shard) noexcept
    : shard_(shard), hash_(key, KeyUse::ip_id), random_(key, KeyUse::ip_id) {}

std::uint32_t Identifications::next(const IpAddress& destination) {
  if (slots_.empty()) slots_.resize(kSlots);
  Slot& slot = slots_[hash_(destination.bytes()) % kSlots];
  if (slot.destination != destination) slot = {destination, random_.u32()};
  const auto is_mine = [&](std::uint32_t value) { return value != 0 && value % shard_.count == shard_.number; };
  do ++slot.last;
  while (!is_mine(slot.last & 0xffff));
  return slot.last;
}

}  // namespace sluice::ip
