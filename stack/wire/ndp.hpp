// Neighbour discovery messages and their options (RFC 4861 section 4), as they pass the rules for valid ones.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "stack/base/bytes.hpp"
#include "stack/wire/address.hpp"
#include "stack/wire/mac_address.hpp"
#include "stack/wire/parsed.hpp"

namespace sluice::wire::ndp {

/// What the IPv6 header around a message says of it.
struct Envelope {
  IpAddress source;
  IpAddress destination;
  std::uint8_t hop_limit = 255;
};

/// Sent by hosts only.
struct RouterSolicitation {
  std::optional<MacAddress> source_mac = std::nullopt;
};

/// RFC 4861 4.6.2. Lifetimes in seconds; kForever = without end.
struct PrefixInformation {
  static constexpr std::uint32_t kForever = 0xffffffff;
  Prefix prefix;
  bool on_link = false;
  bool autonomous = false;
  std::uint32_t valid_lifetime = 0;
  std::uint32_t preferred_lifetime = 0;
};

/// RFC 4191 2.1; the reserved value counts as medium.
enum class Preference : std::int8_t { low = -1, medium = 0, high = 1 };

struct RouterAdvertisement {
  static constexpr std::size_t kMaximumPrefixes = 16;  ///< further ones are skipped
  static constexpr std::size_t kMaximumServers = 8;

  std::uint8_t hop_limit = 0;  ///< 0 = not said, as in the following
  bool managed = false;        ///< M: addresses by DHCPv6
  bool other = false;          ///< O: other things by DHCPv6
  Preference preference = Preference::medium;
  std::uint16_t router_lifetime = 0;  ///< seconds; 0 = no default router
  std::uint32_t reachable_time = 0;   ///< milliseconds
  std::uint32_t retrans_timer = 0;    ///< milliseconds
  std::optional<MacAddress> source_mac = std::nullopt;
  std::optional<std::uint32_t> mtu = std::nullopt;  ///< bytes, as said

  std::span<const PrefixInformation> prefixes() const noexcept { return std::span(prefix_room).first(prefix_count); }
  /// RFC 8106; `server_lifetime` in seconds is the last option's.
  std::span<const IpAddress> dns_servers() const noexcept { return std::span(server_room).first(server_count); }
  std::uint32_t server_lifetime = 0;

  void add(const PrefixInformation& prefix) noexcept;
  void add_server(const IpAddress& server) noexcept;

  std::array<PrefixInformation, kMaximumPrefixes> prefix_room = {};
  std::size_t prefix_count = 0;
  std::array<IpAddress, kMaximumServers> server_room = {};
  std::size_t server_count = 0;
};

struct NeighborSolicitation {
  IpAddress target = IpAddress::any(Family::ipv6);
  std::optional<MacAddress> source_mac = std::nullopt;
};

struct NeighborAdvertisement {
  bool router = false;
  bool solicited = false;
  bool override = false;
  IpAddress target = IpAddress::any(Family::ipv6);
  std::optional<MacAddress> target_mac = std::nullopt;
};

struct Redirect {
  IpAddress target = IpAddress::any(Family::ipv6);  ///< the better first hop, or the destination itself
  IpAddress destination = IpAddress::any(Family::ipv6);
  std::optional<MacAddress> target_mac = std::nullopt;
};

enum class Fault : std::uint8_t {
  truncated,
  wrong_type,
  wrong_code,
  wrong_hop_limit,  ///< not 255: it may have come through a router
  wrong_source,
  wrong_destination,
  wrong_target,
  malformed_option  ///< of length 0, beyond the message, or not of its type's size
};

// Each takes the ICMPv6 message from its type on; the checksum has been verified. Unknown options are skipped
// [R4861-9-1].
Parsed<RouterSolicitation, Fault> parse_router_solicitation(Bytes message, const Envelope& envelope) noexcept;
Parsed<RouterAdvertisement, Fault> parse_router_advertisement(Bytes message, const Envelope& envelope) noexcept;
Parsed<NeighborSolicitation, Fault> parse_neighbor_solicitation(Bytes message, const Envelope& envelope) noexcept;
Parsed<NeighborAdvertisement, Fault> parse_neighbor_advertisement(Bytes message, const Envelope& envelope) noexcept;
Parsed<Redirect, Fault> parse_redirect(Bytes message, const Envelope& envelope) noexcept;

/// What write() needs at most for a message of a host.
inline constexpr std::size_t kMaximumSize = 32;

// Each writes the message with a checksum of 0 and answers its size. REQUIRES kMaximumSize bytes of room.
std::size_t write(MutableBytes room, const RouterSolicitation& message) noexcept;
std::size_t write(MutableBytes room, const NeighborSolicitation& message) noexcept;
std::size_t write(MutableBytes room, const NeighborAdvertisement& message) noexcept;

/// RFC 4291 2.7.1: the group that everybody whose address ends in the same 24 bits belongs to.
IpAddress solicited_node(const IpAddress& address) noexcept;
IpAddress all_nodes() noexcept;
IpAddress all_routers() noexcept;

}  // namespace sluice::wire::ndp
