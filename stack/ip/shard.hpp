// Which of several stacks a packet belongs to, when together they are one host.
#pragma once

#include <cstdint>

#include "stack/base/bytes.hpp"
#include "stack/base/random.hpp"
#include "stack/ip/datagram.hpp"
#include "stack/wire/address.hpp"

namespace sluice::ip {

/// One of `count` stacks that share their addresses and their key. REQUIRES number < count.
struct ShardSettings {
  std::uint8_t number = 0;
  std::uint8_t count = 1;
};

/// A pure function of the key, so that all shards agree without a word:
/// - TCP and UDP belong where a keyed hash of the 4-tuple leads;
/// - UDP on one of our ephemeral ports goes by this port alone, because a socket may talk to many from there;
/// - an ICMP error belongs to the flow that it quotes;
/// - all else (echo, fragments, other protocols) goes by the pair of addresses;
/// - what is malformed stays where it arrived, to be dropped and counted there.
class Shard {
 public:
  /// RFC 6335's dynamic ports as Linux has them: from here UDP sockets of our own speak.
  static constexpr std::uint16_t kFirstOwnPort = 32768;
  static constexpr std::uint16_t kLastOwnPort = 60999;

  Shard(ShardSettings settings, const Key& key) noexcept : settings_(settings), hash_(key, KeyUse::shard) {}

  std::uint8_t number() const noexcept { return settings_.number; }
  std::uint8_t count() const noexcept { return settings_.count; }

  /// Whose a flow of this protocol is. Of protocols without ports these are 0.
  std::uint8_t owner_of(Protocol protocol, const FourTuple& flow) const noexcept;
  /// A TCP connection of ours.
  bool owns(const FourTuple& connection) const noexcept { return owner_of(Protocol::tcp, connection) == number(); }
  /// A UDP port in the ephemeral range, whoever the peer is.
  bool owns_port(std::uint16_t port) const noexcept { return port % count() == number(); }

  struct Home {
    std::uint8_t shard = 0;
    bool in_pieces = false;  ///< a fragment: where it is put together, not where the whole belongs
  };
  /// Of a packet that arrived, from its IP header on.
  Home home_of(Bytes packet) const noexcept;

 private:
  struct Upper;

  Home home_of_v4(Bytes packet) const noexcept;
  Home home_of_v6(Bytes packet) const noexcept;
  std::uint8_t home_of_upper(const Upper& upper) const noexcept;
  std::uint8_t home_of_error(const Upper& upper) const noexcept;

  ShardSettings settings_;
  KeyedHash hash_;
};

}  // namespace sluice::ip
