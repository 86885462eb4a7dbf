// Sockets for coroutines: an echo server in ten lines. The stack knows nothing of this.
#pragma once

#include <coroutine>
#include <memory>
#include <optional>
#include <utility>

#include "stack/stack.hpp"
#include "tun/event_loop.hpp"
#include "tun/task.hpp"

namespace sluice::tun {

namespace detail {

/// A coroutine that waits at a socket: linked there while it is suspended, and out of it before it runs or dies.
class Waiter {
 public:
  Waiter() noexcept = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  void link(Waiter*& place, std::coroutine_handle<> coroutine) noexcept;
  void unlink() noexcept;
  /// Runs the coroutine if attempt() says that its wait is over.
  void wake();

 protected:
  ~Waiter() { unlink(); }
  /// Tries the call that would have blocked. True: it is done, one way or the other.
  virtual bool attempt() = 0;

 private:
  Waiter** place_ = nullptr;
  std::coroutine_handle<> coroutine_;
};

/// One socket in a loop and the coroutines that wait at it, at most one a direction (asserted).
template <class Socket>
struct Waiting : std::enable_shared_from_this<Waiting<Socket>> {
  Waiting(EventLoop& owner, Socket its) : loop(&owner), alive(owner.alive()), socket(std::move(its)) {}

  /// False when the socket was closed or the loop is gone: nothing will ever happen any more.
  bool sound() const noexcept { return socket && !alive.expired(); }
  void listen();
  void close();
  void wake_all();

  EventLoop* loop;
  std::weak_ptr<const void> alive;
  Socket socket;
  Waiter* reader = nullptr;
  Waiter* writer = nullptr;
};

/// The shape of all awaitables here: try at once; if that would block, wait at `place` and try again at each event.
template <class Socket, class Value>
class Attempt : public Waiter {
 public:
  Attempt(std::shared_ptr<Waiting<Socket>> state, Waiter* Waiting<Socket>::*place) noexcept
      : state_(std::move(state)), place_(place) {}

  bool await_ready() { return attempt(); }
  void await_suspend(std::coroutine_handle<> coroutine) noexcept { link((*state_).*place_, coroutine); }
  Result<Value> await_resume() { return std::move(*result_); }

 protected:
  ~Attempt() { unlink(); }  // before state_ goes
  /// The outcome; nullopt: would block. Called with a sound socket only.
  virtual std::optional<Result<Value>> call() = 0;
  Waiting<Socket>& state() noexcept { return *state_; }
  const std::shared_ptr<Waiting<Socket>>& shared_state() const noexcept { return state_; }

 private:
  bool attempt() final {
    result_ = state_ && state_->sound() ? call() : std::optional<Result<Value>>(Errc::stale_handle);
    return result_.has_value();
  }

  std::shared_ptr<Waiting<Socket>> state_;
  Waiter* Waiting<Socket>::*place_;
  std::optional<Result<Value>> result_;
};

}  // namespace detail

/// A connection of a loop. Move-only; its destructor closes the socket, and whoever waits at it gets stale_handle.
/// Coroutines resume only in the loop's dispatch.
class Stream {
 public:
  Stream() noexcept = default;
  Stream(EventLoop& loop, tcp::Socket socket);
  Stream(Stream&&) noexcept = default;
  Stream& operator=(Stream&& other) noexcept;
  ~Stream() { close(); }

  class Read;
  class Readable;
  class WriteAll;
  /// `co_await stream.read(room)`: Result<std::size_t>, how many bytes came (at least one), 0 at the peer's FIN.
  Read read(MutableBytes room);
  /// `co_await stream.readable()`: Result<bool>, true: socket().peek() has bytes; false: the peer's FIN.
  Readable readable();
  /// `co_await stream.write_all(bytes)`: Result<void> when all are queued; `bytes` must live as long.
  WriteAll write_all(Bytes bytes);

  /// For the calls that don't wait: finish(), info(), options … REQUIRES an open stream.
  tcp::Socket& socket() noexcept { return state_->socket; }
  explicit operator bool() const noexcept { return state_ && state_->socket; }
  void close() noexcept;

 private:
  friend class Connecting;
  using State = detail::Waiting<tcp::Socket>;
  std::shared_ptr<State> state_;
};

/// A listener of a loop.
class Acceptor {
 public:
  Acceptor() noexcept = default;
  Acceptor(EventLoop& loop, tcp::Listener listener);
  Acceptor(Acceptor&&) noexcept = default;
  Acceptor& operator=(Acceptor&& other) noexcept;
  ~Acceptor() { close(); }

  class Accept;
  /// `co_await acceptor.accept()`: Result<Stream>.
  Accept accept();
  tcp::Listener& listener() noexcept { return state_->socket; }
  void close() noexcept;

 private:
  using State = detail::Waiting<tcp::Listener>;
  std::shared_ptr<State> state_;
};

/// A UDP socket of a loop.
class Datagrams {
 public:
  Datagrams() noexcept = default;
  Datagrams(EventLoop& loop, udp::Socket socket);
  Datagrams(Datagrams&&) noexcept = default;
  Datagrams& operator=(Datagrams&& other) noexcept;
  ~Datagrams() { close(); }

  class Receive;
  class Send;
  /// `co_await datagrams.receive()`: Result<udp::Received>; an ICMP error comes as an error.
  Receive receive();
  /// `co_await datagrams.send(to, bytes)`: Result<void> when it is queued; `bytes` must live as long.
  Send send(const Endpoint& to, Bytes bytes);
  udp::Socket& socket() noexcept { return state_->socket; }
  void close() noexcept;

 private:
  using State = detail::Waiting<udp::Socket>;
  std::shared_ptr<State> state_;
};

class Stream::Read final : public detail::Attempt<tcp::Socket, std::size_t> {
 public:
  Read(std::shared_ptr<State> state, MutableBytes room) noexcept
      : Attempt(std::move(state), &State::reader), room_(room) {}

 private:
  std::optional<Result<std::size_t>> call() override;
  MutableBytes room_;
};

class Stream::Readable final : public detail::Attempt<tcp::Socket, bool> {
 public:
  explicit Readable(std::shared_ptr<State> state) noexcept : Attempt(std::move(state), &State::reader) {}

 private:
  std::optional<Result<bool>> call() override;
};

class Stream::WriteAll final : public detail::Attempt<tcp::Socket, void> {
 public:
  WriteAll(std::shared_ptr<State> state, Bytes bytes) noexcept
      : Attempt(std::move(state), &State::writer), bytes_(bytes) {}

 private:
  std::optional<Result<void>> call() override;
  Bytes bytes_;
};

class Acceptor::Accept final : public detail::Attempt<tcp::Listener, Stream> {
 public:
  explicit Accept(std::shared_ptr<State> state) noexcept : Attempt(std::move(state), &State::reader) {}

 private:
  std::optional<Result<Stream>> call() override;
};

class Datagrams::Receive final : public detail::Attempt<udp::Socket, udp::Received> {
 public:
  explicit Receive(std::shared_ptr<State> state) noexcept : Attempt(std::move(state), &State::reader) {}

 private:
  std::optional<Result<udp::Received>> call() override;
};

class Datagrams::Send final : public detail::Attempt<udp::Socket, void> {
 public:
  Send(std::shared_ptr<State> state, const Endpoint& to, Bytes bytes) noexcept
      : Attempt(std::move(state), &State::writer), to_(to), bytes_(bytes) {}

 private:
  std::optional<Result<void>> call() override;
  Endpoint to_;
  Bytes bytes_;
};

/// `co_await connect(loop, remote)`: Result<Stream> when the handshake has ended.
class Connecting final : public detail::Waiter {
 public:
  Connecting(EventLoop& loop, const Endpoint& remote, const tcp::OpenOptions& options);
  ~Connecting() { unlink(); }  // before stream_ goes

  bool await_ready() { return attempt(); }
  void await_suspend(std::coroutine_handle<> coroutine) noexcept { link(stream_.state_->writer, coroutine); }
  Result<Stream> await_resume();

 private:
  bool attempt() override;
  Stream stream_;
  Errc error_ = Errc::none;
};
inline Connecting connect(EventLoop& loop, const Endpoint& remote, const tcp::OpenOptions& options = {}) {
  return Connecting(loop, remote, options);
}

/// `co_await sleep(loop, 20ms)`.
class Sleeping {
 public:
  Sleeping(EventLoop& loop, Duration delay) noexcept : loop_(&loop), alive_(loop.alive()), delay_(delay) {}
  Sleeping(const Sleeping&) = delete;
  Sleeping& operator=(const Sleeping&) = delete;
  ~Sleeping();

  bool await_ready() const noexcept { return alive_.expired(); }
  void await_suspend(std::coroutine_handle<> coroutine);
  void await_resume() noexcept { alarm_ = {}; }

 private:
  EventLoop* loop_;
  std::weak_ptr<const void> alive_;
  Duration delay_;
  EventLoop::Alarm alarm_;
};
inline Sleeping sleep(EventLoop& loop, Duration delay) { return Sleeping(loop, delay); }

/// Gives the task to the loop: it begins in the next dispatch and dies when it ends, at stop() or with the loop.
/// An exception that leaves it terminates the program.
void spawn(EventLoop& loop, Task<void> task);

}  // namespace sluice::tun
