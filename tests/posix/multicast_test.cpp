// Options of datagram sockets about groups and broadcast, as programs set them.
#include <cstring>

#include "tests/posix/programs.hpp"

namespace sluice::posix {
namespace {

const Endpoint kGroup4 = *Endpoint::parse("239.1.1.1:7");
const Endpoint kGroup6 = *Endpoint::parse("[ff05::1:1]:7");

template <class T>
std::string set_as(Program& program, int fd, int level, int name, const T& value) {
  return text_of(program.setsockopt(fd, level, name, {reinterpret_cast<const std::uint8_t*>(&value), sizeof value}));
}

in_addr address_v4(const IpAddress& address) {
  in_addr made{};
  std::memcpy(&made, address.bytes().data(), 4);
  return made;
}

ip_mreq mreq() { return {address_v4(kGroup4.address), {}}; }

ip_mreq_source mreq_source(const IpAddress& source) { return {address_v4(kGroup4.address), {}, address_v4(source)}; }

ipv6_mreq mreq6() {
  ipv6_mreq made{};
  std::memcpy(&made.ipv6mr_multiaddr, kGroup6.address.bytes().data(), 16);
  return made;
}

sockaddr_storage storage_of(const IpAddress& address) {
  sockaddr_storage made{};
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr = address_v4(address);
  std::memcpy(&made, &in, sizeof in);
  return made;
}

TEST_CASE_FIXTURE(Programs, "a membership names its interface by index or address; one that is not there is ENODEV") {
  const int fd = server.open(SOCK_DGRAM | SOCK_NONBLOCK);
  CHECK(server.bind(fd, {IpAddress(), 7}).good());
  ip_mreqn by_index{};
  by_index.imr_multiaddr = mreq().imr_multiaddr;
  by_index.imr_ifindex = 2;
  CHECK(set_as(server, fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, by_index) == "ENODEV");
  by_index.imr_ifindex = 1;
  CHECK(set_as(server, fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, by_index) == "0");
  CHECK(set_as(server, fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, mreq()) == "0");  // no interface: the first one
  ip_mreq by_address = mreq();
  by_address.imr_interface.s_addr = htonl(0x0a636363);
  CHECK(set_as(server, fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, by_address) == "ENODEV");
}

TEST_CASE_FIXTURE(Programs, "a group is joined and left with IP_ADD_MEMBERSHIP and IP_DROP_MEMBERSHIP") {
  const int fd = server.open(SOCK_DGRAM | SOCK_NONBLOCK);
  const int sender = client.open(SOCK_DGRAM | SOCK_NONBLOCK);
  CHECK(server.bind(fd, {IpAddress(), 7}).good());
  CHECK(set_as(server, fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, mreq()) == "0");
  CHECK(set_as(server, fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, mreq()) == "EADDRINUSE");
  CHECK(text_of(server.setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, as_bytes("short"))) == "EINVAL");
  CHECK(text_of(client.write(sender, "hello", 0, &kGroup4)) == "5");
  world.run_for(1s);
  CHECK(server.read(fd) == "hello");
  CHECK(set_as(server, fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, mreq()) == "0");
  CHECK(set_as(server, fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, mreq()) == "EADDRNOTAVAIL");
  CHECK(text_of(client.write(sender, "hello", 0, &kGroup4)) == "5");
  world.run_for(1s);
  CHECK(server.read(fd) == "<EAGAIN>");
}

TEST_CASE_FIXTURE(Programs, "a group joined before bind() is heard after it") {
  const int fd = server.open(SOCK_DGRAM | SOCK_NONBLOCK, AF_INET6);
  const int sender = client.open(SOCK_DGRAM | SOCK_NONBLOCK, AF_INET6);
  CHECK(set_as(server, fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, mreq6()) == "0");
  CHECK(server.bind(fd, {IpAddress::any(Family::ipv6), 7}).good());
  CHECK(set_as(server, fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, mreq6()) == "EADDRINUSE");
  CHECK(text_of(client.write(sender, "hello", 0, &kGroup6)) == "5");
  world.run_for(1s);
  CHECK(server.read(fd) == "hello");
  CHECK(set_as(server, fd, IPPROTO_IPV6, IPV6_LEAVE_GROUP, mreq6()) == "0");
}

TEST_CASE_FIXTURE(Programs, "sources are joined, left, blocked and unblocked by both kinds of names") {
  const int fd = server.open(SOCK_DGRAM | SOCK_NONBLOCK);
  const IpAddress source = World::left_address(Family::ipv4);
  CHECK(server.bind(fd, {IpAddress(), 7}).good());
  CHECK(set_as(server, fd, IPPROTO_IP, IP_BLOCK_SOURCE, mreq_source(source)) == "EINVAL");
  CHECK(set_as(server, fd, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, mreq_source(source)) == "0");
  CHECK(set_as(server, fd, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, mreq_source(source)) == "EADDRNOTAVAIL");
  CHECK(set_as(server, fd, IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, mreq_source(source)) == "0");
  const group_req group{0, storage_of(kGroup4.address)};
  const group_source_req both{0, storage_of(kGroup4.address), storage_of(source)};
  CHECK(set_as(server, fd, IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, both) == "0");
  CHECK(set_as(server, fd, IPPROTO_IP, MCAST_LEAVE_SOURCE_GROUP, both) == "0");
  CHECK(set_as(server, fd, IPPROTO_IP, MCAST_JOIN_GROUP, group) == "0");
  CHECK(set_as(server, fd, IPPROTO_IP, MCAST_BLOCK_SOURCE, both) == "0");
  CHECK(set_as(server, fd, IPPROTO_IP, IP_BLOCK_SOURCE, mreq_source(source)) == "EADDRNOTAVAIL");
  const int sender = client.open(SOCK_DGRAM | SOCK_NONBLOCK);
  CHECK(client.write(sender, "unheard", 0, &kGroup4).good());
  world.run_for(1s);
  CHECK(server.read(fd) == "<EAGAIN>");
  CHECK(set_as(server, fd, IPPROTO_IP, MCAST_UNBLOCK_SOURCE, both) == "0");
  CHECK(client.write(sender, "heard", 0, &kGroup4).good());
  world.run_for(1s);
  CHECK(server.read(fd) == "heard");
  CHECK(set_as(server, fd, IPPROTO_IP, MCAST_LEAVE_GROUP, group) == "0");
}

TEST_CASE_FIXTURE(Programs, "hops and loop of groups have the kernel's defaults and ranges") {
  const int fd = client.open(SOCK_DGRAM | SOCK_NONBLOCK, AF_INET6);
  CHECK(client.get(fd, IPPROTO_IP, IP_MULTICAST_TTL) == 1);
  CHECK(client.get(fd, IPPROTO_IP, IP_MULTICAST_LOOP) == 1);
  CHECK(client.get(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS) == 1);
  CHECK(client.get(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP) == 1);
  CHECK(client.set(fd, IPPROTO_IP, IP_MULTICAST_TTL, 255).good());
  CHECK(client.get(fd, IPPROTO_IP, IP_MULTICAST_TTL) == 255);
  CHECK(text_of(client.set(fd, IPPROTO_IP, IP_MULTICAST_TTL, 256)) == "EINVAL");
  CHECK(text_of(client.set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, -2)) == "EINVAL");
  CHECK(text_of(client.set(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 2)) == "EINVAL");
  CHECK(client.set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, -1).good());
  CHECK(text_of(client.set(client.open(), IPPROTO_IP, IP_MULTICAST_TTL, 3)) == "ENOPROTOOPT");
}

TEST_CASE_FIXTURE(Programs, "the hop limit set for groups is sent, and the loop can be cut") {
  const int fd = client.open(SOCK_DGRAM | SOCK_NONBLOCK);
  std::vector<std::uint8_t> hops;
  world.on_packet = [&](bool to_right, Bytes packet) {
    if (to_right && packet[9] == 17) hops.push_back(packet[8]);
  };
  CHECK(client.bind(fd, {IpAddress(), 7}).good());
  CHECK(set_as(client, fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, mreq()) == "0");
  CHECK(client.set(fd, IPPROTO_IP, IP_TTL, 9).good());
  CHECK(client.set(fd, IPPROTO_IP, IP_MULTICAST_TTL, 3).good());
  CHECK(client.write(fd, "looped", 0, &kGroup4).good());
  world.run_for(1s);
  CHECK(client.read(fd) == "looped");
  CHECK(client.set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0).good());
  CHECK(client.write(fd, "gone", 0, &kGroup4).good());
  world.run_for(1s);
  CHECK(client.read(fd) == "<EAGAIN>");
  CHECK(hops == std::vector<std::uint8_t>{3, 3});
}

TEST_CASE_FIXTURE(Programs, "broadcast needs SO_BROADCAST") {
  const int fd = client.open(SOCK_DGRAM | SOCK_NONBLOCK);
  const Endpoint everybody{IpAddress::v4(255, 255, 255, 255), 7};
  CHECK(text_of(client.write(fd, "hello", 0, &everybody)) == "EACCES");
  CHECK(text_of(client.connect(fd, everybody)) == "EACCES");
  CHECK(client.set(fd, SOL_SOCKET, SO_BROADCAST, 1).good());
  const int receiver = server.open(SOCK_DGRAM | SOCK_NONBLOCK);
  CHECK(server.bind(receiver, {IpAddress(), 7}).good());
  CHECK(text_of(client.write(fd, "hello", 0, &everybody)) == "5");
  world.run_for(1s);
  CHECK(server.read(receiver) == "hello");
}

TEST_CASE_FIXTURE(Programs, "programs that set SO_REUSEADDR share a port, and all of them hear the group") {
  std::vector<int> fds;
  for (int i = 0; i < 3; ++i) {
    fds.push_back(server.open(SOCK_DGRAM | SOCK_NONBLOCK));
    CHECK(server.set(fds.back(), SOL_SOCKET, SO_REUSEADDR, 1).good());
    CHECK(server.bind(fds.back(), {IpAddress(), 7}).good());
    CHECK(set_as(server, fds.back(), IPPROTO_IP, IP_ADD_MEMBERSHIP, mreq()) == "0");
  }
  CHECK(text_of(server.bind(server.open(SOCK_DGRAM), {IpAddress(), 7})) == "EADDRINUSE");
  const int sender = client.open(SOCK_DGRAM | SOCK_NONBLOCK);
  CHECK(client.write(sender, "all", 0, &kGroup4).good());
  world.run_for(1s);
  for (const int fd : fds) CHECK(server.read(fd) == "all");
}

}  // namespace
}  // namespace sluice::posix
