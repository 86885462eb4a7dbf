// Packing a half-open connection into 32 + 5 bits, and finding out whether bits that come back are ours.
#include "stack/tcp/syn_cookies.hpp"

#include <algorithm>
#include <array>

#include "stack/base/bytes.hpp"
#include "stack/tcp/environment.hpp"

namespace sluice::tcp {
namespace {

// Common sizes: Ethernet with and without tunnels, jumbo frames, and what a peer without the option gets.
constexpr std::array<std::uint16_t, 8> kSizes = {48, 536, 1220, 1300, 1380, 1440, 1460, 8940};

// The low bits of a timestamp: window scale (15 = none), SACK.
constexpr std::uint32_t kScale = 15;
constexpr std::uint32_t kNoScale = 15;
constexpr std::uint32_t kSack = 16;
constexpr std::uint32_t kFacts = 31;
// Beside them in the hash only: the SYN had no timestamps.
constexpr std::uint32_t kNoTimestamps = 32;

constexpr std::uint32_t kHashBits = (1u << 28) - 1;

std::uint64_t tick_of(Time now) noexcept {
  return static_cast<std::uint64_t>(now.time_since_epoch() / SynCookies::kTick);
}

// The largest that is not more than the peer can take.
std::uint32_t index_of(std::uint16_t mss) noexcept {
  const auto above = std::upper_bound(kSizes.begin() + 1, kSizes.end(), mss);
  return static_cast<std::uint32_t>(above - kSizes.begin() - 1);
}

std::uint32_t facts_of(const HalfOpen& record) noexcept {
  if (!record.timestamps) return kNoTimestamps;
  const std::uint32_t scale = record.scaling ? record.send_scale : kNoScale;
  return scale | (record.sack ? kSack : 0);
}

}  // namespace

std::uint32_t SynCookies::number(const FourTuple& tuple, std::uint32_t irs, std::uint64_t tick, std::uint32_t mss_index,
                                 std::uint32_t facts) const noexcept {
  const TupleBytes ends(tuple);
  std::array<std::uint8_t, 36 + 4 + 8 + 2> input;
  ByteWriter out(input);
  out.bytes(ends.bytes());
  out.u32(irs);
  out.u32(static_cast<std::uint32_t>(tick >> 32));
  out.u32(static_cast<std::uint32_t>(tick));
  out.u8(static_cast<std::uint8_t>(mss_index));
  out.u8(static_cast<std::uint8_t>(facts));
  const auto mark = static_cast<std::uint32_t>(hash_(input)) & kHashBits;
  return static_cast<std::uint32_t>(tick & 1) << 31 | mss_index << 28 | mark;
}

SynCookies::Numbers SynCookies::bake(const FourTuple& tuple, const HalfOpen& record, std::uint32_t timestamp,
                                     Time now) const noexcept {
  const std::uint32_t facts = facts_of(record);
  Numbers made;
  made.iss = number(tuple, record.irs, tick_of(now), index_of(record.peer_mss), facts);
  // The clock must not seem to go back when the connection's own timestamps follow.
  made.timestamp = (timestamp & ~kFacts) | (facts & kFacts);
  if (static_cast<std::int32_t>(made.timestamp - timestamp) > 0) made.timestamp -= kFacts + 1;
  return made;
}

std::optional<HalfOpen> SynCookies::open(const Segment& segment, Time now) const noexcept {
  const wire::tcp::Options& options = segment.header.options;
  const std::uint32_t iss = segment.header.ack - 1;
  const std::uint32_t irs = segment.header.seq - 1;
  const std::uint32_t facts = options.timestamps ? options.ts_echo & kFacts : kNoTimestamps;
  const std::uint32_t mss_index = iss >> 28 & 7;
  std::uint64_t tick = tick_of(now);
  if ((tick & 1) != iss >> 31) --tick;  // only the tick before this one can have made it
  if (number(segment.tuple, irs, tick, mss_index, facts) != iss) return std::nullopt;
  HalfOpen record;
  record.iss = iss;
  record.irs = irs;
  record.sent_at = now;  // when it left is not known: there is no RTT sample in it
  record.peer_mss = kSizes[mss_index];
  record.window = segment.header.window;
  record.timestamps = options.timestamps;
  record.ts_recent = options.ts_value;
  record.sack = options.timestamps && (facts & kSack) != 0;
  record.scaling = options.timestamps && (facts & kScale) != kNoScale;
  record.send_scale = static_cast<std::uint8_t>(record.scaling ? facts & kScale : 0);
  return record;
}

}  // namespace sluice::tcp
