// Looks at a packet just far enough to know whose it is; see shard.hpp.
#include "stack/ip/shard.hpp"

#include <array>

#include "stack/ip/quote.hpp"
#include "stack/wire/icmp.hpp"
#include "stack/wire/icmpv6.hpp"
#include "stack/wire/ipv4.hpp"
#include "stack/wire/ipv6.hpp"
#include "stack/wire/ipv6_chain.hpp"

namespace sluice::ip {
namespace {

constexpr std::size_t kPorts = 4;       // bytes: both ports stand at the front of TCP and UDP
constexpr std::size_t kIcmpHeader = 8;  // bytes before what an error quotes

bool has_ports(Protocol protocol) noexcept { return protocol == Protocol::tcp || protocol == Protocol::udp; }

/// The addresses alone, of what arrived from `from` at `to`.
FourTuple pair_of(const IpAddress& to, const IpAddress& from) noexcept { return {{to, 0}, {from, 0}}; }

bool is_error(Protocol protocol, std::uint8_t type) noexcept {
  if (protocol == Protocol::icmpv6) return type < 128;  // RFC 4443 2.1
  return type == wire::icmp::kUnreachable || type == wire::icmp::kSourceQuench || type == wire::icmp::kRedirect ||
         type == wire::icmp::kTimeExceeded || type == wire::icmp::kParameterProblem;
}

}  // namespace

/// What an IP header carries.
struct Shard::Upper {
  Protocol protocol;
  IpAddress to;
  IpAddress from;
  Bytes bytes;
};

std::uint8_t Shard::owner_of(Protocol protocol, const FourTuple& flow) const noexcept {
  const bool own_port = flow.local.port >= kFirstOwnPort && flow.local.port <= kLastOwnPort;
  if (protocol == Protocol::udp && own_port) return static_cast<std::uint8_t>(flow.local.port % count());
  std::array<std::uint8_t, 36> input;
  ByteWriter writer(input);
  for (const Endpoint* const end : {&flow.local, &flow.remote}) {
    writer.bytes(end->address.mapped().bytes());
    writer.u16(end->port);
  }
  return static_cast<std::uint8_t>((hash_(writer.written()) >> 32) * count() >> 32);
}

Shard::Home Shard::home_of(Bytes packet) const noexcept {
  if (packet.empty()) return {number()};
  switch (packet[0] >> 4) {
    case 4: return home_of_v4(packet);
    case 6: return home_of_v6(packet);
    default: return {number()};
  }
}

Shard::Home Shard::home_of_v4(Bytes packet) const noexcept {
  const auto header = wire::ipv4::parse(packet);
  if (!header) return {number()};
  const auto protocol = static_cast<Protocol>(header->protocol);
  if (header->is_fragment())
    return {owner_of(Protocol::icmp, pair_of(header->destination, header->source)), /*in_pieces=*/true};
  const Bytes upper = packet.subspan(header->header_size, header->payload_size());
  return {home_of_upper({protocol, header->destination, header->source, upper})};
}

Shard::Home Shard::home_of_v6(Bytes packet) const noexcept {
  const auto header = wire::ipv6::parse(packet);
  if (!header) return {number()};
  const Bytes whole = packet.first(wire::ipv6::kHeaderSize + header->payload_length);
  const auto chain = wire::ipv6::walk(whole);
  if (!chain) return {number()};
  if (chain->fragment)
    return {owner_of(Protocol::icmpv6, pair_of(header->destination, header->source)), /*in_pieces=*/true};
  const auto protocol = static_cast<Protocol>(chain->upper);
  return {home_of_upper({protocol, header->destination, header->source, whole.subspan(chain->size)})};
}

std::uint8_t Shard::home_of_upper(const Upper& upper) const noexcept {
  if (has_ports(upper.protocol)) {
    if (upper.bytes.size() < kPorts) return number();
    ByteReader ports(upper.bytes);
    const std::uint16_t source = ports.u16();
    return owner_of(upper.protocol, {{upper.to, ports.u16()}, {upper.from, source}});
  }
  const bool icmp = upper.protocol == (upper.to.is_v4() ? Protocol::icmp : Protocol::icmpv6);
  if (icmp && upper.bytes.size() > kIcmpHeader && is_error(upper.protocol, upper.bytes[0])) return home_of_error(upper);
  return owner_of(upper.protocol, pair_of(upper.to, upper.from));
}

/// The flow of the packet that we sent, and that came to grief.
std::uint8_t Shard::home_of_error(const Upper& upper) const noexcept {
  const Bytes quoted = upper.bytes.subspan(kIcmpHeader);
  const auto quote = parse_quote(upper.to.family(), quoted);
  if (!quote) return number();
  const auto protocol = static_cast<Protocol>(quote->protocol);
  const bool v4 = upper.to.is_v4();
  const bool ports_there = quote->at + kPorts <= quoted.size();
  if (!has_ports(protocol))
    return owner_of(v4 ? Protocol::icmp : Protocol::icmpv6, pair_of(quote->ends.source, quote->ends.destination));
  if (!ports_there) return number();
  ByteReader ports(quoted.subspan(quote->at));
  const std::uint16_t local = ports.u16();
  return owner_of(protocol, {{quote->ends.source, local}, {quote->ends.destination, ports.u16()}});
}

}  // namespace sluice::ip
