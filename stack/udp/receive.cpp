// Datagrams and ICMP errors on their way to a socket.
#include "stack/udp/layer_state.hpp"
#include "stack/wire/pseudo_header.hpp"
#include "stack/wire/udp.hpp"

namespace sluice::udp {
namespace {

constexpr auto kProtocol = static_cast<std::uint8_t>(ip::Protocol::udp);

/// What a waiting datagram costs besides its text: its place in the queue and the head of its block.
constexpr std::size_t kWaitingOverhead = sizeof(Waiting) + 64;

/// Errors that nobody fetched: older ones are of no use to anybody.
constexpr std::size_t kMaximumReports = 64;

/// What the application reads for an ICMP error (RFC 1122 4.1.3.3).
Errc errc_of(ip::IcmpKind kind) noexcept {
  switch (kind) {
    case ip::IcmpKind::network_unreachable:
    case ip::IcmpKind::source_route_failed: return Errc::network_unreachable;
    case ip::IcmpKind::host_unreachable:
    case ip::IcmpKind::time_exceeded: return Errc::host_unreachable;
    case ip::IcmpKind::protocol_unreachable: return Errc::protocol_unreachable;
    case ip::IcmpKind::port_unreachable: return Errc::connection_refused;
    case ip::IcmpKind::administratively_prohibited: return Errc::permission_denied;
    case ip::IcmpKind::packet_too_big: return Errc::message_too_large;
    case ip::IcmpKind::parameter_problem:
    case ip::IcmpKind::unknown: break;
  }
  return Errc::protocol_error;
}

/// Text that fills at least half of its memory stays there; other text is copied into memory of its own size.
bool stays(const Packet& packet, std::size_t size) noexcept { return size > packet.footprint() / 2; }

Slice take_text(const Packet& packet, std::size_t offset, std::size_t size, bool stays) {
  return stays ? packet.part(offset, size) : Slice::copy_of(packet.bytes().subspan(offset, size));
}

}  // namespace

bool Layer::State::checksum_is_good(const ip::Datagram& datagram, std::uint16_t length, std::uint16_t checksum,
                                    Time now) noexcept {
  if (checksum == 0) {
    if (datagram.source.is_v4()) return true;  // [R768-4]
    log.drop(Counter::drop_zero_checksum_v6, now);
    return false;
  }
  if (datagram.packet.checksum_known_good) return true;
  ChecksumSum sum = wire::pseudo_header(datagram.source, datagram.destination, kProtocol, length);
  sum.add(datagram.payload().first(length));
  if (sum.checksum() == 0) return true;
  log.drop(Counter::drop_checksum, now);
  return false;
}

/// What a device merged is told apart again, unless the application said that it does that itself.
void Layer::State::enqueue(BoundSocket& socket, const Arrival& arrival, Time now) {
  const std::size_t size = arrival.header.length - wire::udp::kHeaderSize;
  const std::size_t unit = arrival.datagram.packet.gso_size;
  if (unit == 0 || unit >= size || socket.options.rows) return enqueue(socket, arrival, {0, size}, now);
  for (std::size_t at = 0; at < size; at += unit) enqueue(socket, arrival, {at, std::min(unit, size - at)}, now);
}

void Layer::State::enqueue(BoundSocket& socket, const Arrival& arrival, TextRange text, Time now) {
  const ip::Datagram& datagram = arrival.datagram;
  const std::size_t offset = datagram.header_size + wire::udp::kHeaderSize + text.offset;
  const bool moves = arrival.alone && stays(datagram.packet, text.size);
  const std::size_t charge = kWaitingOverhead + (moves ? datagram.packet.footprint() : text.size);
  if (charge > socket.options.receive_buffer - std::min(socket.waiting_bytes, socket.options.receive_buffer))
    return log.drop(Counter::drop_queue_full, now);
  if (!budget.charge(charge)) return log.drop(Counter::drop_budget, now);
  socket.waiting_bytes += charge;
  const std::uint16_t gso_size = text.size > datagram.packet.gso_size ? datagram.packet.gso_size : std::uint16_t{0};
  socket.waiting.push_back({.received = {.from = socket.spelled(arrival.from()),
                                         .local = socket.spelled(datagram.destination),
                                         .ecn = datagram.ecn,
                                         .dscp = datagram.dscp,
                                         .hop_limit = datagram.hop_limit,
                                         .gso_size = gso_size,
                                         .data = take_text(datagram.packet, offset, text.size, moves)},
                            .charge = charge});
  log.add(Counter::datagrams_in);
  raise(socket, Readiness::readable);
}

void Layer::State::deliver_to_group(const Arrival& arrival, Time now) {
  bool heard = false;
  const auto deliver = [&](BoundSocket& socket) {
    heard = true;
    enqueue(socket, arrival, now);
  };
  const IpAddress& group = arrival.datagram.destination;
  if (!group.is_multicast() || ip::is_all_hosts(group)) {
    demux.for_each_hearer(arrival.to(), arrival.from(), deliver);
  } else {
    for (const auto& [listener, filter] : ip.groups(arrival.datagram.packet.interface).listeners(group)) {
      BoundSocket* const socket = find(listener);
      if (socket && socket->hears(arrival.to(), arrival.from()) && filter.admits(arrival.datagram.source))
        deliver(*socket);
    }
  }
  if (!heard) log.drop(Counter::drop_no_listener, now);  // nobody is told: it was for a group [R1112-7-2]
}

void Layer::receive(ip::Datagram datagram, Time now) {
  State& state = *state_;
  if (datagram.protocol != ip::Protocol::udp) return;
  const auto header = wire::udp::parse(datagram.payload());
  if (!header) {
    const bool truncated = header.fault() == wire::udp::Fault::truncated;
    return state.log.drop(truncated ? Counter::drop_truncated : Counter::drop_length, now);
  }
  if (!state.checksum_is_good(datagram, header->length, header->checksum, now)) return;
  if (header->destination_port == 0) return state.log.drop(Counter::drop_port_zero, now);
  if (datagram.to_group) return state.deliver_to_group({datagram, *header, false}, now);
  const Arrival arrival{datagram, *header};
  BoundSocket* const socket = state.demux.find({.local = arrival.to(), .remote = arrival.from()});
  if (!socket) {
    state.log.drop(Counter::drop_no_listener, now);
    return state.ip.send_port_unreachable(datagram, now);  // [R1122-4.1.3.1-1], [R4443-3.1-1]
  }
  state.enqueue(*socket, arrival, now);
}

void Layer::State::report(BoundSocket& socket, const ip::IcmpError& error, const Endpoint& to) {
  socket.reports.push_latest({.to = socket.spelled(to),
                              .local = socket.spelled(error.local),
                              .reporter = socket.spelled(error.reporter),
                              .kind = error.kind,
                              .code = error.code},
                             kMaximumReports);
  log.add(Counter::icmp_errors_delivered);
  raise(socket, Readiness::failed);
}

void Layer::icmp_error(const ip::IcmpError& error, Time now) {
  State& state = *state_;
  ByteReader quote(error.quote());
  const std::uint16_t source_port = quote.u16();
  const std::uint16_t destination_port = quote.u16();
  const Endpoint remote{error.remote, destination_port};
  BoundSocket* const socket = error.protocol == ip::Protocol::udp && quote.ok()
                                  ? state.demux.find({{error.local, source_port}, remote})
                                  : nullptr;
  // [R8085-5.2-1]: only errors about what this socket did send are believed.
  if (!socket || !socket->remembers(remote)) return state.log.drop(Counter::icmp_errors_unmatched, now);
  if (error.kind == ip::IcmpKind::packet_too_big)
    state.ip.lower_path_mtu(error.remote, error.mtu, error.quoted_length, now);
  if (socket->options.report_errors) return state.report(*socket, error, remote);
  if (!socket->remote) return;
  state.log.add(Counter::icmp_errors_delivered);
  state.fail(*socket, errc_of(error.kind));
}

}  // namespace sluice::udp
