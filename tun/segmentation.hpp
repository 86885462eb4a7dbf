// What a device with offloads does to a super-segment, in software: for captures, bad links and tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "stack/base/bytes.hpp"

namespace sluice::tun {

/// Where the TCP or UDP header of a packet begins.
struct TransportPlace {
  std::uint8_t protocol = 0;  ///< 6 or 17
  std::size_t offset = 0;     ///< bytes from the front of the IP header
  bool is_tcp() const noexcept { return protocol == 6; }
  /// Where in the TCP or UDP header its checksum stands, bytes.
  std::size_t checksum_offset() const noexcept { return is_tcp() ? 16 : 6; }

  friend bool operator==(const TransportPlace&, const TransportPlace&) = default;
};

/// nullopt: another protocol, a fragment, or no IP packet.
std::optional<TransportPlace> find_transport(Bytes packet) noexcept;

/// Bytes of the TCP or UDP header at `place`; 0 when it does not fit into the packet.
std::size_t transport_header_size(Bytes packet, const TransportPlace& place) noexcept;

/// Sums from `start` to the end and writes the checksum at `start + offset`, where the pseudo-header's sum stands.
/// REQUIRES start + offset + 2 <= packet.size().
void complete_checksum(MutableBytes packet, std::size_t start, std::size_t offset) noexcept;

/// Hands out the wire packets that one packet with a partial checksum stands for: each has lengths, IPv4 id, checksums
/// and sequence number of its own; PSH and FIN belong to the last one, CWR (RFC 3168 6.1.2) to the first. UDP is cut
/// into datagrams. A packet of another kind comes out as it is, and one without text to cut with its checksum written.
class Segments {
 public:
  /// `packet` is an IP packet that outlives this; `gso_size` is bytes of text in a segment, 0 = it is not cut.
  Segments(Bytes packet, std::uint16_t gso_size) noexcept;

  /// The next wire packet, valid until the next call; empty when there is none.
  Bytes next();

 private:
  void write_piece(std::size_t size, bool last);
  void write_transport(MutableBytes transport, bool last) const noexcept;

  Bytes packet_;
  std::optional<TransportPlace> place_;
  std::size_t headers_ = 0;  // bytes of IP and transport headers
  std::size_t unit_ = 0;     // bytes of text in a piece
  std::size_t at_ = 0;       // bytes of text that were handed out
  unsigned number_ = 0;      // of the next piece
  bool done_ = false;
  std::vector<std::uint8_t> piece_;
};

}  // namespace sluice::tun
