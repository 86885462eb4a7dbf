// The golden captures of pcaps/, each with the run that makes it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lab/conversation.hpp"
#include "lab/replay.hpp"

namespace sluice::test {

struct Golden {
  std::string_view name;  ///< of the file in pcaps/, without ".pcapng"
  std::vector<std::uint8_t> (*record)();
  lab::Side taken_at;      ///< the side of its conversations at which it was taken
  bool both_sides = true;  ///< no packet was lost, so the far side can be played from it too
};

/// One way between the hosts of every golden capture.
inline constexpr Duration kGoldenDelay = std::chrono::milliseconds(10);

const std::vector<Golden>& goldens();

/// Of a file in pcaps/, by its name with the ending.
std::string golden_path(std::string_view file);
/// A golden capture. REQUIREs that it is there and whole.
lab::Capture load_golden(std::string_view name);

/// What a replay must know to be exact: times count, and nothing may follow for a second.
lab::ReplaySettings exact_settings(const lab::Conversation& conversation, lab::Side us, lab::Side taken_at);

}  // namespace sluice::test
