// Addresses as text and their special ranges (RFC 4291, RFC 5952, RFC 6890).
#include "stack/wire/address.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>

namespace sluice {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/// A decimal number without sign or superfluous zeros; nullopt when it is anything else or above `limit`.
std::optional<unsigned> parse_decimal(std::string_view text, unsigned limit) noexcept {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > limit) return std::nullopt;
  return value;
}

/// Takes the text before the first `separator` (or all of it) off the front.
std::string_view take_until(std::string_view& text, char separator) noexcept {
  const std::size_t at = std::min(text.find(separator), text.size());
  const std::string_view head = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return head;
}

std::optional<std::uint32_t> parse_quad(std::string_view text) noexcept {
  if (std::count(text.begin(), text.end(), '.') != 3) return std::nullopt;
  std::uint32_t number = 0;
  for (int i = 0; i < 4; ++i) {
    const std::optional<unsigned> part = parse_decimal(take_until(text, '.'), 255);
    if (!part) return std::nullopt;
    number = number << 8 | *part;
  }
  return number;
}

/// A run of 16-bit groups in hexadecimal, between colons, the last perhaps a dotted quad.
struct Groups {
  std::array<std::uint16_t, 8> words{};
  std::size_t count = 0;

  bool push(std::uint32_t word) noexcept {
    if (count == words.size()) return false;
    words[count++] = static_cast<std::uint16_t>(word);
    return true;
  }
};

bool parse_group(std::string_view text, Groups& groups) noexcept {
  if (text.empty() || text.size() > 4) return false;
  std::uint32_t word = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), word, 16);
  return error == std::errc{} && end == text.data() + text.size() && groups.push(word);
}

bool parse_groups(std::string_view text, bool quad_allowed, Groups& groups) noexcept {
  while (!text.empty()) {
    if (quad_allowed && text.find(':') == text.npos && text.find('.') != text.npos) {
      const std::optional<std::uint32_t> quad = parse_quad(text);
      return quad && groups.push(*quad >> 16) && groups.push(*quad & 0xffff);
    }
    const bool trailing_colon = text.find(':') == text.size() - 1;
    if (!parse_group(take_until(text, ':'), groups) || trailing_colon) return false;
  }
  return true;
}

std::optional<IpAddress> parse_v6(std::string_view text) noexcept {
  const std::size_t gap = text.find("::");
  Groups head;
  Groups tail;
  if (gap == text.npos) {
    if (!parse_groups(text, true, head) || head.count != 8) return std::nullopt;
  } else {
    if (!parse_groups(text.substr(0, gap), false, head)) return std::nullopt;
    if (!parse_groups(text.substr(gap + 2), true, tail)) return std::nullopt;
    if (head.count + tail.count > 7) return std::nullopt;
  }
  std::copy_n(tail.words.begin(), tail.count, head.words.end() - static_cast<std::ptrdiff_t>(tail.count));
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[2 * i] = static_cast<std::uint8_t>(head.words[i] >> 8);
    bytes[2 * i + 1] = static_cast<std::uint8_t>(head.words[i]);
  }
  return IpAddress::v6(bytes);
}

template <class Number>
void append_number(std::string& text, Number number, int base = 10) {
  char digits[8];
  const auto result = std::to_chars(digits, digits + sizeof digits, number, base);
  text.append(digits, result.ptr);
}

void append_quad(std::string& text, Bytes bytes) {
  for (std::size_t i = 0; i < 4; ++i) {
    if (i) text += '.';
    append_number(text, unsigned{bytes[i]});
  }
}

/// The first of the longest runs of at least two zero groups: [begin, end), empty when there is none.
std::pair<std::size_t, std::size_t> longest_zero_run(const std::array<std::uint16_t, 8>& words) noexcept {
  std::pair<std::size_t, std::size_t> best{8, 8};
  for (std::size_t i = 0; i < words.size();) {
    std::size_t end = i;
    while (end < words.size() && words[end] == 0) ++end;
    if (end - i >= 2 && end - i > best.second - best.first) best = {i, end};
    i = end + 1;
  }
  return best;
}

std::string v6_to_string(Bytes bytes) {
  std::string text;
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin())) {
    text = "::ffff:";
    append_quad(text, bytes.subspan(12));
    return text;
  }
  std::array<std::uint16_t, 8> words{};
  for (std::size_t i = 0; i < 8; ++i) words[i] = static_cast<std::uint16_t>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  const auto [gap, gap_end] = longest_zero_run(words);
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == gap) {
      text += "::";
      i = gap_end - 1;
      continue;
    }
    if (i && i != gap_end) text += ':';
    append_number(text, unsigned{words[i]}, 16);
  }
  return text;
}

}  // namespace

IpAddress IpAddress::from_bytes(Bytes bytes) noexcept {
  assert(bytes.size() == 4 || bytes.size() == 16);
  IpAddress address;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.end() - static_cast<std::ptrdiff_t>(bytes.size()));
  if (bytes.size() == 16) address.family_ = Family::ipv6;
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) noexcept {
  if (text.find(':') != text.npos) return parse_v6(text);
  const std::optional<std::uint32_t> quad = parse_quad(text);
  return quad ? std::optional(v4(*quad)) : std::nullopt;
}

std::string IpAddress::to_string() const {
  if (is_v6()) return v6_to_string(bytes_);
  std::string text;
  append_quad(text, bytes());
  return text;
}

std::optional<Prefix> Prefix::parse(std::string_view text) noexcept {
  const std::size_t slash = text.find('/');
  if (slash == text.npos) return std::nullopt;
  const std::optional<IpAddress> address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const std::optional<unsigned> length = parse_decimal(text.substr(slash + 1), address->is_v4() ? 32 : 128);
  if (!length) return std::nullopt;
  return Prefix{*address, static_cast<std::uint8_t>(*length)};
}

bool Prefix::contains(const IpAddress& other) const noexcept {
  if (other.family() != address.family()) return false;
  const Bytes ours = address.bytes();
  const Bytes theirs = other.bytes();
  const std::size_t whole = length / 8;
  if (!std::equal(ours.begin(), ours.begin() + static_cast<std::ptrdiff_t>(whole), theirs.begin())) return false;
  const unsigned rest = length % 8;
  return rest == 0 || (ours[whole] ^ theirs[whole]) >> (8 - rest) == 0;
}

Prefix Prefix::network() const noexcept {
  std::array<std::uint8_t, 16> bytes{};
  const Bytes from = address.bytes();
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::size_t kept = length > 8 * i ? std::min<std::size_t>(length - 8 * i, 8) : 0;
    bytes[i] = static_cast<std::uint8_t>(from[i] & 0xff00u >> kept);
  }
  return {IpAddress::from_bytes(Bytes(bytes).first(from.size())), length};
}

std::string Prefix::to_string() const {
  std::string text = address.to_string() + '/';
  append_number(text, unsigned{length});
  return text;
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) noexcept {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  const std::optional<unsigned> port = parse_decimal(text.substr(colon + 1), 65535);
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const std::optional<IpAddress> address = IpAddress::parse(host);
  if (!port || !address || address->is_v6() != bracketed) return std::nullopt;
  return Endpoint{*address, static_cast<std::uint16_t>(*port)};
}

std::string Endpoint::to_string() const {
  std::string text = address.is_v6() ? '[' + address.to_string() + ']' : address.to_string();
  text += ':';
  append_number(text, unsigned{port});
  return text;
}

}  // namespace sluice
