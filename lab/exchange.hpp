// Between lines of the notation and bytes on a wire: numbers become absolute here, and relative again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lab/notation.hpp"
#include "stack/base/bytes.hpp"
#include "stack/wire/address.hpp"

namespace sluice::lab {

/// Where the numbers of one side of a connection begin.
struct SideNumbers {
  std::uint32_t first = 0;                                  ///< the sequence number that is shown as 0: its ISN
  std::optional<std::uint32_t> first_stamp = std::nullopt;  ///< the timestamp that is shown as 0; nullopt: as they are
};

/// What a line doesn't say about its packet.
struct WireForm {
  Endpoint source;
  Endpoint destination;  ///< of the same family
  SideNumbers sender = {};
  SideNumbers receiver = {};
  Bytes payload = {};  ///< as many bytes as the line says; empty: zeros
  std::uint8_t hop_limit = 64;
};

/// The IP packet of a line, checksums and all. nullopt when there can be none: options over 40 bytes, or an ICMP
/// message that the family doesn't have. A quote names a packet that the receiver sent.
std::optional<std::vector<std::uint8_t>> to_wire(const PacketLine& line, const WireForm& form);

/// A packet opened as far as its transport header; the views last as long as its bytes.
struct OpenedPacket {
  Endpoint source;  ///< port 0 when the protocol has none
  Endpoint destination;
  std::uint8_t protocol = 0;
  IpLine ip;
  std::uint16_t identification = 0;  ///< IPv4
  Bytes transport;                   ///< from the TCP, UDP or ICMP header on
  Bytes payload;                     ///< behind that header
};

/// nullopt for fragments, extension headers, other protocols and what is malformed.
std::optional<OpenedPacket> open_packet(Bytes packet) noexcept;

/// The line of a packet, with all fields that it has. Options that can't be read end the list.
PacketLine to_line(const OpenedPacket& packet, const SideNumbers& sender, const SideNumbers& receiver);

/// Without the fields of the IP header that are as usual: what a person wants to read.
PacketLine brief(PacketLine line);

/// How the packet differs from what a line expects of it; empty = it does not. Compared is what the line says: flags
/// and text always; ack, window, options, ECN and the rest only if written.
std::string difference(const PacketLine& expected, const PacketLine& actual);

}  // namespace sluice::lab
