// Rewriting of the peer's packets; see replay_numbers.hpp.
#include "lab/replay_numbers.hpp"

#include <algorithm>

#include "stack/base/checksum.hpp"
#include "stack/wire/icmp.hpp"
#include "stack/wire/ipv6.hpp"
#include "stack/wire/pseudo_header.hpp"

namespace sluice::lab {
namespace {

namespace flag = wire::tcp;

constexpr std::size_t kTcpChecksum = 16, kIcmpChecksum = 2;
constexpr std::size_t kSequence = 4, kAcknowledgement = 8;

std::uint16_t read_u16(Bytes bytes, std::size_t at) noexcept { return ByteReader(bytes.subspan(at)).u16(); }

void write_u16(MutableBytes bytes, std::size_t at, std::uint16_t value) noexcept {
  ByteWriter(bytes.subspan(at, 2)).u16(value);
}

void shift_u32(MutableBytes bytes, std::size_t at, std::uint32_t by) noexcept {
  const std::uint32_t value = ByteReader(Bytes(bytes).subspan(at)).u32();
  ByteWriter(bytes.subspan(at, 4)).u32(value + by);
}

void shift_options(MutableBytes options, bool acks, const Translation& by) noexcept {
  while (!options.empty() && options[0] != 0) {
    if (options[0] == 1) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2 || options[1] < 2 || options[1] > options.size()) return;
    const std::size_t size = options[1];
    if (options[0] == 5)
      for (std::size_t at = 2; at + 4 <= size; at += 4) shift_u32(options, at, by.isn);
    if (options[0] == 8 && size == 10 && acks) shift_u32(options, 6, by.stamp);
    options = options.subspan(size);
  }
}

void shift_segment(MutableBytes segment, const wire::tcp::Header& header, const Translation& by) noexcept {
  const bool acks = header.has(flag::ack);
  if (acks) shift_u32(segment, kAcknowledgement, by.isn);
  shift_options(segment.subspan(wire::tcp::kMinimumHeader, header.size - wire::tcp::kMinimumHeader), acks, by);
}

/// The sum that the checksum field complements, of a message whose field is zero.
ChecksumSum sum_of(const DatagramView& packet, Bytes message, bool pseudo) noexcept {
  ChecksumSum sum;
  if (pseudo) sum = wire::pseudo_header(packet.source, packet.destination, packet.protocol, message.size());
  sum.add(message);
  return sum;
}

enum class Sum : std::uint8_t { good, unfinished, wrong };

/// Takes the checksum out of the message and says what it was worth. A sender that leaves the sum to its device writes
/// that of the pseudo-header alone.
Sum take_checksum(const DatagramView& packet, MutableBytes message, std::size_t field, bool pseudo) noexcept {
  const std::uint16_t was = read_u16(message, field);
  write_u16(message, field, 0);
  if (sum_of(packet, message, pseudo).checksum() == was) return Sum::good;
  const auto half = wire::pseudo_header(packet.source, packet.destination, packet.protocol, message.size()).folded();
  return pseudo && was == half ? Sum::unfinished : Sum::wrong;
}

void put_checksum(const DatagramView& packet, MutableBytes message, std::size_t field, bool pseudo, Sum worth) {
  const std::uint16_t good = sum_of(packet, message, pseudo).checksum();
  write_u16(message, field, worth == Sum::wrong ? good ^ 1 : good);
}

}  // namespace

std::optional<wire::tcp::Header> tcp_header(const DatagramView& packet) noexcept {
  wire::tcp::Header header;
  if (packet.protocol != protocol::kTcp || packet.fragment) return std::nullopt;
  if (wire::tcp::parse(packet.transport, header) != wire::tcp::ParseError::none) return std::nullopt;
  return header;
}

std::optional<std::vector<std::uint8_t>> earlier_ack(Bytes packet, std::uint32_t acked, const NumberBase& captured,
                                                     const NumberBase& now) {
  const auto view = view_datagram(packet);
  const auto header = view ? tcp_header(*view) : std::nullopt;
  const bool plain = header && header->has(flag::ack) && !header->has(flag::syn) && !header->has(flag::rst) &&
                     header->options.sack_count == 0;
  if (!plain || !now.isn) return std::nullopt;
  std::vector<std::uint8_t> out = translated(packet, translation(captured, now));
  out.resize(view->transport_offset + header->size);
  const bool v4 = view->source.is_v4();
  const std::size_t size = v4 ? out.size() : out.size() - wire::ipv6::kHeaderSize;
  write_u16(out, v4 ? 2 : 4, static_cast<std::uint16_t>(size));
  if (v4) {
    write_u16(out, 10, 0);
    write_u16(out, 10, internet_checksum(Bytes(out).first(view->transport_offset)));
  }
  const MutableBytes segment = MutableBytes(out).subspan(view->transport_offset);
  segment[13] = flag::ack;
  const std::uint32_t number = *now.isn + acked;
  write_u16(segment, kAcknowledgement, static_cast<std::uint16_t>(number >> 16));
  write_u16(segment, kAcknowledgement + 2, static_cast<std::uint16_t>(number));
  write_u16(segment, kTcpChecksum, 0);
  put_checksum(*view, segment, kTcpChecksum, true, Sum::good);
  return out;
}

bool has_unfinished_checksum(const DatagramView& packet) {
  if (!tcp_header(packet)) return false;
  std::vector<std::uint8_t> message(packet.transport.begin(), packet.transport.end());
  return take_checksum(packet, message, kTcpChecksum, true) == Sum::unfinished;
}

void NumberBase::learn(const DatagramView& packet) noexcept {
  const auto header = tcp_header(packet);
  if (!header) return;
  if (header->has(flag::syn) && !isn) isn = header->seq;
  if (header->options.timestamps && !stamp) stamp = header->options.ts_value;
  if (!isn || header->has(flag::rst)) return;
  const auto text = static_cast<std::uint32_t>(packet.transport.size() - header->size);
  const std::uint32_t behind =
      header->seq - *isn + text + (header->has(flag::syn) ? 1u : 0u) + (header->has(flag::fin) ? 1u : 0u);
  if (static_cast<std::int32_t>(behind - end) > 0) end = behind;
}

Translation translation(const NumberBase& captured, const NumberBase& now) noexcept {
  Translation by;
  if (captured.isn && now.isn) by.isn = *now.isn - *captured.isn;
  if (captured.stamp && now.stamp) by.stamp = *now.stamp - *captured.stamp;
  return by;
}

std::vector<std::uint8_t> translated(Bytes packet, const Translation& by) {
  std::vector<std::uint8_t> out(packet.begin(), packet.end());
  const auto view = view_datagram(out);
  if (!view) return out;
  const MutableBytes message = MutableBytes(out).subspan(view->transport_offset, view->transport.size());
  if (const auto header = tcp_header(*view)) {
    const Sum worth = take_checksum(*view, message, kTcpChecksum, true);
    shift_segment(message, *header, by);
    put_checksum(*view, message, kTcpChecksum, true, worth);
    return out;
  }
  const auto quote = view_quote(*view);
  if (!quote || quote->protocol != protocol::kTcp || quote->offset + kSequence + 4 > message.size()) return out;
  const bool pseudo = view->protocol == protocol::kIcmpV6;
  const Sum worth = take_checksum(*view, message, kIcmpChecksum, pseudo);
  shift_u32(message, quote->offset + kSequence, by.isn);
  put_checksum(*view, message, kIcmpChecksum, pseudo, worth);
  return out;
}

}  // namespace sluice::lab
