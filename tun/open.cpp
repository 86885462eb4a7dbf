// /dev/net/tun, TUNSETIFF and the settings of the interface.
#include "tun/open.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cerrno>

#include "tun/error.hpp"
#include "tun/namespace.hpp"
#include "tun/netlink.hpp"
#include "tun/uring_device.hpp"

namespace sluice::tun {
namespace {

constexpr const char* kPath = "/dev/net/tun";

Fd open_path() {
  Fd fd(::open(kPath, O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (fd) return fd;
  if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
    throw Error(Errc::not_found,
                "there is no /dev/net/tun: load the kernel module tun, or give the container this device");
  if (errno == EACCES || errno == EPERM) throw Error(Errc::permission_denied, "no permission to open /dev/net/tun");
  throw Error(from_errno(errno), "cannot open /dev/net/tun: " + errno_text(errno));
}

[[noreturn]] void fail_attach(int error, const std::string& name) {
  if (error == EPERM || error == EACCES)
    throw Error(Errc::permission_denied,
                "no permission to make or attach the interface " + name + ": CAP_NET_ADMIN is needed");
  if (error == EBUSY) throw Error(Errc::address_in_use, "the interface " + name + " is held by another program");
  if (error == EINVAL && Netlink::index_of(name) != 0)
    throw Error(Errc::address_in_use, "the name " + name + " belongs to an interface that is of another kind");
  throw Error(from_errno(error), "cannot make the interface " + name + ": " + errno_text(error));
}

/// Whether the kernel knows of headers before packets.
bool has_virtio_header(const Fd& fd) noexcept {
  unsigned features = 0;
  return ::ioctl(fd.number(), TUNGETFEATURES, &features) == 0 && (features & IFF_VNET_HDR) != 0;
}

/// Answers the interface's name, in which the kernel has filled in %d.
std::string attach(const Fd& fd, const std::string& name, const TunOptions& options, bool virtio_header) {
  ifreq request{};
  const int flags = (options.kind == DeviceKind::tap ? IFF_TAP : IFF_TUN) | IFF_NO_PI |
                    (virtio_header ? IFF_VNET_HDR : 0) | (options.multi_queue ? IFF_MULTI_QUEUE : 0);
  request.ifr_flags = static_cast<short>(flags);
  std::copy(name.begin(), name.end(), request.ifr_name);
  if (::ioctl(fd.number(), TUNSETIFF, &request) != 0) fail_attach(errno, name);
  return request.ifr_name;
}

// Younger than this system's <linux/if_tun.h>.
constexpr unsigned kUso4 = 0x20, kUso6 = 0x40;

/// The largest set that the kernel grants, from the best one down. Throws when the header can't be had as we read it.
Offloads agree(const Fd& fd, const std::string& name) {
  int size = static_cast<int>(VirtioHeader::kSize);
  int little = 1;
  const bool header = ::ioctl(fd.number(), TUNSETVNETHDRSZ, &size) == 0 &&
                      (::ioctl(fd.number(), TUNSETVNETLE, &little) == 0 || std::endian::native == std::endian::little);
  if (!header) throw Error(from_errno(errno), "cannot set the header of " + name + ": " + errno_text(errno));
  constexpr unsigned kTcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
  constexpr std::array<unsigned, 5> kSets = {kTcp | TUN_F_TSO_ECN | kUso4 | kUso6, kTcp | TUN_F_TSO_ECN, kTcp,
                                             TUN_F_CSUM | TUN_F_TSO4, TUN_F_CSUM};
  for (const unsigned set : kSets) {
    if (::ioctl(fd.number(), TUNSETOFFLOAD, static_cast<unsigned long>(set)) != 0) continue;
    return {.maximum_frame = 65535,
            .checksum = true,
            .tcp_v4 = (set & TUN_F_TSO4) != 0,
            .tcp_v6 = (set & TUN_F_TSO6) != 0,
            .tcp_ecn = (set & TUN_F_TSO_ECN) != 0,
            .udp = (set & kUso4) != 0};
  }
  return {};
}

struct LinkState {
  std::size_t mtu = 0;
  std::uint32_t queue = 0;
  bool up = false;
};

LinkState state_of(const std::string& name) {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::copy(name.begin(), name.end(), request.ifr_name);
  LinkState state;
  bool known = ::ioctl(socket.number(), SIOCGIFMTU, &request) == 0;
  if (known) state.mtu = static_cast<std::size_t>(request.ifr_mtu);
  known = known && ::ioctl(socket.number(), SIOCGIFTXQLEN, &request) == 0;
  if (known) state.queue = static_cast<std::uint32_t>(request.ifr_qlen);
  known = known && ::ioctl(socket.number(), SIOCGIFFLAGS, &request) == 0;
  if (!known) throw Error(from_errno(errno), "cannot ask for the state of " + name + ": " + errno_text(errno));
  state.up = (request.ifr_flags & IFF_UP) != 0;
  return state;
}

/// REQUIRES a non-empty family on both sides.
void add_pair(Netlink& netlink, unsigned index, const AddressPair& pair) {
  if (pair.local.address.family() != pair.peer.family())
    throw Error(Errc::address_family, "the addresses " + pair.local.address.to_string() + " and " +
                                          pair.peer.to_string() + " are of different families");
  const bool on_link = pair.local.contains(pair.peer) && pair.local.address != pair.peer;
  if (on_link)
    netlink.add_address(index, {pair.peer, pair.local.length});
  else
    netlink.add_peer(index, pair.peer, pair.local.address);
}

void join_bridge(Netlink& netlink, unsigned index, const std::string& bridge) {
  const unsigned master = Netlink::index_of(bridge);
  if (master == 0) throw Error(Errc::not_found, "there is no bridge " + bridge + " in this network namespace");
  netlink.set_bridge(index, master);
}

std::size_t configure(const std::string& name, const TunOptions& options, bool is_new) {
  const unsigned index = Netlink::index_of(name);
  LinkState state = state_of(name);
  Netlink netlink;
  if (options.mtu && *options.mtu != state.mtu) {
    netlink.set_mtu(index, *options.mtu);
    state.mtu = *options.mtu;
  }
  const std::uint32_t queue = options.queue.value_or(is_new ? TunOptions::kDefaultQueue : state.queue);
  if (queue != state.queue) netlink.set_queue(index, queue);
  if (!options.bridge.empty()) join_bridge(netlink, index, options.bridge);
  if (!state.up) {
    // A TUN has no link to be local to, and a port of a bridge no addresses.
    if (options.kind == DeviceKind::tun || !options.bridge.empty()) netlink.disable_link_local(index);
    netlink.set_up(index);
  }
  for (const AddressPair& pair : options.addresses) add_pair(netlink, index, pair);
  for (const AddressPair& pair : options.addresses) netlink.await_routes(index, pair.peer, pair.local.address);
  for (const Prefix& route : options.routes) netlink.add_route(index, route);
  return state.mtu;
}

std::unique_ptr<FdDevice> open_here(const TunOptions& options) {
  Fd fd = open_path();
  const bool is_new = Netlink::index_of(options.name) == 0;  // "%d" is in no interface's name
  const bool offload = options.offload && options.kind == DeviceKind::tun && has_virtio_header(fd);
  const std::string name = attach(fd, options.name, options, offload);
  Offloads granted;
  if (offload)
    granted = agree(fd, name);
  else
    (void)::ioctl(fd.number(), TUNSETOFFLOAD, 0ul);  // who held a persistent one before may have had them
  const std::size_t mtu = configure(name, options, is_new);
  const std::size_t link_header = options.kind == DeviceKind::tap ? kEthernetOverhead : 0;
  if (options.backend == Backend::uring && offload)
    return std::make_unique<UringDevice>(std::move(fd), mtu, name, granted);
  if (options.backend == Backend::uring) return std::make_unique<UringDevice>(std::move(fd), mtu, name, link_header);
  if (offload) return std::make_unique<FdDevice>(std::move(fd), mtu, name, granted);
  return std::make_unique<FdDevice>(std::move(fd), mtu, name, link_header);
}

}  // namespace

std::string complaint_about_name(std::string_view name) {
  if (name.empty()) return "an interface needs a name";
  if (name.size() >= IFNAMSIZ) return "the interface name " + std::string(name) + " is longer than 15 characters";
  const auto odd = [](char c) {
    return c == '/' || c == ':' || !std::isprint(static_cast<unsigned char>(c)) || c == ' ';
  };
  const std::size_t percent = name.find('%');
  const bool bad_percent = percent != std::string_view::npos &&
                           (name.substr(percent, 2) != "%d" || name.find('%', percent + 1) != name.npos);
  if (std::any_of(name.begin(), name.end(), odd) || name == "." || name == ".." || bad_percent)
    return "no interface can have the name \"" + std::string(name) + "\"";
  return {};
}

std::unique_ptr<FdDevice> open_tun(const TunOptions& options) {
  if (const std::string complaint = complaint_about_name(options.name); !complaint.empty())
    throw Error(Errc::invalid_argument, complaint);
  if (options.network_namespace.empty()) return open_here(options);
  std::unique_ptr<FdDevice> device;
  Namespace::open(options.network_namespace).run([&] { device = open_here(options); });
  return device;
}

IpAddress default_peer(const Prefix& local) noexcept {
  std::array<std::uint8_t, 16> bytes{};
  const Bytes address = local.address.bytes();
  std::copy(address.begin(), address.end(), bytes.begin());
  const MutableBytes used = MutableBytes(bytes).first(address.size());
  const std::size_t bits = 8 * used.size();
  for (std::size_t bit = local.length; bit < bits; ++bit)
    used[bit / 8] = static_cast<std::uint8_t>(used[bit / 8] & ~(0x80u >> bit % 8));
  // A network of one or two addresses has no room for a network address of its own: take the neighbour.
  if (local.length + 1u >= bits) {
    std::copy(address.begin(), address.end(), used.begin());
    used.back() ^= 1;
    return IpAddress::from_bytes(used);
  }
  used.back() |= 1;
  if (IpAddress::from_bytes(used) == local.address) used.back() ^= 3;
  return IpAddress::from_bytes(used);
}

}  // namespace sluice::tun
