// What the steps of loss recovery hand to each other while one ACK or timer is digested.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "stack/tcp/recovery.hpp"

namespace sluice::tcp {

/// Duplicate ACKs, or segments above a hole, that mean a loss (RFC 5681 3.2; DupThresh of RFC 8985 6.2).
inline constexpr std::size_t kDuplicateThreshold = 3;

/// RFC 8985 6.2's order of transmissions: by time, then by sequence [R8985-6.2-8].
constexpr bool sent_after(Time a, Seq a_end, Time b, Seq b_end) noexcept { return a > b || (a == b && a_end > b_end); }

/// What one ACK delivered, gathered range by range.
struct Recovery::Delivery {
  Time now{};
  Time echoed_before = kNever;  ///< AckInput's
  Duration min_rtt{};
  Seq fack{};  ///< RACK.fack before this ACK

  std::uint64_t acked = 0;            ///< bytes, by the cumulative number
  std::uint64_t bytes = 0;            ///< for the first time, by number or SACK
  bool overtaken = false;             ///< something sent once arrived after what was sent later
  bool duplicate_reported = false;    ///< a D-SACK
  SeqRange duplicate{};               ///< what it reports
  bool probe_duplicate = false;       ///< it reports the tail loss probe
  Seq highest{};                      ///< the end of the highest range delivered
  Time latest_sent_at = Time::min();  ///< RACK's news: the latest sent of what surely arrived now
  Seq latest_end{};
  SentRange newest{};                 ///< the latest sent of all, for the rate sample
  bool resent_acked = false;          ///< the cumulative number covers a retransmission
  Time acked_sent_at = Time::min();   ///< the latest that was sent once, by number
  Time sacked_sent_at = Time::min();  ///< and by SACK

  void credit(SeqRange range, const SentRange& sent, bool cumulative) noexcept {
    bytes += range.size();
    highest = std::max(highest, range.end);
    if (sent_after(sent.sent_at, sent.end, newest.sent_at, newest.end)) newest = sent;
    overtaken |= !sent.resent && range.end < fack;  // [R8985-6.2-3]
    if (!ambiguous(sent, cumulative) && sent_after(sent.sent_at, range.end, latest_sent_at, latest_end)) {
      latest_sent_at = sent.sent_at;
      latest_end = range.end;
    }
    if (sent.resent) {
      resent_acked |= cumulative;
    } else {
      Time& latest = cumulative ? acked_sent_at : sacked_sent_at;
      latest = std::max(latest, sent.sent_at);
    }
  }
  /// By Karn's rule: what was sent twice tells nothing, nor does a number that covers such; of the rest the latest sent
  /// counts [R6298-3-1]. 0 = none.
  Duration rtt_sample() const noexcept {
    const Time sent_at = resent_acked ? sacked_sent_at : std::max(acked_sent_at, sacked_sent_at);
    return sent_at == Time::min() ? Duration::zero() : std::max(now - sent_at, Duration(1));
  }

  // The ACK may be that of the original: it is too early, or echoes an older timestamp [R8985-6.2-2]. The echo tells of
  // the left edge only (RFC 7323 4.3), so nothing of what was SACKed: taken there too, as RFC 8985 has it, it would
  // make RACK deaf to every probe and retransmission behind a gap (declared).
  bool ambiguous(const SentRange& sent, bool cumulative) const noexcept {
    const bool older = cumulative && sent.sent_at >= echoed_before;
    return sent.resent && (older || now - sent.sent_at < min_rtt);
  }
};

/// What one event marked.
struct Recovery::Losses {
  std::uint64_t bytes = 0;
  bool retransmission = false;  ///< one that was sent since the last reduction
};

}  // namespace sluice::tcp
