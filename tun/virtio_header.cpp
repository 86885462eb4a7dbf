// Read with mistrust, written from what the frame says.
#include "tun/virtio_header.hpp"

#include "stack/wire/tcp.hpp"
#include "tun/segmentation.hpp"

namespace sluice::tun {
namespace {

std::uint16_t load(const VirtioBytes& bytes, std::size_t at) noexcept {
  return static_cast<std::uint16_t>(bytes[at] | bytes[at + 1] << 8);
}

void store(VirtioBytes& bytes, std::size_t at, std::uint16_t value) noexcept {
  bytes[at] = static_cast<std::uint8_t>(value);
  bytes[at + 1] = static_cast<std::uint8_t>(value >> 8);
}

/// The packet's own header, if that is what lacks its checksum.
std::optional<TransportPlace> own_transport(const VirtioHeader& header, Bytes packet) noexcept {
  const auto place = find_transport(packet);
  const bool own =
      place && place->offset == header.checksum_start && place->checksum_offset() == header.checksum_offset;
  return own ? place : std::nullopt;
}

/// The gso_type of such a packet; 0 = there is none.
std::uint8_t gso_type_of(Bytes packet, const TransportPlace& place) noexcept {
  if (!place.is_tcp()) return VirtioHeader::kUdp;
  return packet[0] >> 4 == 4 ? VirtioHeader::kTcpV4 : VirtioHeader::kTcpV6;
}

VirtioFault apply_cut(const VirtioHeader& header, Packet& packet) noexcept {
  const Bytes bytes = std::as_const(packet).bytes();
  if (header.gso_size == 0) return VirtioFault::gso_size;
  // Who cuts must know where the checksum of each piece goes (virtio 1.2, 5.1.6.4.1).
  const bool placed = (header.flags & VirtioHeader::kNeedsChecksum) != 0;
  const auto place = placed ? own_transport(header, bytes) : std::nullopt;
  if (!place) return VirtioFault::checksum_place;
  if ((header.gso_type & ~VirtioHeader::kEcn) != gso_type_of(bytes, *place)) return VirtioFault::gso_type;
  const std::size_t transport = transport_header_size(bytes, *place);
  if (transport == 0) return VirtioFault::header_length;
  packet.checksum_known_good = true;
  const std::size_t text = bytes.size() - place->offset - transport;
  if (text > header.gso_size) packet.stand_for(text, header.gso_size);
  return VirtioFault::none;
}

}  // namespace

VirtioHeader read_virtio_header(const VirtioBytes& bytes) noexcept {
  return {.flags = bytes[0],
          .gso_type = bytes[1],
          .header_length = load(bytes, 2),
          .gso_size = load(bytes, 4),
          .checksum_start = load(bytes, 6),
          .checksum_offset = load(bytes, 8)};
}

VirtioBytes write_virtio_header(const VirtioHeader& header) noexcept {
  VirtioBytes bytes{header.flags, header.gso_type};
  store(bytes, 2, header.header_length);
  store(bytes, 4, header.gso_size);
  store(bytes, 6, header.checksum_start);
  store(bytes, 8, header.checksum_offset);
  return bytes;
}

VirtioFault apply(const VirtioHeader& header, Packet& packet) noexcept {
  const std::size_t size = packet.size();
  const bool needs = (header.flags & VirtioHeader::kNeedsChecksum) != 0;
  if (header.header_length > size) return VirtioFault::header_length;
  if (needs && std::size_t{header.checksum_start} + header.checksum_offset + 2 > size)
    return VirtioFault::checksum_place;
  switch (header.gso_type & ~VirtioHeader::kEcn) {
    case VirtioHeader::kWhole: break;
    case VirtioHeader::kTcpV4:
    case VirtioHeader::kTcpV6:
    case VirtioHeader::kUdp: return apply_cut(header, packet);
    default: return VirtioFault::gso_type;
  }
  if (!needs) {
    packet.checksum_known_good = (header.flags & VirtioHeader::kDataValid) != 0;
  } else if (own_transport(header, std::as_const(packet).bytes())) {
    packet.checksum_known_good = true;
  } else {
    complete_checksum(packet.bytes(), header.checksum_start, header.checksum_offset);
  }
  return VirtioFault::none;
}

std::optional<VirtioHeader> describe(const Frame& frame) noexcept {
  VirtioHeader header;
  if (!frame.checksum_partial) return frame.gso_size == 0 ? std::optional(header) : std::nullopt;
  const auto place = find_transport(frame.head);
  if (!place || place->offset != frame.transport_offset) return std::nullopt;
  if (transport_header_size(frame.head, *place) == 0) return std::nullopt;
  header.flags = VirtioHeader::kNeedsChecksum;
  header.checksum_start = frame.transport_offset;
  header.checksum_offset = static_cast<std::uint16_t>(place->checksum_offset());
  if (frame.gso_size == 0) return header;
  header.gso_type = gso_type_of(frame.head, *place);
  header.gso_size = frame.gso_size;
  header.header_length = static_cast<std::uint16_t>(frame.head.size());
  const bool cwr = place->is_tcp() && (frame.head[place->offset + 13] & wire::tcp::cwr) != 0;
  if (cwr) header.gso_type |= VirtioHeader::kEcn;
  return header;
}

}  // namespace sluice::tun
