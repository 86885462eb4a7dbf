// What the application of the captured side did, inferred from its packets and done again: see ReplaySettings for the
// rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "lab/replay.hpp"
#include "lab/replay_numbers.hpp"
#include "lab/stream_text.hpp"

namespace sluice::lab {

/// One of our packets in the capture is due: by its index in the conversation.
class ReplayApplication {
 public:
  virtual ~ReplayApplication() = default;
  /// Before the first packet.
  virtual void begin() {}
  /// Does what must have been done for this packet to leave; everything the peer said before has been received.
  virtual void act(std::size_t packet) = 0;
  /// Accepts, reads and writes what it can: once a turn.
  virtual void pump() {}
  /// The first byte that it read and the peer never said, counted from the first of the peer's text.
  std::optional<std::uint64_t> misread() const noexcept { return misread_; }

 protected:
  std::optional<std::uint64_t> misread_;
};

/// What one side of a TCP connection said, and where its writes began. The conversation outlives it.
struct OurStream {
  StreamText text;  ///< from the first byte behind the SYN
  struct Write {
    std::size_t packet = 0;  ///< the one in which its first byte left
    std::uint64_t end = 0;   ///< in `text`
  };
  std::vector<Write> writes;
  std::vector<std::size_t> probes;  ///< the packets that ask whether the peer is still there
  std::vector<std::size_t> turns;   ///< the packets with SYN, FIN or RST
  bool finished = false;            ///< with a FIN
};
struct BothStreams {
  OurStream opener;
  OurStream other;
  OurStream& of(Side side) noexcept { return side == Side::opener ? opener : other; }
};
/// `also`: is told each segment, by its index in the conversation, so that one look at the packets is enough.
BothStreams both_streams(const Conversation& conversation,
                         const std::function<void(std::size_t, const SegmentView&)>& also = nullptr);

/// What an application works with; all of it outlives the application.
struct ReplayScene {
  const Conversation& conversation;
  Side us = Side::opener;
  const ReplaySettings& settings;
  const OurStream& ours;    ///< of TCP
  const OurStream& theirs;  ///< likewise
  Stack& stack;
  std::function<void(Bytes)> raw;  ///< takes packets that the stack has no call for
};
std::unique_ptr<ReplayApplication> make_application(const ReplayScene& scene);

inline bool is_ours(const ConversationPacket& packet, Side us) noexcept {
  return packet.from_opener == (us == Side::opener);
}

}  // namespace sluice::lab
