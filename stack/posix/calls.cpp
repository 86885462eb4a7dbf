// The table of descriptors: each call finds its file, and the file answers.
#include "stack/posix/calls.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "stack/posix/datagram.hpp"
#include "stack/posix/epoll.hpp"
#include "stack/posix/host.hpp"
#include "stack/posix/pipes.hpp"
#include "stack/posix/stream.hpp"

namespace sluice::posix {
namespace {

constexpr int kFirstDescriptor = 3;
constexpr int kTypeFlags = SOCK_NONBLOCK | SOCK_CLOEXEC;

std::uint32_t mask_of(Readiness ready) noexcept {
  const auto has = [ready](Readiness what) { return any(ready & what); };
  std::uint32_t mask = 0;
  if (has(Readiness::readable)) mask |= EPOLLIN | EPOLLRDNORM;
  if (has(Readiness::writable) || has(Readiness::connected)) mask |= EPOLLOUT | EPOLLWRNORM;
  if (has(Readiness::peer_closed)) mask |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
  if (has(Readiness::failed)) mask |= EPOLLERR | EPOLLHUP | EPOLLRDHUP;
  if (has(Readiness::urgent)) mask |= EPOLLPRI;
  return mask;
}

}  // namespace

Calls::Calls(tcp::Layer& tcp, udp::Layer& udp, const Settings& settings)
    : host_(std::make_unique<Host>(tcp, udp, settings)) {}

Calls::~Calls() {
  for (const Descriptor& one : table_)
    if (one.open) let_go(one.file);
}

// --- descriptors -------------------------------------------------------------------------------------------------

File* Calls::find(int fd) const noexcept {
  if (fd < 0 || static_cast<std::size_t>(fd) >= table_.size()) return nullptr;
  const Descriptor& one = table_[static_cast<std::size_t>(fd)];
  return one.open ? host_->files.find(one.file) : nullptr;
}

SocketFile* Calls::find_socket(int fd, int& error) const noexcept {
  File* const file = find(fd);
  error = file ? ENOTSOCK : EBADF;
  return file ? file->as_socket() : nullptr;
}

int Calls::lowest_free(int from) const noexcept {
  int fd = from;
  while (static_cast<std::size_t>(fd) < table_.size() && table_[static_cast<std::size_t>(fd)].open) ++fd;
  return fd;
}

Answer Calls::share(SlotId file, int lowest, bool close_on_exec) {
  const int fd = lowest_free(lowest);
  if (fd >= host_->settings.descriptor_limit) return Answer::fail(EMFILE);
  const auto place = static_cast<std::size_t>(fd);
  if (table_.size() <= place) table_.resize(place + 1);
  table_[place] = {file, true, close_on_exec};
  ++host_->files.find(file)->references;
  return Answer::ok(fd);
}

Answer Calls::install(std::unique_ptr<File> file, bool close_on_exec) {
  if (lowest_free(kFirstDescriptor) >= host_->settings.descriptor_limit) return Answer::fail(EMFILE);
  const auto [id, adopted] = host_->files.adopt(std::move(file));
  adopted.id = id;
  return share(id, kFirstDescriptor, close_on_exec);
}

void Calls::let_go(SlotId file) noexcept {
  File* const open = host_->files.find(file);
  if (open && --open->references == 0) host_->files.erase(file);
}

Answer Calls::close(int fd) {
  if (!find(fd)) return Answer::fail(EBADF);
  const SlotId id = std::exchange(table_[static_cast<std::size_t>(fd)], {}).file;
  let_go(id);
  return Answer::ok();
}

Answer Calls::dup(int fd) {
  const File* const file = find(fd);
  return file ? share(file->id, kFirstDescriptor, false) : Answer::fail(EBADF);
}

Answer Calls::fcntl(int fd, int command, std::int64_t argument) {
  File* const file = find(fd);
  if (!file) return Answer::fail(EBADF);
  Descriptor& one = table_[static_cast<std::size_t>(fd)];
  switch (command) {
    case F_GETFL: return Answer::ok(file->access() | (file->nonblocking ? O_NONBLOCK : 0));
    case F_SETFL: file->nonblocking = (argument & O_NONBLOCK) != 0; return Answer::ok();
    case F_GETFD: return Answer::ok(one.close_on_exec ? FD_CLOEXEC : 0);
    case F_SETFD: one.close_on_exec = (argument & FD_CLOEXEC) != 0; return Answer::ok();
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
      if (argument < 0 || argument >= host_->settings.descriptor_limit) return Answer::fail(EINVAL);
      return share(file->id, std::max(static_cast<int>(argument), kFirstDescriptor), command == F_DUPFD_CLOEXEC);
    default: return Answer::fail(EINVAL);
  }
}

Answer Calls::ioctl(int fd, unsigned long request, int& value) {
  File* const file = find(fd);
  if (!file) return Answer::fail(EBADF);
  if (request != FIONBIO) return file->ioctl(request, value);
  file->nonblocking = value != 0;
  return Answer::ok();
}

std::size_t Calls::open_count() const noexcept {
  std::size_t count = 0;
  for (const Descriptor& one : table_) count += one.open;
  return count;
}

// --- sockets -----------------------------------------------------------------------------------------------------

Answer Calls::socket(int domain, int type, int protocol) {
  const int kind = type & ~kTypeFlags;
  if (domain != AF_INET && domain != AF_INET6) return Answer::fail(EAFNOSUPPORT);
  if (kind < 0 || kind > SOCK_PACKET) return Answer::fail(EINVAL);
  if (kind != SOCK_STREAM && kind != SOCK_DGRAM) return Answer::fail(ESOCKTNOSUPPORT);
  const int own = kind == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
  if (protocol != 0 && protocol != own) return Answer::fail(EPROTONOSUPPORT);
  std::unique_ptr<File> made;
  if (kind == SOCK_STREAM)
    made = std::make_unique<StreamSocket>(*host_, domain);
  else
    made = std::make_unique<DatagramSocket>(*host_, domain);
  made->nonblocking = (type & SOCK_NONBLOCK) != 0;
  return install(std::move(made), (type & SOCK_CLOEXEC) != 0);
}

Answer Calls::bind(int fd, const Endpoint& local) {
  int error = 0;
  SocketFile* const socket = find_socket(fd, error);
  return socket ? socket->bind(local) : Answer::fail(error);
}

Answer Calls::listen(int fd, int backlog) {
  int error = 0;
  SocketFile* const socket = find_socket(fd, error);
  return socket ? socket->listen(backlog) : Answer::fail(error);
}

Answer Calls::accept(int fd, int flags, Endpoint* peer) {
  int error = 0;
  SocketFile* const socket = find_socket(fd, error);
  if (!socket) return Answer::fail(error);
  if (flags & ~kTypeFlags) return Answer::fail(EINVAL);
  if (lowest_free(kFirstDescriptor) >= host_->settings.descriptor_limit) return Answer::fail(EMFILE);
  std::unique_ptr<StreamSocket> made;
  const Answer accepted = socket->accept(made, peer);
  if (!accepted.good()) return accepted;
  StreamSocket& connection = *made;
  connection.nonblocking = (flags & SOCK_NONBLOCK) != 0;
  const Answer installed = install(std::move(made), (flags & SOCK_CLOEXEC) != 0);
  connection.own_socket();
  return installed;
}

Answer Calls::connect(int fd, const Endpoint& remote) {
  int error = 0;
  SocketFile* const socket = find_socket(fd, error);
  return socket ? socket->connect(remote) : Answer::fail(error);
}

Answer Calls::receive(int fd, std::span<const MutableBytes> room, int flags, Received* info) {
  File* const file = find(fd);
  if (!file) return Answer::fail(EBADF);
  if (flags != 0 && !file->as_socket()) return Answer::fail(ENOTSOCK);
  return file->receive(room, flags, info);
}

Answer Calls::send(int fd, Gather pieces, int flags, const Endpoint* to) {
  File* const file = find(fd);
  if (!file) return Answer::fail(EBADF);
  if ((flags != 0 || to) && !file->as_socket()) return Answer::fail(ENOTSOCK);
  return file->send(pieces, flags, to);
}

Answer Calls::shutdown(int fd, int how) {
  int error = 0;
  SocketFile* const socket = find_socket(fd, error);
  return socket ? socket->shutdown(how) : Answer::fail(error);
}

Answer Calls::setsockopt(int fd, int level, int name, Bytes value) {
  int error = 0;
  SocketFile* const socket = find_socket(fd, error);
  return socket ? socket->set_option(level, name, value) : Answer::fail(error);
}

Answer Calls::getsockopt(int fd, int level, int name, MutableBytes room, std::size_t& length) {
  int error = 0;
  SocketFile* const socket = find_socket(fd, error);
  return socket ? socket->get_option(level, name, room, length) : Answer::fail(error);
}

Answer Calls::getsockname(int fd, Endpoint& out) {
  int error = 0;
  const SocketFile* const socket = find_socket(fd, error);
  return socket ? socket->local(out) : Answer::fail(error);
}

Answer Calls::getpeername(int fd, Endpoint& out) {
  int error = 0;
  const SocketFile* const socket = find_socket(fd, error);
  return socket ? socket->remote(out) : Answer::fail(error);
}

Answer Calls::abandon(int fd, int error) {
  File* const file = find(fd);
  return file ? file->abandon(error) : Answer::fail(EBADF);
}

// --- poll and epoll ----------------------------------------------------------------------------------------------

Answer Calls::poll(std::span<pollfd> entries) {
  int count = 0;
  for (pollfd& entry : entries) {
    entry.revents = 0;
    if (entry.fd < 0) continue;
    File* const file = find(entry.fd);
    const int asked = static_cast<unsigned short>(entry.events) | POLLERR | POLLHUP;
    const int ready = file ? static_cast<int>(file->ready()) & asked : POLLNVAL;
    entry.revents = static_cast<short>(ready);
    count += ready != 0;
  }
  return Answer::ok(count);
}

Answer Calls::epoll_create(int flags) {
  if (flags & ~EPOLL_CLOEXEC) return Answer::fail(EINVAL);
  return install(std::make_unique<Epoll>(*host_), (flags & EPOLL_CLOEXEC) != 0);
}

Answer Calls::epoll_ctl(int epfd, int operation, int fd, const epoll_event* event) {
  File* const watching = find(epfd);
  File* const watched = find(fd);
  if (!watching || !watched) return Answer::fail(EBADF);
  Epoll* const epoll = watching->as_epoll();
  return epoll ? epoll->control(operation, fd, *watched, event) : Answer::fail(EINVAL);
}

Answer Calls::epoll_wait(int epfd, std::span<epoll_event> out) {
  File* const file = find(epfd);
  if (!file) return Answer::fail(EBADF);
  Epoll* const epoll = file->as_epoll();
  return epoll ? epoll->wait(out) : Answer::fail(EINVAL);
}

void Calls::on_event(bool udp, bool listener, SlotId slot, Readiness ready) {
  const Table table = udp ? Table::udp : listener ? Table::tcp_listener : Table::tcp;
  File* const file = host_->owner_of(table, slot);
  if (!file) return;
  StreamSocket* const stream = file->as_stream();
  host_->tell_watchers(*file, mask_of(stream ? stream->news_of(ready) : ready));
}

tcp::Socket* Calls::tcp_socket(int fd) noexcept {
  File* const file = find(fd);
  StreamSocket* const stream = file ? file->as_stream() : nullptr;
  return stream ? stream->connection() : nullptr;
}

// --- pipes and files ---------------------------------------------------------------------------------------------

Answer Calls::pipe(int (&fds)[2], int flags) {
  if (flags & ~(O_NONBLOCK | O_CLOEXEC)) return Answer::fail(EINVAL);
  const auto [id, buffer] = host_->pipes.emplace(host_->settings.pipe_size);
  const SlotId name = id;
  const auto add = [this, name, flags](bool writes) {
    auto end = std::make_unique<PipeEnd>(*host_, name, writes);
    end->nonblocking = (flags & O_NONBLOCK) != 0;
    return install(std::move(end), (flags & O_CLOEXEC) != 0);
  };
  const int second = lowest_free(lowest_free(kFirstDescriptor) + 1);
  if (second >= host_->settings.descriptor_limit) {
    host_->pipes.erase(id);
    return Answer::fail(EMFILE);
  }
  fds[0] = static_cast<int>(add(false).value);
  fds[1] = static_cast<int>(add(true).value);
  buffer.reader = find(fds[0])->id;
  buffer.writer = find(fds[1])->id;
  return Answer::ok();
}

Answer Calls::splice(int in, int out, std::size_t count, unsigned flags) {
  File* const from = find(in);
  File* const into = find(out);
  return from && into ? posix::splice(*from, *into, count, flags) : Answer::fail(EBADF);
}

Answer Calls::sendfile(int out, int in, std::size_t count) {
  File* const into = find(out);
  File* const from = find(in);
  if (!from || !into) return Answer::fail(EBADF);
  MemoryFile* const file = from->as_memory();
  return file ? send_file(*into, *file, count) : Answer::fail(EINVAL);
}

Answer Calls::memory_file(Bytes content) {
  return install(std::make_unique<MemoryFile>(*host_, Slice::copy_of(content)), false);
}

}  // namespace sluice::posix
