// Many connections with the kernel's TCP at once, and the queue of the TUN that must hold their beginnings.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "tests/interop/kernel_lab.hpp"

namespace sluice::interop {
namespace {

constexpr std::size_t kMany = 500;
constexpr std::size_t kSmallest = 4096;
constexpr std::size_t kLargest = 16384;

/// Sizes from 4 to 16 KiB, no two with the same bytes.
Bytes text_of(std::size_t number) {
  return noise_at(number * kLargest, kSmallest + number * (kLargest - kSmallest) / (kMany - 1));
}

bool all_done(const std::vector<Pair>& pairs) {
  return std::all_of(pairs.begin(), pairs.end(), [](const Pair& pair) { return pair.done(); });
}

/// As the kernel says; asked in the namespace of the calling thread.
int queue_of(const char* name) {
  const tun::Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  return ::ioctl(socket.number(), SIOCGIFTXQLEN, &request) == 0 ? request.ifr_qlen : -1;
}

/// A TUN as an administrator makes it: it stays without a program.
void make_lasting_tun(const char* name) {
  const tun::Fd fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  ifreq request{};
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  REQUIRE(::ioctl(fd.number(), TUNSETIFF, &request) == 0);
  REQUIRE(::ioctl(fd.number(), TUNSETPERSIST, 1) == 0);
}

}  // namespace

TEST_CASE("500 connections at once each get back what they sent, whoever opens, over both families") {
  for (const Variant& variant : kVariants) {
    CAPTURE(variant.name());
    KernelLab lab;
    std::vector<Pair> pairs = lab.connect(variant, kMany);
    CHECK(lab.stack().tcp().connection_count() == kMany);
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      End& client = variant.opener == Opener::ours ? static_cast<End&>(*pairs[i].ours) : *pairs[i].kernels;
      End& server = variant.opener == Opener::ours ? static_cast<End&>(*pairs[i].kernels) : *pairs[i].ours;
      client.outgoing = text_of(i);
      client.finish = server.finish = server.echo = true;
      pairs[i].pump();
    }
    CHECK(lab.run_until([&] { return all_done(pairs); }));
    std::size_t good = 0;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const std::string sent = sha256(text_of(i));
      if (pairs[i].ours->digest.hex() == sent && pairs[i].kernels->digest.hex() == sent) ++good;
    }
    CHECK(good == kMany);
    pairs.clear();
    lab.check_rest();
  }
}

TEST_CASE("a TUN of ours keeps 10,000 packets, or as many as it is told to; another's TUN stays as it is") {
  const tun::Namespace lab = tun::Namespace::create();
  lab.run([] {
    const auto usual = tun::open_tun({.name = "queue0"});
    CHECK(queue_of("queue0") == 10'000);
    tun::TunOptions options{.name = "queue1"};
    options.queue = 123;
    const auto told = tun::open_tun(options);
    CHECK(queue_of("queue1") == 123);
    make_lasting_tun("queue2");
    const auto theirs = tun::open_tun({.name = "queue2"});
    CHECK(queue_of("queue2") == 500);
  });
}

TEST_CASE("1,000 connections that the kernel opens in one burst all fit the queue") {
  KernelLab lab;
  const std::vector<Pair> pairs = lab.connect({Opener::kernel, Family::ipv4}, 1000);
  CHECK(pairs.size() == 1000);
  CHECK(lab.queue_drops() == 0);
  CHECK(lab.stack().tcp().counters()[tcp::Counter::drop_syn_backlog] == 0);
}

}  // namespace sluice::interop
