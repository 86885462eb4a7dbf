// Datagrams on their way from a socket to the device.
#include <algorithm>
#include <array>

#include "stack/udp/layer_state.hpp"
#include "stack/wire/pseudo_header.hpp"
#include "stack/wire/udp.hpp"

namespace sluice::udp {
namespace {

constexpr std::size_t kMaximumLength = 65535;

/// What a departing datagram costs besides its text.
constexpr std::size_t kDepartingOverhead = sizeof(Departing);

std::size_t headers_size(const IpAddress& address) noexcept {
  return ip::header_size(address.family()) + wire::udp::kHeaderSize;
}

/// Bytes of data that fit into one packet of `size`, or of the largest that IP can write.
std::size_t text_limit(const IpAddress& address, std::size_t packet_size) noexcept {
  const std::size_t largest = address.is_v4() ? kMaximumLength : kMaximumLength + ip::header_size(Family::ipv6);
  return std::min(packet_size, largest) - headers_size(address);
}

/// Datagrams in one frame: as many as Linux lets its own applications send at once.
constexpr std::size_t kMostInRow = 64;

/// The size of the next datagram that `departing` is cut into.
std::size_t next_size(const Departing& departing) noexcept {
  const std::size_t left = departing.data.size() - departing.sent;
  return departing.gso_size ? std::min<std::size_t>(left, departing.gso_size) : left;
}

/// The header of a packet with `payload` bytes behind it. Datagrams of a row that may not be fragmented are numbered,
/// as those are that a device cuts: nobody reads it (RFC 6864 4.1), but the wire is the same.
ip::HeaderFields fields_of(const Departing& departing, std::size_t payload) noexcept {
  const bool numbered = departing.gso_size > 0 && departing.dont_fragment && departing.remote.address.is_v4();
  const std::size_t number = numbered ? departing.sent / departing.gso_size : 0;
  return {.source = departing.local.address,
          .destination = departing.remote.address,
          .protocol = ip::Protocol::udp,
          .hop_limit = departing.hop_limit,
          .dscp = departing.dscp,
          .ecn = departing.ecn,
          .dont_fragment = departing.dont_fragment,
          .identification = static_cast<std::uint16_t>(number),
          .payload_size = payload};
}

}  // namespace

Result<Endpoint> Layer::State::destination_of(const BoundSocket& socket, const Outgoing& outgoing) const noexcept {
  if (!outgoing.to) {
    if (socket.remote) return *socket.remote;
    return Errc::not_connected;
  }
  if (outgoing.to->port == 0 || outgoing.to->address.is_unspecified()) return Errc::invalid_argument;
  if (outgoing.to->address.is_v6() != socket.speaks_v6) return Errc::address_family;
  const Endpoint to{outgoing.to->address.unmapped(), outgoing.to->port};
  const IpAddress& bound = socket.bound.address;
  const bool reachable =
      bound.family() == to.address.family() || (bound.is_unspecified() && bound.is_v6() && socket.options.dual_stack);
  if (!reachable) return Errc::address_family;
  if (!socket.options.broadcast && ip.is_broadcast(to.address)) return Errc::permission_denied;
  return to;
}

Result<Departing> Layer::State::address(const BoundSocket& socket, const Outgoing& outgoing) const noexcept {
  const Result<Endpoint> to = destination_of(socket, outgoing);
  if (!to) return to.error();
  Departing departing{.local = socket.local, .remote = *to, .data = outgoing.data};
  if (outgoing.local && !outgoing.local->is_unspecified()) {
    departing.local.address = outgoing.local->unmapped();
    // [R1122-4.1.3.6-2]
    if (!ip.is_local(departing.local.address)) return Errc::address_not_available;
    if (is_source(socket.local.address) && departing.local.address != socket.local.address)
      return Errc::address_not_available;
  }
  if (!is_source(departing.local.address)) {
    const Result<IpAddress> source = ip.select_source(to->address);
    if (!source) return source.error();
    departing.local.address = *source;
  }
  if (departing.local.address.family() != to->address.family()) return Errc::address_family;
  if (!ip.may_talk(departing.local.address, to->address)) return Errc::network_unreachable;
  departing.dscp = outgoing.dscp.value_or(socket.options.dscp);
  if (departing.dscp > 63) return Errc::invalid_argument;
  departing.ecn = outgoing.ecn;
  departing.dont_fragment = outgoing.dont_fragment.value_or(socket.options.dont_fragment);
  departing.gso_size = outgoing.gso_size;
  const bool to_group = to->address.is_multicast();
  const std::uint8_t own = socket.options.hop_limit ? socket.options.hop_limit : ip.config().hop_limit;
  const std::uint8_t usual = to_group ? socket.options.multicast_hops : own;  // [R1112-6-1]
  departing.hop_limit = outgoing.hop_limit.value_or(0) ? *outgoing.hop_limit : usual;
  departing.loops = to_group && socket.options.multicast_loop;
  const std::size_t packet_limit =
      departing.dont_fragment ? ip.path_mtu(to->address, departing.local.address) : ~std::size_t{0};
  if (next_size(departing) > text_limit(to->address, packet_limit)) return Errc::message_too_large;
  return departing;
}

/// True when it was taken, false when there is no room now.
Result<bool> Layer::State::queue(BoundSocket& socket, const Outgoing& outgoing) {
  Result<Departing> departing = address(socket, outgoing);
  if (!departing) return departing.error();
  departing->charge = kDepartingOverhead + departing->data.size();
  if (departing->charge > socket.options.send_buffer) return Errc::message_too_large;
  if (departing->charge > socket.options.send_buffer - std::min(socket.departing_bytes, socket.options.send_buffer))
    return false;
  if (!budget.charge(departing->charge)) {
    // With a queue of its own the socket will be told when there is room; without one nothing would wake it.
    if (socket.departing.empty()) return Errc::no_buffer_space;
    return false;
  }
  socket.departing_bytes += departing->charge;
  socket.departing.push_back(*std::move(departing));
  transmitting.push_back(socket);
  return true;
}

void Layer::State::finish_front(BoundSocket& socket) noexcept {
  const std::size_t charge = socket.departing.front().charge;
  socket.departing_bytes -= charge;
  budget.release(charge);
  socket.departing.pop_front();
  if (socket.departing.empty()) socket.departing.release();
  if (socket.write_refused && socket.departing_bytes <= socket.options.send_buffer / 2) {
    socket.write_refused = false;
    raise(socket, Readiness::writable);
  }
}

void Layer::State::advance(BoundSocket& socket, std::size_t size) noexcept {
  Departing& departing = socket.departing.front();
  departing.sent += size;
  if (departing.sent == departing.data.size()) finish_front(socket);
}

/// Bytes of the next datagrams that leave in one frame; 0 when the next one leaves alone. What might be fragmented, or
/// comes back to us, is cut here.
std::size_t Layer::State::row_size(const Departing& departing) const noexcept {
  const std::size_t unit = departing.gso_size;
  const std::size_t left = departing.data.size() - departing.sent;
  const IpAddress& to = departing.remote.address;
  const std::size_t headers = headers_size(to);
  const std::size_t frame = std::min(maximum_frame, kMaximumLength);
  if (unit == 0 || left <= unit || frame < headers + 2 * unit) return 0;
  const bool whole = departing.dont_fragment && departing.hop_limit > 0 && !to.is_multicast() && !ip.below_floor(to) &&
                     headers + unit <= ip.path_mtu(to, departing.local.address);
  if (!whole) return 0;
  return std::min({left, (frame - headers) / unit * unit, kMostInRow * unit});
}

/// Offers a row; false when the sink is full. Each datagram's length and checksum are written by whoever cuts it.
bool Layer::State::transmit_row(BoundSocket& socket, std::size_t size, FrameSink& sink) {
  const Departing& departing = socket.departing.front();
  const Slice text = departing.data.part(departing.sent, size);
  const auto length = static_cast<std::uint16_t>(wire::udp::kHeaderSize + size);
  std::array<std::uint8_t, ip::kMaximumHeader + wire::udp::kHeaderSize> head;
  const std::size_t ip_size = ip::header_size(departing.remote.address.family());
  const ChecksumSum sum = wire::pseudo_header(departing.local.address, departing.remote.address,
                                              static_cast<std::uint8_t>(ip::Protocol::udp), length);
  wire::udp::write(MutableBytes(head).subspan(ip_size),
                   {departing.local.port, departing.remote.port, length, sum.folded()});
  ip::write_header(head, fields_of(departing, length));
  const bool taken = sink.accept({.head = Bytes(head).first(ip_size + wire::udp::kHeaderSize),
                                  .body = {&text, 1},
                                  .gso_size = departing.gso_size,
                                  .transport_offset = static_cast<std::uint16_t>(ip_size),
                                  .checksum_partial = true});
  if (!taken) return false;
  log.counters.add(Counter::datagrams_out, segments_of(size, departing.gso_size));
  socket.remember(departing.remote);
  advance(socket, size);
  return true;
}

/// Offers the next datagram, or a row of them; false when the sink is full.
bool Layer::State::transmit_front(BoundSocket& socket, FrameSink& sink, Time now) {
  const Departing& departing = socket.departing.front();
  if (const std::size_t row = row_size(departing); row > 0) return transmit_row(socket, row, sink);
  const std::size_t size = next_size(departing);
  const Slice text = departing.data.part(departing.sent, size);
  const auto length = static_cast<std::uint16_t>(wire::udp::kHeaderSize + size);
  std::array<std::uint8_t, ip::kMaximumHeader + wire::udp::kHeaderSize> head;
  const std::size_t ip_size = ip::header_size(departing.remote.address.family());
  const wire::udp::Header header{departing.local.port, departing.remote.port, length, 0};
  wire::udp::write(MutableBytes(head).subspan(ip_size), header, departing.local.address, departing.remote.address,
                   text.bytes());

  const ip::HeaderFields fields = fields_of(departing, length);
  Result<void> sent;
  if (departing.hop_limit > 0)
    sent = ip.send(fields, MutableBytes(head).first(ip_size + wire::udp::kHeaderSize), {&text, 1}, sink, now);
  if (sent.error() == Errc::would_block) return false;
  if (sent) {
    log.add(Counter::datagrams_out);
    socket.remember(departing.remote);
    const bool heard = ip.is_group(departing.remote.address, ip.owner_of(departing.local.address));
    if (departing.loops && heard) loop_back(fields, header, text.bytes(), now);
  } else {
    log.drop(Counter::drop_send_too_large, now);  // the path became narrower while it waited
    if (socket.remote) fail(socket, sent.error());
  }
  advance(socket, size);
  return true;
}

void Layer::State::loop_back(const ip::HeaderFields& fields, const wire::udp::Header& header, Bytes text, Time now) {
  const std::size_t ip_size = ip::header_size(fields.source.family());
  ip::Datagram datagram{.source = fields.source,
                        .destination = fields.destination,
                        .protocol = ip::Protocol::udp,
                        .hop_limit = fields.hop_limit,
                        .dscp = fields.dscp,
                        .ecn = fields.ecn,
                        .to_group = true,
                        .header_size = static_cast<std::uint32_t>(ip_size),
                        .packet = Packet::with_room(pool, ip_size + wire::udp::kHeaderSize + text.size())};
  datagram.packet.interface = ip.owner_of(fields.source);
  ByteWriter(datagram.packet.bytes().subspan(ip_size + wire::udp::kHeaderSize)).bytes(text);
  deliver_to_group({datagram, header, false}, now);
}

void Layer::poll_transmit(Time now, FrameSink& sink) {
  while (BoundSocket* const socket = state_->transmitting.front()) {
    if (!state_->transmit_front(*socket, sink, now)) return;
    // To the end of the row: each socket in turn sends one.
    state_->transmitting.remove(*socket);
    if (!socket->departing.empty())
      state_->transmitting.push_back(*socket);
    else if (socket->closed)
      state_->sockets.erase(socket->id);
  }
}

}  // namespace sluice::udp
