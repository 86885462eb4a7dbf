// What a failing script leaves behind: a capture of its packets.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "stack/base/time.hpp"

namespace sluice::test {

/// One packet of a script.
struct ScriptRecord {
  Time at;
  bool inbound;
  std::vector<std::uint8_t> bytes;
  std::string note;
};

/// As a pcapng file; `note`s are comments.
std::vector<std::uint8_t> capture_of(std::span<const ScriptRecord> records);

/// Writes the capture into $SLUICE_CAPTURE_DIR, or captures/ beside the test program, under the name of the running
/// test; answers one sentence that says where it is, with the seed of the run.
std::string save_capture(std::span<const ScriptRecord> records);

}  // namespace sluice::test
