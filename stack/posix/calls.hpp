// BSD socket calls by descriptor, as Linux answers them, over the sockets of a stack. Nothing here sleeps: a call that
// would block says so, and is made again.
#pragma once

#include <poll.h>
#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "stack/base/byte_stream.hpp"
#include "stack/base/bytes.hpp"
#include "stack/base/slot_map.hpp"
#include "stack/posix/answer.hpp"
#include "stack/posix/settings.hpp"
#include "stack/wire/address.hpp"

namespace sluice::tcp {
class Layer;
class Socket;
}  // namespace sluice::tcp
namespace sluice::udp {
class Layer;
}  // namespace sluice::udp

namespace sluice::posix {

class File;
class SocketFile;
struct Host;

/// One program's descriptors and its calls. An Endpoint stands for a sockaddr_in or sockaddr_in6; an AF_INET6 socket
/// names IPv4 peers by v4-mapped addresses. Constants are the kernel's of this machine. One thread; calls happen at the
/// latest time that the stack was told. A blocking descriptor's call that has to wait answers `blocked`: the caller
/// repeats it with the same arguments, or ends it with abandon(). What a repeated send or receive has moved already is
/// kept with the descriptor: two such calls at once on one descriptor and direction are not told apart.
class Calls {
 public:
  using Settings = posix::Settings;
  using Received = posix::Received;

  /// The layers outlive this. What is open at the end is closed.
  Calls(tcp::Layer& tcp, udp::Layer& udp, const Settings& settings = {});
  ~Calls();
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

  /// AF_INET or AF_INET6, SOCK_STREAM or SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC. New descriptors are the lowest free
  /// ones from 3 on.
  Answer socket(int domain, int type, int protocol);
  Answer bind(int fd, const Endpoint& local);
  Answer listen(int fd, int backlog);
  /// `flags` as accept4(); `peer` may be nullptr.
  Answer accept(int fd, int flags, Endpoint* peer);
  Answer connect(int fd, const Endpoint& remote);
  /// read, readv, recv, recvfrom, recvmsg. `info` may be nullptr. A blocking MSG_WAITALL is repeated with the same
  /// room: what came already lies there.
  Answer receive(int fd, std::span<const MutableBytes> room, int flags, Received* info);
  /// write, writev, send, sendto, sendmsg. `to` may be nullptr. No signal comes with EPIPE.
  Answer send(int fd, Gather pieces, int flags, const Endpoint* to);
  Answer shutdown(int fd, int how);
  /// Never waits, SO_LINGER or not.
  Answer close(int fd);
  Answer dup(int fd);
  /// F_GETFL, F_SETFL (O_NONBLOCK), F_GETFD, F_SETFD, F_DUPFD, F_DUPFD_CLOEXEC.
  Answer fcntl(int fd, int command, std::int64_t argument);
  /// FIONREAD (SIOCINQ), SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK; FIONBIO reads `value`.
  Answer ioctl(int fd, unsigned long request, int& value);
  Answer setsockopt(int fd, int level, int name, Bytes value);
  /// `length`: in, bytes of room to use; out, bytes used.
  Answer getsockopt(int fd, int level, int name, MutableBytes room, std::size_t& length);
  Answer getsockname(int fd, Endpoint& out);
  Answer getpeername(int fd, Endpoint& out);

  /// What is ready now; the value is how many entries have something to tell. Timeouts are the caller's business.
  Answer poll(std::span<pollfd> entries);
  /// EPOLL_CLOEXEC.
  Answer epoll_create(int flags);
  /// `event` may be nullptr with EPOLL_CTL_DEL.
  Answer epoll_ctl(int epfd, int operation, int fd, const epoll_event* event);
  /// What is ready now, level- or edge-triggered, at most out.size() events; timeouts are the caller's business.
  Answer epoll_wait(int epfd, std::span<epoll_event> out);

  /// O_NONBLOCK, O_CLOEXEC. fds[0] is for reading.
  Answer pipe(int (&fds)[2], int flags);
  /// One of both is a pipe. SPLICE_F_NONBLOCK; other flags change nothing.
  Answer splice(int in, int out, std::size_t count, unsigned flags);
  /// `in` is a file in memory, and its position moves on; `out` a stream or a pipe.
  Answer sendfile(int out, int in, std::size_t count);
  /// A descriptor with which this content can be read.
  Answer memory_file(Bytes content);

  /// The call that waits on `fd` waits no longer (SO_RCVTIMEO, SO_SNDTIMEO, a signal): it answers what it had moved, or
  /// else this error (a connect EINPROGRESS instead of EAGAIN).
  Answer abandon(int fd, int error);

  /// Hears of a socket's readiness event, as the stack's poll_event() gives them: edges for EPOLLET. `udp` and
  /// `listener` tell which table the id belongs to.
  void on_event(bool udp, bool listener, SlotId slot, Readiness ready);
  /// The connection behind a descriptor, for lookers-on; nullptr when there is none.
  tcp::Socket* tcp_socket(int fd) noexcept;
  /// How many descriptors are open.
  std::size_t open_count() const noexcept;

 private:
  struct Descriptor {
    SlotId file;
    bool open = false;
    bool close_on_exec = false;
  };

  File* find(int fd) const noexcept;
  /// nullptr with `error` EBADF or ENOTSOCK.
  SocketFile* find_socket(int fd, int& error) const noexcept;
  Answer install(std::unique_ptr<File> file, bool close_on_exec);
  Answer share(SlotId file, int lowest, bool close_on_exec);
  int lowest_free(int from) const noexcept;
  void let_go(SlotId file) noexcept;

  std::unique_ptr<Host> host_;
  std::vector<Descriptor> table_;  ///< by descriptor
};

}  // namespace sluice::posix
