// Addresses: made, looked for duplicates, renewed, aged (RFC 4862 5.3 to 5.5, RFC 7217, RFC 8981).
#include <algorithm>
#include <array>
#include <utility>

#include "stack/host/autoconfiguration.hpp"

namespace sluice::host {
namespace {

constexpr std::uint8_t kNetworkBits = 64;
const Prefix kLinkLocal{IpAddress::v6({0xfe, 0x80}), kNetworkBits};

/// The network's first half and this identifier.
IpAddress address_in(const Prefix& network, std::uint64_t identifier) noexcept {
  std::array<std::uint8_t, 16> bytes{};
  ByteWriter writer(bytes);
  writer.bytes(network.address.bytes().first(8));
  writer.u64(identifier);
  return IpAddress::v6(bytes);
}

/// RFC 5453: the subnet-router anycast address and those reserved at the end of the range.
bool is_reserved(std::uint64_t identifier) noexcept {
  return identifier == 0 || (identifier >= 0xfdffffffffffff80 && identifier <= 0xfdffffffffffffff);
}

}  // namespace

// --- made

/// RFC 7217 5: the same for this network, interface and attempt, and nothing to be learned from it elsewhere.
IpAddress Autoconfiguration::stable_address(const Prefix& network, unsigned attempt) const noexcept {
  std::array<std::uint8_t, 8 + MacAddress::kSize + 2> input{};
  for (unsigned reserved = 0;; ++reserved) {
    ByteWriter writer(input);
    writer.bytes(network.address.bytes().first(8));
    writer.bytes(settings_.mac.bytes());
    writer.u8(static_cast<std::uint8_t>(attempt));
    writer.u8(static_cast<std::uint8_t>(reserved));
    const std::uint64_t identifier = hash_(input);
    if (!is_reserved(identifier)) return address_in(network, identifier);
  }
}

IpAddress Autoconfiguration::random_address(const Prefix& network) noexcept {
  std::uint64_t identifier = random_.u64();
  while (is_reserved(identifier)) identifier = random_.u64();
  return address_in(network, identifier);
}

void Autoconfiguration::link_up(Time now) {
  while (!addresses_.empty()) {
    say(RemoveAddress{addresses_.back().prefix.address});
    addresses_.pop_back();
  }
  while (!routers_.empty()) remove_router(IpAddress(routers_.back().address));
  begin({.prefix = {stable_address(kLinkLocal, 0), kNetworkBits}, .network = kLinkLocal, .kind = Kind::link_local},
        now);
  link_returned(now);
}

void Autoconfiguration::link_returned(Time now) {
  solicitations_left_ = kSolicitations;
  solicit_at_ = now + random_.within(kMaximumDelay);  // [R4861-6.3.7-1]
}

void Autoconfiguration::add_static(const Prefix& address, Time now) {
  begin({.prefix = address, .network = address, .kind = Kind::fixed}, now);
}

/// RFC 4862 5.4: tentative, and after a random delay asked for.
void Autoconfiguration::begin(Address address, Time now) {
  address.state = ip::AddressState::tentative;
  address.probes_left = settings_.probes;
  address.probe_at = now + (settings_.probes > 0 ? random_.within(kMaximumDelay) : Duration(0));
  say(SetAddress{{address.prefix, address.state, address.kind == Kind::temporary}});
  addresses_.push_back(address);
  if (settings_.probes == 0) finish_probing(addresses_.back());
}

// --- looked for duplicates

void Autoconfiguration::finish_probing(Address& address) {
  address.probe_at = kNever;
  address.state = ip::AddressState::preferred;
  say(SetAddress{{address.prefix, address.state, address.kind == Kind::temporary}});
}

Autoconfiguration::Address* Autoconfiguration::tentative(const IpAddress& address) noexcept {
  const auto found = std::find_if(addresses_.begin(), addresses_.end(),
                                  [&](const Address& one) { return one.prefix.address == address; });
  if (found == addresses_.end()) return nullptr;
  if (found->state == ip::AddressState::tentative) return &*found;
  counters_.add(AutoconfigurationCounter::duplicates_in_use);
  return nullptr;
}

/// RFC 4862 5.4.3: somebody else looks for the same. Who asks with an address of its own wants a neighbour.
void Autoconfiguration::receive(const wire::ndp::NeighborSolicitation& solicitation, const IpAddress& source,
                                Time now) {
  if (!source.is_unspecified()) return;
  if (const Address* const address = tentative(solicitation.target))
    on_duplicate(static_cast<std::size_t>(address - addresses_.data()), now);
}

/// RFC 4862 5.4.4.
void Autoconfiguration::receive(const wire::ndp::NeighborAdvertisement& advertisement, Time now) {
  if (const Address* const address = tentative(advertisement.target))
    on_duplicate(static_cast<std::size_t>(address - addresses_.data()), now);
}

/// RFC 4862 5.4.5: not to be used; RFC 7217 6: another one of the same network is tried.
void Autoconfiguration::on_duplicate(std::size_t index, Time now) {
  counters_.add(AutoconfigurationCounter::duplicates);
  Address address = addresses_[index];
  addresses_.erase(addresses_.begin() + static_cast<std::ptrdiff_t>(index));
  say(AddressDuplicate{address.prefix.address});
  say(RemoveAddress{address.prefix.address});
  if (address.kind == Kind::fixed || address.attempt >= kIdentifierRetries) return;
  ++address.attempt;
  address.prefix.address = address.kind == Kind::temporary ? random_address(address.network)
                                                           : stable_address(address.network, address.attempt);
  begin(address, now);
}

// --- from prefixes (RFC 4862 5.5.3)

void Autoconfiguration::take_autonomous(const wire::ndp::PrefixInformation& information, Time now) {
  const Prefix& prefix = information.prefix;
  const bool usable = !prefix.address.is_link_local() && !prefix.address.is_multicast() &&
                      prefix.length == kNetworkBits && information.preferred_lifetime <= information.valid_lifetime;
  if (!usable) return counters_.add(AutoconfigurationCounter::prefixes_ignored);
  bool known = false;
  for (Address& address : addresses_) {
    const bool made_of_it = address.kind == Kind::stable || address.kind == Kind::temporary;
    if (!made_of_it || !prefix.contains(address.prefix.address)) continue;
    renew(address, information, now);
    known |= address.kind == Kind::stable;
  }
  if (known || information.valid_lifetime == 0) return;
  if (addresses_.size() >= kMaximumAddresses) return counters_.add(AutoconfigurationCounter::prefixes_over_limit);
  const Address stable{.prefix = {stable_address(prefix, 0), 128},
                       .network = prefix,
                       .kind = Kind::stable,
                       .preferred_until = after(now, information.preferred_lifetime),
                       .valid_until = after(now, information.valid_lifetime)};
  begin(stable, now);
  if (settings_.temporary) make_temporary(stable, now);
}

/// RFC 4862 5.5.3 e: no message of a moment takes an address away that was good for longer than two hours.
void Autoconfiguration::renew(Address& address, const wire::ndp::PrefixInformation& information, Time now) {
  const Time valid = after(now, information.valid_lifetime);
  const Time preferred = after(now, information.preferred_lifetime);
  if (address.kind == Kind::temporary) {  // RFC 8981 3.4: never beyond its own end
    address.valid_until = std::min(address.valid_until, std::max(valid, now + kTwoHours));
    address.preferred_until = std::min(address.preferred_until, preferred);
    return;
  }
  const bool longer = valid > now + kTwoHours || valid > address.valid_until;
  if (longer)
    address.valid_until = valid;
  else if (address.valid_until > now + kTwoHours)
    address.valid_until = now + kTwoHours;
  address.preferred_until = preferred;
  const bool revived = address.state == ip::AddressState::deprecated && preferred > now;
  if (!revived) return;
  address.state = ip::AddressState::preferred;
  say(SetAddress{{address.prefix, address.state, false}});
}

/// RFC 8981 3.4; its lifetimes are never longer than those of the prefix.
void Autoconfiguration::make_temporary(const Address& stable, Time now) {
  if (addresses_.size() >= kMaximumAddresses) return counters_.add(AutoconfigurationCounter::prefixes_over_limit);
  const Duration desync = std::chrono::duration_cast<Duration>(kTemporaryPreferred * (0.4 * random_.unit()));
  Address address{.prefix = {random_address(stable.network), 128},
                  .network = stable.network,
                  .kind = Kind::temporary,
                  .preferred_until = std::min(stable.preferred_until, now + kTemporaryPreferred - desync),
                  .valid_until = std::min(stable.valid_until, now + kTemporaryValid)};
  if (address.preferred_until <= now + kRegenerateAdvance) return;
  address.regenerate_at = address.preferred_until - kRegenerateAdvance;
  begin(address, now);
}

// --- aged

void Autoconfiguration::age(Address& address, Time now) {
  if (now >= address.probe_at) {
    if (address.probes_left == 0) {
      finish_probing(address);
    } else {
      --address.probes_left;
      address.probe_at = now + settings_.retransmit;
      say(ProbeAddress{address.prefix.address});
    }
  }
  if (address.state == ip::AddressState::preferred && now >= address.preferred_until) {
    address.state = ip::AddressState::deprecated;
    say(SetAddress{{address.prefix, address.state, address.kind == Kind::temporary}});
  }
  if (now < address.regenerate_at) return;
  address.regenerate_at = kNever;
  const auto stable = std::find_if(addresses_.begin(), addresses_.end(), [&](const Address& one) {
    return one.kind == Kind::stable && one.network == address.network;
  });
  if (stable != addresses_.end())
    make_temporary(Address(*stable), now);  // may move the list: the last use of `address`
}

void Autoconfiguration::drop_expired(Time now) {
  for (std::size_t i = addresses_.size(); i-- > 0;) {
    if (now < addresses_[i].valid_until) continue;
    say(RemoveAddress{addresses_[i].prefix.address});
    addresses_.erase(addresses_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

}  // namespace sluice::host
