// A UDP layer over an IP layer, on virtual time, with the wire in the test's hands.
#pragma once

#include "stack/udp/layer.hpp"
#include "tests/ip/host.hpp"

namespace sluice::udp {

using ip::fragment4;
using ip::kOur4;
using ip::kOur6;
using ip::kPeer4;
using ip::kPeer6;
using ip::Octets;
using ip::octets;
using ip::packet4;
using ip::packet6;
using ip::pattern;
using ip::operator+;

inline Endpoint endpoint(const char* text) { return *Endpoint::parse(text); }

/// The bytes of a UDP datagram from the peer to us, with a right checksum. REQUIRES addresses of one family.
inline Octets datagram(const Endpoint& from, const Endpoint& to, const Octets& data) {
  const auto make = [&](auto packet) -> Octets {
    Tins::PDU& pdu = packet /=
        Tins::UDP(to.port, from.port) / Tins::RawPDU(data.data(), static_cast<std::uint32_t>(data.size()));
    return pdu.serialize();
  };
  if (from.address.is_v4()) return make(Tins::IP(to.address.to_string(), from.address.to_string()));
  return make(Tins::IPv6(to.address.to_string(), from.address.to_string()));
}

inline Octets datagram(const char* from, const char* to, const Octets& data = pattern(20)) {
  return datagram(endpoint(from), endpoint(to), data);
}

class Station {
 public:
  explicit Station(ip::Config config = ip::test_config(), std::size_t memory = 64u << 20, std::size_t frame = 0)
      : host(std::move(config), memory), udp(host.layer, Key{2}, host.budget, Tracer(&host.watcher), frame) {}

  void in(Packet packet) {
    ip::Received received = host.layer.receive(std::move(packet), host.now);
    if (auto* const found = std::get_if<ip::Datagram>(&received)) udp.receive(std::move(*found), host.now);
    if (auto* const found = std::get_if<ip::IcmpError>(&received)) udp.icmp_error(*found, host.now);
  }
  void in(const Octets& packet) { in(Packet::copy_of(host.pool, packet)); }

  /// What the sockets send, until the wire is full.
  std::vector<Octets> out(std::size_t room = ~std::size_t{0}) {
    ip::Wire wire;
    wire.room = room;
    udp.poll_transmit(host.now, wire);
    return std::move(wire.packets);
  }
  std::uint64_t count(Counter counter) const { return udp.counters()[counter]; }
  Socket bind(const char* local, const Options& options = {}) { return *udp.bind(endpoint(local), options); }

  ip::Host host;
  Layer udp;
};

/// The next datagram that waits in `socket`; an empty one from port 0 when there is none.
inline Received next(Socket& socket) {
  Received received;
  const Result<std::size_t> count = socket.receive({&received, 1});
  return count.value_or(0) == 1 ? std::move(received) : Received{};
}

inline bool is_empty(Socket& socket) { return next(socket).from.port == 0; }

}  // namespace sluice::udp
