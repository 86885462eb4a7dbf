// The neighbour cache alone: states, questions, limits.
#include <doctest/doctest.h>

#include <string>

#include "stack/ip/neighbours.hpp"
#include "tests/ip/host.hpp"

namespace sluice::ip {
namespace {

using namespace std::chrono_literals;

const MacAddress kFirst({2, 0, 0, 0, 0, 1});
const MacAddress kSecond({2, 0, 0, 0, 0, 2});
const IpAddress kThem = ip("fd00::2");

Slice packet_of(std::uint8_t mark) { return Slice::copy_of(Octets{mark}); }

struct Cache {
  Neighbours neighbours{Key{1}};
  Time now = Time{} + 1h;

  /// The state by name, or "none".
  std::string state(const IpAddress& neighbour = kThem) const {
    for (const NeighbourView& one : neighbours.list(now))
      if (one.address == neighbour) return std::string(name(one.state));
    return "none";
  }
  std::optional<Neighbours::Due> wait(Duration time) {
    now += time;
    return neighbours.expire_one(now);
  }
  Slice reply(const MacAddress& mac = kFirst) {
    return neighbours.advertised(kThem, {.mac = mac, .solicited = true, .override = true}, now);
  }
  void make_reachable() {
    (void)neighbours.hold(kThem, packet_of(1), now);
    (void)reply();
    REQUIRE(state() == "reachable");
  }
  /// Past every reachable time that can be drawn.
  void make_stale() {
    make_reachable();
    now += 46s;
    REQUIRE(state() == "stale");
  }
};

TEST_CASE(
    "only the latest packet waits for a neighbour, and it is handed out with the answer [R4861-7.2.2-1] "
    "[R1122-2.3.2.2-1]") {
  Cache cache;
  CHECK(cache.neighbours.use(kThem, cache.now) == nullptr);
  CHECK(cache.neighbours.hold(kThem, packet_of(1), cache.now) == Neighbours::Held::began);
  CHECK(cache.neighbours.hold(kThem, packet_of(2), cache.now) == Neighbours::Held::replaced);
  const Slice waiting = cache.reply();
  REQUIRE(waiting.size() == 1);
  CHECK(waiting.bytes()[0] == 2);
  CHECK(*cache.neighbours.use(kThem, cache.now) == kFirst);
}

TEST_CASE(
    "an unknown neighbour is asked three times, a second apart, then the packet comes back [R4861-7.2.2-2] "
    "[R4861-7.2.2-3] [R1122-2.3.2.1-2]") {
  Cache cache;
  (void)cache.neighbours.hold(kThem, packet_of(7), cache.now);  // the first question is the caller's
  CHECK_FALSE(cache.wait(999ms));
  for (int i = 0; i < 2; ++i) {
    const auto due = cache.wait(i == 0 ? 1ms : 1000ms);
    REQUIRE(due);
    CHECK(due->kind == Neighbours::Due::Kind::ask);
    CHECK_FALSE(due->mac);
    CHECK(cache.neighbours.hold(kThem, packet_of(7), cache.now) == Neighbours::Held::replaced);  // asks nobody anew
  }
  const auto failed = cache.wait(1s);
  REQUIRE(failed);
  CHECK(failed->kind == Neighbours::Due::Kind::give_up);
  CHECK(failed->waiting.bytes()[0] == 7);
  CHECK(cache.state() == "none");
}

TEST_CASE("an answer to a question that was never asked makes no entry [R4861-7.2.5-1]") {
  Cache cache;
  (void)cache.reply();
  CHECK(cache.neighbours.size() == 0);
}

TEST_CASE("the S flag decides whether the first answer means reachable or stale [R4861-7.2.5-2]") {
  for (const bool solicited : {true, false}) {
    Cache cache;
    (void)cache.neighbours.hold(kThem, packet_of(1), cache.now);
    (void)cache.neighbours.advertised(kThem, {.mac = kFirst, .solicited = solicited}, cache.now);
    CHECK(cache.state() == (solicited ? "reachable" : "stale"));
  }
}

TEST_CASE("without the O flag another MAC address is not taken, but reachable becomes stale [R4861-7.2.5-3]") {
  Cache cache;
  cache.make_reachable();
  (void)cache.neighbours.advertised(kThem, {.mac = kSecond, .solicited = true}, cache.now);
  CHECK(cache.state() == "stale");
  CHECK(*cache.neighbours.use(kThem, cache.now) == kFirst);
}

TEST_CASE("with the O flag it is taken; unsolicited it proves nothing [R4861-7.3.1-1]") {
  Cache cache;
  cache.make_reachable();
  (void)cache.neighbours.advertised(kThem, {.mac = kSecond, .override = true}, cache.now);
  CHECK(cache.state() == "stale");
  CHECK(*cache.neighbours.use(kThem, cache.now) == kSecond);
}

TEST_CASE(
    "what is not confirmed gets stale, and once used is asked directly after five seconds [R4861-7.3.3-1] "
    "[R1122-2.3.2.1-1] "
    "[R1122-3.3.1-3]") {
  Cache cache;
  cache.make_stale();
  CHECK(cache.neighbours.next_expiry() == kNever);  // nobody is asked whom nobody needs
  CHECK(*cache.neighbours.use(kThem, cache.now) == kFirst);
  CHECK(cache.state() == "delay");
  CHECK_FALSE(cache.wait(4999ms));
  for (int i = 0; i < 3; ++i) {
    const auto due = cache.wait(i == 0 ? 1ms : 1000ms);
    REQUIRE(due);
    CHECK(due->kind == Neighbours::Due::Kind::ask);
    CHECK(due->mac == kFirst);
    CHECK(cache.state() == "probe");
    CHECK(*cache.neighbours.use(kThem, cache.now) == kFirst);  // packets go on meanwhile
  }
  const auto failed = cache.wait(1s);
  REQUIRE(failed);
  CHECK(failed->kind == Neighbours::Due::Kind::give_up);
  CHECK(cache.state() == "none");
}

TEST_CASE("a transport's progress keeps a neighbour reachable without a question [R4861-7.3.1-2]") {
  Cache cache;
  cache.make_stale();
  (void)cache.neighbours.use(kThem, cache.now);
  cache.now += 1s;
  cache.neighbours.confirm(kThem, cache.now);
  CHECK(cache.state() == "reachable");
  CHECK_FALSE(cache.wait(14s));
}

TEST_CASE("a solicitation makes or updates a stale entry, and the same address again changes nothing [R4861-7.2.3-1]") {
  Cache cache;
  (void)cache.neighbours.solicited_by(kThem, kFirst, cache.now);
  CHECK(cache.state() == "stale");
  cache.neighbours.confirm(kThem, cache.now);
  (void)cache.neighbours.solicited_by(kThem, kFirst, cache.now);
  CHECK(cache.state() == "reachable");
  (void)cache.neighbours.solicited_by(kThem, kSecond, cache.now);
  CHECK(cache.state() == "stale");
}

TEST_CASE("timing is the user's to choose [R1122-2.3.2.1-3]") {
  Cache cache;
  cache.neighbours.set_timing({.reachable = 2s, .retransmit = 100ms, .first_probe = 1s});
  cache.make_reachable();
  cache.now += 3s;
  CHECK(cache.state() == "stale");
  (void)cache.neighbours.use(kThem, cache.now);
  CHECK(cache.wait(1s));
  CHECK(cache.wait(100ms));
}

TEST_CASE("reachable times are drawn between half and one and a half of the mean [R4861-10-1]") {
  Cache cache;
  Duration least = 1h;
  Duration most{};
  for (int i = 0; i < 200; ++i) {
    cache.make_reachable();
    const Time start = cache.now;
    while (cache.state() == "reachable") cache.now += 500ms;
    least = std::min(least, cache.now - start);
    most = std::max(most, cache.now - start);
    cache.neighbours.clear();
  }
  CHECK(least >= 15s);
  CHECK(least < 18s);
  CHECK(most <= 45500ms);
  CHECK(most > 42s);
}

IpAddress numbered(std::uint32_t number) { return IpAddress::v4(0x0a000000u + number); }

TEST_CASE("a flood of claims stays bounded and spares whom we talk to") {
  Cache cache;
  cache.make_reachable();
  (void)cache.neighbours.use(kThem, cache.now);
  for (std::uint32_t i = 0; i < 50'000; ++i) {
    cache.now += 1ms;
    (void)cache.neighbours.solicited_by(numbered(i), kSecond, cache.now);
  }
  CHECK(cache.neighbours.size() == Neighbours::kMaximumEntries);
  CHECK(cache.neighbours.use(kThem, cache.now) != nullptr);
}

TEST_CASE("resolutions under way are bounded, and their end makes room") {
  Cache cache;
  for (std::uint32_t i = 0; i < Neighbours::kMaximumIncomplete; ++i)
    CHECK(cache.neighbours.hold(numbered(i), packet_of(1), cache.now) == Neighbours::Held::began);
  CHECK(cache.neighbours.hold(kThem, packet_of(1), cache.now) == Neighbours::Held::refused);
  (void)cache.neighbours.advertised(numbered(0), {.mac = kFirst}, cache.now);
  CHECK(cache.neighbours.hold(kThem, packet_of(1), cache.now) == Neighbours::Held::began);
}

}  // namespace
}  // namespace sluice::ip
