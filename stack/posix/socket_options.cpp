// SOL_SOCKET, IPPROTO_IP and IPPROTO_IPV6, as net/core/sock.c, ip_sockglue.c and ipv6_sockglue.c have them.
#include <errno.h>

#include <algorithm>
#include <cstdint>

#include "stack/posix/host.hpp"
#include "stack/posix/option_value.hpp"
#include "stack/posix/socket_file.hpp"

namespace sluice::posix {
namespace {

// SOCK_MIN_SNDBUF and SOCK_MIN_RCVBUF on a 64-bit machine: what a buffer is at least.
constexpr int kMinimumSendBuffer = 4608;
constexpr int kMinimumReceiveBuffer = 2304;
constexpr int kDefaultHops = 64;

// TCP and UDP take these from one byte, too.
std::optional<int> small_number(Bytes value) noexcept {
  if (value.size() >= sizeof(int)) return value_from<int>(value);
  if (!value.empty()) return value[0];
  return std::nullopt;
}

}  // namespace

Answer put_bytes(Bytes value, MutableBytes room, std::size_t& length) noexcept {
  length = std::min({length, room.size(), value.size()});
  if (length > 0) std::memcpy(room.data(), value.data(), length);
  return Answer::ok();
}

std::optional<Answer> SocketFile::set_group_option(int, int, Bytes) { return std::nullopt; }
std::optional<int> SocketFile::group_number(int, int) const noexcept { return std::nullopt; }

Answer SocketFile::listen(int) { return Answer::fail(EOPNOTSUPP); }
Answer SocketFile::accept(std::unique_ptr<StreamSocket>&, Endpoint*) { return Answer::fail(EOPNOTSUPP); }

IpAddress SocketFile::shown(const IpAddress& address) const noexcept {
  return domain_ == AF_INET6 ? address.mapped() : address;
}

// A sockaddr_in is too short for an AF_INET6 socket.
int SocketFile::refuses(const Endpoint& endpoint) const noexcept {
  if (endpoint.address.family() == family()) return 0;
  return domain_ == AF_INET ? EAFNOSUPPORT : EINVAL;
}

std::uint8_t SocketFile::hop_limit(Family of) const noexcept {
  return static_cast<std::uint8_t>(of == Family::ipv4 ? options_.ttl : options_.hops);
}

std::uint8_t SocketFile::dscp(Family of) const noexcept {
  return static_cast<std::uint8_t>((of == Family::ipv4 ? options_.tos : options_.traffic_class) >> 2 & 63);
}

Answer SocketFile::set_option(int level, int name, Bytes value) {
  if (level == SOL_SOCKET) return set_socket_option(name, value);
  if (const std::optional<Answer> done = set_group_option(level, name, value)) return *done;
  if (level == IPPROTO_IP) {
    const std::optional<int> number = small_number(value);
    return number ? set_ip_option(name, *number) : Answer::fail(EINVAL);
  }
  if (level == IPPROTO_IPV6 && domain_ == AF_INET6) {
    const std::optional<int> number = value_from<int>(value);
    return number ? set_ipv6_option(name, *number) : Answer::fail(EINVAL);
  }
  return set_protocol_option(level, name, value);
}

Answer SocketFile::get_option(int level, int name, MutableBytes room, std::size_t& length) {
  std::optional<int> number;
  if (level == SOL_SOCKET) {
    if (name == SO_LINGER) return put_value(linger{options_.linger_on, options_.linger_seconds}, room, length);
    if (name == SO_RCVTIMEO || name == SO_SNDTIMEO)
      return put_value(name == SO_RCVTIMEO ? options_.receive_timeout : options_.send_timeout, room, length);
    number = socket_number(name);
  } else if (level == IPPROTO_IP || (level == IPPROTO_IPV6 && domain_ == AF_INET6)) {
    const bool asks_mtu = level == IPPROTO_IP ? name == IP_MTU : name == IPV6_MTU;
    if (asks_mtu && path_mtu() == 0) return Answer::fail(ENOTCONN);
    number = asks_mtu ? path_mtu() : group_number(level, name);
    if (!number) number = level == IPPROTO_IP ? ip_number(name) : ipv6_number(name);
  } else {
    return get_protocol_option(level, name, room, length);
  }
  return number ? put_int(*number, room, length) : Answer::fail(ENOPROTOOPT);
}

// --- SOL_SOCKET --------------------------------------------------------------------------------------------------

Answer SocketFile::set_timeout(timeval& timeout, Bytes value) noexcept {
  const std::optional<timeval> given = value_from<timeval>(value);
  if (!given) return Answer::fail(EINVAL);
  if (given->tv_usec < 0 || given->tv_usec >= 1'000'000) return Answer::fail(EDOM);
  timeout = *given;
  return Answer::ok();
}

Answer SocketFile::set_linger(Bytes value) {
  const std::optional<linger> given = value_from<linger>(value);
  if (!given) return Answer::fail(EINVAL);
  options_.linger_on = given->l_onoff != 0;
  if (options_.linger_on) options_.linger_seconds = given->l_linger;
  return apply();
}

// The kernel doubles what it is given, for its own costs, and tells that.
Answer SocketFile::set_buffer(int name, int value) {
  const bool sending = name == SO_SNDBUF || name == SO_SNDBUFFORCE;
  const bool forced = name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE;
  const std::size_t ceiling = sending ? host_.settings.send_buffer_limit : host_.settings.receive_buffer_limit;
  const int limit = forced ? INT32_MAX / 2 : static_cast<int>(std::min<std::size_t>(ceiling, INT32_MAX / 2));
  const auto asked = static_cast<int>(std::min(static_cast<unsigned>(value), static_cast<unsigned>(limit)));
  if (sending)
    options_.send_buffer = std::max(2 * asked, kMinimumSendBuffer);
  else
    options_.receive_buffer = std::max(2 * asked, kMinimumReceiveBuffer);
  return apply();
}

Answer SocketFile::set_socket_option(int name, Bytes value) {
  if (name == SO_RCVTIMEO) return set_timeout(options_.receive_timeout, value);
  if (name == SO_SNDTIMEO) return set_timeout(options_.send_timeout, value);
  if (name == SO_LINGER) return set_linger(value);
  const std::optional<int> given = value_from<int>(value);
  if (!given) return Answer::fail(EINVAL);
  const int number = *given;
  switch (name) {
    case SO_REUSEADDR: options_.reuse_address = number != 0; return apply();
    case SO_REUSEPORT: options_.reuse_port = number != 0; return apply();
    case SO_BROADCAST: options_.broadcast = number != 0; return apply();
    case SO_PRIORITY: options_.priority = number; return Answer::ok();
    case SO_MARK: options_.mark = number; return Answer::ok();
    case SO_RCVLOWAT: options_.low_water = number < 0 ? INT32_MAX : std::max(number, 1); return Answer::ok();
    case SO_KEEPALIVE: options_.keep_alive = number != 0; return apply();
    case SO_OOBINLINE: return number != 0 ? Answer::ok() : Answer::fail(EOPNOTSUPP);  // RFC 6093: always in line
    case SO_SNDBUF:
    case SO_RCVBUF:
    case SO_SNDBUFFORCE:
    case SO_RCVBUFFORCE: return set_buffer(name, number);
    default: return Answer::fail(ENOPROTOOPT);
  }
}

std::optional<int> SocketFile::socket_number(int name) {
  switch (name) {
    case SO_REUSEADDR: return options_.reuse_address;
    case SO_REUSEPORT: return options_.reuse_port;
    case SO_BROADCAST: return options_.broadcast;
    case SO_PRIORITY: return options_.priority;
    case SO_MARK: return options_.mark;
    case SO_RCVLOWAT: return options_.low_water;
    case SO_SNDLOWAT: return 1;
    case SO_KEEPALIVE: return options_.keep_alive;
    case SO_OOBINLINE: return 1;
    case SO_SNDBUF: return options_.send_buffer != 0 ? options_.send_buffer : send_buffer_now();
    case SO_RCVBUF: return options_.receive_buffer != 0 ? options_.receive_buffer : receive_buffer_now();
    case SO_ERROR: return take_error();
    case SO_TYPE: return type_;
    case SO_DOMAIN: return domain_;
    case SO_PROTOCOL: return protocol_;
    case SO_ACCEPTCONN: return accepts_connections();
    default: return std::nullopt;
  }
}

// --- IPPROTO_IP --------------------------------------------------------------------------------------------------

Answer SocketFile::set_ip_option(int name, int value) {
  switch (name) {
    case IP_TOS: options_.tos = value & 0xff; return apply();
    case IP_TTL:
      if (value != -1 && (value < 1 || value > 255)) return Answer::fail(EINVAL);
      options_.ttl = std::max(value, 0);
      return apply();
    case IP_MTU_DISCOVER:
      if (value < IP_PMTUDISC_DONT || value > IP_PMTUDISC_OMIT) return Answer::fail(EINVAL);
      options_.mtu_discover = value;
      return apply();
    case IP_RECVERR: options_.errors = value != 0; return Answer::ok();
    case IP_RECVTTL: options_.tell_ttl = value != 0; return Answer::ok();
    case IP_RECVTOS: options_.tell_tos = value != 0; return Answer::ok();
    default: return Answer::fail(ENOPROTOOPT);
  }
}

std::optional<int> SocketFile::ip_number(int name) const noexcept {
  switch (name) {
    case IP_TOS: return options_.tos;
    case IP_TTL: return options_.ttl != 0 ? options_.ttl : kDefaultHops;
    case IP_MTU_DISCOVER: return options_.mtu_discover;
    case IP_RECVERR: return options_.errors;
    case IP_RECVTTL: return options_.tell_ttl;
    case IP_RECVTOS: return options_.tell_tos;
    default: return std::nullopt;
  }
}

// --- IPPROTO_IPV6 ------------------------------------------------------------------------------------------------

Answer SocketFile::set_ipv6_option(int name, int value) {
  switch (name) {
    case IPV6_V6ONLY:
      if (is_bound()) return Answer::fail(EINVAL);
      options_.v6_only = value != 0;
      return Answer::ok();
    case IPV6_TCLASS:
      if (value < -1 || value > 255) return Answer::fail(EINVAL);
      options_.traffic_class = std::max(value, 0);
      return apply();
    case IPV6_UNICAST_HOPS:
      if (value < -1 || value > 255) return Answer::fail(EINVAL);
      options_.hops = std::max(value, 0);
      return apply();
    case IPV6_MTU_DISCOVER:
      if (value < IPV6_PMTUDISC_DONT || value > IPV6_PMTUDISC_OMIT) return Answer::fail(EINVAL);
      options_.mtu_discover_v6 = value;
      return apply();
    case IPV6_RECVERR: options_.errors_v6 = value != 0; return Answer::ok();
    case IPV6_RECVHOPLIMIT: options_.tell_hops = value != 0; return Answer::ok();
    case IPV6_RECVTCLASS: options_.tell_class = value != 0; return Answer::ok();
    default: return Answer::fail(ENOPROTOOPT);
  }
}

std::optional<int> SocketFile::ipv6_number(int name) const noexcept {
  switch (name) {
    case IPV6_V6ONLY: return options_.v6_only;
    case IPV6_TCLASS: return options_.traffic_class;
    case IPV6_UNICAST_HOPS: return options_.hops != 0 ? options_.hops : kDefaultHops;
    case IPV6_MTU_DISCOVER: return options_.mtu_discover_v6;
    case IPV6_RECVERR: return options_.errors_v6;
    case IPV6_RECVHOPLIMIT: return options_.tell_hops;
    case IPV6_RECVTCLASS: return options_.tell_class;
    default: return std::nullopt;
  }
}

}  // namespace sluice::posix
