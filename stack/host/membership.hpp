// The host's side of IGMP (RFC 3376, with RFC 2236 and RFC 1112) and of MLD (RFC 3810, with RFC 2710): tells routers
// which groups are listened to here.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "stack/base/counters.hpp"
#include "stack/base/packet.hpp"
#include "stack/base/random.hpp"
#include "stack/base/time.hpp"
#include "stack/host/membership_packet.hpp"
#include "stack/ip/datagram.hpp"
#include "stack/ip/source_filter.hpp"
#include "stack/wire/group_message.hpp"

namespace sluice::host {

/// What routers usually say; a querier's word on robustness and interval replaces it.
struct MembershipSettings {
  std::uint8_t robustness = 2;  ///< how often a change is told, 1..7; RFC 3376 8.1 forbids 0 and advises against 1
  Duration change_interval = std::chrono::seconds(1);       ///< RFC 3376 8.11, RFC 3810 9.11
  Duration old_report_interval = std::chrono::seconds(10);  ///< RFC 2236 8.10, RFC 2710 7.10
  Duration query_interval = std::chrono::seconds(125);      ///< RFC 3376 8.2, RFC 3810 9.2
  Duration response_interval = std::chrono::seconds(10);    ///< RFC 3376 8.3, RFC 3810 9.3
  std::size_t mtu = 1500;                                   ///< bytes of the largest report with its IP header
};

enum class MembershipCounter : std::uint8_t {
  queries_in,
  old_reports_in,       ///< by which others save us an answer
  messages_out,         ///< accepted by the sink
  drop_sink_full,       ///< lost: its repetition, or the next query, makes up for it
  drop_hop_limit,       ///< not 1, so not from this link
  drop_no_alert,        ///< lacks the Router Alert option
  drop_foreign_source,  ///< MLD from an address that is not link-local
  drop_malformed,
  drop_unknown_type,
  count,
};

/// snake_case, as tools list it.
std::string_view name(MembershipCounter counter) noexcept;

/// One family's machine for one interface. Counts versions as IGMP does: MLDv1 is v2, MLDv2 is v3.
class Membership {
 public:
  Membership(Family family, const MembershipSettings& settings, const Key& key);

  /// The host now wants this of the group (ip::Groups::merged): told at the next poll_transmit(), and again
  /// [robustness] times in all. REQUIRES a group of this family. Groups of which routers need not know are passed over.
  void change(const IpAddress& group, ip::SourceFilter filter, Time now);
  /// An IGMP or MLD message, its ICMPv6 checksum already verified. Anything else is harmless.
  void receive(const ip::Datagram& datagram, Time now);
  Time next_timeout() const noexcept { return next_; }
  /// Sends what is due, as whole packets from `source`: an IPv4 address of ours or 0.0.0.0; for IPv6 a link-local one,
  /// any other counts as none there is yet [R3810-5.2.13-1]. What the sink refuses is lost, as on a bad link.
  void poll_transmit(const IpAddress& source, Time now, FrameSink& sink);

  /// What the querier of this link speaks, and we therefore too (RFC 3376 7.2.1, RFC 3810 8.2.1).
  wire::GroupVersion version() const noexcept { return version_; }
  const Counters<MembershipCounter>& counters() const noexcept { return counters_; }

 private:
  /// What routers were told, and what they have to be told yet.
  struct Entry {
    ip::SourceFilter filter;                      ///< nobody: only repetitions are left of it
    std::uint8_t mode_left = 0;                   ///< reports due of the new filter mode
    std::map<IpAddress, std::uint8_t> left = {};  ///< reports due of sources that came or went
    Time answer_at = kNever;                      ///< to a query for this group; before v3: the next report
    ip::Sources asked = {};                       ///< by a query for sources; empty: by one for the group
    std::uint8_t old_left = 0;                    ///< before v3: reports due that nobody asked for
    bool reported_last = false;                   ///< before v3: no other member has reported since we did
    bool leaving = false;                         ///< before v3: routers are to hear that we left
  };
  using Entries = std::map<IpAddress, Entry>;

  // membership.cpp
  bool admits(const ip::Datagram& datagram, const wire::GroupMessage& message) noexcept;
  void receive_query(const wire::GroupQuery& query, Time now);
  void receive_report(const wire::GroupReport& report);
  void learn(const wire::GroupQuery& query, Time now);
  void plan_answer(const wire::GroupQuery& query, Time now);
  void plan_old_answer(const wire::GroupQuery& query, Time now);
  void plan_change(Entry& entry, const ip::SourceFilter& before, Time now);
  void plan_old_change(Entry& entry, const ip::SourceFilter& before, Time now);
  void settle(Time now) noexcept;
  void refresh() noexcept;
  Duration random_within(Duration limit) noexcept;

  // membership_report.cpp
  void send_changes(const IpAddress& source, Time now, FrameSink& sink);
  void send_answers(const IpAddress& source, Time now, FrameSink& sink);
  void send_old(const IpAddress& source, Time now, FrameSink& sink);
  void send_records(std::span<const GroupState> states, const IpAddress& source, FrameSink& sink);
  void send(const OutgoingMessage& message, const IpAddress& source, const IpAddress& destination, FrameSink& sink);

  Family family_;
  MembershipSettings settings_;
  std::uint8_t robustness_;
  Duration query_interval_;
  Random random_;
  wire::GroupVersion version_ = wire::GroupVersion::v3;
  Time v1_until_{};  ///< a querier of this version counts as present
  Time v2_until_{};
  Entries entries_;
  Time general_at_ = kNever;  ///< the answer to a General Query
  Time change_at_ = kNever;   ///< the next report of changes; before v3: of leaving
  Time next_ = kNever;
  Counters<MembershipCounter> counters_;
};

}  // namespace sluice::host
