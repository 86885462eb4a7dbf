// ss, stats, capture and traces of a running instance.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/interop/command.hpp"

namespace sluice::interop {
namespace {

using Json = nlohmann::json;

constexpr const char* kOneConnection = R"(
import socket, sys
tcp = socket.create_connection(("10.77.0.2", 7), timeout=10)
tcp.sendall(b"hello")
assert tcp.recv(5) == b"hello"
print("connected")
if len(sys.argv) > 1: sys.exit()
tcp.settimeout(60)
tcp.recv(1)
)";

}  // namespace

TEST_CASE("ss lists listeners and connections, as a table and as JSON") {
  Lab lab;
  const auto server = lab.serve({"--tcp-echo", "7", "--udp-echo", "9"});
  auto client = lab.start({"/usr/bin/python3", "-uc", kOneConnection});
  REQUIRE(client->wait_for("connected"));
  const Finished table = lab.sluice({"ss", "-i", lab.name()});
  CHECK(table.status == 0);
  CHECK(table.out.find("LISTEN") != std::string::npos);
  CHECK(table.out.find("ESTABLISHED") != std::string::npos);
  CHECK(table.out.find("cwnd") != std::string::npos);
  const Json report = Json::parse(lab.sluice({"ss", "--json", lab.name()}).out);
  CHECK(report.at("name") == lab.name());
  int established = 0;
  for (const Json& one : report.at("sockets")) {
    if (one.at("state") != "ESTABLISHED") continue;
    ++established;
    CHECK(one.at("local") == "10.77.0.2:7");
    CHECK(one.at("info").at("bytes_received") == 5);
  }
  CHECK(established == 1);
}

TEST_CASE("stats come as text, as JSON and as Prometheus reads them") {
  Lab lab;
  const auto server = lab.serve({"--tcp-echo", "7"});
  REQUIRE(lab.run({"ping", "-c", "1", "-W", "10", "10.77.0.2"}).status == 0);
  CHECK(lab.sluice({"stats", lab.name()}).out.find("icmp_echo_requests           1\n") != std::string::npos);
  const Json report = Json::parse(lab.sluice({"stats", lab.name(), "--format", "json"}).out);
  CHECK(report.at("counters").at("ip").at("icmp_echo_replies_out") == 1);
  CHECK(report.at("gauges").at("tcp_connections") == 0);
  const std::string metrics = lab.sluice({"stats", lab.name(), "--format", "prometheus"}).out;
  CHECK(metrics.find("# TYPE sluice_ip_icmp_echo_requests_total counter\nsluice_ip_icmp_echo_requests_total{name=\"" +
                     lab.name() + "\"} 1\n") != std::string::npos);
  std::istringstream lines(metrics);
  for (std::string line; std::getline(lines, line);)
    CHECK((line.starts_with("# TYPE sluice_") || line.find("{name=\"" + lab.name() + "\"} ") != std::string::npos));
}

TEST_CASE("a capture begins and ends while the instance runs, and tcpdump reads it") {
  Lab lab;
  const auto server = lab.serve({"--udp-echo", "7"});
  const std::string path = lab.file("run.pcapng");
  CHECK(lab.sluice({"capture", "start", path, lab.name()}).status == 0);
  const Finished twice = lab.sluice({"capture", "start", path, lab.name()});
  CHECK(twice.status == 1);
  CHECK(twice.err == "sluice capture start: a capture into " + path + " runs already\n");
  REQUIRE(lab.run({"ping", "-c", "2", "-i", "0.2", "-W", "10", "10.77.0.2"}).status == 0);
  const Json ended = Json::parse(lab.sluice({"capture", "stop", "--json", lab.name()}).out);
  CHECK(ended.at("packets").get<int>() >= 4);
  CHECK(lab.sluice({"capture", "stop", lab.name()}).status == 1);
  CHECK(lab.run({"tcpdump", "-nr", path, "icmp"}).out.find("ICMP echo reply") != std::string::npos);
}

TEST_CASE("a capture from the beginning says why each segment left, and a trace is JSON, line by line") {
  Lab lab;
  const std::string capture = lab.file("all.pcapng");
  const std::string trace = lab.file("all.jsonl");
  const auto server = lab.serve({"--tcp-echo", "7", "--capture", capture, "--trace", trace});
  REQUIRE(lab.python(kOneConnection, {"and end"}).status == 0);
  server->signal(SIGTERM);
  CHECK(server->wait().status == 0);
  CHECK(Lab::read(capture).find("accept_open: the answer to a SYN (RFC 9293 ") != std::string::npos);
  std::istringstream lines(Lab::read(trace));
  std::string line;
  REQUIRE(std::getline(lines, line));
  CHECK(Json::parse(line).at("version") == 1);
  int established = 0;
  while (std::getline(lines, line)) {
    const Json event = Json::parse(line);
    CHECK(event.at("t_ns").is_number_integer());
    established += event.at("kind") == "state" && event.at("to") == "ESTABLISHED";
  }
  CHECK(established == 1);
}

TEST_CASE("two instances of one name: the second is refused, and what a killed one left is replaced") {
  Lab lab;
  auto first = lab.serve({"--tcp-echo", "7"});
  const Finished second = lab.sluice({"serve", "--name", lab.name(), "--dev", "other0", "--local", "10.8.0.2/24"});
  CHECK(second.status == 1);
  CHECK(second.err.find("choose a name of your own with --name") != std::string::npos);
  const Finished held = lab.sluice({"serve", "--name", "another", "--dev", "sluice0"});
  CHECK(held.err == "sluice serve: the interface sluice0 is held by another program\n");
  first->signal(SIGKILL);
  CHECK(first->wait().status == 128 + SIGKILL);
  const auto third = lab.serve({"--dev", "third0", "--local", "10.9.0.2/24"});
  CHECK(lab.sluice({"ss", lab.name()}).status == 0);
}

TEST_CASE("the control socket is for its owner alone") {
  Lab lab;
  const auto server = lab.serve({"--json", "--tcp-echo", "7"});
  std::istringstream lines(server->out());
  std::string path;
  for (std::string line; std::getline(lines, line);) {
    const Json event = Json::parse(line);
    if (event.at("event") == "control") path = event.at("where").at(0);
  }
  REQUIRE_FALSE(path.empty());
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

}  // namespace sluice::interop
