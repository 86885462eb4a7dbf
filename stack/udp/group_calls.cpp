// A socket's memberships in multicast groups (RFC 3376 section 2), by whole filters and by steps (RFC 3678 4.1).
#include <algorithm>
#include <utility>

#include "stack/udp/layer_state.hpp"

namespace sluice::udp {
namespace {

using ip::FilterMode;
using ip::SourceFilter;

/// The filter with `source` in its list or not; `mode` is what the call is about.
Result<SourceFilter> stepped(const SourceFilter& before, FilterMode mode, const IpAddress& source, bool listed) {
  if (before.mode != mode) return Errc::invalid_argument;
  if (ip::contains(before.sources, source) == listed) return Errc::address_not_available;
  return SourceFilter{mode, listed ? ip::united(before.sources, {source}) : ip::without(before.sources, {source})};
}

}  // namespace

Result<void> Layer::State::listen(const BoundSocket& socket, const GroupAt& group, SourceFilter filter) {
  const IpAddress& name = socket.bound.address;
  const bool reachable =
      name.family() == group.address.family() || (name.is_v6() && name.is_unspecified() && socket.options.dual_stack);
  if (!reachable) return Errc::address_family;
  if (group.interface >= ip.interface_count()) return Errc::no_device;
  return ip.groups(group.interface).listen(socket.id, group.address, std::move(filter));
}

Result<void> Layer::State::step(const BoundSocket& socket, const GroupAt& group, FilterMode mode,
                                const IpAddress& source, bool listed) {
  if (group.interface >= ip.interface_count()) return Errc::no_device;
  const SourceFilter before = ip.groups(group.interface).filter_of(socket.id, group.address);
  Result<SourceFilter> after = stepped(before, mode, source, listed);
  if (!after) return after.error();
  return listen(socket, group, *std::move(after));
}

Result<void> Socket::set_group_filter(const GroupAt& group, SourceFilter filter) {
  BoundSocket* const socket = find();
  if (!socket) return Errc::stale_handle;
  for (IpAddress& source : filter.sources) source = source.unmapped();
  return layer_->state_->listen(*socket, group, std::move(filter));
}

Result<SourceFilter> Socket::group_filter(const GroupAt& group) const {
  const BoundSocket* const socket = find();
  if (!socket) return Errc::stale_handle;
  const ip::Layer& ip = layer_->state_->ip;
  if (group.interface >= ip.interface_count()) return Errc::no_device;
  return ip.groups(group.interface).filter_of(socket->id, group.address);
}

Result<void> Socket::join(const GroupAt& group) {
  const Result<SourceFilter> before = group_filter(group);
  if (!before) return before.error();
  if (!before->is_nobody()) return Errc::address_in_use;
  return set_group_filter(group, SourceFilter::everybody());
}

Result<void> Socket::leave(const GroupAt& group) {
  const Result<SourceFilter> before = group_filter(group);
  if (!before) return before.error();
  if (before->is_nobody()) return Errc::address_not_available;
  return set_group_filter(group, {});
}

Result<void> Socket::list_source(const GroupAt& group, FilterMode mode, const IpAddress& source, bool listed) {
  BoundSocket* const socket = find();
  if (!socket) return Errc::stale_handle;
  return layer_->state_->step(*socket, group, mode, source.unmapped(), listed);
}

Result<void> Socket::block_source(const GroupAt& group, const IpAddress& source) {
  return list_source(group, FilterMode::exclude, source, true);
}

Result<void> Socket::unblock_source(const GroupAt& group, const IpAddress& source) {
  return list_source(group, FilterMode::exclude, source, false);
}

Result<void> Socket::join_source(const GroupAt& group, const IpAddress& source) {
  return list_source(group, FilterMode::include, source, true);
}

Result<void> Socket::leave_source(const GroupAt& group, const IpAddress& source) {
  return list_source(group, FilterMode::include, source, false);
}

}  // namespace sluice::udp
