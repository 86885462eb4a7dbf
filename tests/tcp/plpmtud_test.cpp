// The search for the path MTU by packets alone, against paths of every width (RFC 8899, RFC 4821).
#include "stack/tcp/plpmtud.hpp"

#include <doctest/doctest.h>

#include <set>

namespace sluice::tcp {
namespace {

using namespace std::chrono_literals;
using Phase = Plpmtud::Phase;

// A path that takes packets up to `width`; time passes as the search asks for it.
struct Path {
  Plpmtud search;
  std::size_t highest;
  std::size_t width;
  Time now{1h};
  unsigned probes = 0;
  unsigned lost = 0;
  std::multiset<std::size_t> tried{};

  // Until nothing is wanted for a minute.
  void find() {
    search.on_progress();
    for (Time until = now + 1min; now < until; now += 1s) {
      const std::size_t size = search.wanted(highest, now);
      if (size == 0) continue;
      CHECK(size > search.size());  // [R4821-7-1]
      CHECK(size <= highest);
      CHECK(size <= 3 * search.size());
      until = now + 1min;
      ++probes;
      tried.insert(size);
      search.on_sent(size, Seq(probes));
      if (size <= width) {
        search.on_arrived(now, 100ms);
      } else {
        search.on_lost(now, 5s);
        ++lost;
      }
    }
  }
};

Path path(std::size_t highest, std::size_t width, Family family = Family::ipv4) {
  return {Plpmtud(family, highest), highest, width};
}

TEST_CASE(
    "a search begins at the base size: 1200 bytes, over IPv6 1280, or the packet if it is smaller [R8899-5.1.2-1]") {
  CHECK(Plpmtud(Family::ipv4, 1500).size() == 1200);
  CHECK(Plpmtud(Family::ipv6, 1500).size() == 1280);
  CHECK(Plpmtud(Family::ipv4, 800).size() == 800);
  CHECK(Plpmtud(Family::ipv4, 1500).phase() == Phase::base);
}

TEST_CASE(
    "the largest size that passes is found to within 16 bytes, whatever the path [R8899-5.2-1, R4821-7-1, "
    "R4821-10.1-1]") {
  for (std::size_t highest : {1300u, 1500u, 4352u, 9000u, 65535u}) {
    for (std::size_t width = 1200; width <= highest; width += 1 + width / 37) {
      CAPTURE(highest);
      CAPTURE(width);
      Path one = path(highest, width);
      one.find();
      CHECK(one.search.phase() == Phase::complete);
      CHECK(one.search.size() <= width);
      CHECK(one.search.size() + 16 > width);
      CHECK(one.probes <= 45);
    }
  }
}

TEST_CASE("what links commonly take is found to the byte") {
  for (const std::size_t width : {1280u, 1400u, 1420u, 1440u, 1460u, 1480u, 1492u, 1500u}) {
    Path one = path(1500, width);
    one.find();
    CHECK(one.search.size() == width);
  }
}

TEST_CASE("a path that takes all is found with one probe") {
  Path one = path(1500, 1500);
  one.find();
  CHECK(one.probes == 1);
  CHECK(one.search.size() == 1500);
}

TEST_CASE("no size is given up before three probes of it were lost [R8899-5.1.2-1]") {
  Path one = path(1500, 1400);
  one.find();
  for (const std::size_t size : one.tried) CHECK(one.tried.count(size) == (size <= 1400 ? 1 : 3));
}

TEST_CASE("nothing larger is tried before packets of the base size have arrived [R8899-5.2-1]") {
  Plpmtud search(Family::ipv4, 1500);
  CHECK(search.wanted(1500, Time(1h)) == 0);
  search.on_progress();
  CHECK(search.wanted(1500, Time(1h)) == 1500);
}

TEST_CASE(
    "one probe at a time, a round trip apart, and after a loss the pause that was asked for [R8899-3-5, R4821-7-3]") {
  Plpmtud search(Family::ipv4, 9000);
  search.on_progress();
  const Time start(1h);
  REQUIRE(search.wanted(9000, start) == 3600);
  search.on_sent(3600, Seq(1));
  CHECK(search.wanted(9000, start + 1h) == 0);
  search.on_arrived(start, 100ms);
  CHECK(search.wanted(9000, start + 99ms) == 0);
  REQUIRE(search.wanted(9000, start + 100ms) == 9000);
  search.on_sent(9000, Seq(2));
  search.on_lost(start + 1s, 4s);
  CHECK(search.wanted(9000, start + 5s - 1ns) == 0);
  CHECK(search.wanted(9000, start + 5s) == 9000);
}

TEST_CASE(
    "a finished search begins again after ten minutes, not before [R4821-7-4, R8899-5.1.1-2, R1191-3-4, R8201-4-4]") {
  Path one = path(1500, 1400);
  one.find();
  REQUIRE(one.search.phase() == Phase::complete);
  one.width = 1500;
  const unsigned before = one.probes;
  const Time found = one.now - 1min;
  for (; one.now < found + 10min - 1s; one.now += 1s) CHECK(one.search.wanted(1500, one.now) == 0);
  one.now += 2s;
  one.find();
  CHECK(one.search.size() == 1500);
  CHECK(one.probes == before + 1);
}

TEST_CASE("a router's word bounds the search, and is tried like any size [R8899-4.6.2-1, R8899-3-4]") {
  Plpmtud search(Family::ipv4, 1500);
  search.on_progress();
  const Time start(1h);
  search.on_sent(search.wanted(1500, start), Seq(1));
  search.on_too_big(1420, start, 100ms);
  CHECK(search.size() == 1200);
  CHECK_FALSE(search.probing());
  CHECK(search.wanted(1500, start + 99ms) == 0);
  REQUIRE(search.wanted(1500, start + 100ms) == 1420);
  search.on_sent(1420, Seq(2));
  search.on_too_big(1600, start, 100ms);  // raises nothing
  CHECK(search.probing());
  search.on_arrived(start + 1s, 100ms);
  CHECK(search.size() == 1420);
  CHECK(search.wanted(1500, start + 2s) == 0);
}

TEST_CASE("a bound that falls meanwhile is kept to [R4821-7-1]") {
  Plpmtud search(Family::ipv4, 9000);
  search.on_progress();
  CHECK(search.wanted(1500, Time(1h)) == 1500);
  CHECK(search.wanted(1300, Time(1h)) == 1300);
  CHECK(search.wanted(1200, Time(1h)) == 0);
  CHECK(search.phase() == Phase::complete);
}

TEST_CASE("packets that vanish become smaller by halves, down to a floor below which IPv4 fragments [R4821-7-5]") {
  Plpmtud search(Family::ipv4, 1500);
  CHECK(search.on_black_hole(Time(1h)));
  CHECK(search.size() == 600);
  CHECK_FALSE(search.fragments());
  CHECK(search.on_black_hole(Time(1h)));
  CHECK(search.size() == 552);
  CHECK(search.fragments());
  CHECK(search.phase() == Phase::error);
  CHECK_FALSE(search.on_black_hole(Time(1h)));
  CHECK(search.size() == 552);

  Plpmtud v6(Family::ipv6, 1500);
  CHECK_FALSE(v6.on_black_hole(Time(1h)));
  CHECK(v6.size() == 1280);
  CHECK_FALSE(v6.fragments());
  CHECK(v6.phase() == Phase::error);
}

TEST_CASE("from the floor the search goes up again once something arrives [R8899-5.2-1]") {
  Path one = path(1500, 1000);
  one.search.on_black_hole(one.now);
  one.search.on_black_hole(one.now);
  REQUIRE(one.search.fragments());
  one.find();
  CHECK(one.search.size() >= 985);
  CHECK(one.search.size() <= 1000);
  CHECK_FALSE(one.search.fragments());
}

TEST_CASE("a raise that is followed by silence is taken back [R4821-7-6]") {
  Plpmtud search(Family::ipv4, 1500);
  search.on_progress();
  const Time start(1h);
  search.on_sent(search.wanted(1500, start), Seq(1));
  search.on_arrived(start, 100ms);
  REQUIRE(search.size() == 1500);
  CHECK(search.on_black_hole(start + 59s));
  CHECK(search.size() == 1200);
  search.on_progress();
  CHECK(search.wanted(1500, start + 2min) < 1500);

  Plpmtud later(Family::ipv4, 9000);  // after the trial it is a black hole like any other
  later.on_progress();
  later.on_sent(later.wanted(9000, start), Seq(1));
  later.on_arrived(start, 100ms);
  CHECK(later.on_black_hole(start + 61s));
  CHECK(later.size() == 1800);
}

TEST_CASE("a probe whose fate can't be known counts neither way") {
  Plpmtud search(Family::ipv4, 1500);
  search.on_progress();
  for (int i = 0; i < 9; ++i) {
    REQUIRE(search.wanted(1500, Time(1h)) == 1500);
    search.on_sent(1500, Seq(1));
    search.forget_probe();
  }
  CHECK(search.size() == 1200);
}

}  // namespace
}  // namespace sluice::tcp
