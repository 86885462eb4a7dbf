// MLD messages from and to bytes; see mld.hpp.
#include "stack/wire/mld.hpp"

#include "stack/wire/pseudo_header.hpp"

namespace sluice::wire::mld {
namespace {

using Milliseconds = std::chrono::milliseconds;

constexpr std::uint8_t kIcmpv6 = 58;
constexpr std::size_t kAddressSize = 16;

Parsed<GroupMessage, GroupFault> parse_query(Bytes message) noexcept {
  if (message.size() > kSize && message.size() < kQueryV2) return GroupFault::wrong_length;
  ByteReader reader(message);
  reader.skip(4);
  const std::uint16_t code = reader.u16();
  reader.skip(2);
  GroupQuery query{.group = IpAddress::from_bytes(reader.take(kAddressSize))};
  if (message.size() == kSize) {
    query.version = GroupVersion::v2;
    query.maximum_response = Milliseconds(code);
  } else {
    query.maximum_response = Milliseconds(detail::decode_float(code));
    if (!detail::read_query_tail(reader, Family::ipv6, query)) return GroupFault::truncated;
  }
  if (!detail::is_nameable(query)) return GroupFault::not_a_group;
  return GroupMessage(query);
}

Parsed<GroupMessage, GroupFault> parse_single(Bytes message) noexcept {
  const IpAddress group = IpAddress::from_bytes(message.subspan(8, kAddressSize));
  if (!group.is_multicast()) return GroupFault::not_a_group;
  if (message[0] == kDone) return GroupMessage(GroupLeave{group});
  return GroupMessage(GroupReport{GroupVersion::v2, group});
}

std::size_t finish(ByteWriter& writer, const Way& way) noexcept {
  ChecksumSum sum = pseudo_header(way.source, way.destination, kIcmpv6, writer.used());
  sum.add(writer.written());
  ByteWriter(writer.written().subspan(2)).u16(sum.checksum());
  return writer.used();
}

/// Type, code, checksum, response code and reserved field: the front of all but the latest report.
ByteWriter begin(MutableBytes room, std::uint8_t type, std::uint16_t response, const IpAddress& group) noexcept {
  ByteWriter writer(room);
  writer.u8(type);
  writer.u8(0);
  writer.u16(0);
  writer.u16(response);
  writer.u16(0);
  writer.bytes(group.bytes());
  return writer;
}

std::uint16_t response_code(const GroupQuery& query) noexcept {
  const auto time =
      static_cast<std::uint32_t>(std::chrono::duration_cast<Milliseconds>(query.maximum_response).count());
  return query.version == GroupVersion::v3 ? detail::encode_float(time) : static_cast<std::uint16_t>(time);
}

}  // namespace

Parsed<GroupMessage, GroupFault> parse(Bytes message) noexcept {
  if (message.empty()) return GroupFault::truncated;
  const std::uint8_t type = message[0];
  if (!is_mld(type)) return GroupFault::unknown_type;
  if (message.size() < (type == kReportV2 ? kReportHead : kSize)) return GroupFault::truncated;
  switch (type) {
    case kQuery: return parse_query(message);
    case kReportV2: return detail::read_records(message, Family::ipv6);
    default: return parse_single(message);
  }
}

std::size_t write(MutableBytes room, const GroupQuery& query, const Way& way,
                  std::span<const IpAddress> sources) noexcept {
  ByteWriter writer = begin(room, kQuery, response_code(query), query.group);
  if (query.version == GroupVersion::v3) detail::write_query_tail(writer, query, sources);
  return finish(writer, way);
}

std::size_t write(MutableBytes room, const GroupReport& report, const Way& way) noexcept {
  ByteWriter writer = begin(room, kReportV1, 0, report.group);
  return finish(writer, way);
}

std::size_t write(MutableBytes room, const GroupLeave& leave, const Way& way) noexcept {
  ByteWriter writer = begin(room, kDone, 0, leave.group);
  return finish(writer, way);
}

std::size_t write(MutableBytes room, std::span<const RecordFields> records, const Way& way) noexcept {
  ByteWriter writer(room);
  writer.u8(kReportV2);
  writer.u8(0);
  writer.u32(0);
  writer.u16(static_cast<std::uint16_t>(records.size()));
  detail::write_records(writer, records);
  return finish(writer, way);
}

}  // namespace sluice::wire::mld
