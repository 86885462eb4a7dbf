// Zeros and a checksum over them; see cut_packet.hpp.
#include "lab/cut_packet.hpp"

#include "lab/conversation.hpp"
#include "lab/replay_numbers.hpp"
#include "stack/wire/icmp.hpp"
#include "stack/wire/udp.hpp"

namespace sluice::lab {
namespace {

constexpr std::size_t kLargestPacket = 65575;  // IPv6 with a payload of 65,535

/// Of TCP with its options; 0 for a transport that we don't know.
std::size_t transport_header(const DatagramView& view) noexcept {
  switch (view.protocol) {
    case protocol::kTcp: {
      const auto header = tcp_header(view);
      return header ? header->size : 0;
    }
    case protocol::kUdp: return wire::udp::kHeaderSize;
    case protocol::kIcmp:
    case protocol::kIcmpV6: return wire::icmp::kHeaderSize;
    default: return 0;
  }
}

}  // namespace

std::optional<std::vector<std::uint8_t>> filled(Bytes packet, std::size_t missing) {
  std::vector<std::uint8_t> whole(packet.begin(), packet.end());
  if (view_datagram(packet)) return whole;  // only padding is missing
  if (packet.size() + missing > kLargestPacket) return std::nullopt;
  whole.resize(packet.size() + missing);
  const auto view = view_datagram(whole);
  if (!view || view->fragment) return std::nullopt;
  const std::size_t header = transport_header(*view);
  if (header == 0 || view->transport_offset + header > packet.size()) return std::nullopt;
  renew_checksum(*view, MutableBytes(whole).subspan(view->transport_offset, view->transport.size()));
  return whole;
}

}  // namespace sluice::lab
