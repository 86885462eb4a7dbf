// A signalfd in the loop.
#include "tools/hangup.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "tun/error.hpp"

namespace sluice::tools {

Hangup::Hangup(tun::EventLoop& loop, std::function<void()> call) : loop_(loop) {
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGHUP);
  signals_ = tun::Fd(::signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!signals_) throw tun::Error(Errc::io_error, fmt::format("cannot wait for SIGHUP: {}", tun::errno_text(errno)));
  pthread_sigmask(SIG_BLOCK, &wanted, &old_mask_);
  loop_.watch(signals_.number(), Readiness::readable, [this, call = std::move(call)](Readiness) {
    signalfd_siginfo seen{};
    while (::read(signals_.number(), &seen, sizeof seen) == sizeof seen) call();
  });
}

Hangup::~Hangup() {
  loop_.unwatch(signals_.number());
  pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
}

}  // namespace sluice::tools
