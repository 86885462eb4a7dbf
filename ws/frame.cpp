// Header bytes to values and back.
#include "ws/frame.hpp"

namespace sluice::ws {
namespace {

constexpr std::uint8_t kFin = 0x80;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint64_t kTopBit = std::uint64_t{1} << 63;

constexpr bool defined(std::uint8_t opcode) noexcept { return opcode <= 2 || (opcode >= 8 && opcode <= 10); }

/// RFC 6455 5.2: FIN, RSV1-3, opcode.
Fault parse_first(std::uint8_t byte, const HeaderRules& rules, FrameHeader& header) noexcept {
  header.fin = (byte & kFin) != 0;
  header.rsv = byte & kRsvAll;
  if (header.rsv & ~rules.rsv_allowed) return Fault::reserved_bit;  // [WS-5.2-1]
  if (!defined(byte & 0x0f)) return Fault::reserved_opcode;         // [WS-5.2-2]
  header.opcode = static_cast<Opcode>(byte & 0x0f);
  if (is_control(header.opcode) && !header.fin) return Fault::control_fragmented;  // [WS-5.4-1]
  const bool begins_message = header.opcode == Opcode::text || header.opcode == Opcode::binary;
  if (header.rsv != 0 && !begins_message) return Fault::compressed_bit;  // [WSD-6.1-2]
  return Fault::none;
}

/// RFC 6455 5.2: MASK and the first seven bits of the length.
Fault parse_second(std::uint8_t byte, const HeaderRules& rules, FrameHeader& header) noexcept {
  header.masked = (byte & kMasked) != 0;
  header.length = byte & 0x7f;
  if (header.masked != rules.masked) return header.masked ? Fault::mask_present : Fault::mask_missing;
  if (is_control(header.opcode) && header.length > kMaxControlPayload) return Fault::control_too_long;
  return Fault::none;
}

/// RFC 6455 5.2: the longer forms of the length, each only where it is needed [WS-5.2-3] [WS-5.2-4].
Fault parse_length(ByteReader& reader, FrameHeader& header) noexcept {
  if (header.length < 126) return Fault::none;
  const bool wide = header.length == 127;
  header.length = wide ? reader.u64() : reader.u16();
  if (!reader.ok()) return Fault::none;
  if (header.length & kTopBit) return Fault::length_out_of_range;
  return header.length <= (wide ? 0xffffu : 125u) ? Fault::length_not_shortest : Fault::none;
}

}  // namespace

ParsedHeader parse_header(Bytes input, const HeaderRules& rules) noexcept {
  ParsedHeader parsed;
  FrameHeader& header = parsed.header;
  ByteReader reader(input);
  if (reader.empty()) return parsed;
  parsed.fault = parse_first(reader.u8(), rules, header);
  if (parsed.fault != Fault::none || reader.empty()) return parsed;
  parsed.fault = parse_second(reader.u8(), rules, header);
  if (parsed.fault != Fault::none) return parsed;
  parsed.fault = parse_length(reader, header);
  if (parsed.fault != Fault::none) return parsed;
  if (header.masked) {
    const Bytes key = reader.take(header.key.size());
    if (reader.ok()) std::memcpy(header.key.data(), key.data(), key.size());
  }
  if (reader.ok()) parsed.size = input.size() - reader.remaining();
  return parsed;
}

std::size_t write_header(MutableBytes room, const FrameHeader& header) noexcept {
  ByteWriter writer(room);
  writer.u8(static_cast<std::uint8_t>((header.fin ? kFin : 0) | header.rsv | static_cast<std::uint8_t>(header.opcode)));
  const std::uint8_t mask_bit = header.masked ? kMasked : 0;
  if (header.length <= 125) {
    writer.u8(static_cast<std::uint8_t>(mask_bit | header.length));
  } else if (header.length <= 0xffff) {
    writer.u8(mask_bit | 126);
    writer.u16(static_cast<std::uint16_t>(header.length));
  } else {
    writer.u8(mask_bit | 127);
    writer.u64(header.length);
  }
  if (header.masked) writer.bytes(header.key);
  return writer.used();
}

}  // namespace sluice::ws
