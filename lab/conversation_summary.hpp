// What a conversation amounts to: the line that a list of a capture's conversations has for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lab/conversation.hpp"

namespace sluice::lab {

/// How a TCP connection ended, as far as the capture shows.
enum class ConversationEnd : std::uint8_t {
  none,    ///< not TCP
  open,    ///< nobody closed it
  half,    ///< one side sent a FIN
  closed,  ///< both did
  reset,   ///< a RST came
};
std::string_view name(ConversationEnd end) noexcept;

struct ConversationSummary {
  /// One side's share.
  struct Half {
    std::size_t packets = 0;
    std::uint64_t bytes = 0;  ///< of payload: each byte of a TCP stream once, of a datagram its UDP or ICMP payload
    std::size_t retransmitted = 0;  ///< TCP: segments with text or FIN that had been seen before, in whole or in part
  };
  Half opener;
  Half other;
  Duration length{};  ///< from the first packet to the last
  ConversationEnd end = ConversationEnd::none;
};

ConversationSummary summarize(const Conversation& conversation);

}  // namespace sluice::lab
