// Byte for byte comparison with the first packet's headers.
#include "tun/merge.hpp"

#include <cstring>

#include "stack/base/checksum.hpp"
#include "stack/wire/ipv4.hpp"
#include "stack/wire/ipv6.hpp"
#include "stack/wire/pseudo_header.hpp"
#include "stack/wire/tcp.hpp"

namespace sluice::tun {
namespace {

constexpr std::uint8_t kTcp = 6;
constexpr std::size_t kFlags = 13;  // in the TCP header
constexpr std::size_t kChecksum = 16;
constexpr std::size_t kLargest = 65535;
/// Stands for zero as well as 0 does, but nobody writes it: a cut would not give it back.
constexpr std::uint16_t kOddZero = 0xffff;

bool is_v4(Bytes packet) noexcept { return packet[0] >> 4 == 4; }
std::uint16_t load16(Bytes bytes, std::size_t at) noexcept { return ByteReader(bytes.subspan(at)).u16(); }
std::uint32_t load32(Bytes bytes, std::size_t at) noexcept { return ByteReader(bytes.subspan(at)).u32(); }
void store16(MutableBytes bytes, std::size_t at, std::size_t value) noexcept {
  ByteWriter(bytes.subspan(at)).u16(static_cast<std::uint16_t>(value));
}

bool same_bytes(Bytes a, Bytes b, std::size_t from, std::size_t to) noexcept {
  return std::memcmp(a.data() + from, b.data() + from, to - from) == 0;
}

/// Bytes of an IP header without options, behind which TCP follows; 0 = it is another.
std::size_t plain_network_size(Bytes packet) noexcept {
  if (packet.size() < wire::ipv6::kHeaderSize) return 0;
  if (packet[0] == 0x45) {
    const bool fragment = (packet[6] & 0xbf) != 0 || packet[7] != 0;  // or the reserved bit
    return packet[9] == kTcp && !fragment ? wire::ipv4::kMinimumHeader : 0;
  }
  return packet[0] >> 4 == 6 && packet[6] == kTcp ? wire::ipv6::kHeaderSize : 0;
}

/// What the IP header says is what there is, and its checksum is right.
bool is_sound(Bytes head, std::size_t network, std::size_t size) noexcept {
  if (!is_v4(head)) return load16(head, 4) + network == size;
  return load16(head, 2) == size && load16(head, 10) != kOddZero && internet_checksum(head.first(network)) == 0;
}

bool has_right_checksum(Bytes head, std::size_t network, Bytes text) noexcept {
  const std::size_t width = is_v4(head) ? 4 : 16, from = is_v4(head) ? 12 : 8;
  ChecksumSum sum = wire::pseudo_header(IpAddress::from_bytes(head.subspan(from, width)),
                                        IpAddress::from_bytes(head.subspan(from + width, width)), kTcp,
                                        head.size() - network + text.size());
  sum.add(head.subspan(network));
  sum.add(text);
  return sum.checksum() == 0 && load16(head, network + kChecksum) != kOddZero;
}

}  // namespace

bool Merge::begin(Bytes packet) noexcept {
  close();
  const std::size_t network = plain_network_size(packet);
  if (network == 0 || packet.size() < network + wire::tcp::kMinimumHeader + kLeastText) return false;
  const Bytes transport = packet.subspan(network);
  const std::size_t header = (transport[12] >> 4) * std::size_t{4};
  const auto flags = static_cast<std::uint8_t>(transport[kFlags] & ~wire::tcp::ece);
  if (header < wire::tcp::kMinimumHeader || flags != wire::tcp::ack) return false;
  if (transport.size() < header + kLeastText) return false;
  const Bytes head = packet.first(network + header), text = packet.subspan(head.size());
  if (!is_sound(head, network, packet.size()) || !has_right_checksum(head, network, text)) return false;
  std::memcpy(head_, head.data(), head.size());
  head_size_ = head.size();
  network_size_ = network;
  unit_ = text_ = text.size();
  count_ = 1;
  push_ = false;
  ended_ = size() + unit_ > kLargest;
  return true;
}

bool Merge::join(Bytes head, Bytes text) noexcept {
  if (!is_open() || ended_ || head.size() != head_size_ || text.empty() || text.size() > unit_) return false;
  if (size() + text.size() > kLargest) return false;
  if (!same_network(head, head.size() + text.size()) || !same_transport(head.subspan(network_size_))) return false;
  if (!has_right_checksum(head, network_size_, text)) return false;
  push_ = (head[network_size_ + kFlags] & wire::tcp::psh) != 0;
  ended_ = push_ || text.size() < unit_ || size() + text.size() + unit_ > kLargest;
  text_ += text.size();
  ++count_;
  return true;
}

/// `size`: of the whole packet.
bool Merge::same_network(Bytes head, std::size_t size) const noexcept {
  const Bytes first(head_);
  if (!is_v4(first)) return same_bytes(first, head, 0, 4) && same_bytes(first, head, 6, 40) && is_sound(head, 40, size);
  const auto id = static_cast<std::uint16_t>(load16(first, 4) + count_);
  const bool same = same_bytes(first, head, 0, 2) && same_bytes(first, head, 6, 10) && same_bytes(first, head, 12, 20);
  return same && load16(head, 4) == id && is_sound(head, network_size_, size);
}

/// All but the sequence number, PSH and the checksum.
bool Merge::same_transport(Bytes transport) const noexcept {
  const Bytes first = Bytes(head_).first(head_size_).subspan(network_size_);
  const bool in_order = load32(transport, 4) == static_cast<std::uint32_t>(load32(first, 4) + text_);
  const std::uint8_t flags = transport[kFlags] & static_cast<std::uint8_t>(~wire::tcp::psh);
  return in_order && flags == first[kFlags] && same_bytes(first, transport, 0, 4) &&
         same_bytes(first, transport, 8, kFlags) && same_bytes(first, transport, 14, 16) &&
         same_bytes(first, transport, 18, first.size());
}

void Merge::finish(Packet& packet) noexcept {
  const MutableBytes bytes = packet.bytes();
  if (is_v4(bytes)) {
    store16(bytes, 2, size());
    store16(bytes, 10, 0);
    store16(bytes, 10, internet_checksum(Bytes(bytes).first(network_size_)));
  } else {
    store16(bytes, 4, size() - network_size_);
  }
  if (push_) bytes[network_size_ + kFlags] |= wire::tcp::psh;
  packet.checksum_known_good = true;
  packet.stand_for(text_, static_cast<std::uint16_t>(unit_));
  close();
}

}  // namespace sluice::tun
