// Echo requests out, answers and errors in.
#include "tools/echo_probe.hpp"

#include <numeric>
#include <utility>

#include "stack/ip/datagram.hpp"
#include "stack/wire/icmpv6.hpp"
#include "stack/wire/ipv4.hpp"
#include "stack/wire/ipv6.hpp"
#include "stack/wire/pseudo_header.hpp"

namespace sluice::tools {
namespace {

namespace icmp = wire::icmp;
namespace icmpv6 = wire::icmpv6;
constexpr auto kIcmp = static_cast<std::uint8_t>(ip::Protocol::icmp);
constexpr auto kIcmpV6 = static_cast<std::uint8_t>(ip::Protocol::icmpv6);

std::uint16_t checksum_of(Bytes message, const IpAddress& source, const IpAddress& destination) {
  ChecksumSum sum;
  if (source.is_v6()) sum = wire::pseudo_header(source, destination, kIcmpV6, message.size());
  sum.add(message);
  return sum.checksum();
}

std::size_t write_ip_header(MutableBytes room, const EchoRequest& request) {
  if (request.source.is_v6())
    return wire::ipv6::write(room,
                             {.source = request.source,
                              .destination = request.destination,
                              .next_header = kIcmpV6,
                              .hop_limit = request.hop_limit,
                              .payload_length = static_cast<std::uint16_t>(room.size() - wire::ipv6::kHeaderSize)});
  return wire::ipv4::write(room, {.source = request.source,
                                  .destination = request.destination,
                                  .protocol = kIcmp,
                                  .hop_limit = request.hop_limit,
                                  .dont_fragment = true,
                                  .total_length = static_cast<std::uint16_t>(room.size())});
}

/// What both families' headers say, and the bytes behind them.
struct Layers {
  IpAddress source;
  IpAddress destination;
  std::uint8_t protocol = 0;
  std::uint8_t hop_limit = 0;
  Bytes payload;
};

std::optional<Layers> read_v4(Bytes packet, bool quoted) {
  const auto header = quoted ? wire::ipv4::parse_quoted(packet) : wire::ipv4::parse(packet);
  if (!header || header->is_fragment()) return std::nullopt;
  const std::size_t end = std::min<std::size_t>(packet.size(), header->total_length);
  if (header->header_size > end) return std::nullopt;
  const Bytes payload = packet.first(end).subspan(header->header_size);
  return Layers{header->source, header->destination, header->protocol, header->hop_limit, payload};
}

std::optional<Layers> read_v6(Bytes packet, bool quoted) {
  const auto header = quoted ? wire::ipv6::parse_quoted(packet) : wire::ipv6::parse(packet);
  if (!header || packet.size() < wire::ipv6::kHeaderSize) return std::nullopt;
  Bytes payload = packet.subspan(wire::ipv6::kHeaderSize);
  payload = payload.first(std::min<std::size_t>(payload.size(), header->payload_length));
  return Layers{header->source, header->destination, header->next_header, header->hop_limit, payload};
}

std::optional<Layers> read_layers(Bytes packet, bool quoted) {
  if (packet.empty()) return std::nullopt;
  return packet[0] >> 4 == 6 ? read_v6(packet, quoted) : read_v4(packet, quoted);
}

std::string_view describe_v4(const icmp::Header& header) {
  if (header.type == icmp::kTimeExceeded) return "time to live exceeded";
  if (header.type != icmp::kUnreachable) return "ICMP error";
  switch (header.code) {
    case 0: return "destination network unreachable";
    case 1: return "destination host unreachable";
    case icmp::kFragmentationNeeded: return "packet too big";
    case 9:
    case 10:
    case 13: return "administratively prohibited";
    default: return "destination unreachable";
  }
}

std::string_view describe_v6(const icmp::Header& header) {
  if (header.type == icmpv6::kTimeExceeded) return "time to live exceeded";
  if (header.type == icmpv6::kPacketTooBig) return "packet too big";
  if (header.type != icmpv6::kUnreachable) return "ICMP error";
  switch (header.code) {
    case 0: return "no route to destination";
    case 1: return "administratively prohibited";
    case 3: return "destination address unreachable";
    default: return "destination unreachable";
  }
}

/// The echo request that an error quotes.
std::optional<EchoAnswer> read_error(const Layers& layers, const icmp::Header& header, bool v6) {
  const auto quoted = read_layers(layers.payload.subspan(icmp::kHeaderSize), true);
  if (!quoted || quoted->protocol != layers.protocol) return std::nullopt;
  const auto request = icmp::parse(quoted->payload);
  if (!request || request->type != (v6 ? icmpv6::kEchoRequest : icmp::kEchoRequest)) return std::nullopt;
  return EchoAnswer{.from = layers.source,
                    .identifier = static_cast<std::uint16_t>(request->rest >> 16),
                    .sequence = static_cast<std::uint16_t>(request->rest),
                    .hop_limit = layers.hop_limit,
                    .size = layers.payload.size(),
                    .error = v6 ? describe_v6(header) : describe_v4(header)};
}

}  // namespace

std::vector<std::uint8_t> write_echo_request(const EchoRequest& request) {
  const bool v6 = request.source.is_v6();
  const std::size_t ip_size = v6 ? wire::ipv6::kHeaderSize : wire::ipv4::kMinimumHeader;
  std::vector<std::uint8_t> packet(ip_size + icmp::kHeaderSize + request.size);
  write_ip_header(packet, request);
  const MutableBytes message = MutableBytes(packet).subspan(ip_size);
  const MutableBytes payload = message.subspan(icmp::kHeaderSize);
  std::iota(payload.begin(), payload.end(), std::uint8_t{0});
  icmp::Header header{.type = v6 ? icmpv6::kEchoRequest : icmp::kEchoRequest,
                      .rest = std::uint32_t{request.identifier} << 16 | request.sequence};
  icmp::write(message, header);
  header.checksum = checksum_of(message, request.source, request.destination);
  icmp::write(message, header);
  return packet;
}

std::optional<EchoAnswer> read_echo_answer(Bytes packet) {
  const auto layers = read_layers(packet, false);
  if (!layers) return std::nullopt;
  const bool v6 = layers->source.is_v6();
  if (layers->protocol != (v6 ? kIcmpV6 : kIcmp)) return std::nullopt;
  const auto header = icmp::parse(layers->payload);
  if (!header || checksum_of(layers->payload, layers->source, layers->destination) != 0) return std::nullopt;
  if (v6 ? icmpv6::is_error(header->type) : icmp::is_error(header->type)) return read_error(*layers, *header, v6);
  if (header->type != (v6 ? icmpv6::kEchoReply : icmp::kEchoReply)) return std::nullopt;
  return EchoAnswer{.from = layers->source,
                    .identifier = static_cast<std::uint16_t>(header->rest >> 16),
                    .sequence = static_cast<std::uint16_t>(header->rest),
                    .hop_limit = layers->hop_limit,
                    .size = layers->payload.size(),
                    .error = {}};
}

void EchoProbe::listen(std::uint16_t identifier, Handler handler) {
  identifier_ = identifier;
  handler_ = std::move(handler);
}

bool EchoProbe::send(const EchoRequest& request) noexcept {
  const std::vector<std::uint8_t> packet = write_echo_request(request);
  return inner().accept(Frame{.head = packet, .body = {}});
}

bool EchoProbe::receive_batch(std::vector<Packet>& into) noexcept {
  const std::size_t before = into.size();
  const bool more = inner().receive_batch(into);
  if (!handler_) return more;
  for (std::size_t i = before; i < into.size(); ++i) {
    const auto answer = read_echo_answer(std::as_const(into[i]).bytes());
    if (answer && answer->identifier == identifier_) handler_(*answer);
  }
  return more;
}

}  // namespace sluice::tools
