// The parts of the UDP layer that its .cpp files share.
#pragma once

#include "stack/ip/drop_log.hpp"
#include "stack/udp/demux.hpp"
#include "stack/udp/layer.hpp"
#include "stack/wire/udp.hpp"

namespace sluice::udp {

/// A datagram found to be sound, on its way to one socket or to several.
struct Arrival {
  const ip::Datagram& datagram;
  wire::udp::Header header;
  bool alone = true;  ///< for one socket only, which may keep the memory

  Endpoint from() const noexcept { return {datagram.source, header.source_port}; }
  Endpoint to() const noexcept { return {datagram.destination, header.destination_port}; }
};

/// A part of what arrived, from the front of the text.
struct TextRange {
  std::size_t offset = 0;
  std::size_t size = 0;
};

/// A bound address that can be a datagram's source; the wildcard and groups can't [R1112-7-2].
inline bool is_source(const IpAddress& bound) noexcept { return !bound.is_unspecified() && !bound.is_multicast(); }

struct Layer::State {
  State(ip::Layer& ip_layer, const Key& key, Budget& memory, Tracer tracer, std::size_t largest_frame)
      : ip(ip_layer),
        budget(memory),
        maximum_frame(largest_frame),
        log{.layer = "udp", .tracer = tracer},
        demux(key, ip_layer.shard()) {}

  /// nullptr for a stale or closed socket.
  BoundSocket* find(SlotId id) const noexcept;
  void raise(BoundSocket& socket, Readiness what) noexcept;
  void fail(BoundSocket& socket, Errc error) noexcept;

  // Receiving.
  bool checksum_is_good(const ip::Datagram& datagram, std::uint16_t length, std::uint16_t checksum, Time now) noexcept;
  void enqueue(BoundSocket& socket, const Arrival& arrival, Time now);
  void enqueue(BoundSocket& socket, const Arrival& arrival, TextRange text, Time now);
  /// To all sockets that hear a broadcast, or are members and want the source.
  void deliver_to_group(const Arrival& arrival, Time now);
  /// Keeps an error about what `socket` sent to `to`.
  void report(BoundSocket& socket, const ip::IcmpError& error, const Endpoint& to);
  void forget_waiting(BoundSocket& socket) noexcept;

  // Sending.
  Result<Endpoint> destination_of(const BoundSocket& socket, const Outgoing& outgoing) const noexcept;
  Result<Departing> address(const BoundSocket& socket, const Outgoing& outgoing) const noexcept;
  Result<bool> queue(BoundSocket& socket, const Outgoing& outgoing);
  bool transmit_front(BoundSocket& socket, FrameSink& sink, Time now);
  bool transmit_row(BoundSocket& socket, std::size_t size, FrameSink& sink);
  std::size_t row_size(const Departing& departing) const noexcept;
  void advance(BoundSocket& socket, std::size_t size) noexcept;
  /// What left for a group comes to its members here.
  void loop_back(const ip::HeaderFields& fields, const wire::udp::Header& header, Bytes text, Time now);
  void finish_front(BoundSocket& socket) noexcept;

  Result<void> connect(BoundSocket& socket, const Endpoint& remote);
  Result<void> listen(const BoundSocket& socket, const GroupAt& group, ip::SourceFilter filter);
  /// Puts one source into the list of a filter of this mode, or takes it out.
  Result<void> step(const BoundSocket& socket, const GroupAt& group, ip::FilterMode mode, const IpAddress& source,
                    bool listed);
  void close(BoundSocket& socket) noexcept;

  ip::Layer& ip;
  Budget& budget;
  std::size_t maximum_frame;
  ip::DropLog<Counter> log;
  Demux demux;
  BufferPool pool;
  SlotMap<BoundSocket> sockets;
  LinkedList<BoundSocket, &BoundSocket::ready_link> ready;
  LinkedList<BoundSocket, &BoundSocket::transmit_link> transmitting;
};

}  // namespace sluice::udp
