// UDP and ICMP headers and the pseudo-header.
#include <doctest/doctest.h>
#include <tins/tins.h>

#include <array>
#include <random>
#include <vector>

#include "stack/wire/icmp.hpp"
#include "stack/wire/icmpv6.hpp"
#include "stack/wire/pseudo_header.hpp"
#include "stack/wire/udp.hpp"

namespace sluice::wire {
namespace {

TEST_CASE("a UDP header written is a UDP header read") {
  std::array<std::uint8_t, 12> datagram{};
  udp::write(datagram, {.source_port = 53, .destination_port = 40000, .length = 12, .checksum = 0xbeef});
  const auto header = udp::parse(datagram);
  REQUIRE(header);
  CHECK(header->source_port == 53);
  CHECK(header->destination_port == 40000);
  CHECK(header->length == 12);
  CHECK(header->checksum == 0xbeef);
}

TEST_CASE("a UDP length below 8 or above what arrived is refused [R768-1], [R768-5]") {
  std::array<std::uint8_t, 12> datagram{};
  for (std::uint16_t length = 0; length < 20; ++length) {
    udp::write(datagram, {.source_port = 1, .destination_port = 2, .length = length});
    const auto header = udp::parse(datagram);
    CAPTURE(length);
    CHECK(static_cast<bool>(header) == (length >= 8 && length <= 12));
    if (!header) CHECK(header.fault() == udp::Fault::bad_length);
  }
  for (std::size_t size = 0; size < 8; ++size)
    CHECK(udp::parse(Bytes(datagram).first(size)).fault() == udp::Fault::truncated);
}

TEST_CASE("the pseudo-header sum is the one libtins puts into UDP over both families [R768-3], [R8200-8.1-1]") {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::uint8_t> data(random() % 64);
    for (std::uint8_t& byte : data) byte = static_cast<std::uint8_t>(random());
    const auto check = [&](auto ip, const char* source, const char* destination, std::size_t header) {
      Tins::PDU& pdu = ip /= Tins::UDP(static_cast<std::uint16_t>(random()), 9) /
                             Tins::RawPDU(data.data(), static_cast<std::uint32_t>(data.size()));
      const auto packet = pdu.serialize();
      const Bytes datagram = Bytes(packet).subspan(header);
      ChecksumSum sum = pseudo_header(*IpAddress::parse(source), *IpAddress::parse(destination), 17, datagram.size());
      sum.add(datagram);
      REQUIRE(sum.checksum() == 0);
    };
    check(Tins::IP("10.0.0.1", "10.0.0.2"), "10.0.0.2", "10.0.0.1", 20);
    check(Tins::IPv6("fd00::1", "fd00::2"), "fd00::2", "fd00::1", 40);
  }
}

TEST_CASE("a length above 65535 is summed in both its words [R8200-8.1-1]") {
  const IpAddress address = *IpAddress::parse("fd00::1");
  ChecksumSum expected;
  expected.add(address.bytes());
  expected.add(address.bytes());
  const std::uint8_t tail[] = {0, 1, 0x11, 0x70, 0, 0, 0, 17};
  expected.add(tail);
  CHECK(pseudo_header(address, address, 17, 70000).folded() == expected.folded());
}

TEST_CASE("an ICMP header written is an ICMP header read, and 8 bytes are the least [A-PRS-17]") {
  std::array<std::uint8_t, 8> message{};
  icmp::write(message, {.type = 3, .code = 4, .checksum = 0x1234, .rest = 1400});
  const auto header = icmp::parse(message);
  REQUIRE(header);
  CHECK(header->type == 3);
  CHECK(header->code == 4);
  CHECK(header->checksum == 0x1234);
  CHECK(header->rest == 1400);
  for (std::size_t size = 0; size < 8; ++size) CHECK_FALSE(icmp::parse(Bytes(message).first(size)));
}

TEST_CASE("queries are known as such; all else may be an error [R1122-3.2.2-4]") {
  for (const int query : {0, 8, 9, 10, 13, 14, 15, 16, 17, 18})
    CHECK_FALSE(icmp::is_error(static_cast<std::uint8_t>(query)));
  for (const int error : {1, 3, 4, 5, 11, 12, 19, 200}) CHECK(icmp::is_error(static_cast<std::uint8_t>(error)));
  CHECK(icmpv6::is_error(1));
  CHECK(icmpv6::is_error(127));
  CHECK_FALSE(icmpv6::is_error(128));
}

}  // namespace
}  // namespace sluice::wire
