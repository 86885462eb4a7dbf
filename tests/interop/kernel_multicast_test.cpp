// Groups between the kernel and us: each joins one, and the other sends to it.
#include <doctest/doctest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "tests/interop/kernel_lab.hpp"

namespace sluice::interop {
namespace {

constexpr std::uint16_t kPort = 7007;

IpAddress group_of(Family family) { return *IpAddress::parse(family == Family::ipv4 ? "239.1.1.1" : "ff05::1:1"); }

/// The address in the kernel's form, of 4 or 16 bytes.
template <class Made>
Made in_kernel_form(const IpAddress& address) {
  const Bytes bytes = address.bytes();
  Made made{};
  REQUIRE(bytes.size() == sizeof made);
  std::memcpy(&made, bytes.data(), std::min(bytes.size(), sizeof made));
  return made;
}

in_addr in_v4(const IpAddress& address) { return in_kernel_form<in_addr>(address); }
in6_addr in_v6(const IpAddress& address) { return in_kernel_form<in6_addr>(address); }

template <class T>
void set(const tun::Fd& fd, int level, int name, const T& value) {
  REQUIRE(::setsockopt(fd.number(), level, name, &value, sizeof value) == 0);
}

/// A socket of the kernel on a port of every address, in a group on the TUN and sending to groups there.
tun::Fd kernel_member(KernelLab& lab, Family family) {
  tun::Fd fd = lab.kernel_socket(family, SOCK_DGRAM);
  ifreq device{};
  std::strncpy(device.ifr_name, lab.device().name().c_str(), sizeof device.ifr_name - 1);
  REQUIRE(::ioctl(fd.number(), SIOCGIFINDEX, &device) == 0);
  const int index = device.ifr_ifindex;
  if (family == Family::ipv4) {
    const ip_mreqn there{in_v4(group_of(family)), {}, index};
    set(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, there);
    set(fd, IPPROTO_IP, IP_MULTICAST_IF, there);
    const sockaddr_in any{.sin_family = AF_INET, .sin_port = htons(kPort), .sin_addr = {}, .sin_zero = {}};
    REQUIRE(::bind(fd.number(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
  } else {
    set(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, ipv6_mreq{in_v6(group_of(family)), static_cast<unsigned>(index)});
    set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, index);
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_port = htons(kPort);
    REQUIRE(::bind(fd.number(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
  }
  return fd;
}

}  // namespace

TEST_CASE("what we send to a group reaches the kernel's member, and what the kernel sends reaches ours [R1112-7-1]") {
  for (const Family family : kFamilies) {
    CAPTURE(static_cast<int>(family));
    KernelLab lab;
    const tun::Fd kernels = kernel_member(lab, family);
    udp::Socket ours = must(lab.stack().bind_udp({IpAddress::any(family), kPort}));
    REQUIRE(ours.join(group_of(family)));
    lab.loop().on(ours, [](Readiness) {});  // wakes the loop
    lab.loop().watch(kernels.number(), Readiness::readable, [](Readiness) {});

    REQUIRE(ours.send_to({group_of(family), kPort}, as_bytes("from us")));
    std::vector<std::uint8_t> room(100);
    ssize_t size = -1;
    CHECK(
        lab.run_until([&] { return (size = ::recv(kernels.number(), room.data(), room.size(), MSG_DONTWAIT)) >= 0; }));
    CHECK(as_text(Bytes(room).first(static_cast<std::size_t>(std::max<ssize_t>(size, 0)))) == "from us");
    udp::Received received;
    CHECK(ours.receive({&received, 1}).value_or(0) == 1);  // the loop of our own
    CHECK(as_text(received.data.bytes()) == "from us");

    REQUIRE(KernelLab::kernel_connect(kernels, {group_of(family), kPort}) == 0);
    REQUIRE(::send(kernels.number(), "from you", 8, 0) == 8);
    CHECK(lab.run_until([&] { return ours.receive({&received, 1}).value_or(0) == 1; }));
    CHECK(as_text(received.data.bytes()) == "from you");
    CHECK(received.from.address == lab.kernel_address(family));
    CHECK(received.local == group_of(family));
    lab.loop().off(ours);
    lab.loop().unwatch(kernels.number());
    CHECK(lab.stack().membership(family).counters()[host::MembershipCounter::messages_out] > 0);
    CHECK(lab.kernel_count("Ip", "InHdrErrors") == 0);
  }
}

}  // namespace sluice::interop
