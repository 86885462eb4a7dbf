// The Ethernet under IP: frames on and off, and finding out which MAC address is behind the next hop (RFC 826, RFC 894,
// RFC 4861 section 7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "stack/base/counters.hpp"
#include "stack/base/packet.hpp"
#include "stack/base/random.hpp"
#include "stack/base/ring.hpp"
#include "stack/base/time.hpp"
#include "stack/base/trace.hpp"
#include "stack/ip/datagram.hpp"
#include "stack/ip/drop_log.hpp"
#include "stack/ip/layer.hpp"
#include "stack/ip/neighbours.hpp"
#include "stack/ip/outbox.hpp"
#include "stack/wire/arp.hpp"
#include "stack/wire/ethernet.hpp"
#include "stack/wire/ndp.hpp"

namespace sluice::ip {

struct LinkSettings {
  MacAddress mac;                                    ///< ours: unicast
  std::optional<std::uint16_t> vlan = std::nullopt;  ///< 1..4094: we live in this VLAN of a trunk, else untagged
  NeighbourTiming timing;
};

enum class LinkCounter : std::uint8_t {
  frames_in,
  frames_out,
  tagged_in,  ///< frames with a VLAN tag, whichever
  drop_truncated,
  drop_length_field,  ///< 802.3 with a length: nobody speaks LLC here
  drop_other_vlan,    ///< a tag that is not ours, or none where we have one
  drop_other_host,    ///< to another's MAC address (a bridge that floods)
  drop_source_group,  ///< no sender is a group
  drop_own_source,    ///< our own MAC address as sender: a loop, or a copy of us
  drop_unknown_type,
  arp_in,
  arp_requests_out,
  arp_replies_out,
  drop_arp_malformed,
  drop_arp_sender,  ///< a sender that can't be: a group, or no host's IP address
  discovery_in,
  solicitations_out,
  advertisements_out,
  drop_discovery_malformed,  ///< or against the rules for valid messages
  redirects_taken,
  drop_redirect,    ///< not from the hop that we use (RFC 1122 3.2.2.2)
  neighbour_lost,   ///< does not answer
  drop_unresolved,  ///< gave way to a newer packet for the same neighbour, or found too many resolutions under way
  drop_no_route,
  drop_outbox_full,
  count,
};
std::string_view name(LinkCounter counter) noexcept;

/// The link of one Layer. Its outputs: frames of its own by drain(), framed packets by transmit(), ND packets in the
/// layer's outbox, and what could not be delivered by poll_error().
class Link {
 public:
  /// `layer` and `outbox` outlive the link, which makes itself known to the layer as the link of that interface.
  Link(const LinkSettings& settings, InterfaceNumber interface, Layer& layer, Outbox& outbox, const Key& key,
       Tracer tracer);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// What a frame was about: an IP packet without its Ethernet header; an ARP packet, which has been heeded here and
  /// may concern whoever watches for address conflicts; or nothing more.
  struct Arrived {
    std::optional<Packet> packet = std::nullopt;
    std::optional<wire::arp::Packet> arp = std::nullopt;
  };
  Arrived receive(Packet frame, Time now);

  /// A valid ND message, heeded here as far as neighbours are concerned. What routers announce, and what may show an
  /// address of ours to be a duplicate, is the caller's.
  using Discovery = std::variant<std::monostate, wire::ndp::RouterAdvertisement, wire::ndp::NeighborSolicitation,
                                 wire::ndp::NeighborAdvertisement>;
  /// REQUIRES an ICMPv6 datagram of types 133 to 137 whose checksum is right.
  Discovery receive_discovery(const Datagram& datagram, Time now);
  /// Of both families. `target` == `destination`: it is on the link.
  void redirect(const IpAddress& from, const IpAddress& destination, const IpAddress& target,
                const std::optional<MacAddress>& mac, Time now);

  /// Frames a packet of ours and offers it, or keeps it until its next hop is known. False: the device is full.
  bool transmit(const Frame& packet, FrameSink& device, Time now);
  /// Offers ARP and the packets whose next hop has become known.
  void drain(FrameSink& device) { frames_.drain(device); }

  void handle_timeout(Time now);
  Time next_timeout() const noexcept { return neighbours_.next_expiry(); }
  /// A packet of ours that can't be delivered, as the ICMP error that a router would have sent.
  std::optional<IcmpError> poll_error();
  /// A router that is none any more or does not answer: whoever learned of it should know (RFC 4861 6.3.5).
  std::optional<IpAddress> poll_lost_router();

  /// From now on ARP packets that say who `sender` is are kept for poll_arp(), the latest 64 of them.
  void watch_arp(const IpAddress& sender) noexcept { watched_ = sender; }
  std::optional<wire::arp::Packet> poll_arp() noexcept { return heard_.take_front(); }

  /// What we sent to `destination` arrives (RFC 4861 7.3.1).
  void confirm(const IpAddress& destination, Time now) noexcept;

  const MacAddress& mac() const noexcept { return settings_.mac; }
  InterfaceNumber interface() const noexcept { return interface_; }
  Neighbours& neighbours() noexcept { return neighbours_; }
  const Neighbours& neighbours() const noexcept { return neighbours_; }
  const Counters<LinkCounter>& counters() const noexcept { return log_.counters; }

  /// Puts an ARP packet on the link: a request to all unless it says whom.
  void send_arp(const wire::arp::Packet& packet, const MacAddress& to);
  /// A question whether somebody has `target`; `source` unspecified: the probe of duplicate detection (RFC 4862 5.4.2).
  void send_solicitation(const IpAddress& source, const IpAddress& target, const std::optional<MacAddress>& to);
  void send_router_solicitation(const IpAddress& source);

 private:
  enum class Failure : std::uint8_t { no_route, no_answer };

  /// Errors, lost routers and ARP packets that nobody fetched: older ones are of no use to anybody.
  static constexpr std::size_t kMaximumNews = 64;

  bool admits(const wire::ethernet::Header& header, Time now) noexcept;
  std::optional<wire::arp::Packet> receive_arp(Bytes payload, Time now);
  void heed(const wire::arp::Packet& arp, Time now);
  Discovery refuse(Time now);
  void heed(const wire::ndp::NeighborSolicitation& solicitation, const IpAddress& source, Time now);
  void heed(const wire::ndp::NeighborAdvertisement& advertisement, Time now);
  void answer_solicitation(const wire::ndp::NeighborSolicitation& solicitation, const IpAddress& source);
  template <class Message>
  void send_discovery(const IpAddress& source, const IpAddress& destination, const Message& message);
  std::optional<IpAddress> next_hop(const IpAddress& destination) const noexcept;
  void hold(const Frame& packet, const IpAddress& hop, Time now);
  void ask(const IpAddress& neighbour, const std::optional<MacAddress>& mac);
  void release(const Slice& packet, const IpAddress& neighbour, Time now);
  void give_up(Neighbours::Due& due);
  void lose_router(const IpAddress& router);
  void fail(const Slice& packet, Failure why);
  std::size_t write_header(MutableBytes room, const MacAddress& to, std::uint16_t type) const noexcept;
  bool frame(const Frame& packet, const MacAddress& to, FrameSink& device);

  LinkSettings settings_;
  InterfaceNumber interface_;
  Layer& layer_;
  Outbox& outbox_;
  Outbox frames_;
  DropLog<LinkCounter> log_;
  Neighbours neighbours_;
  std::size_t turn_ = 0;  ///< of the gateways that nobody knows to be reachable
  Ring<IcmpError> errors_;
  Ring<IpAddress> lost_routers_;
  std::optional<IpAddress> watched_;
  Ring<wire::arp::Packet> heard_;
  std::vector<std::uint8_t> scratch_;
};

}  // namespace sluice::ip
