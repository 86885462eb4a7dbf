// Limits and habits of a session, shared by as many sessions as like.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "stack/base/buffer.hpp"
#include "stack/base/time.hpp"
#include "ws/deflate.hpp"

namespace sluice::ws {

struct Settings {
  // What we take from the peer (RFC 6455 10.4). Sessions hold no payload, so these are policy, not memory.
  std::uint64_t max_frame = 16u << 20;    ///< bytes of payload in one frame, else Close 1009
  std::uint64_t max_message = 16u << 20;  ///< bytes in one message over all fragments, else Close 1009
  std::uint32_t max_fragments = 16384;    ///< frames in one message, else Close 1008
  std::uint32_t max_inflate_ratio = 0;    ///< inflated to compressed bytes of one message, else Close 1009; 0: any.
                                          ///< DEFLATE comes to 1032 at most, and max_message holds for what comes out

  // What we send.
  std::size_t high_water = 1u << 20;      ///< queued bytes from which on nothing more is taken: Errc::would_block
  std::size_t fragment_size = 64u << 10;  ///< a message sent piece by piece leaves in frames of about this size; > 0
  bool check_sent_text = true;            ///< refuse to send text that is not UTF-8: Errc::invalid_argument

  // Compression, where the handshake agreed on it.
  DeflateEffort deflate_effort{};       ///< of streams that are a session's own
  std::size_t deflate_min = 64;         ///< shorter messages leave as they are
  DeflatePool* deflate_pool = nullptr;  ///< streams that sessions share, which has an effort of its own; nullptr: none.
                                        ///< Outlives the sessions

  // Time; zero switches off all but close_timeout.
  Duration close_timeout = std::chrono::seconds(5);  ///< for the peer's Close, and then for the end of its stream
  Duration idle_ping{};                              ///< silence after which we send a Ping
  Duration ping_timeout = std::chrono::seconds(20);  ///< silence after that Ping until the connection counts as lost
  Duration message_timeout{};                        ///< pause within a message, else Close 1008
  Duration send_timeout = std::chrono::seconds(60);  ///< without a byte of what waits leaving: the connection is lost

  BufferPool* pool = nullptr;  ///< where chunks come from; nullptr: the heap. Outlives the sessions
};

}  // namespace sluice::ws
