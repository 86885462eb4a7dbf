// What streams and datagram sockets have in common: addresses of a domain, and options of SOL_SOCKET, IP and IPv6.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <memory>
#include <optional>

#include "stack/posix/file.hpp"
#include "stack/wire/address.hpp"

namespace sluice::posix {

/// What the application set; numbers as in the kernel's ABI.
struct SocketOptions {
  bool reuse_address = false;
  bool reuse_port = false;
  bool broadcast = false;
  bool keep_alive = false;
  bool linger_on = false;
  int linger_seconds = 0;
  int priority = 0;
  int mark = 0;
  int low_water = 1;    ///< SO_RCVLOWAT
  int send_buffer = 0;  ///< as getsockopt tells it; 0 = never set
  int receive_buffer = 0;
  timeval receive_timeout = {};
  timeval send_timeout = {};
  int tos = 0;
  int traffic_class = 0;
  int ttl = 0;   ///< 0 = the stack's default
  int hops = 0;  ///< the same for IPv6
  int mtu_discover = IP_PMTUDISC_WANT;
  int mtu_discover_v6 = IPV6_PMTUDISC_WANT;
  bool errors = false;  ///< IP_RECVERR
  bool errors_v6 = false;
  bool tell_ttl = false;
  bool tell_tos = false;
  bool tell_hops = false;
  bool tell_class = false;
  bool v6_only = false;
  int multicast_ttl = 1;
  int multicast_hops = 1;
  bool multicast_loop = true;
  bool multicast_loop_v6 = true;
};

class SocketFile : public File {
 public:
  SocketFile(Host& host, int domain, int type, int protocol) noexcept
      : File(host), domain_(domain), type_(type), protocol_(protocol) {}

  virtual Answer bind(const Endpoint& local) = 0;
  virtual Answer listen(int backlog);
  /// On success `made` is the accepted socket, which has no descriptor yet.
  virtual Answer accept(std::unique_ptr<StreamSocket>& made, Endpoint* peer);
  virtual Answer connect(const Endpoint& remote) = 0;
  virtual Answer shutdown(int how) = 0;
  virtual Answer local(Endpoint& out) const = 0;
  virtual Answer remote(Endpoint& out) const = 0;

  Answer set_option(int level, int name, Bytes value);
  Answer get_option(int level, int name, MutableBytes room, std::size_t& length);

  SocketFile* as_socket() noexcept override { return this; }

 protected:
  /// The level of the protocol itself.
  virtual Answer set_protocol_option(int level, int name, Bytes value) = 0;
  virtual Answer get_protocol_option(int level, int name, MutableBytes room, std::size_t& length) = 0;
  /// Options about groups, which only datagram sockets have; nullopt: it is none of them.
  virtual std::optional<Answer> set_group_option(int level, int name, Bytes value);
  virtual std::optional<int> group_number(int level, int name) const noexcept;
  /// Options changed: the stack is told where there is a socket already.
  virtual Answer apply() = 0;
  /// SO_ERROR: the pending error, cleared by asking.
  virtual int take_error() noexcept = 0;
  virtual bool accepts_connections() const noexcept { return false; }
  /// Largest packet on the way to the peer, bytes; 0 = not connected.
  virtual int path_mtu() const noexcept = 0;
  /// How large the buffers are, bytes, where the application never said.
  virtual int send_buffer_now() const noexcept = 0;
  virtual int receive_buffer_now() const noexcept = 0;
  virtual bool is_bound() const noexcept = 0;

  /// An address as this domain's applications see it.
  IpAddress shown(const IpAddress& address) const noexcept;
  Endpoint shown(const Endpoint& endpoint) const noexcept { return {shown(endpoint.address), endpoint.port}; }
  Family family() const noexcept { return domain_ == AF_INET ? Family::ipv4 : Family::ipv6; }
  /// 0, or why an application of this domain can't name this address to bind() or connect().
  int refuses(const Endpoint& endpoint) const noexcept;
  /// Hop limit and DSCP of packets of this family.
  std::uint8_t hop_limit(Family of) const noexcept;
  std::uint8_t dscp(Family of) const noexcept;

  SocketOptions options_;
  int domain_;

 private:
  Answer set_socket_option(int name, Bytes value);
  Answer set_timeout(timeval& timeout, Bytes value) noexcept;
  Answer set_linger(Bytes value);
  Answer set_buffer(int name, int value);
  Answer set_ip_option(int name, int value);
  Answer set_ipv6_option(int name, int value);
  std::optional<int> socket_number(int name);
  std::optional<int> ip_number(int name) const noexcept;
  std::optional<int> ipv6_number(int name) const noexcept;

  int type_;
  int protocol_;
};

}  // namespace sluice::posix
