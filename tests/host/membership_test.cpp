// What a host tells routers of its multicast groups, and when; one TEST_CASE a rule, over both families where it is
// one.
#include <doctest/doctest.h>
#include <tins/tins.h>

#include <algorithm>

#include "tests/host/member.hpp"

namespace sluice::host {
namespace {

/// The same text with one family's addresses.
struct Names {
  const char* group;
  const char* other;
  const char* s7;
  const char* s8;
  const char* s9;
};

Names names(Family family) {
  if (family == Family::ipv4) return {"239.1.1.1", "239.2.2.2", "10.0.0.7", "10.0.0.8", "10.0.0.9"};
  return {"ff05::1:1", "ff05::2:2", "fd00::7", "fd00::8", "fd00::9"};
}

constexpr std::array kFamilies = {Family::ipv4, Family::ipv6};

std::string record(const char* type, const char* group, const std::vector<const char*>& sources = {}) {
  std::string text = std::string(type) + " " + group + " {";
  for (const char* source : sources) text += (text.back() == '{' ? "" : " ") + std::string(source);
  return text + "}";
}

TEST_CASE("a join is told at once and again within a second, [Robustness] times in all [R3376-5.1-1], [R3810-6.1-1]") {
  for (const Family family : kFamilies) {
    const Names n = names(family);
    Member member(family, {.robustness = 4});
    member.join(n.group);
    CHECK(member.machine.next_timeout() <= member.now);
    CHECK(member.out() == Texts{record("to_exclude", n.group)});
    Time last = member.now;
    CHECK(member.wait(1min) == Texts(3, record("to_exclude", n.group)));
    for (const Time at : member.times) {
      CHECK(at > last);
      CHECK(at - last <= 1s);
      last = at;
    }
    CHECK(member.machine.next_timeout() == kNever);
    member.leave(n.group);
    CHECK(member.wait(1min) == Texts(4, record("to_include", n.group)));
  }
}

TEST_CASE("the repetitions of changes come at random times, which follow from the key [R3376-5.1-1], [R3810-6.1-1]") {
  const auto delays_of = [](Family family) {
    Member member(family);
    std::vector<Duration> delays;
    for (int i = 0; i < 100; ++i) {
      member.change(names(family).group, i % 2 ? SourceFilter{} : SourceFilter::everybody());
      member.out();
      delays.push_back(member.machine.next_timeout() - member.now);
      member.wait(1s);
    }
    return delays;
  };
  for (const Family family : kFamilies) {
    const std::vector<Duration> delays = delays_of(family);
    CHECK(*std::min_element(delays.begin(), delays.end()) < 100ms);
    CHECK(*std::max_element(delays.begin(), delays.end()) > 900ms);
    CHECK(*std::max_element(delays.begin(), delays.end()) <= 1s);
    CHECK(delays_of(family) == delays);
  }
}

TEST_CASE("sources that come and go are told as allowed and blocked, in both modes [R3376-5.1-1], [R3810-6.1-1]") {
  for (const Family family : kFamilies) {
    const Names n = names(family);
    Member member(family);
    member.change(n.group, only({n.s7, n.s8}));
    CHECK(member.wait(1min) == Texts(2, record("allow", n.group, {n.s7, n.s8})));
    member.change(n.group, only({n.s8, n.s9}));
    CHECK(member.out() == Texts{record("allow", n.group, {n.s9}), record("block", n.group, {n.s7})});
    member.wait(1min);
    member.change(n.group, all_but({n.s7}));
    CHECK(member.wait(1min) == Texts(2, record("to_exclude", n.group, {n.s7})));
    member.change(n.group, all_but({n.s8}));
    CHECK(member.out() == Texts{record("allow", n.group, {n.s7}), record("block", n.group, {n.s8})});
    member.wait(1min);
    member.change(n.group, only({n.s9}));
    CHECK(member.wait(1min) == Texts(2, record("to_include", n.group, {n.s9})));
    member.leave(n.group);
    CHECK(member.wait(1min) == Texts(2, record("block", n.group, {n.s9})));
    CHECK(member.machine.next_timeout() == kNever);
  }
}

TEST_CASE("a change between repetitions is merged with them, and told at once [R3376-5.1-1], [R3810-6.1-1]") {
  for (const Family family : kFamilies) {
    const Names n = names(family);
    Member member(family, {.robustness = 3});
    member.change(n.group, only({n.s7}));
    member.out();
    member.change(n.group, only({n.s7, n.s8}));
    CHECK(member.out() == Texts{record("allow", n.group, {n.s7, n.s8})});
    // A source that changes its mind is told as it is now.
    member.change(n.group, only({n.s8}));
    CHECK(member.out() == Texts{record("allow", n.group, {n.s8}), record("block", n.group, {n.s7})});
    // A new mode says all there is to say.
    member.change(n.group, all_but({n.s9}));
    CHECK(member.wait(1min) == Texts(3, record("to_exclude", n.group, {n.s9})));
  }
}

TEST_CASE("a report leaves with hop limit 1, a Router Alert and network control, to all routers [R3376-4-1]") {
  Member member;
  member.join("239.1.1.1");
  member.out();
  REQUIRE(member.packets.size() == 1);
  const Octets& packet = member.packets[0];
  const Tins::IP ip(packet.data(), static_cast<std::uint32_t>(packet.size()));
  CHECK(ip.ttl() == 1);
  CHECK(ip.tos() == 0xc0);
  CHECK(ip.protocol() == 2);
  CHECK(ip.src_addr() == "10.0.0.1");
  CHECK(ip.dst_addr() == "224.0.0.22");
  REQUIRE(ip.options().size() == 1);
  CHECK(ip.options()[0].option().number == 20);
  CHECK(wire::has_router_alert(packet));
  CHECK(wire::ipv4::parse(packet));
  CHECK(packet.size() == 24 + 8 + 8);
}

TEST_CASE("an MLD report leaves with hop limit 1 and a Router Alert in a hop-by-hop header [R3810-5-1]") {
  Member member(Family::ipv6);
  member.join("ff05::1:1");
  member.out();
  REQUIRE(member.packets.size() == 1);
  const Octets& packet = member.packets[0];
  const auto header = wire::ipv6::parse(packet);
  REQUIRE(header);
  CHECK(header->hop_limit == 1);
  CHECK(header->source == address("fe80::1"));
  CHECK(header->destination == address("ff02::16"));
  CHECK(wire::has_router_alert(packet));
  const Tins::IPv6 ip(packet.data(), static_cast<std::uint32_t>(packet.size()));
  CHECK(ip.rfind_pdu<Tins::ICMPv6>().type() == Tins::ICMPv6::MLD2_REPORT);
  Tins::IPv6 again = ip;
  CHECK(again.serialize() == packet);  // libtins's checksum is ours
}

TEST_CASE("an MLD report comes from a link-local address, or from none as long as there is none [R3810-5.2.13-1]") {
  for (const auto& [ours, sent] : {std::pair("fe80::1", "fe80::1"), {"fd00::1", "::"}, {"::", "::"}}) {
    Member member(Family::ipv6);
    member.join("ff05::1:1");
    CHECK(member.out(ours).size() == 1);
    CHECK(wire::ipv6::parse(member.packets.at(0))->source == address(sent));
  }
}

TEST_CASE("groups that every host is in are never told, nor those that stay within the host") {
  Member four;
  four.join("224.0.0.1");
  CHECK(four.machine.next_timeout() == kNever);
  four.query({.maximum_response = 10s});
  CHECK(four.wait(1min).empty());
  Member six(Family::ipv6);
  for (const char* group : {"ff02::1", "ff01::1", "ff01::123", "ff00::7"}) six.join(group);
  CHECK(six.wait(1min).empty());
  six.join("ff02::fb");
  CHECK(six.out() == Texts{record("to_exclude", "ff02::fb")});
}

/// A member with two groups, of which all changes have been told.
struct Settled : Member {
  explicit Settled(Family family_of) : Member(family_of) {
    const Names n = names(family);
    join(n.group);
    change(n.other, only({n.s7, n.s8}));
    wait(1min);
    times.clear();
  }
};

TEST_CASE(
    "a General Query is answered for all groups after a random part of its time, never at once [R3376-5.2-1], "
    "[R3376-5.2-2], [R3810-6.3-1]") {
  for (const Family family : kFamilies) {
    const Names n = names(family);
    Settled member(family);
    std::vector<Duration> delays;
    for (int i = 0; i < 60; ++i) {
      member.query({.maximum_response = 10s});
      CHECK(member.out().empty());
      const Time asked = member.now;
      CHECK(member.wait(1min) == Texts{record("is_exclude", n.group), record("is_include", n.other, {n.s7, n.s8})});
      delays.push_back(member.times.back() - asked);
    }
    CHECK(*std::min_element(delays.begin(), delays.end()) < 1s);
    CHECK(*std::max_element(delays.begin(), delays.end()) > 9s);
    CHECK(*std::max_element(delays.begin(), delays.end()) <= 10s);
    member.query({.maximum_response = 0s});
    CHECK(member.out().empty());
    CHECK(member.wait(1s).size() == 2);
  }
}

TEST_CASE("a query for a group is answered for it, one for sources with those that are wanted [R3376-5.2-1]") {
  for (const Family family : kFamilies) {
    const Names n = names(family);
    Settled member(family);
    member.query({.group = address(n.other), .maximum_response = 1s});
    CHECK(member.wait(1s) == Texts{record("is_include", n.other, {n.s7, n.s8})});
    member.query({.group = address(n.other), .maximum_response = 1s}, {address(n.s9), address(n.s7)});
    CHECK(member.wait(1s) == Texts{record("is_include", n.other, {n.s7})});
    member.query({.group = address(n.other), .maximum_response = 1s}, {address(n.s9)});
    CHECK(member.wait(1s).empty());
    member.change(n.group, all_but({n.s8}));
    member.wait(1min);
    member.query({.group = address(n.group), .maximum_response = 1s}, {address(n.s9), address(n.s8)});
    CHECK(member.wait(1s) == Texts{record("is_include", n.group, {n.s9})});
    member.query({.group = address(family == Family::ipv4 ? "239.3.3.3" : "ff05::3"), .maximum_response = 1s});
    CHECK(member.machine.next_timeout() == kNever);
  }
}

TEST_CASE("queries that come together are answered together, at the earliest of their times [R3376-5.2-1]") {
  for (const Family family : kFamilies) {
    const Names n = names(family);
    Settled member(family);
    // Sources add up.
    member.query({.group = address(n.other), .maximum_response = 20s}, {address(n.s7)});
    const Time first = member.machine.next_timeout();
    member.query({.group = address(n.other), .maximum_response = 20s}, {address(n.s8)});
    CHECK(member.machine.next_timeout() <= first);
    CHECK(member.wait(20s) == Texts{record("is_include", n.other, {n.s7, n.s8})});
    // The group alone says more than its sources, in either order.
    member.query({.group = address(n.other), .maximum_response = 20s}, {address(n.s9)});
    member.query({.group = address(n.other), .maximum_response = 20s});
    member.query({.group = address(n.other), .maximum_response = 20s}, {address(n.s9)});
    CHECK(member.wait(20s) == Texts{record("is_include", n.other, {n.s7, n.s8})});
    // An answer to everything that comes sooner is answer enough.
    member.query({.maximum_response = 1ms});
    member.query({.group = address(n.other), .maximum_response = 20s});
    CHECK(member.wait(20s).size() == 2);
    CHECK(member.machine.next_timeout() == kNever);
  }
}

TEST_CASE("a query for more sources than anyone needs is answered for the whole group") {
  Settled member(Family::ipv4);
  std::vector<IpAddress> asked;
  for (std::uint32_t i = 0; i < 300; ++i) asked.push_back(IpAddress::v4(0x0b000000 + i));
  member.query({.group = address("239.2.2.2"), .maximum_response = 1s}, asked);
  CHECK(member.wait(1s) == Texts{record("is_include", "239.2.2.2", {"10.0.0.7", "10.0.0.8"})});
}

TEST_CASE("a report never outgrows the MTU: long lists go on in another record, those of excluded sources are cut") {
  for (const Family family : kFamilies) {
    const Names n = names(family);
    Member member(family, {.robustness = 1, .mtu = family == Family::ipv4 ? 576u : 1280u});
    const std::size_t limit = family == Family::ipv4 ? (576 - 24 - 8 - 8) / 4 : (1280 - 48 - 8 - 20) / 16;
    SourceFilter many;
    for (std::uint32_t i = 0; i < 200; ++i) {
      std::array<std::uint8_t, 16> bytes{0xfd};
      bytes[15] = static_cast<std::uint8_t>(i);
      many.sources.push_back(family == Family::ipv4 ? IpAddress::v4(0x0b000000 + i) : IpAddress::v6(bytes));
    }
    member.change(n.group, many);
    CHECK(member.out().size() == (200 + limit - 1) / limit);
    CHECK(member.packets.size() == (200 + limit - 1) / limit);
    for (const Octets& packet : member.packets) CHECK(packet.size() <= (family == Family::ipv4 ? 576u : 1280u));
    many.mode = FilterMode::exclude;
    member.change(n.group, many);
    const Texts cut = member.out();
    REQUIRE(cut.size() == 1);
    CHECK(std::count(cut[0].begin(), cut[0].end(), ' ') == static_cast<int>(limit) + 1);
  }
}

TEST_CASE("many groups share a report as long as they fit") {
  Member member(Family::ipv4, {.robustness = 1});
  for (std::uint8_t i = 0; i < 200; ++i)
    member.machine.change(IpAddress::v4(239, 1, 1, i), SourceFilter::everybody(), member.now);
  CHECK(member.out().size() == 200);
  CHECK(member.packets.size() == 2);
  CHECK(member.packets[0].size() <= 1500);
}

TEST_CASE(
    "an older querier makes us speak its version, until it has been silent long enough [R3376-7.2.1-1], "
    "[R3810-8.2.1-1], [R3376-4-2]") {
  for (const Family family : kFamilies) {
    const Names n = names(family);
    Settled member(family);
    member.query({.version = GroupVersion::v2, .maximum_response = 10s});
    CHECK(member.machine.version() == GroupVersion::v2);
    Texts reports = member.wait(10s);
    std::sort(reports.begin(), reports.end());
    CHECK(reports == Texts{std::string("v2 report ") + n.group, std::string("v2 report ") + n.other});
    // A newer querier's question changes nothing while the older one counts as present: 2 * 125 s + 10 s.
    member.query({.maximum_response = 1s});
    CHECK(member.machine.version() == GroupVersion::v2);
    CHECK(member.wait(1s).size() == 2);
    member.wait(260s - 11s - 1ns);
    member.query({.maximum_response = 1s});
    CHECK(member.machine.version() == GroupVersion::v2);
    member.wait(1s);
    member.query({.maximum_response = 1s});
    CHECK(member.machine.version() == GroupVersion::v3);
    CHECK(member.wait(1s).front() == record("is_exclude", n.group));
  }
}

TEST_CASE(
    "an IGMPv1 querier counts most, and is told with version 1's reports, of leaving nothing [R3376-7.2.1-1], "
    "[R3376-4-2]") {
  Settled member(Family::ipv4);
  member.query({.version = GroupVersion::v2, .maximum_response = 1s});
  member.query({.version = GroupVersion::v1});
  CHECK(member.machine.version() == GroupVersion::v1);
  Texts reports = member.wait(10s);
  std::sort(reports.begin(), reports.end());
  CHECK(reports == Texts{"v1 report 239.1.1.1", "v1 report 239.2.2.2"});
  member.leave("239.1.1.1");
  CHECK(member.wait(1min).empty());
  member.join("239.1.1.1");
  CHECK(member.wait(1min) == Texts(2, "v1 report 239.1.1.1"));
}

TEST_CASE("a change of version cancels what was pending [R3376-7.2.1-1], [R3810-8.2.1-1]") {
  for (const Family family : kFamilies) {
    const Names n = names(family);
    Member member(family);
    member.join(n.group);
    member.query({.maximum_response = 10s});
    member.query({.version = GroupVersion::v2, .group = address(n.other), .maximum_response = 1s});
    CHECK(member.machine.next_timeout() == kNever);
    CHECK(member.wait(1min).empty());
  }
}

TEST_CASE(
    "to an older querier a join is told as a report, a leave to all routers by the last that reported "
    "[R3376-4-2]") {
  for (const Family family : kFamilies) {
    const Names n = names(family);
    Member member(family);
    member.query({.version = GroupVersion::v2, .maximum_response = 1s});
    member.change(n.group, only({n.s7}));
    CHECK(member.out() == Texts{std::string("v2 report ") + n.group});
    const bool v4 = family == Family::ipv4;
    const auto goes_to = [&] {
      const Bytes packet = member.packets.at(0);
      return IpAddress::from_bytes(v4 ? packet.subspan(16, 4) : packet.subspan(24, 16));
    };
    CHECK(goes_to() == address(n.group));
    CHECK(wire::has_router_alert(member.packets[0]));
    CHECK(member.wait(10s) == Texts{std::string("v2 report ") + n.group});
    member.change(n.group, all_but({n.s7}));  // sources are beyond it
    CHECK(member.wait(10s).empty());
    member.leave(n.group);
    CHECK(member.out() == Texts{std::string("leave ") + n.group});
    CHECK(goes_to() == address(v4 ? "224.0.0.2" : "ff02::2"));
    CHECK(member.wait(1min).empty());
  }
}

TEST_CASE("before v3 another member's report saves ours, and leaves the leaving to it [R3376-7.2.1-1]") {
  for (const Family family : kFamilies) {
    const Names n = names(family);
    Settled member(family);
    member.query({.version = GroupVersion::v2, .maximum_response = 10s});
    member.report(GroupVersion::v2, n.group);
    CHECK(member.wait(10s) == Texts{std::string("v2 report ") + n.other});
    member.leave(n.group);
    CHECK(member.wait(1min).empty());
    // Nor is the leaving ours to tell when somebody has reported after us.
    member.report(GroupVersion::v2, n.other);
    member.leave(n.other);
    CHECK(member.wait(1min).empty());
    CHECK(member.count(MembershipCounter::old_reports_in) == 2);
  }
}

TEST_CASE("before v3 a query brings an answer forward, never back [R3376-7.2.1-1], [R3810-8.2.1-1]") {
  for (const Family family : kFamilies) {
    Settled member(family);
    member.query({.version = GroupVersion::v2, .maximum_response = 1s});
    for (int i = 0; i < 20; ++i) member.query({.version = GroupVersion::v2, .maximum_response = 25s});
    CHECK(member.wait(1s).size() == 2);
    member.query({.version = GroupVersion::v2, .maximum_response = 25s});
    member.query({.version = GroupVersion::v2, .maximum_response = 100ms});
    CHECK(member.wait(100ms).size() == 2);
  }
}

TEST_CASE("how long an older querier counts as present follows the interval that was said [R3376-7.2.1-1]") {
  for (const Family family : kFamilies) {
    Settled member(family);
    member.query({.maximum_response = 1s, .robustness = 3, .interval = 60s});
    member.query({.version = GroupVersion::v2, .maximum_response = 1s});
    member.wait(3 * 60s + 10s - 1ns);
    member.query({.maximum_response = 1s});
    CHECK(member.machine.version() == GroupVersion::v2);
    member.wait(1ns);
    member.query({.maximum_response = 1s});
    CHECK(member.machine.version() == GroupVersion::v3);
  }
}

TEST_CASE("with v3 every member answers, whoever else does") {
  for (const Family family : kFamilies) {
    Settled member(family);
    member.query({.group = address(names(family).group), .maximum_response = 10s});
    member.report(GroupVersion::v2, names(family).group);
    CHECK(member.wait(10s).size() == 1);
  }
}

TEST_CASE(
    "the querier says how robust to be; 0 says nothing, and our own setting is never 0 [R3376-8.1-1], "
    "[R3810-9.1-1]") {
  for (const Family family : kFamilies) {
    const Names n = names(family);
    Member member(family, {.robustness = 0});
    member.join(n.group);
    CHECK(member.wait(1min).size() == 1);
    member.query({.maximum_response = 1s, .robustness = 5});
    member.wait(1s);
    member.leave(n.group);
    CHECK(member.wait(1min).size() == 5);
    member.query({.maximum_response = 1s, .robustness = 0});
    member.wait(1s);
    member.join(n.group);
    CHECK(member.wait(1min).size() == 5);
  }
}

TEST_CASE("a query without Router Alert is ignored, but for IGMPv1's [R3376-9.1-1], [R3810-5-1]") {
  for (const Family family : kFamilies) {
    Settled member(family);
    for (const GroupVersion version : {GroupVersion::v2, GroupVersion::v3})
      member.in(member.message_of({.version = version, .maximum_response = 1s}), {.alert = false});
    CHECK(member.machine.next_timeout() == kNever);
    CHECK(member.machine.version() == GroupVersion::v3);
    CHECK(member.count(MembershipCounter::drop_no_alert) == 2);
  }
  Settled member(Family::ipv4);
  member.in(member.message_of({.version = GroupVersion::v1}), {.alert = false});
  CHECK(member.machine.version() == GroupVersion::v1);
}

TEST_CASE(
    "a query that has come over a router, or to MLD from no link-local address, is ignored [R3810-5.1.14-1], "
    "[R3810-5-1]") {
  for (const Family family : kFamilies) {
    Settled member(family);
    member.in(member.message_of({.maximum_response = 1s}), {.hop_limit = 2});
    CHECK(member.count(MembershipCounter::drop_hop_limit) == 1);
    CHECK(member.machine.next_timeout() == kNever);
  }
  Settled member(Family::ipv6);
  member.in(member.message_of({.maximum_response = 1s}), {.source = "fd00::2"});
  CHECK(member.count(MembershipCounter::drop_foreign_source) == 1);
  CHECK(member.machine.next_timeout() == kNever);
}

TEST_CASE(
    "damaged, odd and unknown messages change nothing [R3376-4.1.2-1], [R3376-7.1-1], [R3376-4-2], [R3810-8.1-1]") {
  Settled four(Family::ipv4);
  Octets query = four.message_of({.maximum_response = 1s});
  query[4] ^= 1;
  four.in(query);
  four.in(Octets{0x11, 0, 0xee, 0xff, 0, 0, 0, 0, 0});
  four.in({});
  CHECK(four.count(MembershipCounter::drop_malformed) == 3);
  four.in(Octets{0x99, 0, 0x66, 0xff, 0, 0, 0, 0});
  CHECK(four.count(MembershipCounter::drop_unknown_type) == 1);
  CHECK(four.machine.next_timeout() == kNever);
  Settled six(Family::ipv6);
  query = six.message_of({.maximum_response = 1s});
  query.resize(26);
  six.in(query);
  CHECK(six.count(MembershipCounter::drop_malformed) == 1);
  CHECK(six.machine.next_timeout() == kNever);
}

TEST_CASE("what the sink refuses is lost, and the repetition makes up for it") {
  Member member;
  member.full = true;
  member.join("239.1.1.1");
  CHECK(member.out().empty());
  CHECK(member.count(MembershipCounter::drop_sink_full) == 1);
  member.full = false;
  CHECK(member.wait(1s) == Texts{record("to_exclude", "239.1.1.1")});
}

}  // namespace
}  // namespace sluice::host
