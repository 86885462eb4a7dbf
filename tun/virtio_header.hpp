// The header that the kernel and a TUN with offloads put before each packet: virtio 1.2, section 5.1.6.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "stack/base/packet.hpp"

namespace sluice::tun {

/// struct virtio_net_hdr, little-endian. <linux/virtio_net.h> is no C++.
struct VirtioHeader {
  static constexpr std::size_t kSize = 10;  ///< bytes
  // Bits of `flags`.
  static constexpr std::uint8_t kNeedsChecksum = 1;  ///< the field holds the pseudo-header's sum only
  static constexpr std::uint8_t kDataValid = 2;      ///< the checksum was looked at and is good
  // Values of `gso_type`.
  static constexpr std::uint8_t kWhole = 0;
  static constexpr std::uint8_t kTcpV4 = 1;
  static constexpr std::uint8_t kTcpV6 = 4;
  static constexpr std::uint8_t kUdp = 5;
  static constexpr std::uint8_t kEcn = 0x80;  ///< a bit beside the others: the first segment has CWR

  std::uint8_t flags = 0;
  std::uint8_t gso_type = kWhole;
  std::uint16_t header_length = 0;    ///< bytes of all headers; from the kernel only a hint
  std::uint16_t gso_size = 0;         ///< bytes of text in a segment
  std::uint16_t checksum_start = 0;   ///< bytes from the front of the packet to where the sum begins
  std::uint16_t checksum_offset = 0;  ///< bytes from there to the field

  friend bool operator==(const VirtioHeader&, const VirtioHeader&) = default;
};

using VirtioBytes = std::array<std::uint8_t, VirtioHeader::kSize>;
VirtioHeader read_virtio_header(const VirtioBytes& bytes) noexcept;
VirtioBytes write_virtio_header(const VirtioHeader& header) noexcept;

/// What of a header is nonsense for the packet behind it.
enum class VirtioFault : std::uint8_t {
  none,
  gso_type,        ///< a kind that nobody asked for, or another one than the packet's
  gso_size,        ///< none, though the packet is to be cut
  header_length,   ///< beyond the packet's end, or a transport header that is
  checksum_place,  ///< beyond the packet's end, or none in a packet that is to be cut
};

/// Notes on `packet`, an IP packet, what the device says of it: the checksum that is known to be good, and of a
/// super-segment how it was cut. A checksum that is missing elsewhere than in the packet's own TCP or UDP header (in a
/// tunnel, say) is written. With a fault nothing is changed and the packet must go.
VirtioFault apply(const VirtioHeader& header, Packet& packet) noexcept;

/// What to tell the device of `frame`; nullopt when no header says that.
std::optional<VirtioHeader> describe(const Frame& frame) noexcept;

}  // namespace sluice::tun
