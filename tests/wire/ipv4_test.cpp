// The IPv4 header: what is accepted, what is written, and libtins's opinion.
#include "stack/wire/ipv4.hpp"

#include <doctest/doctest.h>
#include <tins/tins.h>

#include <random>
#include <vector>

#include "stack/base/checksum.hpp"

namespace sluice::wire::ipv4 {
namespace {

std::vector<std::uint8_t> written(Header header, std::size_t payload = 4) {
  std::vector<std::uint8_t> packet(kMinimumHeader + payload);
  header.total_length = static_cast<std::uint16_t>(packet.size());
  write(packet, header);
  return packet;
}

void mend_checksum(std::vector<std::uint8_t>& packet) {
  const std::size_t size = std::min<std::size_t>((packet[0] & 0xfu) * 4, packet.size());
  packet[10] = packet[11] = 0;
  const std::uint16_t checksum = internet_checksum(Bytes(packet).first(size));
  packet[10] = static_cast<std::uint8_t>(checksum >> 8);
  packet[11] = static_cast<std::uint8_t>(checksum);
}

const Header kSample{.source = IpAddress::v4(10, 0, 0, 1),
                     .destination = IpAddress::v4(10, 0, 0, 2),
                     .protocol = 17,
                     .hop_limit = 3,
                     .dscp = 46,
                     .ecn = Ecn::ect0,
                     .identification = 0xbeef,
                     .dont_fragment = true,
                     .more_fragments = true,
                     .fragment_offset = 1480};

TEST_CASE("what is written is read back") {
  const auto header = parse(written(kSample));
  REQUIRE(header);
  CHECK(header->source == kSample.source);
  CHECK(header->destination == kSample.destination);
  CHECK(header->protocol == 17);
  CHECK(header->hop_limit == 3);
  CHECK(header->dscp == 46);
  CHECK(header->ecn == Ecn::ect0);
  CHECK(header->identification == 0xbeef);
  CHECK(header->dont_fragment);
  CHECK(header->more_fragments);
  CHECK(header->fragment_offset == 1480);
  CHECK(header->is_fragment());
  CHECK(header->header_size == 20);
  CHECK(header->total_length == 24);
  CHECK(header->payload_size() == 4);
}

TEST_CASE("libtins reads what we write, and finds the checksum right") {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    Header header = kSample;
    header.source = IpAddress::v4(static_cast<std::uint32_t>(random()));
    header.destination = IpAddress::v4(static_cast<std::uint32_t>(random()));
    header.identification = static_cast<std::uint16_t>(random());
    header.dscp = static_cast<std::uint8_t>(random() % 64);
    header.ecn = static_cast<Ecn>(random() % 4);
    header.hop_limit = static_cast<std::uint8_t>(random());
    header.dont_fragment = random() % 2 != 0;
    header.more_fragments = random() % 2 != 0;
    header.fragment_offset = static_cast<std::uint16_t>(random() % 8192 * 8);
    header.protocol = 200;
    const auto packet = written(header);
    Tins::IP seen(packet.data(), static_cast<std::uint32_t>(packet.size()));
    REQUIRE(seen.src_addr().to_string() == header.source.to_string());
    REQUIRE(seen.dst_addr().to_string() == header.destination.to_string());
    REQUIRE(seen.id() == header.identification);
    REQUIRE(seen.tos() == (header.dscp << 2 | static_cast<int>(header.ecn)));
    REQUIRE(seen.ttl() == header.hop_limit);
    REQUIRE(seen.fragment_offset() * 8 == header.fragment_offset);
    REQUIRE(((seen.flags() & Tins::IP::DONT_FRAGMENT) != 0) == header.dont_fragment);
    REQUIRE(((seen.flags() & Tins::IP::MORE_FRAGMENTS) != 0) == header.more_fragments);
    REQUIRE(seen.protocol() == 200);
    const std::uint16_t checksum = seen.checksum();
    REQUIRE(seen.tot_len() == packet.size());
    const auto again = seen.serialize();
    REQUIRE(Tins::IP(again.data(), static_cast<std::uint32_t>(again.size())).checksum() == checksum);
  }
}

TEST_CASE("we read what libtins writes, options too") {
  Tins::IP ip("198.51.100.7", "192.0.2.1");  // libtins names the destination first
  ip.ttl(77);
  ip.id(4711);
  ip.add_option(Tins::IP::option(Tins::IP::option_identifier(Tins::IP::NOOP, Tins::IP::CONTROL, 0)));
  Tins::PDU& pdu = ip /= Tins::UDP(53, 1234) / Tins::RawPDU("hello");
  const auto packet = pdu.serialize();
  const auto header = parse(packet);
  REQUIRE(header);
  CHECK(header->source.to_string() == "192.0.2.1");
  CHECK(header->hop_limit == 77);
  CHECK(header->identification == 4711);
  CHECK(header->header_size == 24);
  CHECK(header->payload_size() == 13);
}

TEST_CASE("every prefix of a packet shorter than it says is refused [A-PRS-04]") {
  const auto packet = written(kSample);
  for (std::size_t size = 0; size < packet.size(); ++size) {
    const auto header = parse(Bytes(packet).first(size));
    REQUIRE_FALSE(header);
    CHECK(header.fault() == (size < 20 ? Fault::truncated : Fault::bad_total_length));
  }
}

TEST_CASE("a version other than 4 is refused [R1122-3.2.1.1-1]") {
  auto packet = written(kSample);
  for (const unsigned version : {0u, 3u, 5u, 6u, 15u}) {
    packet[0] = static_cast<std::uint8_t>(version << 4 | 5);
    CHECK(parse(packet).fault() == Fault::bad_version);
  }
}

TEST_CASE("a header length below 20 or past the packet is refused [R791-3.1-1]") {
  auto packet = written(kSample);
  for (unsigned words = 0; words < 16; ++words) {
    packet[0] = static_cast<std::uint8_t>(0x40 | words);
    mend_checksum(packet);
    const auto header = parse(packet);
    CAPTURE(words);
    if (words < 5) CHECK(header.fault() == Fault::bad_header_length);
    if (words == 5 || words == 6) CHECK(header);
    if (words > 6) CHECK(header.fault() == Fault::truncated);
  }
}

TEST_CASE("a total length below the header or above what arrived is refused, padding is not counted [R791-3.1-2]") {
  auto packet = written(kSample, 30);
  for (std::uint16_t length = 0; length < 60; ++length) {
    ByteWriter(MutableBytes(packet).subspan(2)).u16(length);
    mend_checksum(packet);
    const auto header = parse(packet);
    CAPTURE(length);
    if (length < 20 || length > 50)
      CHECK(header.fault() == Fault::bad_total_length);
    else
      CHECK(header->payload_size() == length - 20u);
  }
}

TEST_CASE("one wrong bit anywhere in the header is noticed [R1122-3.2.1.2-1]") {
  for (std::size_t bit = 0; bit < 160; ++bit) {
    auto packet = written(kSample);
    packet[bit / 8] = static_cast<std::uint8_t>(packet[bit / 8] ^ (1u << bit % 8));
    CHECK_FALSE(parse(packet));
  }
  auto packet = written(kSample);
  packet[8] ^= 1;
  CHECK(parse(packet).fault() == Fault::bad_checksum);
}

TEST_CASE("a quoted header may be cut behind itself and have any checksum [R1122-3.2.2-2]") {
  auto packet = written(kSample, 100);
  packet[10] ^= 0xff;
  const auto quoted = parse_quoted(Bytes(packet).first(28));
  REQUIRE(quoted);
  CHECK(quoted->total_length == 120);
  CHECK_FALSE(parse_quoted(Bytes(packet).first(19)));
}

TEST_CASE("options are walked to their end; source routes and nonsense are named") {
  const auto scan = [](std::vector<std::uint8_t> options) { return scan_options(options); };
  CHECK(scan({}).verdict == OptionsVerdict::harmless);
  CHECK(scan({1, 1, 1, 0}).verdict == OptionsVerdict::harmless);
  CHECK(scan({7, 4, 0, 0}).verdict == OptionsVerdict::harmless);        // record route
  CHECK(scan({200, 2, 1, 1}).verdict == OptionsVerdict::harmless);      // unknown [R1122-3.2.1.8-1]
  CHECK(scan({0, 131, 1, 131}).verdict == OptionsVerdict::harmless);    // behind the end of the list
  CHECK(scan({131, 4, 4, 0}).verdict == OptionsVerdict::source_route);  // [R7126-4-1]
  CHECK(scan({1, 137, 3, 4}).verdict == OptionsVerdict::source_route);
  CHECK(scan({1, 137, 3, 4}).at == 1);
  CHECK(scan({7, 0, 0, 0}).verdict == OptionsVerdict::malformed);  // [R791-3.1-3]
  CHECK(scan({7, 1, 0, 0}).verdict == OptionsVerdict::malformed);
  CHECK(scan({7, 5, 0, 0}).verdict == OptionsVerdict::malformed);
  CHECK(scan({1, 1, 1, 7}).verdict == OptionsVerdict::malformed);
  CHECK(scan({1, 1, 1, 7}).at == 3);
}

TEST_CASE("any option kind with any length ends the scan, inside the options [A-PRS-08]") {
  for (unsigned kind = 0; kind < 256; ++kind)
    for (unsigned length = 0; length < 256; ++length) {
      const std::vector<std::uint8_t> options = {
          static_cast<std::uint8_t>(kind), static_cast<std::uint8_t>(length), 3, 4, 5, 6, 7, 8};
      REQUIRE(scan_options(options).at < options.size());
    }
}

}  // namespace
}  // namespace sluice::wire::ipv4
