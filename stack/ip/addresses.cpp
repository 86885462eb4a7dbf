// A short list, looked through; see addresses.hpp.
#include "stack/ip/addresses.hpp"

#include <algorithm>
#include <array>
#include <tuple>

namespace sluice::ip {
namespace {

/// RFC 3021: networks of two or one address have no broadcast.
constexpr unsigned kLongestPrefixWithBroadcast = 30;

bool is_broadcast_of(const Prefix& prefix, const IpAddress& address) noexcept {
  if (prefix.address.is_v6() || address.is_v6() || prefix.length > kLongestPrefixWithBroadcast) return false;
  return address.v4_number() == (prefix.address.v4_number() | 0xffffffffu >> prefix.length);
}

unsigned common_prefix(const IpAddress& a, const IpAddress& b) noexcept {
  const Bytes left = a.bytes();
  const Bytes right = b.bytes();
  unsigned bits = 0;
  for (std::size_t i = 0; i < left.size(); ++i, bits += 8)
    for (unsigned bit = 0; bit < 8; ++bit)
      if (((left[i] ^ right[i]) >> (7 - bit) & 1) != 0) return bits + bit;
  return bits;
}

/// A row of RFC 6724 2.1's default policy table.
struct Policy {
  std::array<std::uint8_t, 4> start;
  std::uint8_t length;
  std::uint8_t precedence;
  std::uint8_t label;
};

/// Without ::1/128, ::/96 and ::ffff:0:0/96, which the code below knows.
constexpr std::array<Policy, 6> kPolicies = {{{{0x20, 0x01, 0, 0}, 32, 5, 5},
                                              {{0x20, 0x02, 0, 0}, 16, 30, 2},
                                              {{0x3f, 0xfe, 0, 0}, 16, 1, 12},
                                              {{0xfe, 0xc0, 0, 0}, 10, 1, 11},
                                              {{0xfc, 0x00, 0, 0}, 7, 3, 13},
                                              {{0, 0, 0, 0}, 0, 40, 1}}};
constexpr Policy kLoopbackPolicy{{}, 128, 50, 0};
constexpr Policy kMappedPolicy{{}, 96, 35, 4};

const Policy& policy_of(const IpAddress& address) noexcept {
  if (address.is_v4()) return kMappedPolicy;
  if (address.is_loopback()) return kLoopbackPolicy;
  return *std::find_if(kPolicies.begin(), kPolicies.end(), [&](const Policy& policy) {
    std::array<std::uint8_t, 16> bytes{};
    std::copy(policy.start.begin(), policy.start.end(), bytes.begin());
    return Prefix{IpAddress::v6(bytes), policy.length}.contains(address);
  });
}

}  // namespace

std::string_view name(AddressState state) noexcept {
  switch (state) {
    case AddressState::tentative: return "tentative";
    case AddressState::preferred: return "preferred";
    case AddressState::deprecated: return "deprecated";
  }
  return "";
}

unsigned scope_of(const IpAddress& address) noexcept {
  constexpr unsigned kLinkLocal = 2, kSiteLocal = 5, kGlobal = 14;
  const Bytes bytes = address.bytes();
  if (address.is_v6() && address.is_multicast()) return bytes[1] & 15u;
  if (address.is_link_local() || address.is_loopback()) return kLinkLocal;
  if (address.is_v6() && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0xc0) return kSiteLocal;
  return kGlobal;
}

unsigned label_of(const IpAddress& address) noexcept { return policy_of(address).label; }
unsigned precedence_of(const IpAddress& address) noexcept { return policy_of(address).precedence; }

Addresses::Addresses(std::span<const Prefix> fixed) {
  for (const Prefix& prefix : fixed) set({.prefix = prefix});
}

bool Addresses::set(const OwnAddress& address) {
  for (OwnAddress& own : all_)
    if (own.prefix.address == address.prefix.address) {
      if (own.interface != address.interface) return false;
      own = address;
      return true;
    }
  if (all_.size() >= kMaximum) return false;
  all_.push_back(address);
  return true;
}

void Addresses::remove(const IpAddress& address) noexcept {
  std::erase_if(all_, [&](const OwnAddress& own) { return own.prefix.address == address; });
}

const OwnAddress* Addresses::find(const IpAddress& address) const noexcept {
  for (const OwnAddress& own : all_)
    if (own.prefix.address == address) return &own;
  return nullptr;
}

bool Addresses::holds(const IpAddress& address) const noexcept {
  const OwnAddress* const own = find(address);
  return own && own->state != AddressState::tentative;
}

bool Addresses::holds(const IpAddress& address, InterfaceNumber interface) const noexcept {
  return holds(address) && find(address)->interface == interface;
}

bool Addresses::is_directed_broadcast(const IpAddress& address) const noexcept {
  return std::any_of(all_.begin(), all_.end(),
                     [&](const OwnAddress& own) { return is_broadcast_of(own.prefix, address); });
}

const IpAddress* Addresses::source_for(const IpAddress& destination, InterfaceNumber out) const noexcept {
  const unsigned wanted = scope_of(destination);
  // Rule 2: the smallest scope that is wide enough; failing that the widest of the others.
  const auto scope_rank = [&](unsigned scope) {
    return scope >= wanted ? 100 - static_cast<int>(scope) : static_cast<int>(scope);
  };
  const auto rank = [&](const OwnAddress& own) {
    const IpAddress& address = own.prefix.address;
    // Rule 8. Between IPv4 networks nearness in number means nothing: there the mask decides [R1122-3.2.1.3-5].
    const unsigned length = !destination.is_v4()
                                ? std::min(common_prefix(address, destination), unsigned{own.prefix.length})
                            : own.prefix.contains(destination) ? own.prefix.length + 1u
                                                               : 0;
    return std::tuple(address == destination, scope_rank(scope_of(address)), own.state == AddressState::preferred,
                      label_of(address) == label_of(destination), own.temporary, length);
  };
  const OwnAddress* best = nullptr;
  for (const OwnAddress& own : all_) {
    if (own.state == AddressState::tentative || own.interface != out) continue;
    if (own.prefix.address.family() != destination.family()) continue;
    if (!best || rank(own) > rank(*best)) best = &own;
  }
  return best ? &best->prefix.address : nullptr;
}

}  // namespace sluice::ip
