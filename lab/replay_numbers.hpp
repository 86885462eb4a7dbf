// Where the numbers of both sides begin, in the capture and in its replay, and the peer's packets made to fit.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lab/conversation.hpp"
#include "lab/exchange.hpp"
#include "stack/tcp/seq.hpp"
#include "stack/wire/tcp.hpp"

namespace sluice::lab {

/// The number nearest to `about` that shows `wire` in 32 bits.
constexpr std::uint64_t unwrapped(std::uint32_t wire, std::uint64_t about) noexcept {
  return tcp::Seq::unwrap(tcp::WireSeq{wire}, tcp::Seq(about)).number();
}

/// An unfragmented packet of TCP, opened once for all who look at it. It looks into the packet.
struct SegmentView {
  DatagramView ip;
  wire::tcp::Header header;
  Bytes text;
};
/// nullopt for all other packets.
std::optional<SegmentView> view_segment(Bytes packet) noexcept;

/// Learned from the segments of one side as they pass.
struct NumberBase {
  std::optional<std::uint32_t> isn = std::nullopt;
  std::optional<std::uint32_t> stamp = std::nullopt;  ///< the first timestamp
  std::uint64_t end = 0;                              ///< relative, unwrapped: behind the last number sent

  void learn(const SegmentView& segment) noexcept;
  SideNumbers side() const noexcept { return {isn.value_or(0), stamp}; }
};

/// What to add to a captured number of ours to get the one of the replay.
struct Translation {
  std::uint32_t isn = 0;
  std::uint32_t stamp = 0;
};
Translation translation(const NumberBase& captured, const NumberBase& now) noexcept;

/// Translates the acknowledgement, SACK blocks and timestamp echo of a packet of the peer's, or what it quotes of ours.
/// A checksum that was good, or left to a device by the sender, is good afterwards; a wrong one stays wrong.
void translate(MutableBytes packet, const Translation& by) noexcept;
/// A copy of it, translated.
std::vector<std::uint8_t> translated(Bytes packet, const Translation& by);

/// An ACK that the peer could have sent before this packet of his: no text, no FIN, no SACK blocks, and this
/// acknowledgement number (relative). A SYN stays: it acknowledges ours without the text. nullopt for what has no ACK.
std::optional<std::vector<std::uint8_t>> earlier_ack(Bytes packet, std::uint64_t acked, const NumberBase& captured,
                                                     const NumberBase& now);

/// The text that a SYN brought, in a segment of its own: what its sender says again when the SYN,ACK did not take it
/// (RFC 7413 4.2.2). nullopt for a SYN without text.
std::optional<std::vector<std::uint8_t>> text_of_syn(Bytes packet, const NumberBase& now);

/// Puts this cookie into a SYN that shows another one of its size.
void show_cookie(MutableBytes packet, const wire::tcp::FastOpen& cookie);

/// Makes the checksum of TCP, UDP (unless its sender did not sum) or ICMP right. `message`: the packet's transport, its
/// header whole. REQUIRES no fragment.
void renew_checksum(const DatagramView& packet, MutableBytes message) noexcept;

/// Its sender left the checksum to a device that the capture never saw.
bool has_unfinished_checksum(const SegmentView& segment) noexcept;

/// The TCP header of an unfragmented packet.
std::optional<wire::tcp::Header> tcp_header(const DatagramView& packet) noexcept;

}  // namespace sluice::lab
