// Digits by hand: these run over every byte of large messages.
#include "tools/hex.hpp"

namespace sluice::tools {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

int value_of(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return digit - '0';
  const char lower = static_cast<char>(digit | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

std::string hex_text(Bytes bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::optional<std::vector<std::uint8_t>> parse_hex(std::string_view text) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ' || text[i] == '\t') continue;
    const int high = value_of(text[i]);
    const int low = i + 1 < text.size() ? value_of(text[i + 1]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<std::uint8_t>(high << 4 | low));
    ++i;
  }
  return bytes;
}

std::string printable(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    const auto next = static_cast<std::uint8_t>(i + 1 < text.size() ? text[i + 1] : 0);
    const bool c1 = byte == 0xc2 && next >= 0x80 && next < 0xa0;
    if (c1 || (byte < 0x20 && byte != '\t') || byte == 0x7f) {
      const std::uint8_t code = c1 ? next : byte;
      shown.append("\\x") += kDigits[code >> 4];
      shown += kDigits[code & 15];
      if (c1) ++i;
    } else {
      shown += text[i];
    }
  }
  return shown;
}

}  // namespace sluice::tools
