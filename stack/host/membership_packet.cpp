// Packets around IGMP and MLD messages; see membership_packet.hpp.
#include "stack/host/membership_packet.hpp"

#include <algorithm>

#include "stack/wire/igmp.hpp"
#include "stack/wire/ipv4.hpp"
#include "stack/wire/ipv6.hpp"
#include "stack/wire/ipv6_chain.hpp"
#include "stack/wire/mld.hpp"
#include "stack/wire/router_alert.hpp"

namespace sluice::host {
namespace {

constexpr std::uint8_t kIgmp = 2;
constexpr std::uint8_t kIcmpv6 = 58;
/// RFC 3376 section 4: precedence "internetwork control", 0xC0 in the type of service.
constexpr std::uint8_t kInternetworkControl = 48;
constexpr std::size_t kHead4 = wire::ipv4::kMinimumHeader + wire::kRouterAlertOption.size();
constexpr std::size_t kHead6 = wire::ipv6::kHeaderSize + wire::kRouterAlertHeader;

std::size_t write_message_v4(MutableBytes room, const OutgoingMessage& message) noexcept {
  if (const auto* report = std::get_if<wire::GroupReport>(&message)) return wire::igmp::write(room, *report);
  if (const auto* leave = std::get_if<wire::GroupLeave>(&message)) return wire::igmp::write(room, *leave);
  return wire::igmp::write(room, *std::get_if<std::span<const wire::RecordFields>>(&message));
}

std::size_t write_message_v6(MutableBytes room, const OutgoingMessage& message, const wire::mld::Way& way) noexcept {
  if (const auto* report = std::get_if<wire::GroupReport>(&message)) return wire::mld::write(room, *report, way);
  if (const auto* leave = std::get_if<wire::GroupLeave>(&message)) return wire::mld::write(room, *leave, way);
  return wire::mld::write(room, *std::get_if<std::span<const wire::RecordFields>>(&message), way);
}

std::size_t write_v4(MutableBytes room, const OutgoingMessage& message, const IpAddress& source,
                     const IpAddress& destination) noexcept {
  const std::size_t size = kHead4 + write_message_v4(room.subspan(kHead4), message);
  wire::ipv4::write(room,
                    {.source = source,
                     .destination = destination,
                     .protocol = kIgmp,
                     .hop_limit = 1,
                     .dscp = kInternetworkControl,
                     .dont_fragment = true,
                     .total_length = static_cast<std::uint16_t>(size)},
                    wire::kRouterAlertOption);
  return size;
}

std::size_t write_v6(MutableBytes room, const OutgoingMessage& message, const IpAddress& source,
                     const IpAddress& destination) noexcept {
  const std::size_t size = kHead6 + write_message_v6(room.subspan(kHead6), message, {source, destination});
  wire::ipv6::write(room, {.source = source,
                           .destination = destination,
                           .next_header = wire::ipv6::kHopByHop,
                           .hop_limit = 1,
                           .payload_length = static_cast<std::uint16_t>(size - wire::ipv6::kHeaderSize)});
  wire::write_router_alert(room.subspan(wire::ipv6::kHeaderSize), kIcmpv6);
  return size;
}

bool excludes(wire::RecordType type) noexcept {
  return type == wire::RecordType::is_exclude || type == wire::RecordType::to_exclude;
}

}  // namespace

std::size_t membership_head(Family family) noexcept { return family == Family::ipv4 ? kHead4 : kHead6; }

std::size_t write_membership(MutableBytes room, const OutgoingMessage& message, const IpAddress& source,
                             const IpAddress& destination) noexcept {
  return source.is_v4() ? write_v4(room, message, source, destination) : write_v6(room, message, source, destination);
}

std::vector<wire::RecordFields> records_of(std::span<const GroupState> states, std::size_t limit) {
  std::vector<wire::RecordFields> records;
  for (const GroupState& state : states) {
    std::span<const IpAddress> sources = state.sources;
    if (excludes(state.type)) sources = sources.first(std::min(sources.size(), limit));
    do {
      const std::size_t part = std::min(sources.size(), limit);
      records.push_back({state.type, state.group, sources.first(part)});
      sources = sources.subspan(part);
    } while (!sources.empty());
  }
  return records;
}

std::size_t records_that_fit(std::span<const wire::RecordFields> records, std::size_t room) noexcept {
  std::size_t count = 0;
  std::size_t used = 0;
  while (count < records.size()) {
    used += wire::record_size(records[count]);
    if (used > room) break;
    ++count;
  }
  return std::max<std::size_t>(count, 1);
}

}  // namespace sluice::host
