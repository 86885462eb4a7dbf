// The parts of the resolver that need no server: names and servers.
#include <doctest/doctest.h>

#include <string>

#include "tools/resolver.hpp"

using namespace sluice;
using namespace sluice::tools;

TEST_CASE("a name server is an address, with a port if it is not 53") {
  CHECK(parse_server("10.0.0.53") == Endpoint{IpAddress::v4(10, 0, 0, 53), 53});
  CHECK(parse_server("10.0.0.53:5353") == Endpoint{IpAddress::v4(10, 0, 0, 53), 5353});
  CHECK(parse_server("fd00::53") == Endpoint{*IpAddress::parse("fd00::53"), 53});
  CHECK(parse_server("[fd00::53]:5353") == Endpoint{*IpAddress::parse("fd00::53"), 5353});
  for (const char* text : {"", "dns.example", "10.0.0.53:", "10.0.0.53:0", "10.0.0.53:65536"})
    CHECK_FALSE(parse_server(text));
}

TEST_CASE("a name that no server can know is refused with a reason [RFC 1035 2.3.4, RFC 6761 6.3]") {
  const std::string label(63, 'a');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'a');
  for (const std::string& name : {std::string("web.example"), std::string("web.example."), std::string("notlocalhost"),
                                  std::string("xn--bcher-kva.example"), longest, longest + "."})
    CHECK_FALSE(fault_of_name(name));
  CHECK(fault_of_name("") == "the name is empty");
  CHECK(fault_of_name(".") == "the name is empty");
  CHECK(fault_of_name("a..b") == "two dots have nothing between them");
  CHECK(fault_of_name("a..") == "two dots have nothing between them");
  CHECK(fault_of_name(label + "a.example") == "a part has more than 63 characters");
  CHECK(fault_of_name(longest + "a") == "the name has more than 253 characters");
  CHECK(fault_of_name("b\xc3\xbc"
                      "cher.example") == "only ASCII names are looked up: write it in its xn-- form");
  for (const char* name : {"localhost", "LocalHost.", "web.localhost"})
    CHECK(fault_of_name(name) == "it names the stack itself, not this machine");
}
