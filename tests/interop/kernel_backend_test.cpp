// Both backends beside each other on a real TUN.
#include <doctest/doctest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "tests/interop/command.hpp"
#include "tests/interop/kernel_lab.hpp"
#include "tests/support/skip.hpp"
#include "tun/error.hpp"
#include "tun/uring_device.hpp"

namespace sluice::interop {
namespace {

using namespace std::chrono_literals;
using tun::Backend;

constexpr std::size_t kLoad = std::size_t{100} << 20;

/// Why this machine gives no io_uring, or an empty text.
std::string complaint() {
  try {
    const tun::UringDevice probe(tun::Fd(), 1500);
    return "";
  } catch (const tun::Error& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("100 MiB each way at once arrive whole by either backend, with offloads and without") {
  const Bytes to_kernel = noise_at(0, kLoad), to_us = noise_at(std::size_t{30} << 20, kLoad);
  for (const Backend backend : {Backend::epoll, Backend::uring}) {
    if (backend == Backend::uring && !complaint().empty()) {
      test::skip(complaint());
      continue;
    }
    for (const bool offload : {true, false}) {
      CAPTURE(static_cast<int>(backend));
      CAPTURE(offload);
      KernelLab lab({.offload = offload, .backend = backend});
      Pair pair = lab.connect(kVariants[offload ? 0 : 3]);
      pair.ours->outgoing = to_kernel;
      pair.kernels->outgoing = to_us;
      pair.ours->finish = pair.kernels->finish = true;
      pair.pump();
      CHECK(lab.run_until([&] { return pair.done(); }, 240s));
      CHECK(pair.ours->digest.hex() == sha256(to_us));
      CHECK(pair.kernels->digest.hex() == sha256(to_kernel));
      pair = {};
      lab.check_rest();
    }
  }
}

TEST_CASE("serve with --backend uring serves, and a killed one leaves a TUN that the next may have at once") {
  if (!complaint().empty()) {
    test::skip(complaint());
    return;
  }
  Lab lab;
  const std::string site = lab.file("big", noise(4 << 20)), folder = site.substr(0, site.rfind('/'));
  const Words words = {"--backend", "uring", "--http", "80", "--root", folder};
  auto killed = lab.serve(words);
  CHECK(lab.run({"curl", "-sS", "-o", lab.file("got"), "http://10.77.0.2/big"}).status == 0);
  CHECK(Lab::read(lab.file("got")) == Lab::read(site));
  killed->signal(SIGKILL);
  killed->wait();
  auto server = lab.serve(words);
  CHECK(lab.run({"curl", "-sS", "-f", "-T", site, "http://10.77.0.2/upload"}).status == 0);
  const nlohmann::json stats = nlohmann::json::parse(lab.sluice({"stats", "--json", lab.name()}).out);
  CHECK(stats.at("counters").at("device").at("packets_out") > 0);
  CHECK(stats.at("counters").at("device").at("write_errors") == 0);
  server->signal(SIGTERM);
  CHECK(server->wait().status == 0);
}

}  // namespace sluice::interop
