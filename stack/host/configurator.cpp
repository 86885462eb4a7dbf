// Facts from one machine become work for another; see configurator.hpp. The acts are in configurator_acts.cpp.
#include "stack/host/configurator.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "stack/wire/dhcp.hpp"
#include "stack/wire/dhcpv6.hpp"
#include "stack/wire/udp.hpp"

namespace sluice::host {
namespace {

/// News that nobody fetches: the oldest go.
constexpr std::size_t kMaximumEvents = 64;

AutoconfigurationSettings automatic_settings(const ConfiguratorSettings& settings, const ip::Layer& layer,
                                             const ip::Link& link) {
  AutoconfigurationSettings automatic;
  automatic.mac = link.mac();
  automatic.mtu = layer.mtu(link.interface());
  automatic.temporary = settings.temporary_addresses;
  automatic.secret = settings.secret;
  return automatic;
}

}  // namespace

Configurator::Configurator(ConfiguratorSettings settings, ip::Layer& layer, ip::Link& link, tcp::Layer& tcp,
                           ip::Outbox& outbox, const Key& key)
    : settings_(std::move(settings)),
      layer_(layer),
      link_(link),
      interface_(link.interface()),
      tcp_(tcp),
      outbox_(outbox),
      key_(key),
      automatic_(automatic_settings(settings_, layer, link), key),
      dhcpv6_(link.mac(), key) {
  if (settings_.dhcp) {
    DhcpSettings dhcp;
    dhcp.hardware = link.mac();
    dhcp.key = key;
    dhcp.host_name = settings_.host_name;
    dhcp_.emplace(std::move(dhcp));
  }
}

void Configurator::link_up(Time now) {
  link_.neighbours().clear();
  automatic_.link_up(now);
  if (dhcp_) dhcp_->start(now);
  for (const Prefix& prefix : settings_.addresses) {
    if (prefix.address.is_v4())
      watch(prefix, false, now);
    else
      automatic_.add_static(prefix, now);
  }
  for (const auto& gateway : {settings_.gateway4, settings_.gateway6})
    if (gateway) add(ip::Route{.destination = {IpAddress::any(gateway->family()), 0}, .gateway = gateway});
  settle(now);
}

void Configurator::link_returned(Duration asleep, Time now) {
  link_.neighbours().clear();
  automatic_.link_returned(now);
  if (dhcp_) dhcp_->confirm(asleep, now);
  for (Watched& watched : watched_)
    watched.conflict.start(watched.prefix.address, watched.leased ? Defence::once : Defence::forever, now);
  settle(now);
}

void Configurator::release(Time now) {
  if (dhcp_) dhcp_->release();
  settle(now);
}

// --- what arrives

void Configurator::receive(const wire::arp::Packet& packet, Time now) {
  for (Watched& watched : watched_) watched.conflict.receive(packet, now);
  settle(now);
}

void Configurator::receive(const ip::Link::Discovery& message, const IpAddress& source, Time now) {
  if (const auto* advertisement = std::get_if<wire::ndp::RouterAdvertisement>(&message)) {
    if (settings_.router_advertisements) automatic_.receive(*advertisement, source, now);
  } else if (const auto* solicitation = std::get_if<wire::ndp::NeighborSolicitation>(&message)) {
    automatic_.receive(*solicitation, source, now);
  } else if (const auto* neighbour = std::get_if<wire::ndp::NeighborAdvertisement>(&message)) {
    automatic_.receive(*neighbour, now);
  }
  settle(now);
}

bool Configurator::receive(const ip::Datagram& datagram, Time now) {
  const auto header = wire::udp::parse(datagram.payload());
  if (!header) return false;
  const Bytes payload = datagram.payload().subspan(wire::udp::kHeaderSize, header->length - wire::udp::kHeaderSize);
  const bool v4 = datagram.source.is_v4();
  if (v4 && dhcp_ && header->source_port == wire::dhcp::kServerPort &&
      header->destination_port == wire::dhcp::kClientPort)
    dhcp_->receive(payload, now);
  else if (!v4 && header->destination_port == wire::dhcpv6::kClientPort)
    dhcpv6_.receive(payload, now);
  else
    return false;
  settle(now);
  return true;
}

void Configurator::router_lost(const IpAddress& router, Time now) {
  automatic_.router_lost(router);
  settle(now);
}

void Configurator::handle_timeout(Time now) {
  remove_leaving();
  automatic_.handle_timeout(now);
  if (dhcp_) dhcp_->handle_timeout(now);
  dhcpv6_.handle_timeout(now);
  for (Watched& watched : watched_) watched.conflict.handle_timeout(now);
  settle(now);
}

Time Configurator::next_timeout() const noexcept {
  if (!leaving_.empty()) return Time::min();
  Time next = std::min(automatic_.next_timeout(), dhcpv6_.next_timeout());
  if (dhcp_) next = std::min(next, dhcp_->next_timeout());
  for (const Watched& watched : watched_) next = std::min(next, watched.conflict.next_timeout());
  return next;
}

// --- what follows

/// One machine's fact is another's input: until all are silent.
void Configurator::settle(Time now) {
  bool moved = true;
  while (moved) {
    moved = act_on_dhcp(now);
    moved |= act_on_dhcpv6();
    moved |= act_on_automatic(now);
    moved |= act_on_conflicts(now);
  }
}

bool Configurator::act_on_dhcp(Time now) {
  const auto action = dhcp_ ? dhcp_->poll() : std::nullopt;
  if (!action) return false;
  if (const auto* message = std::get_if<DhcpSend>(&*action)) act(*message);
  if (const auto* probe = std::get_if<DhcpProbe>(&*action)) act(*probe, now);
  if (const auto* lease = std::get_if<DhcpLease>(&*action)) act(*lease);
  if (const auto* lost = std::get_if<DhcpLost>(&*action)) act(*lost);
  return true;
}

bool Configurator::act_on_dhcpv6() {
  const auto action = dhcpv6_.poll();
  if (!action) return false;
  if (const auto* message = std::get_if<Dhcpv6Send>(&*action)) {
    const IpAddress* const source = layer_.addresses().source_for(wire::dhcpv6::kServers, interface_);
    if (source)
      send_udp({*source, wire::dhcpv6::kClientPort}, {wire::dhcpv6::kServers, wire::dhcpv6::kServerPort},
               message->payload);
  } else if (const auto* facts = std::get_if<Dhcpv6Facts>(&*action)) {
    dhcpv6_servers_ = facts->dns_servers;
    tell(HostEvent::Kind::servers_changed, IpAddress::any(Family::ipv6));
  }
  return true;
}

bool Configurator::act_on_automatic(Time now) {
  const auto action = automatic_.poll();
  if (action) std::visit([&](const auto& one) { act(one, now); }, *action);
  return action.has_value();
}

bool Configurator::act_on_conflicts(Time now) {
  for (std::size_t i = 0; i < watched_.size(); ++i) {
    const auto action = watched_[i].conflict.poll();
    if (!action) continue;
    act(watched_[i], *action, now);
    return true;  // the list may be another one now
  }
  return false;
}

// --- what others ask

std::optional<HostEvent> Configurator::poll_event() { return events_.take_front(); }

void Configurator::tell(HostEvent::Kind kind, const IpAddress& address) {
  events_.push_latest({kind, address}, kMaximumEvents);
}

std::vector<IpAddress> Configurator::dns_servers() const {
  std::vector<IpAddress> all;
  const auto add_all = [&](const std::vector<IpAddress>& some) {
    for (const IpAddress& server : some)
      if (std::find(all.begin(), all.end(), server) == all.end()) all.push_back(server);
  };
  if (const DhcpLease* const lease = dhcp_ ? dhcp_->lease() : nullptr) add_all(lease->dns_servers);
  add_all(advertised_servers_);
  add_all(dhcpv6_servers_);
  return all;
}

}  // namespace sluice::host
