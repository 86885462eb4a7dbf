// IP addresses and endpoints as values: both families in one type, so that code above needn't care.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "stack/base/bytes.hpp"

namespace sluice {

enum class Family : std::uint8_t { ipv4 = 4, ipv6 = 6 };

/// An IPv4 or IPv6 address. IPv4 is kept in v4-mapped form (RFC 4291 2.5.5.2) inside, but is never equal to an IPv6
/// address.
class IpAddress {
 public:
  /// The IPv4 address 0.0.0.0.
  constexpr IpAddress() noexcept { bytes_[10] = bytes_[11] = 0xff; }

  static constexpr IpAddress v4(std::uint32_t host_order) noexcept {
    IpAddress address;
    for (unsigned i = 0; i < 4; ++i) address.bytes_[12 + i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
    return address;
  }
  static constexpr IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) noexcept {
    return v4(std::uint32_t{a} << 24 | std::uint32_t{b} << 16 | std::uint32_t{c} << 8 | d);
  }
  static constexpr IpAddress v6(const std::array<std::uint8_t, 16>& bytes) noexcept {
    IpAddress address;
    address.bytes_ = bytes;
    address.family_ = Family::ipv6;
    return address;
  }
  /// REQUIRES 4 or 16 bytes in network order.
  static IpAddress from_bytes(Bytes bytes) noexcept;
  /// 0.0.0.0 or ::.
  static constexpr IpAddress any(Family family) noexcept { return family == Family::ipv4 ? IpAddress() : v6({}); }
  /// Dotted quad or RFC 4291 text (with an embedded IPv4 tail); no zone, no prefix length.
  static std::optional<IpAddress> parse(std::string_view text) noexcept;

  constexpr Family family() const noexcept { return family_; }
  constexpr bool is_v4() const noexcept { return family_ == Family::ipv4; }
  constexpr bool is_v6() const noexcept { return family_ == Family::ipv6; }
  /// 4 or 16 bytes in network order, valid as long as this object.
  constexpr Bytes bytes() const noexcept { return is_v4() ? Bytes(bytes_).subspan(12) : Bytes(bytes_); }
  /// The IPv4 address in host order. REQUIRES is_v4().
  constexpr std::uint32_t v4_number() const noexcept {
    return std::uint32_t{bytes_[12]} << 24 | std::uint32_t{bytes_[13]} << 16 | std::uint32_t{bytes_[14]} << 8 |
           bytes_[15];
  }
  /// The IPv6 spelling of an IPv4 address (::ffff:a.b.c.d) and the way back; other addresses stay as they are.
  constexpr IpAddress mapped() const noexcept { return is_v4() ? v6(bytes_) : *this; }
  constexpr IpAddress unmapped() const noexcept {
    IpAddress address = *this;
    if (is_v4_mapped()) address.family_ = Family::ipv4;
    return address;
  }

  /// An IPv6 address in ::ffff:0:0/96.
  constexpr bool is_v4_mapped() const noexcept {
    constexpr IpAddress kFirst;  // 0.0.0.0
    return is_v6() && std::equal(kFirst.bytes_.begin(), kFirst.bytes_.begin() + 12, bytes_.begin());
  }
  constexpr bool is_unspecified() const noexcept { return *this == any(family_); }
  constexpr bool is_loopback() const noexcept {
    return is_v4() ? bytes_[12] == 127 : *this == v6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  }
  /// 224.0.0.0/4 or ff00::/8.
  constexpr bool is_multicast() const noexcept { return is_v4() ? bytes_[12] >> 4 == 0xe : bytes_[0] == 0xff; }
  /// 255.255.255.255.
  constexpr bool is_limited_broadcast() const noexcept { return is_v4() && v4_number() == 0xffffffff; }
  /// 169.254.0.0/16 or fe80::/10.
  constexpr bool is_link_local() const noexcept {
    return is_v4() ? v4_number() >> 16 == 0xa9fe : bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
  }
  /// What no packet from a wire may have as its source: unspecified or 0.0.0.0/8, multicast, broadcast, 240.0.0.0/4,
  /// 127.0.0.0/8 or ::1, and v4-mapped IPv6 (it would pass for IPv4 on a dual-stack socket).
  constexpr bool is_invalid_source() const noexcept {
    if (is_v4()) return bytes_[12] == 0 || bytes_[12] == 127 || bytes_[12] >= 224;
    return is_loopback() || is_multicast() || is_v4_mapped() || is_unspecified();
  }

  /// As RFC 5952 writes it.
  std::string to_string() const;

  /// In words: each packet compares some addresses.
  friend constexpr bool operator==(const IpAddress& a, const IpAddress& b) noexcept {
    return a.words() == b.words() && a.family_ == b.family_;
  }
  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) noexcept = default;

 private:
  struct Words {
    std::uint64_t front, back;
    friend constexpr bool operator==(const Words&, const Words&) noexcept = default;
  };
  constexpr Words words() const noexcept { return std::bit_cast<Words>(bytes_); }

  std::array<std::uint8_t, 16> bytes_{};
  Family family_ = Family::ipv4;
};

/// An address and how many of its leading bits name the network.
struct Prefix {
  IpAddress address;
  std::uint8_t length = 0;  ///< 0..32 or 0..128

  /// "10.0.0.1/24" or "fd00::1/64"; the length is required and in range.
  static std::optional<Prefix> parse(std::string_view text) noexcept;
  bool contains(const IpAddress& other) const noexcept;
  /// The same without bits beyond the length.
  Prefix network() const noexcept;
  std::string to_string() const;
  friend constexpr bool operator==(const Prefix&, const Prefix&) noexcept = default;
};

/// An address and a port (host order).
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  /// "10.0.0.1:80" or "[fd00::1]:80".
  static std::optional<Endpoint> parse(std::string_view text) noexcept;
  std::string to_string() const;
  friend constexpr bool operator==(const Endpoint&, const Endpoint&) noexcept = default;
  friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) noexcept = default;
};

/// What names a connection: RFC 9293 3.1's pair of sockets, seen from our side.
struct FourTuple {
  Endpoint local;
  Endpoint remote;
  friend constexpr bool operator==(const FourTuple&, const FourTuple&) noexcept = default;
};

}  // namespace sluice
