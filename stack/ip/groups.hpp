// Who on this host listens to which multicast group, and to whom in it (RFC 1112 7.1, RFC 3376 3, RFC 3810 4).
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "stack/base/result.hpp"
#include "stack/base/slot_map.hpp"
#include "stack/ip/source_filter.hpp"
#include "stack/wire/address.hpp"

namespace sluice::ip {

/// A socket of the UDP layer, or the host itself.
using GroupListener = SlotId;
/// For what the stack joins on its own account, such as solicited-node groups: generation 0 names no socket.
inline constexpr GroupListener kHostListens{~std::uint32_t{0}, 0};

/// 224.0.0.1, ff01::1 and ff02::1: every host is in them, joins are not needed and never reported [R1112-7-1].
bool is_all_hosts(const IpAddress& group) noexcept;

/// The reception state of one interface: what its listeners want, merged. Lookup costs the logarithm of the groups.
class Groups {
 public:
  static constexpr std::size_t kMaximumGroups = 256;
  /// In one listener's list; RFC 3376 section 2 forbids less.
  static constexpr std::size_t kMaximumSources = 64;

  using Listeners = std::vector<std::pair<GroupListener, SourceFilter>>;

  /// From now on `listener` wants this of the group; a filter of nobody leaves it. invalid_argument when `group` is not
  /// multicast or a source is no unicast address of its family; no_buffer_space beyond the limits [R3376-2-1].
  Result<void> listen(GroupListener listener, const IpAddress& group, SourceFilter filter);
  /// Takes `listener` out of all groups.
  void leave_all(GroupListener listener);

  /// What `listener` asked for; nobody when it never did.
  SourceFilter filter_of(GroupListener listener, const IpAddress& group) const;
  /// Somebody listens, to whomever: what a link's address filter has to let through.
  bool contains(const IpAddress& group) const noexcept { return groups_.contains(group); }
  /// All that listen; empty when nobody does. Valid until the next listen() or leave_all().
  const Listeners& listeners(const IpAddress& group) const noexcept;
  /// The filters of all listeners as one [R3376-3.2-1].
  SourceFilter merged(const IpAddress& group) const;
  std::size_t size() const noexcept { return groups_.size(); }

  /// A group whose merged filter may have changed since it was last told, each once; all-hosts groups are never told.
  std::optional<IpAddress> take_changed();

 private:
  void mark(const IpAddress& group);

  std::map<IpAddress, Listeners> groups_;
  std::vector<IpAddress> changed_;
};

}  // namespace sluice::ip
