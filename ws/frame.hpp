// The frame header, both ways, and the rules that can be told from it alone (RFC 6455 5.2).
#pragma once

#include <cstdint>

#include "stack/base/bytes.hpp"
#include "ws/fault.hpp"
#include "ws/mask.hpp"

namespace sluice::ws {

enum class Role : std::uint8_t { server, client };

constexpr Role other(Role role) noexcept { return role == Role::server ? Role::client : Role::server; }

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

constexpr bool is_control(Opcode opcode) noexcept { return static_cast<std::uint8_t>(opcode) >= 8; }

/// The three reserved bits as they stand in the first byte. permessage-deflate (RFC 7692) owns the first.
inline constexpr std::uint8_t kRsv1 = 0x40;
inline constexpr std::uint8_t kRsvAll = 0x70;

inline constexpr std::size_t kMaxHeader = 14;           ///< two bytes, a 64-bit length, a mask
inline constexpr std::size_t kMaxControlPayload = 125;  ///< RFC 6455 5.5

struct FrameHeader {
  bool fin = true;
  std::uint8_t rsv = 0;  ///< bits of kRsvAll
  Opcode opcode = Opcode::continuation;
  bool masked = false;
  MaskKey key{};             ///< when masked
  std::uint64_t length = 0;  ///< bytes of payload
};

/// What the receiving side demands of every header.
struct HeaderRules {
  bool masked = true;            ///< true where a server receives (RFC 6455 5.1)
  std::uint8_t rsv_allowed = 0;  ///< bits that a negotiated extension defines
};

struct ParsedHeader {
  FrameHeader header;
  std::size_t size = 0;  ///< bytes of the header; 0: more are needed, or `fault` is set
  Fault fault = Fault::none;
};

/// Parses the header at the front of `input`. A fault is found with the first byte that shows it, not only in a whole
/// header.
ParsedHeader parse_header(Bytes input, const HeaderRules& rules) noexcept;

constexpr std::size_t header_size(std::uint64_t length, bool masked) noexcept {
  return 2 + (length > 0xffff ? 8u : length > 125 ? 2u : 0u) + (masked ? 4u : 0u);
}

/// Writes the header in its shortest form and returns its size. REQUIRES room for kMaxHeader or header_size() bytes.
std::size_t write_header(MutableBytes room, const FrameHeader& header) noexcept;

}  // namespace sluice::ws
