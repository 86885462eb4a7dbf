// ICMP and ICMPv6 that reach us: echo requests to answer, errors to hand up, and much to ignore.
#include <array>

#include "stack/ip/layer_state.hpp"
#include "stack/ip/link.hpp"
#include "stack/ip/outbox_sink.hpp"
#include "stack/ip/quote.hpp"
#include "stack/wire/icmpv6.hpp"
#include "stack/wire/mld.hpp"
#include "stack/wire/pseudo_header.hpp"

namespace sluice::ip {
namespace {

namespace icmp = wire::icmp;
namespace icmpv6 = wire::icmpv6;

IcmpKind unreachable_kind_v4(std::uint8_t code) noexcept {
  // Index: the code of RFC 792, RFC 1122 3.2.2.1, RFC 1812 5.2.7.1.
  constexpr std::array<IcmpKind, 16> kKinds = {
      IcmpKind::network_unreachable,
      IcmpKind::host_unreachable,
      IcmpKind::protocol_unreachable,
      IcmpKind::port_unreachable,
      IcmpKind::packet_too_big,
      IcmpKind::source_route_failed,
      IcmpKind::network_unreachable,
      IcmpKind::host_unreachable,
      IcmpKind::host_unreachable,
      IcmpKind::administratively_prohibited,
      IcmpKind::administratively_prohibited,
      IcmpKind::network_unreachable,
      IcmpKind::host_unreachable,
      IcmpKind::administratively_prohibited,
      IcmpKind::administratively_prohibited,
      IcmpKind::administratively_prohibited,
  };
  return code < kKinds.size() ? kKinds[code] : IcmpKind::unknown;
}

IcmpKind unreachable_kind_v6(std::uint8_t code) noexcept {
  // Index: the code of RFC 4443 3.1.
  constexpr std::array<IcmpKind, 7> kKinds = {
      IcmpKind::network_unreachable,
      IcmpKind::administratively_prohibited,
      IcmpKind::network_unreachable,
      IcmpKind::host_unreachable,
      IcmpKind::port_unreachable,
      IcmpKind::administratively_prohibited,
      IcmpKind::administratively_prohibited,
  };
  return code < kKinds.size() ? kKinds[code] : IcmpKind::unknown;
}

IcmpKind error_kind_v6(const icmp::Header& header) noexcept {
  switch (header.type) {
    case icmpv6::kUnreachable: return unreachable_kind_v6(header.code);
    case icmpv6::kPacketTooBig: return IcmpKind::packet_too_big;
    case icmpv6::kTimeExceeded: return IcmpKind::time_exceeded;
    case icmpv6::kParameterProblem:
      // ICMPv6 says "protocol unreachable" so.
      return header.code == icmpv6::kUnknownNextHeader ? IcmpKind::protocol_unreachable : IcmpKind::parameter_problem;
    default: return IcmpKind::unknown;  // [R4443-2.4a]
  }
}

/// A protocol that a host of this address family speaks here.
bool is_ours_to_send(std::uint8_t protocol, bool v4) noexcept {
  switch (static_cast<Protocol>(protocol)) {
    case Protocol::tcp:
    case Protocol::udp: return true;
    case Protocol::icmp:
    case Protocol::igmp: return v4;
    case Protocol::icmpv6: return !v4;
  }
  return false;
}

}  // namespace

Received Layer::State::receive_icmp(Datagram datagram, Time now) {
  log.add(Counter::icmp_in);
  const auto header = icmp::parse(datagram.payload());
  if (!header) return drop(Counter::drop_icmp_truncated, now);
  if (internet_checksum(datagram.payload()) != 0) return drop(Counter::drop_icmp_checksum, now);
  switch (header->type) {
    case icmp::kEchoRequest: answer_echo(datagram, icmp::kEchoReply, now); return {};
    case icmp::kEchoReply: return Received(std::move(datagram));  // [R1122-3.2.2.6-4]
    case icmp::kUnreachable: {
      const std::size_t mtu = header->code == icmp::kFragmentationNeeded ? header->rest & 0xffff : 0;
      return receive_error(std::move(datagram), unreachable_kind_v4(header->code), mtu, now);
    }
    case icmp::kTimeExceeded: return receive_error(std::move(datagram), IcmpKind::time_exceeded, 0, now);
    case icmp::kParameterProblem: return receive_error(std::move(datagram), IcmpKind::parameter_problem, 0, now);
    case icmp::kSourceQuench: return drop(Counter::drop_source_quench, now);  // [R6633-3-1]
    case icmp::kRedirect: return receive_redirect(datagram, header->rest, now);
    default: return drop(Counter::drop_icmp_unknown_type, now);  // [R1122-3.2.2-1]
  }
}

Received Layer::State::receive_icmpv6(Datagram datagram, Time now) {
  log.add(Counter::icmp_in);
  const Bytes message = datagram.payload();
  const auto header = icmp::parse(message);
  if (!header) return drop(Counter::drop_icmp_truncated, now);  // [A-PRS-17]
  ChecksumSum sum = wire::pseudo_header(datagram.source, datagram.destination,
                                        static_cast<std::uint8_t>(Protocol::icmpv6), message.size());
  sum.add(message);
  if (sum.checksum() != 0) return drop(Counter::drop_icmp_checksum, now);
  if (icmpv6::is_error(header->type))
    return receive_error(std::move(datagram), error_kind_v6(*header),
                         header->type == icmpv6::kPacketTooBig ? header->rest : 0, now);
  const Link* const link = layer.link_of(datagram.packet.interface);
  switch (header->type) {
    case icmpv6::kEchoRequest: answer_echo(datagram, icmpv6::kEchoReply, now); return {};
    case icmpv6::kEchoReply: return Received(std::move(datagram));
    case icmpv6::kRedirect:
      if (!link) return drop(Counter::drop_redirect, now);  // no neighbours, no routes to change
      break;
    default: break;
  }
  if (link && icmpv6::is_discovery(header->type)) return Received(std::move(datagram));
  if (wire::mld::is_mld(header->type)) return Received(std::move(datagram));
  return drop(Counter::drop_icmp_unknown_type, now);  // [R4443-2.4b]
}

Received Layer::State::receive_error(Datagram datagram, IcmpKind kind, std::size_t mtu, Time now) {
  const bool v4 = datagram.source.is_v4();
  const std::size_t quote_at = datagram.header_size + icmp::kHeaderSize;
  const Bytes bytes = std::as_const(datagram.packet).bytes().subspan(quote_at);
  const std::optional<Quote> quote = parse_quote(datagram.source.family(), bytes);
  // [R1122-3.2.2-3]: eight bytes of the transport's header, without which nobody could be told.
  if (!quote || bytes.size() - quote->at < 8 || !layer.is_local(quote->ends.source) ||
      !is_ours_to_send(quote->protocol, v4))
    return drop(Counter::drop_icmp_quote, now);
  log.add(Counter::icmp_errors_in);
  return IcmpError{.kind = kind,
                   .code = icmp::parse(datagram.payload())->code,
                   .reporter = datagram.source,
                   .local = quote->ends.source,
                   .remote = quote->ends.destination,
                   .protocol = static_cast<Protocol>(quote->protocol),
                   .mtu = mtu,
                   .quoted_length = quote->length,
                   .quote_offset = static_cast<std::uint32_t>(quote_at + quote->at),
                   .packet = std::move(datagram.packet)};
}

/// RFC 1122 3.2.2.2: of all four codes only the host's own route changes [R1122-3.2.2.2-2].
Received Layer::State::receive_redirect(const Datagram& datagram, std::uint32_t gateway, Time now) {
  const std::optional<Quote> quote = parse_quote(Family::ipv4, datagram.payload().subspan(icmp::kHeaderSize));
  // Without neighbours there is nothing to choose.
  Link* const link = layer.link_of(datagram.packet.interface);
  if (!link || !quote || !layer.is_ours(quote->ends.source)) return drop(Counter::drop_redirect, now);
  link->redirect(datagram.source, quote->ends.destination, IpAddress::v4(gateway), std::nullopt, now);
  return {};
}

/// The reply carries the request's identifier, sequence number and data [R792-1], from the address that was asked
/// [R1122-3.2.2.6-2], [R4443-2.2-1]; its headers are made anew, never copied [A-PRS-23].
void Layer::State::answer_echo(const Datagram& datagram, std::uint8_t reply_type, Time now) {
  log.add(Counter::icmp_echo_requests);
  if (!config.answer_echo) return;
  if (datagram.to_group && !config.answer_group_echo) return log.drop(Counter::drop_icmp_group_echo, now);
  if (!echo_limit.allow(datagram.source, now)) return log.drop(Counter::icmp_echo_limited, now);
  const Result<IpAddress> source =
      datagram.to_group ? layer.select_source(datagram.source) : Result<IpAddress>(datagram.destination);
  if (!source) return;
  const Bytes request = datagram.payload();
  const std::size_t ip_size = header_size(source->family());
  const HeaderFields fields{.source = *source,
                            .destination = datagram.source,
                            .protocol = datagram.protocol,
                            .hop_limit = config.hop_limit,
                            .dscp = datagram.dscp,
                            .dont_fragment = false,
                            .identification = layer.next_identification(datagram.source),
                            .payload_size = request.size()};
  std::array<std::uint8_t, kMaximumHeader + icmp::kHeaderSize> head;
  const MutableBytes reply_head = MutableBytes(head).subspan(ip_size, icmp::kHeaderSize);
  const Slice data = datagram.packet.part(datagram.header_size + icmp::kHeaderSize, request.size() - icmp::kHeaderSize);
  icmp::Header reply = *icmp::parse(request);
  reply.type = reply_type;
  reply.code = 0;
  reply.checksum = 0;
  icmp::write(reply_head, reply);
  ChecksumSum sum;
  if (source->is_v6())
    sum = wire::pseudo_header(*source, datagram.source, static_cast<std::uint8_t>(Protocol::icmpv6), request.size());
  sum.add(reply_head);
  sum.add(data.bytes());
  reply.checksum = sum.checksum();
  icmp::write(reply_head, reply);
  OutboxSink sink(outbox);
  const Result<void> sent =
      layer.send(fields, MutableBytes(head).first(ip_size + icmp::kHeaderSize), {&data, 1}, sink, now);
  log.add(sent ? Counter::icmp_echo_replies_out : Counter::drop_outbox_full);
}

}  // namespace sluice::ip
