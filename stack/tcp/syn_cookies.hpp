// SYN cookies (RFC 4987 3.6): a half-open connection that lies in the numbers of its own SYN,ACK and costs no memory.
#pragma once

#include <cstdint>
#include <optional>

#include "stack/base/random.hpp"
#include "stack/base/time.hpp"
#include "stack/tcp/half_open.hpp"
#include "stack/tcp/segment.hpp"
#include "stack/wire/address.hpp"

namespace sluice::tcp {

/// Makes cookies and reads them again. The ISN holds one bit of the time, the MSS by its place in a table, and 28 bits
/// of a keyed hash over all that the cookie says; window scale and SACK lie in the low bits of our timestamp, and
/// without timestamps there are none. ECN is not agreed on with a cookie.
class SynCookies {
 public:
  /// The time counter's unit: a cookie is good in the tick in which it was made and in the next.
  static constexpr Duration kTick = std::chrono::seconds(64);
  /// Nothing older than this is accepted.
  static constexpr Duration kLife = 2 * kTick;

  explicit SynCookies(const Key& key) noexcept : hash_(key, KeyUse::cookie) {}

  /// What goes into the SYN,ACK instead of an ISN and the timestamp.
  struct Numbers {
    std::uint32_t iss = 0;
    std::uint32_t timestamp = 0;  ///< not later than the clock, and less than 32 ticks earlier
  };
  Numbers bake(const FourTuple& tuple, const HalfOpen& record, std::uint32_t timestamp, Time now) const noexcept;

  /// The record for which this ACK's cookie was made, without listener, receive_scale and deadline; nullopt if it is no
  /// cookie of ours, or too old [A-TCP-21]. REQUIRES the ACK bit.
  std::optional<HalfOpen> open(const Segment& segment, Time now) const noexcept;

 private:
  std::uint32_t number(const FourTuple& tuple, std::uint32_t irs, std::uint64_t tick, std::uint32_t mss_index,
                       std::uint32_t facts) const noexcept;

  KeyedHash hash_;
};

}  // namespace sluice::tcp
