// How a program gets its TUN or TAP: opened or attached, and told its addresses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stack/wire/address.hpp"
#include "tun/fd_device.hpp"

namespace sluice::tun {

/// An address of the stack and the kernel's address at the other end of the TUN.
struct AddressPair {
  Prefix local;    ///< the stack's, with the prefix that is on-link
  IpAddress peer;  ///< the kernel's, which the interface gets
};

/// What passes the device: IP packets between two ends, or Ethernet frames of a LAN.
enum class DeviceKind : std::uint8_t { tun, tap };

/// How frames leave.
enum class Backend : std::uint8_t {
  epoll,  ///< a system call each: FdDevice
  uring,  ///< many with one: UringDevice
};

struct TunOptions {
  DeviceKind kind = DeviceKind::tun;
  std::string name = "sluice%d";            ///< 1..15 characters; "%d" stands for the first free number
  std::string network_namespace = {};       ///< as Namespace::open(); empty = the caller's
  std::vector<AddressPair> addresses = {};  ///< none: the interface keeps what somebody else gave it
  std::string bridge = {};                  ///< of a TAP: the kernel's bridge that it becomes a port of
  std::vector<Prefix> routes = {};          ///< further networks that the kernel sends into the TUN
  std::optional<std::size_t> mtu =
      std::nullopt;  ///< bytes, 68..65535 (IPv6 needs 1280); absent: as it is (1500 for a new one)
  /// Packets that the kernel keeps for us before it drops, 1 or more. Its own default of 500 is less than one burst: of
  /// 1,000 connections opened at once it lost 500 SYNs. Absent: kDefaultQueue for an interface that this call makes,
  /// else as it is.
  std::optional<std::uint32_t> queue = std::nullopt;
  /// Of a TUN: ask for super-segments and missing checksums, both ways; FdDevice::offloads() tells what was granted.
  bool offload = false;
  /// Of a TUN: one queue of several (IFF_MULTI_QUEUE). The kernel gives a packet to the queue that its flow's answers
  /// come from. A further one is opened by the name of the first, without addresses and routes.
  bool multi_queue = false;
  Backend backend = Backend::epoll;

  static constexpr std::uint32_t kDefaultQueue = 10'000;
};

/// Bytes that a frame of a TAP may have before its IP packet: an Ethernet header with a VLAN tag.
inline constexpr std::size_t kEthernetOverhead = 18;

/// Opens the TUN or TAP or attaches to a persistent one of this name, and asks netlink only for what is missing: an
/// interface that an administrator prepared for this user needs no privilege. Throws Error:
/// - not_found: no /dev/net/tun, or no such namespace
/// - permission_denied: opening, creating or configuring is not allowed
/// - address_in_use: another program holds the interface, or the name belongs to something of another kind
/// - not_found: no such bridge
/// - not_supported: no io_uring here
/// - invalid_argument: a name that no interface can have, or a setting that the kernel refuses
std::unique_ptr<FdDevice> open_tun(const TunOptions& options);

/// The first host address of the network that is not `local` itself: what the kernel's side gets when nobody says.
IpAddress default_peer(const Prefix& local) noexcept;

/// Why no interface can have this name, or an empty text.
std::string complaint_about_name(std::string_view name);

}  // namespace sluice::tun
