// Waiting at sockets, and the calls that are tried again.
#include "tun/coroutines.hpp"

#include <cassert>

namespace sluice::tun {
namespace detail {

void Waiter::link(Waiter*& place, std::coroutine_handle<> coroutine) noexcept {
  assert(!place && "one coroutine a direction may wait at a socket");
  place = this;
  place_ = &place;
  coroutine_ = coroutine;
}

void Waiter::unlink() noexcept {
  if (place_) *std::exchange(place_, nullptr) = nullptr;
}

void Waiter::wake() {
  if (!attempt()) return;
  unlink();
  coroutine_.resume();  // the last thing: it may destroy this
}

/// REQUIRES that a shared_ptr owns *this.
template <class Socket>
void Waiting<Socket>::listen() {
  if (!sound()) return;
  loop->on(id_of(socket), [self = this->shared_from_this()](Readiness) { self->wake_all(); });
}

template <class Socket>
void Waiting<Socket>::wake_all() {
  const auto self = this->shared_from_this();  // the reader may close all this
  if (reader) reader->wake();
  if (writer) writer->wake();
}

template <class Socket>
void Waiting<Socket>::close() {
  if (!socket) return;
  const auto self = this->shared_from_this();
  const bool loop_alive = !alive.expired();
  if (loop_alive) loop->off(id_of(socket));
  socket.close();
  if (loop_alive && (reader || writer)) loop->defer([self] { self->wake_all(); });
}

template struct Waiting<tcp::Socket>;
template struct Waiting<tcp::Listener>;
template struct Waiting<udp::Socket>;

}  // namespace detail

// --- streams

Stream::Stream(EventLoop& loop, tcp::Socket socket) : state_(std::make_shared<State>(loop, std::move(socket))) {
  state_->listen();
}

Stream& Stream::operator=(Stream&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

void Stream::close() noexcept {
  if (state_) state_->close();
}

Stream::Read Stream::read(MutableBytes room) { return Read(state_, room); }
Stream::Readable Stream::readable() { return Readable(state_); }
Stream::WriteAll Stream::write_all(Bytes bytes) { return WriteAll(state_, bytes); }

std::optional<Result<std::size_t>> Stream::Read::call() {
  assert(!room_.empty());
  const Result<std::size_t> count = state().socket.read(room_);
  if (!count || *count > 0 || state().socket.at_eof()) return count;
  return std::nullopt;
}

std::optional<Result<bool>> Stream::Readable::call() {
  const tcp::Socket& socket = state().socket;
  if (socket.readable() > 0) return true;
  if (socket.at_eof()) return false;
  if (socket.error() != Errc::none) return socket.error();
  return std::nullopt;
}

std::optional<Result<void>> Stream::WriteAll::call() {
  while (!bytes_.empty()) {
    const Result<std::size_t> count = state().socket.write(bytes_);
    if (!count) return count.error();
    if (*count == 0) return std::nullopt;
    bytes_ = bytes_.subspan(*count);
  }
  return Result<void>();
}

Connecting::Connecting(EventLoop& loop, const Endpoint& remote, const tcp::OpenOptions& options) {
  Result<tcp::Socket> socket = loop.stack().connect(remote, options);
  if (socket)
    stream_ = Stream(loop, std::move(*socket));
  else
    error_ = socket.error();
}

bool Connecting::attempt() {
  if (!stream_) {
    if (error_ == Errc::none) error_ = Errc::stale_handle;
    return true;
  }
  const tcp::Socket& socket = stream_.socket();
  error_ = socket.error();
  return error_ != Errc::none || tcp::is_synchronized(socket.state());
}

Result<Stream> Connecting::await_resume() {
  if (error_ != Errc::none) return error_;
  return std::move(stream_);
}

// --- listeners

Acceptor::Acceptor(EventLoop& loop, tcp::Listener listener)
    : state_(std::make_shared<State>(loop, std::move(listener))) {
  state_->listen();
}

Acceptor& Acceptor::operator=(Acceptor&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

void Acceptor::close() noexcept {
  if (state_) state_->close();
}

Acceptor::Accept Acceptor::accept() { return Accept(state_); }

std::optional<Result<Stream>> Acceptor::Accept::call() {
  Result<tcp::Socket> socket = state().socket.accept();
  if (socket) return Stream(*state().loop, std::move(*socket));
  if (socket.error() == Errc::would_block) return std::nullopt;
  return socket.error();
}

// --- datagrams

Datagrams::Datagrams(EventLoop& loop, udp::Socket socket) : state_(std::make_shared<State>(loop, std::move(socket))) {
  state_->listen();
}

Datagrams& Datagrams::operator=(Datagrams&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

void Datagrams::close() noexcept {
  if (state_) state_->close();
}

Datagrams::Receive Datagrams::receive() { return Receive(state_); }
Datagrams::Send Datagrams::send(const Endpoint& to, Bytes bytes) { return Send(state_, to, bytes); }

std::optional<Result<udp::Received>> Datagrams::Receive::call() {
  udp::Received datagram;
  const Result<std::size_t> count = state().socket.receive({&datagram, 1});
  if (!count) return count.error();
  if (*count == 0) return std::nullopt;
  return datagram;
}

std::optional<Result<void>> Datagrams::Send::call() {
  const Result<void> sent = state().socket.send_to(to_, bytes_);
  if (sent.error() == Errc::would_block) return std::nullopt;
  return sent;
}

// --- time and tasks

void Sleeping::await_suspend(std::coroutine_handle<> coroutine) {
  alarm_ = loop_->after(delay_, [coroutine] { coroutine.resume(); });
}

Sleeping::~Sleeping() {
  if (alarm_.number != 0 && !alive_.expired()) loop_->cancel(alarm_);
}

namespace {

/// A task that belongs to a loop.
class Spawned final : public detail::Finish, public std::enable_shared_from_this<Spawned> {
 public:
  Spawned(EventLoop& loop, Task<void> task) noexcept : loop_(loop), task_(std::move(task)) {}

  void begin() {
    if (task_.start(this)) finished();
  }
  void finished() noexcept override {
    task_.result();  // an exception ends the program here
    loop_.defer([loop = &loop_, weak = weak_from_this()] {
      if (const auto self = weak.lock()) loop->drop(self.get());
    });
  }

 private:
  EventLoop& loop_;
  Task<void> task_;
};

}  // namespace

void spawn(EventLoop& loop, Task<void> task) {
  const auto spawned = std::make_shared<Spawned>(loop, std::move(task));
  loop.keep(spawned);
  loop.defer([weak = std::weak_ptr<Spawned>(spawned)] {
    if (const auto alive = weak.lock()) alive->begin();
  });
}

}  // namespace sluice::tun
