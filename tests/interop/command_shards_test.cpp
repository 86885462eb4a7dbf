// A host of several shards against the kernel: `sluice serve --shards`, and two stacks on the queues of one TUN.
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <array>
#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "lab/capture_reader.hpp"
#include "lab/conversation.hpp"
#include "tests/interop/command.hpp"
#include "tests/interop/kernel_end.hpp"
#include "tests/interop/secure_lab.hpp"
#include "tun/clock.hpp"
#include "tun/hand_over.hpp"
#include "tun/open.hpp"
#include "tun/socket_address.hpp"

namespace sluice::interop {
namespace {

using Json = nlohmann::json;

/// Connections at once over both families, each with noise of its own that must come back as it went.
constexpr const char* kManyEchoes = R"(
import concurrent.futures, hashlib, os, socket, sys, threading
def talk(number):
    host = "10.77.0.2" if number % 2 else "fd77::2"
    sent = os.urandom(20000 + 1000 * number)
    with socket.create_connection((host, 7), timeout=60) as tcp:
        def write():
            tcp.sendall(sent)
            tcp.shutdown(socket.SHUT_WR)
        writer = threading.Thread(target=write)
        writer.start()
        got = b""
        while piece := tcp.recv(65536): got += piece
        writer.join()
    assert hashlib.sha256(got).digest() == hashlib.sha256(sent).digest(), (number, len(sent), len(got))
with concurrent.futures.ThreadPoolExecutor(16) as pool: list(pool.map(talk, range(60)))
for number in range(40):
    family, host = (socket.AF_INET, "10.77.0.2") if number % 2 else (socket.AF_INET6, "fd77::2")
    with socket.socket(family, socket.SOCK_DGRAM) as udp:
        udp.settimeout(20)
        udp.sendto(b"%d" % number, (host, 7))
        answer = udp.recv(100)
        assert answer == b"%d" % number, answer
print("exact")
)";

Json stats(Lab& lab) { return Json::parse(lab.sluice({"stats", lab.name(), "--format", "json"}).out); }

std::uint64_t of_shard(const Json& report, std::size_t shard, const char* group, const char* counter) {
  return report.at("shards").at(shard).at("counters").at(group).at(counter);
}

}  // namespace

TEST_CASE("two shards serve many connections of both families, byte for byte, and each gets its part") {
  Lab lab;
  const auto server = lab.serve({"--shards", "2", "--tcp-echo", "7", "--udp-echo", "7", "--http", "80"});
  const Finished talked = lab.python(kManyEchoes);
  INFO(talked.err);
  CHECK(talked.out == "exact\n");
  CHECK(lab.run({"ping", "-c", "1", "-W", "10", "10.77.0.2"}).status == 0);
  CHECK(lab.run({"ping", "-c", "1", "-s", "4000", "-W", "10", "fd77::2"}).status == 0);
  CHECK(lab.run({"curl", "-sS", "-g", "-o", "/dev/null", "-w", "%{http_code}", "http://[fd77::2]/"}).out == "200");

  const Json report = stats(lab);
  REQUIRE(report.at("shards").size() == 2);
  std::array<std::uint64_t, 2> opened{};
  for (std::size_t i = 0; i < 2; ++i) {
    opened[i] = of_shard(report, i, "tcp", "passive_opens");
    CHECK(opened[i] > 10);
    CHECK(of_shard(report, i, "udp", "datagrams_in") > 5);
    CHECK(of_shard(report, i, "shard", "drop_strays_full") == 0);
    CHECK(of_shard(report, i, "shard", "drop_hand_over_full") == 0);
  }
  CHECK(opened[0] + opened[1] == 61);
  CHECK(report.at("counters").at("tcp").at("passive_opens") == 61);
  CHECK(report.at("counters").at("udp").at("datagrams_in") == 40);
  CHECK(of_shard(report, 0, "shard", "handed_over") == of_shard(report, 1, "shard", "taken_over"));
  CHECK(of_shard(report, 1, "shard", "handed_over") == of_shard(report, 0, "shard", "taken_over"));
  CHECK(report.at("counters").at("shard").at("handed_over") > 0);
  CHECK(lab.sluice({"stats", lab.name()}).out.find("\nshards\n") != std::string::npos);
  const Finished capture = lab.sluice({"capture", "start", lab.file("x.pcapng"), lab.name()});
  CHECK(capture.status == 1);
  CHECK(capture.err == "sluice capture start: a capture needs an instance of one shard\n");
}

TEST_CASE("shards serve TLS with one certificate, and all show a new one after SIGHUP") {
  SecureLab lab;
  lab.issue("server", {"web.example", "10.77.0.2"});
  lab.file("index.html", "<p>front</p>\n");
  const auto server = lab.serve({"--shards", "2", "--https", "443", "--tls-cert", lab.file("server.pem"), "--tls-key",
                                 lab.file("server.key"), "--root", lab.file(""), "-v"});
  /// So many connections of their own; answers how many brought the page.
  const auto pages = [&](const std::string& name, int count) {
    int good = 0;
    for (int i = 0; i < count; ++i)
      good += lab.run({"curl", "-sS", "--max-time", "20", "--cacert", lab.trusted, "--resolve", name + ":443:10.77.0.2",
                       "https://" + name + "/index.html"})
                  .out == "<p>front</p>\n";
    return good;
  };
  CHECK(pages("web.example", 12) == 12);
  const Json report = stats(lab);
  for (std::size_t i = 0; i < 2; ++i) CHECK(of_shard(report, i, "tcp", "passive_opens") > 0);
  lab.issue("server", {"else.example"});
  server->signal(SIGHUP);
  const Time limit = tun::monotonic_now() + std::chrono::seconds(60);
  while (pages("else.example", 8) < 8) REQUIRE(tun::monotonic_now() < limit);
  CHECK(pages("web.example", 4) == 0);
  server->signal(SIGTERM);
  const Finished ended = server->wait();
  CHECK(ended.status == 0);
  CHECK(has(ended.err, "https: "));
}

TEST_CASE("a capture of shards is one file that holds all their packets, each queue an interface") {
  Lab lab;
  const std::string file = lab.file("all.pcapng");
  const auto server = lab.serve({"--shards", "2", "--tcp-echo", "7", "--udp-echo", "7", "--capture", file});
  CHECK(lab.python(kManyEchoes).out == "exact\n");
  const Json report = stats(lab);
  server->signal(SIGTERM);
  CHECK(server->wait().status == 0);
  const lab::Capture capture = lab::load_capture(file);
  CHECK(capture.error.empty());
  const lab::Conversations found = lab::split(capture);
  std::size_t whole = 0, datagrams = 0;
  for (const lab::Conversation& one : found.all) {
    datagrams += one.kind == lab::ConversationKind::udp ? 1u : 0u;
    if (one.kind != lab::ConversationKind::tcp) continue;
    const std::size_t packets = one.packets.size();
    whole += one.has_opening && packets > 20 ? 1u : 0u;
  }
  CHECK(whole == 60);
  CHECK(datagrams == 40);
  const Finished named = lab.run({"tshark", "-r", file, "-T", "fields", "-e", "frame.interface_name"});
  CHECK(has(named.out, ".0\n"));
  CHECK(has(named.out, ".1\n"));
  for (std::size_t i = 0; i < 2; ++i) CHECK(of_shard(report, i, "tcp", "passive_opens") > 0);
}

TEST_CASE("ss lists connections of all shards, and listeners once") {
  Lab lab;
  const auto server = lab.serve({"--shards", "3", "--tcp-echo", "7"});
  const auto client = lab.start({"/usr/bin/python3", "-u", "-c", R"(
import socket, time
all = [socket.create_connection(("10.77.0.2", 7)) for _ in range(30)]
for one in all:
    one.sendall(b"x")
    one.recv(1)
print("connected")
time.sleep(60)
)"});
  REQUIRE(client->wait_for("connected"));
  const Json report = Json::parse(lab.sluice({"ss", "--json", lab.name()}).out);
  int listeners = 0, established = 0;
  for (const Json& socket : report.at("sockets")) {
    listeners += socket.at("state") == "LISTEN";
    established += socket.at("state") == "ESTABLISHED";
  }
  CHECK(listeners == 1);
  CHECK(established == 30);

  // And all of them end in good order with the instance.
  server->signal(SIGTERM);
  CHECK(server->wait().status == 0);
  client->signal(SIGKILL);
  CHECK(client->wait().status == 128 + SIGKILL);
}

TEST_CASE("a second signal ends all shards at once, though a connection will not") {
  Lab lab;
  const auto server = lab.serve({"--shards", "2", "--tcp-echo", "7"});
  const auto client = lab.start({"/usr/bin/python3", "-u", "-c", R"(
import socket, time
all = [socket.create_connection(("fd77::2", 7)) for _ in range(10)]
print("connected")
time.sleep(60)
)"});
  REQUIRE(client->wait_for("connected"));
  server->signal(SIGINT);
  server->signal(SIGTERM);
  CHECK(server->wait().status == 0);
  client->signal(SIGKILL);
  CHECK(client->wait().status == 128 + SIGKILL);
}

namespace {

/// Two stacks that are one host on two queues of a TUN, turned by this thread.
struct TwoQueues {
  TwoQueues() : network(tun::Namespace::create()) {
    for (std::uint8_t i = 0; i < 2; ++i) {
      tun::TunOptions options{.name = "shards0", .offload = true, .multi_queue = true};
      if (i == 0) options.addresses = {kFour, kSix};
      network.run([&] { devices.push_back(tun::open_tun(options)); });
      Config config;
      config.ip.addresses = {kFour.local, kSix.local};
      config.tcp.maximum_frame = devices.back()->offloads().maximum_frame;
      stacks.push_back(std::make_unique<Stack>(shard_of(config, {i, 2})));
      loops.push_back(std::make_unique<tun::EventLoop>(*stacks.back(), *devices.back()));
    }
    hand_over = std::make_unique<tun::HandOver>(std::array{loops[0].get(), loops[1].get()});
  }

  bool run_until(const std::function<bool()>& condition) {
    const Time limit = tun::monotonic_now() + std::chrono::seconds(60);
    while (!condition()) {
      if (tun::monotonic_now() > limit) return false;
      for (const auto& loop : loops) REQUIRE(loop->turn(std::chrono::milliseconds(1)));
    }
    return true;
  }

  static inline const tun::AddressPair kFour{*Prefix::parse("10.67.0.2/24"), *IpAddress::parse("10.67.0.1")};
  static inline const tun::AddressPair kSix{*Prefix::parse("fd67::2/64"), *IpAddress::parse("fd67::1")};
  tun::Namespace network;
  std::vector<std::unique_ptr<tun::FdDevice>> devices;
  std::vector<std::unique_ptr<Stack>> stacks;
  std::vector<std::unique_ptr<tun::EventLoop>> loops;
  std::unique_ptr<tun::HandOver> hand_over;
};

}  // namespace

TEST_CASE("connections that shards open to the kernel carry every byte both ways, from ports of their own") {
  TwoQueues host;
  for (const IpAddress& kernel : {TwoQueues::kFour.peer, TwoQueues::kSix.peer}) {
    tun::Fd listener;
    tun::SocketAddress where = tun::to_kernel({kernel, 4000});
    host.network.run([&] {
      listener = tun::Fd(::socket(kernel.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      REQUIRE(::bind(listener.number(), where.raw(), where.size) == 0);
      REQUIRE(::listen(listener.number(), 100) == 0);
    });
    constexpr std::size_t kConnections = 20;
    std::vector<std::unique_ptr<OurEnd>> ours;
    std::vector<std::unique_ptr<KernelEnd>> kernels;
    for (std::size_t i = 0; i < kConnections; ++i) {
      const std::size_t shard = i % 2;
      ours.push_back(std::make_unique<OurEnd>(*host.loops[shard], must(host.stacks[shard]->connect({kernel, 4000}))));
      ours.back()->outgoing = noise_at(i * 100000, 100000);
    }
    REQUIRE(host.run_until([&] {
      for (int fd = 0; (fd = ::accept4(listener.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        kernels.push_back(std::make_unique<KernelEnd>(*host.loops[0], tun::Fd(fd)));
        kernels.back()->echo = kernels.back()->finish = true;
      }
      bool done = kernels.size() == kConnections;
      for (const auto& end : ours) end->finish = done;  // a FIN before the handshake would be the end of it
      for (const auto& end : kernels) end->pump();
      for (const auto& end : ours) end->pump();
      for (const auto& end : ours) done = done && end->done();
      return done;
    }));
    for (std::size_t i = 0; i < kConnections; ++i) {
      CHECK(ours[i]->error() == Errc::none);
      CHECK(ours[i]->received == 100000);
      CHECK(ours[i]->digest.hex() == sha256(noise_at(i * 100000, 100000)));
    }
  }
  for (const auto& stack : host.stacks) CHECK(stack->tcp().counters()[tcp::Counter::resets_out] == 0);
  for (std::size_t i = 0; i < 2; ++i)
    CHECK(host.hand_over->counters(i)[tun::HandOverCounter::drop_hand_over_full] == 0);
}

}  // namespace sluice::interop
