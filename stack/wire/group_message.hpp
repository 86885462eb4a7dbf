// What IGMP (RFC 3376) and MLD (RFC 3810) say about groups, in the terms that both share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "stack/base/bytes.hpp"
#include "stack/base/time.hpp"
#include "stack/wire/address.hpp"
#include "stack/wire/parsed.hpp"

namespace sluice::wire {

/// Counted as IGMP does: MLDv1 is IGMPv2 for IPv6, and MLDv2 is IGMPv3 for it.
enum class GroupVersion : std::uint8_t { v1 = 1, v2 = 2, v3 = 3 };

/// Addresses as they stand in a message. Valid as long as its bytes.
class SourceList {
 public:
  SourceList() noexcept = default;
  /// REQUIRES a whole number of addresses.
  SourceList(Family family, Bytes bytes) noexcept : bytes_(bytes), width_(family == Family::ipv4 ? 4 : 16) {}

  std::size_t size() const noexcept { return bytes_.size() / width_; }
  bool empty() const noexcept { return bytes_.empty(); }
  /// REQUIRES index < size().
  IpAddress operator[](std::size_t index) const noexcept {
    return IpAddress::from_bytes(bytes_.subspan(index * width_, width_));
  }

 private:
  Bytes bytes_;
  std::size_t width_ = 4;
};

/// A router asks. An unspecified group means all of them: a General Query.
struct GroupQuery {
  GroupVersion version = GroupVersion::v3;
  IpAddress group = {};
  Duration maximum_response{};  ///< an answer waits for a random part of it; 10 s for IGMPv1, which doesn't say
  bool suppress = false;        ///< routers alone act on it (RFC 3376 4.1.5)
  std::uint8_t robustness = 0;  ///< the querier's, 1..7; 0 = not said
  Duration interval{};          ///< between General Queries; zero = not said
  SourceList sources = {};      ///< not empty: who of these is wanted?
};

/// A member tells of one group, before source filters were known.
struct GroupReport {
  GroupVersion version = GroupVersion::v2;
  IpAddress group = {};
};

/// A member leaves (IGMPv2 Leave, MLDv1 Done).
struct GroupLeave {
  IpAddress group = {};
};

/// RFC 3376 4.2.12, RFC 3810 5.2.12.
enum class RecordType : std::uint8_t {
  is_include = 1,
  is_exclude = 2,
  to_include = 3,
  to_exclude = 4,
  allow = 5,  ///< new sources
  block = 6,  ///< old sources
};

struct GroupRecord {
  RecordType type = RecordType::is_include;
  IpAddress group = {};
  SourceList sources = {};
};

/// The records of an IGMPv3 or MLDv2 report, one after the other. Valid as long as the message.
class RecordReader {
 public:
  RecordReader(Family family, std::uint16_t count, Bytes bytes) noexcept
      : family_(family), left_(count), reader_(bytes) {}

  /// The next record of a known type; unknown ones are passed over, and so is auxiliary data [R3376-4.2.10-1],
  /// [R3810-5.2.12-1]. nullopt at the end, or where the message ends too early.
  std::optional<GroupRecord> next() noexcept;

 private:
  Family family_;
  std::uint16_t left_;
  ByteReader reader_;
};

using GroupMessage = std::variant<GroupQuery, GroupReport, GroupLeave, RecordReader>;

enum class GroupFault : std::uint8_t {
  truncated,     ///< fewer bytes than its type has, or than it says it has
  wrong_length,  ///< a query of a length that no version has
  bad_checksum,
  not_a_group,  ///< the group is no multicast address
  unknown_type,
};

/// A record to be written.
struct RecordFields {
  RecordType type = RecordType::is_include;
  IpAddress group = {};
  std::span<const IpAddress> sources = {};  ///< of the group's family
};

/// Bytes that write_records() needs for one.
std::size_t record_size(const RecordFields& record) noexcept;

namespace detail {

/// Asks for a group, or for all of them and then for no sources.
bool is_nameable(const GroupQuery& query) noexcept;
/// The latest version's report. REQUIRES its fixed 8 bytes.
GroupMessage read_records(Bytes message, Family family) noexcept;
/// The fields that both protocols' latest queries end with: flags, interval, number of sources, sources.
bool read_query_tail(ByteReader& reader, Family family, GroupQuery& query) noexcept;
void write_query_tail(ByteWriter& writer, const GroupQuery& query, std::span<const IpAddress> sources) noexcept;
/// The records, without auxiliary data [R3376-4.2.10-1].
void write_records(ByteWriter& writer, std::span<const RecordFields> records) noexcept;

/// RFC 3376 4.1.1, 4.1.7: as it stands below 128, else mantissa and exponent; MLD's response code has a longer one.
std::uint32_t decode_small_float(std::uint8_t code) noexcept;
std::uint32_t decode_float(std::uint16_t code) noexcept;
/// The largest code that stands for no more than `value`.
std::uint8_t encode_small_float(std::uint32_t value) noexcept;
std::uint16_t encode_float(std::uint32_t value) noexcept;

}  // namespace detail
}  // namespace sluice::wire
