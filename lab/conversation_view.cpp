// IP headers of both families as one view, and what ICMP errors quote; see conversation.hpp.
#include <algorithm>

#include "lab/conversation.hpp"
#include "stack/wire/icmp.hpp"
#include "stack/wire/icmpv6.hpp"
#include "stack/wire/ipv4.hpp"
#include "stack/wire/ipv6.hpp"
#include "stack/wire/ipv6_chain.hpp"

namespace sluice::lab {
namespace {

std::optional<DatagramView> view_v4(Bytes packet) noexcept {
  std::optional<DatagramView> result;
  const auto header = wire::ipv4::parse(packet);
  if (!header) return result;
  DatagramView& view = result.emplace();
  view.source = header->source;
  view.destination = header->destination;
  view.protocol = header->protocol;
  view.dont_fragment = header->dont_fragment;
  view.hop_limit = header->hop_limit;
  view.dscp = header->dscp;
  view.ecn = header->ecn;
  if (header->is_fragment()) view.fragment = {header->identification, header->fragment_offset, header->more_fragments};
  view.transport_offset = header->header_size;
  view.transport = packet.subspan(header->header_size, header->payload_size());
  return result;
}

std::optional<DatagramView> view_v6(Bytes packet) noexcept {
  const auto header = wire::ipv6::parse(packet);
  if (!header) return std::nullopt;
  packet = packet.first(wire::ipv6::kHeaderSize + header->payload_length);
  const auto chain = wire::ipv6::walk(packet);
  if (!chain) return std::nullopt;
  DatagramView view;
  view.source = header->source;
  view.destination = header->destination;
  view.protocol = chain->upper;
  view.dont_fragment = true;
  view.hop_limit = header->hop_limit;
  view.dscp = header->dscp;
  view.ecn = header->ecn;
  if (chain->fragment)
    view.fragment = {chain->fragment->identification, chain->fragment->offset, chain->fragment->more};
  view.transport_offset = chain->size;
  view.transport = packet.subspan(chain->size);
  return view;
}

bool is_error(const DatagramView& packet) noexcept {
  if (packet.fragment || packet.transport.size() < wire::icmp::kHeaderSize) return false;
  const std::uint8_t type = packet.transport[0];
  if (packet.protocol == protocol::kIcmp) return wire::icmp::is_error(type);
  return packet.protocol == protocol::kIcmpV6 && wire::icmpv6::is_error(type);
}

/// Where the transport header begins in a quoted IP packet, with addresses and protocol; a later fragment has none.
std::optional<QuotedView> view_quoted_ip(Bytes quote) noexcept {
  if (quote.empty()) return std::nullopt;
  QuotedView view;
  if (quote[0] >> 4 == 4) {
    const auto header = wire::ipv4::parse_quoted(quote);
    if (!header || header->fragment_offset != 0) return std::nullopt;
    view.source.address = header->source;
    view.destination.address = header->destination;
    view.protocol = header->protocol;
    view.offset = header->header_size;
    return view;
  }
  const auto header = wire::ipv6::parse_quoted(quote);
  const auto upper = header ? wire::ipv6::find_quoted_upper(quote) : std::nullopt;
  if (!upper) return std::nullopt;
  view.source.address = header->source;
  view.destination.address = header->destination;
  view.protocol = upper->protocol;
  view.offset = upper->at;
  return view;
}

}  // namespace

std::optional<DatagramView> view_datagram(Bytes packet) noexcept {
  if (packet.empty()) return std::nullopt;
  return packet[0] >> 4 == 4 ? view_v4(packet) : view_v6(packet);
}

std::optional<QuotedView> view_quote(const DatagramView& error) noexcept {
  if (!is_error(error)) return std::nullopt;
  const Bytes quote = error.transport.subspan(wire::icmp::kHeaderSize);
  auto view = view_quoted_ip(quote);
  if (!view) return std::nullopt;
  ByteReader in(quote.subspan(std::min(view->offset, quote.size())));
  const bool icmp = view->protocol == protocol::kIcmp || view->protocol == protocol::kIcmpV6;
  if (!icmp && view->protocol != protocol::kTcp && view->protocol != protocol::kUdp) return std::nullopt;
  if (icmp) in.skip(4);
  view->source.port = in.u16();
  view->destination.port = icmp ? view->source.port : in.u16();
  if (!in.ok()) view->source.port = view->destination.port = 0;
  view->offset += wire::icmp::kHeaderSize;
  return view;
}

}  // namespace sluice::lab
