// What a run of a connection came to, apart from how its packets were cut: the bytes both ways, what was acknowledged
// when, and how it ended.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lab/replay.hpp"
#include "lab/replay_verdict.hpp"

namespace sluice::lab {

/// One side's view of one run.
struct StreamRun {
  struct Acked {
    Duration at{};
    std::uint64_t bytes = 0;  ///< of the peer's text, its FIN counted as a byte
    std::size_t number = 0;   ///< of the packet in the capture; 0 in a replay
  };
  std::vector<std::uint8_t> sent;   ///< text that left, repetitions once; what is missing in between is zeros
  std::vector<std::uint8_t> heard;  ///< text of the peer's that was acknowledged
  std::vector<Acked> acked;         ///< each advance
  bool finished = false;            ///< a FIN of ours left
  bool heard_finish = false;        ///< the peer's was acknowledged
  bool reset = false;               ///< a RST of ours left
};

/// `ours`: the packets that our side sent; `text`: the peer's text as the capture has it.
StreamRun stream_run(std::span<const SaidPacket> ours, const Numbers& numbers, std::span<const std::uint8_t> text,
                     std::uint32_t peer_finish);

/// Adds to the verdict where both runs differ: at level `stream` in bytes and ends, at `acks` also in what was
/// acknowledged by when, give or take `delay`.
void compare_streams(const StreamRun& captured, const StreamRun& replayed, Level level, Duration delay,
                     Verdict& verdict);

}  // namespace sluice::lab
