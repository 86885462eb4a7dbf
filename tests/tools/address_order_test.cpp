// Which address of a name is tried first.
#include <doctest/doctest.h>

#include <map>
#include <string>

#include "tools/address_order.hpp"

namespace sluice::tools {
namespace {

IpAddress ip(const std::string& text) { return *IpAddress::parse(text); }

/// A destination, and what packets to it come from; a "~" before it: that is deprecated.
using Ways = std::map<std::string, std::string>;

SourceOf sources(const Ways& ways) {
  return [ways](const IpAddress& destination) -> std::optional<SourceAddress> {
    const auto found = ways.find(destination.to_string());
    if (found == ways.end()) return std::nullopt;
    const bool deprecated = found->second.starts_with("~");
    return SourceAddress{ip(found->second.substr(deprecated ? 1 : 0)), deprecated};
  };
}

std::string ordered(const std::vector<std::string>& destinations, const Ways& ways) {
  std::vector<IpAddress> addresses;
  for (const std::string& one : destinations) addresses.push_back(ip(one));
  std::string text;
  for (const IpAddress& one : order_addresses(addresses, sources(ways)))
    text += (text.empty() ? "" : " ") + one.to_string();
  return text;
}

}  // namespace

TEST_CASE("a destination without a source of ours is left out [RFC 6724 6, rule 1]") {
  CHECK(ordered({"2001:db8::1", "192.0.2.1"}, {{"192.0.2.1", "192.0.2.9"}}) == "192.0.2.1");
  CHECK(ordered({"2001:db8::1"}, {}).empty());
}

TEST_CASE("a destination whose source has its scope comes first [RFC 6724 6, rule 2]") {
  CHECK(ordered({"2001:db8::1", "192.0.2.1"}, {{"2001:db8::1", "fe80::9"}, {"192.0.2.1", "192.0.2.9"}}) ==
        "192.0.2.1 2001:db8::1");
  CHECK(ordered({"192.0.2.1", "2001:db8::1"}, {{"2001:db8::1", "2001:db8::9"}, {"192.0.2.1", "169.254.0.9"}}) ==
        "2001:db8::1 192.0.2.1");
}

TEST_CASE("a destination whose source is deprecated comes later [RFC 6724 6, rule 3]") {
  CHECK(ordered({"2001:db8::1", "2001:db8:1::1"},
                {{"2001:db8::1", "~2001:db8::9"}, {"2001:db8:1::1", "2001:db8:1::9"}}) == "2001:db8:1::1 2001:db8::1");
}

TEST_CASE("a unique local source is for unique local destinations, and IPv4 goes before 6to4 [RFC 6724 6, rule 5]") {
  CHECK(ordered({"2001:db8::1", "192.0.2.1"}, {{"2001:db8::1", "fd00::9"}, {"192.0.2.1", "192.0.2.9"}}) ==
        "192.0.2.1 2001:db8::1");
  CHECK(ordered({"2001:db8::1", "2002:c000:204::1"},
                {{"2001:db8::1", "2002:c000:204::9"}, {"2002:c000:204::1", "2002:c000:204::9"}}) ==
        "2002:c000:204::1 2001:db8::1");
}

TEST_CASE("IPv6 goes before IPv4, and IPv4 before unique local addresses [RFC 6724 6, rule 6]") {
  const Ways ways{{"2001:db8::1", "2001:db8::9"}, {"192.0.2.1", "192.0.2.9"}, {"fd00::1", "fd00::9"}};
  CHECK(ordered({"fd00::1", "192.0.2.1", "2001:db8::1"}, ways) == "2001:db8::1 192.0.2.1 fd00::1");
}

TEST_CASE("of two alike the smaller scope comes first, else the server's order stays [RFC 6724 6, rules 8 and 10]") {
  CHECK(ordered({"2001:db8::1", "fe80::1"}, {{"2001:db8::1", "2001:db8::9"}, {"fe80::1", "fe80::9"}}) ==
        "fe80::1 2001:db8::1");
  const Ways ways{{"192.0.2.200", "192.0.2.9"}, {"192.0.2.1", "192.0.2.9"}, {"192.0.2.8", "192.0.2.9"}};
  CHECK(ordered({"192.0.2.200", "192.0.2.1", "192.0.2.8"}, ways) == "192.0.2.200 192.0.2.1 192.0.2.8");
}

TEST_CASE("attempts take the families in turns, beginning with the best address's [RFC 8305 4]") {
  const std::vector<IpAddress> mixed{ip("fd00::1"), ip("fd00::2"), ip("fd00::3"), ip("10.0.0.1")};
  CHECK(interleave_families(mixed) == std::vector{ip("fd00::1"), ip("10.0.0.1"), ip("fd00::2"), ip("fd00::3")});
  CHECK(interleave_families({}).empty());
}

}  // namespace sluice::tools
