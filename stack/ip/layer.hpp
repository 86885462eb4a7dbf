// The IP layer of one host on its interfaces: packets in, checked datagrams up; headers and replies out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "stack/base/budget.hpp"
#include "stack/base/counters.hpp"
#include "stack/base/packet.hpp"
#include "stack/base/random.hpp"
#include "stack/base/result.hpp"
#include "stack/base/time.hpp"
#include "stack/base/trace.hpp"
#include "stack/ip/addresses.hpp"
#include "stack/ip/counters.hpp"
#include "stack/ip/datagram.hpp"
#include "stack/ip/groups.hpp"
#include "stack/ip/outbox.hpp"
#include "stack/ip/routes.hpp"
#include "stack/ip/shard.hpp"
#include "stack/wire/address.hpp"

namespace sluice::ip {

struct Config {
  std::vector<Prefix> addresses;  ///< ours on the first interface, with the on-link prefix of each
  std::size_t mtu = 1500;         ///< of the first interface, bytes: 1280..65535 (576.. when only IPv4 is used)
  std::uint8_t hop_limit = 64;
  std::size_t reassembly_limit = 1u << 20;                 ///< bytes held for unfinished datagrams, both families
  Duration reassembly_timeout = std::chrono::seconds(30);  ///< RFC 791 3.2, RFC 8200 4.5 allows up to 60 s
  std::uint32_t icmp_errors_per_second = 1000;    ///< overall; at most a quarter of it per source prefix; 0 = none
  std::uint32_t echo_replies_per_second = 10000;  ///< the same for echo replies
  bool answer_echo = true;
  bool answer_group_echo = false;  ///< echo requests to multicast or broadcast (smurf)
  ShardSettings shard = {};        ///< of hosts that are several stacks; shard_of() fills it in
};

/// The header of a packet about to be written.
struct HeaderFields {
  IpAddress source;
  IpAddress destination;  ///< of the same family
  Protocol protocol = Protocol::tcp;
  std::uint8_t hop_limit = 64;
  std::uint8_t dscp = 0;  ///< 0..63
  Ecn ecn = Ecn::not_ect;
  bool dont_fragment = true;         ///< IPv4
  std::uint16_t identification = 0;  ///< IPv4
  std::size_t payload_size = 0;      ///< bytes after this header
};

/// Bytes that write_header() will take: 20 or 40.
constexpr std::size_t header_size(Family family) noexcept { return family == Family::ipv4 ? 20 : 40; }
inline constexpr std::size_t kMaximumHeader = 40;

/// Writes an IPv4 (with checksum) or IPv6 header without options. REQUIRES room for header_size(family).
std::size_t write_header(MutableBytes room, const HeaderFields& fields) noexcept;

class Link;

class Layer {
 public:
  /// `outbox` and `budget` outlive the layer.
  Layer(Config config, const Key& key, Outbox& outbox, Budget& budget, Tracer tracer);
  ~Layer();
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  /// One more interface, beside the first; answers its number. REQUIRES fewer than 255.
  InterfaceNumber add_interface(std::size_t mtu);

  /// Takes one packet from the device of its `interface`, or one that looped. Malformed ones end in a counter; echo
  /// requests are answered; fragments wait for the rest; what remains is for a transport.
  Received receive(Packet packet, Time now);

  void handle_timeout(Time now);
  Time next_timeout() const noexcept;

  const Config& config() const noexcept { return config_; }
  /// Which flows are this stack's.
  const Shard& shard() const noexcept { return shard_; }
  /// Ours; those of Config are preferred from the start. add_address() makes its network reachable, too.
  const Addresses& addresses() const noexcept { return addresses_; }
  bool add_address(const OwnAddress& address);
  void remove_address(const IpAddress& address) noexcept;
  /// What no route leads to goes out of the first interface without a link, for there is no neighbour to find there.
  Routes& routes() noexcept { return routes_; }
  const Routes& routes() const noexcept { return routes_; }

  /// What a router or a DHCP server says of this link. The MTU is never above the device's.
  void set_link_mtu(std::size_t mtu, InterfaceNumber interface) noexcept;
  std::size_t mtu(InterfaceNumber interface) const noexcept { return interfaces_[interface].mtu; }
  void set_hop_limit(std::uint8_t hop_limit) noexcept { config_.hop_limit = hop_limit; }

  /// The link of an interface makes itself known, or goes (nullptr).
  void attach(Link* link, InterfaceNumber interface) noexcept { interfaces_[interface].link = link; }
  /// A transport made progress: what we send to `destination` arrives (RFC 4861 7.3.1).
  void confirm(const IpAddress& destination, Time now) noexcept;

  /// Which interface a packet to `destination` leaves by; nullopt: no way.
  std::optional<InterfaceNumber> way_to(const IpAddress& destination) const noexcept;
  /// The interface that has this address, and that packets from it leave by; 0 when it is nobody's.
  InterfaceNumber owner_of(const IpAddress& source) const noexcept;
  /// The MTU of owner_of(source), bytes.
  std::size_t interface_mtu(const IpAddress& source) const noexcept { return interfaces_[owner_of(source)].mtu; }

  /// One of our addresses, or a loopback address: packets to it never leave the host.
  bool is_local(const IpAddress& address) const noexcept;
  /// Limited or directed broadcast on one of our prefixes.
  bool is_broadcast(const IpAddress& address) const noexcept;
  /// Broadcast, an all-hosts group, or one that somebody listens to on this interface: what goes there is for us, too.
  bool is_group(const IpAddress& address, InterfaceNumber interface) const noexcept;
  /// Who listens to which multicast group there.
  Groups& groups(InterfaceNumber interface = 0) noexcept { return interfaces_[interface].groups; }
  const Groups& groups(InterfaceNumber interface = 0) const noexcept { return interfaces_[interface].groups; }
  std::size_t interface_count() const noexcept { return interfaces_.size(); }
  /// Our address for talking to `destination` (RFC 6724 section 5); network_unreachable when the interface that it is
  /// reached by has none of that family, or no way leads there. We talk to ourselves from the address that we talk to.
  Result<IpAddress> select_source(const IpAddress& destination) const noexcept;

  /// From a loopback address only the host itself can be talked to [R1122-3.2.1.3-4].
  bool may_talk(const IpAddress& source, const IpAddress& destination) const noexcept {
    return !source.is_loopback() || is_local(destination);
  }

  /// The largest packet to `destination` that needs no fragmentation, bytes; from `source` if that is known.
  std::size_t path_mtu(const IpAddress& destination) const noexcept;
  std::size_t path_mtu(const IpAddress& destination, const IpAddress& source) const noexcept;
  /// Lowers the path MTU after the transport has checked the error's quote; floors of RFC 1191 (68 → 552 policy) and
  /// RFC 8201 (1280) apply. Answers the new path MTU. Forgotten after ten minutes.
  std::size_t lower_path_mtu(const IpAddress& destination, std::size_t mtu, std::size_t quoted_length, Time now);

  /// An IPv4 identification for a datagram that may be fragmented (RFC 6864: unique per destination for a while).
  std::uint16_t next_identification(const IpAddress& destination) noexcept;

  /// Emits one datagram through `sink`, fragmenting if it exceeds the path MTU and fields.dont_fragment is false.
  /// `head` begins with room for the IP header and goes on with the transport header; the checksum is final.
  /// would_block: the sink was full before the first fragment, nothing happened. message_too_large: DF forbids it.
  Result<void> send(const HeaderFields& fields, MutableBytes head, std::span<const Slice> body, FrameSink& sink,
                    Time now);

  /// The path to `destination` is narrower than the floor of its path MTU: what we send there must go without DF.
  bool below_floor(const IpAddress& destination) const noexcept;

  /// Answers a datagram with an ICMP port-unreachable error, if the rules (RFC 1122 3.2.2, RFC 4443 2.4) and the rate
  /// allow.
  void send_port_unreachable(const Datagram& datagram, Time now);

  const Counters<Counter>& counters() const noexcept;

 private:
  struct State;  // reassembly, path MTUs, limits, ids

  struct Interface {
    std::size_t device_mtu;
    std::size_t mtu;  ///< of the link, never more
    Link* link = nullptr;
    Groups groups = {};
  };

  bool is_ours(const IpAddress& address) const noexcept;
  Link* link_of(InterfaceNumber interface) const noexcept;
  /// Of the interface that packets to `destination` leave by, bytes.
  std::size_t mtu_towards(const IpAddress& destination) const noexcept {
    return interfaces_[way_to(destination).value_or(0)].mtu;
  }

  Config config_;
  Shard shard_;
  std::vector<Interface> interfaces_;
  Addresses addresses_;
  Routes routes_;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::ip
