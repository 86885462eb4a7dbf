// What the application of the captured side did, inferred from its packets and done again: see ReplaySettings for the
// rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "lab/replay.hpp"

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
};

/// What our side said in one conversation, and where.
struct OurStream {
  std::vector<std::uint8_t> text;  ///< from the first byte behind the SYN; bytes that the capture lacks are zeros
  struct Write {
    std::size_t packet = 0;  ///< the one in which its first byte left
    std::size_t end = 0;     ///< in `text`
  };
  std::vector<Write> writes;
};
OurStream our_stream(const Conversation& conversation, Side us);

/// `raw` takes packets that the stack has no call for. All outlive the application.
std::unique_ptr<ReplayApplication> make_application(const Conversation& conversation, Side us,
                                                    const ReplaySettings& settings, Stack& stack,
                                                    std::function<void(Bytes)> raw);

inline bool is_ours(const ConversationPacket& packet, Side us) noexcept {
  return packet.from_opener == (us == Side::opener);
}

}  // namespace sluice::lab
