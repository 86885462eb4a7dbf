// Counters, gauges and sockets to JSON and to text.
#include "tools/report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "lab/units.hpp"

namespace sluice::tools {
namespace {

template <class Enum>
Json json_of(const Counters<Enum>& counters) {
  Json all = Json::object();
  counters.for_each([&](std::string_view counter, std::uint64_t value) { all[std::string(counter)] = value; });
  return all;
}

double microseconds(Duration time) { return static_cast<double>(time.count()) / 1000; }

std::string micro_text(const Json& value) {
  return lab::time_text(std::chrono::nanoseconds(static_cast<std::int64_t>(value.get<double>() * 1000)));
}

Json connection_details(const tcp::Info& info) {
  return {{"rto_us", microseconds(info.rto)},
          {"srtt_us", microseconds(info.srtt)},
          {"rttvar_us", microseconds(info.rttvar)},
          {"min_rtt_us", microseconds(info.min_rtt)},
          {"send_mss", info.send_mss},
          {"receive_mss", info.receive_mss},
          {"cwnd", info.cwnd},
          {"ssthresh", info.ssthresh},
          {"pipe", info.pipe},
          {"send_window", info.send_window},
          {"receive_window", info.receive_window},
          {"send_scale", info.send_scale},
          {"receive_scale", info.receive_scale},
          {"sack", info.sack},
          {"timestamps", info.timestamps},
          {"window_scaling", info.window_scaling},
          {"ecn", name(info.ecn)},
          {"in_recovery", info.in_recovery},
          {"backoff", info.backoff},
          {"memory", info.memory},
          {"bytes_sent", info.bytes_sent},
          {"bytes_acked", info.bytes_acked},
          {"bytes_received", info.bytes_received},
          {"bytes_retransmitted", info.bytes_retransmitted},
          {"segments_out", info.segments_out},
          {"segments_in", info.segments_in},
          {"retransmissions", info.retransmissions},
          {"ce_received", info.ce_received},
          {"ecn_reductions", info.ecn_reductions}};
}

bool has_details(tcp::State state) {
  return state != tcp::State::listen && state != tcp::State::time_wait && state != tcp::State::syn_received;
}

std::string details_text(const Json& one) {
  const Json& info = one["info"];
  return fmt::format(
      "      rtt {} (min {}, rto {})  cwnd {}  mss {}  window {} out, {} in  sent {}  acked {}  received {}  "
      "retransmissions {}\n",
      micro_text(info["srtt_us"]), micro_text(info["min_rtt_us"]), micro_text(info["rto_us"]), info["cwnd"].dump(),
      info["send_mss"].dump(), info["send_window"].dump(), info["receive_window"].dump(), info["bytes_sent"].dump(),
      info["bytes_acked"].dump(), info["bytes_received"].dump(), info["retransmissions"].dump());
}

/// The groups of the first interface have plain names, those of the others end in their number.
void add_interface(Json& counters, Host& host, InterfaceNumber number) {
  const std::string suffix = number == 0 ? "" : "_" + std::to_string(number);
  HostLink& link = *host.links()[number];
  counters["device" + suffix] = json_of(link.device().counters());
  if (const ip::Link* const ethernet = host.stack().link(number))
    counters["link" + suffix] = json_of(ethernet->counters());
  const host::Configurator* const configurator = host.stack().configurator(number);
  if (configurator && configurator->dhcp()) counters["dhcp" + suffix] = json_of(configurator->dhcp()->counters());
  if (!link.impaired()) return;
  counters["impairment_in" + suffix] = json_of(link.impaired()->in().counters());
  counters["impairment_out" + suffix] = json_of(link.impaired()->out().counters());
}

}  // namespace

std::vector<std::string> offload_names(const tun::Offloads& offloads) {
  std::vector<std::string> names;
  if (offloads.software) return names;
  const auto add = [&](bool granted, const char* name) {
    if (granted) names.emplace_back(name);
  };
  add(offloads.checksum, "checksum");
  add(offloads.tcp_v4, "tcp4");
  add(offloads.tcp_v6, "tcp6");
  add(offloads.tcp_ecn, "ecn");
  add(offloads.udp, "udp");
  return names;
}

Json stats_report(Host& host) {
  Stack& stack = host.stack();
  Json counters{{"ip", json_of(stack.ip().counters())},
                {"echo", json_of(stack.echo().counters())},
                {"udp", json_of(stack.udp().counters())},
                {"tcp", json_of(stack.tcp().counters())}};
  for (std::size_t i = 0; i < host.links().size(); ++i) add_interface(counters, host, static_cast<InterfaceNumber>(i));
  return {{"offloads", offload_names(host.device().offloads())},
          {"counters", std::move(counters)},
          {"gauges",
           {{"tcp_connections", stack.tcp().connection_count()},
            {"tcp_half_open", stack.tcp().half_open_count()},
            {"tcp_time_wait", stack.tcp().time_wait_count()},
            {"loopback_packets", stack.loopback().count()},
            {"memory_used_bytes", stack.memory().used()},
            {"memory_limit_bytes", stack.memory().limit()},
            {"loop_turns", host.loop().turns()},
            {"busy_poll_us", std::chrono::floor<std::chrono::microseconds>(host.loop().spun()).count()}}}};
}

Json shard_report(const Stack& stack, const Counters<tun::HandOverCounter>& hand_over) {
  Json report = json_of(stack.shard_counters());
  report.update(json_of(hand_over));
  return report;
}

void add_up(Json& sum, const Json& more) {
  for (const auto& [name, value] : more.items()) {
    Json& mine = sum[name];
    if (value.is_object())
      add_up(mine, value);
    else if (mine.is_number() && value.is_number())
      mine = mine.get<std::uint64_t>() + value.get<std::uint64_t>();
    else if (mine.is_null())
      mine = value;
  }
}

Json socket_report(const tcp::Info& info) {
  Json one{{"protocol", "tcp"},
           {"state", name(info.state)},
           {"unread", info.unread},
           {"unacked", info.unacked + info.unsent},
           {"local", info.local.to_string()},
           {"remote", info.state == tcp::State::listen ? "*" : info.remote.to_string()}};
  if (has_details(info.state)) one["info"] = connection_details(info);
  return one;
}

Json sockets_report(Host& host, const std::vector<Endpoint>& udp) {
  Json sockets = Json::array();
  host.stack().tcp().for_each_socket([&](const tcp::Info& info) { sockets.push_back(socket_report(info)); });
  for (const Endpoint& local : udp)
    sockets.push_back({{"protocol", "udp"},
                       {"state", "bound"},
                       {"unread", 0},
                       {"unacked", 0},
                       {"local", local.to_string()},
                       {"remote", "*"}});
  return {{"sockets", std::move(sockets)}};
}

namespace {

/// A line for each shard.
std::string shards_text(const Json& shards) {
  std::string text = fmt::format("shards\n  {:>2} {:>14} {:>14} {:>12} {:>12} {:>12}\n", "", "packets_in",
                                 "packets_out", "connections", "handed_over", "taken_over");
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const Json& device = shards[i]["counters"]["device"];
    const Json& shard = shards[i]["counters"]["shard"];
    text += fmt::format("  {:>2} {:>14} {:>14} {:>12} {:>12} {:>12}\n", i, device["packets_in"].dump(),
                        device["packets_out"].dump(), shards[i]["gauges"]["tcp_connections"].dump(),
                        shard["handed_over"].dump(), shard["taken_over"].dump());
  }
  return text;
}

}  // namespace

std::string stats_text(const Json& report, bool all) {
  std::string text;
  for (const auto& [group, counters] : report.at("counters").items()) {
    std::string lines;
    for (const auto& [counter, value] : counters.items())
      if (all || value != 0) lines += fmt::format("  {:<28} {}\n", counter, value.dump());
    if (!lines.empty()) text += fmt::format("{}\n{}", group, lines);
  }
  if (const Json granted = report.value("offloads", Json::array()); !granted.empty())
    text += fmt::format("offloads\n  {}\n", fmt::join(granted.get<std::vector<std::string>>(), " "));
  text += "now\n";
  for (const auto& [gauge, value] : report.at("gauges").items())
    text += fmt::format("  {:<28} {}\n", gauge, value.dump());
  if (report.contains("shards")) text += shards_text(report.at("shards"));
  return text;
}

std::string stats_prometheus(const Json& report) {
  const std::string label = report.value("name", "");
  std::string text;
  const auto sample = [&](const std::string& metric, const char* type, const Json& value) {
    text += fmt::format("# TYPE {0} {1}\n{0}{{name=\"{2}\"}} {3}\n", metric, type, label, value.dump());
  };
  for (const auto& [group, counters] : report.at("counters").items())
    for (const auto& [counter, value] : counters.items())
      sample(fmt::format("sluice_{}_{}_total", group, counter), "counter", value);
  for (const auto& [gauge, value] : report.at("gauges").items()) sample("sluice_" + gauge, "gauge", value);
  return text;
}

std::string sockets_text(const Json& report, bool info) {
  const Json& sockets = report.at("sockets");
  std::size_t width = 5;
  for (const Json& one : sockets) width = std::max(width, one.at("local").get<std::string>().size());
  std::string text = fmt::format("{:<5} {:<12} {:>8} {:>8}  {:<{}}  {}\n", "proto", "state", "recv-q", "send-q",
                                 "local", width, "remote");
  for (const Json& one : sockets) {
    text += fmt::format("{:<5} {:<12} {:>8} {:>8}  {:<{}}  {}\n", one.at("protocol").get<std::string>(),
                        one.at("state").get<std::string>(), one.at("unread").dump(), one.at("unacked").dump(),
                        one.at("local").get<std::string>(), width, one.at("remote").get<std::string>());
    if (info && one.contains("info")) text += details_text(one);
  }
  return text;
}

}  // namespace sluice::tools
