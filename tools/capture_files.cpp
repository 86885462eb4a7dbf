// Opening of captures; see capture_files.hpp.
#include "tools/capture_files.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "lab/conversation_summary.hpp"
#include "tools/blessing.hpp"
#include "tools/folder.hpp"
#include "tools/usage_error.hpp"

namespace sluice::tools {
namespace {

namespace fs = std::filesystem;

Json half_json(const lab::ConversationSummary::Half& half) {
  return {{"packets", half.packets}, {"bytes", half.bytes}, {"retransmitted", half.retransmitted}};
}

}  // namespace

std::vector<std::string> capture_files(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::string> found = files_below(path, {".pcap", ".pcapng"});
    std::erase_if(found, is_recording);
    if (found.empty()) throw UsageError(fmt::format("{}: holds no .pcap or .pcapng", path));
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

OpenedCapture::OpenedCapture(const std::string& command, const std::string& path, std::uint32_t only) : only_(only) {
  if (auto file = lab::FileBytes::load(path)) {
    file_ = std::move(*file);
    lab::CaptureReader reader(file_.bytes());
    conversations_ = lab::split(reader);
    if (!conversations_.error.empty()) error_ = path + ": " + conversations_.error;
  } else {
    error_ = file.error;
  }
  if (!error_.empty()) fmt::print(stderr, "{}: {}\n", command, error_);
  const std::size_t count = conversations_.all.size();
  if (only > count && error_.empty())
    throw UsageError("--only", fmt::format("{} holds {} conversation{}", path, count, count == 1 ? "" : "s"));
}

std::vector<std::pair<std::size_t, const lab::Conversation*>> OpenedCapture::chosen() const {
  std::vector<std::pair<std::size_t, const lab::Conversation*>> chosen;
  for (std::size_t i = 0; i < conversations_.all.size(); ++i)
    if (only_ == 0 || only_ == i + 1) chosen.emplace_back(i + 1, &conversations_.all[i]);
  return chosen;
}

Json conversation_json(std::size_t number, const lab::Conversation& conversation) {
  const lab::ConversationSummary summary = lab::summarize(conversation);
  Json json = {{"number", number},
               {"kind", lab::name(conversation.kind)},
               {"title", conversation.title()},
               {"seconds", std::chrono::duration<double>(summary.length).count()},
               {"opener", half_json(summary.opener)},
               {"other", half_json(summary.other)}};
  if (conversation.kind == lab::ConversationKind::tcp) {
    json["end"] = lab::name(summary.end);
    json["opening_captured"] = conversation.has_opening;
  }
  return json;
}

}  // namespace sluice::tools
