// rtnetlink through libmnl.
#include "tun/netlink.hpp"

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "tun/error.hpp"

namespace sluice::tun {
namespace {

mnl_socket* raw(void* socket) noexcept { return static_cast<mnl_socket*>(socket); }

std::string name_of(unsigned index) {
  std::array<char, IF_NAMESIZE> name{};
  return ::if_indextoname(index, name.data()) ? std::string(name.data()) : "interface " + std::to_string(index);
}

[[noreturn]] void fail(int error, const std::string& what) {
  const std::string why = error == EPERM ? "no permission, CAP_NET_ADMIN is needed" : errno_text(error);
  throw Error(from_errno(error), "cannot " + what + ": " + why);
}

unsigned char family_of(const IpAddress& address) noexcept { return address.is_v4() ? AF_INET : AF_INET6; }

void put_address(nlmsghdr* message, std::uint16_t type, const IpAddress& address) {
  mnl_attr_put(message, type, address.bytes().size(), address.bytes().data());
}

/// A request under construction.
struct Request {
  alignas(nlmsghdr) std::array<char, 512> room{};

  Request(std::uint16_t type, unsigned flags) {
    nlmsghdr* head = mnl_nlmsg_put_header(room.data());
    head->nlmsg_type = type;
    head->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
  }
  nlmsghdr* header() noexcept { return reinterpret_cast<nlmsghdr*>(room.data()); }
  template <class T>
  T& body() {
    return *static_cast<T*>(mnl_nlmsg_put_extra_header(header(), sizeof(T)));
  }
};

constexpr unsigned kCreate = NLM_F_CREATE | NLM_F_EXCL;

Request link_request(unsigned index, std::uint16_t type = RTM_NEWLINK) {
  Request request(type, 0);
  request.body<ifinfomsg>().ifi_index = static_cast<int>(index);
  return request;
}

Request address_request(unsigned index, const IpAddress& own, const IpAddress& other, std::uint8_t length) {
  Request request(RTM_NEWADDR, kCreate);
  auto& body = request.body<ifaddrmsg>();
  body.ifa_family = family_of(own);
  body.ifa_prefixlen = length;
  body.ifa_index = index;
  if (own.is_v6()) body.ifa_flags = IFA_F_NODAD;
  put_address(request.header(), IFA_LOCAL, own);
  put_address(request.header(), IFA_ADDRESS, other);
  return request;
}

void check_address(int error, unsigned index, const std::string& address, bool v6) {
  if (error == 0 || error == EEXIST) return;
  if (error == EACCES && v6)
    throw Error(Errc::permission_denied, "cannot give " + name_of(index) + " the address " + address +
                                             ": IPv6 is disabled in this network namespace");
  fail(error, "give " + name_of(index) + " the address " + address);
}

}  // namespace

int Netlink::read_route(const nlmsghdr* message, void* into) {
  auto& route = *static_cast<Route*>(into);
  route.local = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message))->rtm_type == RTN_LOCAL;
  const auto take_interface = [](const nlattr* attribute, void* index) {
    if (mnl_attr_get_type(attribute) == RTA_OIF) *static_cast<unsigned*>(index) = mnl_attr_get_u32(attribute);
    return MNL_CB_OK;
  };
  return mnl_attr_parse(message, sizeof(rtmsg), take_interface, &route.index);
}

void Netlink::Close::operator()(void* socket) const noexcept { mnl_socket_close(raw(socket)); }

Netlink::Netlink() : socket_(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC)) {
  if (!socket_ || mnl_socket_bind(raw(socket_.get()), 0, MNL_SOCKET_AUTOPID) < 0) fail(errno, "open a netlink socket");
}

Netlink::~Netlink() = default;

unsigned Netlink::index_of(const std::string& name) noexcept { return ::if_nametoindex(name.c_str()); }

int Netlink::ask(nlmsghdr* request) {
  request->nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(raw(socket_.get()), request, request->nlmsg_len) < 0) return errno;
  alignas(nlmsghdr) std::array<char, 8192> answer;
  const ssize_t size = mnl_socket_recvfrom(raw(socket_.get()), answer.data(), answer.size());
  if (size < 0) return errno;
  const auto port = mnl_socket_get_portid(raw(socket_.get()));
  const int verdict = mnl_cb_run(answer.data(), static_cast<std::size_t>(size), sequence_, port, nullptr, nullptr);
  return verdict < 0 ? errno : 0;
}

void Netlink::set_up(unsigned index) {
  Request request(RTM_NEWLINK, 0);
  auto& body = request.body<ifinfomsg>();
  body.ifi_index = static_cast<int>(index);
  body.ifi_flags = IFF_UP;
  body.ifi_change = IFF_UP;
  if (const int error = ask(request.header())) fail(error, "bring " + name_of(index) + " up");
}

void Netlink::set_mtu(unsigned index, std::size_t mtu) {
  Request request = link_request(index);
  mnl_attr_put_u32(request.header(), IFLA_MTU, static_cast<std::uint32_t>(mtu));
  if (const int error = ask(request.header()))
    fail(error, "set the MTU of " + name_of(index) + " to " + std::to_string(mtu));
}

void Netlink::set_queue(unsigned index, std::uint32_t packets) {
  Request request = link_request(index);
  mnl_attr_put_u32(request.header(), IFLA_TXQLEN, packets);
  if (const int error = ask(request.header()))
    fail(error, "let " + std::to_string(packets) + " packets wait at " + name_of(index));
}

void Netlink::set_bridge(unsigned index, unsigned bridge) {
  Request request = link_request(index);
  mnl_attr_put_u32(request.header(), IFLA_MASTER, bridge);
  if (const int error = ask(request.header())) fail(error, "make " + name_of(index) + " a port of " + name_of(bridge));
}

void Netlink::disable_link_local(unsigned index) {
  Request request = link_request(index);
  nlattr* families = mnl_attr_nest_start(request.header(), IFLA_AF_SPEC);
  nlattr* inet6 = mnl_attr_nest_start(request.header(), AF_INET6);
  mnl_attr_put_u8(request.header(), IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
  mnl_attr_nest_end(request.header(), inet6);
  mnl_attr_nest_end(request.header(), families);
  const int error = ask(request.header());
  // A kernel without IPv6 has no such address anyway.
  if (error != 0 && error != EAFNOSUPPORT && error != EOPNOTSUPP)
    fail(error, "switch off link-local addresses on " + name_of(index));
}

void Netlink::add_address(unsigned index, const Prefix& address) {
  Request request = address_request(index, address.address, address.address, address.length);
  check_address(ask(request.header()), index, address.to_string(), address.address.is_v6());
}

void Netlink::add_peer(unsigned index, const IpAddress& own, const IpAddress& peer) {
  Request request = address_request(index, own, peer, own.is_v4() ? 32 : 128);
  check_address(ask(request.header()), index, own.to_string(), own.is_v6());
}

void Netlink::add_route(unsigned index, const Prefix& destination) {
  Request request(RTM_NEWROUTE, kCreate);
  auto& body = request.body<rtmsg>();
  body.rtm_family = family_of(destination.address);
  body.rtm_dst_len = destination.length;
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_protocol = RTPROT_STATIC;
  body.rtm_scope = destination.address.is_v4() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  body.rtm_type = RTN_UNICAST;
  put_address(request.header(), RTA_DST, destination.network().address);
  mnl_attr_put_u32(request.header(), RTA_OIF, index);
  const int error = ask(request.header());
  if (error != 0 && error != EEXIST) fail(error, "route " + destination.to_string() + " to " + name_of(index));
}

Netlink::Route Netlink::route_to(const IpAddress& destination) {
  Request request(RTM_GETROUTE, 0);
  request.header()->nlmsg_flags = NLM_F_REQUEST;
  request.header()->nlmsg_seq = ++sequence_;
  auto& body = request.body<rtmsg>();
  body.rtm_family = family_of(destination);
  body.rtm_dst_len = static_cast<unsigned char>(destination.bytes().size() * 8);
  put_address(request.header(), RTA_DST, destination);
  alignas(nlmsghdr) std::array<char, 8192> answer;
  Route route;
  if (mnl_socket_sendto(raw(socket_.get()), request.header(), request.header()->nlmsg_len) < 0) return route;
  const ssize_t size = mnl_socket_recvfrom(raw(socket_.get()), answer.data(), answer.size());
  const auto port = mnl_socket_get_portid(raw(socket_.get()));
  if (size > 0) mnl_cb_run(answer.data(), static_cast<std::size_t>(size), sequence_, port, &read_route, &route);
  return route;
}

void Netlink::await_routes(unsigned index, const IpAddress& own, const IpAddress& other) {
  for (int i = 0; i < 1000; ++i) {
    if (route_to(own).local && route_to(other).index == index) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  throw Error(Errc::timed_out, "the addresses " + own.to_string() + " and " + other.to_string() + " of " +
                                   name_of(index) + " don't come into force");
}

void Netlink::remove_link(unsigned index) {
  Request request = link_request(index, RTM_DELLINK);
  if (const int error = ask(request.header())) fail(error, "remove " + name_of(index));
}

}  // namespace sluice::tun
