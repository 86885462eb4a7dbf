// `sluice replay`: what this stack would have said in a capture, beside what was said.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lab/known_failures.hpp"
#include "lab/recording.hpp"
#include "lab/replay.hpp"
#include "lab/units.hpp"
#include "tools/arguments.hpp"
#include "tools/blessing.hpp"
#include "tools/capture_files.hpp"
#include "tools/commands.hpp"
#include "tools/json.hpp"
#include "tools/messages.hpp"
#include "tools/replay_report.hpp"
#include "tools/whole_file.hpp"

namespace sluice::tools {
namespace {

using lab::Side;

constexpr const char* kExamples = R"(Examples:
  sluice replay --list trace.pcap            the conversations in it
  sluice replay trace.pcap                   each of them, with this stack in the place of a side
  sluice replay --only 2 --as server trace.pcap
  sluice replay --level stream curl.pcap     do the bytes and the end come out the same, however they are cut?
  sluice replay --no-windows --stamps 2 linux.pcapng
  sluice replay --until 40 trace.pcap        no further than packet 40
  sluice replay --capture ours.pcapng trace.pcap   and what this stack said and heard, for Wireshark
  sluice replay pcaps/                       every .pcap and .pcapng below a folder
  sluice replay --offload --shards 2 pcaps/  the same with super-segments, and a host that is two stacks
  sluice replay --bless pcaps/new.pcap       keep the verdict and each packet beside the capture; from now on replays
                                             are held against these, byte for byte

A capture should have been taken at the side that is played: at the far side packets are seen at other times, and what
was lost on the way can't be told from what was ignored (--distance helps with the first). Time is virtual: the same
capture gives the same verdict every time.

--bless without --level, --no-windows and --stamps keeps the strictest level at which each replay is the same. What was
blessed counts when none of the flags is given that choose what is played and compared.

Exit: 0 all that was played says the same (or what was blessed), 1 something differs, 2 a wrong flag, or a file that
can't be read.)";

constexpr const char* kAsKnown = "it is known to differ";
constexpr const char* kNotSo = "it is the same, but --known says that it differs";
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
  std::uint32_t until = 0;  ///< 0 = all
  lab::HostShape shape;     ///< of this stack; nothing that is compared may depend on it
  bool bless = false;
  std::string capture;                   ///< empty: none
  std::vector<lab::KnownFailure> known;  ///< captures that differ by nature
  bool quiet = false;
  bool json = false;

  PlayFlags flags() const {
    const lab::Level usual = times ? lab::Level::timing : lab::Level::segments;
    return {lab::level_of(level_name).value_or(usual), !no_windows, stamps};
  }
  bool choose_comparison() const { return no_windows || stamps != 0 || !level_name.empty() || times; }
  /// What was blessed was played without them.
  bool choose_more() const {
    return choose_comparison() || !side.empty() || only != 0 || distance != Duration::zero() || until != 0;
  }
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

lab::ReplaySettings settings_for(const lab::Conversation& conversation, Side side, const PlayFlags& flags,
                                 const Options& options) {
  lab::ReplaySettings settings = lab::settings_from(conversation, side);
  settings.windows = flags.windows;
  settings.stamp_slack = flags.stamps;
  settings.level = flags.level;
  settings.time_slack = options.times.value_or(kUsualSlack);
  if (settings.level <= lab::Level::acks) settings.after = kPatience;
  settings.shape = options.shape;
  settings.distance = options.distance;
  settings.until = options.until;
  settings.interpret = [](const lab::Conversation& one) { return messages_of(one); };
  return settings;
}

/// The strictest of these at which a replay is the same is what --bless keeps.
const std::vector<PlayFlags>& from_strict_to_lenient() {
  static const std::vector<PlayFlags> rungs = {{lab::Level::timing, true, 0},
                                               {lab::Level::segments, true, 0},
                                               {lab::Level::segments, false, 2},
                                               {lab::Level::acks, true, 0},
                                               {lab::Level::stream, true, 0}};
  return rungs;
}

PlayFlags flags_to_bless(const lab::Conversation& conversation, Side side, const Options& options) {
  if (options.choose_comparison()) return options.flags();
  for (const PlayFlags& flags : from_strict_to_lenient())
    if (lab::replay(conversation, side, settings_for(conversation, side, flags, options)).same()) return flags;
  return options.flags();
}

/// What is to be played of a capture, in this order.
std::vector<Play> plays_of(const OpenedCapture& opened, const Options& options) {
  std::vector<Play> plays;
  for (const auto& [number, conversation] : opened.chosen())
    for (const Side side : sides(*conversation, options.side)) {
      const PlayFlags flags = options.bless ? flags_to_bless(*conversation, side, options) : options.flags();
      plays.push_back({number, side, flags, {}, 1, 0});
    }
  return plays;
}

void play(std::vector<Play>& plays, const OpenedCapture& opened, const Options& options, lab::Recording* recording) {
  const auto& all = opened.conversations().all;
  for (Play& one : plays) {
    const lab::Conversation& conversation = all[one.number - 1];
    const lab::ReplaySettings settings = settings_for(conversation, one.side, one.flags, options);
    one.first = recording ? recording->packets() + 1 : 1;
    one.verdict =
        recording ? recording->replay(conversation, one.side, settings) : lab::replay(conversation, one.side, settings);
    one.packets = recording ? recording->packets() + 1 - one.first : 0;
  }
}

/// How a replay differs from what was kept of it.
lab::Verdict against_blessing(const Play& kept, const lab::Capture& before, const Play& now, const lab::Capture& after,
                              lab::HostShape shape) {
  const auto part = [](const lab::Capture& capture, const Play& play) {
    const std::size_t first = std::min(play.first - 1, capture.packets.size());
    return std::span(capture.packets).subspan(first, std::min(play.packets, capture.packets.size() - first));
  };
  lab::Verdict verdict;
  verdict.title = now.verdict.title;
  lab::compare_recordings(part(before, kept), part(after, now), kept.first, verdict, shape);
  return verdict;
}

/// Plays what was blessed, as it was, and tells for each replay how it differs from then.
std::vector<std::optional<lab::Verdict>> hold_against(const Blessing& blessing, std::vector<Play>& plays,
                                                      const OpenedCapture& opened, const Options& options) {
  Blessing::Kept kept = blessing.load();
  plays = kept.plays;
  for (const Play& one : plays)
    if (one.number == 0 || one.number > opened.conversations().all.size())
      throw UsageError(fmt::format("{}: the capture has no conversation {}", blessing.verdict_path, one.number));
  lab::Recording recording;
  play(plays, opened, options, &recording);
  const bool same_words = verdict_text(plays) == kept.text;
  const lab::Capture before = lab::parse_capture(kept.recording), after = lab::parse_capture(recording.bytes());
  const bool plain = options.shape == lab::HostShape{};
  const bool same_bytes = !plain || kept.recording == recording.bytes();
  std::vector<std::optional<lab::Verdict>> differences;
  bool found = false;
  for (std::size_t i = 0; i < plays.size(); ++i) {
    differences.push_back(against_blessing(kept.plays[i], before, plays[i], after, options.shape));
    found = found || !differences.back()->same();
  }
  if (found || (same_words && same_bytes) || differences.empty()) return differences;
  std::string what =
      same_bytes ? blessing.verdict_path + " has other words" : blessing.recording_path + " has other bytes";
  differences.front()->differences.push_back({lab::Difference::Kind::changed, 0, {}, std::move(what), "", ""});
  return differences;
}

bool is_same(const Play& play, const std::optional<lab::Verdict>& kept) {
  return kept ? kept->same() : play.verdict.same();
}

void count(const Play& play, const std::optional<lab::Verdict>& kept, ReplayTotals& totals) {
  totals.counts += play.verdict.counts;
  if (kept) ++totals.blessed;
  if (!kept && !play.verdict.error.empty())
    ++totals.not_played;
  else
    ++totals.replays;
  if (is_same(play, kept)) ++totals.same;
}

/// The plays of one file, told and counted; answers their JSON.
Json replay_conversations(const std::string& path, const OpenedCapture& opened, const Options& options,
                          ReplayTotals& totals) {
  const Blessing blessing(path);
  std::vector<Play> plays;
  std::vector<std::optional<lab::Verdict>> kept;
  if (!options.bless && !options.choose_more() && options.capture.empty() && blessing.exists()) {
    kept = hold_against(blessing, plays, opened, options);
  } else {
    lab::Recording recording;
    const bool record = options.bless || !options.capture.empty();
    plays = plays_of(opened, options);
    play(plays, opened, options, record ? &recording : nullptr);
    if (options.bless) blessing.keep(plays, recording.bytes());
    if (!options.capture.empty()) write_file(options.capture, recording.bytes());
    kept.resize(plays.size());
    if (options.bless) kept.assign(plays.size(), lab::Verdict{});
  }
  Json verdicts = Json::array();
  const auto reason = lab::known_reason(options.known, path, lab::words_of(options.shape));
  const std::size_t known_before = totals.known;
  for (std::size_t i = 0; i < plays.size(); ++i) {
    count(plays[i], kept[i], totals);
    totals.known += reason && !is_same(plays[i], kept[i]) ? 1u : 0u;
    if (options.json)
      verdicts.push_back(verdict_json(plays[i], kept[i]));
    else
      print_verdict(plays[i].verdict, kept[i], options.quiet);
  }
  if (reason && !options.json) fmt::print("  {}: {}\n", totals.known > known_before ? kAsKnown : kNotSo, *reason);
  totals.stale += reason && totals.known == known_before ? 1u : 0u;
  return verdicts;
}

/// One file; answers its part of the JSON.
Json replay_file(const std::string& path, const Options& options, ReplayTotals& totals) {
  ++totals.files;
  const OpenedCapture opened("sluice replay", path, options.only);
  if (!opened.error().empty()) ++totals.unreadable;
  if (!options.json) fmt::print("{}\n", path);
  if (!options.json && options.list) print_list(opened.conversations());
  Json json = {{"file", path}};
  if (!opened.error().empty()) json["error"] = opened.error();
  Json conversations = Json::array();
  if (options.json)
    for (const auto& [number, conversation] : opened.chosen())
      conversations.push_back(conversation_json(number, *conversation));
  json["conversations"] = std::move(conversations);
  if (!options.list) json["verdicts"] = replay_conversations(path, opened, options, totals);
  return json;
}

void check(const Options& options, const std::vector<std::string>& files) {
  const bool unkept = options.times || options.distance != Duration::zero() || options.until != 0;
  const bool plain = options.shape == lab::HostShape{};
  if (options.bless && !plain) throw UsageError("--bless", "it doesn't go with --offload and --shards");
  if (options.bless && unkept) throw UsageError("--bless", "it doesn't go with --times, --distance and --until");
  if (!options.capture.empty() && files.size() != 1) throw UsageError("--capture", "it takes one capture to replay");
}

int replay_all(const Options& options) {
  ReplayTotals totals;
  Json json = Json::array();
  const std::vector<std::string> files = capture_files(options.paths);
  check(options, files);
  for (const std::string& path : files) json.push_back(replay_file(path, options, totals));
  if (options.json)
    fmt::print("{}\n", Json{{"files", std::move(json)}}.dump(-1, ' ', false, Json::error_handler_t::replace));
  else if (!options.list)
    print_totals(totals);
  if (totals.unreadable > 0) return kUsage;
  return totals.same + totals.known == totals.replays && totals.stale == 0 ? kSuccess : kFailure;
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
      ->add_option(
          "--level", options->level_name,
          "what has to be the same: messages (what HTTP and WebSocket make of the bytes), stream (the bytes both "
          "ways and the end), acks, segments or timing [segments]")
      ->check(CLI::IsMember({"messages", "stream", "acks", "segments", "timing"}))
      ->type_name("LEVEL");
  add_value(*command, "--only", options->only, parse_count, "NUMBER", "only this conversation of --list");
  command->add_flag("--no-windows", options->no_windows, "don't compare TCP windows");
  add_value(*command, "--stamps", options->stamps, parse_count, "TICKS", "our timestamps may differ by this [0]");
  add_value(*command, "--times", options->times, lab::parse_time, "TIME",
            "level timing, at which times may differ by this [1ms]");
  add_value(*command, "--distance", options->distance, lab::parse_time, "TIME",
            "one way from where the capture was taken to our side [0]");
  add_value(*command, "--until", options->until, parse_count, "NUMBER", "no further than this packet of the capture");
  command->add_flag("--offload", options->shape.offload,
                    "this stack's device cuts and merges super-segments; what is compared is cut");
  add_value(*command, "--shards", options->shape.shards, parse_shards, "COUNT",
            "this stack's host is so many stacks, and packets come to any of them [1]");
  const auto load = [options](const std::string& path) {
    auto table = lab::load_known_failures(path);
    if (!table) throw UsageError("--known", table.error);
    options->known = *std::move(table);
  };
  command
      ->add_option_function<std::string>("--known", load,
                                         "a table of captures that may differ, lines such as 'offload | name.pcap | "
                                         "reason'; a line that is no longer true is a failure")
      ->type_name("FILE");
  command->add_flag("--bless", options->bless, "keep verdicts and packets beside the captures, to be held against");
  command->add_option("--capture", options->capture, "pcapng of what this stack said and heard")->type_name("FILE");
  command->add_flag("-q,--quiet", options->quiet, "a line for each replay that differs, and the sum");
  command->add_flag("--json", options->json, "one line of JSON");
  command->footer(kExamples);
  command->callback([&action, options] { action = [options] { return replay_all(*options); }; });
}

}  // namespace sluice::tools
