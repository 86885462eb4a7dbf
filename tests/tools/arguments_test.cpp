// Flags as people write them, and what they are told when they mistype.
#include "tools/arguments.hpp"

#include <doctest/doctest.h>

namespace sluice::tools {

TEST_CASE("addresses, prefixes, ports, MTUs, counts, ages and paths are read") {
  CHECK(*parse_address("fd77::1") == *IpAddress::parse("fd77::1"));
  CHECK(*parse_prefix("10.77.0.2/24") == *Prefix::parse("10.77.0.2/24"));
  CHECK(*parse_port("1") == 1);
  CHECK(*parse_port("65535") == 65535);
  CHECK(*parse_mtu("576") == 576);
  CHECK(*parse_mtu("65535") == 65535);
  CHECK(*parse_count("1000000000") == 1'000'000'000);
  CHECK(*parse_age("0") == std::chrono::seconds(0));
  CHECK(*parse_age("31536000") == std::chrono::hours(365 * 24));
  CHECK(*parse_url_path("/a/b%20c") == "/a/b%20c");
}

TEST_CASE("what is none of them is said in one sentence") {
  CHECK(parse_address("10.77.0").error == "\"10.77.0\" is not an IP address, such as 10.77.0.1 or fd77::1");
  CHECK(parse_prefix("10.77.0.2").error ==
        "\"10.77.0.2\" is not an address with its prefix length, such as 10.77.0.2/24 or fd77::2/64");
  for (const char* text : {"0", "65536", "-1", "80x", "", " 80", "+80"})
    CHECK(parse_port(text).error == "\"" + std::string(text) + "\" is not a port from 1 to 65535");
  CHECK_FALSE(parse_mtu("575"));
  CHECK_FALSE(parse_mtu("65536"));
  CHECK_FALSE(parse_count("0"));
  CHECK_FALSE(parse_count("1000000001"));
  for (const char* text : {"", "-1", "1h", "1.5", "31536001"})
    CHECK(parse_age(text).error == "\"" + std::string(text) + "\" is not 0 to 31536000 seconds");
  for (const char* text : {"", "echo", "/a b", "/a?b", "/a#b"}) CHECK_FALSE(parse_url_path(text));
}

}  // namespace sluice::tools
