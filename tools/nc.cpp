// `sluice nc`: standard input and output over TCP or UDP of our stack.
#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <array>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "tools/arguments.hpp"
#include "tools/commands.hpp"
#include "tools/netcat.hpp"
#include "tools/resolve.hpp"
#include "tun/error.hpp"

namespace sluice::tools {
namespace {

constexpr const char* kExamples = R"(Examples:
  echo hello | sluice nc 10.77.1.1 7        to the kernel's side of the link
  sluice nc -l 7000 > file                  the kernel sends: nc -N 10.77.1.2 7000 < file
  echo ping | sluice nc -u -w 1s 10.77.1.1 5353

The end of standard input ends our direction (FIN); the peer's may go on. Exit: 0 when both directions ended
well, 1 when the connection failed or could not be made, 2 for a wrong flag or value.)";

struct Options {
  LinkOptions link;
  NetcatOptions netcat;
  std::vector<std::string> where;
};

std::uint16_t checked_port(const std::string& text) {
  const auto port = parse_port(text);
  if (!port) throw UsageError(port.error);
  return *port;
}

int netcat(Options options) {
  const bool host_given = options.where.size() == 2;
  if (!host_given && !(options.netcat.listen && options.where.size() == 1))
    throw UsageError(options.netcat.listen ? "give [HOST] PORT" : "give HOST and PORT");
  const std::uint16_t port = checked_port(options.where.back());
  std::vector<IpAddress> addresses;
  const bool by_stack = host_given && is_for_stack(options.where.front(), options.link);
  if (host_given && !by_stack) addresses = resolve(options.where.front());
  if (host_given && !by_stack && addresses.empty())
    throw tun::Error(Errc::not_found, fmt::format("no address is known for {}", options.where.front()));
  std::signal(SIGPIPE, SIG_IGN);
  Host host(options.link, Role::client);
  if (by_stack) addresses = addresses_over(host, options.where.front(), options.link);
  addresses = host_given ? by_preference(addresses, host) : std::vector<IpAddress>{IpAddress::any(Family::ipv6)};
  return run_netcat(host, addresses, port, options.netcat);
}

}  // namespace

void add_nc(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("nc", "Connect standard input and output, on a stack of its own");
  const auto options = std::make_shared<Options>();
  command->add_option("WHERE", options->where, "HOST PORT, or with -l [HOST] PORT")->required()->expected(1, 2);
  command->add_flag("-l,--listen", options->netcat.listen, "wait for one peer instead of connecting");
  command->add_flag("-u,--udp", options->netcat.udp, "datagrams: each read of standard input is one");
  add_value(*command, "-w,--wait", options->netcat.wait, lab::parse_time, "TIME",
            "give up connecting after this, and end after so much silence [never; UDP: 1s after the input's end]");
  command->add_flag("-v,--verbose", options->netcat.verbose, "say on stderr who is connected");
  add_link_options(*command, options->link, Role::client);
  command->footer(kExamples);
  command->callback([&action, options] { action = [options] { return netcat(*options); }; });
}

}  // namespace sluice::tools
