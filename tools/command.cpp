// From argv to an exit code.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "tools/commands.hpp"
#include "tools/usage_error.hpp"
#include "tun/error.hpp"

namespace sluice::tools {
namespace {

constexpr const char* kExamples = R"(Examples:
  sluice serve --http 80 --root . --tcp-echo 7     a stack with services
  sluice ss                                        its connections
  sluice stats --format prometheus                 its counters
  sluice get http://10.77.1.1:8000/                a client on a stack of its own
  sluice ws ws://10.77.1.1:8000/chat               a WebSocket, line by line
  sluice replay trace.pcap                         what this stack would have said in a capture
  sluice explain trace.pcap                        a capture as a ladder, with what each packet does
  sluice drill tests/drill                         packetdrill scripts, in virtual time
  sluice serve --help                              all flags of a subcommand, with examples)";

/// "sluice capture start" for whichever subcommand was being parsed.
std::string command_name(const CLI::App& app) {
  std::string name = app.get_name();
  for (const CLI::App* chosen : app.get_subcommands()) name += " " + command_name(*chosen);
  return name;
}

int complain(const CLI::App& app, const std::string& sentence) {
  const std::string name = command_name(app);
  fmt::print(stderr, "{}: {} (see {} --help)\n", name, sentence, name);
  return kUsage;
}

}  // namespace

int run(int argc, const char* const* argv) {
  CLI::App app("A TCP/IP stack in user space, with HTTP and WebSocket on top.", "sluice");
  Action action;
  app.set_version_flag("--version", std::string("sluice ") + SLUICE_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(28);
  app.footer(kExamples);
  for (auto* add : {add_serve, add_get, add_nc, add_ws, add_ping, add_traceroute, add_arping, add_ss, add_stats, add_ip,
                    add_capture, add_replay, add_explain, add_drill})
    add(app, action);
  try {
    app.parse(argc, argv);
    return action();
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked);
  } catch (const CLI::RequiredError& error) {
    const std::vector<std::string> unknown = app.remaining();
    return complain(app, unknown.empty() ? error.what() : "there is no subcommand " + unknown.front());
  } catch (const CLI::Error& error) {
    return complain(app, error.what());
  } catch (const UsageError& error) {
    return complain(app, error.what());
  } catch (const tun::Error& error) {
    fmt::print(stderr, "{}: {}\n", command_name(app), error.what());
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}: unexpected: {}\n", command_name(app), error.what());
  }
  return kFailure;
}

}  // namespace sluice::tools
