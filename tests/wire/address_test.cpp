// Addresses, prefixes and endpoints as text, against the C library's reading of them.
#include "stack/wire/address.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>

#include <random>
#include <string>

namespace sluice {
namespace {

std::optional<IpAddress> by_libc(const std::string& text) {
  std::array<std::uint8_t, 16> bytes{};
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return IpAddress::from_bytes(Bytes(bytes).first(4));
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return IpAddress::from_bytes(bytes);
  return std::nullopt;
}

std::string printed_by_libc(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(address.is_v4() ? AF_INET : AF_INET6, address.bytes().data(), text, sizeof text);
}

TEST_CASE("texts mean what the C library says, good ones and bad ones") {
  for (const char* text : {"0.0.0.0",
                           "255.255.255.255",
                           "10.0.0.1",
                           "1.2.3",
                           "1.2.3.4.5",
                           "1.2.3.256",
                           "01.2.3.4",
                           "1.2.3.04",
                           "1..2.3",
                           ".1.2.3",
                           "1.2.3.",
                           "1.2.3.4 ",
                           " 1.2.3.4",
                           "1.2.3.-4",
                           "+1.2.3.4",
                           "0x1.2.3.4",
                           "",
                           ".",
                           "a.b.c.d",
                           "1.2.3.4000000000",
                           "::",
                           "::1",
                           "1::",
                           "fd00::1",
                           "fe80::1:2",
                           "1:2:3:4:5:6:7:8",
                           "1:2:3:4:5:6:7::",
                           "::2:3:4:5:6:7:8",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1::2::3",
                           ":::",
                           ":",
                           ":1",
                           "1:",
                           "1:2:3:4:5:6:7:",
                           ":1:2:3:4:5:6:7:8",
                           "12345::",
                           "g::",
                           "::ffff:1.2.3.4",
                           "::1.2.3.4",
                           "64:ff9b::192.0.2.33",
                           "1:2:3:4:5:6:1.2.3.4",
                           "1:2:3:4:5:6:7:1.2.3.4",
                           "1.2.3.4::",
                           "::1.2.3",
                           "::1.2.3.4:5",
                           "1:1.2.3.4::",
                           "::1.2.3.256",
                           "::ffff:01.2.3.4",
                           "FD00::ABCD",
                           "fd00::1%eth0",
                           "fd00::1/64",
                           "1::2:3:4:5:6:7:8",
                           "0:0:0:0:0:0:0:0",
                           "::00001",
                           "1:2:3:4:5::6:7:8"}) {
    CAPTURE(text);
    CHECK(IpAddress::parse(text) == by_libc(text));
  }
}

TEST_CASE("random addresses survive being printed and read, as the C library prints them") {
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    std::array<std::uint8_t, 16> bytes{};
    // Many zeros, so that there are runs to shorten.
    for (std::uint8_t& byte : bytes)
      byte = random() % 3 ? 0 : static_cast<std::uint8_t>(random() % 4 ? random() : random() % 16);
    const IpAddress v6 = IpAddress::v6(bytes);
    CAPTURE(v6.to_string());
    REQUIRE(IpAddress::parse(v6.to_string()) == v6);
    // The C library also prints ::a.b.c.d, which RFC 5952 section 5 leaves to well-known prefixes.
    const bool embedded = printed_by_libc(v6).find('.') != std::string::npos && !v6.is_v4_mapped();
    if (!embedded) REQUIRE(v6.to_string() == printed_by_libc(v6));
    const IpAddress v4 = IpAddress::v4(static_cast<std::uint32_t>(random()));
    REQUIRE(v4.to_string() == printed_by_libc(v4));
    REQUIRE(IpAddress::parse(v4.to_string()) == v4);
  }
}

TEST_CASE("IPv6 is printed as RFC 5952 section 4 asks") {
  const auto canonical = [](std::string_view text) { return IpAddress::parse(text)->to_string(); };
  CHECK(canonical("2001:0db8:0000:0000:0000:0000:0002:0001") == "2001:db8::2:1");
  CHECK(canonical("2001:db8:0:1:1:1:1:1") == "2001:db8:0:1:1:1:1:1");
  CHECK(canonical("2001:0:0:1:0:0:0:1") == "2001:0:0:1::1");
  CHECK(canonical("2001:db8:0:0:1:0:0:1") == "2001:db8::1:0:0:1");
  CHECK(canonical("2001:DB8::A") == "2001:db8::a");
  CHECK(canonical("::ffff:10.0.0.1") == "::ffff:10.0.0.1");
  CHECK(canonical("0:0:0:0:0:0:0:0") == "::");
  CHECK(canonical("1:0:0:0:0:0:0:0") == "1::");
}

TEST_CASE("an IPv4 address never equals an IPv6 one, not even its own spelling") {
  const IpAddress v4 = IpAddress::v4(10, 0, 0, 1);
  CHECK(v4 != v4.mapped());
  CHECK(v4.mapped().is_v6());
  CHECK(v4.mapped().is_v4_mapped());
  CHECK(v4.mapped().unmapped() == v4);
  CHECK(v4.mapped().mapped() == v4.mapped());
  CHECK(v4.unmapped() == v4);
  const IpAddress v6 = *IpAddress::parse("fd00::1");
  CHECK(v6.mapped() == v6);
  CHECK(v6.unmapped() == v6);
  CHECK(v4 < v4.mapped());
}

TEST_CASE("numbers and bytes are in the order that their names say") {
  const IpAddress address = IpAddress::v4(1, 2, 3, 4);
  CHECK(address == IpAddress::v4(0x01020304));
  CHECK(address.v4_number() == 0x01020304);
  CHECK(address.bytes().size() == 4);
  CHECK(address.bytes()[3] == 4);
  CHECK(IpAddress::parse("fd00::1")->bytes().size() == 16);
  CHECK(IpAddress() == IpAddress::any(Family::ipv4));
}

TEST_CASE("special ranges are known by their bounds") {
  const auto address = [](const char* text) { return *IpAddress::parse(text); };
  CHECK(address("0.0.0.0").is_unspecified());
  CHECK(address("::").is_unspecified());
  CHECK_FALSE(address("0.0.0.1").is_unspecified());
  CHECK(address("127.255.255.255").is_loopback());
  CHECK(address("::1").is_loopback());
  CHECK_FALSE(address("128.0.0.1").is_loopback());
  CHECK_FALSE(address("::2").is_loopback());
  CHECK_FALSE(address("1::1").is_loopback());
  CHECK(address("224.0.0.1").is_multicast());
  CHECK(address("239.255.255.255").is_multicast());
  CHECK_FALSE(address("223.255.255.255").is_multicast());
  CHECK_FALSE(address("240.0.0.0").is_multicast());
  CHECK(address("ff02::1").is_multicast());
  CHECK(address("255.255.255.255").is_limited_broadcast());
  CHECK_FALSE(address("255.255.255.254").is_limited_broadcast());
  CHECK_FALSE(address("::ffff:255.255.255.255").is_limited_broadcast());
  CHECK(address("169.254.1.1").is_link_local());
  CHECK(address("fe80::1").is_link_local());
  CHECK(address("febf::1").is_link_local());
  CHECK_FALSE(address("fec0::1").is_link_local());
  CHECK_FALSE(address("169.253.1.1").is_link_local());
}

TEST_CASE("no packet may claim these sources [R1122-3.2.1.3-3]") {
  for (const char* text : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
                           "::", "::1", "ff02::1", "::ffff:10.0.0.1"}) {
    CAPTURE(text);
    CHECK(IpAddress::parse(text)->is_invalid_source());
  }
  for (const char* text :
       {"10.0.0.1", "1.0.0.0", "223.255.255.255", "169.254.0.1", "fd00::1", "fe80::1", "2001:db8::1"}) {
    CAPTURE(text);
    CHECK_FALSE(IpAddress::parse(text)->is_invalid_source());
  }
}

TEST_CASE("a prefix needs its length, in range, and contains by its leading bits") {
  for (const char* text : {"10.0.0.1", "10.0.0.1/", "10.0.0.1/33", "10.0.0.1/-1", "10.0.0.1/08", "fd00::/129", "/24",
                           "x/24", "10.0.0.1/24 "}) {
    CAPTURE(text);
    CHECK_FALSE(Prefix::parse(text));
  }
  const auto contains = [](const char* prefix, const char* text) {
    return Prefix::parse(prefix)->contains(*IpAddress::parse(text));
  };
  CHECK(contains("10.0.0.1/24", "10.0.0.255"));
  CHECK_FALSE(contains("10.0.0.1/24", "10.0.1.0"));
  CHECK(contains("10.0.0.1/25", "10.0.0.127"));
  CHECK_FALSE(contains("10.0.0.1/25", "10.0.0.128"));
  CHECK(contains("10.0.0.1/32", "10.0.0.1"));
  CHECK_FALSE(contains("10.0.0.1/32", "10.0.0.0"));
  CHECK(contains("0.0.0.0/0", "255.255.255.255"));
  CHECK_FALSE(contains("0.0.0.0/0", "::"));
  CHECK(contains("fd00::/9", "fd7f::1"));
  CHECK_FALSE(contains("fd00::/9", "fd80::1"));
  CHECK(contains("::/0", "fd00::1"));
  CHECK(Prefix::parse("fd00::1/64")->to_string() == "fd00::1/64");
  CHECK(Prefix::parse("10.0.0.1/8")->to_string() == "10.0.0.1/8");
}

TEST_CASE("endpoints are read and printed with brackets around IPv6") {
  for (const char* text : {"10.0.0.1:80", "[fd00::1]:80", "0.0.0.0:0", "[::]:65535"}) {
    CAPTURE(text);
    REQUIRE(Endpoint::parse(text));
    CHECK(Endpoint::parse(text)->to_string() == text);
  }
  for (const char* text :
       {"10.0.0.1", "10.0.0.1:", "10.0.0.1:65536", "10.0.0.1:080", "fd00::1:80", "[10.0.0.1]:80", "[fd00::1]",
        "[fd00::1:80", "fd00::1]:80", ":80", "[]:80", "[:80", "host:80", "10.0.0.1:-1"}) {
    CAPTURE(text);
    CHECK_FALSE(Endpoint::parse(text));
  }
}

}  // namespace
}  // namespace sluice
