// Frames on and off, and the packets that wait for a neighbour; link_arp.cpp and link_discovery.cpp ask and answer.
#include "stack/ip/link.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "stack/ip/quote.hpp"

namespace sluice::ip {
namespace {

std::uint16_t type_of(Bytes packet) noexcept {
  return packet[0] >> 4 == 4 ? wire::ethernet::kIpv4 : wire::ethernet::kIpv6;
}

LinkCounter counter_of(wire::ethernet::Fault fault) noexcept {
  return fault == wire::ethernet::Fault::truncated ? LinkCounter::drop_truncated : LinkCounter::drop_length_field;
}

/// RFC 792, RFC 4443 3.1.
std::uint8_t code_of(IcmpKind kind, Family family) noexcept {
  if (kind == IcmpKind::network_unreachable) return 0;
  return family == Family::ipv4 ? 1 : 3;
}

/// What a router would report about a packet of ours; nullopt for what no transport of ours sent.
std::optional<IcmpError> error_about(Bytes packet, IcmpKind kind) {
  const std::optional<Quote> quote = parse_quote(packet[0] >> 4 == 4 ? Family::ipv4 : Family::ipv6, packet);
  if (!quote || packet.size() - quote->at < 8) return std::nullopt;
  return IcmpError{.kind = kind,
                   .code = code_of(kind, quote->ends.source.family()),
                   .reporter = quote->ends.source,
                   .local = quote->ends.source,
                   .remote = quote->ends.destination,
                   .protocol = static_cast<Protocol>(quote->protocol),
                   .quoted_length = quote->length,
                   .quote_offset = static_cast<std::uint32_t>(quote->at),
                   .packet = Packet(Slice::copy_of(packet))};
}

}  // namespace

Link::Link(const LinkSettings& settings, InterfaceNumber interface, Layer& layer, Outbox& outbox, const Key& key,
           Tracer tracer)
    : settings_(settings),
      interface_(interface),
      layer_(layer),
      outbox_(outbox),
      log_{.layer = "link", .tracer = tracer},
      neighbours_(key, settings.timing) {
  assert(settings.mac.is_unicast());
  layer_.attach(this, interface_);
}

Link::~Link() { layer_.attach(nullptr, interface_); }

// --- in

bool Link::admits(const wire::ethernet::Header& header, Time now) noexcept {
  if (header.vlan) log_.add(LinkCounter::tagged_in);
  LinkCounter reason = LinkCounter::count;
  if (header.vlan.value_or(0) != settings_.vlan.value_or(0))
    reason = LinkCounter::drop_other_vlan;
  else if (header.source.is_group())
    reason = LinkCounter::drop_source_group;
  else if (header.source == settings_.mac)
    reason = LinkCounter::drop_own_source;
  else if (!header.destination.is_group() && header.destination != settings_.mac)
    reason = LinkCounter::drop_other_host;
  if (reason == LinkCounter::count) return true;
  log_.drop(reason, now);
  return false;
}

Link::Arrived Link::receive(Packet frame, Time now) {
  log_.add(LinkCounter::frames_in);
  const auto header = wire::ethernet::parse(std::as_const(frame).bytes());
  if (!header) {
    log_.drop(counter_of(header.fault()), now);
    return {};
  }
  if (!admits(*header, now)) return {};
  switch (header->type) {
    case wire::ethernet::kIpv4:
    case wire::ethernet::kIpv6:
      frame.remove_front(header->header_size);
      frame.link_group = header->destination.is_group();  // [R1122-2.4-1]
      return {.packet = std::move(frame)};
    case wire::ethernet::kArp:
      return {.arp = receive_arp(std::as_const(frame).bytes().subspan(header->header_size), now)};
    default: log_.drop(LinkCounter::drop_unknown_type, now); return {};
  }
}

// --- out

std::size_t Link::write_header(MutableBytes room, const MacAddress& to, std::uint16_t type) const noexcept {
  return wire::ethernet::write(room,
                               {.destination = to, .source = settings_.mac, .type = type, .vlan = settings_.vlan});
}

bool Link::frame(const Frame& packet, const MacAddress& to, FrameSink& device) {
  scratch_.resize(wire::ethernet::kHeaderSize + wire::ethernet::kTagSize + packet.head.size());
  const std::size_t size = write_header(scratch_, to, type_of(packet.head));
  std::copy(packet.head.begin(), packet.head.end(), scratch_.begin() + static_cast<std::ptrdiff_t>(size));
  Frame framed = packet;
  framed.head = Bytes(scratch_).first(size + packet.head.size());
  framed.transport_offset = static_cast<std::uint16_t>(packet.transport_offset + size);
  if (!device.accept(framed)) return false;
  log_.add(LinkCounter::frames_out);
  return true;
}

/// RFC 1122 3.3.1.1: the mask decides. Of several gateways one that is known to answer, else each in its turn
/// [R4861-6.3.6-1].
std::optional<IpAddress> Link::next_hop(const IpAddress& destination) const noexcept {
  const std::span<const Route> ways = layer_.routes().find(destination, interface_);
  if (ways.empty()) return std::nullopt;
  const auto known = std::find_if(ways.begin(), ways.end(), [&](const Route& way) {
    return !way.gateway || neighbours_.seems_reachable(*way.gateway);
  });
  const Route& way = known != ways.end() ? *known : ways[turn_ % ways.size()];
  return way.gateway.value_or(destination);
}

bool Link::transmit(const Frame& packet, FrameSink& device, Time now) {
  const IpAddress destination = ends_of(packet.head).destination;
  if (destination.is_multicast()) return frame(packet, MacAddress::of_group(destination), device);
  if (layer_.is_broadcast(destination)) return frame(packet, MacAddress::broadcast(), device);
  const std::optional<IpAddress> hop = next_hop(destination);
  if (!hop) {
    fail(packet.copy(), Failure::no_route);
    return true;
  }
  if (const MacAddress* const mac = neighbours_.use(*hop, now)) return frame(packet, *mac, device);
  hold(packet, *hop, now);
  return true;
}

void Link::hold(const Frame& packet, const IpAddress& hop, Time now) {
  switch (neighbours_.hold(hop, packet.copy(), now)) {
    case Neighbours::Held::began: return ask(hop, std::nullopt);
    case Neighbours::Held::kept: return;
    case Neighbours::Held::replaced:
    case Neighbours::Held::refused: log_.drop(LinkCounter::drop_unresolved, now);
  }
}

/// The packet that waited for a neighbour who is known now.
void Link::release(const Slice& packet, const IpAddress& neighbour, Time now) {
  if (packet.empty()) return;
  const MacAddress* const mac = neighbours_.use(neighbour, now);
  std::array<std::uint8_t, wire::ethernet::kHeaderSize + wire::ethernet::kTagSize> head;
  const std::size_t size = write_header(head, *mac, type_of(packet.bytes()));
  log_.add(frames_.push(Bytes(head).first(size), packet.bytes()) ? LinkCounter::frames_out
                                                                 : LinkCounter::drop_outbox_full);
}

// --- time, and what goes wrong

void Link::handle_timeout(Time now) {
  while (std::optional<Neighbours::Due> due = neighbours_.expire_one(now)) {
    if (due->kind == Neighbours::Due::Kind::ask)
      ask(due->neighbour, due->mac);
    else
      give_up(*due);
  }
}

void Link::give_up(Neighbours::Due& due) {
  log_.add(LinkCounter::neighbour_lost);
  ++turn_;
  layer_.routes().remove_gateway(due.neighbour, RouteOrigin::redirect, interface_);
  if (due.router) lose_router(due.neighbour);
  if (!due.waiting.empty()) fail(due.waiting, Failure::no_answer);
}

void Link::lose_router(const IpAddress& router) { lost_routers_.push_latest(router, kMaximumNews); }

/// [R4861-7.2.2-3]; RFC 1122 2.4: only now, not merely because nobody was asked yet [R1122-2.4-3].
void Link::fail(const Slice& packet, Failure why) {
  if (why == Failure::no_route) log_.add(LinkCounter::drop_no_route);
  auto error = error_about(packet.bytes(),
                           why == Failure::no_route ? IcmpKind::network_unreachable : IcmpKind::host_unreachable);
  if (error) errors_.push_latest(std::move(*error), kMaximumNews);
}

std::optional<IcmpError> Link::poll_error() { return errors_.take_front(); }

std::optional<IpAddress> Link::poll_lost_router() { return lost_routers_.take_front(); }

void Link::confirm(const IpAddress& destination, Time now) noexcept {
  if (const auto hop = next_hop(destination)) neighbours_.confirm(*hop, now);
}

void Link::ask(const IpAddress& neighbour, const std::optional<MacAddress>& mac) {
  const IpAddress* const source = layer_.addresses().source_for(neighbour, interface_);
  if (!source) return;
  if (neighbour.is_v6()) return send_solicitation(*source, neighbour, mac);
  log_.add(LinkCounter::arp_requests_out);
  send_arp({.operation = wire::arp::Operation::request,
            .sender_mac = settings_.mac,
            .sender = *source,
            .target_mac = MacAddress(),
            .target = neighbour},
           mac.value_or(MacAddress::broadcast()));  // [R826-5]
}

void Link::redirect(const IpAddress& from, const IpAddress& destination, const IpAddress& target,
                    const std::optional<MacAddress>& mac, Time now) {
  // [R1122-3.2.2.2-3], [R4861-8.1-1]
  const std::optional<IpAddress> hop = next_hop(destination);
  const bool sane = target.family() == destination.family() && !layer_.is_local(target) && !target.is_multicast();
  if (!sane || hop != from) return log_.drop(LinkCounter::drop_redirect, now);
  Route way{.destination = {destination, static_cast<std::uint8_t>(destination.is_v4() ? 32 : 128)},
            .origin = RouteOrigin::redirect,
            .interface = interface_};
  if (target != destination) way.gateway = target;
  layer_.routes().remove_network(way.destination, RouteOrigin::redirect, interface_);
  if (!layer_.routes().add(way)) return log_.drop(LinkCounter::drop_redirect, now);
  if (mac) release(neighbours_.solicited_by(target, *mac, now), target, now);
  log_.add(LinkCounter::redirects_taken);
}

}  // namespace sluice::ip
