// Where packets enter and leave the stack: a device, the Ethernet on it if there is one, and what looks after this
// link's addresses and groups.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "stack/base/packet.hpp"
#include "stack/base/random.hpp"
#include "stack/base/time.hpp"
#include "stack/base/trace.hpp"
#include "stack/host/configurator.hpp"
#include "stack/host/membership.hpp"
#include "stack/ip/datagram.hpp"
#include "stack/ip/layer.hpp"
#include "stack/ip/link.hpp"
#include "stack/ip/outbox.hpp"
#include "stack/tcp/layer.hpp"

namespace sluice {

struct InterfaceConfig {
  std::vector<Prefix> addresses;                        ///< ours, used as they are, without a question
  std::size_t mtu = 1500;                               ///< bytes: 1280..65535 (576.. when only IPv4 is used)
  std::optional<ip::LinkSettings> link = std::nullopt;  ///< packets are Ethernet frames; none: they begin with IP
  /// On a link: the host gets addresses itself, and looks whether they are its alone.
  std::optional<host::ConfiguratorSettings> host = std::nullopt;
};

/// One of a Stack's, which owns it.
class Interface {
 public:
  /// The layers outlive it; the IP layer knows its number and its addresses already.
  Interface(InterfaceNumber number, const InterfaceConfig& config, const host::MembershipSettings& membership,
            ip::Layer& ip, tcp::Layer& tcp, const Key& key, Tracer tracer);
  Interface(const Interface&) = delete;
  Interface& operator=(const Interface&) = delete;

  /// Takes what came from the device; answers the IP packet in it, if there is one.
  std::optional<Packet> receive(Packet frame, Time now);
  /// True: it was for whoever configures this host.
  bool receive_udp(const ip::Datagram& datagram, Time now);
  /// IGMP, MLD and neighbour discovery.
  void receive_signal(const ip::Datagram& datagram, Time now);
  void handle_timeout(Time now);
  Time next_timeout() const noexcept;

  /// Makes due reports, then does as flush().
  void drain(Time now, FrameSink& device);
  /// Offers what this interface itself has to say, and packets whose next hop has become known.
  void flush(Time now, FrameSink& device);
  /// Offers a packet of the layers above. False: the device is full.
  bool transmit(const Frame& packet, FrameSink& device, Time now);
  /// Passes on which routers were lost.
  void settle(Time now);

  ip::Link* link() noexcept { return link_ ? &*link_ : nullptr; }
  const ip::Link* link() const noexcept { return link_ ? &*link_ : nullptr; }
  /// Of a host that configures itself here; else nullptr.
  host::Configurator* configurator() noexcept { return configurator_ ? &*configurator_ : nullptr; }
  const host::Membership& membership(Family family) const noexcept { return family == Family::ipv4 ? igmp_ : mld_; }

 private:
  /// The first time that this interface hears of time, its link comes up.
  void wake(Time now);
  /// Takes over what the sockets changed, and puts due reports into the outbox.
  void report_groups(Time now);
  /// Where reports come from; the unspecified address when there is none that fits.
  IpAddress report_source(Family family) const noexcept;

  InterfaceNumber number_;
  ip::Layer& ip_;
  ip::Outbox outbox_;
  std::optional<ip::Link> link_;
  std::optional<host::Configurator> configurator_;
  bool up_ = false;
  host::Membership igmp_;
  host::Membership mld_;
};

}  // namespace sluice
