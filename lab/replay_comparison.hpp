// What our side said in a capture beside what a stack said in its place: aligned and compared, packet by packet.
#pragma once

#include <cstdint>
#include <memory>
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

/// Holds two runs of our side against each other while they go on. Packets are paired in order; where both runs
/// disagree, the difference ends where they agree best again. It keeps no more of them than that takes.
class Comparison {
 public:
  /// Differences go to the verdict. All of this outlives the comparison; numbers may still be learned while it goes on.
  Comparison(const ReplaySettings& settings, const Numbers& captured, const Numbers& replayed, Verdict& verdict);
  ~Comparison();
  Comparison(const Comparison&) = delete;
  Comparison& operator=(const Comparison&) = delete;

  /// A packet of the capture, whose bytes outlive this.
  void expect(const SaidPacket& packet);
  /// A packet of the replay.
  void got(std::vector<std::uint8_t> bytes, Duration at);
  /// Nothing more will come.
  void finish();

 private:
  class Parts;
  std::unique_ptr<Parts> parts_;
};

/// A packet in the notation, with the fields of its IP header only if `whole`.
std::string packet_text(Bytes packet, const Numbers& numbers, bool whole);
/// What fits a column beside another: a segment without window and options.
std::string short_packet_text(Bytes packet, const Numbers& numbers);

}  // namespace sluice::lab
