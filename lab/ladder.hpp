// An exchange drawn as a ladder: the peer on the left, the stack on the right, time downwards.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "stack/base/time.hpp"

namespace sluice::lab {

/// One rung: a packet in either direction, or something that happened at one end.
struct Rung {
  enum class Kind : std::uint8_t { inbound, outbound, local, missing };
  Duration at{};  ///< since the start
  Kind kind = Kind::local;
  std::string text;       ///< the packet in the notation, or what was done
  std::string note = {};  ///< why, in a word
};

/// A text of one line a rung. `inbound`: from the peer; `local`: at the stack; `missing`: expected and not seen.
std::string ladder(std::span<const Rung> rungs, std::string_view peer = "peer", std::string_view stack = "stack");

}  // namespace sluice::lab
