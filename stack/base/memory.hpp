// Where a queue gets its blocks, and who is charged for them.
#pragma once

#include "stack/base/budget.hpp"
#include "stack/base/buffer.hpp"

namespace sluice {

/// One per stack, shared by all of its queues.
struct Memory {
  explicit Memory(Budget& limit) : budget(limit) {}

  BufferPool pool;
  Budget& budget;
};

}  // namespace sluice
