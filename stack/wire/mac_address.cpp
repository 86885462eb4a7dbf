// MAC addresses from and to text; see mac_address.hpp.
#include "stack/wire/mac_address.hpp"

#include <cassert>
#include <charconv>

namespace sluice {

MacAddress MacAddress::of_group(const IpAddress& group) noexcept {
  assert(group.is_multicast());
  const Bytes bytes = group.bytes();
  MacAddress address(group.is_v4() ? std::array<std::uint8_t, kSize>{0x01, 0x00, 0x5e}
                                   : std::array<std::uint8_t, kSize>{0x33, 0x33});
  const std::size_t taken = group.is_v4() ? 3 : 4;
  std::copy_n(bytes.end() - static_cast<std::ptrdiff_t>(taken), taken,
              address.bytes_.end() - static_cast<std::ptrdiff_t>(taken));
  if (group.is_v4()) address.bytes_[3] &= 0x7f;  // 23 bits [R1112-6.4-1]
  return address;
}

std::optional<MacAddress> MacAddress::parse(std::string_view text) noexcept {
  if (text.size() != 3 * kSize - 1) return std::nullopt;
  const char separator = text[2];
  if (separator != ':' && separator != '-') return std::nullopt;
  MacAddress address;
  for (std::size_t i = 0; i < kSize; ++i) {
    const char* const digits = text.data() + 3 * i;
    const auto [end, error] = std::from_chars(digits, digits + 2, address.bytes_[i], 16);
    if (error != std::errc() || end != digits + 2 || (i > 0 && digits[-1] != separator)) return std::nullopt;
  }
  return address;
}

std::string MacAddress::to_string() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes_) {
    if (!text.empty()) text += ':';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace sluice
