// `sluice drill`: scripts in packetdrill's language against this stack, in virtual time.
#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "lab/drill/mutate.hpp"
#include "lab/drill/run.hpp"
#include "lab/known_failures.hpp"
#include "lab/pcapng.hpp"
#include "tools/arguments.hpp"
#include "tools/commands.hpp"
#include "tools/drill_files.hpp"
#include "tools/terminal.hpp"
#include "tools/whole_file.hpp"

namespace sluice::tools {
namespace {

namespace drill = lab::drill;
using Clock = std::chrono::steady_clock;

constexpr const char* kExamples = R"(Examples:
  sluice drill tests/drill                       every .pkt file below a folder, on all processors
  sluice drill --strict handshake.pkt            packets that nobody expected are a failure
  sluice drill --capture seen.pcapng loss.pkt    what passed, for Wireshark, with why each packet left
  sluice drill --update loss.pkt                 rewrites what the stack now does differently
  sluice drill --mutants tests/drill             does each expectation count? breaks them one by one
  sluice drill --offload --shards 2 tests/drill  is all the same with super-segments, and a host that is two stacks?

The language is packetdrill's; docs/drill.md says what of it there is. Time is virtual: a script of an hour takes
milliseconds, and the same script gives the same verdict every time.

Exit: 0 all passed, 1 one failed, 2 one is no script (or a wrong flag), 3 one asks for what isn't supported.)";

struct Options {
  std::vector<std::string> paths;
  std::vector<std::string> defines;
  std::string profile = "sluice";
  std::string version;
  std::optional<std::uint32_t> tolerance;
  lab::HostShape shape;
  std::string known;  ///< a file; empty: none
  bool strict = false;
  bool ignore_shell = false;
  bool update = false;
  bool trace = false;
  bool mutants = false;
  bool json = false;
  bool quiet = false;
  std::string junit;
  std::string capture;
  unsigned jobs = 0;  ///< 0 = one a processor
};

drill::Defines defines_of(const Options& options) {
  drill::Defines defines;
  for (const std::string& one : options.defines) {
    const std::size_t equals = one.find('=');
    if (equals == 0 || equals == one.npos) throw UsageError("-D", "'" + one + "' is not NAME=VALUE");
    defines.insert_or_assign(one.substr(0, equals), drill::parse_definition(one.substr(equals + 1)));
  }
  return defines;
}

drill::Settings settings_of(const Options& options) {
  drill::Settings settings =
      drill::settings_of(options.profile == "linux" ? drill::Profile::linux_ : drill::Profile::sluice);
  if (!options.version.empty()) drill::apply_option("ip_version", options.version, settings);
  if (options.tolerance) settings.tolerance = std::chrono::microseconds(*options.tolerance);
  settings.shape = options.shape;
  settings.strict = options.strict;
  settings.ignore_shell = options.ignore_shell;
  return settings;
}

std::vector<lab::KnownFailure> known_failures_of(const Options& options) {
  if (options.known.empty()) return {};
  auto table = lab::load_known_failures(options.known);
  if (!table) throw UsageError("--known", table.error);
  return *std::move(table);
}

/// What a line of --known may ask for.
std::vector<std::string> circumstances(const Options& options) {
  std::vector<std::string> words = lab::words_of(options.shape);
  words.push_back(options.version.empty() ? "ipv4" : options.version);
  return words;
}

std::string trace_line(Duration at, const TraceEvent& event) {
  std::string line = fmt::format("{:.6f} {}", std::chrono::duration<double>(at).count(), name(event.kind));
  for (const TraceField& field : event.fields)
    line += field.text.empty() ? fmt::format(" {}={}", field.key, field.number)
                               : fmt::format(" {}={}", field.key, field.text);
  return line + "\n";
}

/// Plays scripts; several threads may share one, as it holds only what all have in common.
class Driller {
 public:
  Driller(const Options& options, bool single)
      : options_(options),
        defines_(defines_of(options)),
        known_(known_failures_of(options)),
        words_(circumstances(options)),
        single_(single) {}

  DrillResult drill_file(const std::string& path) const {
    DrillResult result;
    result.path = path;
    const auto began = Clock::now();
    std::ifstream in(path, std::ios::binary);
    const std::string source{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!in) {
      result.outcome.verdict = drill::Verdict::error;
      result.outcome.message = "the file can't be read";
      return result;
    }
    play(source, result);
    hold_against_known(result);
    if (options_.mutants && result.outcome.verdict == drill::Verdict::passed) play_mutants(source, result);
    result.seconds = std::chrono::duration<double>(Clock::now() - began).count();
    return result;
  }

 private:
  void play(const std::string& source, DrillResult& result) const {
    drill::RunOptions run{.settings = settings_of(options_), .correct = options_.update};
    lab::PcapngWriter capture;
    if (!options_.capture.empty())
      run.capture = [&capture](const drill::Passed& passed) {
        capture.add({.time = passed.at,
                     .direction = passed.inbound ? lab::Direction::in : lab::Direction::out,
                     .comment = passed.comment},
                    passed.bytes);
      };
    if (options_.trace)
      run.trace = [&result](Duration at, const TraceEvent& event) { result.trace += trace_line(at, event); };
    result.outcome = drill::run(source, defines_, run);
    if (!options_.capture.empty()) write_file(capture_path(result.path), capture.bytes());
    if (result.outcome.verdict != drill::Verdict::passed || result.outcome.corrections.empty()) return;
    const std::string text = drill::corrected(source, result.outcome.corrections);
    write_file(result.path, as_bytes(text));
    result.rewritten = true;
  }

  /// A failure that is known is none, and a table that is out of date is one.
  void hold_against_known(DrillResult& result) const {
    const auto reason = lab::known_reason(known_, result.path, words_);
    if (!reason) return;
    if (result.outcome.verdict == drill::Verdict::failed) result.known = *reason;
    if (result.outcome.verdict != drill::Verdict::passed) return;
    result.outcome.verdict = drill::Verdict::failed;
    result.outcome.message = "it passes, but " + options_.known + " says that it fails: " + *reason;
  }

  void play_mutants(const std::string& source, DrillResult& result) const {
    drill::RunOptions run{.settings = settings_of(options_)};
    run.settings.strict = false;
    for (const drill::Mutant& mutant : drill::mutants_of(drill::parse_script(source, defines_))) {
      ++result.mutants.all;
      if (drill::run(mutant.script, run).verdict != drill::Verdict::passed)
        ++result.mutants.caught;
      else
        result.mutants.missed.push_back(fmt::format("line {}: {}", mutant.line, mutant.what));
    }
  }

  // One script: the file itself. Several: a folder with a file each.
  std::string capture_path(const std::string& script) const {
    if (single_) return options_.capture;
    return (std::filesystem::path(options_.capture) / std::filesystem::path(script).stem()).string() + ".pcapng";
  }

  const Options& options_;
  drill::Defines defines_;
  std::vector<lab::KnownFailure> known_;
  std::vector<std::string> words_;
  bool single_;
};

/// "137/312" on a terminal while it goes on.
void show_progress(std::size_t done, std::size_t all) {
  fmt::print(stderr, "\r{}/{}{}", done, all, done == all ? "\r\x1b[K" : "");
  std::fflush(stderr);
}

std::vector<DrillResult> drill_all(const std::vector<std::string>& paths, const Driller& driller, unsigned jobs) {
  std::vector<DrillResult> results(paths.size());
  std::atomic<std::size_t> next{0}, done{0};
  const bool progress = ::isatty(2) == 1 && paths.size() > 1;
  std::mutex lock;
  std::exception_ptr trouble;
  const auto work = [&] {
    for (std::size_t i = next++; i < paths.size(); i = next++) {
      try {
        results[i] = driller.drill_file(paths[i]);
      } catch (...) {
        const std::lock_guard guard(lock);
        trouble = std::current_exception();
        return;
      }
      const std::lock_guard guard(lock);
      if (progress) show_progress(++done, paths.size());
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < std::min<std::size_t>(jobs, paths.size()); ++i) threads.emplace_back(work);
  work();
  for (std::thread& one : threads) one.join();
  if (trouble) std::rethrow_exception(trouble);
  return results;
}

int drill_command(const Options& options) {
  const std::vector<std::string> paths = script_files(options.paths);
  const bool single = paths.size() == 1;
  if (!options.capture.empty() && !single) {
    std::error_code error;
    std::filesystem::create_directories(options.capture, error);
    if (error) throw UsageError("--capture", options.capture + " can't be made: " + error.message());
  }
  const Driller driller(options, single);
  const unsigned jobs = options.jobs > 0 ? options.jobs : std::max(1u, std::thread::hardware_concurrency());
  const auto began = Clock::now();
  const std::vector<DrillResult> results = drill_all(paths, driller, jobs);
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  if (!options.junit.empty()) {
    const std::string xml = junit_xml(results);
    write_file(options.junit, as_bytes(xml));
  }
  const DrillTotals totals = totals_of(results);
  if (options.json) {
    fmt::print("{}\n", drill_json(results));
    return exit_code(totals);
  }
  for (const DrillResult& one : results)
    if (!options.quiet) fmt::print("{}", drill_text(one, wants_colour(1)));
  fmt::print("{}", totals_text(totals, seconds));
  return exit_code(totals);
}

}  // namespace

void add_drill(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("drill", "Play packetdrill scripts against this stack, in virtual time");
  const auto options = std::make_shared<Options>();
  command->add_option("SCRIPT", options->paths, ".pkt files, or folders of them")->required();
  command->add_option("-D", options->defines, "a name that scripts may use (may be given again)")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->take_all();
  command->add_option("--profile", options->profile, "sluice, or linux with Linux's constants [sluice]")
      ->check(CLI::IsMember({"sluice", "linux"}))
      ->type_name("NAME");
  command->add_option("--ip-version,--ip_version", options->version, "ipv4, ipv6 or ipv4-mapped-ipv6 [ipv4]")
      ->check(CLI::IsMember({"ipv4", "ipv6", "ipv4-mapped-ipv6"}))
      ->type_name("VERSION");
  command
      ->add_option("--tolerance-usecs,--tolerance_usecs", options->tolerance,
                   "how far off times may be [4000, or an eighth of the step]")
      ->type_name("MICROSECONDS");
  command->add_flag("--offload", options->shape.offload,
                    "the device cuts and merges super-segments: the packets on the wire ought to be the same");
  add_value(*command, "--shards", options->shape.shards, parse_shards, "COUNT",
            "the host is so many stacks, and packets come to any of them, by a coin that always falls alike [1]");
  command
      ->add_option("--known", options->known,
                   "a table of scripts that may fail, lines such as 'offload ipv6 | name.pkt | reason'; a line that is "
                   "no longer true is a failure")
      ->type_name("FILE");
  command->add_flag("--strict", options->strict, "packets left over at the end are a failure");
  command->add_flag("--ignore-shell", options->ignore_shell, "skip commands in backticks that mean nothing here");
  command->add_flag("--update", options->update, "rewrite expected packets to what the stack does");
  command
      ->add_option("--capture", options->capture,
                   "write what passed as pcapng: a file, or a folder for several scripts")
      ->type_name("PATH");
  command->add_flag("--trace", options->trace, "print every event of the stack");
  command->add_flag("--mutants", options->mutants, "also break each expectation: every break has to be noticed");
  command->add_option("--junit", options->junit, "write a report as JUnit XML")->type_name("FILE");
  command->add_flag("--json", options->json, "one line of JSON");
  command->add_flag("-q,--quiet", options->quiet, "only the sum");
  add_value(*command, "-j,--jobs", options->jobs, parse_count, "COUNT", "scripts at once [one a processor]");
  command->footer(kExamples);
  command->callback([&action, options] { action = [options] { return drill_command(*options); }; });
}

}  // namespace sluice::tools
