// A table of counters, indexed by a keyed hash; see identification.hpp.
#include "stack/ip/identification.hpp"

namespace sluice::ip {

Identifications::Identifications(const Key& key) noexcept : hash_(key, KeyUse::ip_id), random_(key, KeyUse::ip_id) {}

std::uint32_t Identifications::next(const IpAddress& destination) {
  if (slots_.empty()) slots_.resize(kSlots);
  Slot& slot = slots_[hash_(destination.bytes()) % kSlots];
  if (slot.destination != destination) slot = {destination, random_.u32()};
  do ++slot.last;
  while ((slot.last & 0xffff) == 0);
  return slot.last;
}

}  // namespace sluice::ip
