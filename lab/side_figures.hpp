// A TCP conversation in figures, each side's its own: counted from what its segments do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>

#include "lab/explained_segment.hpp"
#include "stack/base/time.hpp"
#include "stack/wire/tcp.hpp"

namespace sluice::lab {

/// One side, as its segments show it. Bytes, and bytes a second.
struct SideFigures {
  std::size_t retransmissions = 0;        ///< segments that bring something again, SYN and FIN included
  std::uint64_t retransmitted_bytes = 0;  ///< of text that had been seen
  std::size_t out_of_order = 0;           ///< segments that came behind later ones and bring text not seen before
  std::size_t duplicate_acks = 0;
  std::size_t sack_blocks = 0;
  std::size_t zero_windows = 0;                                 ///< times it closed its window
  std::uint64_t largest_window = 0;                             ///< it ever offered
  std::optional<std::uint64_t> smallest_window = std::nullopt;  ///< behind the SYN
  std::optional<std::uint16_t> mss = std::nullopt;              ///< that it announced
  std::uint64_t most_in_flight = 0;                             ///< text sent and not acknowledged
  std::uint64_t throughput = 0;  ///< text, each byte once, over the time from its first packet to its last
  Duration longest_idle{};       ///< between two packets of its own
  std::size_t rtt_samples = 0;   ///< see ConnectionFigures
  Duration rtt_least{};
  Duration rtt_mean{};
  Duration rtt_most{};
};

/// Round trips are those of text to the ACK that it brings about. By Karn's rule nothing is taken from text that was
/// sent twice, and nothing from an ACK for which a gap had to be filled first: it waited for more than a round trip.
class ConnectionFigures {
 public:
  void take(bool from_opener, Time at, const wire::tcp::Header& header, std::size_t text,
            const ExplainedSegment& segment);
  SideFigures of(bool opener) const;

 private:
  /// Text that waits for its ACK.
  struct Flying {
    std::int64_t end = 0;
    Time sent_at{};
  };
  struct Side {
    SideFigures figures;
    std::deque<Flying> flying;
    std::optional<Time> first_at;
    Time last_at{};
    std::int64_t nxt = 0;                                                  ///< behind the highest number that it sent
    std::int64_t acked = 0;                                                ///< what the other side acknowledged
    std::int64_t trusted_from = std::numeric_limits<std::int64_t>::min();  ///< no round trip until this is acknowledged
    std::optional<std::uint64_t> window;
    std::uint64_t text = 0;  ///< each byte once
    double rtt_sum = 0;      ///< ns; a Duration could overflow by times that are lies
  };

  static void take_text(Side& us, Time at, std::size_t text, const ExplainedSegment& segment);
  static void take_window(Side& us, const ExplainedSegment& segment);
  static void take_ack(Side& them, Time at, std::int64_t ack);

  Side opener_;
  Side other_;
};

}  // namespace sluice::lab
