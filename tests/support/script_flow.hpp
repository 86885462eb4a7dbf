// What a script knows of one connection's two sides: where their numbers begin, and what was said.
#pragma once

#include <cstdint>
#include <vector>

#include "lab/exchange.hpp"
#include "stack/wire/address.hpp"

namespace sluice::test {

struct Flow {
  FourTuple tuple;  ///< local is the stack
  lab::SideNumbers ours;
  lab::SideNumbers peers;
  bool ours_known = false;            ///< a SYN of ours was seen
  bool stamps = false;                ///< lines of the peer get timestamps if they write no options
  std::uint32_t last_stamp = 0;       ///< of ours, as shown
  std::vector<std::uint8_t> written;  ///< by our application, from number 1 on
  std::uint64_t read = 0;             ///< bytes of the peer's stream that our application has read
};

/// The seed of the pattern that the peer sends, and of the one that the application writes.
inline constexpr std::uint64_t kPeerStream = 1;
inline constexpr std::uint64_t kOurStream = 2;

/// Where in the stream the text of a segment begins.
inline std::uint64_t stream_offset(const lab::SegmentLine& segment) noexcept {
  return segment.has(wire::tcp::syn) ? segment.seq : static_cast<std::uint32_t>(segment.seq - 1);
}

}  // namespace sluice::test
