// `sluice replay`: what this stack would have said in a capture, beside what was said.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lab/conversation_summary.hpp"
#include "lab/replay.hpp"
#include "lab/units.hpp"
#include "tools/arguments.hpp"
#include "tools/capture_files.hpp"
#include "tools/commands.hpp"
#include "tools/json.hpp"
#include "tools/terminal.hpp"

namespace sluice::tools {
namespace {

using lab::Side;

constexpr const char* kExamples = R"(Examples:
  sluice replay --list trace.pcap            the conversations in it
  sluice replay trace.pcap                   each of them, with this stack in the place of a side
  sluice replay --only 2 --as server trace.pcap
  sluice replay --level stream curl.pcap     do the bytes and the end come out the same, however they are cut?
  sluice replay --no-windows --stamps 2 linux.pcapng
  sluice replay pcaps/                       every .pcap and .pcapng below a folder

A capture should have been taken at the side that is played: at the far side packets are seen at other times, and what
was lost on the way can't be told from what was ignored (--distance helps with the first). Time is virtual: the same capture gives the same verdict every time.

Exit: 0 all that was played says the same, 1 something differs, 2 a wrong flag, or a file that can't be read.)";

constexpr Duration kUsualSlack = std::chrono::milliseconds(1);  ///< at level timing
constexpr Duration kPatience = std::chrono::seconds(60);        ///< for what this stack has to say behind the capture

struct Options {
  std::vector<std::string> paths;
  bool list = false;
  std::string side;        ///< empty: where the capture was taken
  std::uint32_t only = 0;  ///< 0 = all
  bool no_windows = false;
  std::uint32_t stamps = 0;
  std::string level_name;  ///< empty: timing with --times, else segments
  std::optional<Duration> times;
  Duration distance{};
  bool quiet = false;
  bool json = false;

  lab::Level level() const {
    if (level_name == "stream") return lab::Level::stream;
    if (level_name == "acks") return lab::Level::acks;
    return times || level_name == "timing" ? lab::Level::timing : lab::Level::segments;
  }
};

/// What all files together came to.
struct Totals {
  std::size_t files = 0, unreadable = 0, replays = 0, same = 0, not_played = 0;
};

/// At which side a capture was taken, if its packets say in which direction they went.
std::optional<Side> taken_at(const lab::Conversation& conversation) {
  for (const lab::ConversationPacket& packet : conversation.packets) {
    if (packet.direction == lab::Direction::unknown) continue;
    const bool opener_here = packet.from_opener == (packet.direction == lab::Direction::out);
    return opener_here ? Side::opener : Side::other;
  }
  return std::nullopt;
}

std::vector<Side> sides(const lab::Conversation& conversation, const std::string& wish) {
  if (wish == "client") return {Side::opener};
  if (wish == "server") return {Side::other};
  if (wish.empty())
    if (const auto here = taken_at(conversation)) return {*here};
  return {Side::opener, Side::other};
}

Json difference_json(const lab::Difference& one) {
  static constexpr const char* kKinds[] = {"changed", "missing", "extra", "waiting"};
  return {{"kind", kKinds[static_cast<std::size_t>(one.kind)]},
          {"packet", one.number},
          {"seconds", std::chrono::duration<double>(one.at).count()},
          {"reason", one.reason},
          {"captured", one.expected},
          {"replayed", one.got}};
}

Json verdict_json(std::size_t number, Side side, const lab::Verdict& verdict) {
  Json differences = Json::array();
  for (const lab::Difference& one : verdict.differences) differences.push_back(difference_json(one));
  Json json = {{"conversation", number},
               {"title", verdict.title},
               {"as", side == Side::opener ? "client" : "server"},
               {"level", lab::name(verdict.level)},
               {"same", verdict.same()},
               {"captured", verdict.expected},
               {"replayed", verdict.got},
               {"late", verdict.late},
               {"added_acks", verdict.added},
               {"unfinished_checksums", verdict.unfinished},
               {"super_segments", verdict.super_segments},
               {"differences", std::move(differences)},
               {"unlisted", verdict.unlisted}};
  if (!verdict.error.empty()) json["error"] = verdict.error;
  return json;
}

void print_list(const lab::Conversations& found) {
  fmt::print("{:>4}  {:<52} {:>15} {:>21} {:>9} {:>10}  {}\n", "no.", "conversation", "packets", "bytes", "resent",
             "seconds", "end");
  for (std::size_t i = 0; i < found.all.size(); ++i) {
    const lab::ConversationSummary summary = lab::summarize(found.all[i]);
    fmt::print("{:>4}  {:<52} {:>15} {:>21} {:>9} {:>10.3f}  {}\n", i + 1, found.all[i].title(),
               fmt::format("{} / {}", summary.opener.packets, summary.other.packets),
               fmt::format("{} / {}", summary.opener.bytes, summary.other.bytes),
               fmt::format("{} / {}", summary.opener.retransmitted, summary.other.retransmitted),
               std::chrono::duration<double>(summary.length).count(), lab::name(summary.end));
  }
  const auto also = [](std::size_t count, const char* what) {
    if (count > 0) fmt::print("      {} packets {}\n", count, what);
  };
  also(found.without_ip, "are not of IP");
  also(found.cut, "were cut by the capture; zeros stand for the rest");
  also(found.damaged, "are cut within their headers, or damaged");
  also(found.unassigned, "belong to no conversation");
  also(found.beyond_limits, "are beyond the limits");
}

/// A verdict for people: the first line says it all, green when nothing differs.
void print_verdict(const lab::Verdict& verdict, const Options& options) {
  const bool colour = wants_colour(1);
  const std::string text = lab::to_text(verdict);
  const std::size_t line = text.find('\n');
  const std::string first = text.substr(0, line);
  if (verdict.same()) {
    if (!options.quiet) fmt::print("  {}\n", green(first, colour));
    return;
  }
  fmt::print("  {}\n", bold(first, colour));
  if (options.quiet) return;
  std::string_view rest = std::string_view(text).substr(line + 1);
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    fmt::print("    {}\n", rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
}

lab::ReplaySettings settings_for(const lab::Conversation& conversation, Side side, const Options& options) {
  lab::ReplaySettings settings = lab::settings_from(conversation, side);
  settings.windows = !options.no_windows;
  settings.stamp_slack = options.stamps;
  settings.level = options.level();
  settings.time_slack = options.times.value_or(kUsualSlack);
  if (settings.level <= lab::Level::acks) settings.after = kPatience;
  settings.distance = options.distance;
  return settings;
}

void play(std::size_t number, const lab::Conversation& conversation, const Options& options, Totals& totals,
          Json& verdicts) {
  for (const Side side : sides(conversation, options.side)) {
    const lab::Verdict verdict = lab::replay(conversation, side, settings_for(conversation, side, options));
    if (!verdict.error.empty())
      ++totals.not_played;
    else
      ++totals.replays;
    if (verdict.same()) ++totals.same;
    if (options.json)
      verdicts.push_back(verdict_json(number, side, verdict));
    else
      print_verdict(verdict, options);
  }
}

/// One file; answers its part of the JSON.
Json replay_file(const std::string& path, const Options& options, Totals& totals) {
  ++totals.files;
  const OpenedCapture opened("sluice replay", path, options.only);
  if (!opened.error().empty()) ++totals.unreadable;
  if (!options.json) fmt::print("{}\n", path);
  if (!options.json && options.list) print_list(opened.conversations());
  Json json = {{"file", path}};
  if (!opened.error().empty()) json["error"] = opened.error();
  Json conversations = Json::array();
  Json verdicts = Json::array();
  for (const auto& [number, conversation] : opened.chosen()) {
    if (options.json) conversations.push_back(conversation_json(number, *conversation));
    if (!options.list) play(number, *conversation, options, totals, verdicts);
  }
  json["conversations"] = std::move(conversations);
  if (!options.list) json["verdicts"] = std::move(verdicts);
  return json;
}

void print_totals(const Totals& totals) {
  fmt::print("{} {} in {} {}: {} the same, {} different", totals.replays, totals.replays == 1 ? "replay" : "replays",
             totals.files, totals.files == 1 ? "file" : "files", totals.same, totals.replays - totals.same);
  if (totals.not_played > 0) fmt::print(", {} not played", totals.not_played);
  if (totals.unreadable == 1) fmt::print(", 1 file not readable to its end");
  if (totals.unreadable > 1) fmt::print(", {} files not readable to their end", totals.unreadable);
  fmt::print("\n");
}

int replay_all(const Options& options) {
  Totals totals;
  Json files = Json::array();
  for (const std::string& path : capture_files(options.paths)) files.push_back(replay_file(path, options, totals));
  if (options.json)
    fmt::print("{}\n", Json{{"files", std::move(files)}}.dump());
  else if (!options.list)
    print_totals(totals);
  if (totals.unreadable > 0) return kUsage;
  return totals.same == totals.replays ? kSuccess : kFailure;
}

}  // namespace

void add_replay(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("replay", "Play a capture again, this stack in the place of a side");
  const auto options = std::make_shared<Options>();
  command->add_option("CAPTURE", options->paths, "pcap or pcapng files, or folders of them")->required();
  command->add_flag("-l,--list", options->list, "only list the conversations");
  command
      ->add_option("--as", options->side,
                   "client (who opened), server or both [where the capture was taken, if it says; else both]")
      ->check(CLI::IsMember({"client", "server", "both"}))
      ->type_name("SIDE");
  command
      ->add_option("--level", options->level_name,
                   "what has to be the same: stream (bytes both ways and the end), acks, segments or timing [segments]")
      ->check(CLI::IsMember({"stream", "acks", "segments", "timing"}))
      ->type_name("LEVEL");
  add_value(*command, "--only", options->only, parse_count, "NUMBER", "only this conversation of --list");
  command->add_flag("--no-windows", options->no_windows, "don't compare TCP windows");
  add_value(*command, "--stamps", options->stamps, parse_count, "TICKS", "our timestamps may differ by this [0]");
  add_value(*command, "--times", options->times, lab::parse_time, "TIME",
            "level timing, at which times may differ by this [1ms]");
  add_value(*command, "--distance", options->distance, lab::parse_time, "TIME",
            "one way from where the capture was taken to our side [0]");
  command->add_flag("-q,--quiet", options->quiet, "a line for each replay that differs, and the sum");
  command->add_flag("--json", options->json, "one line of JSON");
  command->footer(kExamples);
  command->callback([&action, options] { action = [options] { return replay_all(*options); }; });
}

}  // namespace sluice::tools
