// What IGMP and MLD write alike; see group_message.hpp.
#include "stack/wire/group_message.hpp"

#include <algorithm>

namespace sluice::wire {
namespace {

constexpr std::size_t kRecordHeader = 4;
constexpr std::uint8_t kSuppress = 0x08;
constexpr std::uint8_t kRobustness = 0x07;

std::size_t address_size(Family family) noexcept { return family == Family::ipv4 ? 4 : 16; }

/// A float of `bits` mantissa bits below three bits of exponent below a leading one.
std::uint32_t decode(std::uint32_t code, unsigned bits) noexcept {
  if (code < 1u << (bits + 3)) return code;
  const std::uint32_t mantissa = code & ((1u << bits) - 1);
  const std::uint32_t exponent = code >> bits & 7;
  return (mantissa | 1u << bits) << (exponent + 3);
}

std::uint32_t encode(std::uint32_t value, unsigned bits) noexcept {
  if (value < 1u << (bits + 3)) return value;
  for (std::uint32_t exponent = 0; exponent < 8; ++exponent) {
    const std::uint32_t scaled = value >> (exponent + 3);
    if (scaled < 2u << bits) return 1u << (bits + 3) | exponent << bits | (scaled & ((1u << bits) - 1));
  }
  return (1u << (bits + 4)) - 1;
}

}  // namespace

std::optional<GroupRecord> RecordReader::next() noexcept {
  const std::size_t width = address_size(family_);
  while (left_ > 0) {
    --left_;
    const std::uint8_t type = reader_.u8();
    const std::size_t auxiliary = std::size_t{reader_.u8()} * 4;
    const std::size_t sources = std::size_t{reader_.u16()} * width;
    const Bytes group = reader_.take(width);
    const Bytes list = reader_.take(sources);
    reader_.skip(auxiliary);
    if (!reader_.ok()) break;
    if (type < 1 || type > 6) continue;
    return GroupRecord{static_cast<RecordType>(type), IpAddress::from_bytes(group), SourceList(family_, list)};
  }
  left_ = 0;
  return std::nullopt;
}

std::size_t record_size(const RecordFields& record) noexcept {
  return kRecordHeader + address_size(record.group.family()) * (1 + record.sources.size());
}

namespace detail {

bool is_nameable(const GroupQuery& query) noexcept {
  return query.group.is_multicast() || (query.group.is_unspecified() && query.sources.empty());
}

GroupMessage read_records(Bytes message, Family family) noexcept {
  ByteReader reader(message.subspan(6));
  const std::uint16_t count = reader.u16();
  return RecordReader(family, count, reader.rest());
}

bool read_query_tail(ByteReader& reader, Family family, GroupQuery& query) noexcept {
  const std::uint8_t flags = reader.u8();
  query.suppress = (flags & kSuppress) != 0;
  query.robustness = flags & kRobustness;
  query.interval = std::chrono::seconds(decode_small_float(reader.u8()));
  const std::size_t count = reader.u16();
  query.sources = SourceList(family, reader.take(count * address_size(family)));
  return reader.ok();
}

void write_query_tail(ByteWriter& writer, const GroupQuery& query, std::span<const IpAddress> sources) noexcept {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(query.interval).count();
  writer.u8(static_cast<std::uint8_t>((query.suppress ? kSuppress : 0) | (query.robustness & kRobustness)));
  writer.u8(encode_small_float(static_cast<std::uint32_t>(seconds)));
  writer.u16(static_cast<std::uint16_t>(sources.size()));
  for (const IpAddress& source : sources) writer.bytes(source.bytes());
}

void write_records(ByteWriter& writer, std::span<const RecordFields> records) noexcept {
  for (const RecordFields& record : records) {
    writer.u8(static_cast<std::uint8_t>(record.type));
    writer.u8(0);
    writer.u16(static_cast<std::uint16_t>(record.sources.size()));
    writer.bytes(record.group.bytes());
    for (const IpAddress& source : record.sources) writer.bytes(source.bytes());
  }
}

std::uint32_t decode_small_float(std::uint8_t code) noexcept { return decode(code, 4); }
std::uint32_t decode_float(std::uint16_t code) noexcept { return decode(code, 12); }
std::uint8_t encode_small_float(std::uint32_t value) noexcept { return static_cast<std::uint8_t>(encode(value, 4)); }
std::uint16_t encode_float(std::uint32_t value) noexcept { return static_cast<std::uint16_t>(encode(value, 12)); }

}  // namespace detail
}  // namespace sluice::wire
