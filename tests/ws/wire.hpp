// Frames as text, both ways, so that a test reads as an exchange.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ws/frame.hpp"

namespace sluice::ws::test {

using ByteVector = std::vector<std::uint8_t>;

inline ByteVector operator+(ByteVector a, const ByteVector& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// "81 05 48656c" to bytes; blanks are ignored.
inline ByteVector hex(std::string_view digits) {
  ByteVector bytes;
  int half = -1;
  for (char c : digits) {
    if (c == ' ') continue;
    const int value = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    if (half >= 0) bytes.push_back(static_cast<std::uint8_t>(half * 16 + value));
    half = half >= 0 ? -1 : value;
  }
  return bytes;
}

/// A frame of `first` (FIN, RSV, opcode) around `payload`. Written here byte by byte, apart from ws/frame.cpp.
inline ByteVector frame(std::uint8_t first, std::string_view payload, std::optional<MaskKey> key) {
  const std::uint8_t mask = key ? 0x80 : 0;
  ByteVector bytes{first};
  const std::uint64_t size = payload.size();
  const int extra = size > 65535 ? 8 : size > 125 ? 2 : 0;
  bytes.push_back(static_cast<std::uint8_t>(mask | (extra == 8 ? 127 : extra == 2 ? 126 : size)));
  for (int shift = 8 * (extra - 1); shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(size >> shift));
  if (key)
    for (const std::uint8_t byte : *key) bytes.push_back(byte);
  for (std::size_t i = 0; i < payload.size(); ++i)
    bytes.push_back(static_cast<std::uint8_t>(static_cast<std::uint8_t>(payload[i]) ^ (key ? (*key)[i % 4] : 0)));
  return bytes;
}

inline constexpr MaskKey kKey = {0x37, 0xfa, 0x21, 0x3d};

/// As a client sends it, masked; as a server sends it, not.
inline ByteVector from_client(std::uint8_t first, std::string_view payload) { return frame(first, payload, kKey); }
inline ByteVector from_server(std::uint8_t first, std::string_view payload) { return frame(first, payload, {}); }

/// A Close body.
inline std::string close_body(unsigned code, std::string_view reason = "") {
  return std::string{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)}.append(reason);
}

/// Frames to text: the first byte in hexadecimal, '*' if masked, the payload: "81 Hello | 88 1002 reason".
/// A Close shows its code as a number; more than 60 bytes show as "(SIZE)".
inline std::string show_frames(Bytes bytes) {
  std::string text;
  while (!bytes.empty()) {
    const bool masked = bytes.size() > 1 && (bytes[1] & 0x80) != 0;
    const ParsedHeader parsed = parse_header(bytes, {masked, kRsvAll});
    if (parsed.size == 0 || bytes.size() - parsed.size < parsed.header.length) return text + " (cut)";
    ByteVector payload(bytes.begin() + static_cast<std::ptrdiff_t>(parsed.size),
                       bytes.begin() + static_cast<std::ptrdiff_t>(parsed.size + parsed.header.length));
    for (std::size_t i = 0; masked && i < payload.size(); ++i) payload[i] ^= parsed.header.key[i % 4];
    constexpr std::string_view kDigits = "0123456789abcdef";
    if (!text.empty()) text += " | ";
    text += {kDigits[bytes[0] >> 4], kDigits[bytes[0] & 15]};
    if (masked) text += '*';
    std::string_view content = as_text(payload);
    if (bytes[0] == 0x88 && payload.size() >= 2) {
      text.append(" ").append(std::to_string(payload[0] * 256 + payload[1]));
      content.remove_prefix(2);
    }
    if (content.size() > 60)
      text.append(" (").append(std::to_string(content.size())).append(")");
    else if (!content.empty())
      text.append(" ").append(content);
    bytes = bytes.subspan(parsed.size + payload.size());
  }
  return text;
}

}  // namespace sluice::ws::test
