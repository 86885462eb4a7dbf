// Packets as one line of text, the way packetdrill's users write them: "S. 0:0(0) ack 1 win 500 <mss 1460>". The one
// parser of the house: the tests' scripts, the script tool and every ladder share it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "stack/base/packet.hpp"
#include "stack/wire/address.hpp"
#include "stack/wire/tcp.hpp"

namespace sluice::lab {

/// Where a text leaves the notation, and one sentence (without a full stop) on what would be right.
struct NotationError {
  std::size_t column = 1;  ///< of the first wrong character, counted from 1
  std::size_t line = 1;    ///< likewise, in a text of several lines
  std::string message;
  /// "line 2, column 7: expected ')'", or without the line when there is only one.
  std::string to_string() const;
  friend bool operator==(const NotationError&, const NotationError&) = default;
};

/// What was read, or why nothing could be.
template <class T>
class NotationResult {
 public:
  NotationResult(T value) : content_(std::move(value)) {}
  NotationResult(NotationError error) : content_(std::move(error)) {}

  explicit operator bool() const noexcept { return content_.index() == 0; }
  /// REQUIRES success.
  const T& operator*() const { return std::get<0>(content_); }
  const T* operator->() const { return &std::get<0>(content_); }
  /// REQUIRES failure.
  const NotationError& error() const { return std::get<1>(content_); }

 private:
  std::variant<T, NotationError> content_;
};

/// TCP options in the order in which they stand.
namespace option {
struct EndOfList {
  friend bool operator==(const EndOfList&, const EndOfList&) = default;
};
struct NoOperation {
  friend bool operator==(const NoOperation&, const NoOperation&) = default;
};
struct Mss {
  std::uint16_t bytes = 0;
  friend bool operator==(const Mss&, const Mss&) = default;
};
struct WindowScale {
  std::uint8_t shift = 0;
  friend bool operator==(const WindowScale&, const WindowScale&) = default;
};
struct SackPermitted {
  friend bool operator==(const SackPermitted&, const SackPermitted&) = default;
};
/// left is the first number of the block, right the one behind its last.
struct Sack {
  std::vector<wire::tcp::SackBlock> blocks;
  friend bool operator==(const Sack&, const Sack&) = default;
};
/// nullopt is written "...": any value.
struct Timestamps {
  std::optional<std::uint32_t> value;
  std::optional<std::uint32_t> echo;
  friend bool operator==(const Timestamps&, const Timestamps&) = default;
};
/// RFC 7413, or its experimental form (kind 254); an empty cookie asks for one.
struct FastOpen {
  std::vector<std::uint8_t> cookie;
  bool experimental = false;
  friend bool operator==(const FastOpen&, const FastOpen&) = default;
};
struct Md5 {
  std::vector<std::uint8_t> digest;
  friend bool operator==(const Md5&, const Md5&) = default;
};
/// Any other kind, by number: "kind 253 0xf989".
struct Other {
  std::uint8_t kind = 0;
  std::vector<std::uint8_t> body;
  friend bool operator==(const Other&, const Other&) = default;
};
}  // namespace option

using TcpOption =
    std::variant<option::EndOfList, option::NoOperation, option::Mss, option::WindowScale, option::SackPermitted,
                 option::Sack, option::Timestamps, option::FastOpen, option::Md5, option::Other>;

/// The ninth control bit (RFC 9768's AE), above those of wire::tcp::Flag.
inline constexpr std::uint16_t kAccurateEcnFlag = 256;

/// "FP. 1:101(100) ack 1 win 500 urg 7 <nop,nop,sack 1:11>". Numbers are as written: what they are relative to is the
/// business of whoever puts them on a wire (lab/exchange.hpp).
struct SegmentLine {
  std::uint16_t flags = 0;   ///< wire::tcp::Flag and kAccurateEcnFlag
  std::uint32_t seq = 0;     ///< of the first byte of text
  std::uint32_t length = 0;  ///< bytes of text
  std::optional<std::uint32_t> ack;
  std::optional<std::uint16_t> window;  ///< as in the header, unscaled
  std::optional<std::uint16_t> urgent;
  std::optional<std::vector<TcpOption>> options;  ///< nullopt: not written; "<>" says that there are none
  bool any_options = false;                       ///< "<...>"

  bool has(wire::tcp::Flag flag) const noexcept { return (flags & flag) != 0; }
  friend bool operator==(const SegmentLine&, const SegmentLine&) = default;
};

/// "udp (100)".
struct UdpLine {
  std::uint32_t length = 0;  ///< bytes of payload
  friend bool operator==(const UdpLine&, const UdpLine&) = default;
};

enum class IcmpType : std::uint8_t {
  unreachable,
  packet_too_big,
  time_exceeded,
  parameter_problem,
  source_quench,
  redirect,
  echo_request,
  echo_reply,
};

enum class IcmpCode : std::uint8_t {
  // unreachable
  net_unreachable,
  host_unreachable,
  protocol_unreachable,
  port_unreachable,
  frag_needed,
  source_route_failed,
  net_unknown,
  host_unknown,
  source_host_isolated,
  net_prohibited,
  host_prohibited,
  net_unreachable_for_tos,
  host_unreachable_for_tos,
  packet_filtered,
  precedence_violation,
  precedence_cutoff,
  no_route,
  admin_prohibited,
  beyond_scope,
  addr_unreachable,
  // time_exceeded
  in_transit,
  in_reassembly,
  // parameter_problem
  header_field,
  next_header,
  unknown_option,
};

/// What an ICMP error quotes: "[1:1001(1000)]" or "[udp (100)]".
struct QuoteLine {
  bool udp = false;
  std::uint32_t seq = 0;
  std::uint32_t length = 0;  ///< bytes of text or payload of the quoted packet
  friend bool operator==(const QuoteLine&, const QuoteLine&) = default;
};

/// "icmp unreachable frag_needed mtu 1400 [1:1001(1000)]", "icmp echo_request id 7 seq 1 (56)".
struct IcmpLine {
  IcmpType type = IcmpType::unreachable;
  std::optional<IcmpCode> code;  ///< nullopt: 0
  std::optional<std::uint32_t> mtu;
  std::optional<std::uint16_t> id;   ///< of an echo
  std::optional<std::uint16_t> seq;  ///< of an echo
  std::optional<std::uint32_t> length;
  std::optional<QuoteLine> quote;
  friend bool operator==(const IcmpLine&, const IcmpLine&) = default;
};

/// "[ect0] (ttl 64, tos 0x10, flow 0x1234)", all of it optional. Both kinds of brackets take all four.
struct IpLine {
  std::optional<Ecn> ecn;
  std::optional<std::uint8_t> ttl;
  std::optional<std::uint8_t> tos;     ///< the whole octet
  std::optional<std::uint32_t> label;  ///< the IPv6 flow label, 20 bits
  friend bool operator==(const IpLine&, const IpLine&) = default;
};

/// "40001 > 8080", in front of the packet: sender's and receiver's port.
struct PortsLine {
  std::uint16_t source = 0;
  std::uint16_t destination = 0;
  friend bool operator==(const PortsLine&, const PortsLine&) = default;
};

struct PacketLine {
  IpLine ip;
  std::variant<SegmentLine, UdpLine, IcmpLine> body;
  std::optional<PortsLine> ports = std::nullopt;

  const SegmentLine* segment() const noexcept { return std::get_if<SegmentLine>(&body); }
  SegmentLine* segment() noexcept { return std::get_if<SegmentLine>(&body); }
  friend bool operator==(const PacketLine&, const PacketLine&) = default;
};

/// Reads one packet; nothing but spaces may follow.
NotationResult<PacketLine> parse_packet(std::string_view text);

/// The way back: parse_packet(to_text(line)) is the same line.
std::string to_text(const PacketLine& line);

/// Type and code as the header of this family has them; nullopt when the family has no such message.
struct IcmpNumbers {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
};
std::optional<IcmpNumbers> icmp_numbers(IcmpType type, std::optional<IcmpCode> code, Family family) noexcept;
/// And back; nullopt when the notation has no name for it. Code 0 of a type whose code 0 has no name is nullopt.
struct IcmpNames {
  IcmpType type = IcmpType::unreachable;
  std::optional<IcmpCode> code;
};
std::optional<IcmpNames> icmp_names(IcmpNumbers numbers, Family family) noexcept;

std::string_view name(IcmpType type) noexcept;
std::string_view name(IcmpCode code) noexcept;

}  // namespace sluice::lab
