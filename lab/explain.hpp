// What each packet of a conversation does, in the words of TCP: for captures of any stack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lab/conversation.hpp"
#include "lab/conversation_summary.hpp"
#include "lab/explained_segment.hpp"
#include "lab/side_figures.hpp"

namespace sluice::lab {

/// Everything is inferred from where the capture was taken: what was lost before that place looks overtaken or missing,
/// and a round-trip time is that of the path beyond it.
struct ExplainedPacket {
  std::size_t number = 0;  ///< in the capture
  Duration at{};           ///< since the conversation's first packet
  bool from_opener = false;
  std::string text;                                        ///< in the notation, numbers relative
  std::string note;                                        ///< empty when there is nothing to say
  std::optional<ExplainedSegment> segment = std::nullopt;  ///< of TCP
};

struct Explanation {
  std::string title;
  std::string opener_name;  ///< its address, and of TCP and UDP its port
  std::string other_name;
  std::vector<ExplainedPacket> packets;
  ConversationSummary summary;
  SideFigures opener;  ///< of TCP
  SideFigures other;
};

Explanation explain(const Conversation& conversation);

/// The ladder, opener on the left, and the figures below it.
std::string to_text(const Explanation& explanation);

}  // namespace sluice::lab
