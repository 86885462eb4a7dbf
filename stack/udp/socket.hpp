// UDP sockets as applications see them (RFC 768, RFC 8085).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "stack/base/buffer.hpp"
#include "stack/base/byte_stream.hpp"
#include "stack/base/packet.hpp"
#include "stack/base/result.hpp"
#include "stack/base/slot_map.hpp"
#include "stack/wire/address.hpp"

namespace sluice::udp {

class Layer;

struct Options {
  std::size_t receive_buffer = 256 * 1024;  ///< bytes of payload and overhead that may wait
  std::size_t send_buffer = 256 * 1024;
  std::uint8_t hop_limit = 0;               ///< 0 = the stack's default
  std::uint8_t dscp = 0;                    ///< 0..63
  bool dont_fragment = true;                ///< DF on IPv4; IPv6 fragments only when false
  bool dual_stack = true;                   ///< a socket bound to [::] serves IPv4 too, as v4-mapped addresses
};

/// What came with a received datagram.
struct Received {
  Endpoint from;
  IpAddress local;                ///< the address it was sent to
  Ecn ecn = Ecn::not_ect;
  std::uint8_t dscp = 0;
  std::uint8_t hop_limit = 0;
  std::uint16_t gso_size = 0;     ///< not 0: several datagrams of this size, the last may be shorter
  Slice data;
};

/// A datagram to send. Without `to` the socket must be connected; without `local` the stack chooses.
struct Outgoing {
  std::optional<Endpoint> to = std::nullopt;
  std::optional<IpAddress> local = std::nullopt;
  Ecn ecn = Ecn::not_ect;
  std::optional<std::uint8_t> dscp = std::nullopt;
  std::optional<bool> dont_fragment = std::nullopt;
  std::uint16_t gso_size = 0;     ///< not 0: cut data every gso_size bytes into datagrams of their own
  Slice data;
};

/// Move-only owner of one UDP socket: the destructor closes it. Calls after the layer is gone, or on a moved-from or
/// closed socket, answer stale_handle.
class Socket {
 public:
  Socket() noexcept = default;
  Socket(Layer& layer, SlotId id) noexcept : layer_(&layer), id_(id) {}
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket() { close(); }

  SlotId id() const noexcept { return id_; }
  explicit operator bool() const noexcept { return layer_ != nullptr; }

  /// Fixes the remote end: only its datagrams are received, and its ICMP errors become this socket's error.
  Result<void> connect(const Endpoint& remote);
  /// Takes as many of the datagrams, in order, as the send buffer has room for; answers how many (0: not now).
  /// An error is about the first one that was not taken.
  Result<std::size_t> send(std::span<const Outgoing> batch);
  /// The convenient form: one datagram, copied. would_block when there is no room.
  Result<void> send_to(const Endpoint& to, Bytes data);
  /// Fills up to batch.size() slots; answers how many, 0 = none waits. A pending ICMP error is reported once, first.
  Result<std::size_t> receive(std::span<Received> batch);

  Result<Endpoint> local() const;
  Result<Options> options() const;
  Result<void> set_options(const Options& options);
  /// Drops what waits to be received; queued sends still leave.
  void close() noexcept;

 private:
  Layer* layer_ = nullptr;
  SlotId id_;
};

}  // namespace sluice::udp
