// A script played against a stack in virtual time, with the semantics of packetdrill; docs/drill.md tells them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/drill/script.hpp"
#include "lab/drill/settings.hpp"
#include "stack/base/trace.hpp"

namespace sluice::lab::drill {

enum class Verdict : std::uint8_t {
  passed,
  failed,       ///< the stack did something else than the script says
  error,        ///< the script itself is wrong
  unsupported,  ///< it asks for something that we don't have
};

/// What `begin` to `end` of the source should say instead, for the stack as it is.
struct Correction {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string text;
};

struct Outcome {
  Verdict verdict = Verdict::passed;
  std::string message;   ///< one sentence, unless it passed
  std::size_t line = 0;  ///< 0 = none in particular
  std::size_t column = 0;
  std::string detail;                   ///< expected and actual, the exchange so far, the connection: several lines
  std::vector<std::string> leftovers;   ///< packets that nobody expected, behind the last step
  std::vector<std::string> printed;     ///< by print in code
  std::vector<Correction> corrections;  ///< with RunOptions::correct
  std::size_t steps = 0;                ///< that were played
  Duration length{};                    ///< virtual time
  HostCounts counts;                    ///< of Settings::shape
};

/// A packet that passed, and what is known about it.
struct Passed {
  Duration at{};
  bool inbound = false;
  Bytes bytes;
  std::string_view comment;
};

struct RunOptions {
  Settings settings;
  bool correct = false;                                         ///< go on with what the stack did, and note it
  std::function<void(const Passed&)> capture = {};              ///< hears of each packet
  std::function<void(Duration, const TraceEvent&)> trace = {};  ///< hears of each event of the stack
};

/// Plays a script that was read before; `source` is its text, for places.
Outcome run(const Script& script, const RunOptions& options);
/// Reads and plays. Never throws.
Outcome run(std::string_view source, const Defines& defines, const RunOptions& options);

/// The source with the corrections in it.
std::string corrected(std::string_view source, const std::vector<Correction>& corrections);

}  // namespace sluice::lab::drill
