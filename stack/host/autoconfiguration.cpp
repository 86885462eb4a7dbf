// What routers advertise; autoconfiguration_addresses.cpp makes addresses of it.
#include "stack/host/autoconfiguration.hpp"

#include <algorithm>
#include <utility>

namespace sluice::host {
namespace {

constexpr std::size_t kMinimumMtu = 1280;

/// RFC 4191 2.1 as a metric: the preferred router has the smaller one.
std::uint32_t metric_of(wire::ndp::Preference preference) noexcept {
  return static_cast<std::uint32_t>(1024 - 512 * static_cast<int>(preference));
}

}  // namespace

std::string_view name(AutoconfigurationCounter counter) noexcept {
  switch (counter) {
    case AutoconfigurationCounter::advertisements_in: return "advertisements_in";
    case AutoconfigurationCounter::prefixes_ignored: return "prefixes_ignored";
    case AutoconfigurationCounter::prefixes_over_limit: return "prefixes_over_limit";
    case AutoconfigurationCounter::routers_over_limit: return "routers_over_limit";
    case AutoconfigurationCounter::duplicates: return "duplicates";
    case AutoconfigurationCounter::duplicates_in_use: return "duplicates_in_use";
    case AutoconfigurationCounter::count: break;
  }
  return "";
}

Autoconfiguration::Autoconfiguration(const AutoconfigurationSettings& settings, const Key& key)
    : settings_(settings),
      hash_(settings.secret.value_or(key), KeyUse::stable_address),
      random_(key, KeyUse::temporary_address) {}

Time Autoconfiguration::after(Time now, std::uint32_t seconds) noexcept {
  return seconds == wire::ndp::PrefixInformation::kForever ? kNever : now + std::chrono::seconds(seconds);
}

// --- looking for routers (RFC 4861 6.3.7)

void Autoconfiguration::solicit(Time now) {
  const auto own = std::find_if(addresses_.begin(), addresses_.end(), [](const Address& one) {
    return one.kind == Kind::link_local && one.state != ip::AddressState::tentative;
  });
  say(SolicitRouters{own == addresses_.end() ? IpAddress::any(Family::ipv6) : own->prefix.address});
  --solicitations_left_;
  solicit_at_ = solicitations_left_ > 0 ? now + kSolicitationInterval : kNever;
}

void Autoconfiguration::receive(const wire::ndp::RouterAdvertisement& advertisement, const IpAddress& source,
                                Time now) {
  counters_.add(AutoconfigurationCounter::advertisements_in);
  if (advertisement.router_lifetime > 0) solicit_at_ = kNever;  // [R4861-6.3.7-2]
  take_router(advertisement, source, now);
  take_parameters(advertisement);
  for (const wire::ndp::PrefixInformation& information : advertisement.prefixes()) {
    if (information.on_link) take_on_link(information, now);
    if (information.autonomous) take_autonomous(information, now);
  }
  take_servers(advertisement, now);
  const bool news = (advertisement.managed && !told_managed_) || (advertisement.other && !told_other_);
  told_managed_ |= advertisement.managed;
  told_other_ |= advertisement.other;
  if (news) say(AskDhcpv6{told_managed_, told_other_});
}

// --- routers, prefixes, parameters (RFC 4861 6.3.4)

void Autoconfiguration::take_router(const wire::ndp::RouterAdvertisement& advertisement, const IpAddress& source,
                                    Time now) {
  if (advertisement.router_lifetime == 0) return remove_router(source);
  const auto known =
      std::find_if(routers_.begin(), routers_.end(), [&](const Router& router) { return router.address == source; });
  const ip::Route route{.destination = {IpAddress::any(Family::ipv6), 0},
                        .gateway = source,
                        .metric = metric_of(advertisement.preference),
                        .origin = ip::RouteOrigin::advertised};
  const Time until = now + std::chrono::seconds(advertisement.router_lifetime);
  if (known != routers_.end()) {
    if (known->route != route) say(AddRoute{route});
    known->route = route;
    known->until = until;
    return;
  }
  if (routers_.size() >= kMaximumRouters) return counters_.add(AutoconfigurationCounter::routers_over_limit);
  routers_.push_back({source, route, until});
  say(AddRoute{route});
}

void Autoconfiguration::remove_router(const IpAddress& router) {
  const auto gone =
      std::find_if(routers_.begin(), routers_.end(), [&](const Router& one) { return one.address == router; });
  if (gone == routers_.end()) return;
  say(RemoveRoute{gone->route});
  routers_.erase(gone);
}

void Autoconfiguration::router_lost(const IpAddress& router) { remove_router(router); }

void Autoconfiguration::take_on_link(const wire::ndp::PrefixInformation& information, Time now) {
  const Prefix& prefix = information.prefix;
  if (prefix.address.is_link_local() || prefix.address.is_multicast()) return;
  const auto known = std::find_if(on_link_.begin(), on_link_.end(), [&](const OnLink& one) {
    return one.prefix.length == prefix.length && one.prefix.contains(prefix.address);
  });
  const ip::Route route{.destination = prefix, .origin = ip::RouteOrigin::advertised};
  if (known != on_link_.end()) {
    known->until = after(now, information.valid_lifetime);
    if (information.valid_lifetime > 0) return;
    say(RemoveRoute{route});
    on_link_.erase(known);
    return;
  }
  if (information.valid_lifetime == 0) return;
  if (on_link_.size() >= kMaximumPrefixes) return counters_.add(AutoconfigurationCounter::prefixes_over_limit);
  on_link_.push_back({prefix, after(now, information.valid_lifetime)});
  say(AddRoute{route});
}

/// Zero means "not said": what was learned stays [R4861-6.3.4-2].
void Autoconfiguration::take_parameters(const wire::ndp::RouterAdvertisement& advertisement) {
  SetParameters parameters;
  if (advertisement.hop_limit > 0) parameters.hop_limit = advertisement.hop_limit;
  if (advertisement.reachable_time > 0 && advertisement.reachable_time <= 3'600'000)
    parameters.reachable = std::chrono::milliseconds(advertisement.reachable_time);
  if (advertisement.retrans_timer > 0) {
    settings_.retransmit = std::chrono::milliseconds(advertisement.retrans_timer);
    parameters.retransmit = settings_.retransmit;
  }
  if (advertisement.mtu && *advertisement.mtu >= kMinimumMtu && *advertisement.mtu <= settings_.mtu)
    parameters.mtu = *advertisement.mtu;
  if (parameters.hop_limit || parameters.reachable || parameters.retransmit || parameters.mtu) say(parameters);
}

/// RFC 8106 5.1.
void Autoconfiguration::take_servers(const wire::ndp::RouterAdvertisement& advertisement, Time now) {
  if (advertisement.dns_servers().empty()) return;
  std::vector<IpAddress> servers;
  if (advertisement.server_lifetime > 0)
    servers.assign(advertisement.dns_servers().begin(), advertisement.dns_servers().end());
  servers_until_ = servers.empty() ? kNever : after(now, advertisement.server_lifetime);
  if (servers == servers_) return;
  servers_ = servers;
  say(SetDnsServers{std::move(servers)});
}

// --- time

void Autoconfiguration::handle_timeout(Time now) {
  if (now >= solicit_at_) solicit(now);
  for (std::size_t i = 0; i < addresses_.size(); ++i) age(addresses_[i], now);
  drop_expired(now);
  for (std::size_t i = routers_.size(); i-- > 0;)
    if (now >= routers_[i].until) remove_router(IpAddress(routers_[i].address));
  for (std::size_t i = on_link_.size(); i-- > 0;) {
    if (now < on_link_[i].until) continue;
    say(RemoveRoute{{.destination = on_link_[i].prefix, .origin = ip::RouteOrigin::advertised}});
    on_link_.erase(on_link_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  if (now >= servers_until_) {
    servers_until_ = kNever;
    servers_.clear();
    say(SetDnsServers{});
  }
}

Time Autoconfiguration::next_timeout() const noexcept {
  Time next = std::min(solicit_at_, servers_until_);
  for (const Router& router : routers_) next = std::min(next, router.until);
  for (const OnLink& prefix : on_link_) next = std::min(next, prefix.until);
  for (const Address& address : addresses_) {
    next = std::min({next, address.probe_at, address.valid_until, address.regenerate_at});
    if (address.state == ip::AddressState::preferred) next = std::min(next, address.preferred_until);
  }
  return next;
}

std::optional<Autoconfiguration::Action> Autoconfiguration::poll() { return actions_.take_front(); }

}  // namespace sluice::host
