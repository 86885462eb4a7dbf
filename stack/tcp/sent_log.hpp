// The log of what is in flight: contiguous ranges from snd.una to snd.nxt, one per emitted frame.
#pragma once

#include <cstddef>
#include <cstdint>

#include "stack/base/ring.hpp"
#include "stack/base/time.hpp"
#include "stack/tcp/seq.hpp"

namespace sluice::tcp {

/// One emitted frame, or a part of it. It begins where its predecessor ends (the first at the log's begin()).
struct SentRange {
  Seq end;
  Time sent_at;                  ///< of the latest transmission
  std::uint64_t delivered = 0;   ///< bytes delivered on the connection when it left (for rate samples)
  Time delivered_at;             ///< when that count last grew before it left
  bool sacked = false;
  bool lost = false;             ///< marked, and not resent since
  bool resent = false;           ///< transmitted more than once
  bool app_limited = false;
};

/// Keeps counts of sacked and lost bytes beside the ranges. Lookup is binary search; ranges are split at SACK, ACK and
/// resend edges, and the number of splits is bounded (RFC 8985; [A-TCP-30]).
class SentLog {
 public:
  std::uint64_t outstanding() const noexcept;   ///< bytes from begin() to the last end
  std::uint64_t sacked_bytes() const noexcept { return sacked_; }
  std::uint64_t lost_bytes() const noexcept { return lost_; }
  Seq begin() const noexcept { return begin_; }
  bool empty() const noexcept { return ranges_.empty(); }
  std::size_t size() const noexcept { return ranges_.size(); }
  std::size_t footprint() const noexcept { return ranges_.footprint(); }

 private:
  Ring<SentRange> ranges_;
  Seq begin_;
  std::uint64_t sacked_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace sluice::tcp
