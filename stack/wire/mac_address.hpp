// The 48-bit address of an interface on a LAN (IEEE 802), as a value.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "stack/base/bytes.hpp"
#include "stack/wire/address.hpp"

namespace sluice {

class MacAddress {
 public:
  static constexpr std::size_t kSize = 6;

  /// 00:00:00:00:00:00, which no interface has.
  constexpr MacAddress() noexcept = default;
  constexpr explicit MacAddress(const std::array<std::uint8_t, kSize>& bytes) noexcept : bytes_(bytes) {}
  /// REQUIRES 6 bytes.
  static MacAddress from_bytes(Bytes bytes) noexcept {
    MacAddress address;
    std::copy_n(bytes.begin(), kSize, address.bytes_.begin());
    return address;
  }
  static constexpr MacAddress broadcast() noexcept { return MacAddress({0xff, 0xff, 0xff, 0xff, 0xff, 0xff}); }
  /// Where frames to a multicast group go: 01:00:5e and 23 bits of an IPv4 group (RFC 1112 6.4), 33:33 and 32 bits of
  /// an IPv6 group (RFC 2464 7). REQUIRES group.is_multicast().
  static MacAddress of_group(const IpAddress& group) noexcept;
  /// Six pairs of hexadecimal digits with ':' or '-' between them.
  static std::optional<MacAddress> parse(std::string_view text) noexcept;

  constexpr Bytes bytes() const noexcept { return bytes_; }
  constexpr bool is_broadcast() const noexcept { return *this == broadcast(); }
  /// The group bit: multicast, and broadcast too.
  constexpr bool is_group() const noexcept { return (bytes_[0] & 1) != 0; }
  constexpr bool is_zero() const noexcept { return *this == MacAddress(); }
  /// What a frame's source and a host's own address have to be: neither a group nor zero.
  constexpr bool is_unicast() const noexcept { return !is_group() && !is_zero(); }

  /// "02:00:5e:10:00:01".
  std::string to_string() const;

  friend constexpr bool operator==(const MacAddress&, const MacAddress&) noexcept = default;
  friend constexpr auto operator<=>(const MacAddress&, const MacAddress&) noexcept = default;

 private:
  std::array<std::uint8_t, kSize> bytes_{};
};

}  // namespace sluice
