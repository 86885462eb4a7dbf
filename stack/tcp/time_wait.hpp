// A connection in TIME-WAIT as a record of 64 bytes, key included, and the queue in which such records grow old.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "stack/base/ring.hpp"
#include "stack/base/time.hpp"
#include "stack/tcp/tuple_hash.hpp"
#include "stack/wire/address.hpp"

namespace sluice::tcp {

/// What a thawed Connection needs to answer old duplicates and a repeated FIN.
struct TimeWait {
  Time expires{};
  std::uint32_t snd_nxt = 0;
  std::uint32_t rcv_nxt = 0;
  std::uint32_t ts_recent = 0;   ///< with timestamps: RFC 6191 decides by it
  std::uint32_t max_wnd = 0;     ///< how old an ACK may be (RFC 5961 5)
  std::uint32_t answers_at = 0;  ///< no challenge before this millisecond, modulo 2^32 [A-TCP-15]
  std::uint16_t window = 0;      ///< as it goes on the wire, already scaled
  std::uint8_t scale : 4 = 0;
  std::uint8_t ace : 3 = 0;  ///< AE, CWR and ECE of its ACKs (RFC 9768)
  bool timestamps : 1 = false;
  std::uint8_t dscp : 6 = 0;
};
static_assert(sizeof(TimeWait) + sizeof(FourTuple) <= 64 + 8);

/// Records by 4-tuple. All live equally long, so the oldest is always first in one queue: no heap, no wheel.
class TimeWaitTable {
 public:
  TimeWaitTable(const TupleHash& hash, std::size_t limit) : records_(16, hash), limit_(limit) {}

  /// Adds or renews. Beyond the limit the oldest goes; true if that happened.
  bool insert(const FourTuple& tuple, const TimeWait& record);
  TimeWait* find(const FourTuple& tuple) noexcept;
  void erase(const FourTuple& tuple) noexcept { records_.erase(tuple); }
  /// Drops what has expired, at most kExpireAtOnce records; next_deadline() tells when there are more.
  void expire(Time now) noexcept;
  static constexpr unsigned kExpireAtOnce = 4096;
  Time next_deadline() const noexcept { return queue_.empty() ? kNever : queue_.front().expires; }
  std::size_t size() const noexcept { return records_.size(); }

  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& [tuple, record] : records_) visit(tuple, record);
  }

 private:
  struct Turn {
    FourTuple tuple;
    Time expires{};
  };
  void drop_oldest() noexcept;
  void drop_stale_turns();

  std::unordered_map<FourTuple, TimeWait, TupleHash> records_;
  Ring<Turn> queue_;  // a renewed or erased record leaves a turn behind that no longer matches
  std::size_t limit_;
};

}  // namespace sluice::tcp
