// A lease after the link was away: confirmed as after a reboot, and used meanwhile.
#include "tests/host/dhcp_bench.hpp"

namespace sluice::host::test {

using Tins::DHCP;

TEST_CASE("a lease is asked for as after a reboot when the link returns, and stays in use (RFC 2131 4.3.2, 4.4.2)") {
  Bench bench;
  bench.bind();
  bench.run(10min);
  bench.client.confirm(Duration(0), bench.now);
  const Said& request = bench.next();
  CHECK(request.message.type() == DHCP::REQUEST);
  CHECK(request.address(50) == kGiven.to_string());
  CHECK_FALSE(request.has(54));
  CHECK(request.message.ciaddr().to_string() == "0.0.0.0");
  CHECK(request.message.padding() == 0x8000);
  CHECK(request.send.source == IpAddress());
  CHECK(request.send.destination == kEverybody);
  CHECK(bench.client.lease());
  bench.hear(bench.answer(DHCP::ACK, kGiven, kOtherServer));
  CHECK(bench.client.state() == DhcpState::bound);
  CHECK(bench.leases.size() == 2);
  CHECK(bench.leases.back().server == kOtherServer);
  CHECK(bench.leases.back().until - request.at == 1h);
  CHECK(bench.losses.empty());
  CHECK(bench.probes.size() == 1);
}

TEST_CASE("a server that refuses the address when the link returns ends its use (RFC 2131 3.2)") {
  Bench bench;
  bench.bind();
  bench.client.confirm(Duration(0), bench.now);
  bench.next();
  bench.hear(bench.answer(DHCP::NAK));
  REQUIRE(bench.losses.size() == 1);
  CHECK(bench.losses[0].reason == DhcpLost::Reason::refused);
  CHECK_FALSE(bench.client.lease());
  CHECK(bench.next().message.type() == DHCP::DISCOVER);
}

TEST_CASE("nobody confirms the lease: it is used as before, and renewed in its time (RFC 2131 4.4.2)") {
  Bench bench;
  bench.bind();
  const Time renewal = bench.leases[0].renew_at;
  bench.client.confirm(Duration(0), bench.now);
  const std::size_t before = bench.said.size();
  bench.run(1min);
  CHECK(bench.said.size() == before + 2);
  CHECK(bench.client.state() == DhcpState::bound);
  CHECK(bench.client.next_timeout() == renewal);
  CHECK(bench.losses.empty());
}

TEST_CASE("what a suspended host slept through is taken off its lease") {
  Bench bench;
  bench.bind();
  const Time end = bench.leases[0].until;
  bench.client.confirm(20min, bench.now);
  bench.run(1min);
  CHECK(bench.client.lease()->until == end - 20min);
  bench.client.confirm(1h, bench.now);
  bench.drain();
  REQUIRE(bench.losses.size() == 1);
  CHECK(bench.losses[0].reason == DhcpLost::Reason::expired);
}

TEST_CASE("a lease that ends while it is confirmed ends in time") {
  Bench bench;
  bench.bind();
  const Time end = bench.leases[0].until;
  bench.client.confirm(end - bench.now - 2s, bench.now);
  bench.run(2s);
  CHECK(bench.losses.size() == 1);
}

TEST_CASE("a client without a lease begins anew when the link returns, a stopped one stays silent") {
  Bench asking;
  asking.start();
  asking.next();
  asking.client.confirm(Duration(0), asking.now);
  CHECK(asking.client.state() == DhcpState::init);
  Bench stopped;
  stopped.client.confirm(Duration(0), stopped.now);
  CHECK(stopped.client.next_timeout() == kNever);
}

}  // namespace sluice::host::test
