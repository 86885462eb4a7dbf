// Router Alert options from and to bytes; see router_alert.hpp.
#include "stack/wire/router_alert.hpp"

#include "stack/wire/ipv4.hpp"
#include "stack/wire/ipv6_chain.hpp"

namespace sluice::wire {
namespace {

constexpr std::uint8_t kHopByHopAlert = 5;
constexpr std::uint8_t kPadN = 1;

/// Option types with one byte: the end (or a pad) and a no-operation.
bool is_single(std::uint8_t type, bool v4) noexcept { return type == 0 || (v4 && type == 1); }

/// Walks options of type, length and value; `overhead` is what the length counts besides the value.
bool finds(Bytes options, std::uint8_t wanted, std::size_t overhead) noexcept {
  const bool v4 = overhead == 2;
  while (!options.empty()) {
    const std::uint8_t type = options[0];
    if (v4 && type == 0) return false;
    std::size_t size = 1;
    if (!is_single(type, v4)) {
      if (options.size() < 2) return false;
      size = std::size_t{options[1]} + 2 - overhead;
      if (size < 2 || size > options.size()) return false;
      if (type == wanted) return size == 4 && options[2] == 0 && options[3] == 0;
    }
    options = options.subspan(size);
  }
  return false;
}

}  // namespace

std::size_t write_router_alert(MutableBytes room, std::uint8_t next_header) noexcept {
  ByteWriter writer(room);
  writer.u8(next_header);
  writer.u8(0);
  writer.u8(kHopByHopAlert);
  writer.u8(2);
  writer.u16(0);
  writer.u8(kPadN);
  writer.u8(0);
  return writer.used();
}

bool has_router_alert(Bytes packet) noexcept {
  if (packet[0] >> 4 == 4) {
    const std::size_t header_size = (packet[0] & 0x0fu) * 4u;
    return finds(packet.subspan(ipv4::kMinimumHeader, header_size - ipv4::kMinimumHeader), kRouterAlertOption[0], 2);
  }
  if (packet[6] != ipv6::kHopByHop) return false;
  const Bytes header = packet.subspan(ipv6::kHeaderSize);
  const std::size_t size = (std::size_t{header[1]} + 1) * 8;
  return finds(header.subspan(2, size - 2), kHopByHopAlert, 0);
}

}  // namespace sluice::wire
