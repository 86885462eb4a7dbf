// What the layer keeps for one UDP socket.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "stack/base/ring.hpp"
#include "stack/udp/linked_list.hpp"
#include "stack/udp/socket.hpp"

namespace sluice::udp {

/// A datagram that waits for the application.
struct Waiting {
  Received received;
  std::size_t charge = 0;  ///< bytes taken from the budget
};

/// A datagram that waits for the device, fully addressed; with gso_size a row of them, of which `sent` bytes have left.
struct Departing {
  Endpoint local;
  Endpoint remote;
  Slice data;
  std::size_t sent = 0;
  std::size_t charge = 0;
  std::uint16_t gso_size = 0;
  std::uint8_t hop_limit = 0;  ///< 0: for this host alone
  std::uint8_t dscp = 0;
  Ecn ecn = Ecn::not_ect;
  bool dont_fragment = true;
  bool loops = false;  ///< to a group, whose members here get it too
};

struct BoundSocket {
  /// As bound: never v4-mapped; the unspecified address means all of ours.
  Endpoint bound;
  /// The same, or the address that connect() fixed.
  Endpoint local;
  std::optional<Endpoint> remote;
  bool speaks_v6 = false;      ///< the application sees IPv4 addresses as v4-mapped ones
  bool closed = false;         ///< only what is queued still leaves
  bool write_refused = false;  ///< the application waits for room
  SlotId id;
  Options options;
  Ring<Waiting> waiting;
  std::size_t waiting_bytes = 0;
  Ring<Departing> departing;
  std::size_t departing_bytes = 0;
  Ring<ErrorReport> reports;  ///< with options.report_errors
  Errc error = Errc::none;    ///< an ICMP error not yet reported
  Readiness ready = Readiness::none;
  Link<BoundSocket> ready_link;
  Link<BoundSocket> transmit_link;
  BoundSocket* sharing = nullptr;  ///< the next one with the very same endpoints
  /// Where the latest datagrams went: an ICMP error about any other destination is a forgery.
  std::array<Endpoint, 8> recent;
  std::size_t recent_at = 0;

  /// True when `to`, a group or broadcast, and its port mean this socket, were it a member, and `from` may talk to it.
  bool hears(const Endpoint& to, const Endpoint& from) const noexcept {
    const IpAddress& name = bound.address;
    const bool covers =
        name == to.address ||
        (name.is_unspecified() && (name.family() == to.address.family() || (name.is_v6() && options.dual_stack)));
    return covers && bound.port == to.port && (!remote || *remote == from);
  }
  IpAddress spelled(const IpAddress& address) const noexcept { return speaks_v6 ? address.mapped() : address; }
  Endpoint spelled(const Endpoint& endpoint) const noexcept { return {spelled(endpoint.address), endpoint.port}; }

  void remember(const Endpoint& destination) noexcept {
    if (recent[recent_at] == destination || remembers(destination)) return;
    recent_at = (recent_at + 1) % recent.size();
    recent[recent_at] = destination;
  }
  bool remembers(const Endpoint& destination) const noexcept {
    for (const Endpoint& known : recent)
      if (known == destination) return true;
    return false;
  }
};

}  // namespace sluice::udp
