// `sluice explain`: a capture of any stack as ladders, with what each packet does.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "lab/explain.hpp"
#include "tools/arguments.hpp"
#include "tools/capture_files.hpp"
#include "tools/commands.hpp"

namespace sluice::tools {
namespace {

constexpr const char* kExamples = R"(Examples:
  sluice explain trace.pcap                  each conversation as a ladder, with its figures below
  sluice explain --only 2 trace.pcap         one of them (sluice replay --list numbers them)
  sluice explain --json trace.pcap | jq '.files[].conversations[].opener.rtt'

Numbers are relative to each side's first. What is said is inferred from where the capture was taken.
Exit: 0 explained, 2 a wrong flag, or a file that can't be read to its end.)";

struct Options {
  std::vector<std::string> paths;
  std::uint32_t only = 0;  ///< 0 = all
  bool json = false;
};

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

void add_figures(Json& side, const lab::SideFigures& figures) {
  side["retransmitted"] = figures.retransmissions;
  side["out_of_order"] = figures.out_of_order;
  side["duplicate_acks"] = figures.duplicate_acks;
  side["zero_windows"] = figures.zero_windows;
  side["largest_window"] = figures.largest_window;
  side["rtt"] = {{"samples", figures.rtt_samples},
                 {"least", seconds(figures.rtt_least)},
                 {"mean", seconds(figures.rtt_mean)},
                 {"most", seconds(figures.rtt_most)}};
}

Json explanation_json(std::size_t number, const lab::Conversation& conversation) {
  const lab::Explanation explanation = lab::explain(conversation);
  Json json = conversation_json(number, conversation);
  if (conversation.kind == lab::ConversationKind::tcp) {
    add_figures(json["opener"], explanation.opener);
    add_figures(json["other"], explanation.other);
  }
  Json packets = Json::array();
  for (const lab::ExplainedPacket& one : explanation.packets)
    packets.push_back({{"packet", one.number},
                       {"seconds", seconds(one.at)},
                       {"from", one.from_opener ? "opener" : "other"},
                       {"text", one.text},
                       {"note", one.note}});
  json["packets"] = std::move(packets);
  return json;
}

int explain_all(const Options& options) {
  bool whole = true;
  Json files = Json::array();
  for (const std::string& path : capture_files(options.paths)) {
    const OpenedCapture opened("sluice explain", path, options.only);
    whole = whole && opened.error().empty();
    Json conversations = Json::array();
    for (const auto& [number, conversation] : opened.chosen()) {
      if (options.json)
        conversations.push_back(explanation_json(number, *conversation));
      else
        fmt::print("{}. {}\n", number, lab::to_text(lab::explain(*conversation)));
    }
    files.push_back({{"file", path}, {"conversations", std::move(conversations)}});
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
  command->add_flag("--json", options->json, "one line of JSON");
  command->footer(kExamples);
  command->callback([&action, options] { action = [options] { return explain_all(*options); }; });
}

}  // namespace sluice::tools
