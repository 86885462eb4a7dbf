// What an instance tells about itself, in each format.
#include "tools/report.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

namespace sluice::tools {
namespace {

const Json kStats{{"name", "lab"},
                  {"counters", {{"ip", {{"packets_in", 12}, {"drop_version", 0}}}, {"udp", {{"datagrams_in", 0}}}}},
                  {"gauges", {{"tcp_connections", 3}}}};

}  // namespace

TEST_CASE("text leaves out zeros unless all is asked for") {
  CHECK(stats_text(kStats, false) ==
        "ip\n"
        "  packets_in                   12\n"
        "now\n"
        "  tcp_connections              3\n");
  CHECK(stats_text(kStats, true).find("  drop_version                 0\n") != std::string::npos);
  CHECK(stats_text(kStats, true).find("udp\n") != std::string::npos);
}

TEST_CASE("what the device was granted has names, and a line where there is something to name") {
  CHECK(offload_names({}).empty());
  const auto names = offload_names({.checksum = true, .tcp_v4 = true, .tcp_v6 = true, .tcp_ecn = true, .udp = true});
  CHECK(names == std::vector<std::string>{"checksum", "tcp4", "tcp6", "ecn", "udp"});
  Json stats = kStats;
  stats["offloads"] = names;
  CHECK(stats_text(stats, false).find("offloads\n  checksum tcp4 tcp6 ecn udp\n") != std::string::npos);
}

TEST_CASE("Prometheus gets a type and a labelled sample for each number") {
  CHECK(stats_prometheus(kStats) ==
        "# TYPE sluice_ip_packets_in_total counter\n"
        "sluice_ip_packets_in_total{name=\"lab\"} 12\n"
        "# TYPE sluice_ip_drop_version_total counter\n"
        "sluice_ip_drop_version_total{name=\"lab\"} 0\n"
        "# TYPE sluice_udp_datagrams_in_total counter\n"
        "sluice_udp_datagrams_in_total{name=\"lab\"} 0\n"
        "# TYPE sluice_tcp_connections gauge\n"
        "sluice_tcp_connections{name=\"lab\"} 3\n");
}

TEST_CASE("a socket's line has its queues; a second one what its connection knows") {
  tcp::Info listener;
  listener.state = tcp::State::listen;
  listener.local = *Endpoint::parse("[::]:80");
  tcp::Info connection;
  connection.state = tcp::State::established;
  connection.local = *Endpoint::parse("10.77.0.2:80");
  connection.remote = *Endpoint::parse("10.77.0.1:4000");
  connection.unread = 7;
  connection.unsent = 2;
  connection.unacked = 3;
  connection.srtt = std::chrono::milliseconds(20);
  const Json report{{"sockets", {socket_report(listener), socket_report(connection)}}};
  const std::string table = sockets_text(report, false);
  CHECK(table ==
        "proto state          recv-q   send-q  local         remote\n"
        "tcp   LISTEN              0        0  [::]:80       *\n"
        "tcp   ESTABLISHED         7        5  10.77.0.2:80  10.77.0.1:4000\n");
  CHECK(sockets_text(report, true).find("rtt 20 ms (min 0 ") != std::string::npos);
}

}  // namespace sluice::tools
