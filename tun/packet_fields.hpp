// Fields of an IP packet where they lie: for those who change headers in place, and know the packet to be long enough.
#pragma once

#include <cstddef>
#include <cstdint>

#include "stack/base/bytes.hpp"
#include "stack/base/checksum.hpp"
#include "stack/wire/ipv6.hpp"
#include "stack/wire/pseudo_header.hpp"

namespace sluice::tun {

/// At `at`, in network order. REQUIRES that the field lies within the bytes.
inline std::uint16_t load16(Bytes bytes, std::size_t at) noexcept { return ByteReader(bytes.subspan(at)).u16(); }
inline std::uint32_t load32(Bytes bytes, std::size_t at) noexcept { return ByteReader(bytes.subspan(at)).u32(); }
inline void store16(MutableBytes bytes, std::size_t at, std::size_t value) noexcept {
  ByteWriter(bytes.subspan(at)).u16(static_cast<std::uint16_t>(value));
}

/// REQUIRES that there is a first byte.
inline bool is_v4(Bytes packet) noexcept { return packet[0] >> 4 == 4; }

/// What the header says that the whole packet has, bytes.
inline std::size_t ip_size(Bytes packet) noexcept {
  return is_v4(packet) ? load16(packet, 2) : std::size_t{load16(packet, 4)} + wire::ipv6::kHeaderSize;
}

/// Writes the length of a packet of `size` bytes, and of IPv4 the checksum of a header of `header_size` bytes.
inline void store_ip_size(MutableBytes packet, std::size_t header_size, std::size_t size) noexcept {
  if (!is_v4(packet)) return store16(packet, 4, size - wire::ipv6::kHeaderSize);
  store16(packet, 2, size);
  store16(packet, 10, 0);
  store16(packet, 10, internet_checksum(Bytes(packet).first(header_size)));
}

/// The pseudo-header's sum for `length` bytes of transport header and text, with the addresses of this packet.
inline ChecksumSum pseudo_sum(Bytes packet, std::uint8_t protocol, std::size_t length) noexcept {
  const std::size_t from = is_v4(packet) ? 12 : 8, width = is_v4(packet) ? 4 : 16;
  return wire::pseudo_header(IpAddress::from_bytes(packet.subspan(from, width)),
                             IpAddress::from_bytes(packet.subspan(from + width, width)), protocol, length);
}

}  // namespace sluice::tun
