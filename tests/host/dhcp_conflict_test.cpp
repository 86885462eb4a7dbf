// The DHCP client and the conflict detector as a host joins them.
#include "stack/host/address_conflict.hpp"
#include "tests/host/dhcp_bench.hpp"

namespace sluice::host {
namespace {

using namespace test;
using Tins::DHCP;

/// A client whose probes are real, on a link where another host may have an address.
struct Host : Bench {
  void settle() {
    drain();
    if (probes.size() > asked) {
      asked = probes.size();
      conflict.start(probes.back(), Defence::once, now);
    }
    while (const auto action = conflict.poll()) act(*action);
    drain();
  }
  void act(const ConflictAction& action) {
    if (const auto* probe = std::get_if<SendProbe>(&action); probe && probe->packet.target == taken)
      conflict.receive(use_of(taken), now);
    if (std::holds_alternative<SendAnnouncement>(action)) ++announcements;
    if (std::holds_alternative<Claimed>(action)) client.address_free(now);
    if (std::holds_alternative<Conflict>(action)) client.address_in_use(now);
  }
  static wire::arp::Packet use_of(const IpAddress& address) {
    return {.operation = wire::arp::Operation::reply,
            .sender_mac = MacAddress({0x02, 0, 0x5e, 0x10, 0, 0xfe}),
            .sender = address,
            .target_mac = {},
            .target = {}};
  }
  /// Until the next deadline of either.
  void advance() {
    const Time next = std::min(client.next_timeout(), conflict.next_timeout());
    REQUIRE(next != kNever);
    now = std::max(now, next);
    client.handle_timeout(now);
    conflict.handle_timeout(now);
    settle();
  }
  void obtain(const IpAddress& given) {
    while (last_type() != DHCP::DISCOVER) advance();
    hear(answer(DHCP::OFFER, given));
    hear(answer(DHCP::ACK, given));
    settle();
  }
  int last_type() const { return said.empty() ? 0 : said.back().message.type(); }

  AddressConflict conflict{kOurs, Key{9}};
  IpAddress taken;
  std::size_t asked = 0;
  unsigned announcements = 0;
};

TEST_CASE("a leased address is used after it was probed, and announced twice") {
  Host host;
  host.start();
  host.obtain(kGiven);
  const Time acknowledged = host.now;
  while (host.leases.empty()) host.advance();
  CHECK(host.now - acknowledged >= 4s);
  CHECK(host.now - acknowledged <= 7s);
  while (host.conflict.next_timeout() != kNever) host.advance();
  CHECK(host.announcements == 2);
}

TEST_CASE("an address that another host has is declined, and the next one used") {
  Host host;
  host.taken = kGiven;
  host.start();
  host.obtain(kGiven);
  while (host.last_type() != DHCP::DECLINE) host.advance();
  CHECK(host.leases.empty());
  host.obtain(IpAddress::v4(192, 0, 2, 78));
  while (host.leases.empty()) host.advance();
  CHECK(host.leases[0].address.address == IpAddress::v4(192, 0, 2, 78));
}

TEST_CASE("an address that is lost to another host later is declined too") {
  Host host;
  host.start();
  host.obtain(kGiven);
  while (host.leases.empty()) host.advance();
  host.conflict.receive(Host::use_of(kGiven), host.now);
  host.settle();
  CHECK(host.losses.empty());
  host.conflict.receive(Host::use_of(kGiven), host.now);
  host.settle();
  REQUIRE(host.losses.size() == 1);
  CHECK(host.losses[0].reason == DhcpLost::Reason::in_use);
  CHECK(host.last_type() == DHCP::DECLINE);
}

}  // namespace
}  // namespace sluice::host
