// `sluice arping`: who has an IPv4 address on this Ethernet (RFC 826), and whether nobody has (RFC 5227 2.1.1).
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tools/arguments.hpp"
#include "tools/commands.hpp"
#include "tools/json.hpp"
#include "tools/probing.hpp"

namespace sluice::tools {
namespace {

constexpr const char* kExamples = R"(Examples:
  sluice arping --tap --bridge br0 --local 10.88.0.8/24 -c 3 10.88.0.1
  sluice arping --tap --bridge br0 -D 10.88.0.9        is it free?

Exit: 0 when an answer came, 1 when none did; with -D 0 when none came and 1 when the address is taken; 2 for a wrong
flag or value.)";

/// RFC 5227 1.1: PROBE_NUM.
constexpr std::uint32_t kProbes = 3;

struct Options {
  LinkOptions link;
  std::string target;
  std::optional<std::uint32_t> count;
  Duration interval = std::chrono::seconds(1);
  Duration wait = std::chrono::seconds(1);
  bool duplicate = false;
  bool json = false;
};

class Arping {
 public:
  Arping(Host& host, const Options& options, const IpAddress& source, const IpAddress& target)
      : host_(host), options_(options), source_(source), target_(target) {
    host.stack().link()->watch_arp(target);
    host.loop().on_arp([this](const wire::arp::Packet& packet) { on_arp(packet); });
  }

  void begin() {
    if (!options_.json) fmt::print("ARPING {} from {}\n", target_.to_string(), source_.to_string());
    std::fflush(stdout);
    host_.loop().defer([this] { ask(); });
  }

  std::uint32_t received() const noexcept { return received_; }

  void summarize() const {
    if (options_.json) {
      const Json line{{"target", target_.to_string()}, {"sent", sent_}, {"received", received_}};
      fmt::print("{}\n", line.dump());
    } else {
      fmt::print("Sent {} request{}, received {} answer{}\n", sent_, sent_ == 1 ? "" : "s", received_,
                 received_ == 1 ? "" : "s");
    }
  }

 private:
  void ask() {
    tun::EventLoop& loop = host_.loop();
    if (loop.stopping()) return;
    const ip::Link& link = *host_.stack().link();
    host_.stack().link()->send_arp({.operation = wire::arp::Operation::request,
                                    .sender_mac = link.mac(),
                                    .sender = source_,
                                    .target_mac = MacAddress(),
                                    .target = target_},
                                   MacAddress::broadcast());
    asked_at_ = loop.now();
    waiting_ = true;
    ++sent_;
    if (options_.count && sent_ >= *options_.count)
      loop.after(options_.wait, [this] { host_.loop().stop(); });
    else
      loop.after(options_.interval, [this] { ask(); });
  }

  /// Who probes an address takes any word from it for a conflict; else only a reply to us is an answer.
  void on_arp(const wire::arp::Packet& packet) {
    const bool reply = packet.operation == wire::arp::Operation::reply && packet.target == source_;
    if (sent_ == 0 || (!reply && !options_.duplicate)) return;
    ++received_;
    show(packet, host_.loop().now() - asked_at_);
    const bool all_sent = options_.count && sent_ >= *options_.count;
    if (options_.duplicate || (all_sent && waiting_)) host_.loop().stop();
    waiting_ = false;
  }

  void show(const wire::arp::Packet& packet, Duration took) const {
    if (options_.json) {
      const Json line{{"from", packet.sender.to_string()},
                      {"mac", packet.sender_mac.to_string()},
                      {"rtt_ms", lab::milliseconds(took)}};
      fmt::print("{}\n", line.dump());
    } else {
      fmt::print("Reply from {} [{}]  {:.3f} ms\n", packet.sender.to_string(), packet.sender_mac.to_string(),
                 lab::milliseconds(took));
    }
    std::fflush(stdout);
  }

  Host& host_;
  const Options& options_;
  IpAddress source_;
  IpAddress target_;
  Time asked_at_{};
  bool waiting_ = false;  ///< nobody answered the latest request yet
  std::uint32_t sent_ = 0;
  std::uint32_t received_ = 0;
};

/// Where a request comes from; a probe comes from nobody [R5227-2.1.1-1].
IpAddress source_of(Host& host, const IpAddress& target, bool duplicate) {
  if (duplicate) return IpAddress::any(Family::ipv4);
  const Result<IpAddress> source = host.stack().ip().select_source(target);
  if (!source) throw UsageError("the stack has no address on the network of " + target.to_string() + " (see --local)");
  return *source;
}

int arping(Options options) {
  const std::optional<IpAddress> target = IpAddress::parse(options.target);
  if (!target || !target->is_v4() || target->is_invalid_source())
    throw UsageError(fmt::format("{} is no IPv4 address of a host", options.target));
  if (!options.link.tap) throw UsageError("--tap", "is needed, for there is ARP only on an Ethernet");
  if (options.interval < std::chrono::milliseconds(1)) throw UsageError("--interval", "is at least 1ms");
  if (options.duplicate && !options.count) options.count = kProbes;
  Host host(options.link, Role::client);
  Arping asking(host, options, source_of(host, *target, options.duplicate), *target);
  host.loop().stop_on({SIGINT, SIGTERM});
  asking.begin();
  if (!run_probes(host, "arping")) return kProbeTrouble;
  asking.summarize();
  return (asking.received() > 0) != options.duplicate ? kSuccess : kFailure;
}

}  // namespace

void add_arping(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("arping", "Ask by ARP who has an address, from a stack on a TAP");
  const auto options = std::make_shared<Options>();
  command->add_option("ADDRESS", options->target, "an IPv4 address")->required();
  add_value(*command, "-c,--count", options->count, parse_count, "N", "end after so many [SIGINT; with -D 3]");
  add_value(*command, "-i,--interval", options->interval, lab::parse_time, "TIME", "between two of them [1s]");
  add_value(*command, "-w,--wait", options->wait, lab::parse_time, "TIME", "for the last answer [1s]");
  command->add_flag("-D,--detect", options->duplicate, "look whether the address is taken, as from nobody");
  command->add_flag("--json", options->json, "a line of JSON an answer, and one at the end");
  add_link_options(*command, options->link, Role::client);
  command->footer(kExamples);
  command->callback(
      [&action, options] { action = [options] { return guarded("arping", [&] { return arping(*options); }); }; });
}

}  // namespace sluice::tools
