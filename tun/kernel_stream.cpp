// recv, sendmsg and the little state around them.
#include "tun/kernel_stream.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>

#include "tun/error.hpp"
#include "tun/socket_address.hpp"

namespace sluice::tun {
namespace {

constexpr std::size_t kPieces = 64;

Fd stream_socket(const Endpoint& endpoint) {
  const int family = endpoint.address.is_v4() ? AF_INET : AF_INET6;
  return Fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

bool set_option(const Fd& fd, int level, int name, const void* value, std::size_t size) noexcept {
  return ::setsockopt(fd.number(), level, name, value, static_cast<socklen_t>(size)) == 0;
}

bool would_block(int error) noexcept { return error == EAGAIN || error == EINTR; }

}  // namespace

KernelStream::KernelStream(Fd fd) : fd_(std::move(fd)) {
  const int flags = ::fcntl(fd_.number(), F_GETFL);
  ::fcntl(fd_.number(), F_SETFL, flags | O_NONBLOCK);
}

Result<KernelStream> KernelStream::connect(const Endpoint& remote, const std::string& congestion) {
  Fd fd = stream_socket(remote);
  if (!fd) return from_errno(errno);
  if (!congestion.empty() && !set_option(fd, IPPROTO_TCP, TCP_CONGESTION, congestion.data(), congestion.size()))
    return from_errno(errno);
  SocketAddress address = to_kernel(remote);
  const int outcome = ::connect(fd.number(), address.raw(), address.size);
  if (outcome != 0 && errno != EINPROGRESS) return from_errno(errno);
  KernelStream stream(std::move(fd));
  stream.connecting_ = outcome != 0;
  return stream;
}

void KernelStream::fail(int error) noexcept {
  if (error_ == Errc::none) error_ = from_errno(error);
  waiting_.clear();
}

void KernelStream::read_more() {
  begin_ = end_ = 0;
  if (!fd_ || connecting_ || eof_ || error_ != Errc::none) return received_.reset();
  if (!received_) received_ = std::make_unique_for_overwrite<std::uint8_t[]>(kBuffer);
  const ssize_t size = ::recv(fd_.number(), received_.get(), kBuffer, MSG_DONTWAIT);
  end_ = size > 0 ? static_cast<std::size_t>(size) : 0;
  if (end_ == 0) received_.reset();
  if (size == 0) eof_ = true;
  if (size < 0 && !would_block(errno)) fail(errno);
}

MutableBytes KernelStream::peek() {
  if (begin_ == end_) read_more();
  if (begin_ == end_) return {};
  return {received_.get() + begin_, end_ - begin_};
}

void KernelStream::consume(std::size_t count) noexcept {
  assert(count <= end_ - begin_);
  begin_ += count;
}

std::size_t KernelStream::writable() const noexcept {
  if (!fd_ || finishing_ || error_ != Errc::none) return 0;
  return kBuffer - waiting_.size();
}

/// What the kernel takes of these pieces now.
std::size_t KernelStream::send_now(Gather pieces) {
  std::array<iovec, kPieces> parts;
  std::size_t count = 0;
  for (Bytes piece : pieces.first(std::min(pieces.size(), kPieces)))
    parts[count++] = {const_cast<std::uint8_t*>(piece.data()), piece.size()};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = count;
  const ssize_t sent = ::sendmsg(fd_.number(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && !would_block(errno)) fail(errno);
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

Result<std::size_t> KernelStream::write(Gather pieces) {
  if (!fd_) return Errc::stale_handle;
  if (error_ != Errc::none) return error_;
  if (finishing_) return Errc::connection_closing;
  std::size_t taken = 0;
  if (!connecting_ && waiting_.empty()) taken = send_now(pieces);
  if (error_ != Errc::none) return error_;
  std::size_t skip = taken;
  for (Bytes piece : pieces) {
    const std::size_t sent = std::min(skip, piece.size());
    skip -= sent;
    const Bytes rest = piece.subspan(sent);
    const Bytes fits = rest.first(std::min(rest.size(), kBuffer - waiting_.size()));
    waiting_.insert(waiting_.end(), fits.begin(), fits.end());
    taken += fits.size();
  }
  return taken;
}

void KernelStream::flush() {
  while (!waiting_.empty() && error_ == Errc::none) {
    const Bytes all(waiting_);
    const std::size_t sent = send_now(Gather(&all, 1));
    if (sent == 0) return;
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(sent));
  }
  if (finishing_ && !finished_ && error_ == Errc::none) {
    finished_ = true;
    ::shutdown(fd_.number(), SHUT_WR);
  }
}

void KernelStream::finish() {
  if (!fd_ || finishing_) return;
  finishing_ = true;
  if (!connecting_) flush();
}

void KernelStream::abort() noexcept {
  const linger now{1, 0};
  set_option(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  fd_.reset();
  fail(ECONNABORTED);
}

Readiness KernelStream::interest() const noexcept {
  const bool sends = connecting_ || !waiting_.empty() || (finishing_ && !finished_);
  return sends ? Readiness::readable | Readiness::writable : Readiness::readable;
}

void KernelStream::on_ready() {
  if (!fd_ || error_ != Errc::none) return;
  if (connecting_) {
    pollfd ready{fd_.number(), POLLOUT, 0};
    if (::poll(&ready, 1, 0) <= 0) return;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_.number(), SOL_SOCKET, SO_ERROR, &error, &size);
    connecting_ = false;
    if (error != 0) return fail(error);
  }
  flush();
}

bool KernelStream::wait(Duration longest) {
  const bool sends = any(interest() & Readiness::writable);
  pollfd ready{fd_.number(), static_cast<short>(POLLIN | (sends ? POLLOUT : 0)), 0};
  const auto limit = std::chrono::ceil<std::chrono::milliseconds>(longest);
  const bool woke = ::poll(&ready, 1, static_cast<int>(limit.count())) > 0;
  on_ready();
  return woke;
}

Result<Fd> kernel_listen(const Endpoint& local, int backlog) {
  Fd fd = stream_socket(local);
  const int yes = 1;
  SocketAddress address = to_kernel(local);
  const bool good = fd && set_option(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) &&
                    ::bind(fd.number(), address.raw(), address.size) == 0 && ::listen(fd.number(), backlog) == 0;
  if (!good) return from_errno(errno);
  return fd;
}

Result<KernelStream> kernel_accept(const Fd& listener) {
  Fd fd(::accept4(listener.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) return from_errno(errno);
  return KernelStream(std::move(fd));
}

Result<Endpoint> kernel_local(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return from_errno(errno);
  return from_kernel(reinterpret_cast<const sockaddr*>(&storage));
}

}  // namespace sluice::tun
