// The IP layer's addresses, path MTUs and time; receive.cpp takes packets in, send.cpp lets them out.
#include "stack/ip/layer.hpp"

#include <algorithm>
#include <cassert>

#include "stack/ip/layer_state.hpp"
#include "stack/ip/link.hpp"
#include "stack/wire/ndp.hpp"

namespace sluice::ip {
Layer::Layer(Config config, const Key& key, Outbox& outbox, Budget& budget, Tracer tracer)
    : config_(std::move(config)),
      shard_(config_.shard, key),
      state_(std::make_unique<State>(*this, key, outbox, budget, tracer)) {
  add_interface(config_.mtu);
  for (const Prefix& prefix : config_.addresses) add_address({.prefix = prefix});
}

Layer::~Layer() = default;

InterfaceNumber Layer::add_interface(std::size_t mtu) {
  assert(interfaces_.size() < kLoopback);
  interfaces_.push_back({.device_mtu = mtu, .mtu = mtu});
  return static_cast<InterfaceNumber>(interfaces_.size() - 1);
}

Link* Layer::link_of(InterfaceNumber interface) const noexcept {
  return interface < interfaces_.size() ? interfaces_[interface].link : nullptr;
}

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

bool Layer::add_address(const OwnAddress& address) {
  const IpAddress& own = address.prefix.address;
  if (!addresses_.set(address)) return false;
  const bool has_network = address.prefix.length < (own.is_v4() ? 32 : 128);
  return !has_network ||
         routes_.add({.destination = address.prefix, .origin = RouteOrigin::connected, .interface = address.interface});
}

void Layer::remove_address(const IpAddress& address) noexcept {
  const OwnAddress* const found = addresses_.find(address);
  if (!found) return;
  const OwnAddress own = *found;
  addresses_.remove(address);
  const auto shares = [&](const OwnAddress& other) {
    return other.interface == own.interface && other.prefix.length == own.prefix.length &&
           own.prefix.contains(other.prefix.address);
  };
  if (std::none_of(addresses_.all().begin(), addresses_.all().end(), shares))
    routes_.remove({.destination = own.prefix, .origin = RouteOrigin::connected, .interface = own.interface});
}

void Layer::set_link_mtu(std::size_t mtu, InterfaceNumber interface) noexcept {
  interfaces_[interface].mtu = std::min(mtu, interfaces_[interface].device_mtu);
}

void Layer::confirm(const IpAddress& destination, Time now) noexcept {
  if (const auto way = way_to(destination))
    if (Link* const link = link_of(*way)) link->confirm(destination, now);
}

// --- which interface

std::optional<InterfaceNumber> Layer::way_to(const IpAddress& destination) const noexcept {
  const bool is_link_group = destination.is_multicast() || destination.is_limited_broadcast();
  if (interfaces_.size() == 1 && (is_link_group || !interfaces_[0].link)) return InterfaceNumber{0};
  if (const auto routes = routes_.find(destination); !routes.empty()) return routes.front().interface;
  if (is_link_group) return InterfaceNumber{0};
  for (std::size_t i = 0; i < interfaces_.size(); ++i)
    if (!interfaces_[i].link) return static_cast<InterfaceNumber>(i);
  return std::nullopt;
}

InterfaceNumber Layer::owner_of(const IpAddress& source) const noexcept {
  if (interfaces_.size() == 1) return 0;
  const OwnAddress* const own = addresses_.find(source);
  return own ? own->interface : InterfaceNumber { 0 };
}

// --- what an address is to us

bool Layer::is_ours(const IpAddress& address) const noexcept { return addresses_.holds(address); }

bool Layer::is_local(const IpAddress& address) const noexcept { return address.is_loopback() || is_ours(address); }

bool Layer::is_broadcast(const IpAddress& address) const noexcept {
  return address.is_v4() && (address.is_limited_broadcast() || addresses_.is_directed_broadcast(address));
}

bool Layer::is_group(const IpAddress& address, InterfaceNumber interface) const noexcept {
  if (!address.is_multicast()) return is_broadcast(address);
  if (is_all_hosts(address)) return true;
  if (interface < interfaces_.size() && groups(interface).contains(address)) return true;
  return std::any_of(addresses_.all().begin(), addresses_.all().end(), [&](const OwnAddress& own) {
    // Tentative ones, too [R4861-7.2.1-1].
    return own.interface == interface && own.prefix.address.is_v6() &&
           address == wire::ndp::solicited_node(own.prefix.address);
  });
}

Result<IpAddress> Layer::select_source(const IpAddress& destination) const noexcept {
  if (destination.is_unspecified()) return Errc::network_unreachable;
  if (is_local(destination)) return destination;
  const std::optional<InterfaceNumber> way = way_to(destination);
  const IpAddress* const source = way ? addresses_.source_for(destination, *way) : nullptr;
  if (!source) return Errc::network_unreachable;
  return *source;
}

// --- path MTUs

std::size_t Layer::path_mtu(const IpAddress& destination) const noexcept {
  return state_->path_mtus.find(destination, mtu_towards(destination));
}

std::size_t Layer::path_mtu(const IpAddress& destination, const IpAddress& source) const noexcept {
  return state_->path_mtus.find(destination, interface_mtu(source));
}

std::size_t Layer::lower_path_mtu(const IpAddress& destination, std::size_t mtu, std::size_t quoted_length, Time now) {
  const bool lowered =
      state_->path_mtus.lower(destination, {.mtu = mtu, .quoted_length = quoted_length}, mtu_towards(destination), now);
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
