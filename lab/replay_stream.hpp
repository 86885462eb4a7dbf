// What a run of a connection came to, apart from how its packets were cut: the bytes both ways, what was acknowledged
// when, and how it ended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "lab/replay.hpp"
#include "lab/replay_comparison.hpp"
#include "lab/replay_numbers.hpp"
#include "lab/stream_text.hpp"

namespace sluice::lab {

/// One side's view of one run.
struct StreamRun {
  struct Acked {
    Duration at{};
    std::uint64_t bytes = 0;  ///< of the peer's text, its FIN counted as a byte
    std::size_t number = 0;   ///< of the packet in the capture; 0 in a replay
  };
  std::uint64_t sent = 0;              ///< bytes of text that left, repetitions once
  std::optional<std::uint64_t> wrong;  ///< the first byte that left and is not the capture's
  std::uint64_t heard = 0;             ///< bytes of the peer's text that were acknowledged
  std::vector<Acked> acked;            ///< each advance
  bool finished = false;               ///< a FIN of ours left
  bool heard_finish = false;           ///< the peer's was acknowledged
  bool reset = false;                  ///< a RST of ours left before both sides had finished
};

/// Puts a run together from the packets of our side, one after the other.
class StreamFollower {
 public:
  /// `ours`: what the capture's side said, to hold text against; nullptr: it is the capture's. `peer_finish`: what an
  /// acknowledgement of the peer's FIN counts to, his text and the FIN; 0 when there is none.
  StreamFollower(const StreamText* ours, std::uint64_t peer_finish) : ours_(ours), peer_finish_(peer_finish) {}

  /// `number`: in the capture, 0 in a replay. `at`: since the conversation's first packet.
  void look(const SegmentView& segment, std::size_t number, Duration at, const Numbers& numbers);
  const StreamRun& run() const noexcept { return run_; }

 private:
  void acknowledge(std::uint64_t bytes, std::size_t number, Duration at);

  const StreamText* ours_;
  std::uint64_t peer_finish_;
  StreamRun run_;
};

/// Adds to the verdict where both runs differ: at level `stream` in bytes and ends, at `acks` also in what was
/// acknowledged by when, give or take `delay`.
void compare_streams(const StreamRun& captured, const StreamRun& replayed, Level level, Duration delay,
                     Verdict& verdict);

}  // namespace sluice::lab
