// A listening port and the connections that came of it: accepted, driven, timed, freed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include "stack/tcp/socket.hpp"
#include "tun/event_loop.hpp"

namespace sluice::tools {

/// One accepted connection of a service. What waits in it is bounded: it reads only what it can pass on.
class Connection {
 public:
  explicit Connection(tcp::Socket socket) noexcept : socket_(std::move(socket)) {}
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Moves everything that can move now: called when the socket's readiness changed and at next_timeout(). False: it is
  /// over, and the service destroys it, which closes the socket.
  virtual bool pump(Time now) = 0;
  virtual Time next_timeout() const noexcept { return kNever; }
  /// Nothing new is begun; what is under way may end. pump() follows.
  virtual void shut_down() = 0;

  /// The service says how this connection can ask to be pumped: for work that came from elsewhere.
  void wake_by(std::function<void()> wake) { wake_ = std::move(wake); }

 protected:
  tcp::Socket socket_;
  /// pump() follows soon, never from inside the call. Nothing happens when the connection is gone by then.
  std::function<void()> wake_;
};

/// Both families on all of the stack's addresses. Its connections belong to it.
class TcpService {
 public:
  using Make = std::function<std::unique_ptr<Connection>(tcp::Socket)>;

  /// `loop` outlives the service. Throws tun::Error when the port is taken.
  TcpService(tun::EventLoop& loop, std::uint16_t port, Make make);
  ~TcpService();
  TcpService(const TcpService&) = delete;
  TcpService& operator=(const TcpService&) = delete;

  /// Stops listening and lets the connections come to their end.
  void shut_down();

  std::size_t open() const noexcept { return served_.size(); }
  std::uint64_t accepted() const noexcept { return accepted_; }

 private:
  struct Served {
    std::unique_ptr<Connection> connection;
    tun::EventLoop::Alarm alarm;
    bool woken = false;  ///< a pump() is on its way
  };
  static std::uint64_t key_of(SlotId id) noexcept { return std::uint64_t{id.generation} << 32 | id.index; }

  void accept();
  void pump(SlotId id);
  void wake(SlotId id);
  void arm(SlotId id, Served& served);

  tun::EventLoop& loop_;
  Make make_;
  tcp::Listener listener_;
  std::unordered_map<std::uint64_t, Served> served_;
  std::uint64_t accepted_ = 0;
  std::shared_ptr<const void> alive_ = std::make_shared<char>();  ///< of wakes that are still to come
};

}  // namespace sluice::tools
