// DHCP messages from and to bytes; see dhcp.hpp.
#include "stack/wire/dhcp.hpp"

#include <algorithm>
#include <bit>

namespace sluice::wire::dhcp {
namespace {

constexpr std::uint8_t kEthernet = 1;
constexpr std::uint16_t kBroadcastFlag = 0x8000;
constexpr std::uint32_t kCookie = 0x63825363;
constexpr std::size_t kHardwareField = 16;
constexpr std::size_t kNameField = 64;
constexpr std::size_t kFileField = 128;
constexpr std::size_t kPiece = 255;
constexpr std::size_t kMaximumName = 253;

/// Calls visit(code, value) for each option of a field; false if one ends behind it.
template <class Visit>
bool walk(Bytes field, Visit visit) noexcept {
  ByteReader reader(field);
  while (!reader.empty()) {
    const auto code = static_cast<Option>(reader.u8());
    if (code == Option::end) return true;
    if (code == Option::pad) continue;
    const std::uint8_t size = reader.u8();
    const Bytes value = reader.take(size);
    if (!reader.ok()) return false;
    visit(code, value);
  }
  return true;
}

bool is_whole(Bytes field) noexcept {
  return walk(field, [](Option, Bytes) {});
}

/// The fixed fields in their order; the two text fields come out as they are.
struct Fixed {
  Header header;
  std::uint8_t operation = 0;
  std::uint8_t hardware_type = 0;
  std::uint8_t hardware_size = 0;
  std::uint32_t cookie = 0;
  Bytes name;
  Bytes file;
  Bytes options;
};

Fixed read_fixed(Bytes payload) noexcept {
  ByteReader reader(payload);
  Fixed fixed;
  fixed.operation = reader.u8();
  fixed.hardware_type = reader.u8();
  fixed.hardware_size = reader.u8();
  reader.skip(1);  // hops
  fixed.header.transaction = reader.u32();
  fixed.header.seconds = reader.u16();
  fixed.header.broadcast = (reader.u16() & kBroadcastFlag) != 0;
  fixed.header.client = IpAddress::v4(reader.u32());
  fixed.header.your = IpAddress::v4(reader.u32());
  fixed.header.next_server = IpAddress::v4(reader.u32());
  fixed.header.relay = IpAddress::v4(reader.u32());
  fixed.header.hardware = MacAddress::from_bytes(reader.take(kHardwareField).first(MacAddress::kSize));
  fixed.name = reader.take(kNameField);
  fixed.file = reader.take(kFileField);
  fixed.cookie = reader.u32();
  fixed.options = reader.rest();
  return fixed;
}

std::optional<Fault> judge(const Fixed& fixed) noexcept {
  if (fixed.operation != 1 && fixed.operation != 2) return Fault::wrong_operation;
  if (fixed.hardware_type != kEthernet || fixed.hardware_size != MacAddress::kSize) return Fault::wrong_hardware;
  if (fixed.cookie != kCookie) return Fault::no_cookie;
  return std::nullopt;
}

/// RFC 2132 9.3: option 52 says which of the two text fields hold options. It is itself never in them.
std::optional<Fault> find_fields(const Fixed& fixed, Options& options) noexcept {
  options.fields = {fixed.options, {}, {}};
  if (!is_whole(fixed.options)) return Fault::bad_option;
  if (!options.find(Option::overload)) return std::nullopt;
  const std::uint8_t which = options.u8(Option::overload).value_or(0);
  if (which < 1 || which > 3) return Fault::bad_overload;
  if ((which & 1) != 0) options.fields[1] = fixed.file;
  if ((which & 2) != 0) options.fields[2] = fixed.name;
  if (!is_whole(options.fields[1]) || !is_whole(options.fields[2])) return Fault::bad_option;
  return std::nullopt;
}

std::optional<std::uint64_t> number(const Options& options, Option option, std::size_t width) noexcept {
  const std::optional<Value> value = options.find(option);
  if (!value || value->bytes().size() != width) return std::nullopt;
  std::uint64_t result = 0;
  for (const std::uint8_t byte : value->bytes()) result = result << 8 | byte;
  return result;
}

/// RFC 3442: only as many bytes of the destination as its length needs; bits behind the length are cleared.
std::optional<Prefix> read_destination(ByteReader& reader) noexcept {
  const std::uint8_t length = reader.u8();
  if (length > 32) return std::nullopt;
  std::uint32_t bits = 0;
  for (unsigned i = 0; i < (length + 7u) / 8; ++i) bits |= std::uint32_t{reader.u8()} << (24 - 8 * i);
  return Prefix{IpAddress::v4(bits), length}.network();
}

bool is_name_character(std::uint8_t byte) noexcept {
  const bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
  return letter || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_' || byte == '.';
}

}  // namespace

void Value::append(Bytes piece) noexcept {
  assert(piece.size() <= bytes_.size() - size_);
  std::copy(piece.begin(), piece.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(size_));
  size_ += piece.size();
}

std::optional<Value> Options::find(Option option) const noexcept {
  std::optional<Value> value;
  for (const Bytes field : fields)
    walk(field, [&](Option code, Bytes piece) {
      if (code != option) return;
      if (!value) value.emplace();
      value->append(piece);
    });
  return value;
}

std::optional<std::uint8_t> Options::u8(Option option) const noexcept {
  const auto value = number(*this, option, 1);
  return value ? std::optional(static_cast<std::uint8_t>(*value)) : std::nullopt;
}

std::optional<std::uint16_t> Options::u16(Option option) const noexcept {
  const auto value = number(*this, option, 2);
  return value ? std::optional(static_cast<std::uint16_t>(*value)) : std::nullopt;
}

std::optional<std::uint32_t> Options::u32(Option option) const noexcept {
  const auto value = number(*this, option, 4);
  return value ? std::optional(static_cast<std::uint32_t>(*value)) : std::nullopt;
}

std::optional<IpAddress> Options::address(Option option) const noexcept {
  const auto value = u32(option);
  return value ? std::optional(IpAddress::v4(*value)) : std::nullopt;
}

Parsed<Message, Fault> parse(Bytes payload) noexcept {
  if (payload.size() < kFixedSize) return Fault::truncated;
  if (payload.size() > kMaximumSize) return Fault::too_long;
  const Fixed fixed = read_fixed(payload);
  if (const auto fault = judge(fixed)) return *fault;
  Message message{.header = fixed.header, .options = {}};
  message.header.operation = static_cast<Operation>(fixed.operation);
  if (const auto fault = find_fields(fixed, message.options)) return *fault;
  const std::uint8_t type = message.options.u8(Option::message_type).value_or(0);
  if (type < 1 || type > 8) return Fault::no_type;
  message.header.type = static_cast<Type>(type);
  return message;
}

Writer::Writer(MutableBytes room, const Header& header) noexcept : writer_(room) {
  static constexpr std::array<std::uint8_t, kHardwareField - MacAddress::kSize + kNameField + kFileField> kNothing{};
  writer_.u8(static_cast<std::uint8_t>(header.operation));
  writer_.u8(kEthernet);
  writer_.u8(MacAddress::kSize);
  writer_.u8(0);  // hops
  writer_.u32(header.transaction);
  writer_.u16(header.seconds);
  writer_.u16(header.broadcast ? kBroadcastFlag : 0);
  writer_.u32(header.client.v4_number());
  writer_.u32(header.your.v4_number());
  writer_.u32(header.next_server.v4_number());
  writer_.u32(header.relay.v4_number());
  writer_.bytes(header.hardware.bytes());
  writer_.bytes(kNothing);
  writer_.u32(kCookie);
  const auto type = static_cast<std::uint8_t>(header.type);
  option(Option::message_type, Bytes(&type, 1));
}

void Writer::option(Option option, Bytes value) noexcept {
  do {
    const Bytes piece = value.first(std::min(value.size(), kPiece));
    writer_.u8(static_cast<std::uint8_t>(option));
    writer_.u8(static_cast<std::uint8_t>(piece.size()));
    writer_.bytes(piece);
    value = value.subspan(piece.size());
  } while (!value.empty());
}

void Writer::option(Option option, std::uint16_t value) noexcept {
  writer_.u8(static_cast<std::uint8_t>(option));
  writer_.u8(2);
  writer_.u16(value);
}

void Writer::option(Option option, std::uint32_t value) noexcept {
  writer_.u8(static_cast<std::uint8_t>(option));
  writer_.u8(4);
  writer_.u32(value);
}

void Writer::option(Option option, const IpAddress& value) noexcept { this->option(option, value.v4_number()); }

std::size_t Writer::finish() noexcept {
  writer_.u8(static_cast<std::uint8_t>(Option::end));
  while (writer_.used() < kMinimumWritten) writer_.u8(0);
  return writer_.used();
}

std::optional<std::vector<IpAddress>> read_addresses(Bytes value, std::size_t limit) {
  if (value.empty() || value.size() % 4 != 0) return std::nullopt;
  ByteReader reader(value);
  std::vector<IpAddress> addresses;
  while (!reader.empty() && addresses.size() < limit) addresses.push_back(IpAddress::v4(reader.u32()));
  return addresses;
}

std::optional<std::vector<Route>> read_routes(Bytes value, std::size_t limit) {
  ByteReader reader(value);
  std::vector<Route> routes;
  do {
    const std::optional<Prefix> destination = read_destination(reader);
    const IpAddress router = IpAddress::v4(reader.u32());
    if (!destination || !reader.ok()) return std::nullopt;
    if (routes.size() < limit) routes.push_back({*destination, router});
  } while (!reader.empty());
  return routes;
}

std::optional<std::uint8_t> read_mask(Bytes value) noexcept {
  if (value.size() != 4) return std::nullopt;
  const std::uint32_t mask = ByteReader(value).u32();
  const int ones = std::countl_one(mask);
  if (ones < 32 && mask << ones != 0) return std::nullopt;
  return static_cast<std::uint8_t>(ones);
}

std::optional<std::string> read_name(Bytes value) {
  while (!value.empty() && value.back() == 0) value = value.first(value.size() - 1);  // some servers end it as C does
  if (value.empty() || value.size() > kMaximumName) return std::nullopt;
  if (!std::all_of(value.begin(), value.end(), is_name_character)) return std::nullopt;
  return std::string(as_text(value));
}

}  // namespace sluice::wire::dhcp
