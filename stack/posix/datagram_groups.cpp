// Multicast options of datagram sockets: IPPROTO_IP's and IPPROTO_IPV6's own, and those of RFC 3678 for both.
#include <errno.h>
#include <netinet/in.h>

#include <cstddef>

#include "stack/posix/datagram.hpp"
#include "stack/posix/host.hpp"
#include "stack/posix/option_value.hpp"

namespace sluice::posix {
namespace {

using Kind = GroupStep::Kind;

/// Steps that a socket without a name keeps.
constexpr std::size_t kMaximumEarly = 256;

std::optional<Kind> kind_of_ip(int name) noexcept {
  switch (name) {
    case IP_ADD_MEMBERSHIP: return Kind::join;
    case IP_DROP_MEMBERSHIP: return Kind::leave;
    case IP_BLOCK_SOURCE: return Kind::block;
    case IP_UNBLOCK_SOURCE: return Kind::unblock;
    case IP_ADD_SOURCE_MEMBERSHIP: return Kind::join_source;
    case IP_DROP_SOURCE_MEMBERSHIP: return Kind::leave_source;
    default: return std::nullopt;
  }
}

std::optional<Kind> kind_of_ipv6(int name) noexcept {
  switch (name) {
    case IPV6_JOIN_GROUP: return Kind::join;
    case IPV6_LEAVE_GROUP: return Kind::leave;
    default: return std::nullopt;
  }
}

std::optional<Kind> kind_of_either(int name) noexcept {
  switch (name) {
    case MCAST_JOIN_GROUP: return Kind::join;
    case MCAST_LEAVE_GROUP: return Kind::leave;
    case MCAST_BLOCK_SOURCE: return Kind::block;
    case MCAST_UNBLOCK_SOURCE: return Kind::unblock;
    case MCAST_JOIN_SOURCE_GROUP: return Kind::join_source;
    case MCAST_LEAVE_SOURCE_GROUP: return Kind::leave_source;
    default: return std::nullopt;
  }
}

bool names_source(Kind kind) noexcept { return kind != Kind::join && kind != Kind::leave; }

/// struct ip_mreq: group, address of the interface; ip_mreqn: its index behind them, which counts if it is not 0;
/// ip_mreq_source: group, interface, source.
std::optional<GroupStep> step_from_mreq(Kind kind, Bytes value) noexcept {
  if (value.size() < (names_source(kind) ? sizeof(ip_mreq_source) : sizeof(ip_mreq))) return std::nullopt;
  GroupStep step{kind, IpAddress::from_bytes(value.first(4))};
  step.at = IpAddress::from_bytes(value.subspan(4, 4));
  if (names_source(kind))
    step.source = IpAddress::from_bytes(value.subspan(8, 4));
  else if (value.size() >= sizeof(ip_mreqn))
    step.index = value_from<std::uint32_t>(value.subspan(offsetof(ip_mreqn, imr_ifindex))).value_or(0);
  return step;
}

std::optional<GroupStep> step_from_mreq6(Kind kind, Bytes value) noexcept {
  if (value.size() < sizeof(ipv6_mreq)) return std::nullopt;
  GroupStep step{kind, IpAddress::from_bytes(value.first(16))};
  step.index = value_from<std::uint32_t>(value.subspan(offsetof(ipv6_mreq, ipv6mr_interface))).value_or(0);
  return step;
}

/// The address in a sockaddr_in or sockaddr_in6.
std::optional<IpAddress> address_in(Bytes storage) noexcept {
  const auto family = value_from<sa_family_t>(storage);
  if (family == AF_INET) return IpAddress::from_bytes(storage.subspan(offsetof(sockaddr_in, sin_addr), 4));
  if (family == AF_INET6) return IpAddress::from_bytes(storage.subspan(offsetof(sockaddr_in6, sin6_addr), 16));
  return std::nullopt;
}

std::optional<GroupStep> step_from_request(Kind kind, Bytes value) noexcept {
  if (value.size() < (names_source(kind) ? sizeof(group_source_req) : sizeof(group_req))) return std::nullopt;
  const std::optional<IpAddress> group = address_in(value.subspan(offsetof(group_req, gr_group)));
  if (!group) return std::nullopt;
  GroupStep step{kind, *group};
  step.index = value_from<std::uint32_t>(value).value_or(0);  // first in both structures
  if (!names_source(kind)) return step;
  const std::optional<IpAddress> source = address_in(value.subspan(offsetof(group_source_req, gsr_source)));
  if (!source) return std::nullopt;
  step.source = *source;
  return step;
}

/// What IPPROTO_IP's numbers may also be: one byte.
std::optional<int> number_from(Bytes value) noexcept {
  if (value.size() >= sizeof(int)) return value_from<int>(value);
  return value.empty() ? std::nullopt : std::optional<int>(value[0]);
}

}  // namespace

std::optional<Answer> DatagramSocket::set_group_option(int level, int name, Bytes value) {
  const bool v6 = level == IPPROTO_IPV6;
  if (level != IPPROTO_IP && !(v6 && domain_ == AF_INET6)) return std::nullopt;
  if (name == (v6 ? IPV6_MULTICAST_HOPS : IP_MULTICAST_TTL))
    return set_multicast_hops(v6, v6 ? value_from<int>(value) : number_from(value));
  if (name == (v6 ? IPV6_MULTICAST_LOOP : IP_MULTICAST_LOOP))
    return set_multicast_loop(v6, v6 ? value_from<int>(value) : number_from(value));
  std::optional<GroupStep> step;
  if (const auto either = kind_of_either(name))
    step = step_from_request(*either, value);
  else if (const auto own = v6 ? kind_of_ipv6(name) : kind_of_ip(name))
    step = v6 ? step_from_mreq6(*own, value) : step_from_mreq(*own, value);
  else
    return std::nullopt;
  return step ? take(*step) : Answer::fail(EINVAL);
}

std::optional<int> DatagramSocket::group_number(int level, int name) const noexcept {
  if (level == IPPROTO_IP && name == IP_MULTICAST_TTL) return options_.multicast_ttl;
  if (level == IPPROTO_IP && name == IP_MULTICAST_LOOP) return options_.multicast_loop;
  if (level == IPPROTO_IPV6 && name == IPV6_MULTICAST_HOPS) return options_.multicast_hops;
  if (level == IPPROTO_IPV6 && name == IPV6_MULTICAST_LOOP) return options_.multicast_loop_v6;
  return std::nullopt;
}

Answer DatagramSocket::set_multicast_hops(bool v6, std::optional<int> value) {
  if (!value || *value < -1 || *value > 255) return Answer::fail(EINVAL);
  (v6 ? options_.multicast_hops : options_.multicast_ttl) = *value == -1 ? 1 : *value;
  return apply();
}

Answer DatagramSocket::set_multicast_loop(bool v6, std::optional<int> value) {
  if (!value || (v6 && *value != 0 && *value != 1)) return Answer::fail(EINVAL);
  (v6 ? options_.multicast_loop_v6 : options_.multicast_loop) = *value != 0;
  return apply();
}

/// Which interface is meant.
Result<udp::GroupAt> DatagramSocket::place_of(const GroupStep& step) const noexcept {
  if (step.index > kLoopback) return Errc::no_device;
  if (step.index > 0) return udp::GroupAt(step.group, static_cast<InterfaceNumber>(step.index - 1));
  if (step.at.is_unspecified()) return udp::GroupAt(step.group);
  const Result<InterfaceNumber> number = host_.udp.interface_with(step.at);
  if (!number) return number.error();
  return udp::GroupAt(step.group, *number);
}

Answer DatagramSocket::take(const GroupStep& step) {
  if (!step.group.is_multicast()) return Answer::fail(EINVAL);
  if (!socket_) {
    if (early_.size() == kMaximumEarly) return Answer::fail(ENOBUFS);
    early_.push_back(step);
    return Answer::ok();
  }
  const Result<udp::GroupAt> group = place_of(step);
  if (!group) return Answer::fail(ENODEV);
  switch (step.kind) {
    case Kind::join: return answer_of(socket_.join(*group));
    case Kind::leave: return answer_of(socket_.leave(*group));
    case Kind::block: return answer_of(socket_.block_source(*group, step.source));
    case Kind::unblock: return answer_of(socket_.unblock_source(*group, step.source));
    case Kind::join_source: return answer_of(socket_.join_source(*group, step.source));
    case Kind::leave_source: return answer_of(socket_.leave_source(*group, step.source));
  }
  return Answer::fail(EINVAL);
}

}  // namespace sluice::posix
