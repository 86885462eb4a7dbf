// The kernel's TCP at an end of the path: its sources and sinks, a thread each, in a namespace of their own.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <string>
#include <thread>

#include "tests/bench/paths_run.hpp"
#include "tun/fd.hpp"
#include "tun/namespace.hpp"

namespace sluice::bench {

class KernelHost {
 public:
  /// `home` outlives this.
  explicit KernelHost(const tun::Namespace& home) noexcept : home_(home) {}
  ~KernelHost();
  KernelHost(const KernelHost&) = delete;
  KernelHost& operator=(const KernelHost&) = delete;

  void listen(std::uint16_t port);
  /// Connects and sends until stop().
  void send_to(const Endpoint& remote, const std::string& congestion);

  /// Bytes that the application behind this port read.
  std::uint64_t received(std::uint16_t port) const noexcept;
  /// REQUIRES that stop() was not called yet.
  SenderFigures sender(std::uint16_t port) const;
  /// The counters of this namespace that tell of trouble, as "name=number name=number".
  std::string notes() const;
  /// Ends every thread and closes every socket.
  void stop() noexcept;

 private:
  struct Flow {
    std::uint16_t port = 0;
    bool sends = false;
    tun::Fd fd = {};                     ///< a listener, or the sender's socket
    std::atomic<int> connection = -1;    ///< what the listener accepted
    std::atomic<std::uint64_t> bytes{};  ///< read by the application
    std::thread thread = {};
  };
  Flow& add(std::uint16_t port, bool sends);

  const tun::Namespace& home_;
  std::list<Flow> flows_;
};

/// Fills the TUN of `home` with datagrams for `remote` while it lives: to see what the emulator alone can carry.
class Flood {
 public:
  Flood(const tun::Namespace& home, const Endpoint& remote);
  ~Flood();

 private:
  tun::Fd fd_;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};
/// A bound UDP socket that nobody reads, so that the kernel answers no datagram.
tun::Fd datagram_sink(const tun::Namespace& home, const Endpoint& local);

}  // namespace sluice::bench
