// Fast Open's cookies and cache by themselves.
#include "stack/tcp/fast_open.hpp"

#include <doctest/doctest.h>

#include <string>

namespace sluice::tcp {
namespace {

using namespace std::chrono_literals;

IpAddress host(unsigned last) { return *IpAddress::parse("10.0.0." + std::to_string(last)); }
Key key_of(std::uint8_t value) {
  Key key{};
  key[0] = value;
  return key;
}

TEST_CASE("a cookie is bound to the client's address and the server's secret [R7413-4.1.2-1, A-TCP-39]") {
  using Verdict = FastOpenCookies::Verdict;
  const FastOpenCookies mine(key_of(1), 1h), other(key_of(2), 1h);
  const Time now{1000h};
  const auto cookie = mine.make(host(1), false, now);
  CHECK(cookie.size == 8);
  CHECK(mine.judge(cookie, host(1), now) == Verdict::good);
  CHECK(mine.judge(cookie, host(1), now + 1h) == Verdict::old);
  CHECK(mine.judge(cookie, host(1), now + 2h) == Verdict::bad);
  CHECK(mine.judge(cookie, host(2), now) == Verdict::bad);
  CHECK(other.judge(cookie, host(1), now) == Verdict::bad);
  CHECK(mine.judge(cookie, *IpAddress::parse("fd00::1"), now) == Verdict::bad);
}

TEST_CASE("the cache keeps cookie and MSS, and forgets whom it used longest ago [R7413-4.1.3-1]") {
  FastOpenCache cache(key_of(1), 3, 60s);
  const wire::tcp::FastOpen cookie{.present = true, .experimental = false, .size = 4, .cookie = {1, 2, 3, 4}};
  for (unsigned i = 1; i <= 3; ++i) cache.learn(host(i), cookie, static_cast<std::uint16_t>(1000 + i), Time(i * 1s));
  REQUIRE(cache.find(host(1), Time(10s)));
  cache.learn(host(4), cookie, 1004, Time(11s));
  CHECK(cache.size() == 3);
  CHECK(cache.find(host(2), Time(12s)) == nullptr);
  REQUIRE(cache.find(host(1), Time(12s)));
  CHECK(cache.find(host(1), Time(12s))->mss == 1001);
  CHECK(cache.find(host(1), Time(12s))->cookie == cookie);
}

TEST_CASE("failures double the time for which a server is avoided, up to a bound; success ends it [R7413-4.1.3-2]") {
  FastOpenCache cache(key_of(1), 3, 60s);
  Duration last{};
  for (int i = 0; i < 300; ++i) {
    cache.failed(host(1), Time(5s));
    const Duration avoided = cache.find(host(1), Time(5s))->avoid_until - Time(5s);
    CHECK(avoided == (i == 0 ? 60s : i <= 10 ? 2 * last : last));
    last = avoided;
  }
  cache.worked(host(1));
  CHECK(cache.find(host(1), Time(5s))->avoid_until <= Time(5s));
  cache.failed(host(1), Time(5s));
  CHECK(cache.find(host(1), Time(5s))->avoid_until == Time(65s));
}

}  // namespace
}  // namespace sluice::tcp
