// The parts of the UDP layer that its .cpp files share.
#pragma once

#include "stack/ip/drop_log.hpp"
#include "stack/udp/demux.hpp"
#include "stack/udp/layer.hpp"

namespace sluice::udp {

struct Layer::State {
  State(ip::Layer& ip_layer, const Key& key, Budget& memory, Tracer tracer)
      : ip(ip_layer), budget(memory), log{.layer = "udp", .tracer = tracer}, demux(key) {}

  /// nullptr for a stale or closed socket.
  BoundSocket* find(SlotId id) const noexcept;
  void raise(BoundSocket& socket, Readiness what) noexcept;
  void fail(BoundSocket& socket, Errc error) noexcept;

  // Receiving.
  bool checksum_is_good(const ip::Datagram& datagram, std::uint16_t length, std::uint16_t checksum, Time now) noexcept;
  void enqueue(BoundSocket& socket, const ip::Datagram& datagram, std::uint16_t source_port, std::size_t length,
               Time now);
  void forget_waiting(BoundSocket& socket) noexcept;

  // Sending.
  Result<Endpoint> destination_of(const BoundSocket& socket, const Outgoing& outgoing) const noexcept;
  Result<Departing> address(const BoundSocket& socket, const Outgoing& outgoing) const noexcept;
  Result<bool> queue(BoundSocket& socket, const Outgoing& outgoing);
  bool transmit_front(BoundSocket& socket, FrameSink& sink, Time now);
  void finish_front(BoundSocket& socket) noexcept;

  Result<void> connect(BoundSocket& socket, const Endpoint& remote);
  void close(BoundSocket& socket) noexcept;

  ip::Layer& ip;
  Budget& budget;
  ip::DropLog<Counter> log;
  Demux demux;
  BufferPool pool;
  SlotMap<BoundSocket> sockets;
  LinkedList<BoundSocket, &BoundSocket::ready_link> ready;
  LinkedList<BoundSocket, &BoundSocket::transmit_link> transmitting;
};

}  // namespace sluice::udp
