// `sluice stats`: the counters of a running instance.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <memory>
#include <string>

#include "tools/commands.hpp"
#include "tools/control_client.hpp"
#include "tools/report.hpp"
#include "tools/usage_error.hpp"

namespace sluice::tools {
namespace {

constexpr const char* kExamples = R"(Examples:
  sluice stats                                  what has been counted so far
  sluice stats sluice0 --all                    zeros, too
  sluice stats --format json | jq .counters.tcp
  sluice stats --format prometheus > node_exporter/sluice.prom)";

struct Options {
  std::string name;
  std::string format = "text";
  bool all = false;
};

int show(const Options& options) {
  const Json report = ask_instance(options.name, {{"command", "stats"}});
  if (options.format == "json")
    fmt::print("{}\n", report.dump());
  else if (options.format == "prometheus")
    fmt::print("{}", stats_prometheus(report));
  else
    fmt::print("{}", stats_text(report, options.all));
  return kSuccess;
}

}  // namespace

void add_stats(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("stats", "Show the counters of a running sluice");
  const auto options = std::make_shared<Options>();
  command->add_option("NAME", options->name, "of the instance [the only one]");
  command
      ->add_option_function<std::string>(
          "--format",
          [options](const std::string& format) {
            if (format != "text" && format != "json" && format != "prometheus")
              throw UsageError("--format", "\"" + format + "\" is none of text, json and prometheus");
            options->format = format;
          },
          "text, json or prometheus [text]")
      ->type_name("FORMAT");
  command->add_flag("--all", options->all, "counters that are 0, too");
  command->add_flag_function(
      "--json", [options](std::int64_t) { options->format = "json"; }, "as --format json");
  command->footer(kExamples);
  command->callback([&action, options] { action = [options] { return show(*options); }; });
}

}  // namespace sluice::tools
