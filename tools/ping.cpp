// `sluice ping`: ICMP echo requests from an address of our own.
#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unordered_map>

#include "stack/base/random.hpp"
#include "tools/arguments.hpp"
#include "tools/commands.hpp"
#include "tools/echo_text.hpp"
#include "tools/json.hpp"
#include "tools/probing.hpp"

namespace sluice::tools {
namespace {

constexpr const char* kExamples = R"(Examples:
  sluice ping -c 3 10.77.1.1                the kernel at the other end of the link
  sluice ping --tap --bridge br0 --dhcp -c 3 example.com
  sluice ping -c 100 -i 10ms --loss 5% --delay 20ms --jitter 5ms --seed again 10.77.1.1

Exit: 0 when an answer came, 1 when none did, 2 for a wrong flag or value or an unknown host.)";

constexpr int kNoAnswer = 1;

struct Options {
  LinkOptions link;
  std::string host;
  std::optional<std::uint32_t> count;
  Duration interval = std::chrono::seconds(1);
  Duration wait = std::chrono::seconds(2);
  std::uint64_t size = 56;
  bool json = false;
};

struct Tally {
  std::uint32_t sent = 0;
  std::uint32_t received = 0;
  std::uint32_t duplicates = 0;
  std::uint32_t errors = 0;
  double least = 0, most = 0, sum = 0, squares = 0;  // milliseconds

  void add(double rtt) {
    least = received == 0 ? rtt : std::min(least, rtt);
    most = std::max(most, rtt);
    sum += rtt;
    squares += rtt * rtt;
    ++received;
  }
  double mean() const { return received == 0 ? 0 : sum / received; }
  double deviation() const {
    return received == 0 ? 0 : std::sqrt(std::max(0.0, squares / received - mean() * mean()));
  }
  double loss() const { return sent == 0 ? 0 : 1 - static_cast<double>(received) / sent; }
};

class Ping {
 public:
  Ping(Host& host, const Options& options, const ip::EchoRequest& request)
      : host_(host), options_(options), request_(request) {
    host.loop().on_echo([this](const ip::EchoAnswer& answer) { on_answer(answer); });
  }

  void begin() {
    if (!options_.json)
      fmt::print("PING {} from {}: {} bytes of data\n", request_.destination.to_string(), request_.source->to_string(),
                 options_.size);
    began_ = host_.loop().now();
    host_.loop().defer([this] { send(); });
  }

  const Tally& tally() const noexcept { return tally_; }

  void summarize() const {
    const Duration took = host_.loop().now() - began_;
    if (options_.json) return print(summary(took));
    fmt::print("--- {} ping statistics ---\n", options_.host);
    fmt::print("{} packets transmitted, {} received{}{}, {:.4g}% packet loss, time {:.0f}ms\n", tally_.sent,
               tally_.received, tally_.duplicates ? fmt::format(", +{} duplicates", tally_.duplicates) : "",
               tally_.errors ? fmt::format(", +{} errors", tally_.errors) : "", tally_.loss() * 100,
               lab::milliseconds(took));
    if (tally_.received > 0)
      fmt::print("rtt min/avg/max/mdev = {:.3f}/{:.3f}/{:.3f}/{:.3f} ms\n", tally_.least, tally_.mean(), tally_.most,
                 tally_.deviation());
  }

 private:
  static void print(const Json& line) { fmt::print("{}\n", line.dump()); }

  void send() {
    tun::EventLoop& loop = host_.loop();
    if (loop.stopping()) return;
    request_.sequence = static_cast<std::uint16_t>(++tally_.sent);
    under_way_[request_.sequence] = loop.now();
    if (const Result<void> sent = host_.stack().send_echo(request_); !sent) on_refusal(sent.error());
    if (options_.count && tally_.sent >= *options_.count)
      loop.after(options_.wait, [this] { host_.loop().stop(); });
    else
      loop.after(options_.interval, [this] { send(); });
  }

  /// As iputils does, what can't be sent is told and counted, and the next one is tried all the same.
  void on_refusal(Errc error) {
    under_way_.erase(request_.sequence);
    ++tally_.errors;
    if (options_.json) return print({{"sequence", request_.sequence}, {"error", describe(error)}});
    fmt::print("sluice ping: local error: {}\n", describe(error));
    std::fflush(stdout);
  }

  void on_answer(const ip::EchoAnswer& answer) {
    const auto found = under_way_.find(answer.sequence);
    const bool known = found != under_way_.end();
    const double rtt = known ? lab::milliseconds(host_.loop().now() - found->second) : 0;
    if (known) under_way_.erase(found);
    if (answer.error) {
      ++tally_.errors;
    } else if (known) {
      tally_.add(rtt);
    } else {
      ++tally_.duplicates;
    }
    show(answer, known, rtt);
    const bool all_sent = options_.count && tally_.sent >= *options_.count;
    if (all_sent && under_way_.empty()) host_.loop().stop();
  }

  void show(const ip::EchoAnswer& answer, bool known, double rtt) const {
    if (options_.json) {
      Json line{{"from", answer.from.to_string()}, {"sequence", answer.sequence}};
      if (answer.error)
        line["error"] = describe_error(answer);
      else if (known)
        line.update({{"bytes", answer.size}, {"ttl", answer.hop_limit}, {"rtt_ms", rtt}});
      else
        line["duplicate"] = true;
      print(line);
    } else if (answer.error) {
      fmt::print("From {} icmp_seq={} {}\n", answer.from.to_string(), answer.sequence, describe_error(answer));
    } else {
      fmt::print("{} bytes from {}: icmp_seq={} ttl={} {}\n", answer.size, answer.from.to_string(), answer.sequence,
                 answer.hop_limit, known ? fmt::format("time={:.3f} ms", rtt) : "(DUP!)");
    }
    std::fflush(stdout);
  }

  Json summary(Duration took) const {
    return {{"host", options_.host},
            {"sent", tally_.sent},
            {"received", tally_.received},
            {"duplicates", tally_.duplicates},
            {"errors", tally_.errors},
            {"loss", tally_.loss()},
            {"time_ms", lab::milliseconds(took)},
            {"rtt_min_ms", tally_.least},
            {"rtt_avg_ms", tally_.mean()},
            {"rtt_max_ms", tally_.most},
            {"rtt_mdev_ms", tally_.deviation()}};
  }

  Host& host_;
  const Options& options_;
  ip::EchoRequest request_;
  Tally tally_;
  Time began_{};
  std::unordered_map<std::uint16_t, Time> under_way_;
};

int ping(const Options& options) {
  if (options.interval < std::chrono::milliseconds(1)) throw UsageError("--interval", "is at least 1ms");
  const ProbeTarget target(options.host, options.link);
  Host host(options.link, Role::client);
  const IpAddress destination = target.on(host);
  const Result<IpAddress> source = host.stack().ip().select_source(destination);
  if (!source) throw UsageError(std::string(describe(source.error())));
  const std::size_t headers = destination.is_v6() ? 48 : 28;
  if (options.size + headers > host.device().mtu())
    throw UsageError("--size",
                     fmt::format("is at most {} here, the MTU less the headers", host.device().mtu() - headers));

  Random random(host.key(), KeyUse::icmp, 1);
  const auto identifier = static_cast<std::uint16_t>(random.u32());
  Ping pinging(host, options,
               {.destination = destination, .identifier = identifier, .size = options.size, .source = *source});
  host.loop().stop_on({SIGINT, SIGTERM});
  pinging.begin();
  if (!run_probes(host, "ping")) return kProbeTrouble;
  pinging.summarize();
  return pinging.tally().received > 0 ? kSuccess : kNoAnswer;
}

}  // namespace

void add_ping(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("ping", "Send ICMP echo requests, from a stack of its own");
  const auto options = std::make_shared<Options>();
  command->add_option("HOST", options->host, "an address, or a name that the system knows")->required();
  add_value(*command, "-c,--count", options->count, parse_count, "N", "end after so many [SIGINT]");
  add_value(*command, "-i,--interval", options->interval, lab::parse_time, "TIME", "between two of them [1s]");
  add_value(*command, "-s,--size", options->size, lab::parse_size, "SIZE", "of the payload [56]");
  add_value(*command, "-W,--wait", options->wait, lab::parse_time, "TIME", "for the last answer [2s]");
  command->add_flag("--json", options->json, "a line of JSON an answer, and one at the end");
  add_link_options(*command, options->link, Role::client);
  command->footer(kExamples);
  command->callback(
      [&action, options] { action = [options] { return guarded("ping", [&] { return ping(*options); }); }; });
}

}  // namespace sluice::tools
