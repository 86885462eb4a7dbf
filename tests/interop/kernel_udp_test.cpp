// Datagrams between the kernel and us: whole or in fragments, and to ports where nobody is.
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include "tests/interop/kernel_lab.hpp"

namespace sluice::interop {
namespace {

constexpr std::array<std::size_t, 7> kSizes = {1, 100, 1452, 1472, 1473, 9000, 60000};
constexpr std::uint16_t kClosedPort = 9;

bool same(Bytes a, Bytes b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

/// A UDP socket of the kernel and one of ours that know of each other.
struct Datagrams {
  KernelLab& lab;
  tun::Fd kernels;
  udp::Socket ours;
  int last_errno = 0;

  Datagrams(KernelLab& its, Family family, std::uint16_t our_port, std::uint16_t kernel_port)
      : lab(its), kernels(lab.kernel_socket(family, SOCK_DGRAM)) {
    const Endpoint there = lab.kernel_bind(kernels, family);
    udp::Options options;
    options.dont_fragment = false;
    ours = must(lab.stack().bind_udp({lab.our_address(family), 7}, options));
    const Result<void> connected = ours.connect({there.address, kernel_port ? kernel_port : there.port});
    REQUIRE(connected);
    REQUIRE(KernelLab::kernel_connect(kernels, {lab.our_address(family), our_port}) == 0);
    lab.loop().on(ours, [](Readiness) {});  // wakes the loop
    lab.loop().watch(kernels.number(), Readiness::readable, [](Readiness) {});
  }
  ~Datagrams() {
    lab.loop().off(ours);
    lab.loop().unwatch(kernels.number());
  }

  bool kernel_sends(Bytes text) {
    return ::send(kernels.number(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
  }
  bool we_send(Bytes text) {
    udp::Outgoing one;
    one.data = Slice::copy_of(text);
    return ours.send({&one, 1}).value_or(0) == 1;
  }
  /// Waits for a datagram at the kernel's socket.
  std::vector<std::uint8_t> kernel_receives() {
    std::vector<std::uint8_t> room(65536);
    ssize_t size = -1;
    const auto arrived = [&] {
      size = ::recv(kernels.number(), room.data(), room.size(), MSG_DONTWAIT);
      last_errno = size < 0 ? errno : 0;
      return size >= 0 || last_errno != EAGAIN;
    };
    CHECK(lab.run_until(arrived));
    room.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return room;
  }
  /// Waits for a datagram or an error at our socket.
  Result<udp::Received> we_receive() {
    udp::Received received;
    Result<std::size_t> count = std::size_t{0};
    CHECK(lab.run_until([&] {
      count = ours.receive({&received, 1});
      return !count || *count == 1;
    }));
    if (!count) return count.error();
    return received;
  }
};

}  // namespace

TEST_CASE("datagrams of 1 byte to 60 KB go to the kernel and to us, in fragments where they must") {
  for (const Family family : kFamilies) {
    CAPTURE(static_cast<int>(family));
    KernelLab lab;
    Datagrams between(lab, family, 7, 0);
    for (const std::size_t size : kSizes) {
      CAPTURE(size);
      const Bytes there = noise_at(size, size), back = noise_at(100'000 + size, size);
      CHECK(between.kernel_sends(there));
      const Result<udp::Received> received = between.we_receive();
      REQUIRE(received);
      CHECK(same(received->data.bytes(), there));
      CHECK(received->from == must(tun::kernel_local(between.kernels.number())));
      CHECK(between.we_send(back));
      CHECK(same(between.kernel_receives(), back));
    }
    CHECK(lab.stack().ip().counters()[ip::Counter::datagrams_reassembled] == 3 + (family == Family::ipv6));
    CHECK(lab.stack().ip().counters()[ip::Counter::fragments_out] > 40);
    lab.check_rest();
  }
}

TEST_CASE("a port where nobody is refuses the kernel's datagram and ours [R1122-4.1.3.1-1]") {
  for (const Family family : kFamilies) {
    CAPTURE(static_cast<int>(family));
    KernelLab lab;
    Datagrams between(lab, family, kClosedPort, kClosedPort);
    CHECK(between.kernel_sends(as_bytes("anybody?")));
    CHECK(between.kernel_receives().empty());
    CHECK(between.last_errno == ECONNREFUSED);
    CHECK(between.we_send(as_bytes("anybody?")));
    CHECK(between.we_receive().error() == Errc::connection_refused);
    lab.check_rest({"udp drop_no_listener 1"});
  }
}

}  // namespace sluice::interop
