// Neighbour discovery as RFC 4861 section 7 describes it, heard and said.
#include <array>

#include "stack/ip/layer.hpp"
#include "stack/ip/link.hpp"
#include "stack/wire/icmpv6.hpp"
#include "stack/wire/pseudo_header.hpp"

namespace sluice::ip {
namespace {

namespace ndp = wire::ndp;

constexpr std::uint8_t kHopLimit = 255;

}  // namespace

/// An ICMPv6 message of discovery, with its checksum, behind an IPv6 header.
template <class Message>
void Link::send_discovery(const IpAddress& source, const IpAddress& destination, const Message& message) {
  constexpr std::size_t kAt = header_size(Family::ipv6);
  std::array<std::uint8_t, kAt + ndp::kMaximumSize> room;
  const MutableBytes body = MutableBytes(room).subspan(kAt);
  const std::size_t size = ndp::write(body, message);
  ChecksumSum sum = wire::pseudo_header(source, destination, static_cast<std::uint8_t>(Protocol::icmpv6), size);
  sum.add(body.first(size));
  ByteWriter(body.subspan(2)).u16(sum.checksum());
  ip::write_header(room, {.source = source,
                          .destination = destination,
                          .protocol = Protocol::icmpv6,
                          .hop_limit = kHopLimit,
                          .payload_size = size});
  if (!outbox_.push(Bytes(room).first(kAt + size))) log_.add(LinkCounter::drop_outbox_full);
}

void Link::send_solicitation(const IpAddress& source, const IpAddress& target, const std::optional<MacAddress>& to) {
  log_.add(LinkCounter::solicitations_out);
  ndp::NeighborSolicitation question{.target = target, .source_mac = std::nullopt};
  if (!source.is_unspecified()) question.source_mac = settings_.mac;  // [R4861-7.2.2-4]
  send_discovery(source, to ? target : ndp::solicited_node(target), question);
}

void Link::send_router_solicitation(const IpAddress& source) {
  ndp::RouterSolicitation question;
  if (!source.is_unspecified()) question.source_mac = settings_.mac;
  send_discovery(source, ndp::all_routers(), question);
}

/// [R4861-7.2-1]
Link::Discovery Link::refuse(Time now) {
  log_.drop(LinkCounter::drop_discovery_malformed, now);
  return {};
}

Link::Discovery Link::receive_discovery(const Datagram& datagram, Time now) {
  log_.add(LinkCounter::discovery_in);
  const Bytes message = datagram.payload();
  const ndp::Envelope envelope{datagram.source, datagram.destination, datagram.hop_limit};
  switch (message[0]) {
    case wire::icmpv6::kRouterAdvertisement: {
      const auto parsed = ndp::parse_router_advertisement(message, envelope);
      if (!parsed) return refuse(now);
      const Slice waiting = neighbours_.router_heard(datagram.source, parsed->source_mac, now);
      release(waiting, datagram.source, now);
      return *parsed;
    }
    case wire::icmpv6::kNeighborSolicitation: {
      const auto parsed = ndp::parse_neighbor_solicitation(message, envelope);
      if (!parsed) return refuse(now);
      heed(*parsed, datagram.source, now);
      return *parsed;
    }
    case wire::icmpv6::kNeighborAdvertisement: {
      const auto parsed = ndp::parse_neighbor_advertisement(message, envelope);
      if (!parsed) return refuse(now);
      heed(*parsed, now);
      return *parsed;
    }
    case wire::icmpv6::kRedirect: {
      const auto parsed = ndp::parse_redirect(message, envelope);
      if (!parsed) return refuse(now);
      redirect(datagram.source, parsed->destination, parsed->target, parsed->target_mac, now);
      return {};
    }
    default: return {};  // router solicitations are not for hosts [R4861-6.1.1-1]
  }
}

void Link::heed(const ndp::NeighborSolicitation& solicitation, const IpAddress& source, Time now) {
  if (!layer_.addresses().holds(solicitation.target, interface_)) return;  // [R4861-7.2-1]
  if (!source.is_unspecified() && solicitation.source_mac)                 // [R4861-7.2.3-2]
    release(neighbours_.solicited_by(source, *solicitation.source_mac, now), source, now);
  answer_solicitation(solicitation, source);
}

/// RFC 4861 7.2.4.
void Link::answer_solicitation(const ndp::NeighborSolicitation& solicitation, const IpAddress& source) {
  const bool nobody = source.is_unspecified();
  log_.add(LinkCounter::advertisements_out);
  send_discovery(solicitation.target, nobody ? ndp::all_nodes() : source,
                 ndp::NeighborAdvertisement{.router = false,
                                            .solicited = !nobody,
                                            .override = true,
                                            .target = solicitation.target,
                                            .target_mac = settings_.mac});
}

void Link::heed(const ndp::NeighborAdvertisement& advertisement, Time now) {
  const IpAddress& neighbour = advertisement.target;
  if (layer_.addresses().find(neighbour)) return;
  const bool was_router = neighbours_.is_router(neighbour);
  const Advertised said{.mac = advertisement.target_mac,
                        .solicited = advertisement.solicited,
                        .override = advertisement.override,
                        .router = advertisement.router};
  release(neighbours_.advertised(neighbour, said, now), neighbour, now);
  if (was_router && !neighbours_.is_router(neighbour)) lose_router(neighbour);  // [R4861-7.2.5-4]
}

}  // namespace sluice::ip
