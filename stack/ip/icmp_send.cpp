// ICMP errors that we send, and the many cases in which we must not.
#include <array>

#include "stack/ip/layer_state.hpp"
#include "stack/ip/quote.hpp"
#include "stack/wire/icmpv6.hpp"
#include "stack/wire/pseudo_header.hpp"

namespace sluice::ip {
namespace {

namespace icmp = wire::icmp;
namespace icmpv6 = wire::icmpv6;

/// An ICMP error with its quote is never longer: what every IPv4 host takes (RFC 1812 4.3.2.3), every IPv6 link
/// carries.
constexpr std::size_t kLargestErrorV4 = 576;
constexpr std::size_t kLargestErrorV6 = 1280;

/// [R1122-3.2.2-4], [R1122-3.2.2-7]
bool is_error_or_later_fragment_v4(Bytes packet) noexcept {
  const auto header = wire::ipv4::parse_quoted(packet);
  if (!header || header->fragment_offset != 0) return true;
  if (static_cast<Protocol>(header->protocol) != Protocol::icmp) return false;
  return packet.size() == header->header_size || icmp::is_error(packet[header->header_size]);
}

/// [R4443-2.4e1], [R4443-2.4e2]
bool is_error_v6(Bytes packet) noexcept {
  const auto upper = wire::ipv6::find_quoted_upper(packet);
  if (!upper || static_cast<Protocol>(upper->protocol) != Protocol::icmpv6) return false;
  if (upper->at == packet.size()) return true;
  const std::uint8_t type = packet[upper->at];
  return icmpv6::is_error(type) || type == icmpv6::kRedirect;
}

}  // namespace

/// A loopback address as source says that the packet is our own: others with one did not come so far.
bool Layer::State::may_report(Bytes packet, bool even_to_group) const noexcept {
  const Ends ends = ends_of(packet);
  // [R1122-3.2.2-8], [R4443-2.4e6]
  const bool is_nobody = ends.source.is_invalid_source() && !ends.source.is_loopback();
  if (is_nobody || layer.is_broadcast(ends.source)) return false;
  // [R1122-3.2.2-5], [R4443-2.4e3]
  if ((ends.destination.is_multicast() || layer.is_broadcast(ends.destination)) && !even_to_group) return false;
  return ends.source.is_v4() ? !is_error_or_later_fragment_v4(packet) : !is_error_v6(packet);
}

void Layer::State::send_error(Bytes packet, const icmp::Header& error, Time now, bool even_to_group) {
  const Ends ends = ends_of(packet);
  if (!may_report(packet, even_to_group)) return log.add(Counter::icmp_errors_forbidden);
  if (!error_limit.allow(ends.source, now)) return log.add(Counter::icmp_errors_limited);
  const Result<IpAddress> source =
      layer.is_local(ends.destination) ? Result<IpAddress>(ends.destination) : layer.select_source(ends.source);
  if (!source) return;
  const bool v4 = source->is_v4();
  const std::size_t ip_size = header_size(source->family());
  const std::size_t room = (v4 ? kLargestErrorV4 : kLargestErrorV6) - ip_size - icmp::kHeaderSize;
  const Bytes quote = packet.first(std::min(packet.size(), room));  // [R1122-3.2.2-3], [R4443-2.4c]
  const HeaderFields fields{.source = *source,
                            .destination = ends.source,
                            .protocol = v4 ? Protocol::icmp : Protocol::icmpv6,
                            .hop_limit = config.hop_limit,
                            .dont_fragment = false,
                            .identification = layer.next_identification(ends.source),
                            .payload_size = icmp::kHeaderSize + quote.size()};
  std::array<std::uint8_t, kMaximumHeader + icmp::kHeaderSize> head;
  const MutableBytes message = MutableBytes(head).subspan(ip_size, icmp::kHeaderSize);
  icmp::Header header = error;
  icmp::write(message, header);
  ChecksumSum sum;
  if (!v4)
    sum = wire::pseudo_header(fields.source, fields.destination, static_cast<std::uint8_t>(Protocol::icmpv6),
                              fields.payload_size);
  sum.add(message);
  sum.add(quote);
  header.checksum = sum.checksum();
  icmp::write(message, header);
  write_header(head, fields);
  const bool queued = outbox.push(Bytes(head).first(ip_size + icmp::kHeaderSize), quote);
  log.add(queued ? Counter::icmp_errors_out : Counter::drop_outbox_full);
}

void Layer::State::send_time_exceeded(Bytes packet, Time now) {
  const bool v4 = packet[0] >> 4 == 4;
  send_error(packet, {.type = v4 ? icmp::kTimeExceeded : icmpv6::kTimeExceeded, .code = icmp::kReassemblyTimeExceeded},
             now);
}

void Layer::State::send_parameter_problem_v4(Bytes packet, std::size_t at, Time now) {
  send_error(packet, {.type = icmp::kParameterProblem, .rest = static_cast<std::uint32_t>(at) << 24}, now);
}

void Layer::State::refuse(Bytes packet, const wire::ipv6::ChainProblem& problem, Counter reason, Time now) {
  drop(reason, now);
  if (!problem.answered) return;
  send_error(packet, {.type = icmpv6::kParameterProblem, .code = problem.code, .rest = problem.pointer}, now,
             problem.even_to_group);
}

void Layer::send_port_unreachable(const Datagram& datagram, Time now) {
  const bool v4 = datagram.source.is_v4();
  state_->send_error(datagram.packet.bytes(),
                     {.type = v4 ? icmp::kUnreachable : icmpv6::kUnreachable,
                      .code = v4 ? icmp::kPortUnreachable : icmpv6::kPortUnreachable},
                     now);
}

}  // namespace sluice::ip
