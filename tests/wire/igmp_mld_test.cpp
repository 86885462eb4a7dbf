// IGMP and MLD messages of all versions, and the Router Alert that goes with them; libtins reads MLDv2 too.
#include <doctest/doctest.h>
#include <tins/tins.h>

#include <array>
#include <vector>

#include "stack/base/checksum.hpp"
#include "stack/wire/igmp.hpp"
#include "stack/wire/ipv4.hpp"
#include "stack/wire/mld.hpp"
#include "stack/wire/router_alert.hpp"

namespace sluice::wire {
namespace {

using Octets = std::vector<std::uint8_t>;
using Message = Parsed<GroupMessage, GroupFault>;
using std::chrono::milliseconds;
using std::chrono::seconds;

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

const IpAddress kGroup4 = ip("239.1.2.3");
const IpAddress kGroup6 = ip("ff05::123");
const mld::Way kWay{ip("fe80::1"), ip("ff02::16")};

/// The same with a right IGMP checksum.
Octets summed(Octets message) {
  message.at(2) = message.at(3) = 0;
  ByteWriter(MutableBytes(message).subspan(2)).u16(internet_checksum(message));
  return message;
}

Octets query3(std::uint16_t sources, std::size_t bytes) {
  Octets message = {igmp::kQuery, 100, 0, 0, 239, 1, 2, 3, 0x0a, 125, 0, static_cast<std::uint8_t>(sources)};
  for (std::size_t i = 0; i < bytes; ++i) message.push_back(static_cast<std::uint8_t>(10 + i % 4));
  return summed(message);
}

template <class T, class... Extra>
Octets written(std::size_t room, const T& what, Extra... extra) {
  Octets bytes(room);
  bytes.resize(igmp::write(bytes, what, extra...));
  return bytes;
}

const GroupQuery& query_of(const Message& message) { return std::get<GroupQuery>(*message); }

TEST_CASE("an IGMP query's version follows from its length and response code; other lengths are none [R3376-7.1-1]") {
  const Octets v1 = summed({igmp::kQuery, 0, 0, 0, 0, 0, 0, 0});
  REQUIRE(igmp::parse(v1));
  CHECK(query_of(igmp::parse(v1)).version == GroupVersion::v1);
  CHECK(query_of(igmp::parse(v1)).maximum_response == seconds(10));
  const Octets v2 = summed({igmp::kQuery, 25, 0, 0, 239, 1, 2, 3});
  CHECK(query_of(igmp::parse(v2)).version == GroupVersion::v2);
  CHECK(query_of(igmp::parse(v2)).maximum_response == milliseconds(2500));
  CHECK(query_of(igmp::parse(v2)).group == kGroup4);
  CHECK(query_of(igmp::parse(query3(0, 0))).version == GroupVersion::v3);
  Octets odd = v2;
  for (std::size_t size = 9; size < 12; ++size) {
    odd.push_back(0);
    CHECK(igmp::parse(summed(odd)).fault() == GroupFault::wrong_length);
  }
  CHECK(igmp::parse(Bytes(v2).first(7)).fault() == GroupFault::truncated);
}

TEST_CASE("an IGMPv3 query says robustness, interval and sources; one that lacks sources is ignored [R3376-7.1-1]") {
  const Octets bytes = query3(2, 8);
  const Message message = igmp::parse(bytes);
  REQUIRE(message);
  const GroupQuery& query = query_of(message);
  CHECK(query.suppress);
  CHECK(query.robustness == 2);
  CHECK(query.interval == seconds(125));
  REQUIRE(query.sources.size() == 2);
  CHECK(query.sources[1] == ip("10.11.12.13"));
  CHECK(igmp::parse(query3(3, 8)).fault() == GroupFault::truncated);
}

TEST_CASE("bytes behind the last field are summed and otherwise ignored [R3376-4.1.10-1]") {
  const Octets longer = query3(1, 11);
  REQUIRE(igmp::parse(longer));
  CHECK(query_of(igmp::parse(longer)).sources.size() == 1);
  Octets damaged = longer;
  damaged.back() ^= 1;
  CHECK(igmp::parse(damaged).fault() == GroupFault::bad_checksum);
}

TEST_CASE("a checksum that is wrong ends it before all else [R3376-4.1.2-1]") {
  Octets bytes = query3(0, 0);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] ^= 0x40;
    CHECK(igmp::parse(bytes).fault() == GroupFault::bad_checksum);
    bytes[i] ^= 0x40;
  }
  Octets unknown = {0x99, 0, 1, 2, 239, 1, 2, 3};
  CHECK(igmp::parse(unknown).fault() == GroupFault::bad_checksum);
}

TEST_CASE("reports and leaves of the older versions are read and written; unknown types are named so [R3376-4-2]") {
  for (const GroupVersion version : {GroupVersion::v1, GroupVersion::v2}) {
    const Octets bytes = written(8, GroupReport{version, kGroup4});
    const Message message = igmp::parse(bytes);
    REQUIRE(message);
    CHECK(bytes[0] == (version == GroupVersion::v1 ? 0x12 : 0x16));
    CHECK(std::get<GroupReport>(*message).version == version);
    CHECK(std::get<GroupReport>(*message).group == kGroup4);
  }
  const Octets leave = written(8, GroupLeave{kGroup4});
  CHECK(leave[0] == 0x17);
  CHECK(std::get<GroupLeave>(*igmp::parse(leave)).group == kGroup4);
  CHECK(igmp::parse(summed({0x99, 0, 0, 0, 239, 1, 2, 3})).fault() == GroupFault::unknown_type);
  CHECK(igmp::parse(summed({0x16, 0, 0, 0, 10, 1, 2, 3})).fault() == GroupFault::not_a_group);
  CHECK(igmp::parse(summed({0x11, 9, 0, 0, 10, 1, 2, 3})).fault() == GroupFault::not_a_group);
}

TEST_CASE("queries of all versions are written as they are read") {
  const std::array sources = {ip("10.0.0.7"), ip("10.0.0.9")};
  for (const GroupVersion version : {GroupVersion::v1, GroupVersion::v2, GroupVersion::v3}) {
    const GroupQuery asked{.version = version,
                           .group = version == GroupVersion::v1 ? IpAddress() : kGroup4,
                           .maximum_response = seconds(10),
                           .robustness = 3,
                           .interval = seconds(60)};
    const Octets bytes = written(64, asked, std::span<const IpAddress>(sources));
    const Message message = igmp::parse(bytes);
    REQUIRE(message);
    CHECK(query_of(message).version == version);
    CHECK(query_of(message).group == asked.group);
    CHECK(query_of(message).maximum_response == seconds(10));
    if (version != GroupVersion::v3) continue;
    CHECK(query_of(message).robustness == 3);
    CHECK(query_of(message).interval == seconds(60));
    REQUIRE(query_of(message).sources.size() == 2);
    CHECK(query_of(message).sources[1] == sources[1]);
  }
}

TEST_CASE("large times are floats: 128 and more in one byte, 32768 and more in two") {
  CHECK(detail::decode_small_float(127) == 127);
  CHECK(detail::decode_small_float(0x80) == 128);
  CHECK(detail::decode_small_float(0xff) == 31744);
  CHECK(detail::decode_float(0x7fff) == 32767);
  CHECK(detail::decode_float(0x8000) == 32768);
  CHECK(detail::decode_float(0xffff) == 8387584);
  for (unsigned code = 0; code < 256; ++code)
    CHECK(detail::encode_small_float(detail::decode_small_float(static_cast<std::uint8_t>(code))) == code);
  for (unsigned code = 0; code < 65536; code += 97)
    CHECK(detail::encode_float(detail::decode_float(static_cast<std::uint16_t>(code))) == code);
  CHECK(detail::encode_small_float(129) == 0x80);
  CHECK(detail::encode_small_float(1'000'000) == 0xff);
}

TEST_CASE("a report's records carry no auxiliary data, and that of others is passed over [R3376-4.2.10-1]") {
  const std::array sources = {ip("10.0.0.7"), ip("10.0.0.9")};
  const std::array records = {RecordFields{RecordType::to_exclude, kGroup4, sources},
                              RecordFields{RecordType::allow, ip("239.9.9.9"), std::span(sources).first(1)}};
  Octets bytes = written(64, std::span<const RecordFields>(records));
  CHECK(bytes.size() == 8 + record_size(records[0]) + record_size(records[1]));
  CHECK(bytes[9] == 0);
  // Another host's first record has a word of auxiliary data.
  bytes[9] = 1;
  bytes.insert(bytes.begin() + 24, {0xde, 0xad, 0xbe, 0xef});
  bytes = summed(bytes);
  RecordReader reader = std::get<RecordReader>(*igmp::parse(bytes));
  const auto first = reader.next();
  REQUIRE(first);
  CHECK(first->type == RecordType::to_exclude);
  CHECK(first->sources.size() == 2);
  const auto second = reader.next();
  REQUIRE(second);
  CHECK(second->group == ip("239.9.9.9"));
  CHECK(second->sources[0] == sources[0]);
  CHECK_FALSE(reader.next());
}

TEST_CASE("records of unknown types are skipped, and a report that ends too early ends there [R3810-5.2.12-1]") {
  const std::array sources = {ip("fd00::7")};
  const std::array records = {RecordFields{static_cast<RecordType>(9), kGroup6, sources},
                              RecordFields{RecordType::is_include, kGroup6, sources}};
  Octets bytes(128);
  bytes.resize(mld::write(bytes, std::span<const RecordFields>(records), kWay));
  RecordReader reader = std::get<RecordReader>(*mld::parse(bytes));
  const auto known = reader.next();
  REQUIRE(known);
  CHECK(known->type == RecordType::is_include);
  CHECK(known->sources[0] == sources[0]);
  CHECK_FALSE(reader.next());
  bytes.pop_back();
  reader = std::get<RecordReader>(*mld::parse(bytes));
  CHECK_FALSE(reader.next());
}

TEST_CASE("MLD queries: 24 bytes are version 1, 28 and more version 2, all else is dropped [R3810-8.1-1]") {
  Octets bytes(28);
  mld::write(bytes, GroupQuery{.group = kGroup6, .maximum_response = milliseconds(40'003), .robustness = 3}, kWay);
  for (std::size_t size = 1; size <= 28; ++size) {
    CAPTURE(size);
    const Message message = mld::parse(Bytes(bytes).first(size));
    CHECK(static_cast<bool>(message) == (size == 24 || size == 28));
    if (size < 24) CHECK(message.fault() == GroupFault::truncated);
    if (size > 24 && size < 28) CHECK(message.fault() == GroupFault::wrong_length);
  }
  CHECK(query_of(mld::parse(Bytes(bytes).first(24))).version == GroupVersion::v2);
  const Message message = mld::parse(bytes);
  CHECK(query_of(message).version == GroupVersion::v3);
  CHECK(query_of(message).maximum_response == seconds(40));  // the nearest float below
  CHECK(query_of(message).robustness == 3);
  bytes.resize(28 + 16);
  bytes[27] = 2;
  CHECK(mld::parse(bytes).fault() == GroupFault::truncated);
}

TEST_CASE("MLDv1 reports and Done messages are read as written, and of groups alone") {
  Octets bytes(24);
  CHECK(mld::write(bytes, GroupReport{GroupVersion::v2, kGroup6}, kWay) == 24);
  CHECK(bytes[0] == 131);
  CHECK(std::get<GroupReport>(*mld::parse(bytes)).group == kGroup6);
  mld::write(bytes, GroupLeave{kGroup6}, kWay);
  CHECK(bytes[0] == 132);
  CHECK(std::get<GroupLeave>(*mld::parse(bytes)).group == kGroup6);
  bytes[8] = 0xfd;
  CHECK(mld::parse(bytes).fault() == GroupFault::not_a_group);
  bytes[0] = 135;
  CHECK(mld::parse(bytes).fault() == GroupFault::unknown_type);
}

TEST_CASE("libtins reads our MLDv2 report, checksum and all") {
  const std::array sources = {ip("fd00::7"), ip("fd00::9")};
  const std::array records = {RecordFields{RecordType::block, kGroup6, sources}};
  Octets bytes(128);
  bytes.resize(mld::write(bytes, std::span<const RecordFields>(records), kWay));
  const Tins::ICMPv6 message(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
  CHECK(message.type() == Tins::ICMPv6::MLD2_REPORT);
  REQUIRE(message.multicast_address_records().size() == 1);
  const auto& record = message.multicast_address_records().front();
  CHECK(record.type == 6);
  CHECK(record.multicast_address == Tins::IPv6Address("ff05::123"));
  CHECK(record.sources.back() == Tins::IPv6Address("fd00::9"));
  Tins::IPv6 outer("ff02::16", "fe80::1");
  const Octets again = (outer / message).serialize();
  CHECK(Octets(again.begin() + 40, again.end()) == bytes);
}

TEST_CASE("a Router Alert is found among other options, with value 0 alone") {
  const auto alerts4 = [](const Octets& options) {
    Octets packet(20 + options.size());
    ipv4::write(packet, {.source = ip("10.0.0.2"), .destination = kGroup4}, options);
    return has_router_alert(packet);
  };
  CHECK(alerts4({148, 4, 0, 0}));
  CHECK(alerts4({1, 1, 1, 1, 148, 4, 0, 0}));
  CHECK_FALSE(alerts4({}));
  CHECK_FALSE(alerts4({148, 4, 0, 1}));
  CHECK_FALSE(alerts4({0, 0, 0, 0, 148, 4, 0, 0}));
  CHECK_FALSE(alerts4({130, 2, 1, 148}));
  const auto alerts6 = [](std::uint8_t next, const Octets& header) {
    Octets packet(40);
    packet[0] = 0x60;
    packet[6] = next;
    packet.insert(packet.end(), header.begin(), header.end());
    return has_router_alert(packet);
  };
  Octets header(8);
  CHECK(write_router_alert(header, 58) == 8);
  CHECK(alerts6(0, header));
  CHECK(alerts6(0, {58, 0, 1, 0, 5, 2, 0, 0}));
  CHECK_FALSE(alerts6(60, header));
  CHECK_FALSE(alerts6(0, {58, 0, 1, 4, 0, 0, 0, 0}));
  CHECK_FALSE(alerts6(0, {58, 0, 5, 2, 0, 1, 1, 0}));
}

}  // namespace
}  // namespace sluice::wire
