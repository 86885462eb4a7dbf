// How a DHCP client comes to an address, against a server's messages as libtins writes them.
#include "tests/host/dhcp_bench.hpp"

namespace sluice::host {
namespace {

using namespace test;
using Tins::DHCP;

TEST_CASE("a client discovers, requests what is offered, probes it and is bound (RFC 2131 figure 5)") {
  Bench bench;
  bench.start();
  CHECK(bench.client.state() == DhcpState::init);
  CHECK(bench.next().message.type() == DHCP::DISCOVER);
  CHECK(bench.client.state() == DhcpState::selecting);
  bench.hear(bench.answer(DHCP::OFFER));
  CHECK(bench.last().message.type() == DHCP::REQUEST);
  CHECK(bench.client.state() == DhcpState::requesting);
  bench.hear(bench.answer(DHCP::ACK));
  CHECK(bench.client.state() == DhcpState::probing);
  CHECK(bench.probes == std::vector{kGiven});
  CHECK(bench.leases.empty());
  CHECK(bench.client.lease() == nullptr);
  bench.client.address_free(bench.now);
  bench.drain();
  CHECK(bench.client.state() == DhcpState::bound);
  REQUIRE(bench.leases.size() == 1);
  CHECK(bench.leases[0].address == Prefix{kGiven, 24});
  CHECK(bench.leases[0].server == kServer);
  CHECK(*bench.client.lease() == bench.leases[0]);
  CHECK(bench.count(DhcpCounter::leases) == 1);
}

TEST_CASE("DISCOVER carries what RFC 2131 tables 4 and 5 say") {
  Bench bench({.host_name = "lab"});
  bench.start();
  const Said& discover = bench.next();
  CHECK(discover.send.source == IpAddress());
  CHECK(discover.send.destination == kEverybody);
  CHECK(discover.send.payload.size() >= 300);
  CHECK(discover.message.opcode() == 1);
  CHECK(discover.message.padding() == 0x8000);  // no unicast reaches a stack without an address
  CHECK(discover.message.ciaddr().to_string() == "0.0.0.0");
  CHECK(Tins::HWAddress<6>(discover.message.chaddr()).to_string() == kOurs.to_string());
  CHECK(discover.message.hostname() == "lab");
  CHECK(discover.value(61) == std::vector<std::uint8_t>{1, 0x02, 0, 0x5e, 0x10, 0, 0x01});
  CHECK(discover.value(57) == std::vector<std::uint8_t>{0x05, 0xdc});
  const auto wanted = discover.value(55);
  for (const int option : {1, 3, 6, 15, 26, 28, 51, 58, 59, 121})
    CHECK_MESSAGE(std::count(wanted.begin(), wanted.end(), option) == 1, option);
  CHECK(std::find(wanted.begin(), wanted.end(), 121) < std::find(wanted.begin(), wanted.end(), 3));
  CHECK_FALSE(discover.has(50));
  CHECK_FALSE(discover.has(54));
}

TEST_CASE("REQUEST repeats the offer's address, server, transaction and seconds (RFC 2131 3.1)") {
  Bench bench;
  bench.start();
  bench.next();
  const Said discover = bench.next();  // the second one, some seconds later
  CHECK(discover.message.secs() >= 3);
  bench.run(1500ms);
  bench.hear(bench.answer(DHCP::OFFER));
  const Said& request = bench.last();
  CHECK(request.address(50) == kGiven.to_string());
  CHECK(request.address(54) == kServer.to_string());
  CHECK(request.message.xid() == discover.message.xid());
  CHECK(request.message.secs() == discover.message.secs());
  CHECK(request.message.padding() == 0x8000);
  CHECK(request.message.ciaddr().to_string() == "0.0.0.0");
  CHECK(request.send.destination == kEverybody);
  CHECK(request.value(55) == discover.value(55));
  CHECK(request.value(61) == discover.value(61));
}

TEST_CASE("a client may go by its DUID instead of its MAC address (RFC 4361 6.1)") {
  Bench bench({.identity = DhcpIdentity::duid});
  bench.start();
  CHECK(bench.next().value(61) ==
        std::vector<std::uint8_t>{255, 0x5e, 0x10, 0, 0x01, 0, 3, 0, 1, 0x02, 0, 0x5e, 0x10, 0, 0x01});
}

TEST_CASE("the first message waits for a random part of the delay that was set") {
  Duration low = 1h, high = 0s;
  for (std::uint8_t seed = 0; seed < 100; ++seed) {
    Bench bench({.start_delay = 10s}, seed);
    const Time begin = bench.now;
    bench.start();
    const Duration wait = bench.next().at - begin;
    low = std::min(low, wait);
    high = std::max(high, wait);
  }
  CHECK((low >= 0s && low < 1s));
  CHECK((high > 9s && high < 10s));
}

TEST_CASE("DISCOVER is repeated after 4, 8, 16, 32 and then every 64 seconds, give or take one (RFC 2131 4.1)") {
  bool below = false, above = false;
  for (std::uint8_t seed = 0; seed < 20; ++seed) {
    Bench bench({}, seed);
    bench.start();
    Time before = bench.next().at;
    for (const Duration expected : {4s, 8s, 16s, 32s, 64s, 64s, 64s}) {
      const Time at = bench.next().at;
      CHECK(bench.last().message.type() == DHCP::DISCOVER);
      CHECK(bench.last().message.xid() == bench.said.front().message.xid());
      const Duration off = at - before - expected;
      CHECK((off >= -1s && off <= 1s));
      below |= off < -500ms;
      above |= off > 500ms;
      before = at;
    }
  }
  CHECK((below && above));
}

TEST_CASE("a REQUEST without an answer is given up after a minute, and a new search begins (RFC 2131 3.1)") {
  Bench bench;
  bench.start();
  const std::uint32_t first = bench.next().message.xid();
  bench.hear(bench.answer(DHCP::OFFER));
  const Time begin = bench.now;
  for (int i = 0; i < 3; ++i) CHECK(bench.next().message.type() == DHCP::REQUEST);
  const Said& again = bench.next();
  CHECK(again.message.type() == DHCP::DISCOVER);
  CHECK(again.message.xid() != first);
  CHECK((again.at - begin >= 56s && again.at - begin <= 64s));
}

TEST_CASE("a new search begins with short timeouts again") {
  Bench bench;
  bench.start();
  for (int i = 0; i < 6; ++i) bench.next();
  bench.hear(bench.answer(DHCP::OFFER));
  while (bench.next().message.type() != DHCP::DISCOVER) continue;
  const Time begin = bench.now;
  CHECK(bench.next().at - begin <= 5s);
}

TEST_CASE("two clients, or two searches, have different transactions") {
  Bench one({}, 1), other({}, 2);
  one.start();
  other.start();
  CHECK(one.next().message.xid() != other.next().message.xid());
}

TEST_CASE("an offer that no host can use is passed over, and the next one taken") {
  Bench bench;
  bench.start();
  bench.next();
  DHCP offer = bench.answer(DHCP::OFFER);
  offer.remove_option(DHCP::DHCP_LEASE_TIME);
  bench.hear(offer);
  offer = bench.answer(DHCP::OFFER);
  offer.remove_option(DHCP::DHCP_SERVER_IDENTIFIER);
  bench.hear(offer);
  for (const char* address : {"0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.0", "192.0.2.255"})
    bench.hear(bench.answer(DHCP::OFFER, *IpAddress::parse(address)));
  offer = bench.answer(DHCP::OFFER);
  offer.remove_option(DHCP::SUBNET_MASK);
  offer.subnet_mask("255.0.255.0");
  bench.hear(offer);
  CHECK(bench.client.state() == DhcpState::selecting);
  CHECK(bench.count(DhcpCounter::drop_unusable) == 9);
  bench.hear(bench.answer(DHCP::OFFER));
  CHECK(bench.client.state() == DhcpState::requesting);
  CHECK(bench.count(DhcpCounter::offers_in) == 1);
}

TEST_CASE("of several offers the first is taken") {
  Bench bench;
  bench.start();
  bench.next();
  bench.hear(bench.answer(DHCP::OFFER));
  bench.hear(bench.answer(DHCP::OFFER, IpAddress::v4(192, 0, 2, 99), kOtherServer));
  CHECK(bench.last().address(54) == kServer.to_string());
  CHECK(bench.count(DhcpCounter::drop_unexpected) == 1);
}

TEST_CASE("a client that asks for an address waits half a second for an offer of it") {
  for (const bool comes : {true, false}) {
    Bench bench({.remembered = kGiven});
    bench.start();
    while (bench.next().message.type() != DHCP::DISCOVER) continue;
    CHECK(bench.last().address(50) == kGiven.to_string());
    const Time begin = bench.now;
    bench.hear(bench.answer(DHCP::OFFER, IpAddress::v4(192, 0, 2, 99), kOtherServer));
    bench.hear(bench.answer(DHCP::OFFER, IpAddress::v4(192, 0, 2, 98), kOtherServer));
    CHECK(bench.client.state() == DhcpState::selecting);
    if (comes) bench.hear(bench.answer(DHCP::OFFER));
    if (!comes) CHECK(bench.next().at - begin == 500ms);
    CHECK(bench.last().message.type() == DHCP::REQUEST);
    CHECK(bench.last().address(50) == (comes ? kGiven.to_string() : "192.0.2.99"));
  }
}

TEST_CASE("an offer of an earlier search is forgotten") {
  Bench bench({.remembered = kGiven});
  bench.start();
  while (bench.next().message.type() != DHCP::DISCOVER) continue;
  bench.hear(bench.answer(DHCP::OFFER, IpAddress::v4(192, 0, 2, 99), kOtherServer));
  bench.start();
  while (bench.next().message.type() != DHCP::DISCOVER) continue;
  CHECK(bench.next().message.type() == DHCP::DISCOVER);
}

TEST_CASE("only the chosen server's ACK or NAK counts, and only for the address that it offered") {
  Bench bench;
  bench.start();
  bench.next();
  bench.hear(bench.answer(DHCP::OFFER));
  bench.hear(bench.answer(DHCP::ACK, kGiven, kOtherServer));
  bench.hear(bench.answer(DHCP::NAK, kGiven, kOtherServer));
  CHECK(bench.count(DhcpCounter::drop_foreign_server) == 2);
  bench.hear(bench.answer(DHCP::ACK, IpAddress::v4(192, 0, 2, 99)));
  CHECK(bench.count(DhcpCounter::drop_unusable) == 1);
  CHECK(bench.client.state() == DhcpState::requesting);
}

TEST_CASE("what is for others, of another transaction or no reply at all changes nothing") {
  Bench bench;
  bench.start();
  bench.next();
  DHCP offer = bench.answer(DHCP::OFFER);
  offer.chaddr(Tins::HWAddress<6>("02:00:5e:10:00:02"));
  bench.hear(offer);
  offer = bench.answer(DHCP::OFFER);
  offer.add_option({DHCP::DHCP_CLIENT_IDENTIFIER, 2, std::vector<std::uint8_t>{1, 2}.data()});
  bench.hear(offer);
  CHECK(bench.count(DhcpCounter::drop_foreign_client) == 2);
  offer = bench.answer(DHCP::OFFER);
  offer.xid(offer.xid() + 1);
  bench.hear(offer);
  CHECK(bench.count(DhcpCounter::drop_foreign_transaction) == 1);
  offer = bench.answer(DHCP::OFFER);
  offer.opcode(1);
  bench.hear(offer);
  CHECK(bench.count(DhcpCounter::drop_not_reply) == 1);
  bench.hear(bench.answer(DHCP::ACK));
  bench.hear(bench.answer(DHCP::NAK));
  bench.hear(bench.answer(DHCP::DISCOVER));
  CHECK(bench.count(DhcpCounter::drop_unexpected) == 3);
  CHECK(bench.client.state() == DhcpState::selecting);
  CHECK(bench.said.size() == 1);
}

TEST_CASE("a server that repeats our client identifier is heard (RFC 6842 3)") {
  Bench bench;
  bench.start();
  const auto identifier = bench.next().value(61);
  DHCP offer = bench.answer(DHCP::OFFER);
  offer.add_option({DHCP::DHCP_CLIENT_IDENTIFIER, identifier.size(), identifier.data()});
  bench.hear(offer);
  CHECK(bench.client.state() == DhcpState::requesting);
}

TEST_CASE("each malformed message has its counter") {
  Bench bench;
  bench.start();
  bench.next();
  DHCP offer = bench.answer(DHCP::OFFER);
  offer.end();
  const auto whole = offer.serialize();
  const auto broken = [&](std::size_t at, std::uint8_t value) {
    auto message = whole;
    message[at] = value;
    bench.hear(message);
  };
  bench.hear(std::vector<std::uint8_t>(whole.begin(), whole.begin() + 100));
  bench.hear(std::vector<std::uint8_t>(1500));
  broken(0, 7);
  broken(1, 6);
  broken(236, 0);
  broken(241, 250);  // the message type's length
  broken(242, 77);
  auto message = whole;
  message.insert(message.begin() + 240, {52, 1, 9});
  bench.hear(message);
  for (const DhcpCounter counter :
       {DhcpCounter::drop_truncated, DhcpCounter::drop_too_long, DhcpCounter::drop_wrong_operation,
        DhcpCounter::drop_wrong_hardware, DhcpCounter::drop_no_cookie, DhcpCounter::drop_bad_option,
        DhcpCounter::drop_no_type, DhcpCounter::drop_bad_overload})
    CHECK_MESSAGE(bench.count(counter) == 1, name(counter));
  CHECK(bench.client.state() == DhcpState::selecting);
}

TEST_CASE("a remembered address is asked for without an offer, from any server (RFC 2131 3.2)") {
  Bench bench({.remembered = kGiven});
  bench.start();
  CHECK(bench.client.state() == DhcpState::init_reboot);
  const Said& request = bench.next();
  CHECK(bench.client.state() == DhcpState::rebooting);
  CHECK(request.message.type() == DHCP::REQUEST);
  CHECK(request.address(50) == kGiven.to_string());
  CHECK_FALSE(request.has(54));
  CHECK(request.message.ciaddr().to_string() == "0.0.0.0");
  CHECK(request.message.padding() == 0x8000);
  bench.hear(bench.answer(DHCP::ACK, IpAddress::v4(192, 0, 2, 99)));
  CHECK(bench.client.state() == DhcpState::rebooting);
  bench.hear(bench.answer(DHCP::ACK));
  CHECK(bench.probes == std::vector{kGiven});
}

TEST_CASE("a remembered address that is refused is forgotten (RFC 2131 3.2)") {
  Bench bench({.remembered = kGiven});
  bench.start();
  bench.next();
  bench.hear(bench.answer(DHCP::NAK));
  CHECK(bench.next().message.type() == DHCP::DISCOVER);
  CHECK_FALSE(bench.last().has(50));
  CHECK(bench.losses.empty());
}

TEST_CASE("a remembered address that no server knows is asked for twice, then offers are") {
  Bench bench({.remembered = kGiven});
  bench.start();
  const Time begin = bench.next().at;
  CHECK(bench.next().message.type() == DHCP::REQUEST);
  const Said& discover = bench.next();
  CHECK(discover.message.type() == DHCP::DISCOVER);
  CHECK((discover.at - begin >= 10s && discover.at - begin <= 14s));
}

TEST_CASE("an address in use is declined, and another one asked for after ten seconds (RFC 2131 3.1)") {
  Bench bench;
  bench.ask_for_lease();
  const std::uint32_t asked = bench.last().message.xid();
  bench.run(2s);
  bench.client.address_in_use(bench.now);
  bench.drain();
  const Said decline = bench.last();
  CHECK(decline.message.type() == DHCP::DECLINE);
  CHECK(decline.message.xid() != asked);
  CHECK(decline.address(50) == kGiven.to_string());
  CHECK(decline.address(54) == kServer.to_string());
  CHECK(decline.message.secs() == 0);
  CHECK(decline.message.padding() == 0);
  CHECK(decline.message.ciaddr().to_string() == "0.0.0.0");
  CHECK_FALSE(decline.has(55));
  CHECK(decline.send.source == IpAddress());
  CHECK(decline.send.destination == kEverybody);
  CHECK(bench.leases.empty());
  CHECK(bench.losses.empty());
  const Said& discover = bench.next();
  CHECK(discover.message.type() == DHCP::DISCOVER);
  CHECK(discover.at - decline.at >= 10s);
  CHECK_FALSE(discover.has(50));
}

TEST_CASE("a server that refuses again and again is asked ever less often") {
  Bench bench;
  bench.start();
  bench.next();
  std::vector<Duration> pauses;
  for (int i = 0; i < 10; ++i) {
    bench.hear(bench.answer(DHCP::OFFER));
    bench.hear(bench.answer(DHCP::NAK));
    const Time refused = bench.now;
    pauses.push_back(bench.next().at - refused);
    CHECK(bench.last().message.type() == DHCP::DISCOVER);
  }
  CHECK(pauses == std::vector<Duration>{0s, 1s, 2s, 4s, 8s, 16s, 32s, 64s, 64s, 64s});
}

TEST_CASE("a lease ends the row of refusals") {
  Bench bench;
  bench.start();
  bench.next();
  for (int i = 0; i < 5; ++i) {
    bench.hear(bench.answer(DHCP::OFFER));
    bench.hear(bench.answer(DHCP::NAK));
    bench.next();
  }
  bench.hear(bench.answer(DHCP::OFFER));
  bench.hear(bench.answer(DHCP::ACK));
  bench.client.address_free(bench.now);
  bench.next();
  bench.hear(bench.answer(DHCP::NAK));
  const Time refused = bench.now;
  CHECK(bench.next().at == refused);
}

TEST_CASE("a verdict that comes after the lease's end is too late") {
  Bench bench;
  bench.ask_for_lease();
  bench.now += 3601s;
  bench.client.address_free(bench.now);
  bench.drain();
  CHECK(bench.leases.empty());
  CHECK(bench.client.state() == DhcpState::init);
}

TEST_CASE("a lease that ends before its address is probed is never used") {
  Bench bench;
  bench.start();
  bench.next();
  bench.hear(bench.answer(DHCP::OFFER));
  DHCP ack = bench.answer(DHCP::ACK);
  ack.remove_option(DHCP::DHCP_LEASE_TIME);
  ack.lease_time(3);
  bench.hear(ack);
  bench.run(5s);
  bench.client.address_free(bench.now);
  bench.drain();
  CHECK(bench.leases.empty());
  CHECK(bench.count(DhcpCounter::expiries) == 1);
  CHECK(bench.last().message.type() == DHCP::DISCOVER);
}

TEST_CASE("a verdict that nobody waits for changes nothing") {
  Bench bench;
  bench.client.address_free(bench.now);
  bench.client.address_in_use(bench.now);
  bench.start();
  bench.next();
  bench.client.address_free(bench.now);
  bench.client.address_in_use(bench.now);
  bench.drain();
  CHECK(bench.client.state() == DhcpState::selecting);
  CHECK(bench.said.size() == 1);
}

}  // namespace
}  // namespace sluice::host
