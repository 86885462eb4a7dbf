// Handles: each call looks its connection up by id, so a stale one is an error and never a dangling pointer.
#include "stack/tcp/socket.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "stack/tcp/connection.hpp"
#include "stack/tcp/layer.hpp"

namespace sluice::tcp {
namespace {

Endpoint presented(const Endpoint& endpoint, bool mapped) noexcept {
  return mapped ? Endpoint{endpoint.address.mapped(), endpoint.port} : endpoint;
}

}  // namespace

Socket::Socket(Socket&& other) noexcept : layer_(std::exchange(other.layer_, nullptr)), id_(other.id_) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this == &other) return *this;
  close();
  layer_ = std::exchange(other.layer_, nullptr);
  id_ = other.id_;
  return *this;
}

Connection* Socket::connection() const noexcept { return layer_ ? layer_->find(id_) : nullptr; }

MutableBytes Socket::peek() noexcept {
  const Connection* c = connection();
  return c ? c->peek() : MutableBytes{};
}

Slice Socket::peek_slice() noexcept {
  const Connection* c = connection();
  return c ? c->peek_slice() : Slice{};
}

void Socket::consume(std::size_t count) noexcept {
  Connection* c = connection();
  if (!c) return;
  c->consume(count);
  layer_->settle(*c);
}

Result<std::size_t> Socket::read(MutableBytes room) {
  Connection* c = connection();
  if (!c) return Errc::stale_handle;
  std::size_t copied = 0;
  while (copied < room.size()) {
    const MutableBytes run = c->peek();
    if (run.empty()) break;
    const std::size_t count = std::min(run.size(), room.size() - copied);
    std::memcpy(room.data() + copied, run.data(), count);
    c->consume(count);
    copied += count;
  }
  if (copied > 0) layer_->settle(*c);
  if (copied == 0 && c->error() != Errc::none) return c->error();
  return copied;
}

std::size_t Socket::readable() const noexcept {
  const Connection* c = connection();
  return c ? c->readable() : 0;
}

std::size_t Socket::copy_ahead(std::size_t offset, MutableBytes room) const noexcept {
  const Connection* c = connection();
  return c ? c->copy_ahead(offset, room) : 0;
}

bool Socket::peer_finished() const noexcept {
  const Connection* c = connection();
  return c && c->peer_finished();
}

bool Socket::at_eof() const noexcept {
  const Connection* c = connection();
  return c && c->at_eof();
}

Result<std::size_t> Socket::write(Gather pieces) {
  Connection* c = connection();
  if (!c) return Errc::stale_handle;
  Result<std::size_t> taken = c->send(pieces);
  layer_->settle(*c);
  return taken;
}

Result<std::size_t> Socket::write(const Slice& shared) {
  Connection* c = connection();
  if (!c) return Errc::stale_handle;
  Result<std::size_t> taken = c->send(shared);
  layer_->settle(*c);
  return taken;
}

Result<std::size_t> Socket::write_urgent(Bytes bytes) {
  Connection* c = connection();
  if (!c) return Errc::stale_handle;
  Result<std::size_t> taken = c->send_urgent(bytes);
  layer_->settle(*c);
  return taken;
}

std::size_t Socket::writable() const noexcept {
  const Connection* c = connection();
  return c && c->error() == Errc::none ? c->writable() : 0;
}

std::optional<std::size_t> Socket::urgent_ahead() const noexcept {
  const Connection* c = connection();
  return c ? c->urgent_ahead() : std::nullopt;
}

void Socket::finish() noexcept {
  Connection* c = connection();
  if (!c) return;
  c->close();
  layer_->settle(*c);
}

void Socket::abort() noexcept {
  Connection* c = connection();
  if (!c) return;
  c->abort();
  layer_->settle(*c);
}

void Socket::close() noexcept {
  if (Layer* layer = std::exchange(layer_, nullptr)) layer->close(id_);
}

Errc Socket::error() const noexcept {
  const Connection* c = connection();
  return c ? c->error() : Errc::stale_handle;
}

Errc Socket::take_soft_error() noexcept {
  Connection* c = connection();
  return c ? c->take_soft_error() : Errc::stale_handle;
}

State Socket::state() const noexcept {
  const Connection* c = connection();
  return c ? c->state() : State::closed;
}

Result<Endpoint> Socket::local() const noexcept {
  const Connection* c = connection();
  if (!c) return Errc::stale_handle;
  return presented(c->tuple().local, c->present_mapped);
}

Result<Endpoint> Socket::remote() const noexcept {
  const Connection* c = connection();
  if (!c) return Errc::stale_handle;
  return presented(c->tuple().remote, c->present_mapped);
}

Result<Info> Socket::info() const noexcept {
  const Connection* c = connection();
  if (!c) return Errc::stale_handle;
  Info info = c->status();
  info.local = presented(info.local, c->present_mapped);
  info.remote = presented(info.remote, c->present_mapped);
  return info;
}

Segments Socket::segments() const noexcept {
  const Connection* c = connection();
  return c ? c->segments() : Segments{};
}

Result<Options> Socket::options() const noexcept {
  const Connection* c = connection();
  if (!c) return Errc::stale_handle;
  return c->options();
}

Result<void> Socket::set_options(const Options& options) noexcept {
  Connection* c = connection();
  if (!c) return Errc::stale_handle;
  const Result<void> done = c->set_options(options);
  layer_->settle(*c);
  return done;
}

Result<CongestionControl> Socket::congestion() const noexcept {
  const Connection* c = connection();
  if (!c) return Errc::stale_handle;
  return c->congestion();
}

Result<void> Socket::set_congestion(CongestionControl kind) noexcept {
  Connection* c = connection();
  if (!c) return Errc::stale_handle;
  return c->set_congestion(kind);
}

Listener::Listener(Listener&& other) noexcept : layer_(std::exchange(other.layer_, nullptr)), id_(other.id_) {}

Listener& Listener::operator=(Listener&& other) noexcept {
  if (this == &other) return *this;
  close();
  layer_ = std::exchange(other.layer_, nullptr);
  id_ = other.id_;
  return *this;
}

Result<Socket> Listener::accept() {
  if (!layer_) return Errc::stale_handle;
  return layer_->accept(id_);
}

Result<Endpoint> Listener::local() const noexcept {
  const ListenerState* listener = layer_ ? layer_->listeners_.find(id_) : nullptr;
  if (!listener) return Errc::stale_handle;
  return listener->local;
}

std::size_t Listener::waiting() const noexcept {
  const ListenerState* listener = layer_ ? layer_->listeners_.find(id_) : nullptr;
  return listener ? listener->ready.size() : 0;
}

Result<void> Listener::set_options(const ListenOptions& options) noexcept {
  ListenerState* listener = layer_ ? layer_->listeners_.find(id_) : nullptr;
  if (!listener) return Errc::stale_handle;
  const bool dual_stack = listener->options.dual_stack;
  listener->options = options;
  listener->options.dual_stack = dual_stack;
  return {};
}

void Listener::close() noexcept {
  if (Layer* layer = std::exchange(layer_, nullptr)) layer->close_listener(id_);
}

}  // namespace sluice::tcp
