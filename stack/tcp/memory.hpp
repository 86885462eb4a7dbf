// Where the queues of connections get their memory, and who is charged for it.
#pragma once

#include <cstdint>

#include "stack/base/budget.hpp"
#include "stack/base/buffer.hpp"
#include "stack/base/ring_shelf.hpp"
#include "stack/tcp/sent_range.hpp"
#include "stack/tcp/seq.hpp"

namespace sluice::tcp {

/// A part of what the application wrote.
struct SendChunk {
  Seq begin;
  Slice text;
  std::uint32_t charged = 0;
  bool extendable = false;  ///< ours alone behind its last byte
};

/// A part of what was received.
struct ReceivedPiece {
  Seq begin;
  Slice text;
  std::uint32_t charged = 0;
  bool compact = false;  ///< a block of our own making, with room behind the text
  Seq end() const noexcept { return begin + text.size(); }
};

/// One per stack, shared by all of its queues.
struct Memory {
  explicit Memory(Budget& limit) : budget(limit) {}

  BufferPool pool;
  Budget& budget;
  // Not charged: what lies there is bounded, and what is lent is small beside the text that it orders.
  RingShelf<SendChunk> chunks;
  RingShelf<ReceivedPiece> pieces;
  RingShelf<SentRange> ranges;
};

}  // namespace sluice::tcp
