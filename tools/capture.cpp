// `sluice capture`: captures that begin and end while an instance runs.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>
#include <string>

#include "lab/units.hpp"
#include "tools/arguments.hpp"
#include "tools/commands.hpp"
#include "tools/control_client.hpp"

namespace sluice::tools {
namespace {

constexpr const char* kExamples = R"(Examples:
  sluice capture start run.pcapng               until it is stopped
  sluice capture start run.pcapng --size 64MiB  run.pcapng and run.1.pcapng of 64 MiB at most
  sluice capture stop

Why each segment left stands in the capture only if the instance began with --capture or --trace.)";

struct Options {
  std::string name;
  std::string file;
  std::uint64_t size = 0;
  std::uint32_t files = 2;
  bool json = false;
};

int start(const Options& options) {
  // The instance writes the file: it must mean the same file there.
  const std::string path = std::filesystem::absolute(options.file).string();
  const Json answer = ask_instance(
      options.name, {{"command", "capture_start"}, {"file", path}, {"size", options.size}, {"files", options.files}});
  if (options.json)
    fmt::print("{}\n", answer.dump());
  else
    fmt::print("{} captures into {}\n", answer.value("name", ""), path);
  return kSuccess;
}

int stop(const Options& options) {
  const Json answer = ask_instance(options.name, {{"command", "capture_stop"}});
  if (options.json)
    fmt::print("{}\n", answer.dump());
  else
    fmt::print("{} packets in {}\n", answer.at("packets").dump(), answer.value("file", ""));
  return kSuccess;
}

}  // namespace

void add_capture(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("capture", "Begin and end captures of a running sluice");
  command->require_subcommand(1);
  command->footer(kExamples);
  const auto options = std::make_shared<Options>();

  CLI::App* begin = command->add_subcommand("start", "Capture into FILE from now on");
  begin->add_option("FILE", options->file, "pcapng")->required();
  begin->add_option("NAME", options->name, "of the instance [the only one]");
  add_value(*begin, "--size", options->size, lab::parse_size, "SIZE", "begin a new file at this size [never]");
  add_value(*begin, "--files", options->files, parse_count, "N", "files kept then [2]");
  begin->add_flag("--json", options->json, "one line of JSON");
  begin->footer(kExamples);
  begin->callback([&action, options] { action = [options] { return start(*options); }; });

  CLI::App* end = command->add_subcommand("stop", "End the capture");
  end->add_option("NAME", options->name, "of the instance [the only one]");
  end->add_flag("--json", options->json, "one line of JSON");
  end->callback([&action, options] { action = [options] { return stop(*options); }; });
}

}  // namespace sluice::tools
