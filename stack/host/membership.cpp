// What queries and changes of mind make due; membership_report.cpp sends it.
#include "stack/host/membership.hpp"

#include <algorithm>

#include "stack/ip/groups.hpp"
#include "stack/wire/igmp.hpp"
#include "stack/wire/mld.hpp"
#include "stack/wire/router_alert.hpp"

namespace sluice::host {
namespace {

using wire::GroupVersion;

/// Sources of one group that queries may ask for at a time; beyond it the whole group is answered for.
constexpr std::size_t kMaximumAsked = 256;
/// No answer is instant, whatever the query allows [R3376-5.2-2], [R3810-6.3-1].
constexpr Duration kLeastDelay = std::chrono::milliseconds(1);

/// All-hosts groups (RFC 3376 section 6, RFC 3810 section 6), and IPv6 groups that don't leave the interface.
bool is_unreported(const IpAddress& group) noexcept {
  if (ip::is_all_hosts(group)) return true;
  return group.is_v6() && (group.bytes()[1] & 0x0f) <= 1;
}

ip::Sources list_of(const wire::SourceList& sources) {
  ip::Sources list;
  for (std::size_t i = 0; i < sources.size(); ++i) list.push_back(sources[i]);
  return ip::sorted(std::move(list));
}

/// IGMPv1 knew no options.
bool needs_alert(const wire::GroupMessage& message) noexcept {
  if (const auto* query = std::get_if<wire::GroupQuery>(&message)) return query->version != GroupVersion::v1;
  if (const auto* report = std::get_if<wire::GroupReport>(&message)) return report->version != GroupVersion::v1;
  return true;
}

}  // namespace

Membership::Membership(Family family, const MembershipSettings& settings, const Key& key)
    : family_(family),
      settings_(settings),
      robustness_(std::max<std::uint8_t>(settings.robustness, 1)),  // [R3376-8.1-1], [R3810-9.1-1]
      query_interval_(settings.query_interval),
      random_(key, KeyUse::membership, static_cast<std::uint64_t>(family)) {}

Duration Membership::random_within(Duration limit) noexcept {
  const auto ticks = static_cast<std::uint64_t>(std::max(limit, kLeastDelay).count());
  return Duration(static_cast<Duration::rep>(1 + random_.u64() % ticks));
}

/// A change of version cancels what was pending, in both directions (RFC 3376 7.2.1, RFC 3810 8.2.1).
void Membership::settle(Time now) noexcept {
  const GroupVersion current = now < v1_until_   ? GroupVersion::v1
                               : now < v2_until_ ? GroupVersion::v2
                                                 : GroupVersion::v3;
  if (current == version_) return;
  version_ = current;
  general_at_ = change_at_ = kNever;
  for (auto& [group, entry] : entries_) entry = {.filter = std::move(entry.filter)};
  std::erase_if(entries_, [](const auto& item) { return item.second.filter.is_nobody(); });
}

void Membership::refresh() noexcept {
  next_ = std::min(general_at_, change_at_);
  for (const auto& [group, entry] : entries_) next_ = std::min(next_, entry.answer_at);
}

// --- changes -----------------------------------------------------------------------------------------------------

void Membership::change(const IpAddress& group, ip::SourceFilter filter, Time now) {
  if (is_unreported(group)) return;
  settle(now);
  Entry& entry = entries_[group];
  const ip::SourceFilter before = std::exchange(entry.filter, std::move(filter));
  if (version_ == GroupVersion::v3)
    plan_change(entry, before, now);
  else
    plan_old_change(entry, before, now);
  refresh();
}

/// RFC 3376 5.1, RFC 3810 6.1: a new mode is told with its whole list, else what came and went; each [robustness]
/// times.
void Membership::plan_change(Entry& entry, const ip::SourceFilter& before, Time now) {
  const ip::Sources& now_listed = entry.filter.sources;
  if (before.mode != entry.filter.mode) {
    entry.mode_left = robustness_;  // its reports say all that is left to say of single sources
  } else {
    for (const IpAddress& source :
         ip::without(ip::united(before.sources, now_listed), ip::common(before.sources, now_listed)))
      entry.left[source] = robustness_;
  }
  if (before != entry.filter || entry.filter.is_nobody()) change_at_ = now;
}

void Membership::plan_old_change(Entry& entry, const ip::SourceFilter& before, Time now) {
  const bool is_member = !entry.filter.is_nobody();
  if (is_member && !before.is_nobody()) return;
  entry.leaving = !is_member;
  entry.old_left = is_member ? robustness_ : std::uint8_t{0};
  entry.answer_at = is_member ? now : kNever;
  if (entry.leaving) change_at_ = now;
}

// --- messages ----------------------------------------------------------------------------------------------------

void Membership::receive(const ip::Datagram& datagram, Time now) {
  if (datagram.source.family() != family_) return;
  settle(now);
  const auto message =
      family_ == Family::ipv4 ? wire::igmp::parse(datagram.payload()) : wire::mld::parse(datagram.payload());
  if (!message) {
    const bool unknown = message.fault() == wire::GroupFault::unknown_type;
    counters_.add(unknown ? MembershipCounter::drop_unknown_type : MembershipCounter::drop_malformed);
    return;
  }
  if (!admits(datagram, *message)) return;
  if (const auto* query = std::get_if<wire::GroupQuery>(&*message)) receive_query(*query, now);
  if (const auto* report = std::get_if<wire::GroupReport>(&*message)) receive_report(*report);
  refresh();
}

/// RFC 3376 sections 4 and 9.1, RFC 3810 sections 5 and 6.2.
bool Membership::admits(const ip::Datagram& datagram, const wire::GroupMessage& message) noexcept {
  auto reason = MembershipCounter::count;
  if (datagram.hop_limit != 1)
    reason = MembershipCounter::drop_hop_limit;
  else if (family_ == Family::ipv6 && !datagram.source.is_link_local())
    reason = MembershipCounter::drop_foreign_source;  // [R3810-5.1.14-1]
  else if (needs_alert(message) && !wire::has_router_alert(datagram.packet.bytes()))
    reason = MembershipCounter::drop_no_alert;  // [R3376-9.1-1]
  if (reason == MembershipCounter::count) return true;
  counters_.add(reason);
  return false;
}

void Membership::receive_query(const wire::GroupQuery& query, Time now) {
  counters_.add(MembershipCounter::queries_in);
  learn(query, now);
  settle(now);
  if (version_ == GroupVersion::v3)
    plan_answer(query, now);
  else
    plan_old_answer(query, now);
}

/// Before v3 one answer for a group is enough: another member gave it.
void Membership::receive_report(const wire::GroupReport& report) {
  counters_.add(MembershipCounter::old_reports_in);
  const auto found = entries_.find(report.group);
  if (version_ == GroupVersion::v3 || found == entries_.end()) return;
  Entry& entry = found->second;
  entry.answer_at = kNever;
  entry.old_left = 0;
  entry.reported_last = false;
}

/// RFC 3376 4.1.6, 4.1.7, 7.2.1 and 8.12, RFC 3810 5.1.8, 5.1.9, 8.2.1 and 9.12.
void Membership::learn(const wire::GroupQuery& query, Time now) {
  if (query.version == GroupVersion::v3) {
    if (query.robustness != 0) robustness_ = query.robustness;
    if (query.interval > Duration{}) query_interval_ = query.interval;
    return;
  }
  const Time until = now + robustness_ * query_interval_ + settings_.response_interval;
  (query.version == GroupVersion::v1 ? v1_until_ : v2_until_) = until;
}

/// The five rules of RFC 3376 5.2 and RFC 3810 6.2, in their order.
void Membership::plan_answer(const wire::GroupQuery& query, Time now) {
  const Time at = now + random_within(query.maximum_response);
  if (general_at_ <= at) return;
  if (query.group.is_unspecified()) {
    general_at_ = at;
    return;
  }
  const auto found = entries_.find(query.group);
  if (found == entries_.end() || found->second.filter.is_nobody()) return;
  Entry& entry = found->second;
  const bool is_first = entry.answer_at == kNever;
  const bool is_for_all = query.sources.empty() || (!is_first && entry.asked.empty());
  entry.asked = is_for_all ? ip::Sources{} : ip::united(entry.asked, list_of(query.sources));
  if (entry.asked.size() > kMaximumAsked) entry.asked.clear();
  entry.answer_at = std::min(entry.answer_at, at);
}

/// RFC 2236 section 3, RFC 2710 section 4, RFC 1112 appendix I.
void Membership::plan_old_answer(const wire::GroupQuery& query, Time now) {
  for (auto& [group, entry] : entries_) {
    const bool is_asked = query.group.is_unspecified() || query.group == group;
    if (!is_asked || entry.filter.is_nobody()) continue;
    if (entry.answer_at > now + query.maximum_response) entry.answer_at = now + random_within(query.maximum_response);
  }
}

}  // namespace sluice::host
