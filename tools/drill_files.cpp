// See drill_files.hpp.
#include "tools/drill_files.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "tools/commands.hpp"
#include "tools/folder.hpp"
#include "tools/json.hpp"
#include "tools/terminal.hpp"
#include "tools/usage_error.hpp"

namespace sluice::tools {
namespace {

namespace fs = std::filesystem;
using lab::drill::Verdict;

const char* name(Verdict verdict) {
  switch (verdict) {
    case Verdict::passed: return "passed";
    case Verdict::failed: return "failed";
    case Verdict::error: return "error";
    case Verdict::unsupported: return "unsupported";
  }
  return "";
}

std::string place(const DrillResult& result) {
  std::string text = result.path;
  if (result.outcome.line > 0) text += ":" + std::to_string(result.outcome.line);
  if (result.outcome.line > 0 && result.outcome.column > 0) text += ":" + std::to_string(result.outcome.column);
  return text;
}

/// How many bytes the character of UTF-8 at the front has; 0: there is none.
std::size_t character_size(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 0;
  if (size == 0 || size > text.size()) return 0;
  const auto follows = [](char c) { return (c & 0xc0) == 0x80; };
  return std::all_of(text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(size), follows) ? size : 0;
}

// XML 1.0 has no way to write most control characters, nor what is no text.
std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t size = 0; !text.empty(); text.remove_prefix(size)) {
    const char c = text.front();
    size = character_size(text);
    if (size > 1) {
      out += text.substr(0, size);
      continue;
    }
    if (size == 0) {
      out += '?';
      size = 1;
      continue;
    }
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += static_cast<unsigned char>(c) < 32 && c != '\n' && c != '\t' ? '?' : c;
    }
  }
  return out;
}

std::size_t& count_of(Verdict verdict, DrillTotals& totals) {
  switch (verdict) {
    case Verdict::passed: return totals.passed;
    case Verdict::failed: return totals.failed;
    case Verdict::error: return totals.errors;
    case Verdict::unsupported: break;
  }
  return totals.unsupported;
}

void add_folder(const std::string& folder, std::vector<std::string>& found) {
  std::vector<std::string> here = files_below(folder, {".pkt"});
  std::error_code error;
  std::erase_if(here, [&error](const std::string& path) { return !fs::is_regular_file(path, error); });
  if (here.empty()) throw UsageError(folder + ": there is no .pkt file in this folder");
  found.insert(found.end(), here.begin(), here.end());
}

}  // namespace

std::vector<std::string> script_files(const std::vector<std::string>& paths) {
  std::vector<std::string> found;
  for (const std::string& path : paths) {
    std::error_code error;
    if (fs::is_directory(path, error))
      add_folder(path, found);
    else if (!fs::exists(path, error))
      throw UsageError(path + ": there is no such file");
    else
      found.push_back(path);
  }
  return found;
}

DrillTotals totals_of(const std::vector<DrillResult>& results) {
  DrillTotals totals;
  for (const DrillResult& one : results) {
    totals.counts += one.outcome.counts;
    if (one.known.empty())
      ++count_of(one.outcome.verdict, totals);
    else
      ++totals.known;
    totals.rewritten += one.rewritten ? 1 : 0;
    totals.mutants.all += one.mutants.all;
    totals.mutants.caught += one.mutants.caught;
  }
  return totals;
}

int exit_code(const DrillTotals& totals) {
  if (totals.failed > 0 || totals.mutants.caught < totals.mutants.all) return kFailure;
  if (totals.errors > 0) return kUsage;
  return totals.unsupported > 0 ? 3 : kSuccess;
}

std::string junit_xml(const std::vector<DrillResult>& results) {
  const DrillTotals totals = totals_of(results);
  const auto missed = static_cast<std::size_t>(std::count_if(results.begin(), results.end(), [](const auto& one) {
    return one.outcome.verdict == Verdict::passed && !one.mutants.missed.empty();
  }));
  std::string xml = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"sluice drill\" tests=\"{}\" failures=\"{}\" "
      "errors=\"{}\" skipped=\"{}\">\n",
      results.size(), totals.failed + missed, totals.errors, totals.unsupported + totals.known);
  for (const DrillResult& one : results) {
    xml += fmt::format("  <testcase classname=\"{}\" name=\"{}\" time=\"{:.6f}\"",
                       escaped(fs::path(one.path).parent_path().string()),
                       escaped(fs::path(one.path).filename().string()), one.seconds);
    if (one.outcome.verdict == Verdict::passed && one.mutants.missed.empty()) {
      xml += "/>\n";
      continue;
    }
    if (one.outcome.verdict == Verdict::passed) {
      xml += fmt::format(">\n    <failure message=\"mutants that are not noticed\">{}</failure>\n  </testcase>\n",
                         escaped(fmt::format("{}", fmt::join(one.mutants.missed, "\n"))));
      continue;
    }
    const char* element = !one.known.empty()                       ? "skipped"
                          : one.outcome.verdict == Verdict::failed ? "failure"
                          : one.outcome.verdict == Verdict::error  ? "error"
                                                                   : "skipped";
    xml += fmt::format(">\n    <{} message=\"{}\">{}</{}>\n  </testcase>\n", element,
                       escaped(place(one) + ": " + one.outcome.message), escaped(one.outcome.detail), element);
  }
  return xml + "</testsuite>\n";
}

std::string drill_json(const std::vector<DrillResult>& results) {
  Json scripts = Json::array();
  for (const DrillResult& one : results) {
    Json json = {{"script", one.path},
                 {"verdict", name(one.outcome.verdict)},
                 {"steps", one.outcome.steps},
                 {"virtual_seconds", std::chrono::duration<double>(one.outcome.length).count()},
                 {"seconds", one.seconds},
                 {"leftovers", one.outcome.leftovers},
                 {"printed", one.outcome.printed}};
    if (one.outcome.verdict != Verdict::passed) {
      json["message"] = one.outcome.message;
      json["line"] = one.outcome.line;
      json["column"] = one.outcome.column;
      json["detail"] = one.outcome.detail;
    }
    if (!one.known.empty()) json["known"] = one.known;
    if (one.mutants.all > 0)
      json["mutants"] = {{"all", one.mutants.all}, {"caught", one.mutants.caught}, {"missed", one.mutants.missed}};
    scripts.push_back(std::move(json));
  }
  const DrillTotals totals = totals_of(results);
  return Json{{"scripts", std::move(scripts)},
              {"passed", totals.passed},
              {"failed", totals.failed},
              {"errors", totals.errors},
              {"unsupported", totals.unsupported},
              {"known", totals.known},
              {"super_segments_out", totals.counts.supers_out},
              {"super_segments_in", totals.counts.supers_in},
              {"handed_over", totals.counts.handed_over}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string drill_text(const DrillResult& result, bool colour) {
  const lab::drill::Outcome& outcome = result.outcome;
  std::string text = result.trace;
  for (const std::string& line : outcome.printed) text += line + "\n";
  if (!result.known.empty()) return text + result.path + ": fails as is known: " + result.known + "\n";
  if (outcome.verdict != Verdict::passed) {
    text += bold(place(result) + ": " + outcome.message, colour) + "\n" + outcome.detail;
  }
  for (const std::string& line : outcome.leftovers)
    if (outcome.verdict == Verdict::passed) text += result.path + ": left over: " + line + "\n";
  for (const std::string& line : result.mutants.missed) text += result.path + ": not noticed: " + line + "\n";
  if (result.rewritten) text += result.path + ": rewritten\n";
  return text;
}

std::string totals_text(const DrillTotals& totals, double seconds) {
  const std::size_t all = totals.passed + totals.failed + totals.errors + totals.unsupported + totals.known;
  std::string text = fmt::format("{} {}: {} passed", all, all == 1 ? "script" : "scripts", totals.passed);
  const auto add = [&text](std::size_t count, const char* what) {
    if (count > 0) text += fmt::format(", {} {}", count, what);
  };
  add(totals.failed, "failed");
  add(totals.errors, "with errors");
  add(totals.unsupported, "not supported");
  add(totals.known, "known to fail");
  add(totals.rewritten, "rewritten");
  if (totals.mutants.all > 0)
    text += fmt::format("; {} of {} mutants noticed ({:.2f} %)", totals.mutants.caught, totals.mutants.all,
                        100.0 * static_cast<double>(totals.mutants.caught) / static_cast<double>(totals.mutants.all));
  return text + lab::to_text(totals.counts) + fmt::format(" in {:.2f} s\n", seconds);
}

}  // namespace sluice::tools
