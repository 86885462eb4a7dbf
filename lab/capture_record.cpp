// Link headers, skipped.
#include "lab/capture_record.hpp"

namespace sluice::lab {
namespace {

constexpr std::uint16_t kEtherIpv4 = 0x0800;
constexpr std::uint16_t kEtherIpv6 = 0x86dd;

bool is_vlan_tag(std::uint16_t type) noexcept { return type == 0x8100 || type == 0x88a8; }

Bytes after_ethernet(Bytes bytes) noexcept {
  ByteReader reader(bytes);
  reader.skip(12);
  std::uint16_t type = reader.u16();
  for (int tags = 0; tags < 2 && is_vlan_tag(type); ++tags) {
    reader.skip(2);
    type = reader.u16();
  }
  return type == kEtherIpv4 || type == kEtherIpv6 ? reader.rest() : Bytes();
}

Bytes after_cooked(Bytes bytes, std::size_t type_at, std::size_t header) noexcept {
  if (bytes.size() < header) return {};
  const std::uint16_t type = ByteReader(bytes.subspan(type_at)).u16();
  return type == kEtherIpv4 || type == kEtherIpv6 ? bytes.subspan(header) : Bytes();
}

Bytes if_ip(Bytes bytes) noexcept {
  if (bytes.empty()) return {};
  const int version = bytes[0] >> 4;
  return version == 4 || version == 6 ? bytes : Bytes();
}

}  // namespace

Bytes ip_packet(LinkType link, Bytes bytes) noexcept {
  switch (link) {
    case LinkType::raw:
    case LinkType::ipv4:
    case LinkType::ipv6: return if_ip(bytes);
    case LinkType::null: return bytes.size() < 4 ? Bytes() : if_ip(bytes.subspan(4));
    case LinkType::ethernet: return if_ip(after_ethernet(bytes));
    case LinkType::linux_sll: return if_ip(after_cooked(bytes, 14, 16));
    case LinkType::linux_sll2: return if_ip(after_cooked(bytes, 0, 20));
  }
  return {};
}

}  // namespace sluice::lab
