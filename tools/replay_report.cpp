// Tables, verdicts and sums; see replay_report.hpp.
#include "tools/replay_report.hpp"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "lab/conversation_summary.hpp"
#include "tools/terminal.hpp"

namespace sluice::tools {
namespace {

Json difference_json(const lab::Difference& one) {
  static constexpr const char* kKinds[] = {"changed", "missing", "extra", "waiting"};
  return {{"kind", kKinds[static_cast<std::size_t>(one.kind)]},
          {"packet", one.number},
          {"seconds", std::chrono::duration<double>(one.at).count()},
          {"reason", one.reason},
          {"captured", one.expected},
          {"replayed", one.got}};
}

Json differences_json(const lab::Verdict& verdict) {
  Json differences = Json::array();
  for (const lab::Difference& one : verdict.differences) differences.push_back(difference_json(one));
  return differences;
}

void print_indented(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    fmt::print("    {}\n", text.substr(0, end));
    text.remove_prefix(end + 1);
  }
}

}  // namespace

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

void print_verdict(const lab::Verdict& verdict, const std::optional<lab::Verdict>& kept, bool quiet) {
  const bool colour = wants_colour(1);
  const std::string text = kept && !kept->same() ? lab::to_text(*kept, "blessed") : lab::to_text(verdict);
  const std::size_t line = text.find('\n');
  const std::string first = text.substr(0, line) + (kept && kept->same() ? ", as blessed" : "");
  const bool good = kept ? kept->same() : verdict.same();
  if (good) {
    if (!quiet) fmt::print("  {}\n", green(first, colour));
    return;
  }
  fmt::print("  {}\n", bold(first, colour));
  if (!quiet) print_indented(std::string_view(text).substr(line + 1));
}

Json verdict_json(const Play& play, const std::optional<lab::Verdict>& kept) {
  const lab::Verdict& verdict = play.verdict;
  Json json = {{"conversation", play.number},
               {"title", verdict.title},
               {"as", role(play.side)},
               {"level", lab::name(verdict.level)},
               {"same", verdict.same()},
               {"captured", verdict.expected},
               {"replayed", verdict.got},
               {"late", verdict.late},
               {"added_acks", verdict.added},
               {"unfinished_checksums", verdict.unfinished},
               {"super_segments", verdict.super_segments},
               {"cut", verdict.cut},
               {"differences", differences_json(verdict)},
               {"unlisted", verdict.unlisted}};
  if (!verdict.error.empty()) json["error"] = verdict.error;
  if (kept) json["blessed"] = {{"same", kept->same()}, {"differences", differences_json(*kept)}};
  return json;
}

void print_totals(const ReplayTotals& totals) {
  fmt::print("{} {} in {} {}: {} the same, {} different", totals.replays, totals.replays == 1 ? "replay" : "replays",
             totals.files, totals.files == 1 ? "file" : "files", totals.same, totals.replays - totals.same);
  if (totals.blessed > 0) fmt::print(" ({} held against what was blessed)", totals.blessed);
  if (totals.known > 0) fmt::print(" ({} known)", totals.known);
  if (totals.not_played > 0) fmt::print(", {} not played", totals.not_played);
  if (totals.unreadable == 1) fmt::print(", 1 file not readable to its end");
  if (totals.unreadable > 1) fmt::print(", {} files not readable to their end", totals.unreadable);
  fmt::print("{}\n", lab::to_text(totals.counts));
}

}  // namespace sluice::tools
