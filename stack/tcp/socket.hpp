// TCP sockets as applications see them: the user calls of RFC 9293 3.9.1 on handles that can go stale but never dangle.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "stack/base/buffer.hpp"
#include "stack/base/byte_stream.hpp"
#include "stack/base/result.hpp"
#include "stack/base/slot_map.hpp"
#include "stack/base/time.hpp"
#include "stack/tcp/info.hpp"
#include "stack/tcp/options.hpp"
#include "stack/wire/address.hpp"

namespace sluice::tcp {

class Connection;
class Layer;

/// Move-only owner of one connection. It is a ByteStream. Its destructor closes (FIN after what is queued; RST if
/// unread text waits, RFC 2525 2.17) and lets the stack finish alone. The Layer must outlive its sockets.
class Socket {
 public:
  Socket() noexcept = default;
  Socket(Layer& layer, SlotId id) noexcept : layer_(&layer), id_(id) {}
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket() { close(); }

  SlotId id() const noexcept { return id_; }
  /// False for a default-made, moved-from or closed socket.
  explicit operator bool() const noexcept { return layer_ != nullptr; }

  /// The first contiguous run of received bytes, the caller's to change until consume(). Empty: nothing now, or the
  /// end.
  MutableBytes peek() noexcept;
  /// REQUIRES count <= peek().size().
  void consume(std::size_t count) noexcept;
  /// The same memory as a counted slice, so that bytes can go elsewhere (even out again) without a copy.
  Slice peek_slice() noexcept;
  /// Copies up to room.size() bytes out; 0 = nothing now (see at_eof()). An error once the connection failed and all is
  /// read.
  Result<std::size_t> read(MutableBytes room);
  /// Bytes that wait to be read.
  std::size_t readable() const noexcept;
  /// Copies of them, from `offset` bytes ahead on, as many as there is room for; answers how many. Nothing is consumed.
  std::size_t copy_ahead(std::size_t offset, MutableBytes room) const noexcept;
  /// The peer sent FIN, whether or not all before it is consumed.
  bool peer_finished() const noexcept;
  /// The peer sent FIN and everything before it is consumed.
  bool at_eof() const noexcept;

  /// Copies as many bytes as the send buffer has room for and says how many; 0 = not now.
  /// connection_closing after finish(); the connection's error after it failed.
  Result<std::size_t> write(Gather pieces);
  Result<std::size_t> write(Bytes bytes) { return write(Gather(&bytes, 1)); }
  /// Queues shared, immutable memory without a copy: as many of the first bytes as there is room for.
  Result<std::size_t> write(const Slice& shared);
  /// Room in the send buffer, bytes.
  std::size_t writable() const noexcept;
  /// The last byte written gets the urgent mark (RFC 9293 3.8.5; new applications should not).
  Result<std::size_t> write_urgent(Bytes bytes);
  /// Bytes to read before the urgent mark is reached; nullopt without urgent data ahead [9293 MUST-33].
  std::optional<std::size_t> urgent_ahead() const noexcept;

  /// Half-close: FIN after what is queued; reading goes on (RFC 9293 3.6).
  void finish() noexcept;
  /// RST now; both directions end (RFC 9293 3.10.5).
  void abort() noexcept;
  /// Gives the connection up in an orderly way, after the linger option, and empties this handle.
  void close() noexcept;

  /// Why the connection failed, or Errc::none. stale_handle for an empty handle.
  Errc error() const noexcept;
  /// A soft error that was reported but did not end the connection (RFC 9293 3.9.2.2), cleared by asking.
  Errc take_soft_error() noexcept;

  State state() const noexcept;
  Result<Endpoint> local() const noexcept;
  Result<Endpoint> remote() const noexcept;
  Result<Info> info() const noexcept;
  /// What is in flight, counted in segments; it walks through all of it.
  Segments segments() const noexcept;
  Result<Options> options() const noexcept;
  /// Takes effect at once for what has not been sent yet. invalid_argument names nothing changed.
  Result<void> set_options(const Options& options) noexcept;
  Result<CongestionControl> congestion() const noexcept;
  /// not_supported once the controller has learned more than its window: from the first loss on.
  Result<void> set_congestion(CongestionControl kind) noexcept;

 private:
  Connection* connection() const noexcept;

  Layer* layer_ = nullptr;
  SlotId id_;
};

static_assert(ByteStream<Socket>);

/// Move-only owner of a passive OPEN. Its destructor stops listening; connections not yet accepted are reset.
class Listener {
 public:
  Listener() noexcept = default;
  Listener(Layer& layer, SlotId id) noexcept : layer_(&layer), id_(id) {}
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&& other) noexcept;
  ~Listener() { close(); }

  SlotId id() const noexcept { return id_; }
  explicit operator bool() const noexcept { return layer_ != nullptr; }

  /// The oldest established connection that waits; would_block when none does.
  Result<Socket> accept();
  Result<Endpoint> local() const noexcept;
  /// Connections that wait for accept().
  std::size_t waiting() const noexcept;
  /// For SYNs that come from now on; dual_stack stays what it was.
  Result<void> set_options(const ListenOptions& options) noexcept;
  void close() noexcept;

 private:
  Layer* layer_ = nullptr;
  SlotId id_;
};

}  // namespace sluice::tcp
