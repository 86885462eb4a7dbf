// How a host on a link gets its addresses, routes and servers and keeps them: DHCP, router advertisements, and the
// watch over duplicates, brought together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "stack/base/random.hpp"
#include "stack/base/ring.hpp"
#include "stack/base/time.hpp"
#include "stack/host/address_conflict.hpp"
#include "stack/host/autoconfiguration.hpp"
#include "stack/host/dhcp_client.hpp"
#include "stack/host/dhcpv6_client.hpp"
#include "stack/ip/datagram.hpp"
#include "stack/ip/layer.hpp"
#include "stack/ip/link.hpp"
#include "stack/ip/outbox.hpp"
#include "stack/tcp/layer.hpp"

namespace sluice::host {

struct ConfiguratorSettings {
  bool dhcp = false;                         ///< an IPv4 address by DHCP
  bool router_advertisements = true;         ///< IPv6 addresses, routes and servers by SLAAC
  bool temporary_addresses = false;          ///< RFC 8981, beside the stable ones
  std::optional<Key> secret = std::nullopt;  ///< of the stable ones; see AutoconfigurationSettings
  std::string host_name = {};                ///< told to the DHCP server; "" = none
  std::vector<Prefix> addresses = {};        ///< by hand, both families: looked for duplicates before they are used
  std::optional<IpAddress> gateway4 = std::nullopt;
  std::optional<IpAddress> gateway6 = std::nullopt;
};

/// What happened to the host's addresses, for people and programs.
struct HostEvent {
  enum class Kind : std::uint8_t { address_added, address_removed, address_duplicate, servers_changed };
  Kind kind = Kind::address_added;
  IpAddress address;
};

/// Works on the layers and the link that it is given. An address that goes takes its connections with it: they are
/// reset first, and it goes in the next turn [R5227-2.4-3].
class Configurator {
 public:
  /// Everything given outlives it.
  Configurator(ConfiguratorSettings settings, ip::Layer& layer, ip::Link& link, tcp::Layer& tcp, ip::Outbox& outbox,
               const Key& key);

  /// The link is up for the first time: everything begins.
  void link_up(Time now);
  /// The link was away and is back, perhaps elsewhere. What is configured stays in use while servers, routers and the
  /// neighbours are asked about it: a DHCP lease is confirmed (RFC 2131 4.4.2), IPv4 addresses are probed
  /// [R5227-2.1-1], routers solicited [R4861-6.3.7-1]. `asleep`: time that passed meanwhile without the clock, as a
  /// suspended host's.
  void link_returned(Duration asleep, Time now);
  /// Gives the leased address back.
  void release(Time now);

  void receive(const wire::arp::Packet& packet, Time now);
  void receive(const ip::Link::Discovery& message, const IpAddress& source, Time now);
  /// True: it was an answer to DHCP or DHCPv6, and is nobody else's.
  bool receive(const ip::Datagram& datagram, Time now);
  void router_lost(const IpAddress& router, Time now);
  void handle_timeout(Time now);
  Time next_timeout() const noexcept;

  std::optional<HostEvent> poll_event();
  /// DHCP's, then those of router advertisements and of DHCPv6.
  std::vector<IpAddress> dns_servers() const;
  const DhcpClient* dhcp() const noexcept { return dhcp_ ? &*dhcp_ : nullptr; }
  const Autoconfiguration& autoconfiguration() const noexcept { return automatic_; }

 private:
  /// An IPv4 address that is watched: by hand, or the leased one.
  struct Watched {
    Prefix prefix;
    bool leased = false;
    AddressConflict conflict;
  };

  void settle(Time now);
  bool act_on_dhcp(Time now);
  bool act_on_dhcpv6();
  bool act_on_automatic(Time now);
  bool act_on_conflicts(Time now);

  void act(const DhcpSend& message);
  void act(const DhcpProbe& probe, Time now);
  void act(const DhcpLease& lease);
  void act(const DhcpLost& lost);
  void act(Watched& watched, const ConflictAction& action, Time now);
  void act(const SolicitRouters& action, Time now);
  void act(const ProbeAddress& action, Time now);
  void act(const SetAddress& action, Time now);
  void act(const RemoveAddress& action, Time now);
  void act(const AddressDuplicate& action, Time now);
  void act(const AddRoute& action, Time now);
  void act(const RemoveRoute& action, Time now);
  void act(const SetParameters& action, Time now);
  void act(const SetDnsServers& action, Time now);
  void act(const AskDhcpv6& action, Time now);

  void watch(const Prefix& prefix, bool is_leased, Time now);
  void add(ip::OwnAddress address);
  void add(ip::Route route);
  void remove(const IpAddress& address);
  void remove_leaving();
  void listen_to_solicited_node(const IpAddress& address, bool yes);
  void tell(HostEvent::Kind kind, const IpAddress& address);
  void send_udp(const Endpoint& from, const Endpoint& to, Bytes payload);

  ConfiguratorSettings settings_;
  ip::Layer& layer_;
  ip::Link& link_;
  InterfaceNumber interface_;  ///< of the link
  tcp::Layer& tcp_;
  ip::Outbox& outbox_;
  Key key_;
  Autoconfiguration automatic_;
  std::optional<DhcpClient> dhcp_;
  Dhcpv6Client dhcpv6_;
  std::vector<Watched> watched_;
  std::vector<IpAddress> leaving_;  ///< reset, and gone in the next turn
  std::vector<IpAddress> advertised_servers_;
  std::vector<IpAddress> dhcpv6_servers_;
  Ring<HostEvent> events_;
};

}  // namespace sluice::host
