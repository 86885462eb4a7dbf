// The host's own addresses, which may come and go, and the choice among them (RFC 6724).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "stack/base/packet.hpp"
#include "stack/wire/address.hpp"

namespace sluice::ip {

/// RFC 4862 2. A tentative address is not ours yet: nothing but its duplicate detection may use it.
enum class AddressState : std::uint8_t { tentative, preferred, deprecated };
std::string_view name(AddressState state) noexcept;

struct OwnAddress {
  Prefix prefix;  ///< the address, and what is on the link beside it
  AddressState state = AddressState::preferred;
  bool temporary = false;         ///< RFC 8981
  InterfaceNumber interface = 0;  ///< whose address it is: no other one answers for it
};

/// The scope of RFC 6724 3.1, as a number that grows with it: 2 link-local, 5 site-local, 14 global.
unsigned scope_of(const IpAddress& address) noexcept;
/// The label of RFC 6724 2.1's default policy table.
unsigned label_of(const IpAddress& address) noexcept;
/// The precedence of the same table.
unsigned precedence_of(const IpAddress& address) noexcept;

class Addresses {
 public:
  static constexpr std::size_t kMaximum = 64;

  Addresses() = default;
  explicit Addresses(std::span<const Prefix> fixed);

  /// Adds, or changes the prefix and state of one that is there. False when the table is full, or when another
  /// interface has this address.
  bool set(const OwnAddress& address);
  void remove(const IpAddress& address) noexcept;

  std::span<const OwnAddress> all() const noexcept { return all_; }
  const OwnAddress* find(const IpAddress& address) const noexcept;
  /// One that packets may be sent to and from.
  bool holds(const IpAddress& address) const noexcept;
  /// And of this interface: a host with several is a strong one (RFC 1122 3.3.4.2).
  bool holds(const IpAddress& address, InterfaceNumber interface) const noexcept;
  /// The directed broadcast of one of our IPv4 networks (RFC 3021: those of one or two addresses have none).
  bool is_directed_broadcast(const IpAddress& address) const noexcept;
  /// RFC 6724 section 5, rules 1, 2, 3, 6, 7 (temporary addresses are preferred) and 8, among the addresses of the
  /// interface that the packet leaves by (section 4). Nullptr: it has none of that family.
  const IpAddress* source_for(const IpAddress& destination, InterfaceNumber out) const noexcept;

 private:
  std::vector<OwnAddress> all_;
};

}  // namespace sluice::ip
