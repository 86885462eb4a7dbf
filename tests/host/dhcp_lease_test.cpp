// What a lease says, how it is prolonged, and how it ends.
#include "stack/host/dhcp_lease.hpp"

#include "tests/host/dhcp_bench.hpp"

namespace sluice::host {
namespace {

using namespace test;
using Tins::DHCP;

/// The lease in libtins's message, as it stands.
std::optional<DhcpLease> lease_of(DHCP message, Time asked = Time{}, double early = 0) {
  message.end();
  const auto bytes = message.serialize();
  const auto parsed = wire::dhcp::parse(bytes);
  REQUIRE(parsed);
  return read_lease(*parsed, asked, early);
}

DHCP ack(std::uint32_t seconds = 3600) {
  DHCP message;
  message.opcode(2);
  message.hlen(6);
  message.type(DHCP::ACK);
  message.yiaddr(kGiven.to_string());
  message.server_identifier(kServer.to_string());
  message.lease_time(seconds);
  return message;
}

void add(DHCP& message, int option, const std::vector<std::uint8_t>& value) {
  message.add_option({static_cast<std::uint8_t>(option), value.size(), value.data()});
}

TEST_CASE("a lease says all that a host has to know") {
  DHCP message = ack();
  message.subnet_mask("255.255.255.128");
  message.routers({"192.0.2.1", "192.0.2.2"});
  message.domain_name_servers({"192.0.2.53", "0.0.0.0", "198.51.100.53"});
  message.domain_name("lab.example");
  message.broadcast("192.0.2.127");
  add(message, 26, {0x05, 0x78});
  const auto lease = lease_of(message);
  REQUIRE(lease);
  CHECK(lease->address == Prefix{kGiven, 25});
  CHECK(lease->server == kServer);
  CHECK(lease->routers == std::vector{IpAddress::v4(192, 0, 2, 1), IpAddress::v4(192, 0, 2, 2)});
  CHECK(lease->dns_servers == std::vector{IpAddress::v4(192, 0, 2, 53), IpAddress::v4(198, 51, 100, 53)});
  CHECK(lease->domain == "lab.example");
  CHECK(lease->broadcast == IpAddress::v4(192, 0, 2, 127));
  CHECK(lease->mtu == 1400);
  CHECK(lease->routes.empty());
}

TEST_CASE("classless routes replace the routers (RFC 3442)") {
  DHCP message = ack();
  message.routers({"192.0.2.1"});
  add(message, 121, {0, 192, 0, 2, 5, 8, 10, 0, 0, 0, 0, 8, 11, 127, 0, 0, 1});
  const auto lease = lease_of(message);
  REQUIRE(lease);
  CHECK(lease->routers.empty());
  REQUIRE(lease->routes.size() == 2);  // the third one's router can't be
  CHECK(lease->routes[0] == wire::dhcp::Route{*Prefix::parse("0.0.0.0/0"), IpAddress::v4(192, 0, 2, 5)});
  CHECK(lease->routes[1] == wire::dhcp::Route{*Prefix::parse("10.0.0.0/8"), IpAddress()});
}

TEST_CASE("a malformed fact is left out, and the lease stays") {
  DHCP message = ack();
  message.routers({"192.0.2.1"});
  add(message, 121, {33, 1, 2, 3});
  add(message, 6, {1, 2, 3});
  add(message, 15, {'a', ' ', 'b'});
  add(message, 26, {0, 68});
  add(message, 28, {1});
  const auto lease = lease_of(message);
  REQUIRE(lease);
  CHECK(lease->routers.size() == 1);
  CHECK(lease->dns_servers.empty());
  CHECK(lease->domain.empty());
  CHECK_FALSE(lease->mtu);
  CHECK_FALSE(lease->broadcast);
}

TEST_CASE("without a mask the address's class says it") {
  for (const auto& [address, length] :
       {std::pair{"10.1.2.3", 8}, std::pair{"172.16.1.2", 16}, std::pair{"192.0.2.77", 24}}) {
    DHCP message = ack();
    message.yiaddr(address);
    CHECK(lease_of(message)->address.length == length);
  }
}

TEST_CASE("an address alone on its link, or one of two, has no broadcast to be mistaken for") {
  for (const auto& [mask, usable] :
       {std::pair{"255.255.255.255", true}, std::pair{"255.255.255.254", true}, std::pair{"0.0.0.0", false}}) {
    DHCP message = ack();
    message.subnet_mask(mask);
    CHECK(lease_of(message).has_value() == usable);
  }
}

TEST_CASE("T1 and T2 are half and seven eighths of the lease unless the server says better (RFC 2131 4.4.5)") {
  const Time asked = Time{} + 5min;
  const auto times = [&](std::optional<std::uint32_t> t1, std::optional<std::uint32_t> t2) {
    DHCP message = ack(800);
    if (t1) message.renewal_time(*t1);
    if (t2) message.rebind_time(*t2);
    const auto lease = lease_of(message, asked);
    REQUIRE(lease);
    CHECK(lease->until == asked + 800s);
    return std::pair(lease->renew_at - asked, lease->rebind_at - asked);
  };
  const auto is = [](Duration t1, Duration t2) { return std::pair(t1, t2); };
  CHECK(times({}, {}) == is(400s, 700s));
  CHECK(times(100, 200) == is(100s, 200s));
  CHECK(times(100, {}) == is(100s, 700s));
  CHECK(times({}, 500) == is(400s, 500s));
  CHECK(times(300, 200) == is(400s, 700s));
  CHECK(times(100, 801) == is(400s, 700s));
  CHECK(times(0, 200) == is(400s, 700s));
  CHECK(times(0xffffffff, 0xffffffff) == is(400s, 700s));
}

TEST_CASE("renewals come early by a random part, in their order") {
  const auto lease = lease_of(ack(800), Time{}, 1.0 / 64);
  REQUIRE(lease);
  CHECK(lease->renew_at == Time{} + 400s - Duration(400s) / 64);
  CHECK(lease->rebind_at == Time{} + 700s - Duration(700s) / 64);
  CHECK(lease->until == Time{} + 800s);
}

TEST_CASE("two clients that were started together don't renew together (RFC 2131 4.4.5)") {
  Bench one({.start_delay = 0s}, 1), other({.start_delay = 0s}, 2);
  one.bind();
  other.bind();
  CHECK(one.leases[0].until == other.leases[0].until);
  CHECK(one.leases[0].renew_at != other.leases[0].renew_at);
}

TEST_CASE("an infinite lease never ends, and none is of no time (RFC 2131 3.3)") {
  const auto lease = lease_of(ack(0xffffffff));
  REQUIRE(lease);
  CHECK(lease->renew_at == kNever);
  CHECK(lease->rebind_at == kNever);
  CHECK(lease->until == kNever);
  CHECK_FALSE(lease_of(ack(0)));
  CHECK(lease_of(ack(0xfffffffe))->until > Time{} + 24h * 365 * 100);
}

TEST_CASE("the lease counts from the first REQUEST, not from the ACK (RFC 2131 4.4.1)") {
  Bench bench;
  bench.start();
  bench.next();
  bench.hear(bench.answer(DHCP::OFFER));
  const Time asked = bench.now;
  bench.next();
  bench.run(2s);
  bench.hear(bench.answer(DHCP::ACK));
  bench.client.address_free(bench.now);
  bench.drain();
  REQUIRE(bench.leases.size() == 1);
  CHECK(bench.leases[0].until == asked + 3600s);
  CHECK(bench.leases[0].renew_at <= asked + 1800s);
  CHECK(bench.leases[0].renew_at >= asked + 1770s);
}

TEST_CASE("at T1 the server itself is asked to renew, by unicast and from our address (RFC 2131 4.4.5)") {
  Bench bench;
  bench.bind();
  const Time renew_at = bench.leases[0].renew_at;
  const Said request = bench.next();
  CHECK(request.at == renew_at);
  CHECK(bench.client.state() == DhcpState::renewing);
  CHECK(bench.client.lease() != nullptr);
  CHECK(request.message.type() == DHCP::REQUEST);
  CHECK(request.send.source == kGiven);
  CHECK(request.send.destination == kServer);
  CHECK(request.message.ciaddr().to_string() == kGiven.to_string());
  CHECK(request.message.padding() == 0);
  CHECK(request.message.secs() == 0);
  CHECK_FALSE(request.has(50));
  CHECK_FALSE(request.has(54));
  bench.run(1s);
  DHCP answer = bench.answer(DHCP::ACK);
  answer.domain_name("new.example");
  bench.hear(answer);
  CHECK(bench.client.state() == DhcpState::bound);
  REQUIRE(bench.leases.size() == 2);
  CHECK(bench.leases[1].until == request.at + 3600s);
  CHECK(bench.leases[1].domain == "new.example");
  CHECK(bench.probes.size() == 1);  // an address in use is not probed again
  CHECK(bench.count(DhcpCounter::renewals) == 1);
  CHECK(bench.losses.empty());
}

TEST_CASE("renewals are tried again after half of the time to T2, but a minute at least (RFC 2131 4.4.5)") {
  Bench bench;
  bench.bind();
  const Time rebind_at = bench.leases[0].rebind_at;
  Time before = bench.next().at;
  unsigned renewals = 1;
  while (bench.next().send.destination == kServer) {
    const Duration expected = std::max<Duration>((rebind_at - before) / 2, 60s);
    CHECK(bench.said.back().at - before == expected);
    CHECK(bench.said.back().at < rebind_at);
    before = bench.said.back().at;
    ++renewals;
  }
  CHECK(renewals >= 4);
  CHECK(bench.last().at == rebind_at);
  CHECK(bench.client.state() == DhcpState::rebinding);
}

TEST_CASE("at T2 any server may prolong the lease, and is asked by broadcast (RFC 2131 4.4.5)") {
  Bench bench;
  bench.bind();
  while (bench.next().send.destination != kEverybody) continue;
  const Said& request = bench.last();
  CHECK(bench.client.state() == DhcpState::rebinding);
  CHECK(request.send.source == kGiven);
  CHECK(request.message.ciaddr().to_string() == kGiven.to_string());
  CHECK(request.message.padding() == 0);
  CHECK(request.message.secs() > 0);
  CHECK_FALSE(request.has(50));
  CHECK_FALSE(request.has(54));
  bench.hear(bench.answer(DHCP::ACK, kGiven, kOtherServer));
  CHECK(bench.client.state() == DhcpState::bound);
  CHECK(bench.client.lease()->server == kOtherServer);
}

TEST_CASE("while renewing, another server's answer doesn't count, nor another address") {
  Bench bench;
  bench.bind();
  bench.next();
  bench.hear(bench.answer(DHCP::ACK, kGiven, kOtherServer));
  bench.hear(bench.answer(DHCP::NAK, kGiven, kOtherServer));
  bench.hear(bench.answer(DHCP::ACK, IpAddress::v4(192, 0, 2, 99)));
  CHECK(bench.client.state() == DhcpState::renewing);
  CHECK(bench.losses.empty());
}

TEST_CASE("an answer to an earlier attempt at renewal is no news") {
  Bench bench;
  bench.bind();
  bench.next();
  const DHCP late = bench.answer(DHCP::ACK);
  bench.next();
  bench.hear(late);
  CHECK(bench.count(DhcpCounter::drop_foreign_transaction) == 1);
  CHECK(bench.client.state() == DhcpState::renewing);
}

TEST_CASE("a lease that nobody prolongs ends, and the same address is wished for (RFC 2131 4.4.5)") {
  Bench bench;
  bench.bind();
  const Time until = bench.leases[0].until;
  while (bench.losses.empty()) bench.next();
  CHECK(bench.now == until);
  CHECK(bench.losses[0].address == kGiven);
  CHECK(bench.losses[0].reason == DhcpLost::Reason::expired);
  CHECK(bench.client.lease() == nullptr);
  while (bench.last().message.type() != DHCP::DISCOVER) bench.next();
  CHECK(bench.last().address(50) == kGiven.to_string());
  CHECK(bench.last().send.source == IpAddress());
}

TEST_CASE("a host that slept through its lease loses it before it says anything in its name") {
  Bench bench;
  bench.bind();
  const std::size_t said = bench.said.size();
  bench.now += 48h;
  bench.client.handle_timeout(bench.now);
  bench.drain();
  CHECK(bench.losses.size() == 1);
  CHECK(bench.said.size() == said);
}

TEST_CASE("a NAK takes the address away at once (RFC 2131 4.4.5)") {
  for (const Duration after : {1800s, 3300s}) {
    Bench bench;
    bench.bind();
    bench.run(after);
    bench.hear(bench.answer(DHCP::NAK));
    REQUIRE(bench.losses.size() == 1);
    CHECK(bench.losses[0].reason == DhcpLost::Reason::refused);
    CHECK(bench.client.state() == DhcpState::init);
    CHECK(bench.next().message.type() == DHCP::DISCOVER);
    CHECK_FALSE(bench.last().has(50));
  }
}

TEST_CASE("messages that come in the middle of a lease change nothing") {
  Bench bench;
  bench.bind();
  bench.hear(bench.answer(DHCP::ACK));
  bench.hear(bench.answer(DHCP::NAK));
  bench.hear(bench.answer(DHCP::OFFER));
  CHECK(bench.client.state() == DhcpState::bound);
  CHECK(bench.count(DhcpCounter::drop_unexpected) == 3);
}

TEST_CASE("an address that another host takes later is given up and declined (RFC 5227 2.4)") {
  Bench bench;
  bench.bind();
  bench.run(10min);
  bench.client.address_in_use(bench.now);
  bench.drain();
  CHECK(bench.last().message.type() == DHCP::DECLINE);
  REQUIRE(bench.losses.size() == 1);
  CHECK(bench.losses[0].reason == DhcpLost::Reason::in_use);
  CHECK(bench.client.state() == DhcpState::init);
  CHECK(bench.next().message.type() == DHCP::DISCOVER);
  CHECK_FALSE(bench.last().has(50));
}

TEST_CASE("release tells the server by unicast and ends all (RFC 2131 4.4.6)") {
  Bench bench;
  bench.bind();
  const std::uint32_t asked = bench.last().message.xid();
  bench.client.release();
  bench.drain();
  const Said& release = bench.last();
  CHECK(release.message.type() == DHCP::RELEASE);
  CHECK(release.message.xid() != asked);
  CHECK(release.send.source == kGiven);
  CHECK(release.send.destination == kServer);
  CHECK(release.message.ciaddr().to_string() == kGiven.to_string());
  CHECK(release.address(54) == kServer.to_string());
  CHECK(release.value(61).size() == 7);
  CHECK_FALSE(release.has(50));
  CHECK_FALSE(release.has(55));
  CHECK(release.message.padding() == 0);
  REQUIRE(bench.losses.size() == 1);
  CHECK(bench.losses[0].reason == DhcpLost::Reason::released);
  CHECK(bench.client.state() == DhcpState::stopped);
  CHECK(bench.client.next_timeout() == kNever);
}

TEST_CASE("an address that was given back is not asked for again") {
  Bench bench;
  bench.bind();
  bench.client.release();
  bench.start();
  while (bench.next().message.type() != DHCP::DISCOVER) CHECK(bench.last().message.type() == DHCP::RELEASE);
  CHECK_FALSE(bench.last().has(50));
}

TEST_CASE("the message of a release comes out before the address is lost") {
  Bench bench;
  bench.bind();
  bench.client.release();
  CHECK(std::holds_alternative<DhcpSend>(*bench.client.poll()));
  CHECK(std::holds_alternative<DhcpLost>(*bench.client.poll()));
  CHECK_FALSE(bench.client.poll());
}

TEST_CASE("without an address there is nothing to release") {
  Bench bench;
  bench.start();
  bench.next();
  bench.client.release();
  bench.drain();
  CHECK(bench.said.size() == 1);
  CHECK(bench.losses.empty());
  CHECK(bench.client.next_timeout() == kNever);
}

TEST_CASE("a start in the middle of a lease asks for its address again (RFC 2131 3.7)") {
  Bench bench;
  bench.bind();
  bench.start();
  REQUIRE(bench.losses.size() == 1);
  CHECK(bench.losses[0].reason == DhcpLost::Reason::restarted);
  CHECK(bench.next().message.type() == DHCP::REQUEST);
  CHECK(bench.client.state() == DhcpState::rebooting);
  CHECK(bench.last().address(50) == kGiven.to_string());
}

TEST_CASE("news that were never asked for are not taken back") {
  Bench bench;
  bench.ask_for_lease();
  bench.client.address_free(bench.now);
  bench.client.release();
  bench.drain();
  CHECK(bench.leases.empty());
  CHECK(bench.losses.empty());
}

TEST_CASE("every counter has a name of its own") {
  std::vector<std::string> names;
  Counters<DhcpCounter>().for_each([&](std::string_view name, std::uint64_t) { names.emplace_back(name); });
  std::sort(names.begin(), names.end());
  CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
  CHECK(std::find(names.begin(), names.end(), "unknown") == names.end());
}

}  // namespace
}  // namespace sluice::host
