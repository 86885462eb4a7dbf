// A packet's way in: header, addresses, options, reassembly, and then to whom it belongs.
#include "stack/ip/layer_state.hpp"
#include "stack/wire/icmpv6.hpp"
#include "stack/wire/igmp.hpp"

namespace sluice::ip {
namespace {

Counter counter_of(wire::ipv4::Fault fault) noexcept {
  switch (fault) {
    case wire::ipv4::Fault::truncated: break;
    case wire::ipv4::Fault::bad_version: return Counter::drop_version;
    case wire::ipv4::Fault::bad_header_length: return Counter::drop_header_length;
    case wire::ipv4::Fault::bad_total_length: return Counter::drop_total_length;
    case wire::ipv4::Fault::bad_checksum: return Counter::drop_header_checksum;
  }
  return Counter::drop_truncated;
}

Counter counter_of(wire::ipv6::Fault fault) noexcept {
  return fault == wire::ipv6::Fault::bad_payload_length ? Counter::drop_total_length : Counter::drop_truncated;
}

Counter counter_of(wire::ipv6::ChainFault fault) noexcept {
  switch (fault) {
    case wire::ipv6::ChainFault::malformed: break;
    case wire::ipv6::ChainFault::limit: return Counter::drop_extension_limit;
    case wire::ipv6::ChainFault::unknown_option: return Counter::drop_option_unknown;
    case wire::ipv6::ChainFault::routing: return Counter::drop_routing_header;
  }
  return Counter::drop_extension_malformed;
}

/// RFC 4541 2.1.1: a switch that has no address asks for members as 0.0.0.0. Nothing else is heard of such a source.
bool is_nameless_query(const wire::ipv4::Header& header, Bytes packet) noexcept {
  return header.source.is_unspecified() && header.destination.is_multicast() && !header.is_fragment() &&
         header.protocol == static_cast<std::uint8_t>(Protocol::igmp) && packet.size() > header.header_size &&
         packet[header.header_size] == wire::igmp::kQuery;
}

}  // namespace

Received Layer::receive(Packet packet, Time now) {
  state_->log.add(Counter::packets_in);
  if (packet.empty()) return state_->drop(Counter::drop_empty, now);
  switch (packet.bytes()[0] >> 4) {
    case 4: return state_->receive_v4(std::move(packet), now);
    case 6: return state_->receive_v6(std::move(packet), false, now);
    default: return state_->drop(Counter::drop_version, now);  // [R1122-3.2.1.1-1]
  }
}

/// To one of the addresses of the interface that it came by, not merely to one of ours (RFC 1122 3.3.4.2).
bool Layer::State::is_for_us(const IpAddress& destination, InterfaceNumber interface) const noexcept {
  return interface == kLoopback ? layer.is_local(destination) : layer.addresses_.holds(destination, interface);
}

bool Layer::State::admits(const IpAddress& source, const IpAddress& destination, bool to_group, const Packet& packet,
                          Time now) noexcept {
  if (packet.interface != kLoopback) {
    if (source.is_invalid_source() || layer.is_broadcast(source)) {
      drop(Counter::drop_invalid_source, now);  // [R1122-3.2.1.3-3]
      return false;
    }
    if (layer.is_ours(source)) {
      drop(Counter::drop_own_source, now);  // [A-TCP-36]
      return false;
    }
  }
  if (!to_group && !is_for_us(destination, packet.interface)) {
    drop(Counter::drop_not_ours, now);  // [R1122-3.2.1.3-2]
    return false;
  }
  if (packet.link_group && !to_group) {
    drop(Counter::drop_link_group, now);  // [R1122-3.3.6-2]
    return false;
  }
  return true;
}

/// Source routes are dropped (RFC 7126 4.3), nonsense is reported, all else is skipped [R1122-3.2.1.8-1].
bool Layer::State::options_pass(const wire::ipv4::Header& header, Bytes packet, Time now) {
  const auto scan = wire::ipv4::scan_options(
      packet.subspan(wire::ipv4::kMinimumHeader, header.header_size - wire::ipv4::kMinimumHeader));
  switch (scan.verdict) {
    case wire::ipv4::OptionsVerdict::harmless: return true;
    case wire::ipv4::OptionsVerdict::source_route: drop(Counter::drop_source_route, now); return false;
    case wire::ipv4::OptionsVerdict::malformed: break;
  }
  drop(Counter::drop_options_malformed, now);
  send_parameter_problem_v4(packet, wire::ipv4::kMinimumHeader + scan.at, now);
  return false;
}

Received Layer::State::receive_v4(Packet packet, Time now) {
  const auto header = wire::ipv4::parse(std::as_const(packet).bytes());
  if (!header) return drop(counter_of(header.fault()), now);
  packet.resize(header->total_length);  // [R791-3.1-2]
  const bool to_group = layer.is_group(header->destination, packet.interface);
  const bool nameless = to_group && is_nameless_query(*header, std::as_const(packet).bytes());
  if (!nameless && !admits(header->source, header->destination, to_group, packet, now)) return {};
  if (header->header_size > wire::ipv4::kMinimumHeader && !options_pass(*header, std::as_const(packet).bytes(), now))
    return {};
  if (header->is_fragment()) return receive_fragment(*header, std::move(packet), now);
  return deliver(Datagram{.source = header->source,
                          .destination = header->destination,
                          .protocol = static_cast<Protocol>(header->protocol),
                          .hop_limit = header->hop_limit,
                          .dscp = header->dscp,
                          .ecn = header->ecn,
                          .to_group = to_group,
                          .header_size = header->header_size,
                          .packet = std::move(packet)},
                 0, now);
}

/// RFC 4862 5.4.3: who has no address yet may ask for one and say nothing else.
Received Layer::State::receive_unspecified(const wire::ipv6::Header& header, Packet packet, Time now) {
  const bool asks = header.next_header == static_cast<std::uint8_t>(Protocol::icmpv6) && header.hop_limit == 255 &&
                    layer.link_of(packet.interface) && layer.is_group(header.destination, packet.interface) &&
                    header.payload_length > 0 &&
                    std::as_const(packet).bytes()[wire::ipv6::kHeaderSize] == wire::icmpv6::kNeighborSolicitation;
  if (!asks) return drop(Counter::drop_invalid_source, now);
  return receive_icmpv6(Datagram{.source = header.source,
                                 .destination = header.destination,
                                 .protocol = Protocol::icmpv6,
                                 .hop_limit = header.hop_limit,
                                 .to_group = true,
                                 .header_size = wire::ipv6::kHeaderSize,
                                 .packet = std::move(packet)},
                        now);
}

Received Layer::State::receive_v6(Packet packet, bool reassembled, Time now) {
  const auto header = wire::ipv6::parse(std::as_const(packet).bytes());
  if (!header) return drop(counter_of(header.fault()), now);
  packet.resize(wire::ipv6::kHeaderSize + header->payload_length);
  if (header->source.is_unspecified()) return receive_unspecified(*header, std::move(packet), now);
  const bool to_group = layer.is_group(header->destination, packet.interface);
  if (!admits(header->source, header->destination, to_group, packet, now)) return {};
  const auto chain = wire::ipv6::walk(std::as_const(packet).bytes());
  if (!chain) {
    refuse(std::as_const(packet).bytes(), chain.fault(), counter_of(chain.fault().fault), now);
    return {};
  }
  if (chain->fragment) {
    // Fragments of fragments are nobody's habit but an attacker's [A-PRS-15].
    if (reassembled) return drop(Counter::drop_extension_malformed, now);
    return receive_fragment(*header, *chain, std::move(packet), now);
  }
  return deliver(Datagram{.source = header->source,
                          .destination = header->destination,
                          .protocol = static_cast<Protocol>(chain->upper),
                          .hop_limit = header->hop_limit,
                          .dscp = header->dscp,
                          .ecn = header->ecn,
                          .to_group = to_group,
                          .header_size = static_cast<std::uint32_t>(chain->size),
                          .packet = std::move(packet)},
                 chain->named_at, now);
}

Received Layer::State::deliver(Datagram datagram, std::size_t named_at, Time now) {
  const bool v4 = datagram.source.is_v4();
  switch (datagram.protocol) {
    case Protocol::tcp:
    case Protocol::udp: log.add(Counter::datagrams_delivered); return Received(std::move(datagram));
    case Protocol::icmp:
      if (v4) return receive_icmp(std::move(datagram), now);
      break;
    case Protocol::igmp:
      if (v4) return Received(std::move(datagram));
      break;
    case Protocol::icmpv6:
      if (!v4) return receive_icmpv6(std::move(datagram), now);
      break;
  }
  const auto number = static_cast<std::uint8_t>(datagram.protocol);
  if (!v4 && number == wire::ipv6::kNoNextHeader) return drop(Counter::drop_no_next_header, now);  // [R8200-4.7-1]
  drop(Counter::drop_unknown_protocol, now);
  const Bytes packet = std::as_const(datagram.packet).bytes();
  if (v4)  // [R1122-3.2.2.1-1]
    send_error(packet, {.type = wire::icmp::kUnreachable, .code = wire::icmp::kProtocolUnreachable}, now);
  else  // [R8200-4-2]
    send_error(packet,
               {.type = wire::icmpv6::kParameterProblem,
                .code = wire::icmpv6::kUnknownNextHeader,
                .rest = static_cast<std::uint32_t>(named_at)},
               now);
  return {};
}

}  // namespace sluice::ip
