// SIGHUP as programs use it that have no terminal: read your files again.
#pragma once

#include <signal.h>

#include <functional>

#include "tun/event_loop.hpp"
#include "tun/fd.hpp"

namespace sluice::tools {

/// While it lives, SIGHUP calls `call` from the loop instead of ending the process. The signal is blocked in this
/// thread, and in threads that it starts.
class Hangup {
 public:
  /// `loop` outlives it. Throws tun::Error.
  Hangup(tun::EventLoop& loop, std::function<void()> call);
  ~Hangup();
  Hangup(const Hangup&) = delete;
  Hangup& operator=(const Hangup&) = delete;

 private:
  tun::EventLoop& loop_;
  tun::Fd signals_;
  sigset_t old_mask_{};
};

}  // namespace sluice::tools
