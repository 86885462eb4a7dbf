// What a session tells its owner.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "stack/base/bytes.hpp"
#include "ws/close.hpp"
#include "ws/fault.hpp"

namespace sluice::ws {

enum class MessageType : std::uint8_t { text = 1, binary = 2 };

/// Whether a message may be compressed, where both ends agreed on that. What holds a secret beside what a stranger
/// chose should not be: its size would tell (RFC 7692 8). A message that is not compressed is in no window either.
enum class Compress : std::uint8_t { no, yes };

/// A piece of a message, unmasked in place: `bytes` lies in what receive() was given and lives as long as that; what
/// was compressed lies in the session until the next poll_event().
/// A message that arrives at once is one Data with first and last. A piece of text may end inside a character.
struct Data {
  MessageType type = MessageType::binary;
  bool first = false;  ///< the message begins
  bool last = false;   ///< the message ends: all text in it is UTF-8
  MutableBytes bytes;
};

/// The peer's Ping, which is already being answered. `payload` is valid until the next receive().
struct Ping {
  Bytes payload;
};

/// A Pong, asked for or not. `payload` is valid until the next receive().
struct Pong {
  Bytes payload;
};

/// The last event of a session. `reason` lives as long as the session; it is the peer's text: log it, don't show it.
struct Closed {
  CloseCode code = CloseCode::no_status;  ///< the peer's, or with a fault the one that describes it
  std::string_view reason;
  bool clean = false;         ///< both sides said Close (RFC 6455 7.1.4)
  Fault fault = Fault::none;  ///< what the peer did wrong; none when clean
};

using Event = std::variant<Data, Ping, Pong, Closed>;

}  // namespace sluice::ws
