// What an application's calls on a UDP socket do.
#include "stack/udp/socket.hpp"

#include <utility>

#include "stack/udp/layer_state.hpp"

namespace sluice::udp {
namespace {

/// From here on copies come from the pool; smaller ones would waste most of its blocks.
constexpr std::size_t kPooledCopy = 1024;

}  // namespace

Socket::Socket(Socket&& other) noexcept
    : layer_(std::exchange(other.layer_, nullptr)), id_(std::exchange(other.id_, {})) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    close();
    layer_ = std::exchange(other.layer_, nullptr);
    id_ = std::exchange(other.id_, {});
  }
  return *this;
}

BoundSocket* Socket::find() const noexcept { return layer_ ? layer_->state_->find(id_) : nullptr; }

Result<void> Socket::connect(const Endpoint& remote) {
  BoundSocket* const socket = find();
  if (!socket) return Errc::stale_handle;
  return layer_->state_->connect(*socket, remote);
}

Result<std::size_t> Socket::send(std::span<const Outgoing> batch) {
  BoundSocket* const socket = find();
  if (!socket) return Errc::stale_handle;
  std::size_t taken = 0;
  for (const Outgoing& outgoing : batch) {
    const Result<bool> queued = layer_->state_->queue(*socket, outgoing);
    if (!queued && taken == 0) return queued.error();
    if (!queued) break;
    if (!*queued) {
      socket->write_refused = true;
      break;
    }
    ++taken;
  }
  return taken;
}

Result<void> Socket::send_to(const Endpoint& to, Bytes data) {
  if (!find()) return Errc::stale_handle;
  Slice copy;
  if (data.size() < kPooledCopy) {
    copy = Slice::copy_of(data);
  } else {
    copy = Slice(layer_->state_->pool.take(data.size()), 0, data.size());
    ByteWriter(copy.mutable_bytes()).bytes(data);
  }
  const Outgoing outgoing{.to = to, .data = std::move(copy)};
  const Result<std::size_t> taken = send({&outgoing, 1});
  if (!taken) return taken.error();
  return *taken == 1 ? Result<void>() : Errc::would_block;
}

Result<std::size_t> Socket::receive(std::span<Received> batch) {
  BoundSocket* const found = find();
  if (!found) return Errc::stale_handle;
  BoundSocket& socket = *found;
  Layer::State& state = *layer_->state_;
  if (socket.error != Errc::none) return std::exchange(socket.error, Errc::none);
  std::size_t count = 0;
  std::size_t charge = 0;
  for (; count < batch.size() && !socket.waiting.empty(); ++count) {
    charge += socket.waiting.front().charge;
    batch[count] = std::move(socket.waiting.front().received);
    socket.waiting.pop_front();
  }
  socket.waiting_bytes -= charge;
  state.budget.release(charge);
  socket.waiting.release();
  return count;
}

Errc Socket::take_error() noexcept {
  BoundSocket* const socket = find();
  return socket ? std::exchange(socket->error, Errc::none) : Errc::none;
}

std::optional<ErrorReport> Socket::poll_report() noexcept {
  BoundSocket* const socket = find();
  if (!socket) return std::nullopt;
  std::optional<ErrorReport> report = socket->reports.take_front();
  if (socket->reports.empty()) socket->reports.release();
  return report;
}

std::size_t Socket::writable() const noexcept {
  const BoundSocket* const socket = find();
  return socket ? socket->options.send_buffer - std::min(socket->departing_bytes, socket->options.send_buffer) : 0;
}

std::size_t Socket::departing() const noexcept {
  const BoundSocket* const socket = find();
  return socket ? socket->departing_bytes : 0;
}

Result<Endpoint> Socket::local() const {
  const BoundSocket* const socket = find();
  if (!socket) return Errc::stale_handle;
  return socket->spelled(socket->local);
}

Result<std::optional<Endpoint>> Socket::remote() const {
  const BoundSocket* const socket = find();
  if (!socket) return Errc::stale_handle;
  return socket->remote ? std::optional(socket->spelled(*socket->remote)) : std::nullopt;
}

Result<Options> Socket::options() const {
  const BoundSocket* const socket = find();
  if (!socket) return Errc::stale_handle;
  return socket->options;
}

Result<void> Socket::set_options(const Options& options) {
  BoundSocket* const socket = find();
  if (!socket) return Errc::stale_handle;
  if (options.dscp > 63 || options.dual_stack != socket->options.dual_stack) return Errc::invalid_argument;
  socket->options = options;
  return {};
}

void Socket::close() noexcept {
  if (BoundSocket* const socket = find()) layer_->state_->close(*socket);
  layer_ = nullptr;
  id_ = {};
}

}  // namespace sluice::udp
