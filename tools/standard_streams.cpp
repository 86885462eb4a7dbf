// Asks poll() first, so that a blocking descriptor never blocks.
#include "tools/standard_streams.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>
#include <utility>

#include "tun/error.hpp"

namespace sluice::tools {
namespace {

constexpr std::size_t kFilePortion = 1u << 20;

bool is_ready(int fd, short events) {
  pollfd one{fd, events, 0};
  return ::poll(&one, 1, 0) != 0;  // an error shows in the call that follows
}

std::size_t portion_of(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? kFilePortion : PIPE_BUF;
}

/// One call of `ready` when `fd` is `interest`; at once for what epoll can't watch, a file.
void watch_once(tun::EventLoop& loop, int fd, Readiness interest, const std::function<void()>& ready) {
  try {
    loop.watch(fd, interest, [&loop, fd, ready](Readiness) {
      loop.unwatch(fd);
      ready();
    });
  } catch (const tun::Error&) {
    loop.defer(ready);
  }
}

}  // namespace

Input::Input(tun::EventLoop& loop, int fd, std::function<void()> ready)
    : loop_(loop), fd_(fd), ready_(std::move(ready)) {}

Input::~Input() { loop_.unwatch(fd_); }

std::size_t Input::read(MutableBytes room) {
  if (eof_ || room.empty() || !is_ready(fd_, POLLIN)) return 0;
  const ssize_t count = ::read(fd_, room.data(), room.size());
  if (count > 0) return static_cast<std::size_t>(count);
  eof_ = count == 0 || (errno != EAGAIN && errno != EINTR);
  return 0;
}

void Input::want() { watch_once(loop_, fd_, Readiness::readable, ready_); }

Output::Output(tun::EventLoop& loop, int fd, std::function<void()> ready)
    : loop_(loop), fd_(fd), ready_(std::move(ready)), portion_(portion_of(fd)) {}

Output::~Output() { loop_.unwatch(fd_); }

Result<std::size_t> Output::write(Bytes bytes) {
  std::size_t done = 0;
  while (done < bytes.size() && is_ready(fd_, POLLOUT)) {
    const ssize_t count = ::write(fd_, bytes.data() + done, std::min(bytes.size() - done, portion_));
    if (count >= 0)
      done += static_cast<std::size_t>(count);
    else if (errno == EAGAIN)
      break;
    else if (errno != EINTR)
      return Errc::io_error;
  }
  return done;
}

void Output::want() { watch_once(loop_, fd_, Readiness::writable, ready_); }

}  // namespace sluice::tools
