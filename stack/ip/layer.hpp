// The IP layer of one host on one interface: packets in, checked datagrams up; headers and replies out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
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
#include "stack/wire/address.hpp"

namespace sluice::ip {

struct Config {
  std::vector<Prefix> addresses;  ///< ours, with the on-link prefix of each
  std::size_t mtu = 1500;         ///< of the interface, bytes: 1280..65535 (576.. when only IPv4 is used)
  std::uint8_t hop_limit = 64;
  std::size_t reassembly_limit = 1u << 20;                 ///< bytes held for unfinished datagrams, both families
  Duration reassembly_timeout = std::chrono::seconds(30);  ///< RFC 791 3.2, RFC 8200 4.5 allows up to 60 s
  std::uint32_t icmp_errors_per_second = 1000;    ///< overall; at most a quarter of it per source prefix; 0 = none
  std::uint32_t echo_replies_per_second = 10000;  ///< the same for echo replies
  bool answer_echo = true;
  bool answer_group_echo = false;  ///< echo requests to multicast or broadcast (smurf)
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

  /// Takes one packet from the device. Malformed ones end in a counter; echo requests are answered; fragments wait for
  /// the rest; what remains is for a transport.
  Received receive(Packet packet, Time now);

  void handle_timeout(Time now);
  Time next_timeout() const noexcept;

  const Config& config() const noexcept { return config_; }
  /// Ours; those of Config are preferred from the start. add_address() makes its network reachable, too.
  const Addresses& addresses() const noexcept { return addresses_; }
  bool add_address(const OwnAddress& address);
  void remove_address(const IpAddress& address) noexcept;
  /// Only a link with neighbours asks them; behind a point-to-point device everybody is reached the same way.
  Routes& routes() noexcept { return routes_; }
  const Routes& routes() const noexcept { return routes_; }

  /// What a router or a DHCP server says of this link. The MTU is never above the device's.
  void set_link_mtu(std::size_t mtu) noexcept;
  void set_hop_limit(std::uint8_t hop_limit) noexcept { config_.hop_limit = hop_limit; }

  /// The link under this layer makes itself known, or goes.
  void attach(Link* link) noexcept { link_ = link; }
  /// A transport made progress: what we send to `destination` arrives (RFC 4861 7.3.1).
  void confirm(const IpAddress& destination, Time now) noexcept;

  /// One of our addresses, or a loopback address.
  bool is_local(const IpAddress& address) const noexcept;
  /// Limited or directed broadcast on one of our prefixes.
  bool is_broadcast(const IpAddress& address) const noexcept;
  /// Broadcast, an all-hosts group, or one that somebody here listens to: what goes there is for us, too.
  bool is_group(const IpAddress& address) const noexcept;
  /// Who listens to which multicast group.
  Groups& groups() noexcept { return groups_; }
  const Groups& groups() const noexcept { return groups_; }
  /// Our address for talking to `destination` (RFC 6724 section 5); network_unreachable when we have none of that
  /// family, or on a link no route.
  Result<IpAddress> select_source(const IpAddress& destination) const noexcept;

  /// The largest packet to `destination` that needs no fragmentation, bytes.
  std::size_t path_mtu(const IpAddress& destination) const noexcept;
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

  bool is_ours(const IpAddress& address) const noexcept;

  Config config_;
  std::size_t device_mtu_;
  Addresses addresses_;
  Routes routes_;
  Link* link_ = nullptr;
  Groups groups_;
  std::unique_ptr<State> state_;
};

}  // namespace sluice::ip
