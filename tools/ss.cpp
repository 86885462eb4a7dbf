// `sluice ss`: the sockets of a running instance.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <memory>
#include <string>

#include "tools/commands.hpp"
#include "tools/control_client.hpp"
#include "tools/report.hpp"

namespace sluice::tools {
namespace {

constexpr const char* kExamples = R"(Examples:
  sluice ss                 of the only instance that runs
  sluice ss -i sluice0      with round-trip times, windows and counts
  sluice ss --json | jq '.sockets[].state')";

struct Options {
  std::string name;
  bool info = false;
  bool json = false;
};

int list(const Options& options) {
  const Json report = ask_instance(options.name, {{"command", "sockets"}});
  fmt::print("{}", options.json ? report.dump() + "\n" : sockets_text(report, options.info));
  return kSuccess;
}

}  // namespace

void add_ss(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("ss", "List the sockets of a running sluice");
  const auto options = std::make_shared<Options>();
  command->add_option("NAME", options->name, "of the instance [the only one]");
  command->add_flag("-i,--info", options->info, "a second line for each connection");
  command->add_flag("--json", options->json, "one line of JSON");
  command->footer(kExamples);
  command->callback([&action, options] { action = [options] { return list(*options); }; });
}

}  // namespace sluice::tools
