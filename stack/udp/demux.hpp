// Which socket a datagram belongs to, and which ports are free.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "stack/base/random.hpp"
#include "stack/ip/shard.hpp"
#include "stack/udp/bound_socket.hpp"

namespace sluice::udp {

/// Sockets by their addresses. All calls are O(1) but pick_port(), which is so unless nearly all ports are taken.
class Demux {
 public:
  /// RFC 6335's dynamic ports as Linux has them.
  static constexpr std::uint16_t kFirstEphemeral = ip::Shard::kFirstOwnPort;
  static constexpr std::uint16_t kLastEphemeral = ip::Shard::kLastOwnPort;

  /// `shard` outlives it.
  Demux(const Key& key, const ip::Shard& shard);

  /// False when a socket has this very endpoint, or, for a wildcard, a dual-stack one covers it; unless both share.
  bool is_free(const Endpoint& local, const Options& options) const noexcept;
  /// False when a socket has this very pair of endpoints.
  bool is_free(const FourTuple& pair) const noexcept { return !table_.contains(pair); }
  void add(BoundSocket& socket);
  void remove(BoundSocket& socket) noexcept;

  /// The socket for a datagram from `remote` to `local`, the most specific match first: connected to that remote end,
  /// bound to the address, bound to all IPv4 or IPv6 addresses, dual-stack. nullptr when nobody listens.
  BoundSocket* find(const FourTuple& pair) const noexcept;

  /// visit(BoundSocket&) for all that hear what `from` sends to `to`, a broadcast address or an all-hosts group.
  template <class Visit>
  void for_each_hearer(const Endpoint& to, const Endpoint& from, Visit&& visit) const {
    for (const IpAddress& name : {to.address, IpAddress::any(Family::ipv4), IpAddress::any(Family::ipv6)})
      for (BoundSocket* socket = lookup({{name, to.port}, {}}); socket; socket = socket->sharing)
        if (socket->hears(to, from)) visit(*socket);
  }

  /// A port in this shard's part of the ephemeral range that no socket of ours uses, unpredictable to outsiders
  /// (RFC 6056).
  std::optional<std::uint16_t> pick_port(const IpAddress& local);

 private:
  struct PairHash {
    KeyedHash hash;
    std::size_t operator()(const FourTuple& pair) const noexcept;
  };

  static FourTuple pair_of(const BoundSocket& socket) noexcept;
  BoundSocket* lookup(const FourTuple& pair) const noexcept;
  bool may_pick(std::uint16_t port) const noexcept { return shard_.owns_port(port) && !port_users_.contains(port); }

  const ip::Shard& shard_;
  std::unordered_map<FourTuple, BoundSocket*, PairHash> table_;
  std::unordered_map<std::uint16_t, std::uint32_t> port_users_;
  std::size_t connected_ = 0;
  KeyedHash port_hash_;
  std::uint64_t draws_ = 0;
};

}  // namespace sluice::udp
