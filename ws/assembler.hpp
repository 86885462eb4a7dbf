// Whole messages for who wants no pieces.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "stack/base/bytes.hpp"
#include "ws/event.hpp"

namespace sluice::ws {

struct Message {
  MessageType type = MessageType::binary;
  Bytes bytes;
};

/// Joins the Data of one session. What came in one piece is not copied; else memory grows with what arrived,
/// at most to Settings::max_message.
class Assembler {
 public:
  /// The message that `piece` completes. Valid until the next call, and no longer than the piece's own bytes.
  std::optional<Message> add(const Data& piece);

  /// Bytes of the message that is not complete yet.
  std::size_t pending() const noexcept { return complete_ ? 0 : joined_.size(); }

 private:
  std::vector<std::uint8_t> joined_;
  bool complete_ = true;
};

}  // namespace sluice::ws
