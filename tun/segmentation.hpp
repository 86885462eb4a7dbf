// What a device with offloads does to a super-segment, in software: for plain devices, captures, bad links and tests.
#pragma once

#include <algorithm>
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

/// The headers of the wire packets that one super-segment stands for, one after the other: each has lengths, IPv4 id,
/// checksums and sequence number of its own; PSH and FIN belong to the last one, CWR (RFC 3168 6.1.2) to the first. UDP
/// is cut into datagrams. Nothing is kept of the super-segment but its sizes.
class PieceHeads {
 public:
  /// No pieces at all.
  PieceHeads() noexcept = default;
  /// `place` is where the transport header begins in the IP packet whose headers are `head_size` bytes; `text` bytes
  /// follow them, `unit` in each piece. Text of 0 bytes is one piece. REQUIRES unit > 0 or text == 0.
  PieceHeads(const TransportPlace& place, std::size_t head_size, std::size_t text, std::size_t unit) noexcept
      : place_(place), head_size_(head_size), text_(text), unit_(unit), done_(false) {}

  bool done() const noexcept { return done_; }
  /// Bytes of text in the next piece.
  std::size_t text() const noexcept { return std::min(unit_, text_ - at_); }
  /// Changes `head`, a copy of the super-segment's headers, into the next piece's, and goes on to the one behind it.
  /// `text_sum`: that piece's text as ChecksumSum::folded() gives it. REQUIRES !done() and head.size() == head_size.
  void write_next(MutableBytes head, std::uint16_t text_sum) noexcept;

 private:
  void write_transport(MutableBytes transport, std::size_t size, bool last) const noexcept;

  TransportPlace place_;
  std::size_t head_size_ = 0;  // bytes of IP and transport headers
  std::size_t text_ = 0;       // bytes behind them
  std::size_t unit_ = 0;       // bytes of text in a piece
  std::size_t at_ = 0;         // bytes of text before the next piece
  unsigned number_ = 0;        // of the next piece
  bool done_ = true;
};

/// Hands out the wire packets that one packet with a partial checksum stands for, with headers as PieceHeads writes
/// them. A packet of another kind comes out as it is, and one without text to cut with its checksum written.
class Segments {
 public:
  /// `packet` is an IP packet that outlives this; `gso_size` is bytes of text in a segment, 0 = it is not cut.
  Segments(Bytes packet, std::uint16_t gso_size) noexcept;

  /// The next wire packet, valid until the next call; empty when there is none.
  Bytes next();

 private:
  Bytes packet_;
  PieceHeads heads_;
  std::size_t head_size_ = 0;  // bytes of IP and transport headers
  std::size_t at_ = 0;         // of the next piece's text in the packet
  bool as_it_is_ = false;      // nothing to cut or to complete, and not yet handed out
  std::vector<std::uint8_t> piece_;
};

}  // namespace sluice::tun
