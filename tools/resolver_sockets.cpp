// errno and sockaddr on one side, Result and Endpoint on the other.
#include "tools/resolver_sockets.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "tun/socket_address.hpp"

namespace sluice::tools {
namespace {

int failed(int number) {
  errno = number;
  return -1;
}

int errno_of(Errc error) {
  return error == Errc::would_block ? EAGAIN : error == Errc::connection_refused ? ECONNREFUSED : ENETUNREACH;
}

}  // namespace

ResolverSockets::ResolverSockets(tun::EventLoop& loop, std::function<void(ares_socket_t)> ready)
    : loop_(loop), ready_(std::move(ready)) {}

ResolverSockets::~ResolverSockets() {
  while (!sockets_.empty()) close(sockets_.begin()->first);
}

const ares_socket_functions& ResolverSockets::functions() noexcept {
  static const ares_socket_functions calls = {
      [](int, int type, int, void* user) { return static_cast<ResolverSockets*>(user)->open(type); },
      [](ares_socket_t number, void* user) { return static_cast<ResolverSockets*>(user)->close(number); },
      [](ares_socket_t number, const sockaddr* to, ares_socklen_t, void* user) {
        return static_cast<ResolverSockets*>(user)->connect(number, tun::from_kernel(to));
      },
      [](ares_socket_t number, void* room, std::size_t size, int, sockaddr* from, ares_socklen_t* from_size,
         void* user) -> ares_ssize_t {
        auto& sockets = *static_cast<ResolverSockets*>(user);
        Socket* socket = sockets.find(number);
        if (!socket) return failed(EBADF);
        return sockets.receive(*socket, MutableBytes(static_cast<std::uint8_t*>(room), size), from, from_size);
      },
      [](ares_socket_t number, const iovec* pieces, int count, void* user) -> ares_ssize_t {
        auto& sockets = *static_cast<ResolverSockets*>(user);
        Socket* socket = sockets.find(number);
        return socket ? sockets.send(*socket, pieces, count) : failed(EBADF);
      }};
  return calls;
}

ResolverSockets::Socket* ResolverSockets::find(ares_socket_t number) noexcept {
  const auto found = sockets_.find(number);
  return found == sockets_.end() ? nullptr : &found->second;
}

bool ResolverSockets::has_unread(ares_socket_t number) noexcept {
  const Socket* socket = find(number);
  return socket && socket->stream && (socket->tcp.readable() > 0 || socket->tcp.at_eof());
}

ares_socket_t ResolverSockets::open(int type) {
  sockets_[next_].stream = type == SOCK_STREAM;
  return next_++;
}

int ResolverSockets::close(ares_socket_t number) {
  Socket* socket = find(number);
  if (!socket) return failed(EBADF);
  if (socket->tcp) loop_.off(socket->tcp);
  if (socket->udp) loop_.off(socket->udp);
  sockets_.erase(number);
  return 0;
}

int ResolverSockets::connect(ares_socket_t number, const Endpoint& remote) {
  Socket* socket = find(number);
  if (!socket) return failed(EBADF);
  socket->remote = remote;
  const auto tell = [this, number](Readiness) { ready_(number); };
  if (socket->stream) {
    Result<tcp::Socket> made = loop_.stack().connect(remote);
    if (!made) return failed(errno_of(made.error()));
    socket->tcp = *std::move(made);
    loop_.on(socket->tcp, tell);
    return failed(EINPROGRESS);
  }
  Result<udp::Socket> made = loop_.stack().bind_udp({IpAddress::any(remote.address.family()), 0});
  if (!made) return failed(errno_of(made.error()));
  socket->udp = *std::move(made);
  const Result<void> connected = socket->udp.connect(remote);
  if (!connected) return failed(errno_of(connected.error()));
  loop_.on(socket->udp, tell);
  return 0;
}

ares_ssize_t ResolverSockets::receive(Socket& socket, MutableBytes room, sockaddr* from, ares_socklen_t* from_size) {
  if (socket.stream) {
    const Result<std::size_t> count = socket.tcp.read(room);
    if (!count) return failed(errno_of(count.error()));
    if (*count == 0 && !socket.tcp.at_eof()) return failed(EAGAIN);
    return static_cast<ares_ssize_t>(*count);
  }
  std::array<udp::Received, 1> received;
  const Result<std::size_t> count = socket.udp.receive(received);
  if (!count) return failed(errno_of(count.error()));
  if (*count == 0) return failed(EAGAIN);
  const Bytes bytes = received[0].data.bytes();
  const std::size_t size = std::min(bytes.size(), room.size());
  std::copy_n(bytes.begin(), size, room.begin());
  if (size > 3) last_code_ = bytes[3] & 0xfu;
  if (from) {  // c-ares has room for the longer one
    const tun::SocketAddress sender = tun::to_kernel(received[0].from);
    std::memcpy(from, &sender.storage, *from_size = sender.size);
  }
  return static_cast<ares_ssize_t>(size);
}

ares_ssize_t ResolverSockets::send(Socket& socket, const iovec* pieces, int count) {
  std::vector<std::uint8_t> bytes;
  for (int i = 0; i < count; ++i) {
    const auto* first = static_cast<const std::uint8_t*>(pieces[i].iov_base);
    bytes.insert(bytes.end(), first, first + pieces[i].iov_len);
  }
  if (socket.stream) {
    if (socket.tcp.state() == tcp::State::syn_sent) return failed(EAGAIN);
    const Result<std::size_t> written = socket.tcp.write(Bytes(bytes));
    if (!written) return failed(errno_of(written.error()));
    return *written > 0 ? static_cast<ares_ssize_t>(*written) : failed(EAGAIN);
  }
  const Result<void> sent = socket.udp.send_to(socket.remote, bytes);
  return sent ? static_cast<ares_ssize_t>(bytes.size()) : failed(errno_of(sent.error()));
}

}  // namespace sluice::tools
