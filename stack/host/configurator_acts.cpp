// What the configurator does to the layer and the link when one of its machines has spoken.
#include <algorithm>
#include <array>

#include "stack/host/configurator.hpp"
#include "stack/wire/dhcp.hpp"
#include "stack/wire/ndp.hpp"
#include "stack/wire/udp.hpp"

namespace sluice::host {
namespace {

constexpr std::uint8_t kHopLimit = 64;

}  // namespace

// --- addresses

void Configurator::listen_to_solicited_node(const IpAddress& address, bool yes) {
  if (address.is_v4()) return;
  const IpAddress group = wire::ndp::solicited_node(address);
  const auto shares = [&](const ip::OwnAddress& own) {
    return own.interface == interface_ && own.prefix.address != address && own.prefix.address.is_v6() &&
           wire::ndp::solicited_node(own.prefix.address) == group;
  };
  const auto all = layer_.addresses().all();
  if (!yes && std::any_of(all.begin(), all.end(), shares)) return;
  (void)layer_.groups(interface_)
      .listen(ip::kHostListens, group, yes ? ip::SourceFilter::everybody() : ip::SourceFilter());
}

void Configurator::add(ip::OwnAddress address) {
  address.interface = interface_;
  const IpAddress& own = address.prefix.address;
  const bool is_usable = layer_.addresses().holds(own);
  std::erase(leaving_, own);
  listen_to_solicited_node(own, true);  // before the first probe [R4862-5.4.2-1]
  layer_.add_address(address);
  if (!is_usable && layer_.addresses().holds(own)) tell(HostEvent::Kind::address_added, own);
}

void Configurator::add(ip::Route route) {
  route.interface = interface_;
  (void)layer_.routes().add(route);
}

void Configurator::remove(const IpAddress& address) {
  if (layer_.addresses().holds(address)) {
    tell(HostEvent::Kind::address_removed, address);
    tcp_.abort_all(address);
  }
  leaving_.push_back(address);
}

void Configurator::remove_leaving() {
  for (const IpAddress& address : leaving_) {
    layer_.remove_address(address);
    listen_to_solicited_node(address, false);
  }
  leaving_.clear();
}

// --- DHCP and the watch over IPv4 addresses

void Configurator::act(const DhcpSend& message) {
  send_udp({message.source, wire::dhcp::kClientPort}, {message.destination, wire::dhcp::kServerPort}, message.payload);
}

void Configurator::act(const DhcpProbe& probe, Time now) {
  std::erase_if(watched_, [](const Watched& watched) { return watched.leased; });
  watch({probe.address, 32}, true, now);
}

void Configurator::act(const DhcpLease& lease) {
  layer_.routes().remove_all(ip::RouteOrigin::dhcp, interface_);
  add({.prefix = lease.address});
  for (const IpAddress& router : lease.routers)
    add({.destination = {IpAddress::any(Family::ipv4), 0}, .gateway = router, .origin = ip::RouteOrigin::dhcp});
  for (const wire::dhcp::Route& route : lease.routes) {
    ip::Route way{.destination = route.destination, .origin = ip::RouteOrigin::dhcp};
    if (!route.router.is_unspecified()) way.gateway = route.router;
    add(way);
  }
  if (lease.mtu) layer_.set_link_mtu(*lease.mtu, interface_);
  tell(HostEvent::Kind::servers_changed, lease.server);
}

void Configurator::act(const DhcpLost& lost) {
  std::erase_if(watched_, [](const Watched& watched) { return watched.leased; });
  layer_.routes().remove_all(ip::RouteOrigin::dhcp, interface_);
  remove(lost.address);
}

void Configurator::watch(const Prefix& prefix, bool is_leased, Time now) {
  watched_.push_back({prefix, is_leased, AddressConflict(link_.mac(), key_)});
  watched_.back().conflict.start(prefix.address, is_leased ? Defence::once : Defence::forever, now);
}

void Configurator::act(Watched& watched, const ConflictAction& action, Time now) {
  if (const auto* probe = std::get_if<SendProbe>(&action))
    return link_.send_arp(probe->packet, MacAddress::broadcast());
  if (const auto* news = std::get_if<SendAnnouncement>(&action))
    return link_.send_arp(news->packet, MacAddress::broadcast());
  const bool is_leased = watched.leased;
  if (std::holds_alternative<Claimed>(action)) {
    if (!is_leased) return add({.prefix = watched.prefix});
    dhcp_->address_free(now);
    if (!dhcp_->lease()) watched.conflict.stop();
    return;
  }
  const IpAddress address = watched.prefix.address;
  tell(HostEvent::Kind::address_duplicate, address);
  if (is_leased) return dhcp_->address_in_use(now);
  remove(address);
}

// --- IPv6

void Configurator::act(const SolicitRouters& action, Time) {
  if (settings_.router_advertisements) link_.send_router_solicitation(action.source);
}

void Configurator::act(const ProbeAddress& action, Time) {
  link_.send_solicitation(IpAddress::any(Family::ipv6), action.address, std::nullopt);
}

void Configurator::act(const SetAddress& action, Time) { add(action.address); }
void Configurator::act(const RemoveAddress& action, Time) { remove(action.address); }

void Configurator::act(const AddressDuplicate& action, Time) {
  tell(HostEvent::Kind::address_duplicate, action.address);
}

void Configurator::act(const AddRoute& action, Time) { add(action.route); }

void Configurator::act(const RemoveRoute& action, Time) {
  ip::Route route = action.route;
  route.interface = interface_;
  layer_.routes().remove(route);
}

void Configurator::act(const SetParameters& action, Time) {
  if (action.hop_limit) layer_.set_hop_limit(*action.hop_limit);
  if (action.mtu) layer_.set_link_mtu(*action.mtu, interface_);
  ip::NeighbourTiming timing = link_.neighbours().timing();
  timing.reachable = action.reachable.value_or(timing.reachable);
  timing.retransmit = action.retransmit.value_or(timing.retransmit);
  link_.neighbours().set_timing(timing);
}

void Configurator::act(const SetDnsServers& action, Time) {
  advertised_servers_ = action.servers;
  tell(HostEvent::Kind::servers_changed, IpAddress::any(Family::ipv6));
}

void Configurator::act(const AskDhcpv6& action, Time now) {
  if (action.other || action.managed) dhcpv6_.start(now);
}

// --- a datagram of our own

void Configurator::send_udp(const Endpoint& from, const Endpoint& to, Bytes payload) {
  const std::size_t at = ip::header_size(from.address.family());
  std::array<std::uint8_t, ip::kMaximumHeader + wire::udp::kHeaderSize> head;
  wire::udp::write(MutableBytes(head).subspan(at), {.source_port = from.port, .destination_port = to.port},
                   from.address, to.address, payload);
  ip::write_header(head, {.source = from.address,
                          .destination = to.address,
                          .protocol = ip::Protocol::udp,
                          .hop_limit = kHopLimit,
                          .dont_fragment = false,
                          .payload_size = wire::udp::kHeaderSize + payload.size()});
  (void)outbox_.push(Bytes(head).first(at + wire::udp::kHeaderSize), payload);
}

}  // namespace sluice::host
