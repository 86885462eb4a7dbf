// What our side said in a capture beside what a stack said in its place: aligned, compared, told.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lab/exchange.hpp"
#include "lab/replay.hpp"

namespace sluice::lab {

/// A packet of our side, in the capture or in its replay.
struct SaidPacket {
  std::size_t number = 0;  ///< in the capture; 0 in a replay
  Duration at{};           ///< since the conversation's first packet
  Bytes bytes;
};

/// With which numbers the packets of one run are shown.
struct Numbers {
  SideNumbers ours;
  SideNumbers peers;
};

/// Adds to the verdict how `got` differs from `expected`. Packets are paired in order; where both runs disagree, the
/// difference ends where they agree best again.
void compare(std::span<const SaidPacket> expected, const Numbers& captured, std::span<const SaidPacket> got,
             const Numbers& replayed, const ReplaySettings& settings, Verdict& verdict);

/// A packet in the notation, with the fields of its IP header only if `whole`.
std::string packet_text(Bytes packet, const Numbers& numbers, bool whole);

}  // namespace sluice::lab
