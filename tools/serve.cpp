// `sluice serve`: the flags, and the life of an instance.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <optional>
#include <utility>

#include "tools/arguments.hpp"
#include "tools/commands.hpp"
#include "tools/control_paths.hpp"
#include "tools/instance.hpp"

namespace sluice::tools {
namespace {

constexpr const char* kExamples = R"(Examples:
  sluice serve --http 80 --root public --ws-echo /echo --tcp-echo 7 --udp-echo 7
      then, on the same machine: ping 10.77.0.2; curl http://10.77.0.2/
  sluice serve --http 80 --ws-chat /chat
      then, in a browser on the same machine: http://10.77.0.2/chat
  sluice serve --https 443 --root public --ws-echo /echo
      then: curl --insecure https://10.77.0.2/
  sluice serve --netns lab --local 10.1.0.2/24 --peer 10.1.0.1 --tcp-echo 7 --capture run.pcapng
  sluice serve --tcp-echo 7 --loss 1% --delay 20ms --jitter 2ms --rate 10mbit --queue 64KiB --seed again

SIGINT or SIGTERM closes the connections in good order and ends it; a second one ends it at once. With --https SIGHUP
reads the certificate again (or makes a new one) for connections to come, and SSLKEYLOGFILE names a file for secrets.
Without the right to make a device it runs in a user and network namespace of its own, and says how to get in.)";

lab::Parsed<std::string> parse_name(std::string_view text) {
  const auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  };
  if (!text.empty() && text.size() <= 32 && text.front() != '.' && std::all_of(text.begin(), text.end(), allowed))
    return std::string(text);
  return lab::Parsed<std::string>::failed(
      fmt::format("\"{}\" is not a name of up to 32 letters, digits, '-', '_' and '.'", text));
}

/// Without a '/' at its end, so that "/ws" can follow.
lab::Parsed<std::string> parse_chat_path(std::string_view text) {
  lab::Parsed<std::string> path = parse_url_path(text);
  if (path && (*path).ends_with('/'))
    return lab::Parsed<std::string>::failed("is a path such as /chat, without / at its end");
  return path;
}

/// A time in which something can still happen.
lab::Parsed<Duration> parse_patience(std::string_view text) {
  lab::Parsed<Duration> time = lab::parse_time(text);
  if (time && *time < std::chrono::milliseconds(1)) return lab::Parsed<Duration>::failed("is at least 1ms");
  return time;
}

CLI::Option* service(CLI::Option* option) { return option->group("Services, on all addresses of the stack"); }

void add_http(CLI::App& app, ServeOptions& options) {
  service(add_value(app, "--http", options.http, parse_port, "PORT",
                    "HTTP/1.1: files of --root, and PUT or POST to /upload"));
  service(add_value(app, "--https", options.https, parse_port, "PORT", "the same over TLS 1.2 and 1.3"));
  service(app.add_option("--tls-cert", options.tls_certificates,
                         "of --https: PEM, the server's certificate first [a self-signed one]")
              ->type_name("FILE"));
  service(app.add_option("--tls-key", options.tls_key, "its key: PEM, without a password")->type_name("FILE"));
  service(app.add_option("--root", options.root, "the directory that they serve")->type_name("DIR"));
  service(add_value(app, "--cache", options.cache, parse_age, "SECONDS",
                    "for which clients may keep its files unasked; 0: ask each time [nothing is said]"));
  service(
      app.add_flag("--no-precompressed", options.no_precompressed, "serve no FILE.br or FILE.gz in the place of FILE"));
}

void add_http_limits(CLI::App& app, ServeOptions& options) {
  service(
      add_value(app, "--body-limit", options.body_limit, lab::parse_size, "SIZE", "of a request; more is 413 [1GiB]"));
  service(add_value(app, "--head-time", options.head_time, lab::parse_time, "TIME",
                    "for a request's head to arrive; then 408 [10s]"));
  service(add_value(app, "--idle-time", options.idle_time, parse_patience, "TIME",
                    "without a request until a connection is closed [60s]"));
  service(add_value(app, "--keep-alive-requests", options.requests, parse_count, "N",
                    "of one connection; the last answer closes it [any number]"));
}

void add_websocket(CLI::App& app, ServeOptions& options) {
  service(add_value(app, "--ws-echo", options.ws_echo, parse_url_path, "PATH",
                    "a WebSocket echo on the --http and --https ports"));
  service(add_value(app, "--ws-chat", options.ws_chat, parse_chat_path, "PATH",
                    "a page to chat with on these ports, and its WebSocket at PATH/ws"));
  service(app.add_option("--ws-origin", options.ws_origins,
                         "pages that may connect to these: https://example.org, or any [the same origin]")
              ->type_name("ORIGIN"));
  service(app.add_flag("--ws-no-deflate", options.ws_no_deflate, "accept no compression (permessage-deflate)"));
}

void add_services(CLI::App& app, ServeOptions& options) {
  add_http(app, options);
  add_http_limits(app, options);
  add_websocket(app, options);
  service(add_value(app, "--tcp-echo", options.tcp_echo, parse_port, "PORT", "what comes goes back"));
  service(add_value(app, "--tcp-discard", options.tcp_discard, parse_port, "PORT", "what comes is dropped"));
  service(add_value(app, "--udp-echo", options.udp_echo, parse_port, "PORT", "each datagram goes back"));
}

void check(const ServeOptions& options) {
  const bool web = options.http || options.https;
  if (!web && !options.root.empty()) throw UsageError("--root", "needs --http or --https");
  if (options.root.empty() && options.cache) throw UsageError("--cache", "needs --root");
  if (options.root.empty() && options.no_precompressed) throw UsageError("--no-precompressed", "needs --root");
  if (!web && options.requests > 0) throw UsageError("--keep-alive-requests", "needs --http or --https");
  if (!web && !options.ws_echo.empty()) throw UsageError("--ws-echo", "needs --http or --https");
  if (!web && !options.ws_chat.empty()) throw UsageError("--ws-chat", "needs --http or --https");
  if (!options.ws_echo.empty() && (options.ws_echo == options.ws_chat || options.ws_echo == options.ws_chat + "/ws"))
    throw UsageError("--ws-chat", "has the path of --ws-echo");
  if (options.tls_certificates.empty() != options.tls_key.empty())
    throw UsageError("--tls-cert", "and --tls-key need each other");
  if (!options.https && !options.tls_key.empty()) throw UsageError("--tls-cert", "needs --https");
  if (options.https && options.https == options.http) throw UsageError("--https", "has the port of --http");
  if (options.tcp_echo && options.tcp_echo == options.http) throw UsageError("--tcp-echo", "has the port of --http");
  for (const auto& other : {options.tcp_echo, options.tcp_discard})
    if (other && other == options.https) throw UsageError("--https", "has the port of another service");
  if (options.tcp_discard && (options.tcp_discard == options.http || options.tcp_discard == options.tcp_echo))
    throw UsageError("--tcp-discard", "has the port of another service");
}

/// What needs all packets in one place, or is not shared among threads.
void check_shards(const ServeOptions& options) {
  if (options.shards == 1) return;
  const std::pair<const char*, bool> alone[] = {{"--tap", options.link.tap},
                                                {"--also", !options.link.also.empty()},
                                                {"--trace", !options.link.trace.empty()},
                                                {"--ws-chat", !options.ws_chat.empty()},
                                                {"a bad link", !options.link.impairment.is_clear()}};
  for (const auto& [flag, given] : alone)
    if (given) throw UsageError("--shards", fmt::format("above 1 does not go with {}", flag));
}

int serve(ServeOptions options) {
  check(options);
  check_shards(options);
  options.control_folders = control_folders();  // as the user who asks, not as root of a namespace
  Host host(options.link, Role::server, {.place = {.number = 0, .count = options.shards}});
  std::optional<Shards> others;
  if (options.shards > 1) others.emplace(host, options);
  Instance instance(host, options, others ? &*others : nullptr);
  tun::EventLoop& loop = host.loop();
  loop.stop_on({SIGINT, SIGTERM});
  loop.on_stop([&] { instance.shut_down(); });
  instance.announce();
  if (others) others->start();
  Result<void> result = loop.run();
  if (others) result = others->finish(result);
  if (options.verbose) instance.summarize();
  if (host.trace() && !host.trace()->error().empty()) fmt::print(stderr, "sluice serve: {}\n", host.trace()->error());
  if (result) return kSuccess;
  fmt::print(stderr, "sluice serve: the device {} is gone: {}\n", host.device().name(), describe(result.error()));
  return kFailure;
}

}  // namespace

void add_serve(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("serve", "Run a stack over a TUN device, with services on it");
  const auto options = std::make_shared<ServeOptions>();
  add_services(*command, *options);
  add_link_options(*command, options->link, Role::server);
  add_value(*command, "--shards", options->shards, parse_shards, "N",
            "threads, each with a stack and a queue of the TUN, that share the connections [1]");
  add_value(*command, "--name", options->name, parse_name, "NAME", "how ss, stats and capture find it [the device's]");
  command->add_flag("--json", options->json, "what it says is JSON lines");
  command->add_flag("-v,--verbose", options->verbose, "requests, and the counters at the end, on stderr");
  command->footer(kExamples);
  command->callback([&action, options] { action = [options] { return serve(*options); }; });
}

}  // namespace sluice::tools
