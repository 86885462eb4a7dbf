// What the fuzzers of the lower layers share: inputs cut into records, packets made plausible, replies judged.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "stack/base/checksum.hpp"
#include "stack/ip/layer.hpp"
#include "stack/wire/icmp.hpp"
#include "stack/wire/ipv4.hpp"
#include "stack/wire/ipv6.hpp"
#include "stack/wire/ipv6_chain.hpp"
#include "stack/wire/pseudo_header.hpp"

namespace sluice::fuzz {

using Octets = std::vector<std::uint8_t>;

inline void require(bool condition, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (condition) return;
  std::fprintf(stderr, "%s:%d: does not hold\n", file, line);
  std::abort();
}

/// Takes numbers and runs of bytes off the front; zeros when nothing is left.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}

  bool empty() const { return rest_.empty(); }
  std::uint8_t u8() {
    if (rest_.empty()) return 0;
    const std::uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  std::uint16_t u16() { return static_cast<std::uint16_t>(u8() << 8 | u8()); }
  Octets take(std::size_t size) {
    const Bytes head = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(head.size());
    return {head.begin(), head.end()};
  }
  Octets rest() { return take(rest_.size()); }

 private:
  Bytes rest_;
};

inline const IpAddress kOur4 = IpAddress::v4(10, 0, 0, 1);
inline const IpAddress kPeer4 = IpAddress::v4(10, 0, 0, 2);
inline const IpAddress kOur6 = IpAddress::v6({0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
inline const IpAddress kPeer6 = IpAddress::v6({0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2});

inline ip::Config config() {
  return {.addresses = {{kOur4, 24}, {kOur6, 64}}, .reassembly_limit = 100'000, .answer_group_echo = true};
}

/// Bits of a record's first byte: what is put right, so that the fuzzer gets past the checks on random bytes.
enum Mend : std::uint8_t { addresses = 1, lengths = 2, checksums = 4 };

inline void put16(Octets& packet, std::size_t at, std::uint16_t value) {
  packet[at] = static_cast<std::uint8_t>(value >> 8);
  packet[at + 1] = static_cast<std::uint8_t>(value);
}

/// Where the checksum of this protocol stands in its header; 0 = it has none that we know.
inline std::size_t checksum_field(std::uint8_t protocol) {
  switch (protocol) {
    case 1:
    case 58: return 2;
    case 6: return 16;
    case 17: return 6;
    default: return 0;
  }
}

/// The transport checksum of the whole datagram at the front of `packet`.
inline void mend_transport(Octets& packet, std::uint8_t protocol, std::size_t at, const IpAddress& source,
                           const IpAddress& destination) {
  const std::size_t field = checksum_field(protocol);
  if (field == 0 || packet.size() < at + field + 2) return;
  put16(packet, at + field, 0);
  ChecksumSum sum;
  if (protocol != 1) sum = wire::pseudo_header(source, destination, protocol, packet.size() - at);
  sum.add(Bytes(packet).subspan(at));
  put16(packet, at + field, sum.checksum());
}

inline void mend_v4(Octets& packet, std::uint8_t what) {
  const std::size_t header = std::size_t{packet[0] & 0xfu} * 4;
  if (packet.size() < 20 || header < 20 || header > packet.size()) return;
  if (what & Mend::addresses) {
    std::copy_n(kPeer4.bytes().data(), 4, packet.data() + 12);
    std::copy_n(kOur4.bytes().data(), 4, packet.data() + 16);
  }
  if (what & Mend::lengths) put16(packet, 2, static_cast<std::uint16_t>(packet.size()));
  if (!(what & Mend::checksums)) return;
  const bool fragment = (packet[6] & 0x3f) != 0 || packet[7] != 0;
  if (!fragment)
    mend_transport(packet, packet[9], header, IpAddress::from_bytes(Bytes(packet).subspan(12, 4)),
                   IpAddress::from_bytes(Bytes(packet).subspan(16, 4)));
  put16(packet, 10, 0);
  put16(packet, 10, internet_checksum(Bytes(packet).first(header)));
}

inline void mend_v6(Octets& packet, std::uint8_t what) {
  if (packet.size() < 40) return;
  if (what & Mend::addresses) {
    std::copy_n(kPeer6.bytes().data(), 16, packet.data() + 8);
    std::copy_n(kOur6.bytes().data(), 16, packet.data() + 24);
  }
  if (what & Mend::lengths) put16(packet, 4, static_cast<std::uint16_t>(packet.size() - 40));
  if (!(what & Mend::checksums)) return;
  const auto upper = wire::ipv6::find_quoted_upper(packet);
  if (upper && upper->at <= packet.size())
    mend_transport(packet, upper->protocol, upper->at, IpAddress::from_bytes(Bytes(packet).subspan(8, 16)),
                   IpAddress::from_bytes(Bytes(packet).subspan(24, 16)));
}

inline void mend(Octets& packet, std::uint8_t what) {
  if (packet.empty() || packet.size() > 65535) return;
  if (packet[0] >> 4 == 4) mend_v4(packet, what);
  if (packet[0] >> 4 == 6) mend_v6(packet, what);
}

/// Whatever we send must be a packet that we would take, from one of our addresses.
inline void judge_sent(Bytes packet) {
  require(!packet.empty());
  if (packet[0] >> 4 == 4) {
    const auto header = wire::ipv4::parse(packet);
    require(header && header->source == kOur4 && header->total_length == packet.size() && header->hop_limit > 0);
  } else {
    const auto header = wire::ipv6::parse(packet);
    require(header && header->source == kOur6 && header->payload_length == packet.size() - 40);
  }
}

/// The packet that leaves, in one piece.
inline Octets octets_of(const Frame& frame) {
  Octets packet(frame.head.begin(), frame.head.end());
  for (const Slice& piece : frame.body) packet.insert(packet.end(), piece.bytes().begin(), piece.bytes().end());
  return packet;
}

/// Judges each frame and keeps none.
class JudgingSink final : public FrameSink {
 public:
  bool accept(const Frame& frame) noexcept override {
    if (room == 0) return false;
    --room;
    judge_sent(octets_of(frame));
    return true;
  }
  std::size_t room = ~std::size_t{0};
};

}  // namespace sluice::fuzz
