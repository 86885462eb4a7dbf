// Datagrams on their way out: headers, and fragments where they must be.
#include <cassert>

#include "stack/ip/layer_state.hpp"
#include "stack/wire/ipv4.hpp"
#include "stack/wire/ipv6.hpp"

namespace sluice::ip {
namespace {

constexpr std::size_t kMaximumLength = 65535;

}  // namespace

std::size_t write_header(MutableBytes room, const HeaderFields& fields) noexcept {
  assert(fields.hop_limit != 0);  // [R1122-3.2.1.7-1]
  assert(fields.source.family() == fields.destination.family());
  if (fields.source.is_v6())
    return wire::ipv6::write(room, {.source = fields.source,
                                    .destination = fields.destination,
                                    .next_header = static_cast<std::uint8_t>(fields.protocol),
                                    .hop_limit = fields.hop_limit,
                                    .dscp = fields.dscp,
                                    .ecn = fields.ecn,
                                    .payload_length = static_cast<std::uint16_t>(fields.payload_size)});
  return wire::ipv4::write(
      room, {.source = fields.source,
             .destination = fields.destination,
             .protocol = static_cast<std::uint8_t>(fields.protocol),
             .hop_limit = fields.hop_limit,
             .dscp = fields.dscp,
             .ecn = fields.ecn,
             .identification = fields.identification,
             .dont_fragment = fields.dont_fragment,
             .total_length = static_cast<std::uint16_t>(wire::ipv4::kMinimumHeader + fields.payload_size)});
}

Result<void> Layer::send(const HeaderFields& fields, MutableBytes head, std::span<const Slice> body, FrameSink& sink,
                         Time) {
  const std::size_t ip_header = header_size(fields.source.family());
  Frame frame{.head = head, .body = body, .transport_offset = static_cast<std::uint16_t>(ip_header)};
  const std::size_t size = frame.size();
  assert(size == ip_header + fields.payload_size);
  if (size > kMaximumLength || size > path_mtu(fields.destination)) {
    state_->log.add(Counter::send_too_large);
    return Errc::message_too_large;
  }
  write_header(head, fields);
  if (!sink.accept(frame)) return Errc::would_block;
  state_->log.add(Counter::packets_out);
  return {};
}

void Layer::send_port_unreachable(const Datagram&, Time) {}

}  // namespace sluice::ip
