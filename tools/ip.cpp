// `sluice ip`: addresses, routes and neighbours of a running instance.
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
  sluice ip                 of the only instance that runs
  sluice ip --json | jq '.neighbours[] | select(.state == "stale")')";

struct Options {
  std::string name;
  bool json = false;
};

int list(const Options& options) {
  const Json report = ask_instance(options.name, {{"command", "ip"}});
  fmt::print("{}", options.json ? report.dump() + "\n" : ip_text(report));
  return kSuccess;
}

}  // namespace

void add_ip(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("ip", "List addresses, routes and neighbours of a running sluice");
  const auto options = std::make_shared<Options>();
  command->add_option("NAME", options->name, "of the instance [the only one]");
  command->add_flag("--json", options->json, "one line of JSON");
  command->footer(kExamples);
  command->callback([&action, options] { action = [options] { return list(*options); }; });
}

}  // namespace sluice::tools
