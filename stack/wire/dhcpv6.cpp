// DHCPv6 messages from and to bytes; see dhcpv6.hpp.
#include "stack/wire/dhcpv6.hpp"

#include <algorithm>
#include <utility>

namespace sluice::wire::dhcpv6 {
namespace {

constexpr std::uint16_t kLinkLayer = 3;
constexpr std::uint16_t kEthernet = 1;
constexpr std::size_t kMaximumLabel = 63;
constexpr std::size_t kMaximumName = 253;

/// Calls visit(code, value) for each option; false if one ends behind the message.
template <class Visit>
bool walk(Bytes options, Visit visit) noexcept {
  ByteReader reader(options);
  while (!reader.empty()) {
    const auto code = static_cast<Option>(reader.u16());
    const std::uint16_t size = reader.u16();
    const Bytes value = reader.take(size);
    if (!reader.ok()) return false;
    visit(code, value);
  }
  return true;
}

bool is_label_character(std::uint8_t byte) noexcept {
  const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
  return letter || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
}

/// One name up to its empty label; nullopt if it doesn't end, is too long, empty or strange.
std::optional<std::string> read_name(ByteReader& reader) {
  std::string name;
  while (const std::uint8_t size = reader.u8()) {
    const Bytes label = reader.take(size);
    if (size > kMaximumLabel || !reader.ok()) return std::nullopt;
    if (!std::all_of(label.begin(), label.end(), is_label_character)) return std::nullopt;
    if (!name.empty()) name += '.';
    name += as_text(label);
  }
  const bool whole = reader.ok() && !name.empty() && name.size() <= kMaximumName;
  return whole ? std::optional(std::move(name)) : std::nullopt;
}

}  // namespace

std::optional<Bytes> Message::find(Option option) const noexcept {
  std::optional<Bytes> found;
  walk(options, [&](Option code, Bytes value) {
    if (code == option && !found) found = value;
  });
  return found;
}

std::optional<std::uint32_t> Message::u32(Option option) const noexcept {
  const std::optional<Bytes> value = find(option);
  if (!value || value->size() != 4) return std::nullopt;
  return ByteReader(*value).u32();
}

Parsed<Message, Fault> parse(Bytes payload) noexcept {
  if (payload.size() < 4) return Fault::truncated;
  ByteReader reader(payload);
  const std::uint32_t head = reader.u32();
  if (!walk(reader.rest(), [](Option, Bytes) {})) return Fault::bad_option;
  return Message{
      .type = static_cast<std::uint8_t>(head >> 24), .transaction = head & 0xffffff, .options = reader.rest()};
}

Writer::Writer(MutableBytes room, Type type, std::uint32_t transaction) noexcept : writer_(room) {
  writer_.u32(std::uint32_t{static_cast<std::uint8_t>(type)} << 24 | (transaction & 0xffffff));
}

void Writer::option(Option option, Bytes value) noexcept {
  writer_.u16(static_cast<std::uint16_t>(option));
  writer_.u16(static_cast<std::uint16_t>(value.size()));
  writer_.bytes(value);
}

void Writer::option(Option option, std::uint16_t value) noexcept {
  writer_.u16(static_cast<std::uint16_t>(option));
  writer_.u16(2);
  writer_.u16(value);
}

LinkLayerDuid duid_of(const MacAddress& hardware) noexcept {
  LinkLayerDuid duid{};
  ByteWriter writer(duid);
  writer.u16(kLinkLayer);
  writer.u16(kEthernet);
  writer.bytes(hardware.bytes());
  return duid;
}

std::optional<std::vector<IpAddress>> read_addresses(Bytes value, std::size_t limit) {
  if (value.empty() || value.size() % 16 != 0) return std::nullopt;
  ByteReader reader(value);
  std::vector<IpAddress> addresses;
  while (!reader.empty() && addresses.size() < limit) addresses.push_back(IpAddress::from_bytes(reader.take(16)));
  return addresses;
}

std::optional<std::vector<std::string>> read_names(Bytes value, std::size_t limit) {
  ByteReader reader(value);
  std::vector<std::string> names;
  while (!reader.empty()) {
    std::optional<std::string> name = read_name(reader);
    if (!name) return std::nullopt;
    if (names.size() < limit) names.push_back(std::move(*name));
  }
  return names;
}

}  // namespace sluice::wire::dhcpv6
