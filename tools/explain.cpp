// `sluice explain`: a capture of any stack as ladders, with what each packet does.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lab/explain.hpp"
#include "tools/arguments.hpp"
#include "tools/capture_files.hpp"
#include "tools/commands.hpp"
#include "tools/pictures.hpp"

namespace sluice::tools {
namespace {

constexpr const char* kExamples = R"(Examples:
  sluice explain trace.pcap                  each conversation as a ladder, with its figures below
  sluice explain --only 2 trace.pcap         one of them (sluice replay --list numbers them)
  sluice explain --svg pictures trace.pcap   each conversation as two pictures: time and sequence numbers, and a ladder
  sluice explain --json trace.pcap | jq '.files[].conversations[].opener.rtt'

Numbers are relative to each side's first. What is said is inferred from where the capture was taken.
Exit: 0 explained, 2 a wrong flag, a file that can't be read to its end, or a picture that can't be written.)";

struct Options {
  std::vector<std::string> paths;
  std::uint32_t only = 0;               ///< 0 = all
  std::optional<std::string> pictures;  ///< a folder
  bool json = false;
};

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

template <class T>
Json json_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json();
}

void add_figures(Json& side, const lab::SideFigures& figures) {
  side["retransmitted"] = figures.retransmissions;
  side["retransmitted_bytes"] = figures.retransmitted_bytes;
  side["out_of_order"] = figures.out_of_order;
  side["duplicate_acks"] = figures.duplicate_acks;
  side["sack_blocks"] = figures.sack_blocks;
  side["zero_windows"] = figures.zero_windows;
  side["largest_window"] = figures.largest_window;
  side["smallest_window"] = json_or_null(figures.smallest_window);
  side["mss"] = json_or_null(figures.mss);
  side["most_in_flight"] = figures.most_in_flight;
  side["throughput"] = figures.throughput;
  side["longest_idle"] = seconds(figures.longest_idle);
  side["rtt"] = {{"samples", figures.rtt_samples},
                 {"least", seconds(figures.rtt_least)},
                 {"mean", seconds(figures.rtt_mean)},
                 {"most", seconds(figures.rtt_most)}};
}

Json packet_json(const lab::ExplainedPacket& one) {
  Json json = {{"packet", one.number},
               {"seconds", seconds(one.at)},
               {"from", one.from_opener ? "opener" : "other"},
               {"text", one.text},
               {"note", one.note}};
  if (one.segment) json["does"] = lab::names(one.segment->deeds);
  return json;
}

Json explanation_json(std::size_t number, const lab::Conversation& conversation, const lab::Explanation& explanation) {
  Json json = conversation_json(number, conversation);
  if (conversation.kind == lab::ConversationKind::tcp) {
    add_figures(json["opener"], explanation.opener);
    add_figures(json["other"], explanation.other);
  }
  Json packets = Json::array();
  for (const lab::ExplainedPacket& one : explanation.packets) packets.push_back(packet_json(one));
  json["packets"] = std::move(packets);
  return json;
}

/// What is told of a capture: its ladders, or which pictures were drawn of it; nothing with --json.
void print_text(std::size_t number, const lab::Explanation& explanation, const std::vector<std::string>& pictures) {
  if (pictures.empty()) return fmt::print("{}. {}\n", number, lab::to_text(explanation));
  for (const std::string& path : pictures) fmt::print("{}\n", path);
}

Json explain_file(const Options& options, const OpenedCapture& opened, const std::string& path, Pictures* pictures) {
  Json conversations = Json::array();
  const std::string name = pictures ? pictures->name_for(path) : "";
  for (const auto& [number, conversation] : opened.chosen()) {
    const lab::Explanation explanation = lab::explain(*conversation);
    const auto paths = pictures ? pictures->write(name, number, explanation) : std::vector<std::string>{};
    if (!options.json) {
      print_text(number, explanation, paths);
      continue;
    }
    conversations.push_back(explanation_json(number, *conversation, explanation));
    if (pictures) conversations.back()["pictures"] = paths;
  }
  return {{"file", path}, {"conversations", std::move(conversations)}};
}

int explain_all(const Options& options) {
  bool whole = true;
  Json files = Json::array();
  std::optional<Pictures> pictures;
  if (options.pictures) pictures.emplace(*options.pictures);
  for (const std::string& path : capture_files(options.paths)) {
    const OpenedCapture opened("sluice explain", path, options.only);
    whole = whole && opened.error().empty();
    files.push_back(explain_file(options, opened, path, pictures ? &*pictures : nullptr));
  }
  if (options.json)
    fmt::print("{}\n", Json{{"files", std::move(files)}}.dump(-1, ' ', false, Json::error_handler_t::replace));
  return whole ? kSuccess : kUsage;
}

}  // namespace

void add_explain(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("explain", "Draw a capture as ladders, with what each packet does");
  const auto options = std::make_shared<Options>();
  command->add_option("CAPTURE", options->paths, "pcap or pcapng files, or folders of them")->required();
  add_value(*command, "--only", options->only, parse_count, "NUMBER", "only this conversation");
  command->add_option("--svg", options->pictures, "draw pictures into this folder in the place of ladders")
      ->type_name("DIR");
  command->add_flag("--json", options->json, "one line of JSON");
  command->footer(kExamples);
  command->callback([&action, options] { action = [options] { return explain_all(*options); }; });
}

}  // namespace sluice::tools
