// IGMP messages from and to bytes; see igmp.hpp.
#include "stack/wire/igmp.hpp"

#include "stack/base/checksum.hpp"

namespace sluice::wire::igmp {
namespace {

using Tenths = std::chrono::duration<std::int64_t, std::deci>;

/// RFC 3376 7.2.1: what an IGMPv1 querier leaves unsaid.
constexpr Duration kResponseV1 = std::chrono::seconds(10);

Parsed<GroupMessage, GroupFault> parse_query(Bytes message) noexcept {
  if (message.size() > kSize && message.size() < kQueryV3) return GroupFault::wrong_length;
  ByteReader reader(message);
  reader.skip(1);
  const std::uint8_t code = reader.u8();
  reader.skip(2);
  GroupQuery query{.group = IpAddress::v4(reader.u32())};
  if (message.size() == kSize) {
    query.version = code == 0 ? GroupVersion::v1 : GroupVersion::v2;
    query.maximum_response = code == 0 ? kResponseV1 : Duration(Tenths(code));
    if (code == 0) query.group = {};  // version 1 asked for all groups alone
  } else {
    query.maximum_response = Tenths(detail::decode_small_float(code));
    if (!detail::read_query_tail(reader, Family::ipv4, query)) return GroupFault::truncated;
  }
  if (!detail::is_nameable(query)) return GroupFault::not_a_group;
  return GroupMessage(query);
}

Parsed<GroupMessage, GroupFault> parse_single(Bytes message) noexcept {
  ByteReader reader(message);
  const std::uint8_t type = reader.u8();
  reader.skip(3);
  const IpAddress group = IpAddress::v4(reader.u32());
  if (!group.is_multicast()) return GroupFault::not_a_group;
  if (type == kLeave) return GroupMessage(GroupLeave{group});
  return GroupMessage(GroupReport{type == kReportV1 ? GroupVersion::v1 : GroupVersion::v2, group});
}

std::size_t finish(ByteWriter& writer) noexcept {
  ByteWriter(writer.written().subspan(2)).u16(internet_checksum(writer.written()));
  return writer.used();
}

std::size_t write_single(MutableBytes room, std::uint8_t type, const IpAddress& group) noexcept {
  ByteWriter writer(room);
  writer.u8(type);
  writer.u8(0);
  writer.u16(0);
  writer.bytes(group.bytes());
  return finish(writer);
}

std::uint8_t response_code(const GroupQuery& query) noexcept {
  if (query.version == GroupVersion::v1) return 0;
  const auto tenths = static_cast<std::uint32_t>(std::chrono::duration_cast<Tenths>(query.maximum_response).count());
  return query.version == GroupVersion::v2 ? static_cast<std::uint8_t>(tenths) : detail::encode_small_float(tenths);
}

}  // namespace

Parsed<GroupMessage, GroupFault> parse(Bytes message) noexcept {
  if (message.size() < kSize) return GroupFault::truncated;
  if (internet_checksum(message) != 0) return GroupFault::bad_checksum;
  switch (message[0]) {
    case kQuery: return parse_query(message);
    case kReportV1:
    case kReportV2:
    case kLeave: return parse_single(message);
    case kReportV3: return detail::read_records(message, Family::ipv4);
    default: return GroupFault::unknown_type;  // [R3376-4-2]
  }
}

std::size_t write(MutableBytes room, const GroupQuery& query, std::span<const IpAddress> sources) noexcept {
  ByteWriter writer(room);
  writer.u8(kQuery);
  writer.u8(response_code(query));
  writer.u16(0);
  writer.bytes(query.group.bytes());
  if (query.version == GroupVersion::v3) detail::write_query_tail(writer, query, sources);
  return finish(writer);
}

std::size_t write(MutableBytes room, const GroupReport& report) noexcept {
  return write_single(room, report.version == GroupVersion::v1 ? kReportV1 : kReportV2, report.group);
}

std::size_t write(MutableBytes room, const GroupLeave& leave) noexcept {
  return write_single(room, kLeave, leave.group);
}

std::size_t write(MutableBytes room, std::span<const RecordFields> records) noexcept {
  ByteWriter writer(room);
  writer.u8(kReportV3);
  writer.u8(0);
  writer.u32(0);
  writer.u16(static_cast<std::uint16_t>(records.size()));
  detail::write_records(writer, records);
  return finish(writer);
}

}  // namespace sluice::wire::igmp
