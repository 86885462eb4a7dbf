// The flags of every subcommand that runs a stack: the device, addresses, what the link does to packets, what is
// recorded.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lab/impairment.hpp"
#include "stack/base/packet.hpp"
#include "stack/base/random.hpp"
#include "stack/host/configurator.hpp"
#include "stack/ip/routes.hpp"
#include "stack/tcp/options.hpp"
#include "stack/wire/address.hpp"
#include "stack/wire/mac_address.hpp"
#include "tun/open.hpp"

namespace CLI {  // NOLINT(readability-identifier-naming): the library's own name
class App;
}

namespace sluice::tools {

/// Whose defaults: those of the one who serves, or of the many who come and go.
enum class Role { server, client };

struct LinkOptions {
  std::string device;
  std::string network_namespace;
  std::optional<Prefix> local;
  std::optional<IpAddress> peer;
  std::optional<Prefix> local6;
  std::optional<IpAddress> peer6;
  std::optional<std::size_t> mtu;
  bool no_offload = false;  ///< of a TUN: packets of the MTU only, with checksums
  tun::Backend backend = tun::Backend::epoll;
  bool tap = false;                   ///< Ethernet; the following need it
  std::string bridge;                 ///< of the kernel, that the TAP becomes a port of
  std::optional<MacAddress> mac;      ///< the stack's; absent: as mac_of() says
  std::optional<std::uint16_t> vlan;  ///< 1..4094
  bool dhcp = false;                  ///< an IPv4 address by DHCP
  bool no_advertisements = false;     ///< no IPv6 addresses and routes by router advertisements
  bool temporary = false;             ///< IPv6 addresses that change (RFC 8981)
  bool no_probe = false;              ///< given addresses are used without a look for duplicates
  std::optional<IpAddress> gateway;
  std::optional<IpAddress> gateway6;
  std::string host_name;                                              ///< told to the DHCP server
  Duration busy_poll = std::chrono::microseconds(50);                 ///< after work, before sleeping
  double busy_poll_share = 1;                                         ///< of a processor, at most
  tcp::CongestionControl congestion = tcp::CongestionControl::cubic;  ///< of all connections
  lab::ImpairmentSettings impairment;
  std::vector<Endpoint> dns;  ///< of a client: name servers to ask through the stack; empty: the system's resolver
  std::string seed;
  std::string capture;
  std::uint64_t capture_size = 0;  ///< bytes of one file; 0 = unlimited
  std::uint32_t capture_files = 2;
  std::string trace;
  std::vector<ip::Route> routes;  ///< by hand, out of this interface
  std::vector<LinkOptions> also;  ///< further interfaces, each a client's without --dns and the like
};

void add_link_options(CLI::App& app, LinkOptions& options, Role role);

/// What of the host on its Ethernet was asked for.
host::ConfiguratorSettings host_settings(const LinkOptions& options, const std::string& device,
                                         const std::vector<tun::AddressPair>& pairs);
/// --mac, or a local one (IEEE 802 9.2): with --seed it follows from the key and the number of the interface, else from
/// the machine's id, the network namespace and the device's name, so that a DHCP server knows who came back.
MacAddress mac_of(const LinkOptions& options, const std::string& device, const Key& key, InterfaceNumber number);

/// The addresses that were asked for; none with --dhcp or --bridge; else the role's own: the server's 10.77.0.2/24 and
/// fd77::2/64; of a client the first of 10.77.1.2/24, 10.77.2.2/24 … (and fd77:0:0:1::2/64 …) whose peer address nobody
/// has in this namespace. Throws UsageError for what does not fit together, tun::Error when the namespace can't be
/// entered.
std::vector<tun::AddressPair> address_pairs(const LinkOptions& options, Role role);

/// From --seed, or from the kernel.
Key key_of(const LinkOptions& options);

}  // namespace sluice::tools
