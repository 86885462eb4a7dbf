// What a replay came to when somebody looked at it and kept it, beside the capture: NAME.verdict says it in words,
// NAME.replayed.pcapng holds each packet that the stack said and heard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lab/replay.hpp"

namespace sluice::tools {

/// How one conversation is played from one side. Written and read as the flags of the command.
struct PlayFlags {
  lab::Level level = lab::Level::segments;
  bool windows = true;
  std::uint32_t stamps = 0;

  std::string to_text() const;
  static std::optional<PlayFlags> parse(const std::string& text);
};

/// One conversation, played from one side.
struct Play {
  std::size_t number = 0;  ///< of the conversation
  lab::Side side = lab::Side::opener;
  PlayFlags flags;
  lab::Verdict verdict;
  std::size_t first = 1;    ///< of its packets in the recording, counted from 1
  std::size_t packets = 0;  ///< there
};

/// "client" and "server".
const char* role(lab::Side side) noexcept;

/// The two files beside a capture.
struct Blessing {
  explicit Blessing(const std::string& capture);

  std::string verdict_path;
  std::string recording_path;

  bool exists() const;
  /// Replaces both. Throws UsageError.
  void keep(const std::vector<Play>& plays, const std::vector<std::uint8_t>& recording) const;

  /// What was kept: its plays without their verdicts, the whole text, and the recording's bytes. Throws
  /// UsageError when the files are not what keep() writes.
  struct Kept {
    std::vector<Play> plays;
    std::string text;
    std::vector<std::uint8_t> recording;
  };
  Kept load() const;
};

/// The whole of a .verdict.
std::string verdict_text(const std::vector<Play>& plays);

/// True for the files that keep() writes, which are no captures to be played.
bool is_recording(const std::string& path);

}  // namespace sluice::tools
