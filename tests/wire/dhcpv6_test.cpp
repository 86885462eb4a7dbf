// DHCPv6 messages, with libtins as the second opinion.
#include "stack/wire/dhcpv6.hpp"

#include <doctest/doctest.h>
#include <tins/tins.h>

#include <array>
#include <vector>

namespace sluice::wire::dhcpv6 {
namespace {

using Octets = std::vector<std::uint8_t>;

const MacAddress kOurs({0x02, 0, 0x5e, 0x10, 0, 0x01});

TEST_CASE("libtins reads the DHCPv6 message that we write") {
  std::array<std::uint8_t, 128> room{};
  Writer writer(room, Type::information_request, 0xabcdef);
  writer.option(Option::client_identifier, duid_of(kOurs));
  writer.option(Option::elapsed_time, std::uint16_t{250});
  const Tins::DHCPv6 seen(room.data(), static_cast<std::uint32_t>(writer.used()));
  CHECK(seen.msg_type() == Tins::DHCPv6::INFO_REQUEST);
  CHECK(seen.transaction_id() == 0xabcdef);
  CHECK(seen.elapsed_time() == 250);
  const auto duid = Tins::DHCPv6::duid_ll::from_bytes(seen.client_id().data.data(), 8);
  CHECK(seen.client_id().id == 3);  // DUID-LL
  CHECK(duid.hw_type == 1);
  CHECK(Bytes(duid.lladdress).size() == 6);
  CHECK(MacAddress::from_bytes(duid.lladdress) == kOurs);
}

TEST_CASE("we read the DHCPv6 message that libtins writes") {
  Tins::DHCPv6 theirs;
  theirs.msg_type(Tins::DHCPv6::REPLY);
  theirs.transaction_id(0x123456);
  theirs.server_id(Tins::DHCPv6::duid_ll(1, {2, 0, 0, 0, 0, 1}));
  theirs.add_option({static_cast<std::uint16_t>(Option::refresh_time), 4, Octets{0, 0, 0x0e, 0x10}.data()});
  const Octets bytes = theirs.serialize();
  const auto message = parse(bytes);
  REQUIRE(message);
  CHECK(message->type == 7);
  CHECK(message->transaction == 0x123456);
  REQUIRE(message->find(Option::server_identifier));
  CHECK(message->find(Option::server_identifier)->size() == 10);
  CHECK(message->u32(Option::refresh_time) == 3600u);
  CHECK_FALSE(message->find(Option::client_identifier));
  CHECK_FALSE(message->u32(Option::server_identifier));
}

TEST_CASE("a DHCPv6 option may not end behind its message") {
  CHECK(parse(Octets{7, 0, 0, 1}));
  CHECK(parse(Octets{7, 0, 0, 1, 0, 1, 0, 2, 9, 9}));
  for (const Octets& broken : {Octets{7, 0, 0, 1, 0, 1, 0, 2, 9}, Octets{7, 0, 0, 1, 0, 1, 0}, Octets{7, 0, 0, 1, 0}}) {
    const auto message = parse(broken);
    REQUIRE_FALSE(message);
    CHECK(message.fault() == Fault::bad_option);
  }
  const auto shorter = parse(Octets{7, 0, 0});
  REQUIRE_FALSE(shorter);
  CHECK(shorter.fault() == Fault::truncated);
}

TEST_CASE("IPv6 server lists are whole and bounded") {
  CHECK_FALSE(read_addresses({}, 4));
  CHECK_FALSE(read_addresses(Octets(17), 4));
  Octets two(32);
  two[0] = 0xfd;
  two[15] = 1;
  const auto addresses = read_addresses(two, 4);
  REQUIRE(addresses);
  CHECK((*addresses)[0] == IpAddress::parse("fd00::1"));
  CHECK(addresses->size() == 2);
  CHECK(read_addresses(Octets(160), 4)->size() == 4);
}

TEST_CASE("a domain list is names of labels (RFC 1035 3.1)") {
  const Octets two = {7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 3, 'o', 'r', 'g', 0, 1, 'a', 0};
  CHECK(read_names(two, 8) == std::vector<std::string>{"example.org", "a"});
  CHECK(read_names(two, 1) == std::vector<std::string>{"example.org"});
  CHECK_FALSE(read_names(Octets{1, 'a'}, 8));           // no end
  CHECK_FALSE(read_names(Octets{2, 'a'}, 8));           // a label that is cut
  CHECK_FALSE(read_names(Octets{0}, 8));                // the root alone
  CHECK_FALSE(read_names(Octets{1, 'a', 0xc0, 0}, 8));  // compression
  CHECK_FALSE(read_names(Octets{1, ';', 0}, 8));
  Octets long_name;
  for (int i = 0; i < 4; ++i) {
    long_name.push_back(63);
    long_name.insert(long_name.end(), 63, 'a');
  }
  long_name.push_back(0);  // 255 characters with the dots
  CHECK_FALSE(read_names(long_name, 8));
}

}  // namespace
}  // namespace sluice::wire::dhcpv6
