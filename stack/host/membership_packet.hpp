// IGMP and MLD messages as whole packets: hop limit 1 and Router Alert around what wire/ writes.
#pragma once

#include <cstddef>
#include <span>
#include <variant>
#include <vector>

#include "stack/base/bytes.hpp"
#include "stack/ip/source_filter.hpp"
#include "stack/wire/group_message.hpp"

namespace sluice::host {

using OutgoingMessage = std::variant<wire::GroupReport, wire::GroupLeave, std::span<const wire::RecordFields>>;

/// Bytes before the message: an IP header and a Router Alert.
std::size_t membership_head(Family family) noexcept;

/// Writes the packet and answers its size. REQUIRES the room and addresses of one family [R3376-4-1], [R3810-5-1].
std::size_t write_membership(MutableBytes room, const OutgoingMessage& message, const IpAddress& source,
                             const IpAddress& destination) noexcept;

/// What a record says of a group.
struct GroupState {
  wire::RecordType type = wire::RecordType::is_include;
  IpAddress group;
  ip::Sources sources = {};
};

/// Records for `states`, none of them with more than `limit` sources: lists are spread over several records, but a list
/// of excluded ones is cut short (RFC 3376 4.2.16). Valid as long as `states`.
std::vector<wire::RecordFields> records_of(std::span<const GroupState> states, std::size_t limit);

/// How many of the first records fit in `room` bytes of a report; at least one.
std::size_t records_that_fit(std::span<const wire::RecordFields> records, std::size_t room) noexcept;

}  // namespace sluice::host
