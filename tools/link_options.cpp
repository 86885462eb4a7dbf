// Flags to settings, and the addresses that nobody gave.
#include "tools/link_options.hpp"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <string>

#include "tools/arguments.hpp"
#include "tools/resolver.hpp"
#include "tun/clock.hpp"
#include "tun/namespace.hpp"
#include "tun/socket_address.hpp"

namespace sluice::tools {
namespace {

lab::Parsed<std::string> parse_device(std::string_view text) {
  const std::string complaint = tun::complaint_about_name(text);
  if (complaint.empty()) return std::string(text);
  return lab::Parsed<std::string>::failed(complaint);
}

lab::Parsed<double> parse_share(std::string_view text) {
  lab::Parsed<double> share = lab::parse_probability(text);
  if (share) return share;
  return lab::Parsed<double>::failed(fmt::format("\"{}\" is no share: write it like 20% or 0.2, from 0 to 100%", text));
}

lab::Parsed<tun::Backend> parse_backend(std::string_view text) {
  if (text == "epoll") return tun::Backend::epoll;
  if (text == "uring") return tun::Backend::uring;
  return lab::Parsed<tun::Backend>::failed(fmt::format("\"{}\" is neither epoll nor uring", text));
}

lab::Parsed<tcp::CongestionControl> parse_congestion(std::string_view text) {
  if (text == "cubic") return tcp::CongestionControl::cubic;
  if (text == "reno") return tcp::CongestionControl::reno;
  if (text == "bbr") return tcp::CongestionControl::bbr;
  return lab::Parsed<tcp::CongestionControl>::failed(fmt::format("\"{}\" is none of cubic, reno and bbr", text));
}

void add_impairment_options(CLI::App& app, lab::ImpairmentSettings& link) {
  const auto group = [](CLI::Option* option) { option->group("A bad link, in both directions"); };
  group(add_value(app, "--loss", link.loss, lab::parse_probability, "P", "packets lost, such as 1%"));
  group(add_value(app, "--delay", link.delay, lab::parse_time, "TIME", "each way, such as 20ms"));
  group(add_value(app, "--jitter", link.jitter, lab::parse_time, "TIME", "the delay varies by this; order stays"));
  group(add_value(app, "--reorder", link.reorder, lab::parse_probability, "P", "packets that others overtake"));
  group(add_value(app, "--duplicate", link.duplicate, lab::parse_probability, "P", "packets that arrive twice"));
  group(add_value(app, "--corrupt", link.corrupt, lab::parse_probability, "P", "packets with one bit turned over"));
  group(add_value(app, "--mark", link.mark, lab::parse_probability, "P", "ECN-capable packets marked, such as 1%"));
  group(add_value(app, "--mark-above", link.mark_above, lab::parse_size, "SIZE", "marked if more waits for --rate"));
  group(add_value(app, "--rate", link.rate, lab::parse_rate, "RATE", "such as 10mbit or 1MB/s"));
  group(add_value(app, "--queue", link.queue_bytes, lab::parse_size, "SIZE", "what may wait for --rate; more is lost"));
}

lab::Parsed<MacAddress> parse_mac(std::string_view text) {
  const auto mac = MacAddress::parse(text);
  if (mac && mac->is_unicast()) return *mac;
  return lab::Parsed<MacAddress>::failed(fmt::format("\"{}\" is not the MAC address of a host", text));
}

lab::Parsed<std::uint16_t> parse_vlan(std::string_view text) {
  const auto number = parse_count(text);
  if (number && *number >= 1 && *number <= 4094) return static_cast<std::uint16_t>(*number);
  return lab::Parsed<std::uint16_t>::failed("is a number from 1 to 4094");
}

void add_lan_options(CLI::App& app, LinkOptions& options) {
  const auto group = [](CLI::Option* option) { option->group("On an Ethernet (TAP)"); };
  group(app.add_flag("--tap", options.tap, "the device carries Ethernet frames: a host of a LAN"));
  group(add_value(app, "--bridge", options.bridge, parse_device, "NAME",
                  "the kernel's bridge that it becomes a port of"));
  group(add_value(app, "--mac", options.mac, parse_mac, "MAC",
                  "the stack's MAC address [follows from --seed, else from the device and the machine]"));
  group(add_value(app, "--vlan", options.vlan, parse_vlan, "ID", "the stack lives in this VLAN of a trunk"));
  group(app.add_flag("--dhcp", options.dhcp, "get an IPv4 address, routes and DNS servers by DHCP"));
  group(app.add_option("--host-name", options.host_name, "told to the DHCP server")->type_name("NAME"));
  group(add_value(app, "--gateway", options.gateway, parse_address, "ADDR", "the IPv4 default router"));
  group(add_value(app, "--gateway6", options.gateway6, parse_address, "ADDR", "the IPv6 default router"));
  group(app.add_flag("--no-ra", options.no_advertisements, "heed no router advertisements"));
  group(app.add_flag("--temporary", options.temporary, "also IPv6 addresses that change (RFC 8981)"));
  group(app.add_flag("--no-probe", options.no_probe, "use given addresses without a look for duplicates"));
}

/// Throws UsageError for what has no meaning.
void check_lan(const LinkOptions& options) {
  const std::pair<const char*, bool> needing[] = {
      {"--bridge", !options.bridge.empty()},        {"--mac", options.mac.has_value()},
      {"--vlan", options.vlan.has_value()},         {"--dhcp", options.dhcp},
      {"--host-name", !options.host_name.empty()},  {"--gateway", options.gateway.has_value()},
      {"--gateway6", options.gateway6.has_value()}, {"--no-ra", options.no_advertisements},
      {"--temporary", options.temporary},           {"--no-probe", options.no_probe}};
  for (const auto& [flag, given] : needing)
    if (given && !options.tap) throw UsageError(flag, "needs --tap");
  if (options.gateway && options.gateway->is_v6()) throw UsageError("--gateway", "takes an IPv4 address");
  if (options.gateway6 && options.gateway6->is_v4()) throw UsageError("--gateway6", "takes an IPv6 address");
  if (options.host_name.size() > 255) throw UsageError("--host-name", "has at most 255 bytes");
}

void add_record_options(CLI::App& app, LinkOptions& options) {
  const auto group = [](CLI::Option* option) { option->group("Records"); };
  group(app.add_option("--capture", options.capture,
                       "pcapng of what the stack receives and sends, with the reason of each segment")
            ->type_name("FILE"));
  group(add_value(app, "--capture-size", options.capture_size, lab::parse_size, "SIZE",
                  "begin a new file at this size, such as 64MiB"));
  group(add_value(app, "--capture-files", options.capture_files, parse_count, "N", "files kept then [2]"));
  group(app.add_option("--trace", options.trace, "what the stack does, as JSON lines")->type_name("FILE"));
  group(app.add_option("--seed", options.seed, "the key of all randomness; the same text, the same run [random]")
            ->type_name("TEXT"));
}

std::vector<IpAddress> kernel_addresses() {
  std::vector<IpAddress> found;
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return found;
  for (const ifaddrs* one = first; one; one = one->ifa_next) {
    const bool ip = one->ifa_addr && (one->ifa_addr->sa_family == AF_INET || one->ifa_addr->sa_family == AF_INET6);
    if (ip) found.push_back(tun::from_kernel(one->ifa_addr).address);
  }
  ::freeifaddrs(first);
  return found;
}

/// 10.77.N.2/24 and 10.77.N.1.
tun::AddressPair numbered_v4(std::uint8_t number) {
  return {{IpAddress::v4(10, 77, number, 2), 24}, IpAddress::v4(10, 77, number, 1)};
}

/// fd77:0:0:N::2/64 and fd77:0:0:N::1.
tun::AddressPair numbered_v6(std::uint8_t number) {
  std::array<std::uint8_t, 16> bytes{0xfd, 0x77};
  bytes[7] = number;
  bytes[15] = 2;
  const IpAddress local = IpAddress::v6(bytes);
  bytes[15] = 1;
  return {{local, 64}, IpAddress::v6(bytes)};
}

bool kernel_has_ipv6() { return ::access("/proc/thread-self/net/if_inet6", F_OK) == 0; }

std::vector<tun::AddressPair> default_pairs(const LinkOptions& options, Role role) {
  std::uint8_t number = 0;
  bool v6 = false;
  const auto choose = [&] {
    v6 = kernel_has_ipv6() && options.mtu.value_or(1500) >= 1280;
    if (role == Role::server) return;
    const std::vector<IpAddress> taken = kernel_addresses();
    const auto is_taken = [&](const IpAddress& one) {
      return std::find(taken.begin(), taken.end(), one) != taken.end();
    };
    for (number = 1; number < 255; ++number)
      if (!is_taken(numbered_v4(number).peer) && !is_taken(numbered_v6(number).peer)) return;
  };
  if (options.network_namespace.empty())
    choose();
  else
    tun::Namespace::open(options.network_namespace).run(choose);
  std::vector<tun::AddressPair> pairs{numbered_v4(number)};
  if (v6) pairs.push_back(numbered_v6(number));
  return pairs;
}

void add_pair(std::vector<tun::AddressPair>& pairs, const std::string& suffix, Family family,
              const std::optional<Prefix>& local, const std::optional<IpAddress>& peer) {
  const std::string local_flag = "--local" + suffix;
  const std::string peer_flag = "--peer" + suffix;
  const std::string kind = family == Family::ipv4 ? "IPv4" : "IPv6";
  if (!local) {
    if (peer) throw UsageError(peer_flag, "needs " + local_flag);
    return;
  }
  if (local->address.family() != family) throw UsageError(local_flag, "takes an " + kind + " address");
  if (peer && peer->family() != family) throw UsageError(peer_flag, "takes an " + kind + " address");
  if (peer && *peer == local->address)
    throw UsageError(peer_flag, "is the kernel's end and can't be the stack's own address");
  pairs.push_back({*local, peer.value_or(tun::default_peer(*local))});
}

/// "10.9.0.0/16", or "10.9.0.0/16@10.0.0.1" through a gateway.
lab::Parsed<ip::Route> parse_route(std::string_view text) {
  using Route = lab::Parsed<ip::Route>;
  const std::size_t at = text.find('@');
  const auto network = Prefix::parse(text.substr(0, at));
  if (!network) return Route::failed(fmt::format("\"{}\" is not NETWORK/LEN or NETWORK/LEN@GATEWAY", text));
  ip::Route route{.destination = network->network()};
  if (at == std::string_view::npos) return route;
  const auto gateway = IpAddress::parse(text.substr(at + 1));
  if (!gateway || gateway->family() != network->address.family())
    return Route::failed(fmt::format("\"{}\" is no gateway of the network's family", text.substr(at + 1)));
  route.gateway = *gateway;
  return route;
}

/// A flag that may be repeated, each time with one value.
CLI::Option* add_repeated(CLI::App& app, const char* flag, const std::function<void(const std::string&)>& take,
                          const char* type, const std::string& description) {
  const auto take_all = [take](const std::vector<std::string>& texts) {
    for (const std::string& text : texts) take(text);
  };
  return app.add_option_function<std::vector<std::string>>(flag, take_all, description)
      ->type_name(type)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_dns_option(CLI::App& app, LinkOptions& options) {
  const auto take = [&options](const std::string& text) {
    const auto server = parse_server(text);
    if (!server) throw UsageError("--dns", "\"" + text + "\" is no address of a name server");
    options.dns.push_back(*server);
  };
  add_repeated(app, "--dns", take, "ADDRESS[:PORT]",
               "ask this name server, through the stack; may be repeated [with --dhcp those that it names, else the "
               "system's resolver]")
      ->group("Names");
}

/// machine-id(5), which nobody else knows; "" where there is none.
std::string machine_id() {
  std::string id;
  std::getline(std::ifstream("/etc/machine-id") >> std::ws, id);
  return id;
}

/// The same, or else the host's name, which is no secret.
std::string machine_name() {
  if (std::string id = machine_id(); !id.empty()) return id;
  std::array<char, 256> host{};
  (void)::gethostname(host.data(), host.size() - 1);
  return host.data();
}

/// Like systemd.link(5)'s MACAddressPolicy=persistent: what stays the same from start to start, and is another's
/// nowhere.
Key persistent_key(const LinkOptions& options, const std::string& device) {
  const std::string& space = options.network_namespace;
  const tun::Namespace where = space.empty() ? tun::Namespace::current() : tun::Namespace::open(space);
  struct stat status {};
  if (::fstat(where.fd(), &status) != 0) status.st_ino = 0;
  return tun::key_from_seed(fmt::format("{} {} {}", machine_name(), status.st_ino, device));
}

/// The device, where it leads, and the Ethernet on it.
void add_interface_options(CLI::App& app, LinkOptions& options, Role role) {
  options.device = role == Role::server ? "sluice0" : "sluice%d";
  const bool server = role == Role::server;
  const auto group = [](CLI::Option* option) { option->group("The device"); };
  group(add_value(app, "--dev", options.device, parse_device, "NAME",
                  fmt::format("the TUN interface, made if there is none [{}]", options.device)));
  group(app.add_option("--netns", options.network_namespace,
                       "the network namespace of the interface: a name, a path or a process id [this one]")
            ->type_name("NS"));
  group(add_value(app, "--local", options.local, parse_prefix, "ADDR/LEN",
                  fmt::format("the stack's IPv4 address [10.77.{}.2/24]", server ? "0" : "N")));
  group(add_value(app, "--peer", options.peer, parse_address, "ADDR", "the kernel's [first of the network]"));
  group(
      add_value(app, "--local6", options.local6, parse_prefix, "ADDR/LEN",
                fmt::format("the stack's IPv6 address [fd77{}::2/64, or none with --local]", server ? "" : ":0:0:N")));
  group(add_value(app, "--peer6", options.peer6, parse_address, "ADDR", "the kernel's [first of the network]"));
  group(add_value(app, "--mtu", options.mtu, parse_mtu, "BYTES", "of the interface [1500, or as it is]"));
  const auto take_route = [&options](const std::string& text) {
    const lab::Parsed<ip::Route> route = parse_route(text);
    if (!route) throw UsageError("--route", route.error);
    options.routes.push_back(*route);
  };
  group(add_repeated(app, "--route", take_route, "NET/LEN[@GATEWAY]",
                     "what the stack reaches by this device, beside its network; may be repeated"));
  group(app.add_flag("--no-offload", options.no_offload,
                     "no super-segments of up to 64 KiB between the kernel and the stack"));
  group(add_value(app, "--backend", options.backend, parse_backend, "NAME",
                  "how packets pass: epoll (a call each) or uring (io_uring, many in one call) [epoll]"));
  add_lan_options(app, options);
}

/// One interface more, from the text of its flags. Throws UsageError.
LinkOptions parse_interface(const std::string& text) {
  LinkOptions options;
  CLI::App flags;
  flags.set_help_flag();
  add_interface_options(flags, options, Role::client);
  add_impairment_options(flags, options.impairment);
  flags.add_option("--capture", options.capture);
  try {
    flags.parse(text, false);
  } catch (const CLI::ParseError& error) {
    throw UsageError("--also", error.what());
  }
  return options;
}

}  // namespace

void add_link_options(CLI::App& app, LinkOptions& options, Role role) {
  if (role == Role::client) add_dns_option(app, options);
  add_interface_options(app, options, role);
  const auto take_interface = [&options](const std::string& text) { options.also.push_back(parse_interface(text)); };
  add_repeated(app, "--also", take_interface, "'FLAGS'",
               "one more interface, by flags of its own: those here, of an Ethernet, of a bad link, and --capture")
      ->group("The device");
  add_value(app, "--busy-poll", options.busy_poll, lab::parse_time, "TIME",
            "after work look for more this long before sleeping; 0s spares the processor [50us]")
      ->group("The device");
  add_value(app, "--busy-poll-share", options.busy_poll_share, parse_share, "P",
            "of a processor that looking may take over 100ms, such as 20% [100%]")
      ->group("The device");
  add_value(app, "--congestion", options.congestion, parse_congestion, "NAME",
            "how TCP finds its rate: cubic, reno or bbr [cubic]")
      ->group("TCP");
  add_impairment_options(app, options.impairment);
  add_record_options(app, options);
}

std::vector<tun::AddressPair> address_pairs(const LinkOptions& options, Role role) {
  check_lan(options);
  std::vector<tun::AddressPair> pairs;
  add_pair(pairs, "", Family::ipv4, options.local, options.peer);
  add_pair(pairs, "6", Family::ipv6, options.local6, options.peer6);
  if (pairs.empty() && (options.dhcp || !options.bridge.empty())) return {};
  if (pairs.empty()) pairs = default_pairs(options, role);
  const bool v6 = pairs.back().peer.is_v6();
  if (v6 && options.mtu.value_or(1500) < 1280) throw UsageError("--mtu", "IPv6 needs 1280 bytes or more");
  return pairs;
}

host::ConfiguratorSettings host_settings(const LinkOptions& options, const std::string& device,
                                         const std::vector<tun::AddressPair>& pairs) {
  host::ConfiguratorSettings settings;
  settings.dhcp = options.dhcp;
  settings.router_advertisements = !options.no_advertisements;
  settings.temporary_addresses = options.temporary;
  if (options.seed.empty() && !machine_id().empty()) settings.secret = persistent_key(options, device);
  settings.host_name = options.host_name;
  settings.gateway4 = options.gateway;
  settings.gateway6 = options.gateway6;
  if (!options.no_probe)
    for (const tun::AddressPair& pair : pairs) settings.addresses.push_back(pair.local);
  return settings;
}

MacAddress mac_of(const LinkOptions& options, const std::string& device, const Key& key, InterfaceNumber number) {
  if (options.mac) return *options.mac;
  const Key from = options.seed.empty() ? persistent_key(options, device) : key;
  std::array<std::uint8_t, MacAddress::kSize> bytes{};
  Random(from, KeyUse::neighbour, number + 1u).fill(bytes);
  bytes[0] = static_cast<std::uint8_t>((bytes[0] & 0xfc) | 0x02);
  return MacAddress(bytes);
}

Key key_of(const LinkOptions& options) {
  return options.seed.empty() ? tun::random_key() : tun::key_from_seed(options.seed);
}

}  // namespace sluice::tools
