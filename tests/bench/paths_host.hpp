// One of our stacks at an end of the path, with its applications: they send all they can and read all that comes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stack/stack.hpp"
#include "tests/bench/paths_run.hpp"

namespace sluice::bench {

/// Sits in the emulator itself: what is due is its received packet, what it sends is offered to the path at once.
class SluiceHost {
 public:
  SluiceHost(const IpAddress& address, const std::string& seed, Time now, Observer* observer = nullptr);

  const IpAddress& address() const noexcept { return address_; }
  void listen(std::uint16_t port);
  void send_to(const Endpoint& remote, const std::string& congestion);

  /// Packets that arrived go here; turn() takes them.
  std::vector<Packet> arrived;
  /// Packets in, timers, applications, frames out.
  void turn(Time now, FrameSink& sink);
  Time next_timeout() const noexcept { return stack_.next_timeout(); }

  /// Bytes that the application behind this port read.
  std::uint64_t received(std::uint16_t port) const noexcept;
  SenderFigures sender(std::uint16_t port) const;
  /// The counters that tell of trouble, as "name=number name=number".
  std::string notes() const;

 private:
  struct Sink {
    std::uint16_t port;
    tcp::Listener listener;
    tcp::Socket socket = {};
    std::uint64_t received = 0;
  };
  struct Source {
    std::uint16_t port;
    tcp::Socket socket;
  };
  void serve(Sink& sink);
  void serve(Source& source);

  IpAddress address_;
  Stack stack_;
  Slice text_;
  std::vector<Sink> sinks_;
  std::vector<Source> sources_;
};

}  // namespace sluice::bench
