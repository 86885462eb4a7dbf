// The subcommands of `sluice`: each adds its flags to the parser, and itself to what may run.
#pragma once

#include <functional>

namespace CLI {  // NOLINT(readability-identifier-naming): the library's own name
class App;
}

namespace sluice::tools {

/// What every subcommand returns to the shell. `get`, `nc` and `ping` add what users of curl, nc and ping expect.
inline constexpr int kSuccess = 0;
inline constexpr int kFailure = 1;
inline constexpr int kUsage = 2;

/// What a chosen subcommand does once all flags are read.
using Action = std::function<int()>;

// When its subcommand is chosen, each leaves in `action` what is to be done. `action` outlives the parsing.
void add_serve(CLI::App& app, Action& action);
void add_get(CLI::App& app, Action& action);
void add_nc(CLI::App& app, Action& action);
void add_ws(CLI::App& app, Action& action);
void add_ping(CLI::App& app, Action& action);
void add_traceroute(CLI::App& app, Action& action);
void add_arping(CLI::App& app, Action& action);
void add_ss(CLI::App& app, Action& action);
void add_stats(CLI::App& app, Action& action);
void add_ip(CLI::App& app, Action& action);
void add_capture(CLI::App& app, Action& action);
void add_replay(CLI::App& app, Action& action);
void add_explain(CLI::App& app, Action& action);
void add_drill(CLI::App& app, Action& action);

/// The whole command: parses, acts, and turns what is thrown into one sentence on stderr and an exit code: 2 for flags
/// and values, 1 for what failed while running, or the subcommand's own.
int run(int argc, const char* const* argv);

}  // namespace sluice::tools
