// Sockets of the stack under numbers, as c-ares wants them: the calls of BSD, none of which blocks.
#pragma once

#include <ares.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <functional>
#include <map>

#include "stack/wire/address.hpp"
#include "tun/event_loop.hpp"

namespace sluice::tools {

class ResolverSockets {
 public:
  /// `ready` hears the number of a socket that may have something to read or room to write.
  ResolverSockets(tun::EventLoop& loop, std::function<void(ares_socket_t)> ready);
  ~ResolverSockets();
  ResolverSockets(const ResolverSockets&) = delete;
  ResolverSockets& operator=(const ResolverSockets&) = delete;

  /// The calls, with a ResolverSockets* as their last argument. They set errno.
  static const ares_socket_functions& functions() noexcept;
  /// Something waits that no further event will tell of: c-ares reads a stream piece by piece.
  bool has_unread(ares_socket_t number) noexcept;

  /// The RCODE of the last datagram (RFC 1035 4.1.1), believed or not: for words alone. c-ares keeps it to itself when
  /// it goes on to the next server.
  unsigned last_code() const noexcept { return last_code_; }
  void forget_code() noexcept { last_code_ = 0; }

 private:
  struct Socket {
    bool stream = false;
    Endpoint remote = {};
    udp::Socket udp = {};
    tcp::Socket tcp = {};
  };

  ares_socket_t open(int type);
  int close(ares_socket_t number);
  int connect(ares_socket_t number, const Endpoint& remote);
  ares_ssize_t receive(Socket& socket, MutableBytes room, sockaddr* from, ares_socklen_t* from_size);
  ares_ssize_t send(Socket& socket, const iovec* pieces, int count);
  Socket* find(ares_socket_t number) noexcept;

  tun::EventLoop& loop_;
  std::function<void(ares_socket_t)> ready_;
  std::map<ares_socket_t, Socket> sockets_;
  unsigned last_code_ = 0;
  ares_socket_t next_ = 1 << 20;  // far from the process's own descriptors
};

}  // namespace sluice::tools
