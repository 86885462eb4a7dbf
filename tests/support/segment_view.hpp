// TCP segments as a World's packets carry them, to look at and to forge: absolute numbers, unscaled windows.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "stack/base/bytes.hpp"
#include "stack/wire/address.hpp"
#include "stack/wire/tcp.hpp"

namespace sluice::test {

struct SegmentView {
  Endpoint source;
  Endpoint destination;
  wire::tcp::Header header;
  std::uint32_t text = 0;  ///< bytes

  bool has(wire::tcp::Flag flag) const noexcept { return header.has(flag); }
  /// Sequence numbers that it takes: text, SYN and FIN.
  std::uint32_t length() const noexcept {
    return text + (has(wire::tcp::syn) ? 1u : 0u) + (has(wire::tcp::fin) ? 1u : 0u);
  }
  /// The number behind its last.
  std::uint32_t end() const noexcept { return header.seq + length(); }
  /// An empty segment; its ACK and timestamps mean nothing new.
  bool bare_ack() const noexcept { return length() == 0 && !has(wire::tcp::rst); }
};

/// nullopt: not TCP, or not whole.
std::optional<SegmentView> open_segment(Bytes packet);

/// The packet of a segment with `view.text` bytes of zero, checksums and all.
std::vector<std::uint8_t> forge(const SegmentView& view);

/// An ICMP error about a packet, to its sender: too big, so much passes.
std::vector<std::uint8_t> too_big(Bytes packet, std::size_t mtu);

/// Both checksums of a TCP packet (of IPv6 only TCP's) recomputed the slow way: true if they are right.
bool checksums_hold(Bytes packet);

}  // namespace sluice::test
