// The IP layer's addresses, path MTUs and time; receive.cpp takes packets in, send.cpp lets them out.
#include "stack/ip/layer.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "stack/ip/layer_state.hpp"

namespace sluice::ip {
namespace {

/// RFC 3021: networks of two or one address have no broadcast.
constexpr unsigned kLongestPrefixWithBroadcast = 30;

bool is_directed_broadcast(const Prefix& prefix, const IpAddress& address) noexcept {
  if (prefix.address.is_v6() || prefix.length > kLongestPrefixWithBroadcast || !prefix.contains(address)) return false;
  const std::uint32_t host_bits = 0xffffffffu >> prefix.length;
  return (address.v4_number() & host_bits) == host_bits;
}

}  // namespace

Layer::Layer(Config config, const Key& key, Outbox& outbox, Budget& budget, Tracer tracer)
    : config_(std::move(config)), state_(std::make_unique<State>(*this, key, outbox, budget, tracer)) {}

Layer::~Layer() = default;

const Counters<Counter>& Layer::counters() const noexcept { return state_->log.counters; }

void Layer::handle_timeout(Time now) {
  state_->path_mtus.expire(now);
  while (const std::optional<Slice> first = state_->reassembly.expire_one(now)) {
    // [R1122-3.3.2-3], [R8200-4.5-4]
    if (!first->empty()) state_->send_time_exceeded(first->bytes(), now);
  }
}

Time Layer::next_timeout() const noexcept {
  return std::min(state_->path_mtus.next_expiry(), state_->reassembly.next_expiry());
}

bool Layer::is_ours(const IpAddress& address) const noexcept {
  for (const Prefix& prefix : config_.addresses)
    if (prefix.address == address) return true;
  return false;
}

bool Layer::is_local(const IpAddress& address) const noexcept { return address.is_loopback() || is_ours(address); }

bool Layer::is_broadcast(const IpAddress& address) const noexcept {
  if (address.is_v6()) return false;
  if (address.is_limited_broadcast()) return true;
  for (const Prefix& prefix : config_.addresses)
    if (is_directed_broadcast(prefix, address)) return true;
  return false;
}

// Groups that every host belongs to: 224.0.0.1 [R1112-7-1], ff01::1 and ff02::1 (RFC 4291 2.8).
bool Layer::is_group(const IpAddress& address) const noexcept {
  if (address.is_v4()) return address == IpAddress::v4(224, 0, 0, 1) || is_broadcast(address);
  std::array<std::uint8_t, 16> all_nodes{0xff, 0x02};
  all_nodes[15] = 1;
  if (address == IpAddress::v6(all_nodes)) return true;
  all_nodes[1] = 0x01;
  return address == IpAddress::v6(all_nodes);
}

Result<IpAddress> Layer::select_source(const IpAddress& destination) const noexcept {
  if (destination.is_unspecified() || destination.is_loopback()) return Errc::network_unreachable;
  // RFC 6724 section 5, rules 1, 2 and 8: the address itself, the same scope, the on-link prefix (the longest of them).
  const auto rank = [&](const Prefix& prefix) {
    return std::tuple(prefix.address == destination, prefix.address.is_link_local() == destination.is_link_local(),
                      prefix.contains(destination) ? prefix.length + 1 : 0);
  };
  const Prefix* best = nullptr;
  for (const Prefix& prefix : config_.addresses)
    if (prefix.address.family() == destination.family() && (!best || rank(prefix) > rank(*best))) best = &prefix;
  if (!best) return Errc::network_unreachable;
  return best->address;
}

std::size_t Layer::path_mtu(const IpAddress& destination) const noexcept { return state_->path_mtus.find(destination); }

std::size_t Layer::lower_path_mtu(const IpAddress& destination, std::size_t mtu, std::size_t quoted_length, Time now) {
  const bool lowered = state_->path_mtus.lower(destination, mtu, quoted_length, now);
  state_->log.add(lowered ? Counter::path_mtu_lowered : Counter::path_mtu_ignored);
  return path_mtu(destination);
}

bool Layer::below_floor(const IpAddress& destination) const noexcept {
  return state_->path_mtus.below_floor(destination);
}

std::uint16_t Layer::next_identification(const IpAddress& destination) noexcept {
  return static_cast<std::uint16_t>(state_->identifications.next(destination));
}

}  // namespace sluice::ip
