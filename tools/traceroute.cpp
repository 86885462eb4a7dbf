// `sluice traceroute`: who is on the way, asked by probes whose hop limit grows (RFC 792, RFC 1812 5.3.1).
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "stack/base/random.hpp"
#include "tools/arguments.hpp"
#include "tools/commands.hpp"
#include "tools/echo_text.hpp"
#include "tools/json.hpp"
#include "tools/probing.hpp"
#include "tun/error.hpp"

namespace sluice::tools {
namespace {

constexpr const char* kExamples = R"(Examples:
  sluice traceroute --local 10.77.1.2/24 --peer 10.77.1.1 10.99.0.9     through the kernel's routes
  sluice traceroute --tap --bridge br0 --dhcp --icmp example.com
  sluice traceroute --tcp --port 443 10.99.0.9            SYNs, which firewalls let pass to a server

After a time: !N network unreachable, !H host unreachable, !P protocol unreachable, !X prohibited, !F packet too big.
Exit: 0 when the destination answered, 1 when it did not, 2 for a wrong flag or value or an unknown host.)";

constexpr int kNotReached = 1;
/// Bytes of data in a probe, so that over IPv4 it is the 60 bytes of traceroute(8).
constexpr std::size_t kProbeSize = 32;
/// A UDP socket knows so many destinations when an error comes.
constexpr std::uint32_t kMaximumQueries = 8;
constexpr std::uint32_t kMaximumHops = 255;
constexpr std::uint16_t kFirstUdpPort = 33434;
constexpr std::uint16_t kHttpPort = 80;

struct Options {
  LinkOptions link;
  std::string host;
  bool icmp = false;
  bool tcp = false;
  std::optional<std::uint16_t> port;
  std::uint32_t first = 1;
  std::uint32_t maximum = 30;
  std::uint32_t queries = 3;
  Duration wait = std::chrono::seconds(2);
  bool json = false;
};

/// What came back for a probe.
struct Answer {
  IpAddress from;
  std::optional<ip::IcmpKind> error = std::nullopt;  ///< none: the destination itself spoke
  std::uint8_t code = 0;
  Duration rtt{};
};

struct Probe {
  Time sent{};
  std::optional<Answer> answer = std::nullopt;
  tcp::Socket socket = {};  ///< with --tcp; half-open, and aborted when it goes
};

/// The notes of traceroute(8); empty for what a router or the destination is meant to say.
std::string note_of(const Answer& answer) {
  if (!answer.error) return "";
  switch (*answer.error) {
    case ip::IcmpKind::time_exceeded:
    case ip::IcmpKind::port_unreachable: return "";
    case ip::IcmpKind::network_unreachable: return "!N";
    case ip::IcmpKind::host_unreachable: return "!H";
    case ip::IcmpKind::protocol_unreachable: return "!P";
    case ip::IcmpKind::administratively_prohibited: return "!X";
    case ip::IcmpKind::packet_too_big: return "!F";
    case ip::IcmpKind::source_route_failed: return "!S";
    case ip::IcmpKind::parameter_problem:
    case ip::IcmpKind::unknown: break;
  }
  return fmt::format("!<{}>", answer.code);
}

class Traceroute {
 public:
  Traceroute(Host& host, const Options& options, const IpAddress& destination)
      : host_(host), options_(options), destination_(destination), hop_(options.first) {
    if (options.icmp) {
      Random random(host.key(), KeyUse::icmp, 1);
      identifier_ = static_cast<std::uint16_t>(random.u32());
      host.loop().on_echo([this](const ip::EchoAnswer& answer) { on_echo(answer); });
      return;
    }
    if (options.tcp) {
      host.loop().on_icmp_error([this](const IcmpReport& report) { on_report(report); });
      return;
    }
    auto socket = host.stack().bind_udp({IpAddress::any(destination.family()), 0}, {.report_errors = true});
    if (!socket) throw tun::Error(socket.error(), "no UDP socket");
    socket_ = std::move(*socket);
    host.loop().on(socket_, [this](Readiness) { on_socket(); });
  }

  void begin() {
    if (!options_.json)
      fmt::print("traceroute to {} ({}), {} hops max, {} byte packets\n", options_.host, destination_.to_string(),
                 options_.maximum, kProbeSize + (destination_.is_v6() ? 48 : 28));
    std::fflush(stdout);
    host_.loop().defer([this] { go_on(); });
  }

  bool reached() const noexcept { return reached_; }

  void summarize() const {
    if (!options_.json) return;
    const Json line{
        {"host", options_.host}, {"address", destination_.to_string()}, {"hops", hop_}, {"reached", reached_}};
    fmt::print("{}\n", line.dump());
  }

 private:
  /// The first probe of a hop goes alone, so that a neighbour who has to be asked for first gets all of them.
  void go_on() {
    if (host_.loop().stopping()) return;
    if (probes_.size() == options_.queries) return end_hop();
    const std::size_t count = probes_.empty() ? 1 : options_.queries - probes_.size();
    for (std::size_t i = 0; i < count; ++i) send();
    alarm_ = host_.loop().after(options_.wait, [this] {
      open_ = 0;
      go_on();
    });
  }

  void send() {
    const std::uint32_t number = first_number_ + static_cast<std::uint32_t>(probes_.size());
    probes_.push_back({.sent = host_.loop().now(), .answer = {}});
    ++open_;
    // What can't be sent is a probe without an answer, as one that is lost.
    if (options_.tcp)
      send_syn(number);
    else if (options_.icmp)
      (void)host_.stack().send_echo({.destination = destination_,
                                     .identifier = identifier_,
                                     .sequence = static_cast<std::uint16_t>(number),
                                     .hop_limit = static_cast<std::uint8_t>(hop_),
                                     .size = kProbeSize});
    else
      send_datagram(number);
  }

  void send_syn(std::uint32_t number) {
    tcp::OpenOptions open;
    open.options.hop_limit = static_cast<std::uint8_t>(hop_);
    auto socket = host_.stack().connect({destination_, options_.port.value_or(kHttpPort)}, open);
    if (!socket) return;
    host_.loop().on(*socket, [this, number](Readiness ready) { on_opened(number, ready); });
    probes_.back().socket = std::move(*socket);
  }

  void send_datagram(std::uint32_t number) {
    constexpr std::array<std::uint8_t, kProbeSize> kData{};
    const udp::Outgoing probe{.to = Endpoint{destination_, static_cast<std::uint16_t>(first_port() + number)},
                              .hop_limit = static_cast<std::uint8_t>(hop_),
                              .data = Slice::copy_of(kData)};
    (void)socket_.send({&probe, 1});
  }

  void on_echo(const ip::EchoAnswer& answer) {
    on_answer(answer.sequence, {.from = answer.from, .error = answer.error, .code = answer.code});
  }

  /// SYN,ACK or RST: of the destination itself, or at least of who speaks for it. An abort in this very turn leaves the
  /// handshake unfinished.
  void on_opened(std::uint32_t number, Readiness ready) {
    tcp::Socket* const socket = socket_of(number);
    if (!socket) return;
    const bool refused = any(ready & Readiness::failed) && socket->error() == Errc::connection_refused;
    if (any(ready & Readiness::connected)) socket->abort();
    if (any(ready & Readiness::connected) || refused) on_answer(static_cast<int>(number), {.from = destination_});
  }

  tcp::Socket* socket_of(std::uint32_t number) {
    const bool open = number >= first_number_ && number - first_number_ < probes_.size();
    return open ? &probes_[number - first_number_].socket : nullptr;
  }

  void on_report(const IcmpReport& report) {
    for (std::size_t i = 0; i < probes_.size(); ++i) {
      const auto local = probes_[i].socket ? probes_[i].socket.local() : Result<Endpoint>(Errc::stale_handle);
      if (report.protocol != ip::Protocol::tcp || !local || *local != report.local) continue;
      return on_answer(static_cast<int>(first_number_ + i),
                       {.from = report.reporter, .error = report.kind, .code = report.code});
    }
  }

  std::uint16_t first_port() const noexcept { return options_.port.value_or(kFirstUdpPort); }

  void on_socket() {
    while (const std::optional<udp::ErrorReport> report = socket_.poll_report())
      on_answer(report->to.port - first_port(),
                {.from = report->reporter, .error = report->kind, .code = report->code});
    std::array<udp::Received, 1> one;
    for (Result<std::size_t> count = socket_.receive(one); count && *count > 0; count = socket_.receive(one))
      if (one[0].from.address == destination_) on_answer(one[0].from.port - first_port(), {.from = destination_});
  }

  /// To probe `number`; of an earlier hop it comes too late, and twice the first one counts.
  void on_answer(int number, Answer answer) {
    const std::int64_t index = std::int64_t{number} - first_number_;
    if (index < 0 || index >= static_cast<std::int64_t>(probes_.size())) return;
    Probe& probe = probes_[static_cast<std::size_t>(index)];
    if (probe.answer || open_ == 0) return;
    answer.rtt = host_.loop().now() - probe.sent;
    probe.answer = answer;
    // A firewall on the way may say "port unreachable", too.
    const bool no_port = answer.error == ip::IcmpKind::port_unreachable && answer.from == destination_;
    reached_ |= !answer.error || no_port;
    ended_ |= answer.error != ip::IcmpKind::time_exceeded;
    if (--open_ > 0) return;
    host_.loop().cancel(alarm_);
    go_on();
  }

  void end_hop() {
    if (options_.json)
      show_json();
    else
      show();
    std::fflush(stdout);
    if (ended_ || hop_ == options_.maximum) return host_.loop().stop();
    first_number_ += options_.queries;
    forget_probes();
    ++hop_;
    go_on();
  }

  void forget_probes() {
    for (Probe& probe : probes_) {
      if (!probe.socket) continue;
      host_.loop().off(probe.socket);
      probe.socket.abort();
    }
    probes_.clear();
  }

  void show() const {
    fmt::print("{:2} ", hop_);
    std::optional<IpAddress> named;
    for (const Probe& probe : probes_) {
      if (!probe.answer) {
        fmt::print(" *");
        continue;
      }
      if (named != probe.answer->from) fmt::print(" {}", probe.answer->from.to_string());
      named = probe.answer->from;
      const std::string note = note_of(*probe.answer);
      fmt::print("  {:.3f} ms{}{}", lab::milliseconds(probe.answer->rtt), note.empty() ? "" : " ", note);
    }
    fmt::print("\n");
  }

  void show_json() const {
    Json answers = Json::array();
    for (const Probe& probe : probes_) {
      if (!probe.answer) {
        answers.push_back(nullptr);
        continue;
      }
      Json one{{"from", probe.answer->from.to_string()}, {"rtt_ms", lab::milliseconds(probe.answer->rtt)}};
      if (probe.answer->error)
        one["error"] =
            describe_error({.from = probe.answer->from, .error = probe.answer->error, .code = probe.answer->code});
      answers.push_back(std::move(one));
    }
    fmt::print("{}\n", Json{{"hop", hop_}, {"answers", std::move(answers)}}.dump());
  }

  Host& host_;
  const Options& options_;
  IpAddress destination_;
  std::uint16_t identifier_ = 0;
  udp::Socket socket_;
  std::uint32_t hop_;
  std::uint32_t first_number_ = 0;  ///< of this hop's probes
  std::vector<Probe> probes_;       ///< of this hop
  std::size_t open_ = 0;            ///< of them may still be answered
  tun::EventLoop::Alarm alarm_;
  bool reached_ = false;
  bool ended_ = false;  ///< nothing is behind this hop, or nobody leads there
};

void check(const Options& options) {
  if (options.maximum > kMaximumHops) throw UsageError("--max-hops", "is at most 255");
  if (options.first > options.maximum) throw UsageError("--first", "is at most --max-hops");
  if (options.queries > kMaximumQueries) throw UsageError("--queries", "is at most 8");
  if (options.wait < std::chrono::milliseconds(1)) throw UsageError("--wait", "is at least 1ms");
  if (options.icmp && options.tcp) throw UsageError("--tcp", "and --icmp exclude each other");
  if (options.icmp && options.port) throw UsageError("--port", "is for UDP and TCP");
  const std::uint32_t probes = (options.maximum - options.first + 1) * options.queries;
  const bool udp = !options.icmp && !options.tcp;
  if (udp && options.port.value_or(kFirstUdpPort) + probes > 65536)
    throw UsageError("--port", fmt::format("is at most {} here: each probe has a port of its own", 65536 - probes));
}

int traceroute(const Options& options) {
  check(options);
  const ProbeTarget target(options.host, options.link);
  Host host(options.link, Role::client);
  Traceroute trace(host, options, target.on(host));
  host.loop().stop_on({SIGINT, SIGTERM});
  trace.begin();
  if (!run_probes(host, "traceroute")) return kProbeTrouble;
  trace.summarize();
  return trace.reached() ? kSuccess : kNotReached;
}

}  // namespace

void add_traceroute(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("traceroute", "Show who is on the way to a host, from a stack of its own");
  const auto options = std::make_shared<Options>();
  command->add_option("HOST", options->host, "an address, or a name that the system knows")->required();
  command->add_flag("-I,--icmp", options->icmp, "probe with ICMP echo requests, not with UDP");
  command->add_flag("-T,--tcp", options->tcp, "probe with TCP SYNs: what answers is reset, never opened");
  add_value(*command, "-p,--port", options->port, parse_port, "PORT",
            "of the first UDP probe, from which it rises [33434]; of all TCP probes [80]");
  add_value(*command, "-f,--first", options->first, parse_count, "N", "the first hop [1]");
  add_value(*command, "-m,--max-hops", options->maximum, parse_count, "N", "the last hop [30]");
  add_value(*command, "-q,--queries", options->queries, parse_count, "N", "probes of a hop, 1 to 8 [3]");
  add_value(*command, "-w,--wait", options->wait, lab::parse_time, "TIME", "for an answer [2s]");
  command->add_flag("--json", options->json, "a line of JSON a hop, and one at the end");
  add_link_options(*command, options->link, Role::client);
  command->footer(kExamples);
  command->callback([&action, options] {
    action = [options] { return guarded("traceroute", [&] { return traceroute(*options); }); };
  });
}

}  // namespace sluice::tools
