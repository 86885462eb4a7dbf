// The oldest services: echo (RFC 862) and discard (RFC 863).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "stack/udp/socket.hpp"
#include "tools/tcp_service.hpp"

namespace sluice::tools {

/// Sends back what comes, as fast as the peer takes it; what the send buffer has no room for stays in the receive
/// queue, where the window tells the peer. Ends when the peer's end is echoed.
class EchoConnection final : public Connection {
 public:
  using Connection::Connection;
  bool pump(Time now) override;
  void shut_down() override { ending_ = true; }

 private:
  bool ending_ = false;
};

/// Takes everything and answers nothing but the end.
class DiscardConnection final : public Connection {
 public:
  using Connection::Connection;
  bool pump(Time now) override;
  void shut_down() override { ending_ = true; }

 private:
  bool ending_ = false;
};

/// Each datagram goes back from the address that it came to. At most one batch waits here; the rest waits, and is
/// dropped, in the socket's own queue.
class UdpEcho {
 public:
  /// `loop` outlives this. Throws tun::Error when the port is taken.
  UdpEcho(tun::EventLoop& loop, std::uint16_t port);
  ~UdpEcho();
  UdpEcho(const UdpEcho&) = delete;
  UdpEcho& operator=(const UdpEcho&) = delete;

  void shut_down();
  std::uint64_t echoed() const noexcept { return echoed_; }

 private:
  void pump();
  bool refill();
  bool send_pending();

  tun::EventLoop& loop_;
  udp::Socket socket_;
  std::uint16_t port_;
  std::vector<udp::Outgoing> pending_;
  std::size_t sent_ = 0;  ///< of pending_
  std::uint64_t echoed_ = 0;
};

}  // namespace sluice::tools
