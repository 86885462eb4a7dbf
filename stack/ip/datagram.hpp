// What the IP layer hands up: a checked datagram, or an ICMP error about something that we sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>

#include "stack/base/packet.hpp"
#include "stack/wire/address.hpp"

namespace sluice::ip {

enum class Protocol : std::uint8_t { icmp = 1, igmp = 2, tcp = 6, udp = 17, icmpv6 = 58 };

/// A whole datagram addressed to us: header validated, reassembled, options dealt with.
struct Datagram {
  IpAddress source;
  IpAddress destination;
  Protocol protocol = Protocol::tcp;
  std::uint8_t hop_limit = 0;
  std::uint8_t dscp = 0;
  Ecn ecn = Ecn::not_ect;
  bool to_group = false;          ///< the destination is multicast or broadcast
  std::uint32_t header_size = 0;  ///< IP header and options or extension headers, bytes
  Packet packet;                  ///< the whole packet, from the IP header on

  Bytes payload() const noexcept { return packet.bytes().subspan(header_size); }
};

/// RFC 792 and RFC 4443 errors in one list; which of them are soft is the transport's business (RFC 9293 3.9.2.2).
enum class IcmpKind : std::uint8_t {
  network_unreachable,
  host_unreachable,
  protocol_unreachable,
  port_unreachable,
  source_route_failed,
  administratively_prohibited,
  packet_too_big,
  time_exceeded,
  parameter_problem,
  unknown,  ///< an ICMPv6 error of a type that no RFC defined yet: handed up all the same [R4443-2.4a]
};

/// An ICMP error whose quoted header names one of our addresses as source. The transport checks the rest of the quote.
struct IcmpError {
  IcmpKind kind = IcmpKind::host_unreachable;
  std::uint8_t code = 0;  ///< of the ICMP message
  IpAddress reporter;     ///< who sent the error
  IpAddress local;        ///< quoted source: us
  IpAddress remote;       ///< quoted destination
  Protocol protocol = Protocol::tcp;
  std::size_t mtu = 0;  ///< packet_too_big: next-hop MTU, bytes; 0 = an old router did not say (RFC 1191 section 5)
  std::size_t quoted_length = 0;   ///< what the quoted IP header says of its packet's size, bytes (RFC 1191 section 5)
  std::uint32_t quote_offset = 0;  ///< where in `packet` the quoted transport header begins
  Packet packet;

  /// The quoted transport header: at least 8 bytes, may end early.
  Bytes quote() const noexcept { return packet.bytes().subspan(quote_offset); }
};

/// What receive() found: nothing for the layers above, a datagram (TCP, UDP, IGMP or MLD, or an ICMP echo reply for
/// whoever pinged), or an error to route to its socket.
using Received = std::variant<std::monostate, Datagram, IcmpError>;

}  // namespace sluice::ip
