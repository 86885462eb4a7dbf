// Captures as command lines name them: files and folders of files, each opened and split into conversations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lab/conversation.hpp"
#include "lab/file_bytes.hpp"
#include "tools/json.hpp"

namespace sluice::tools {

/// The files that the arguments mean: a folder stands for all .pcap and .pcapng below it, in the order of their names,
/// what --bless keeps there left out.
/// Throws UsageError for a folder that holds none.
std::vector<std::string> capture_files(const std::vector<std::string>& paths);

/// One file. What is wrong with it is told on stderr, in one sentence that begins with `command`; what could be read
/// before the damage is there all the same.
class OpenedCapture {
 public:
  /// `only`: the number of the one conversation that is wanted, 0 = all; throws UsageError when there is none such.
  OpenedCapture(const std::string& command, const std::string& path, std::uint32_t only);
  OpenedCapture(const OpenedCapture&) = delete;
  OpenedCapture& operator=(const OpenedCapture&) = delete;

  /// Empty when the file is whole.
  const std::string& error() const noexcept { return error_; }
  const lab::Conversations& conversations() const noexcept { return conversations_; }
  /// The wanted ones with their numbers, counted from 1.
  std::vector<std::pair<std::size_t, const lab::Conversation*>> chosen() const;

 private:
  lab::FileBytes file_;
  lab::Conversations conversations_;
  std::string error_;
  std::uint32_t only_;
};

/// {"number":1,"kind":"tcp","title":…,"seconds":…,"opener":{…},"other":{…},"end":…}.
Json conversation_json(std::size_t number, const lab::Conversation& conversation);

}  // namespace sluice::tools
