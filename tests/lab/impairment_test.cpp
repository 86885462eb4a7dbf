// The bad link: each accident alone, then that a key decides everything.
#include "lab/impairment.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "stack/wire/ethernet.hpp"
#include "stack/wire/ipv4.hpp"
#include "stack/wire/ipv6.hpp"

namespace sluice::lab {
namespace {

using namespace std::chrono_literals;

constexpr Time at(Duration since) { return Time(since); }

Key key_of(std::uint8_t seed) {
  Key key{};
  key[0] = seed;
  return key;
}

struct Arrival {
  Duration when;
  std::string text;
  friend bool operator==(const Arrival&, const Arrival&) = default;
};

/// Everything that the link still holds, with its times.
std::vector<Arrival> drain(Impairment& link) {
  std::vector<Arrival> arrivals;
  while (link.held() > 0) {
    const Time next = link.next_release();
    auto released = link.take(next);
    REQUIRE(released);
    CHECK(released->at == next);
    arrivals.push_back({next.time_since_epoch(), std::string(as_text(released->packet.bytes()))});
  }
  return arrivals;
}

/// `count` packets "1", "2", …, one each `gap`.
std::vector<Arrival> run(const ImpairmentSettings& settings, int count, Duration gap, std::uint8_t seed = 1) {
  Impairment link(settings, key_of(seed));
  for (int i = 0; i < count; ++i) link.offer(at(i * gap), as_bytes(std::to_string(i + 1)));
  return drain(link);
}

bool in_order(const std::vector<Arrival>& arrivals) {
  for (std::size_t i = 1; i < arrivals.size(); ++i)
    if (std::stoi(arrivals[i].text) < std::stoi(arrivals[i - 1].text)) return false;
  return true;
}

}  // namespace

TEST_CASE("a clear link passes packets on at once and in order") {
  CHECK(ImpairmentSettings{}.is_clear());
  Impairment link({}, key_of(1));
  CHECK(link.next_release() == kNever);
  CHECK(!link.take(at(1h)));
  link.offer(at(1ms), as_bytes("a"));
  link.offer(at(1ms), as_bytes("b"));
  CHECK(link.next_release() == at(1ms));
  CHECK(drain(link) == std::vector<Arrival>{{1ms, "a"}, {1ms, "b"}});
  CHECK(link.counters()[ImpairmentCounter::released] == 2);
}

TEST_CASE("a frame goes in as pieces and comes out as one packet with its flags") {
  Impairment link({}, key_of(1));
  const std::vector<Slice> body = {Slice::copy_of(as_bytes("bo")), Slice::copy_of(as_bytes("dy"))};
  link.offer(
      at(0s),
      Frame{.head = as_bytes("head"), .body = body, .gso_size = 2, .transport_offset = 3, .checksum_partial = true});
  const auto released = link.take(at(0s));
  REQUIRE(released);
  CHECK(as_text(released->packet.bytes()) == "headbody");
  CHECK(released->packet.gso_size == 2);
  CHECK(released->transport_offset == 3);
  CHECK(released->checksum_partial);
}

TEST_CASE("packets named by number are lost, no others") {
  CHECK(run({.drop = {2, 4, 5}}, 6, 1ms) == std::vector<Arrival>{{0ms, "1"}, {2ms, "3"}, {5ms, "6"}});
}

TEST_CASE("loss comes as often as asked for") {
  const std::size_t arrived = run({.loss = 0.1}, 20000, 1us).size();
  CHECK(arrived > 17800);
  CHECK(arrived < 18200);
  CHECK(run({.loss = 1}, 100, 1us).empty());
}

TEST_CASE("bursts lose runs of packets: about enter/(enter+leave) of all, 1/leave at a time") {
  Impairment link({.burst_enter = 0.01, .burst_leave = 0.25}, key_of(3));
  int runs = 0;
  std::uint64_t last = 0;
  for (int i = 0; i < 50000; ++i) {
    link.offer(at(0s), as_bytes("x"));
    const std::uint64_t lost = link.counters()[ImpairmentCounter::lost_in_burst];
    const bool now_lost = lost != last;
    const bool before = i > 0 && link.take(at(0s)).has_value();
    if (now_lost && !before) ++runs;
    last = lost;
  }
  const auto lost = static_cast<double>(link.counters()[ImpairmentCounter::lost_in_burst]);
  CHECK(lost / 50000 == doctest::Approx(0.01 / 0.26).epsilon(0.2));
  CHECK(link.counters()[ImpairmentCounter::lost] == 0);
}

TEST_CASE("a burst that loses only some packets lets the others through") {
  Impairment link({.burst_enter = 1, .burst_leave = 0, .burst_loss = 0.5}, key_of(1));
  for (int i = 0; i < 1000; ++i) link.offer(at(0s), as_bytes("x"));
  CHECK(link.held() > 400);
  CHECK(link.held() < 600);
}

TEST_CASE("delay shifts every packet by the same time") {
  CHECK(run({.delay = 20ms}, 2, 1ms) == std::vector<Arrival>{{20ms, "1"}, {21ms, "2"}});
}

TEST_CASE("jitter varies the delay within its bounds and keeps the order") {
  const auto arrivals = run({.delay = 20ms, .jitter = 5ms}, 500, 100us);
  REQUIRE(arrivals.size() == 500);
  CHECK(in_order(arrivals));
  bool late = false;
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    const Duration delay = arrivals[i].when - static_cast<int>(i) * 100us;
    CHECK(delay >= 15ms);
    CHECK(delay <= 25ms);
    late = late || delay > 22ms;
  }
  CHECK(late);
  CHECK(run({.delay = 1ms, .jitter = 5ms}, 100, 1s).front().when >= 0ms);
}

TEST_CASE("a reordered packet is overtaken by those sent within the distance") {
  Impairment link({.delay = 10ms, .reorder = 1, .reorder_by = 5ms}, key_of(1));
  link.offer(at(0ms), as_bytes("1"));
  link.set({.delay = 10ms});
  link.offer(at(1ms), as_bytes("2"));
  link.offer(at(4ms), as_bytes("3"));
  link.offer(at(6ms), as_bytes("4"));
  CHECK(drain(link) == std::vector<Arrival>{{11ms, "2"}, {14ms, "3"}, {15ms, "1"}, {16ms, "4"}});
  CHECK(link.counters()[ImpairmentCounter::reordered] == 1);
  CHECK(!in_order(run({.reorder = 0.05}, 1000, 100us)));
}

TEST_CASE("a duplicate follows its original and is memory of its own") {
  Impairment link({.duplicate = 1}, key_of(1));
  link.offer(at(0s), as_bytes("twin"));
  auto first = link.take(at(0s));
  auto second = link.take(at(0s));
  REQUIRE(first);
  REQUIRE(second);
  first->packet.bytes()[0] = 'X';
  CHECK(as_text(second->packet.bytes()) == "twin");
  CHECK(link.counters()[ImpairmentCounter::duplicated] == 1);
}

TEST_CASE("corruption turns over exactly one bit, and nobody vouches for the checksum any more") {
  Impairment link({.corrupt = 1}, key_of(1));
  BufferPool pool;
  Packet good = Packet::copy_of(pool, as_bytes("0123456789"));
  good.checksum_known_good = true;
  link.offer(at(0s), std::move(good));
  const auto released = link.take(at(0s));
  REQUIRE(released);
  int changed = 0;
  for (std::size_t i = 0; i < 10; ++i)
    changed += std::popcount(static_cast<unsigned>(released->packet.bytes()[i] ^ static_cast<unsigned>('0' + i)));
  CHECK(changed == 1);
  CHECK(!released->packet.checksum_known_good);
  link.offer(at(0s), Bytes());
  CHECK(link.take(at(0s))->packet.empty());
}

TEST_CASE("a rate sends one packet after the other and the link's idle time is not saved up") {
  Impairment link({.delay = 10ms, .rate = 1000}, key_of(1));
  const std::string hundred(100, 'x');
  link.offer(at(0s), as_bytes(hundred));
  link.offer(at(0s), as_bytes(hundred));
  link.offer(at(1s), as_bytes(hundred));
  CHECK(link.take(at(110ms)));
  CHECK(!link.take(at(209ms)));
  CHECK(link.take(at(210ms)));
  CHECK(link.next_release() == at(1110ms));
}

TEST_CASE("a packet knows how long the rate held it up, whatever the delay") {
  Impairment link({.delay = 10ms, .rate = 1000}, key_of(1));
  for (int i = 0; i < 2; ++i) link.offer(at(0ms), as_bytes(std::string(100, 'x')));
  CHECK(link.take(at(110ms))->waited == 100ms);
  CHECK(link.take(at(210ms))->waited == 200ms);
}

TEST_CASE("a full queue drops its tail, by packets and by bytes, and has room again when time has passed") {
  const std::string hundred(100, 'x');
  Impairment by_packets({.rate = 1000, .queue_packets = 2}, key_of(1));
  for (int i = 0; i < 5; ++i) by_packets.offer(at(0s), as_bytes(hundred));
  CHECK(by_packets.held() == 2);
  CHECK(by_packets.counters()[ImpairmentCounter::queue_full] == 3);
  by_packets.offer(at(100ms), as_bytes(hundred));
  CHECK(by_packets.held() == 3);

  Impairment by_bytes({.rate = 1000, .queue_bytes = 350}, key_of(1));
  for (int i = 0; i < 5; ++i) by_bytes.offer(at(0s), as_bytes(hundred));
  CHECK(by_bytes.held() == 3);
}

// An IP header alone, with the mark and a checksum that is right.
std::vector<std::uint8_t> ip_header(Family family, Ecn ecn) {
  std::vector<std::uint8_t> packet(family == Family::ipv4 ? 20 : 40);
  if (family == Family::ipv4)
    wire::ipv4::write(packet, {.source = IpAddress::v4(10, 0, 0, 1),
                               .destination = IpAddress::v4(10, 0, 0, 2),
                               .protocol = 6,
                               .hop_limit = 64,
                               .dscp = 10,
                               .ecn = ecn,
                               .total_length = 20});
  else
    wire::ipv6::write(packet, {.source = *IpAddress::parse("fd00::1"),
                               .destination = *IpAddress::parse("fd00::2"),
                               .next_header = 6,
                               .hop_limit = 64,
                               .dscp = 10,
                               .ecn = ecn,
                               .flow_label = 0xfffff});
  return packet;
}

TEST_CASE("a link marks what says ECT, leaves all else as it is, and IPv4's checksum stays right") {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    for (const Ecn before : {Ecn::not_ect, Ecn::ect1, Ecn::ect0, Ecn::ce}) {
      Impairment link({.mark = 1}, key_of(1));
      link.offer(at(0s), ip_header(family, before));
      const Bytes after = link.take(at(0s))->packet.bytes();
      const Ecn expected = before == Ecn::not_ect ? Ecn::not_ect : Ecn::ce;
      CHECK(std::ranges::equal(after, ip_header(family, expected)));
      const bool capable = before == Ecn::ect0 || before == Ecn::ect1;
      CHECK(link.counters()[ImpairmentCounter::marked] == (capable ? 1 : 0));
    }
  }
  Impairment link({.mark = 1}, key_of(1));
  link.offer(at(0s), as_bytes("E\x02 too short"));
  CHECK(link.counters()[ImpairmentCounter::marked] == 0);
}

TEST_CASE("on an Ethernet a link marks behind the header and its tag, and leaves ARP alone") {
  for (const std::optional<std::uint16_t> vlan : {std::optional<std::uint16_t>(), std::optional<std::uint16_t>(42)}) {
    for (const Family family : {Family::ipv4, Family::ipv6}) {
      const auto frame = [&](Ecn ecn, std::uint16_t type) {
        std::vector<std::uint8_t> bytes(18);
        bytes.resize(wire::ethernet::write(bytes, {.destination = {}, .source = {}, .type = type, .vlan = vlan}));
        const auto packet = ip_header(family, ecn);
        bytes.insert(bytes.end(), packet.begin(), packet.end());
        return bytes;
      };
      const std::uint16_t type = family == Family::ipv4 ? wire::ethernet::kIpv4 : wire::ethernet::kIpv6;
      Impairment link({.mark = 1, .ethernet = true}, key_of(1));
      for (const std::uint16_t one : {type, wire::ethernet::kArp}) link.offer(at(0s), frame(Ecn::ect0, one));
      CHECK(std::ranges::equal(link.take(at(0s))->packet.bytes(), frame(Ecn::ce, type)));
      CHECK(std::ranges::equal(link.take(at(0s))->packet.bytes(), frame(Ecn::ect0, wire::ethernet::kArp)));
      CHECK(link.counters()[ImpairmentCounter::marked] == 1);
    }
  }
  Impairment link({.mark = 1, .ethernet = true}, key_of(1));
  link.offer(at(0s), as_bytes("too short"));
  CHECK(link.counters()[ImpairmentCounter::marked] == 0);
}

TEST_CASE("a link marks by lot, or what finds more than so much in the queue") {
  Impairment by_lot({.mark = 0.1}, key_of(1));
  for (int i = 0; i < 1000; ++i) by_lot.offer(at(0s), ip_header(Family::ipv4, Ecn::ect0));
  CHECK(by_lot.counters()[ImpairmentCounter::marked] > 60);
  CHECK(by_lot.counters()[ImpairmentCounter::marked] < 140);

  Impairment by_queue({.rate = 1000, .mark_above = 40}, key_of(1));
  for (int i = 0; i < 5; ++i) by_queue.offer(at(0s), ip_header(Family::ipv4, Ecn::ect0));
  CHECK(by_queue.counters()[ImpairmentCounter::marked] == 2);  // the fourth and fifth found 60 and 80
  CHECK(by_queue.held() == 5);
}

TEST_CASE("a long queue forgets what it has sent") {
  Impairment link({.rate = 1000000}, key_of(1));
  for (int i = 0; i < 1000; ++i) {
    link.offer(at(i * 1ms), as_bytes("1234567890"));
    CHECK(link.take(at(i * 1ms + 10us)));
  }
  CHECK(link.held() == 0);
}

TEST_CASE("a link holds 64 MiB at most") {
  Impairment link({.delay = 1h}, key_of(1));
  const std::string large(60000, 'x');
  for (int i = 0; i < 1200; ++i) link.offer(at(0s), as_bytes(large));
  CHECK(link.counters()[ImpairmentCounter::overflow] == 1200 - link.held());
  CHECK(link.held() * large.size() <= Impairment::kMaximumHeld);
}

TEST_CASE("the key decides everything, and one accident doesn't move another") {
  const ImpairmentSettings bad{
      .loss = 0.1, .delay = 5ms, .jitter = 2ms, .reorder = 0.1, .duplicate = 0.1, .corrupt = 0};
  CHECK(run(bad, 500, 100us, 7) == run(bad, 500, 100us, 7));
  CHECK(run(bad, 500, 100us, 7) != run(bad, 500, 100us, 8));

  std::vector<std::string> alone;
  std::vector<std::string> with_jitter;
  for (const Arrival& arrival : run({.loss = 0.1}, 500, 1ms)) alone.push_back(arrival.text);
  for (const Arrival& arrival : run({.loss = 0.1, .delay = 5ms, .jitter = 2ms}, 500, 1ms))
    with_jitter.push_back(arrival.text);
  CHECK(alone == with_jitter);
}

TEST_CASE("each counter of a link has a name of its own") {
  Counters<ImpairmentCounter>().for_each([](std::string_view text, std::uint64_t) { CHECK(!text.empty()); });
  CHECK(name(ImpairmentCounter::count).empty());
  CHECK(!ImpairmentSettings{.rate = 1}.is_clear());
  CHECK(!ImpairmentSettings{.mark = 1}.is_clear());
}

}  // namespace sluice::lab
