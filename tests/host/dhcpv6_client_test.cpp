// Stateless DHCPv6 in virtual time, against replies that libtins writes.
#include "stack/host/dhcpv6_client.hpp"

#include <doctest/doctest.h>
#include <tins/tins.h>

#include <algorithm>
#include <vector>

namespace sluice::host {
namespace {

using namespace std::chrono_literals;
using Octets = std::vector<std::uint8_t>;
using Tins::DHCPv6;

const MacAddress kOurs({0x02, 0, 0x5e, 0x10, 0, 0x01});

struct Bench {
  explicit Bench(std::uint8_t seed = 1) : client(kOurs, Key{seed}) {}

  void start() {
    client.start(now);
    drain();
  }
  void drain() {
    while (auto action = client.poll()) {
      if (auto* send = std::get_if<Dhcpv6Send>(&*action)) {
        const auto size = static_cast<std::uint32_t>(send->payload.size());
        said.emplace_back(send->payload.data(), size);
        times.push_back(now);
      } else {
        facts.push_back(std::get<Dhcpv6Facts>(*action));
      }
    }
  }
  void step() {
    REQUIRE(client.next_timeout() != kNever);
    now = std::max(now, client.next_timeout());
    client.handle_timeout(now);
    drain();
  }
  /// Until the next message.
  const DHCPv6& next() {
    const std::size_t before = said.size();
    while (said.size() == before) step();
    return said.back();
  }
  void hear(DHCPv6 message) {
    client.receive(message.serialize(), now);
    drain();
  }
  DHCPv6 reply() const {
    DHCPv6 message;
    message.msg_type(DHCPv6::REPLY);
    message.transaction_id(said.back().transaction_id());
    message.client_id(said.back().client_id());
    message.server_id(DHCPv6::duid_ll(1, {2, 0, 0, 0, 0, 9}));
    return message;
  }
  std::uint64_t count(Dhcpv6Counter counter) const { return client.counters()[counter]; }

  Time now = Time{} + 1h;
  Dhcpv6Client client;
  std::vector<DHCPv6> said;
  std::vector<Time> times;
  std::vector<Dhcpv6Facts> facts;
};

void add(DHCPv6& message, int option, const Octets& value) {
  message.add_option({static_cast<std::uint16_t>(option), value.size(), value.data()});
}

void add_seconds(DHCPv6& message, int option, std::uint32_t seconds) {
  Octets value(4);
  ByteWriter(value).u32(seconds);
  add(message, option, value);
}

Octets value_of(const DHCPv6& message, int option) {
  const auto* found = message.search_option(static_cast<DHCPv6::OptionTypes>(option));
  REQUIRE(found);
  return {found->data_ptr(), found->data_ptr() + found->data_size()};
}

TEST_CASE("an INFORMATION-REQUEST says who asks, for how long, and what for (RFC 8415 18.2.6)") {
  Bench bench;
  bench.start();
  const DHCPv6& request = bench.next();
  CHECK(request.msg_type() == DHCPv6::INFO_REQUEST);
  CHECK(value_of(request, 1) == Octets{0, 3, 0, 1, 0x02, 0, 0x5e, 0x10, 0, 0x01});
  CHECK(value_of(request, 6) == Octets{0, 23, 0, 24, 0, 32, 0, 83});
  CHECK(request.elapsed_time() == 0);
  CHECK_FALSE(request.has_rapid_commit());
}

TEST_CASE("a REPLY's servers and domains are told, and nothing is asked for a day (RFC 8415 21.23)") {
  Bench bench;
  bench.start();
  bench.next();
  DHCPv6 reply = bench.reply();
  Octets servers(48);
  servers[0] = servers[16] = 0xfd;
  servers[15] = 1;
  servers[31] = 2;  // and the third is ::
  add(reply, 23, servers);
  add(reply, 24, {3, 'l', 'a', 'b', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0});
  bench.hear(reply);
  REQUIRE(bench.facts.size() == 1);
  CHECK(bench.facts[0].dns_servers == std::vector{*IpAddress::parse("fd00::1"), *IpAddress::parse("fd00::2")});
  CHECK(bench.facts[0].domains == std::vector<std::string>{"lab.example"});
  CHECK(bench.facts[0].refresh_at == bench.now + 24h);
  CHECK(bench.client.next_timeout() == bench.now + 24h);
  CHECK(bench.count(Dhcpv6Counter::replies_in) == 1);
}

TEST_CASE("a refresh is a new exchange, after another short delay (RFC 8415 21.23)") {
  Bench bench;
  bench.start();
  const std::uint32_t first = bench.next().transaction_id();
  DHCPv6 reply = bench.reply();
  add_seconds(reply, 32, 7200);
  bench.hear(reply);
  const Time refresh_at = bench.now + 2h;
  const DHCPv6& request = bench.next();
  CHECK(bench.now >= refresh_at);
  CHECK(bench.now <= refresh_at + 1s);
  CHECK(bench.now != refresh_at);
  CHECK(request.transaction_id() != first);
  CHECK(request.elapsed_time() == 0);
  bench.next();
  CHECK(bench.times[2] - bench.times[1] <= 1100ms);
}

TEST_CASE("a refresh time has a minimum, and may be never (RFC 8415 21.23)") {
  const auto refresh = [](std::uint32_t seconds) {
    Bench bench;
    bench.start();
    bench.next();
    DHCPv6 reply = bench.reply();
    add_seconds(reply, 32, seconds);
    bench.hear(reply);
    REQUIRE(bench.facts.size() == 1);
    CHECK(bench.client.next_timeout() == bench.facts[0].refresh_at);
    return bench.facts[0].refresh_at == kNever ? Duration::max() : bench.facts[0].refresh_at - bench.now;
  };
  CHECK(refresh(0) == 600s);
  CHECK(refresh(599) == 600s);
  CHECK(refresh(601) == 601s);
  CHECK(refresh(0xfffffffe) == std::chrono::seconds(0xfffffffe));
  CHECK(refresh(0xffffffff) == Duration::max());
}

TEST_CASE("the first message waits up to a second (RFC 8415 18.2.6)") {
  Duration low = 1h, high = 0s;
  for (std::uint8_t seed = 0; seed < 100; ++seed) {
    Bench bench(seed);
    const Time begin = bench.now;
    bench.start();
    bench.next();
    low = std::min(low, bench.now - begin);
    high = std::max(high, bench.now - begin);
  }
  CHECK((low >= 0s && low < 100ms));
  CHECK((high > 900ms && high <= 1s));
}

TEST_CASE("timeouts begin near a second, about double, and end near an hour (RFC 8415 15)") {
  double low = 10, high = 0;
  for (std::uint8_t seed = 0; seed < 20; ++seed) {
    Bench bench(seed);
    bench.start();
    for (int i = 0; i < 20; ++i) bench.next();
    double previous = 0;
    for (std::size_t i = 1; i < bench.times.size(); ++i) {
      const double seconds = std::chrono::duration<double>(bench.times[i] - bench.times[i - 1]).count();
      const bool longest = 2.1 * previous > 3600 && seconds > 3200;
      const double ratio = i == 1 ? seconds + 1 : longest ? seconds / 3600 + 1 : seconds / previous;
      CHECK((ratio >= 1.9 && ratio <= 2.1));
      low = std::min(low, ratio);
      high = std::max(high, ratio);
      previous = seconds;
    }
    CHECK(previous > 3200);
  }
  CHECK(low < 1.92);
  CHECK(high > 2.08);
}

TEST_CASE("repetitions keep their transaction and count the time, in hundredths of a second (RFC 8415 21.9)") {
  Bench bench;
  bench.start();
  const std::uint32_t transaction = bench.next().transaction_id();
  for (int i = 0; i < 20; ++i) {
    const DHCPv6& request = bench.next();
    CHECK(request.transaction_id() == transaction);
    const auto elapsed = (bench.now - bench.times.front()) / 10ms;
    CHECK(request.elapsed_time() == std::min<std::int64_t>(elapsed, 0xffff));
  }
  CHECK(bench.said.back().elapsed_time() == 0xffff);
}

TEST_CASE("a server may set the longest timeout, within bounds (RFC 8415 21.25)") {
  const auto longest = [](std::uint32_t seconds) {
    Bench bench;
    bench.start();
    bench.next();
    DHCPv6 reply = bench.reply();
    add_seconds(reply, 83, seconds);
    add(reply, 13, {0, 1});  // refused, and so it asks on
    bench.hear(reply);
    for (int i = 0; i < 30; ++i) bench.next();
    return (bench.times[30] - bench.times[29]) / 1s;
  };
  CHECK((longest(100) >= 90 && longest(100) <= 110));
  CHECK(longest(59) > 3200);
  CHECK((longest(86401) > 3200 && longest(86401) < 4000));
}

TEST_CASE("a reply that is not for us, or not whole, is dropped and counted (RFC 8415 16.10)") {
  Bench bench;
  bench.start();
  bench.next();
  const DHCPv6 good = bench.reply();
  DHCPv6 other = good;
  other.transaction_id(good.transaction_id() ^ 1);
  bench.hear(other);
  other = good;
  other.msg_type(DHCPv6::ADVERTISE);
  bench.hear(other);
  other = good;
  other.remove_option(DHCPv6::SERVERID);
  bench.hear(other);
  other = good;
  other.remove_option(DHCPv6::CLIENTID);
  bench.hear(other);
  other.client_id(DHCPv6::duid_ll(1, {2, 0, 0, 0, 0, 2}));
  bench.hear(other);
  other = good;
  add(other, 13, {0, 1, 'n', 'o'});
  bench.hear(other);
  bench.client.receive(Octets{7, 0, 0}, bench.now);
  Octets cut = DHCPv6(good).serialize();
  cut.pop_back();
  bench.client.receive(cut, bench.now);
  CHECK(bench.count(Dhcpv6Counter::drop_foreign_transaction) == 1);
  CHECK(bench.count(Dhcpv6Counter::drop_unexpected) == 1);
  CHECK(bench.count(Dhcpv6Counter::drop_no_server) == 1);
  CHECK(bench.count(Dhcpv6Counter::drop_foreign_client) == 2);
  CHECK(bench.count(Dhcpv6Counter::drop_refused) == 1);
  CHECK(bench.count(Dhcpv6Counter::drop_truncated) == 1);
  CHECK(bench.count(Dhcpv6Counter::drop_bad_option) == 1);
  CHECK(bench.facts.empty());
  bench.hear(good);
  CHECK(bench.facts.size() == 1);
  bench.hear(good);
  CHECK(bench.facts.size() == 1);
  CHECK(bench.count(Dhcpv6Counter::drop_unexpected) == 2);
}

TEST_CASE("malformed lists of a reply count as empty") {
  Bench bench;
  bench.start();
  bench.next();
  DHCPv6 reply = bench.reply();
  add(reply, 23, Octets(17));
  add(reply, 24, {5, 'a'});
  add(reply, 32, {1, 2});
  add(reply, 13, {0, 0, 'o', 'k'});
  bench.hear(reply);
  REQUIRE(bench.facts.size() == 1);
  CHECK(bench.facts[0].dns_servers.empty());
  CHECK(bench.facts[0].domains.empty());
  CHECK(bench.facts[0].refresh_at == bench.now + 24h);
}

TEST_CASE("a stopped client asks nothing and hears nothing") {
  Bench bench;
  bench.start();
  bench.next();
  const DHCPv6 reply = bench.reply();
  bench.client.stop();
  bench.hear(reply);
  CHECK(bench.client.next_timeout() == kNever);
  CHECK(bench.facts.empty());
  bench.start();
  CHECK(bench.next().transaction_id() != reply.transaction_id());
}

}  // namespace
}  // namespace sluice::host
