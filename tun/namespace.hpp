// Network namespaces: named ones, nameless ones that vanish with their last user, and one of our own without root.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "tun/fd.hpp"

namespace sluice::tun {

/// Holds a network namespace open. Devices and sockets made inside run() stay in it for good, whoever uses them.
class Namespace {
 public:
  /// NAME (as `ip netns add` makes them), a path that contains a '/', or a process id.
  /// Throws Error: not_found when there is none, permission_denied, invalid_argument when it is something else.
  static Namespace open(std::string_view name);
  /// A new one without a name, its loopback device up. It is gone with the last Namespace, process and socket in it.
  static Namespace create();
  /// The one that the calling thread is in.
  static Namespace current();

  /// Runs `work` inside the namespace, on a thread that exists for it alone, and waits. What `work` throws comes out.
  /// The caller's own namespace never changes.
  void run(const std::function<void()>& work) const;

  /// The descriptor of the namespace, for /proc/self/fd/N and setns().
  int fd() const noexcept { return fd_.number(); }

 private:
  explicit Namespace(Fd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}
  Fd fd_;
  std::string name_;
};

/// Moves the whole process into a new user and network namespace in which it is root, with the loopback device up: so
/// TUN devices need no privilege. REQUIRES that the process has one thread. Throws Error when the system forbids it.
void enter_own_namespace();

}  // namespace sluice::tun
