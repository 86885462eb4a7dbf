// What a stack said in a replay, kept as a pcapng, and how what it says now differs from that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lab/capture_reader.hpp"
#include "lab/pcapng.hpp"
#include "lab/replay.hpp"

namespace sluice::lab {

/// Writes replays into one file, a section each. The same replays give the same bytes.
class Recording {
 public:
  /// The replay of `us` with these settings, written behind those before it. `settings.on_packet` and the stack's
  /// observer are the recording's.
  Verdict replay(const Conversation& conversation, Side us, ReplaySettings settings);

  const std::vector<std::uint8_t>& bytes() const noexcept { return bytes_; }
  std::size_t packets() const noexcept { return packets_; }

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t packets_ = 0;
};

/// Adds to the verdict how the packets of one replay differ from those that were kept of it: our side's as at level
/// `timing` with nothing forgiven, and then byte for byte, comments too. `first`: the number of the first of them.
/// `shape`: of the host now, while the kept one's was plain. Of several stacks each has identifications of its own for
/// packets that may be cut in pieces, and a super-segment one comment for all of its packets: these don't count.
void compare_recordings(std::span<const CapturedPacket> kept, std::span<const CapturedPacket> now, std::size_t first,
                        Verdict& verdict, HostShape shape = {});

}  // namespace sluice::lab
