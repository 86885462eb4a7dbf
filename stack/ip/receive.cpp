// A packet's way in: header, addresses, options, reassembly, and then to whom it belongs.
#include "stack/ip/layer_state.hpp"
#include "stack/wire/ipv4.hpp"
#include "stack/wire/ipv6.hpp"

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
  switch (fault) {
    case wire::ipv6::Fault::truncated: break;
    case wire::ipv6::Fault::bad_version: return Counter::drop_version;
    case wire::ipv6::Fault::bad_payload_length: return Counter::drop_total_length;
  }
  return Counter::drop_truncated;
}

}  // namespace

Received Layer::receive(Packet packet, Time now) {
  state_->log.add(Counter::packets_in);
  if (packet.empty()) return drop(Counter::drop_empty, now);
  switch (packet.bytes()[0] >> 4) {
    case 4: return receive_v4(std::move(packet), now);
    case 6: return receive_v6(std::move(packet), now);
    default: return drop(Counter::drop_version, now);
  }
}

bool Layer::admits(const IpAddress& source, const IpAddress& destination, Time now) noexcept {
  if (source.is_invalid_source() || is_broadcast(source)) {
    drop(Counter::drop_invalid_source, now);  // [R1122-3.2.1.3-3]
    return false;
  }
  if (is_ours(source)) {
    drop(Counter::drop_own_source, now);  // [A-TCP-36]
    return false;
  }
  if (!is_ours(destination) && !is_group(destination)) {
    drop(Counter::drop_not_ours, now);  // [R1122-3.2.1.3-2]
    return false;
  }
  return true;
}

Received Layer::receive_v4(Packet packet, Time now) {
  const auto header = wire::ipv4::parse(std::as_const(packet).bytes());
  if (!header) return drop(counter_of(header.fault()), now);
  packet.resize(header->total_length);
  if (!admits(header->source, header->destination, now)) return {};
  return deliver(Datagram{.source = header->source,
                          .destination = header->destination,
                          .protocol = static_cast<Protocol>(header->protocol),
                          .hop_limit = header->hop_limit,
                          .dscp = header->dscp,
                          .ecn = header->ecn,
                          .to_group = is_group(header->destination),
                          .header_size = header->header_size,
                          .packet = std::move(packet)},
                 now);
}

Received Layer::receive_v6(Packet packet, Time now) {
  const auto header = wire::ipv6::parse(std::as_const(packet).bytes());
  if (!header) return drop(counter_of(header.fault()), now);
  packet.resize(wire::ipv6::kHeaderSize + header->payload_length);
  if (!admits(header->source, header->destination, now)) return {};
  return deliver(Datagram{.source = header->source,
                          .destination = header->destination,
                          .protocol = static_cast<Protocol>(header->next_header),
                          .hop_limit = header->hop_limit,
                          .dscp = header->dscp,
                          .ecn = header->ecn,
                          .to_group = is_group(header->destination),
                          .header_size = wire::ipv6::kHeaderSize,
                          .packet = std::move(packet)},
                 now);
}

Received Layer::deliver(Datagram datagram, Time now) {
  switch (datagram.protocol) {
    case Protocol::tcp:
    case Protocol::udp: state_->log.add(Counter::datagrams_delivered); return Received(std::move(datagram));
    case Protocol::icmp:
    case Protocol::icmpv6: break;
  }
  return drop(Counter::drop_unknown_protocol, now);
}

}  // namespace sluice::ip
