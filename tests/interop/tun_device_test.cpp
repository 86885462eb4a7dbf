// A real TUN in a network namespace that each test makes for itself and that vanishes with it.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "tun/error.hpp"
#include "tun/namespace.hpp"
#include "tun/netlink.hpp"
#include "tun/open.hpp"

namespace sluice::tun {
namespace {

TunOptions both_families() {
  return {.name = "lab0",
          .addresses = {{*Prefix::parse("10.77.0.2/24"), *IpAddress::parse("10.77.0.1")},
                        {*Prefix::parse("fd77::2/64"), *IpAddress::parse("fd77::1")}},
          .routes = {*Prefix::parse("10.78.5.9/16")},
          .mtu = 1400};
}

/// A UDP socket made in the namespace where this is called.
Fd udp_socket(int family) { return Fd(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0)); }

bool send_v4(const Fd& socket, const char* address, const std::string& text) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  ::inet_pton(AF_INET, address, &to.sin_addr);
  return ::sendto(socket.number(), text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to) > 0;
}

bool send_v6(const Fd& socket, const char* address, const std::string& text) {
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(9);
  ::inet_pton(AF_INET6, address, &to.sin6_addr);
  return ::sendto(socket.number(), text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to) > 0;
}

/// The texts of the UDP datagrams that wait at the device, in order.
std::vector<std::string> texts(FdDevice& device) {
  pollfd ready{device.fd(), POLLIN, 0};
  ::poll(&ready, 1, 1000);
  std::vector<Packet> batch;
  device.receive_batch(batch);
  std::vector<std::string> found;
  for (Packet& packet : batch) {
    const Bytes bytes = packet.bytes();
    const bool v4 = bytes[0] >> 4 == 4 && bytes[9] == IPPROTO_UDP;
    const bool v6 = bytes[0] >> 4 == 6 && bytes[6] == IPPROTO_UDP;
    if (v4) found.emplace_back(as_text(bytes.subspan(28)));
    if (v6) found.emplace_back(as_text(bytes.subspan(48)));
  }
  return found;
}

std::string error_of(const TunOptions& options) {
  try {
    (void)open_tun(options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// Runs `claim` in a process of its own; false when it answers so or throws.
bool in_child(const std::function<bool()>& claim) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    int verdict = 1;
    try {
      verdict = claim() ? 0 : 1;
    } catch (const Error& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
    ::_exit(verdict);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("a TUN gets its addresses, MTU and routes, and what the kernel sends to them comes in") {
  const Namespace lab = Namespace::create();
  std::unique_ptr<FdDevice> device;
  lab.run([&] {
    device = open_tun(both_families());
    CHECK(Netlink::index_of("lab0") != 0);
    CHECK(send_v4(udp_socket(AF_INET), "10.77.0.2", "on link"));
    CHECK(send_v4(udp_socket(AF_INET), "10.78.200.1", "routed"));
    CHECK(send_v6(udp_socket(AF_INET6), "fd77::2", "six, at once: no duplicate address detection"));
  });
  CHECK(device->name() == "lab0");
  CHECK(device->mtu() == 1400);
  CHECK(texts(*device) ==
        std::vector<std::string>{"on link", "routed", "six, at once: no duplicate address detection"});
}

TEST_CASE("a TUN in another namespace is opened by the namespace's file, and the caller stays where it is") {
  const Namespace lab = Namespace::create();
  TunOptions options = both_families();
  options.network_namespace = "/proc/self/fd/" + std::to_string(lab.fd());
  const std::unique_ptr<FdDevice> device = open_tun(options);
  CHECK(Netlink::index_of("lab0") == 0);
  lab.run([] { CHECK(Netlink::index_of("lab0") != 0); });
}

TEST_CASE("an address outside every prefix makes a point-to-point link") {
  const Namespace lab = Namespace::create();
  std::unique_ptr<FdDevice> device;
  lab.run([&] {
    device = open_tun({.name = "ptp%d",
                       .addresses = {{*Prefix::parse("10.1.1.1/32"), *IpAddress::parse("10.2.2.2")},
                                     {*Prefix::parse("fd01::1/128"), *IpAddress::parse("fd02::2")}}});
    CHECK(send_v4(udp_socket(AF_INET), "10.1.1.1", "four"));
    CHECK(send_v6(udp_socket(AF_INET6), "fd01::1", "six"));
  });
  CHECK(device->name() == "ptp0");
  CHECK(texts(*device) == std::vector<std::string>{"four", "six"});
}

TEST_CASE("what goes wrong is said in one sentence") {
  const Namespace lab = Namespace::create();
  lab.run([] {
    const auto device = open_tun(both_families());
    CHECK(error_of(both_families()) == "the interface lab0 is held by another program");
    CHECK(error_of({.name = "lo"}) == "the name lo belongs to an interface that is of another kind");
    CHECK(error_of({.name = "x0", .mtu = 20}) == "cannot set the MTU of x0 to 20: Invalid argument");
    CHECK(error_of({.name = "x0", .addresses = {{*Prefix::parse("10.0.0.1/8"), *IpAddress::parse("fd00::1")}}}) ==
          "the addresses 10.0.0.1 and fd00::1 are of different families");
    CHECK(error_of(
              {.name = "x0", .addresses = {{*Prefix::parse("fd00::2/64"), *IpAddress::parse("fd00::1")}}, .mtu = 1000})
              .starts_with("cannot give x0 the address fd00::1/64: "));
  });
}

TEST_CASE("a frame is seen by the kernel as a packet that arrived") {
  const Namespace lab = Namespace::create();
  std::unique_ptr<FdDevice> device;
  Fd receiver;
  lab.run([&] {
    device = open_tun(both_families());
    receiver = udp_socket(AF_INET);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(5555);
    REQUIRE(::bind(receiver.number(), reinterpret_cast<sockaddr*>(&any), sizeof any) == 0);
  });
  // 10.77.0.2:9 -> 10.77.0.1:5555, UDP without a checksum, "hello".
  const std::vector<std::uint8_t> head = {0x45, 0, 0,  33, 0, 0, 0x40, 0, 64,   17,   0, 0,  10, 77,
                                          0,    2, 10, 77, 0, 1, 0,    9, 0x15, 0xb3, 0, 13, 0,  0};
  std::vector<std::uint8_t> packet = head;
  unsigned sum = 0;
  for (std::size_t i = 0; i < 20; i += 2) sum += static_cast<unsigned>(packet[i] << 8 | packet[i + 1]);
  const unsigned folded = ~((sum & 0xffff) + (sum >> 16));
  packet[10] = static_cast<std::uint8_t>(folded >> 8);
  packet[11] = static_cast<std::uint8_t>(folded);
  const std::vector<Slice> body = {Slice::copy_of(as_bytes("hel")), Slice::copy_of(as_bytes("lo"))};
  CHECK(device->accept({.head = packet, .body = body}));
  std::string text(10, ' ');
  pollfd ready{receiver.number(), POLLIN, 0};
  ::poll(&ready, 1, 1000);
  CHECK(::recv(receiver.number(), text.data(), text.size(), MSG_DONTWAIT) == 5);
  CHECK(text.substr(0, 5) == "hello");
}

TEST_CASE("a device says that it is gone when somebody removes the interface") {
  const Namespace lab = Namespace::create();
  std::unique_ptr<FdDevice> device;
  lab.run([&] {
    device = open_tun(both_families());
    Netlink().remove_link(Netlink::index_of("lab0"));
  });
  std::vector<Packet> batch;
  while (device->receive_batch(batch)) {
  }
  CHECK(device->error() == Errc::io_error);
  CHECK(device->accept({.head = as_bytes("x"), .body = {}}));
}

TEST_CASE("a user without rights is told so") {
  CHECK(in_child([] {
    if (::setuid(65534) != 0) return false;
    try {
      (void)open_tun(both_families());
    } catch (const Error& error) {
      return error.code() == Errc::permission_denied;
    }
    return false;
  }));
}

TEST_CASE("without root a process makes its TUN in a user and network namespace of its own") {
  CHECK(in_child([] {
    enter_own_namespace();
    const auto device = open_tun(both_families());
    const bool sent = send_v4(udp_socket(AF_INET), "10.77.0.2", "mine");
    const auto seen = texts(*device);
    return sent && std::count(seen.begin(), seen.end(), "mine") == 1;
  }));
}

TEST_CASE("a process with threads is told that it cannot enter a namespace of its own") {
  const Namespace lab = Namespace::current();
  lab.run([] {
    CHECK_THROWS_WITH_AS(enter_own_namespace(), "a process with threads cannot enter a namespace of its own", Error);
  });
}

}  // namespace sluice::tun
