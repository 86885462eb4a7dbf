// Joining, leaving and merging; see groups.hpp.
#include "stack/ip/groups.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace sluice::ip {
namespace {

const Groups::Listeners kNoListeners;

bool is_source(const IpAddress& address, Family family) noexcept {
  return address.family() == family && !address.is_invalid_source();
}

bool is_well_formed(const IpAddress& group, const SourceFilter& filter) noexcept {
  return group.is_multicast() && std::all_of(filter.sources.begin(), filter.sources.end(),
                                             [&](const auto& source) { return is_source(source, group.family()); });
}

auto find_listener(auto& listeners, GroupListener wanted) noexcept {
  return std::find_if(listeners.begin(), listeners.end(), [&](const auto& entry) { return entry.first == wanted; });
}

}  // namespace

bool is_all_hosts(const IpAddress& group) noexcept {
  if (group.is_v4()) return group == IpAddress::v4(224, 0, 0, 1);
  std::array<std::uint8_t, 16> all_nodes{0xff, 0x02};
  all_nodes[15] = 1;
  if (group == IpAddress::v6(all_nodes)) return true;
  all_nodes[1] = 0x01;
  return group == IpAddress::v6(all_nodes);
}

Result<void> Groups::listen(GroupListener listener, const IpAddress& group, SourceFilter filter) {
  if (!is_well_formed(group, filter)) return Errc::invalid_argument;
  filter.sources = sorted(std::move(filter.sources));
  if (filter.sources.size() > kMaximumSources) return Errc::no_buffer_space;
  if (!contains(group) && !filter.is_nobody() && groups_.size() == kMaximumGroups) return Errc::no_buffer_space;
  Listeners& listeners = groups_[group];
  const auto entry = find_listener(listeners, listener);
  if (entry != listeners.end() && filter.is_nobody())
    listeners.erase(entry);
  else if (entry != listeners.end())
    entry->second = std::move(filter);
  else if (!filter.is_nobody())
    listeners.emplace_back(listener, std::move(filter));
  if (listeners.empty()) groups_.erase(group);
  mark(group);
  return {};
}

void Groups::leave_all(GroupListener listener) {
  for (auto at = groups_.begin(); at != groups_.end();) {
    Listeners& listeners = at->second;
    const auto entry = find_listener(listeners, listener);
    if (entry != listeners.end()) {
      listeners.erase(entry);
      mark(at->first);
    }
    at = listeners.empty() ? groups_.erase(at) : std::next(at);
  }
}

SourceFilter Groups::filter_of(GroupListener listener, const IpAddress& group) const {
  const Listeners& all = listeners(group);
  const auto entry = find_listener(all, listener);
  return entry == all.end() ? SourceFilter{} : entry->second;
}

const Groups::Listeners& Groups::listeners(const IpAddress& group) const noexcept {
  const auto found = groups_.find(group);
  return found == groups_.end() ? kNoListeners : found->second;
}

SourceFilter Groups::merged(const IpAddress& group) const {
  SourceFilter all;
  for (const auto& [listener, filter] : listeners(group)) all = all.merged_with(filter);
  return all;
}

std::optional<IpAddress> Groups::take_changed() {
  if (changed_.empty()) return std::nullopt;
  const IpAddress group = changed_.front();
  changed_.erase(changed_.begin());
  return group;
}

void Groups::mark(const IpAddress& group) {
  if (!is_all_hosts(group) && std::find(changed_.begin(), changed_.end(), group) == changed_.end())
    changed_.push_back(group);
}

}  // namespace sluice::ip
