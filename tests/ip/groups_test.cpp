// What the sockets of a host want of multicast groups, merged.
#include <doctest/doctest.h>

#include "stack/ip/groups.hpp"
#include "tests/ip/host.hpp"

namespace sluice::ip {
namespace {

constexpr GroupListener kFirst{1, 1};
constexpr GroupListener kSecond{2, 1};
const IpAddress kGroup = ip("239.1.1.1");

SourceFilter filter(FilterMode mode, const std::vector<std::uint8_t>& last) {
  SourceFilter made{mode, {}};
  for (const std::uint8_t number : last) made.sources.push_back(IpAddress::v4(10, 0, 0, number));
  return made;
}

SourceFilter only(const std::vector<std::uint8_t>& last) { return filter(FilterMode::include, last); }
SourceFilter all_but(const std::vector<std::uint8_t>& last) { return filter(FilterMode::exclude, last); }

SourceFilter merged(const SourceFilter& first, const SourceFilter& second) {
  Groups groups;
  CHECK(groups.listen(kFirst, kGroup, first));
  CHECK(groups.listen(kSecond, kGroup, second));
  return groups.merged(kGroup);
}

TEST_CASE("one listener that excludes makes the whole exclude, what all exclude and nobody includes [R3376-3.2-1]") {
  CHECK(merged(only({1, 2}), only({2, 3})) == only({1, 2, 3}));
  CHECK(merged(all_but({1, 2}), all_but({2, 3})) == all_but({2}));
  CHECK(merged(all_but({1, 2}), only({2, 3})) == all_but({1}));
  CHECK(merged(only({2, 3}), all_but({1, 2})) == all_but({1}));
  CHECK(merged(all_but({1}), SourceFilter::everybody()) == SourceFilter::everybody());
}

TEST_CASE("what is merged admits whom one of the listeners admits [R3376-3.2-1]") {
  const std::vector<std::vector<std::uint8_t>> lists = {{}, {1}, {1, 2}, {2, 3}, {1, 2, 3}};
  for (const auto& first : lists)
    for (const auto& second : lists)
      for (int modes = 0; modes < 4; ++modes) {
        const SourceFilter one = filter(modes & 1 ? FilterMode::exclude : FilterMode::include, first);
        const SourceFilter two = filter(modes & 2 ? FilterMode::exclude : FilterMode::include, second);
        const SourceFilter all = merged(one, two);
        for (std::uint8_t number = 1; number <= 4; ++number) {
          const IpAddress source = IpAddress::v4(10, 0, 0, number);
          CHECK(all.admits(source) == (one.admits(source) || two.admits(source)));
        }
      }
}

TEST_CASE("leaving gives back what the others want, and at last nothing") {
  Groups groups;
  CHECK(groups.listen(kFirst, kGroup, SourceFilter::everybody()));
  CHECK(groups.listen(kSecond, kGroup, only({3, 1, 3})));
  CHECK(groups.filter_of(kSecond, kGroup) == only({1, 3}));
  CHECK(groups.listen(kFirst, kGroup, {}));
  CHECK(groups.merged(kGroup) == only({1, 3}));
  CHECK(groups.filter_of(kFirst, kGroup).is_nobody());
  CHECK(groups.contains(kGroup));
  groups.leave_all(kSecond);
  CHECK_FALSE(groups.contains(kGroup));
  CHECK(groups.merged(kGroup).is_nobody());
  CHECK(groups.size() == 0);
  CHECK(groups.listen(kHostListens, kGroup, SourceFilter::everybody()));
  CHECK(groups.contains(kGroup));
}

TEST_CASE("changed groups are told once each, those of all hosts never") {
  Groups groups;
  CHECK(groups.listen(kFirst, kGroup, SourceFilter::everybody()));
  CHECK(groups.listen(kFirst, ip("ff02::fb"), SourceFilter::everybody()));
  CHECK(groups.listen(kFirst, ip("224.0.0.1"), SourceFilter::everybody()));
  CHECK(groups.listen(kSecond, kGroup, SourceFilter::everybody()));
  CHECK(groups.take_changed() == kGroup);
  CHECK(groups.take_changed() == ip("ff02::fb"));
  CHECK_FALSE(groups.take_changed());
  groups.leave_all(kSecond);
  CHECK(groups.take_changed() == kGroup);
  CHECK_FALSE(groups.take_changed());
}

TEST_CASE("64 sources are no problem, more are an error, and so are more groups than 256 [R3376-2-1]") {
  Groups groups;
  std::vector<std::uint8_t> numbers;
  for (std::uint8_t i = 1; i <= 64; ++i) numbers.push_back(i);
  CHECK(groups.listen(kFirst, kGroup, only(numbers)));
  numbers.push_back(65);
  CHECK(groups.listen(kFirst, kGroup, only(numbers)).error() == Errc::no_buffer_space);
  CHECK(groups.filter_of(kFirst, kGroup).sources.size() == 64);
  for (std::uint8_t i = 0; i < 255; ++i) CHECK(groups.listen(kFirst, IpAddress::v4(239, 2, 2, i), all_but({})));
  CHECK(groups.size() == 256);
  CHECK(groups.listen(kFirst, ip("239.3.3.3"), all_but({})).error() == Errc::no_buffer_space);
  CHECK(groups.listen(kSecond, kGroup, all_but({})));  // an old group takes more listeners
  groups.leave_all(kFirst);
  CHECK(groups.size() == 1);
}

TEST_CASE("only groups are listened to, and only hosts of their family in them") {
  Groups groups;
  CHECK(groups.listen(kFirst, kPeer4, all_but({})).error() == Errc::invalid_argument);
  CHECK(groups.listen(kFirst, ip("ff02::fb"), only({1})).error() == Errc::invalid_argument);
  CHECK(groups.listen(kFirst, kGroup, {FilterMode::include, {ip("239.1.1.1")}}).error() == Errc::invalid_argument);
  CHECK(groups.size() == 0);
  CHECK_FALSE(groups.take_changed());
}

TEST_CASE("datagrams to a group come in as long as somebody listens") {
  Host host;
  CHECK(host.is_dropped(udp4("10.0.0.2", "239.1.1.1")));
  CHECK(host.count(Counter::drop_not_ours) == 1);
  CHECK(host.layer.groups().listen(kFirst, kGroup, SourceFilter::everybody()));
  CHECK(host.datagram(udp4("10.0.0.2", "239.1.1.1")).to_group);
  CHECK(host.layer.is_group(kGroup, 0));
  host.layer.groups().leave_all(kFirst);
  CHECK(host.is_dropped(udp4("10.0.0.2", "239.1.1.1")));
}

TEST_CASE("an IGMP query of a switch without an address is heard, and nothing else from 0.0.0.0 (RFC 4541 2.1.1)") {
  Host host;
  const IpAddress all = ip("224.0.0.1"), nobody = ip("0.0.0.0");
  const Octets query = {0x11, 100, 0, 0, 0, 0, 0, 0}, report = {0x16, 0, 0, 0, 239, 1, 1, 1};
  CHECK(host.datagram(packet4(2, query, all, nobody)).protocol == Protocol::igmp);
  CHECK(host.is_dropped(packet4(2, report, all, nobody)));
  CHECK(host.is_dropped(packet4(2, {}, all, nobody)));
  CHECK(host.is_dropped(packet4(17, query, all, nobody)));
  CHECK(host.is_dropped(packet4(2, query, kOur4, nobody)));
  CHECK(host.is_dropped(packet4(2, query, ip("10.0.0.255"), nobody)));
  CHECK(host.is_dropped(packet4(2, query, ip("239.9.9.9"), nobody)));
  Octets cut = packet4(2, query, all, nobody);
  cut[6] = 0x20;  // more fragments follow
  CHECK(host.is_dropped(patched(std::move(cut), 8, 64)));
  CHECK(host.count(Counter::drop_invalid_source) == 7);
}

TEST_CASE("IGMP and MLD are handed up as they are") {
  Host host;
  CHECK(host.datagram(packet4(2, pattern(8), ip("224.0.0.1"))).protocol == Protocol::igmp);
  CHECK(host.is_dropped(packet6(2, pattern(8))));
  Octets query = {130, 0, 0, 0, 0, 0, 0, 0};
  query.resize(24);
  const Octets whole = packet6(58, query, ip("ff02::1"), ip("fe80::2"));
  CHECK(host.is_dropped(whole));  // ICMPv6's checksum comes first
  CHECK(host.count(Counter::drop_icmp_checksum) == 1);
  Tins::IPv6 packet("ff02::1", "fe80::2");
  Tins::ICMPv6 message;
  message.type(Tins::ICMPv6::MGM_QUERY);
  packet /= message;
  CHECK(host.datagram(packet.serialize()).protocol == Protocol::icmpv6);
}

}  // namespace
}  // namespace sluice::ip
