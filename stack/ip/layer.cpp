// The IP layer's addresses, path MTUs and time; receive.cpp takes packets in, send.cpp lets them out.
#include "stack/ip/layer.hpp"

#include <algorithm>

#include "stack/ip/layer_state.hpp"
#include "stack/ip/link.hpp"
#include "stack/wire/ndp.hpp"

namespace sluice::ip {
Layer::Layer(Config config, const Key& key, Outbox& outbox, Budget& budget, Tracer tracer)
    : config_(std::move(config)),
      device_mtu_(config_.mtu),
      state_(std::make_unique<State>(*this, key, outbox, budget, tracer)) {
  for (const Prefix& prefix : config_.addresses) add_address({.prefix = prefix});
}

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

bool Layer::add_address(const OwnAddress& address) {
  const IpAddress& own = address.prefix.address;
  if (!addresses_.set(address)) return false;
  const bool has_network = address.prefix.length < (own.is_v4() ? 32 : 128);
  return !has_network || routes_.add({.destination = address.prefix, .origin = RouteOrigin::connected});
}

void Layer::remove_address(const IpAddress& address) noexcept {
  if (const OwnAddress* const own = addresses_.find(address)) {
    const Prefix network = own->prefix;
    addresses_.remove(address);
    const auto shares = [&](const OwnAddress& other) {
      return other.prefix.length == network.length && network.contains(other.prefix.address);
    };
    if (std::none_of(addresses_.all().begin(), addresses_.all().end(), shares))
      routes_.remove(network, std::nullopt, RouteOrigin::connected);
  }
}

void Layer::set_link_mtu(std::size_t mtu) noexcept {
  config_.mtu = std::min(mtu, device_mtu_);
  state_->path_mtus.set_interface_mtu(config_.mtu);
}

void Layer::confirm(const IpAddress& destination, Time now) noexcept {
  if (link_) link_->confirm(destination, now);
}

bool Layer::is_ours(const IpAddress& address) const noexcept { return addresses_.holds(address); }

bool Layer::is_local(const IpAddress& address) const noexcept { return address.is_loopback() || is_ours(address); }

bool Layer::is_broadcast(const IpAddress& address) const noexcept {
  return address.is_v4() && (address.is_limited_broadcast() || addresses_.is_directed_broadcast(address));
}

bool Layer::is_group(const IpAddress& address) const noexcept {
  if (!address.is_multicast()) return is_broadcast(address);
  if (is_all_hosts(address) || groups_.contains(address)) return true;
  return std::any_of(addresses_.all().begin(), addresses_.all().end(), [&](const OwnAddress& own) {
    // Tentative ones, too [R4861-7.2.1-1].
    return own.prefix.address.is_v6() && address == wire::ndp::solicited_node(own.prefix.address);
  });
}

Result<IpAddress> Layer::select_source(const IpAddress& destination) const noexcept {
  if (destination.is_unspecified() || destination.is_loopback()) return Errc::network_unreachable;
  const bool on_link = destination.is_multicast() || is_broadcast(destination);
  if (link_ && !on_link && routes_.find(destination).empty()) return Errc::network_unreachable;
  const IpAddress* const source = addresses_.source_for(destination);
  if (!source) return Errc::network_unreachable;
  return *source;
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
