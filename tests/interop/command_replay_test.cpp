// `sluice replay` with a capture that the kernel's own programs made, offloads and all.
#include <doctest/doctest.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/interop/command.hpp"

namespace sluice::interop {
namespace {

constexpr const char* kServer = R"(until ip link show veth-b >/dev/null 2>&1; do sleep 0.02; done
ip addr add 10.9.0.2/24 dev veth-b && ip link set veth-b up && ip link set lo up
exec python3 -u -m http.server --directory "$1" 80)";

constexpr const char* kRetry = R"(for i in $(seq 500); do eval "$1" && exit 0; sleep 0.02; done; exit 1)";

// Until a shell's condition holds, ten seconds or so.
bool wait_until(Lab& lab, const std::string& condition) {
  return lab.run({"sh", "-c", kRetry, "sh", condition}).status == 0;
}

}  // namespace

TEST_CASE("curl with a server of the kernel's, captured on a veth, replays to the same stream from both sides") {
  Lab lab;
  const std::string path = lab.file("curl.pcap");
  lab.file("page", noise(1 << 18));
  const auto server = lab.start({"unshare", "--net", "sh", "-c", kServer, "sh", lab.file("")});
  REQUIRE(lab.run({"ip", "link", "add", "veth-a", "type", "veth", "peer", "name", "veth-b"}).status == 0);
  REQUIRE(wait_until(lab, "ip link set veth-b netns " + std::to_string(server->id()) + " 2>/dev/null"));
  REQUIRE(lab.run({"ip", "addr", "add", "10.9.0.1/24", "dev", "veth-a"}).status == 0);
  REQUIRE(lab.run({"ip", "link", "set", "veth-a", "up"}).status == 0);
  REQUIRE(wait_until(lab, "curl -s -o /dev/null http://10.9.0.2/page"));
  {
    const auto dump =
        lab.start({"tcpdump", "-i", "veth-a", "-U", "-B", "65536", "--immediate-mode", "-w", path, "tcp"});
    REQUIRE(wait_until(lab, "test -s " + path));
    REQUIRE(lab.run({"curl", "-sS", "-o", lab.file("got"), "http://10.9.0.2/page"}).status == 0);
    const std::string fins = "tcpdump -nr " + path + " 'tcp[tcpflags] & tcp-fin != 0' 2>/dev/null";
    REQUIRE(wait_until(lab, "test $(" + fins + " | wc -l) -ge 2"));
    dump->signal(SIGINT);
    CHECK(dump->wait().status == 0);
  }
  const Finished replayed = lab.sluice({"replay", "--level", "stream", "--as", "both", "--json", path});
  CHECK_MESSAGE(replayed.status == 0, replayed.out);
  const auto verdicts = nlohmann::json::parse(replayed.out).at("files").at(0).at("verdicts");
  REQUIRE(verdicts.size() == 2);
  for (const auto& verdict : verdicts) {
    CHECK(verdict.at("same") == true);
    CHECK(verdict.at("unfinished_checksums").get<int>() > 0);
    CHECK(verdict.at("super_segments").get<int>() > 0);
  }
  server->signal(SIGTERM);
}

}  // namespace sluice::interop
