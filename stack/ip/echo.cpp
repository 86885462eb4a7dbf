// Requests out; replies and errors in, when they are ours.
#include "stack/ip/echo.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "stack/ip/outbox_sink.hpp"
#include "stack/wire/icmpv6.hpp"
#include "stack/wire/pseudo_header.hpp"

namespace sluice::ip {
namespace {

namespace icmp = wire::icmp;
namespace icmpv6 = wire::icmpv6;

constexpr std::size_t kLargestMessage = 65535;

std::uint8_t request_type(Family family) noexcept {
  return family == Family::ipv4 ? icmp::kEchoRequest : icmpv6::kEchoRequest;
}
std::uint8_t reply_type(Family family) noexcept {
  return family == Family::ipv4 ? icmp::kEchoReply : icmpv6::kEchoReply;
}

std::uint16_t identifier_of(const icmp::Header& header) noexcept {
  return static_cast<std::uint16_t>(header.rest >> 16);
}
std::uint16_t sequence_of(const icmp::Header& header) noexcept { return static_cast<std::uint16_t>(header.rest); }

/// Bytes that say where they stand.
Slice make_data(std::size_t size) {
  Slice data(Buffer::allocate(size), 0, size);
  std::iota(data.mutable_bytes().begin(), data.mutable_bytes().end(), std::uint8_t{0});
  return data;
}

/// The ICMP header, with the checksum over all.
void write_message_head(MutableBytes room, const EchoRequest& request, const IpAddress& source, Bytes data) noexcept {
  icmp::Header header{.type = request_type(source.family()),
                      .rest = std::uint32_t{request.identifier} << 16 | request.sequence};
  icmp::write(room, header);
  ChecksumSum sum;
  if (source.is_v6())
    sum = wire::pseudo_header(source, request.destination, static_cast<std::uint8_t>(Protocol::icmpv6),
                              room.size() + data.size());
  sum.add(room);
  sum.add(data);
  header.checksum = sum.checksum();
  icmp::write(room, header);
}

}  // namespace

std::string_view name(EchoCounter counter) noexcept {
  switch (counter) {
    case EchoCounter::requests_out: return "requests_out";
    case EchoCounter::replies_in: return "replies_in";
    case EchoCounter::errors_in: return "errors_in";
    case EchoCounter::drop_unasked: return "drop_unasked";
    case EchoCounter::drop_queue_full: return "drop_queue_full";
    case EchoCounter::count: break;
  }
  return "";
}

Result<void> Echo::send(const EchoRequest& request, Time now) {
  const Result<IpAddress> chosen = layer_.select_source(request.destination);
  if (!chosen) return chosen.error();
  const IpAddress source = request.source.value_or(*chosen);
  if (source.family() != request.destination.family()) return Errc::address_family;
  if (!layer_.is_local(source)) return Errc::address_not_available;
  if (!layer_.may_talk(source, request.destination)) return Errc::network_unreachable;
  const FourTuple pair{{source, 0}, {request.destination, 0}};
  const bool hears = layer_.shard().owner_of(Protocol::icmp, pair) == layer_.shard().number();
  if (!hears && !layer_.is_local(request.destination)) return Errc::address_not_available;
  if (request.size > kLargestMessage - icmp::kHeaderSize) return Errc::message_too_large;
  const bool v4 = source.is_v4();
  const std::uint8_t usual = request.destination.is_multicast() ? 1 : layer_.config().hop_limit;
  const HeaderFields fields{.source = source,
                            .destination = request.destination,
                            .protocol = v4 ? Protocol::icmp : Protocol::icmpv6,
                            .hop_limit = request.hop_limit ? request.hop_limit : usual,
                            .dont_fragment = request.dont_fragment,
                            .payload_size = icmp::kHeaderSize + request.size};
  std::array<std::uint8_t, kMaximumHeader + icmp::kHeaderSize> head;
  const std::size_t ip_size = header_size(source.family());
  const Slice data = make_data(request.size);
  write_message_head(MutableBytes(head).subspan(ip_size, icmp::kHeaderSize), request, source, data.bytes());
  OutboxSink sink(outbox_);
  const Result<void> sent =
      layer_.send(fields, MutableBytes(head).first(ip_size + icmp::kHeaderSize), {&data, 1}, sink, now);
  if (!sent) return sent;
  remember(request, now);
  log_.add(EchoCounter::requests_out);
  return {};
}

void Echo::remember(const EchoRequest& request, Time now) noexcept {
  auto place = std::find_if(asked_.begin(), asked_.end(), [&](const Asked& one) {
    return one.identifier == request.identifier && one.destination == request.destination;
  });
  if (place == asked_.end())
    place = std::min_element(asked_.begin(), asked_.end(),
                             [](const Asked& a, const Asked& b) { return a.until < b.until; });
  *place = {request.identifier, request.destination, now + kPatience};
}

bool Echo::asked(std::uint16_t identifier, const IpAddress& destination, Time now) const noexcept {
  return std::any_of(asked_.begin(), asked_.end(), [&](const Asked& one) {
    return one.until > now && one.identifier == identifier && one.destination == destination;
  });
}

/// Of a group anybody may answer, each from an address of its own [R4443-4.2-2].
bool Echo::asked_group(std::uint16_t identifier, Time now) const noexcept {
  return std::any_of(asked_.begin(), asked_.end(), [&](const Asked& one) {
    return one.until > now && one.identifier == identifier &&
           (one.destination.is_multicast() || layer_.is_broadcast(one.destination));
  });
}

void Echo::keep(const EchoAnswer& answer, EchoCounter what, Time now) {
  if (answers_.size() >= kMaximumAnswers) return log_.drop(EchoCounter::drop_queue_full, now);
  log_.add(what);
  answers_.push_back(answer);
}

/// RFC 1122 3.2.2.6: a reply goes to whoever asked, and to nobody else [R1122-3.2.2.6-4].
void Echo::receive(const Datagram& reply, Time now) {
  const auto header = icmp::parse(reply.payload());
  if (!header || header->type != reply_type(reply.source.family())) return;
  const std::uint16_t identifier = identifier_of(*header);
  const bool named = asked(identifier, reply.source, now);
  if (!named && !asked_group(identifier, now)) return log_.drop(EchoCounter::drop_unasked, now);
  if (named) layer_.confirm(reply.source, now);
  keep({.from = reply.source,
        .identifier = identifier,
        .sequence = sequence_of(*header),
        .hop_limit = reply.hop_limit,
        .size = reply.payload().size()},
       EchoCounter::replies_in, now);
}

void Echo::icmp_error(const IcmpError& error, Time now) {
  const auto quoted = icmp::parse(error.quote());
  if (!quoted || quoted->type != request_type(error.remote.family()) ||
      !asked(identifier_of(*quoted), error.remote, now))
    return log_.drop(EchoCounter::drop_unasked, now);
  if (error.kind == IcmpKind::packet_too_big) layer_.lower_path_mtu(error.remote, error.mtu, error.quoted_length, now);
  keep({.from = error.reporter,
        .identifier = identifier_of(*quoted),
        .sequence = sequence_of(*quoted),
        .error = error.kind,
        .code = error.code},
       EchoCounter::errors_in, now);
}

}  // namespace sluice::ip
