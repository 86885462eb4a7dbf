// What a fragment must be like before reassembly sees it (RFC 791 3.2, RFC 8200 4.5, RFC 1858, RFC 7112).
#include "stack/ip/layer_state.hpp"
#include "stack/wire/icmpv6.hpp"

namespace sluice::ip {
namespace {

constexpr std::size_t kMinimumTcpHeader = 20;
constexpr std::uint32_t kPayloadLengthField = 4;

/// The bytes that the upper-layer header at the front of `text` needs.
std::size_t upper_header_size(std::uint8_t protocol, Bytes text) noexcept {
  if (static_cast<Protocol>(protocol) != Protocol::tcp) return 8;
  if (text.size() < kMinimumTcpHeader) return kMinimumTcpHeader;
  return std::size_t{text[12]} / 16 * 4;
}

bool is_known(std::uint8_t protocol) noexcept {
  switch (static_cast<Protocol>(protocol)) {
    case Protocol::icmp:
    case Protocol::igmp:
    case Protocol::tcp:
    case Protocol::udp:
    case Protocol::icmpv6: return true;
  }
  return false;
}

bool has_upper_header(std::uint8_t protocol, Bytes text) noexcept {
  return !is_known(protocol) || text.size() >= upper_header_size(protocol, text);
}

}  // namespace

Received Layer::State::receive_fragment(const wire::ipv4::Header& header, Packet packet, Time now) {
  log.add(Counter::fragments_in);
  const Bytes text = std::as_const(packet).bytes().subspan(header.header_size);
  if (text.empty() || (header.more_fragments && text.size() % 8 != 0))  // [R791-3.2-2]
    return drop(Counter::drop_fragment_malformed, now);
  if (header.header_size + header.fragment_offset + text.size() > kMaximumLength)  // [R791-3.2-3]
    return drop(Counter::drop_fragment_too_long, now);
  const bool rewrites_tcp = header.fragment_offset == 8 && static_cast<Protocol>(header.protocol) == Protocol::tcp;
  const bool tiny = header.fragment_offset == 0 && !has_upper_header(header.protocol, text);
  if (rewrites_tcp || tiny) return drop(Counter::drop_fragment_tiny, now);  // [R1858-3-1]
  const InterfaceNumber interface = packet.interface;
  std::optional<Packet> whole = reassembly.add({.source = header.source,
                                                .destination = header.destination,
                                                .identification = header.identification,
                                                .protocol = header.protocol,
                                                .ecn = header.ecn,
                                                .more = header.more_fragments,
                                                .offset = header.fragment_offset,
                                                .header_size = header.header_size,
                                                .prefix_size = header.header_size,
                                                .packet = std::move(packet)},
                                               now);
  if (!whole) return {};
  whole->interface = interface;
  return receive_v4(*std::move(whole), now);
}

/// [R7112-5-1]: the first fragment holds every header up to and with the upper layer's.
bool Layer::State::is_first_whole(Bytes packet, const wire::ipv6::Chain& chain, Time now) {
  const auto rest = wire::ipv6::walk_fragmentable(packet, chain);
  if (rest && has_upper_header(rest->upper, packet.subspan(rest->size))) return true;
  if (!rest && rest.fault().fault != wire::ipv6::ChainFault::malformed) return true;  // judged when it is whole
  drop(Counter::drop_fragment_tiny, now);
  send_error(packet, {.type = wire::icmpv6::kParameterProblem, .code = wire::icmpv6::kIncompleteFirstFragment}, now);
  return false;
}

Received Layer::State::receive_fragment(const wire::ipv6::Header& header, const wire::ipv6::Chain& chain, Packet packet,
                                        Time now) {
  log.add(Counter::fragments_in);
  const wire::ipv6::FragmentHeader& fragment = *chain.fragment;
  const Bytes bytes = std::as_const(packet).bytes();
  const std::size_t text_size = bytes.size() - chain.size;
  const auto report = [&](Counter reason, std::size_t pointer) {
    drop(reason, now);
    send_error(bytes,
               {.type = wire::icmpv6::kParameterProblem,
                .code = wire::icmpv6::kErroneousField,
                .rest = static_cast<std::uint32_t>(pointer)},
               now);
    return std::monostate{};
  };
  if (text_size == 0) return drop(Counter::drop_fragment_malformed, now);
  if (fragment.more && text_size % 8 != 0)  // [R8200-4.5-5]
    return report(Counter::drop_fragment_malformed, kPayloadLengthField);
  if (chain.fragment_at - wire::ipv6::kHeaderSize + fragment.offset + text_size > kMaximumLength)  // [R8200-4.5-6]
    return report(Counter::drop_fragment_too_long, chain.fragment_at + 2);
  if (fragment.offset == 0 && !is_first_whole(bytes, chain, now)) return {};
  const InterfaceNumber interface = packet.interface;
  std::optional<Packet> whole = reassembly.add({.source = header.source,
                                                .destination = header.destination,
                                                .identification = fragment.identification,
                                                .protocol = fragment.next_header,
                                                .ecn = header.ecn,
                                                .more = fragment.more,
                                                .offset = fragment.offset,
                                                .header_size = chain.size,
                                                .prefix_size = chain.fragment_at,
                                                .named_at = chain.fragment_named_at,
                                                .packet = std::move(packet)},
                                               now);
  if (!whole) return {};
  whole->interface = interface;
  return receive_v6(*std::move(whole), true, now);
}

}  // namespace sluice::ip
