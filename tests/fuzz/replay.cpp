// Captures from anywhere, played: whatever a file says of a conversation, a replay ends, with a verdict of few words.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "lab/explain.hpp"
#include "lab/ladder_svg.hpp"
#include "lab/replay.hpp"
#include "lab/time_sequence_svg.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  lab::CaptureReader reader(Bytes(data, size));
  lab::ConversationLimits limits;
  limits.zeros = std::size_t{1} << 20;
  const lab::Conversations found = lab::split(reader, limits);
  for (const lab::Conversation& conversation : found.all) {
    const lab::Explanation explanation = lab::explain(conversation);
    (void)lab::to_text(explanation);
    (void)lab::ladder_svg(explanation);
    (void)lab::time_sequence_svg(explanation);
    for (const lab::Side side : {lab::Side::opener, lab::Side::other})
      for (const lab::Level level : {lab::Level::stream, lab::Level::acks, lab::Level::timing}) {
        lab::ReplaySettings settings = lab::settings_from(conversation, side);
        settings.level = level;
        settings.after = std::chrono::seconds(1);
        const lab::Verdict verdict = lab::replay(conversation, side, settings);
        if (lab::to_text(verdict).empty()) std::abort();
      }
  }
  return 0;
}
