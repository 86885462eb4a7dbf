// Interface settings through rtnetlink: the few requests that a TUN needs, each answered before it returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "stack/wire/address.hpp"

struct nlmsghdr;

namespace sluice::tun {

/// A netlink socket in the network namespace of the thread that makes it. All calls throw Error with one sentence.
/// What is there already is no error: addresses and routes may be added twice.
class Netlink {
 public:
  Netlink();
  ~Netlink();
  Netlink(const Netlink&) = delete;
  Netlink& operator=(const Netlink&) = delete;

  /// The number of an interface of this namespace; 0 = there is none of this name.
  static unsigned index_of(const std::string& name) noexcept;

  void set_up(unsigned index);
  /// In bytes.
  void set_mtu(unsigned index, std::size_t mtu);
  /// How many packets may wait to be sent (of a TUN: to be read).
  void set_queue(unsigned index, std::uint32_t packets);
  /// Makes the interface a port of this bridge.
  void set_bridge(unsigned index, unsigned bridge);
  /// No link-local IPv6 address that makes itself: a TUN has no link to be local to.
  void disable_link_local(unsigned index);
  /// The kernel's own address with its on-link prefix; IPv6 without duplicate address detection.
  void add_address(unsigned index, const Prefix& address);
  /// The kernel's own address and the one address at the other end (point to point).
  void add_peer(unsigned index, const IpAddress& own, const IpAddress& peer);
  void add_route(unsigned index, const Prefix& destination);
  /// Waits (a second at most) until packets to `own` are the kernel's and packets to `other` go to this interface: IPv6
  /// addresses come into force a moment after they were given.
  void await_routes(unsigned index, const IpAddress& own, const IpAddress& other);
  void remove_link(unsigned index);

 private:
  struct Close {
    void operator()(void* socket) const noexcept;
  };
  /// Where a packet to `destination` would go.
  struct Route {
    bool local = false;
    unsigned index = 0;
  };
  Route route_to(const IpAddress& destination);
  static int read_route(const nlmsghdr* message, void* into);

  /// Sends one request and waits for its acknowledgement; answers 0 or errno.
  int ask(nlmsghdr* request);

  std::unique_ptr<void, Close> socket_;
  std::uint32_t sequence_ = 0;
};

}  // namespace sluice::tun
