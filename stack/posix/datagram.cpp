// Datagrams: naming, sending and receiving them, as net/ipv4/udp.c has it.
#include "stack/posix/datagram.hpp"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <utility>

#include "stack/posix/host.hpp"
#include "stack/posix/option_value.hpp"

namespace sluice::posix {
namespace {

constexpr std::size_t kLargest = 65535;
/// From here on a blocked writer is told that there is room.
constexpr std::size_t kWorthTelling = 2048;

Slice copy_of(Gather pieces, std::size_t size) {
  const Buffer buffer = Buffer::allocate(size);
  ByteWriter out(MutableBytes(buffer.data(), size));
  for (const Bytes piece : pieces) out.bytes(piece);
  return Slice(buffer, 0, size);
}

}  // namespace

// --- names -------------------------------------------------------------------------------------------------------

std::uint8_t DatagramSocket::multicast_hops(Family of) const noexcept {
  return static_cast<std::uint8_t>(of == Family::ipv4 ? options_.multicast_ttl : options_.multicast_hops);
}

Family DatagramSocket::peer_family() const noexcept {
  const auto peer = socket_.remote();
  return peer && *peer ? (*peer)->address.unmapped().family() : family();
}

udp::Options DatagramSocket::udp_options(Family of) const noexcept {
  udp::Options made;
  made.rows = true;  // next_text() tells them apart
  made.hop_limit = hop_limit(of);
  made.dscp = dscp(of);
  made.dual_stack = !options_.v6_only;
  made.share_port = options_.reuse_address || options_.reuse_port;
  made.broadcast = options_.broadcast;
  made.multicast_hops = multicast_hops(of);
  made.multicast_loop = of == Family::ipv4 ? options_.multicast_loop : options_.multicast_loop_v6;
  const int discover = of == Family::ipv4 ? options_.mtu_discover : options_.mtu_discover_v6;
  made.dont_fragment = discover != IP_PMTUDISC_DONT && discover != IP_PMTUDISC_OMIT;
  if (options_.send_buffer != 0) made.send_buffer = static_cast<std::size_t>(options_.send_buffer);
  if (options_.receive_buffer != 0) made.receive_buffer = static_cast<std::size_t>(options_.receive_buffer);
  return made;
}

Answer DatagramSocket::bind_to(const Endpoint& local) {
  Result<udp::Socket> made = host_.udp.bind(local, udp_options(local.address.unmapped().family()));
  if (!made) return Answer::fail(errno_of(made.error()));
  socket_ = *std::move(made);
  host_.own(Table::udp, socket_.id(), id);
  for (const GroupStep& step : std::exchange(early_, {})) take(step);
  return Answer::ok();
}

Answer DatagramSocket::bind(const Endpoint& local) {
  if (const int error = refuses(local)) return Answer::fail(error);
  if (socket_) return Answer::fail(EINVAL);
  return bind_to(local);
}

// An AF_INET6 socket takes a sockaddr_in here, and means the mapped address.
Answer DatagramSocket::connect(const Endpoint& remote) {
  if (domain_ == AF_INET && remote.address.is_v6()) return Answer::fail(EAFNOSUPPORT);
  if (!socket_) {
    const Answer bound = bind_to({IpAddress::any(family()), 0});
    if (!bound.good()) return bound;
  }
  const Endpoint to = shown(remote);
  const Result<void> done = socket_.connect(to);
  if (done.error() == Errc::permission_denied) return Answer::fail(EACCES);
  if (!done) return Answer::fail(done.error() == Errc::address_family ? ENETUNREACH : errno_of(done.error()));
  if (held_ && held_->from != to) held_.reset();
  return apply();
}

Answer DatagramSocket::shutdown(int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return Answer::fail(EINVAL);
  const auto peer = socket_.remote();
  if (!peer || !*peer) return Answer::fail(ENOTCONN);
  read_shut_ |= how != SHUT_WR;
  write_shut_ |= how != SHUT_RD;
  happened(EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLHUP);
  return Answer::ok();
}

Answer DatagramSocket::local(Endpoint& out) const {
  const Result<Endpoint> own = socket_.local();
  out = own ? *own : Endpoint{IpAddress::any(family()), 0};
  if (own && own->address.is_unspecified()) out.address = IpAddress::any(family());
  return Answer::ok();
}

Answer DatagramSocket::remote(Endpoint& out) const {
  const auto peer = socket_.remote();
  if (!peer || !*peer) return Answer::fail(ENOTCONN);
  out = **peer;
  return Answer::ok();
}

// --- receive -----------------------------------------------------------------------------------------------------

void DatagramSocket::fetch() {
  if (pending_error_ == 0) pending_error_ = errno_of(socket_.take_error());
  if (held_) return;
  udp::Received received;
  if (socket_.receive({&received, 1}).value_or(0) == 1) held_ = std::move(received);
}

Bytes DatagramSocket::next_text() const noexcept {
  const Bytes all = held_->data.bytes();
  return held_->gso_size == 0 ? all : all.first(std::min<std::size_t>(all.size(), held_->gso_size));
}

void DatagramSocket::drop_next() noexcept {
  held_->data.remove_front(next_text().size());
  if (held_->data.empty()) held_.reset();
}

void DatagramSocket::describe(Received& info) const noexcept {
  info = {.from = held_->from, .has_from = true};
  const bool v4 = held_->from.address.unmapped().is_v4();
  if (v4 ? options_.tell_ttl : options_.tell_hops) info.ttl = held_->hop_limit;
  if (v4 ? options_.tell_tos : options_.tell_class) info.tos = held_->dscp << 2 | static_cast<int>(held_->ecn);
}

Answer DatagramSocket::receive(std::span<const MutableBytes> room, int flags, Received* info) {
  if (info) *info = {};
  if (flags & MSG_OOB) return Answer::fail(EOPNOTSUPP);
  if (flags & MSG_ERRQUEUE) return Answer::fail(EAGAIN);
  fetch();
  if (pending_error_ != 0) return Answer::fail(take_error());
  if (!held_) return read_shut_ ? Answer::ok(0) : not_now(!nonblocking && !(flags & MSG_DONTWAIT));
  const Bytes text = next_text();
  const std::size_t size = text.size();
  const std::size_t copied = std::min(size, room_size(room));
  scatter(room, 0, text.first(copied));
  if (info) {
    describe(*info);
    if (copied < size) info->flags |= MSG_TRUNC;
  }
  if (!(flags & MSG_PEEK)) drop_next();
  return Answer::ok(static_cast<std::int64_t>(flags & MSG_TRUNC ? size : copied));
}

// --- send --------------------------------------------------------------------------------------------------------

// IP_PMTUDISC_WANT: with DF as long as it fits the path, in fragments beyond.
Result<std::size_t> DatagramSocket::transmit(udp::Outgoing& datagram) {
  const Result<std::size_t> sent = socket_.send({&datagram, 1});
  const Family of = datagram.to ? datagram.to->address.unmapped().family() : peer_family();
  const int discover = of == Family::ipv4 ? options_.mtu_discover : options_.mtu_discover_v6;
  if (sent.error() != Errc::message_too_large || discover != IP_PMTUDISC_WANT) return sent;
  datagram.dont_fragment = false;
  return socket_.send({&datagram, 1});
}

Answer DatagramSocket::send(Gather pieces, int flags, const Endpoint* to) {
  const std::size_t size = gather_size(pieces);
  if (size > kLargest) return Answer::fail(EMSGSIZE);
  if (flags & (MSG_OOB | MSG_MORE)) return Answer::fail(EOPNOTSUPP);
  if (write_shut_) return Answer::fail(EPIPE);
  if (to && domain_ == AF_INET && to->address.is_v6()) return Answer::fail(EAFNOSUPPORT);
  if (to && to->port == 0) return Answer::fail(EINVAL);
  if (!socket_ && !to) return Answer::fail(EDESTADDRREQ);
  if (!socket_) {
    const Answer bound = bind_to({IpAddress::any(family()), 0});
    if (!bound.good()) return bound;
  }
  fetch();
  if (const int error = take_error()) return Answer::fail(error);
  udp::Outgoing datagram;
  if (to) {
    datagram.to = shown(*to);
    const IpAddress there = to->address.unmapped();
    datagram.hop_limit = there.is_multicast() ? multicast_hops(there.family()) : hop_limit(there.family());
    datagram.dscp = dscp(to->address.unmapped().family());
  }
  datagram.data = copy_of(pieces, size);
  const Result<std::size_t> sent = transmit(datagram);
  if (sent.error() == Errc::not_connected) return Answer::fail(EDESTADDRREQ);
  if (sent.error() == Errc::address_family) return Answer::fail(ENETUNREACH);
  if (sent.error() == Errc::permission_denied) return Answer::fail(EACCES);  // broadcast without SO_BROADCAST
  if (!sent) return Answer::fail(errno_of(sent.error()));
  if (*sent == 0) return not_now(!nonblocking && !(flags & MSG_DONTWAIT));
  return Answer::ok(static_cast<std::int64_t>(size));
}

// --- looks and options -------------------------------------------------------------------------------------------

Answer DatagramSocket::ioctl(unsigned long request, int& value) {
  switch (request) {
    case FIONREAD:
      fetch();
      value = held_ ? static_cast<int>(next_text().size()) : 0;
      return Answer::ok();
    case SIOCOUTQ: value = static_cast<int>(socket_.departing()); return Answer::ok();
    default: return Answer::fail(ENOTTY);
  }
}

std::uint32_t DatagramSocket::ready() {
  fetch();
  std::uint32_t mask = 0;
  if (held_) mask |= EPOLLIN | EPOLLRDNORM;
  if (pending_error_ != 0) mask |= EPOLLERR;
  if (read_shut_) mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
  if (read_shut_ && write_shut_) mask |= EPOLLHUP;
  if (!socket_ || socket_.writable() >= kWorthTelling) mask |= EPOLLOUT | EPOLLWRNORM;
  return mask;
}

int DatagramSocket::take_error() noexcept {
  if (pending_error_ != 0) return std::exchange(pending_error_, 0);
  return errno_of(socket_.take_error());
}

Answer DatagramSocket::apply() {
  return socket_ ? answer_of(socket_.set_options(udp_options(peer_family()))) : Answer::ok();
}

int DatagramSocket::path_mtu() const noexcept {
  const auto peer = socket_.remote();
  return peer && *peer ? static_cast<int>(host_.udp.path_mtu((*peer)->address.unmapped())) : 0;
}

int DatagramSocket::send_buffer_now() const noexcept { return static_cast<int>(udp::Options{}.send_buffer); }
int DatagramSocket::receive_buffer_now() const noexcept { return static_cast<int>(udp::Options{}.receive_buffer); }

Answer DatagramSocket::set_protocol_option(int, int, Bytes) { return Answer::fail(ENOPROTOOPT); }
Answer DatagramSocket::get_protocol_option(int, int, MutableBytes, std::size_t&) { return Answer::fail(ENOPROTOOPT); }

}  // namespace sluice::posix
