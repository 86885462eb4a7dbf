// Which packets of a capture belong together: TCP connections, UDP flows, pings, each with the ICMP errors about it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/capture_reader.hpp"
#include "stack/base/bytes.hpp"
#include "stack/base/packet.hpp"
#include "stack/base/time.hpp"
#include "stack/wire/address.hpp"

namespace sluice::lab {

enum class ConversationKind : std::uint8_t { tcp, udp, icmp };
std::string_view name(ConversationKind kind) noexcept;

struct ConversationPacket {
  std::size_t number = 0;    ///< in the capture, counted from 1
  Time at{};                 ///< since 1970 as the file says, but never before the packet in front of it, or after 2217
  bool from_opener = false;  ///< of errors: it doesn't go to the opener, whoever sent it
  Direction direction = Direction::unknown;
  bool cut = false;  ///< the capture kept only its front; zeros stand for the rest, with checksums to match
  Bytes bytes;       ///< the IP packet, without link padding
};

struct Conversation {
  ConversationKind kind = ConversationKind::tcp;
  Endpoint opener;  ///< who sent the first SYN, the first datagram, the first echo request; port 0 for ICMP
  Endpoint other;
  std::optional<std::uint32_t> opener_isn = std::nullopt;  ///< TCP: from a SYN, or from the ACK of a SYN,ACK
  std::optional<std::uint32_t> other_isn = std::nullopt;
  bool has_opening = false;  ///< TCP: the opener's SYN is in the capture
  std::vector<ConversationPacket> packets;

  /// "tcp 10.0.0.1:40000 > 10.0.0.2:80".
  std::string title() const;
};

struct ConversationLimits {
  std::size_t conversations = 65536;
  std::size_t packets = std::size_t{1} << 22;
  std::size_t zeros = std::size_t{1} << 28;  ///< bytes of packets that the capture cut
};

/// Packets are views: the capture they came from outlives this. Move-only.
struct Conversations {
  Conversations() = default;
  Conversations(Conversations&&) = default;
  Conversations& operator=(Conversations&&) = default;
  Conversations(const Conversations&) = delete;
  Conversations& operator=(const Conversations&) = delete;

  std::vector<Conversation> all;  ///< in the order of their first packets
  std::size_t without_ip = 0;     ///< packets of other protocols than IP, or of link layers that we can't read
  std::size_t cut = 0;            ///< kept in part, and in their conversations all the same
  std::size_t damaged = 0;        ///< cut short within their headers, or wrong in lengths or IPv4 checksum
  std::size_t unassigned = 0;     ///< of other transports, or fragments whose first one never came
  std::size_t beyond_limits = 0;
  std::string error;                             ///< of the file; one sentence
  std::deque<std::vector<std::uint8_t>> filled;  ///< the packets that were cut
};

/// A SYN with another number than the connection began with begins a new conversation between the same ports; packets
/// seen before it stay in one without an opening.
Conversations split(CaptureReader& reader, const ConversationLimits& limits = {});
Conversations split(const Capture& capture, const ConversationLimits& limits = {});

/// An IP packet opened as far as its transport, fragments and extension headers included.
struct DatagramView {
  struct Fragment {
    std::uint32_t identification = 0;
    std::size_t offset = 0;
    bool more = false;
  };
  IpAddress source;
  IpAddress destination;
  std::uint8_t protocol = 0;
  std::optional<Fragment> fragment = std::nullopt;
  bool dont_fragment = false;  ///< always for IPv6
  std::uint8_t hop_limit = 0;
  std::uint8_t dscp = 0;
  Ecn ecn = Ecn::not_ect;
  std::size_t transport_offset = 0;  ///< bytes from the front of the packet
  Bytes transport;                   ///< from there on; of a fragment its part of it
};

/// nullopt when the headers don't fit the bytes. Bytes behind the packet are cut off.
std::optional<DatagramView> view_datagram(Bytes packet) noexcept;

/// The packet that an ICMP error quotes: ports are 0 when the quote ends before them. nullopt: not an error, or none
/// of TCP, UDP and ICMP.
struct QuotedView {
  Endpoint source;
  Endpoint destination;
  std::uint8_t protocol = 0;
  std::size_t offset = 0;  ///< of the quoted transport header, from the front of the ICMP message
};
std::optional<QuotedView> view_quote(const DatagramView& error) noexcept;

namespace protocol {
inline constexpr std::uint8_t kIcmp = 1, kTcp = 6, kUdp = 17, kIcmpV6 = 58;
}  // namespace protocol

}  // namespace sluice::lab
