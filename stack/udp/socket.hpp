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
#include "stack/ip/datagram.hpp"
#include "stack/ip/source_filter.hpp"
#include "stack/wire/address.hpp"

namespace sluice::udp {

class Layer;
struct BoundSocket;

struct Options {
  std::size_t receive_buffer = 256 * 1024;  ///< bytes of payload and overhead that may wait
  std::size_t send_buffer = 256 * 1024;
  std::uint8_t hop_limit = 0;  ///< 0 = the stack's default
  std::uint8_t dscp = 0;       ///< 0..63
  bool dont_fragment = true;   ///< DF on IPv4; IPv6 fragments only when false
  bool dual_stack = true;      ///< a socket bound to [::] serves IPv4 too, as v4-mapped addresses
  bool share_port = false;     ///< others that say so too may bind the same address and port: groups reach all of them
  bool broadcast = false;      ///< may send to broadcast addresses (RFC 1122 4.1.3.6 leaves it to a permission)
  std::uint8_t multicast_hops = 1;  ///< hop limit of what goes to a group; 0 = not beyond this host [R1112-6-1]
  bool report_errors = false;       ///< ICMP errors are kept for poll_report(), and fail nothing
  bool multicast_loop = true;       ///< what goes to a group reaches its members on this host, too
  bool rows = false;  ///< takes what a device merged as it is: several datagrams in one Received, told by gso_size
};

/// An ICMP error about a datagram that this socket sent, connected or not (RFC 1122 4.1.3.3).
struct ErrorReport {
  Endpoint to;  ///< where the datagram went, as the error quotes it
  IpAddress local;
  IpAddress reporter;  ///< who sent the error; this host itself when a neighbour was silent
  ip::IcmpKind kind = ip::IcmpKind::host_unreachable;
  std::uint8_t code = 0;  ///< of the ICMP message
};

/// What came with a received datagram.
struct Received {
  Endpoint from;
  IpAddress local;  ///< the address it was sent to
  Ecn ecn = Ecn::not_ect;
  std::uint8_t dscp = 0;
  std::uint8_t hop_limit = 0;
  std::uint16_t gso_size = 0;  ///< with Options::rows, not 0: several datagrams of this size, the last may be shorter
  Slice data;
};

/// A datagram to send. Without `to` the socket must be connected; without `local` the stack chooses.
struct Outgoing {
  std::optional<Endpoint> to = std::nullopt;
  std::optional<IpAddress> local = std::nullopt;
  Ecn ecn = Ecn::not_ect;
  std::optional<std::uint8_t> dscp = std::nullopt;
  std::optional<std::uint8_t> hop_limit = std::nullopt;
  std::optional<bool> dont_fragment = std::nullopt;
  std::uint16_t gso_size =
      0;  ///< not 0: cut every so many bytes into datagrams of their own, by the device where it can
  Slice data = {};
};

/// A multicast group as one interface sees it: each has members of its own (RFC 3376 section 2).
struct GroupAt {
  GroupAt(const IpAddress& group, InterfaceNumber number = 0) noexcept  // NOLINT(google-explicit-constructor)
      : address(group.unmapped()), interface(number) {}
  IpAddress address;
  InterfaceNumber interface;
};

/// Move-only owner of one UDP socket: the destructor closes it. Calls on a moved-from or closed socket answer
/// stale_handle. The Layer must outlive its sockets.
class Socket {
 public:
  Socket() noexcept = default;
  Socket(Layer& layer, SlotId id) noexcept : layer_(&layer), id_(id) {}
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket() { close(); }

  SlotId id() const noexcept { return id_; }
  explicit operator bool() const noexcept { return layer_ != nullptr; }

  /// Fixes the remote end: only its datagrams are received, and its ICMP errors become this socket's error. A wildcard
  /// local address becomes the one that is used for this peer. A second call replaces the first.
  /// invalid_argument for port 0 or an unspecified address; address_in_use when another socket has the same pair.
  Result<void> connect(const Endpoint& remote);
  /// Takes as many of the datagrams, in order, as the send buffer has room for; answers how many (0: not now, and
  /// `writable` follows). An error is about the first one, of which nothing was taken: not_connected without a
  /// destination, address_not_available for a local address that is not ours, message_too_large, network_unreachable,
  /// permission_denied for broadcast without Options::broadcast.
  Result<std::size_t> send(std::span<const Outgoing> batch);
  /// The convenient form: one datagram, copied. would_block when there is no room.
  Result<void> send_to(const Endpoint& to, Bytes data);
  /// Fills up to batch.size() slots; answers how many, 0 = none waits. A pending ICMP error is reported once, first.
  Result<std::size_t> receive(std::span<Received> batch);

  /// Multicast, per group and interface (RFC 3376 section 2, RFC 3678): from now on datagrams to it are received from
  /// whom `filter` admits; a filter of nobody leaves it. Closing leaves all groups. invalid_argument when `group` is
  /// not multicast or a source is none of its family, address_family when this socket can't receive its family,
  /// no_buffer_space for more sources or groups than ip::Groups takes, no_device for an interface that the host lacks.
  Result<void> set_group_filter(const GroupAt& group, ip::SourceFilter filter);
  /// What set_group_filter() or the calls below made it; nobody when this socket is no member.
  Result<ip::SourceFilter> group_filter(const GroupAt& group) const;

  /// The same by steps. join: address_in_use when a member already. leave: address_not_available when none.
  Result<void> join(const GroupAt& group);
  Result<void> leave(const GroupAt& group);
  /// Of a group joined as a whole: invalid_argument otherwise, address_not_available when nothing would change.
  Result<void> block_source(const GroupAt& group, const IpAddress& source);
  Result<void> unblock_source(const GroupAt& group, const IpAddress& source);
  /// Of a group joined source by source, with errors likewise; the last source that leaves takes the membership along.
  Result<void> join_source(const GroupAt& group, const IpAddress& source);
  Result<void> leave_source(const GroupAt& group, const IpAddress& source);

  /// The pending ICMP error that receive() would report, cleared by asking.
  Errc take_error() noexcept;
  /// With Options::report_errors: the next ICMP error, in the order of their coming; readiness `failed` announces them.
  /// Of more than 64 that nobody fetched the oldest are forgotten.
  std::optional<ErrorReport> poll_report() noexcept;
  /// Room in the send buffer, bytes of datagrams with what keeping them costs.
  std::size_t writable() const noexcept;
  /// Bytes of datagrams that wait for the device, counted likewise.
  std::size_t departing() const noexcept;

  Result<Endpoint> local() const;
  /// none before connect().
  Result<std::optional<Endpoint>> remote() const;
  Result<Options> options() const;
  /// invalid_argument for dscp above 63 or another dual_stack than the one it was bound with.
  Result<void> set_options(const Options& options);
  /// Drops what waits to be received; queued sends still leave.
  void close() noexcept;

 private:
  /// nullptr when this handle names no open socket.
  BoundSocket* find() const noexcept;
  Result<void> list_source(const GroupAt& group, ip::FilterMode mode, const IpAddress& source, bool listed);

  Layer* layer_ = nullptr;
  SlotId id_;
};

}  // namespace sluice::udp
