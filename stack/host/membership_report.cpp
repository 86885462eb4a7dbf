// Reports that are due, and the names of what is counted; see membership.hpp.
#include <array>

#include "stack/host/membership.hpp"

namespace sluice::host {
namespace {

using ip::FilterMode;
using wire::RecordType;

constexpr std::size_t kReportHead = 8;
/// No link of ours carries more in one report than this.
constexpr std::size_t kLargestReport = 1500;

IpAddress link_group(std::uint8_t last) noexcept {
  std::array<std::uint8_t, 16> bytes{0xff, 0x02};
  bytes[15] = last;
  return IpAddress::v6(bytes);
}

/// Routers that understand records: 224.0.0.22, ff02::16.
IpAddress reports_go_to(Family family) noexcept {
  return family == Family::ipv4 ? IpAddress::v4(224, 0, 0, 22) : link_group(0x16);
}

IpAddress all_routers(Family family) noexcept {
  return family == Family::ipv4 ? IpAddress::v4(224, 0, 0, 2) : link_group(2);
}

GroupState current_state(const IpAddress& group, const ip::SourceFilter& filter) {
  return {filter.mode == FilterMode::include ? RecordType::is_include : RecordType::is_exclude, group, filter.sources};
}

/// RFC 3376 5.2: of the sources asked for, those that are wanted.
ip::Sources wanted(const ip::SourceFilter& filter, const ip::Sources& asked) {
  return filter.mode == FilterMode::include ? ip::common(filter.sources, asked) : ip::without(asked, filter.sources);
}

/// The sources that still have to be told, as those now wanted and those not; each is told once more.
struct SourceChanges {
  ip::Sources allowed = {};
  ip::Sources blocked = {};
};

SourceChanges take_changes(std::map<IpAddress, std::uint8_t>& left, const ip::SourceFilter& filter) {
  SourceChanges changes;
  for (auto& [source, count] : left) {
    (filter.admits(source) ? changes.allowed : changes.blocked).push_back(source);
    --count;
  }
  std::erase_if(left, [](const auto& item) { return item.second == 0; });
  return changes;
}

}  // namespace

void Membership::poll_transmit(const IpAddress& source, Time now, FrameSink& sink) {
  if (next_ > now) return;
  settle(now);
  const bool unusable = family_ == Family::ipv6 && !source.is_link_local();
  const IpAddress from = unusable ? IpAddress::any(Family::ipv6) : source;
  if (version_ == wire::GroupVersion::v3) {
    if (change_at_ <= now) send_changes(from, now, sink);
    send_answers(from, now, sink);
  } else {
    send_old(from, now, sink);
  }
  refresh();
}

/// RFC 3376 5.1, RFC 3810 6.1.
void Membership::send_changes(const IpAddress& source, Time now, FrameSink& sink) {
  std::vector<GroupState> states;
  bool again = false;
  for (auto& [group, entry] : entries_) {
    const SourceChanges changes = take_changes(entry.left, entry.filter);
    if (entry.mode_left > 0) {
      --entry.mode_left;
      const bool include = entry.filter.mode == FilterMode::include;
      states.push_back({include ? RecordType::to_include : RecordType::to_exclude, group, entry.filter.sources});
    } else {
      if (!changes.allowed.empty()) states.push_back({RecordType::allow, group, changes.allowed});
      if (!changes.blocked.empty()) states.push_back({RecordType::block, group, changes.blocked});
    }
    again |= entry.mode_left > 0 || !entry.left.empty();
  }
  change_at_ = again ? now + random_within(settings_.change_interval) : kNever;
  std::erase_if(entries_, [](const auto& item) {
    const Entry& entry = item.second;
    return entry.filter.is_nobody() && entry.mode_left == 0 && entry.left.empty();
  });
  send_records(states, source, sink);
}

/// RFC 3376 5.2, RFC 3810 6.3.
void Membership::send_answers(const IpAddress& source, Time now, FrameSink& sink) {
  std::vector<GroupState> states;
  const bool general = general_at_ <= now;
  if (general) general_at_ = kNever;
  for (auto& [group, entry] : entries_) {
    const bool asked_for = entry.answer_at <= now;
    const ip::Sources asked = asked_for ? std::exchange(entry.asked, {}) : ip::Sources{};
    if (asked_for) entry.answer_at = kNever;
    if (entry.filter.is_nobody()) continue;
    if (general || (asked_for && asked.empty())) {
      states.push_back(current_state(group, entry.filter));
    } else if (asked_for) {
      ip::Sources sources = wanted(entry.filter, asked);
      if (!sources.empty()) states.push_back({RecordType::is_include, group, std::move(sources)});
    }
  }
  send_records(states, source, sink);
}

/// RFC 2236 section 3, RFC 2710 section 4; IGMPv1 knows no leaving.
void Membership::send_old(const IpAddress& source, Time now, FrameSink& sink) {
  for (auto& [group, entry] : entries_) {
    if (entry.leaving && entry.reported_last && version_ == wire::GroupVersion::v2)
      send(wire::GroupLeave{group}, source, all_routers(family_), sink);
    if (entry.answer_at > now) continue;
    send(wire::GroupReport{version_, group}, source, group, sink);
    entry.reported_last = true;
    if (entry.old_left > 0) --entry.old_left;
    entry.answer_at = entry.old_left > 0 ? now + random_within(settings_.old_report_interval) : kNever;
  }
  std::erase_if(entries_, [](const auto& item) { return item.second.leaving; });
  change_at_ = kNever;
}

void Membership::send_records(std::span<const GroupState> states, const IpAddress& source, FrameSink& sink) {
  const std::size_t packet = std::min(settings_.mtu, kLargestReport);
  const std::size_t room = packet - membership_head(family_) - kReportHead;
  const std::size_t width = family_ == Family::ipv4 ? 4 : 16;
  const std::vector<wire::RecordFields> records = records_of(states, (room - 4 - width) / width);
  for (std::span<const wire::RecordFields> left = records; !left.empty();) {
    const std::size_t count = records_that_fit(left, room);
    send(left.first(count), source, reports_go_to(family_), sink);
    left = left.subspan(count);
  }
}

void Membership::send(const OutgoingMessage& message, const IpAddress& source, const IpAddress& destination,
                      FrameSink& sink) {
  std::array<std::uint8_t, kLargestReport> room;
  const std::size_t size = write_membership(room, message, source, destination);
  const Frame frame{.head = Bytes(room).first(size),
                    .body = {},
                    .transport_offset = static_cast<std::uint16_t>(membership_head(family_))};
  counters_.add(sink.accept(frame) ? MembershipCounter::messages_out : MembershipCounter::drop_sink_full);
}

std::string_view name(MembershipCounter counter) noexcept {
  switch (counter) {
    case MembershipCounter::queries_in: return "queries_in";
    case MembershipCounter::old_reports_in: return "old_reports_in";
    case MembershipCounter::messages_out: return "messages_out";
    case MembershipCounter::drop_sink_full: return "drop_sink_full";
    case MembershipCounter::drop_hop_limit: return "drop_hop_limit";
    case MembershipCounter::drop_no_alert: return "drop_no_alert";
    case MembershipCounter::drop_foreign_source: return "drop_foreign_source";
    case MembershipCounter::drop_malformed: return "drop_malformed";
    case MembershipCounter::drop_unknown_type: return "drop_unknown_type";
    case MembershipCounter::count: break;
  }
  return "unknown";
}

}  // namespace sluice::host
