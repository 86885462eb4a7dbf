// Super-segments between the kernel and us: that they really come and go, and that nobody sees a difference.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "lab/capture_reader.hpp"
#include "tests/interop/command.hpp"
#include "tests/interop/kernel_lab.hpp"
#include "tests/support/script_wire.hpp"

namespace sluice::interop {
namespace {

using namespace std::chrono_literals;
using tun::DeviceCounter;

constexpr std::size_t kLoad = std::size_t{8} << 20;
constexpr int kUdpSegment = 103;  // UDP_SEGMENT, which <netinet/udp.h> may lack

std::uint64_t count(KernelLab& lab, DeviceCounter which) { return lab.device().counters()[which]; }

/// kLoad bytes each way at once.
void exchange(KernelLab& lab, const Variant& variant) {
  Pair pair = lab.connect(variant);
  pair.ours->outgoing = noise_at(0, kLoad);
  pair.kernels->outgoing = noise_at(kLoad, kLoad);
  pair.ours->finish = pair.kernels->finish = true;
  pair.pump();
  CHECK(lab.run_until([&] { return pair.done(); }, 120s));
  CHECK(pair.ours->digest.hex() == sha256(noise_at(kLoad, kLoad)));
  CHECK(pair.kernels->digest.hex() == sha256(noise_at(0, kLoad)));
}

/// What of `file` is no packet of MTU 1500 in which libtins finds nothing wrong.
std::string oddities(const std::string& file, std::size_t& text) {
  const lab::Capture capture = lab::load_capture(file);
  std::string found = capture.error;
  for (const auto& packet : capture.packets) {
    if (packet.bytes.size() > 1500) found += "a packet of " + std::to_string(packet.bytes.size()) + " bytes; ";
    if (const std::string wrong = test::disagreement(packet.bytes); !wrong.empty()) found += wrong + "; ";
    text += packet.bytes.size() > 1000;
  }
  return found;
}

}  // namespace

TEST_CASE("the kernel grants offloads, and super-segments pass both ways, whoever opens, over both families") {
  for (const Variant& variant : kVariants) {
    CAPTURE(variant.name());
    KernelLab lab;
    const tun::Offloads granted = lab.device().offloads();
    CHECK(granted.checksum);
    CHECK((variant.family == Family::ipv4 ? granted.tcp_v4 : granted.tcp_v6));
    exchange(lab, variant);
    CHECK(count(lab, DeviceCounter::super_in) > 0);
    CHECK(count(lab, DeviceCounter::super_out) > 0);
    // Fewer than a quarter of the packets that a wire would have carried.
    CHECK(count(lab, DeviceCounter::packets_in) < 2 * kLoad / 1448 / 4);
    CHECK(count(lab, DeviceCounter::packets_out) < 2 * kLoad / 1448 / 4);
    lab.check_rest();
  }
}

TEST_CASE(
    "a device without offloads gets and gives packets of the MTU, and merges and cuts them itself, over both "
    "families") {
  for (const Variant& variant : kVariants) {
    CAPTURE(variant.name());
    KernelLab lab({.offload = false});
    CHECK(lab.device().offloads().software);
    exchange(lab, variant);
    CHECK(count(lab, DeviceCounter::super_in) == 0);
    CHECK(count(lab, DeviceCounter::super_out) == 0);
    CHECK(count(lab, DeviceCounter::packets_in) > kLoad / 1448);
    CHECK(count(lab, DeviceCounter::packets_out) > kLoad / 1448);
    CHECK(count(lab, DeviceCounter::cut_out) > 0);
    CHECK(count(lab, DeviceCounter::merged_in) > 0);
    lab.check_rest();
  }
}

TEST_CASE("a queue whose tail is lost because nobody reads in time costs repairs, never the stream or its speed") {
  for (const bool offload : {true, false}) {
    CAPTURE(offload);
    KernelLab lab({.queue = 8, .offload = offload});
    Pair pair = lab.connect(kVariants[0]);
    // Small bursts can't overflow it: it needs a window that has grown, and a reader that comes late.
    const Bytes sent = noise_at(0, 4 * kLoad);
    pair.kernels->outgoing = sent;
    pair.ours->finish = pair.kernels->finish = true;
    pair.pump();
    CHECK(lab.run_until([&] { return pair.done(); }, 120s));
    CHECK(pair.ours->digest.hex() == sha256(sent));
    CHECK(lab.queue_drops() > 0);
    // What a collapse would look like: timeout after timeout, or text that is mostly sent again.
    CHECK(lab.kernel_count("TcpExt", "TCPTimeouts") < 20);
    CHECK(lab.kernel_count("Tcp", "RetransSegs") < sent.size() / 1448 / 2);
  }
}

TEST_CASE("datagrams that the kernel sends in one row come out one by one") {
  for (const Family family : kFamilies) {
    CAPTURE(static_cast<int>(family));
    KernelLab lab;
    udp::Socket ours = must(lab.stack().bind_udp({lab.our_address(family), 7}));
    const tun::Fd kernels = lab.kernel_socket(family, SOCK_DGRAM);
    const int size = 1000;
    REQUIRE(::setsockopt(kernels.number(), IPPROTO_UDP, kUdpSegment, &size, sizeof size) == 0);
    REQUIRE(KernelLab::kernel_connect(kernels, {lab.our_address(family), 7}) == 0);
    lab.loop().on(ours, [](Readiness) {});
    const Bytes sent = noise_at(0, 20'500);
    REQUIRE(::send(kernels.number(), sent.data(), sent.size(), 0) == static_cast<ssize_t>(sent.size()));
    std::vector<udp::Received> got;
    CHECK(lab.run_until([&] {
      udp::Received one;
      while (ours.receive({&one, 1}).value_or(0) == 1) got.push_back(std::move(one));
      return got.size() == 21;
    }));
    REQUIRE(got.size() == 21);
    for (std::size_t i = 0; i < got.size(); ++i) {
      CAPTURE(i);
      CHECK(std::ranges::equal(got[i].data.bytes(), sent.subspan(i * 1000, i < 20 ? 1000 : 500)));
    }
    CHECK((count(lab, DeviceCounter::super_in) == 1) == lab.device().offloads().udp);
    lab.loop().off(ours);
    lab.check_rest();
  }
}

TEST_CASE("datagrams that we send in one row reach the kernel's program one by one, and in one frame where it is cut") {
  for (const Family family : kFamilies) {
    CAPTURE(static_cast<int>(family));
    KernelLab lab;
    udp::Socket ours = must(lab.stack().bind_udp({lab.our_address(family), 7}));
    const tun::Fd kernels = lab.kernel_socket(family, SOCK_DGRAM);
    const Endpoint there = lab.kernel_bind(kernels, family);
    lab.loop().on(ours, [](Readiness) {});
    const Bytes sent = noise_at(0, 20'500);
    const udp::Outgoing row{.to = there, .gso_size = 1000, .data = Slice::copy_of(sent)};
    REQUIRE(ours.send({&row, 1}).value_or(0) == 1);
    std::vector<std::vector<std::uint8_t>> got;
    CHECK(lab.run_until([&] {
      std::vector<std::uint8_t> room(2000);
      for (ssize_t size; (size = ::recv(kernels.number(), room.data(), room.size(), 0)) >= 0;)
        got.emplace_back(room.begin(), room.begin() + size);
      return got.size() == 21;
    }));
    REQUIRE(got.size() == 21);
    for (std::size_t i = 0; i < got.size(); ++i) {
      CAPTURE(i);
      CHECK(std::ranges::equal(got[i], sent.subspan(i * 1000, i < 20 ? 1000 : 500)));
    }
    CHECK((count(lab, DeviceCounter::super_out) == 1) == lab.device().offloads().udp);
    lab.loop().off(ours);
    lab.check_rest();
  }
}

TEST_CASE("a row that the kernel sends is echoed as a row, and its capture holds the datagrams of a wire") {
  Lab lab;
  const std::string capture = lab.file("echo.pcapng");
  auto server = lab.serve({"--udp-echo", "7", "--capture", capture});
  const Finished client = lab.python(R"(
import os, socket
for family, address in ((socket.AF_INET, "10.77.0.2"), (socket.AF_INET6, "fd77::2")):
    udp = socket.socket(family, socket.SOCK_DGRAM)
    udp.settimeout(10)
    udp.setsockopt(socket.IPPROTO_UDP, 103, 1200)
    sent = os.urandom(30 * 1200 + 7)
    udp.sendto(sent, (address, 7))
    got = [udp.recv(65535) for _ in range(31)]
    assert [len(one) for one in got] == 30 * [1200] + [7], [len(one) for one in got]
    assert b"".join(got) == sent
print("done")
)");
  INFO(client.err);
  CHECK(client.out == "done\n");
  const auto stats = nlohmann::json::parse(lab.sluice({"stats", "--json", lab.name()}).out);
  CHECK((stats.at("counters").at("device").at("super_out") == 2) == (server->out().find("udp") != std::string::npos));
  server->signal(SIGTERM);
  CHECK(server->wait().status == 0);
  std::size_t text = 0;
  CHECK(oddities(capture, text) == "");
  CHECK(text == 2 * 2 * 30);
}

TEST_CASE(
    "serve says what was granted; a capture of it holds packets as on a wire; --no-offload and a bad link do without") {
  using Json = nlohmann::json;
  for (const Words& flags : {Words{}, Words{"--no-offload"}, Words{"--delay", "1ms"}}) {
    Lab lab;
    const std::string site = lab.file("big", noise(4 << 20)), folder = site.substr(0, site.rfind('/'));
    const std::string capture = lab.file("all.pcapng");
    Words words = {"--http", "80", "--root", folder, "--capture", capture};
    words.insert(words.end(), flags.begin(), flags.end());
    auto server = lab.serve(words);
    CHECK((server->out().find("offloads") != std::string::npos) == flags.empty());
    CHECK(lab.run({"curl", "-sS", "-o", lab.file("got"), "http://10.77.0.2/big"}).status == 0);
    CHECK(Lab::read(lab.file("got")) == Lab::read(site));
    CHECK(lab.run({"curl", "-sS", "-f", "-T", site, "http://10.77.0.2/upload"}).status == 0);
    const Json stats = Json::parse(lab.sluice({"stats", "--json", lab.name()}).out);
    const Json& device = stats.at("counters").at("device");
    CHECK(stats.at("offloads").empty() != flags.empty());
    CHECK((device.at("super_in") > 0) == flags.empty());
    CHECK((device.at("super_out") > 0) == flags.empty());
    CHECK((device.at("cut_out") > 0) == (flags == Words{"--no-offload"}));
    CHECK((device.at("merged_in") > 0) == !flags.empty());
    server->signal(SIGTERM);
    CHECK(server->wait().status == 0);
    std::size_t text = 0;
    CHECK(oddities(capture, text) == "");
    CHECK(text > 2 * (4 << 20) / 1460);
  }
}

}  // namespace sluice::interop
