// Both families' headers as one; see quote.hpp.
#include "stack/ip/quote.hpp"

#include "stack/wire/ipv4.hpp"
#include "stack/wire/ipv6.hpp"
#include "stack/wire/ipv6_chain.hpp"

namespace sluice::ip {
namespace {

std::optional<Quote> parse_v4(Bytes bytes) noexcept {
  const auto header = wire::ipv4::parse_quoted(bytes);
  if (!header || header->fragment_offset != 0) return std::nullopt;
  return Quote{{header->source, header->destination}, header->protocol, header->total_length, header->header_size};
}

std::optional<Quote> parse_v6(Bytes bytes) noexcept {
  const auto header = wire::ipv6::parse_quoted(bytes);
  const auto upper = wire::ipv6::find_quoted_upper(bytes);
  if (!header || !upper) return std::nullopt;
  return Quote{{header->source, header->destination},
               upper->protocol,
               wire::ipv6::kHeaderSize + header->payload_length,
               upper->at};
}

}  // namespace

Ends ends_of(Bytes packet) noexcept {
  if (packet[0] >> 4 == 4)
    return {IpAddress::from_bytes(packet.subspan(12, 4)), IpAddress::from_bytes(packet.subspan(16, 4))};
  return {IpAddress::from_bytes(packet.subspan(8, 16)), IpAddress::from_bytes(packet.subspan(24, 16))};
}

std::optional<Quote> parse_quote(Family family, Bytes bytes) noexcept {
  return family == Family::ipv4 ? parse_v4(bytes) : parse_v6(bytes);
}

}  // namespace sluice::ip
