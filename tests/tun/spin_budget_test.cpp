// The bound on busy polling: by itself, and in a loop whose clock moves when somebody looks at it.
#include "tun/spin_budget.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include "tests/tun/twins.hpp"

namespace sluice::tun {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart{1h};

/// Each look takes a microsecond.
Time clock_time = kStart;
Time looked_at() noexcept { return clock_time += 1us; }

/// What a loop with this share spends on looking while a packet comes every 60 us for `span`, with a spin of 50 us.
Duration spent_on_looking(double share, Duration span) {
  clock_time = kStart;
  auto ends = packet_pair();
  FdDevice device(std::move(ends[0]), 1500);
  Stack stack(host("10.0.0.1/24", 1));
  EventLoop loop(stack, device, {.spin = 50us, .spin_share = share, .clock = looked_at});
  for (Time next = kStart; next < kStart + span; next += 60us) {
    clock_time = std::max(clock_time, next);
    REQUIRE(::write(ends[1].number(), "x", 1) == 1);
    REQUIRE(loop.turn());      // takes it
    REQUIRE(loop.turn(45us));  // and looks for the next one
  }
  CHECK(device.counters()[DeviceCounter::packets_in] > 0);
  return loop.spun();
}

}  // namespace

TEST_CASE("a budget begins full, is spent, and fills at its share of the time that passes, up to its window") {
  SpinBudget budget(0.2, kStart);
  CHECK(budget.left(kStart) == 20ms);
  budget.spend(15ms);
  CHECK(budget.left(kStart) == 5ms);
  CHECK(budget.left(kStart + 10ms) == 7ms);
  CHECK(budget.left(kStart + 1h) == 20ms);
}

TEST_CASE("what was spent beyond the budget must be saved before there is more") {
  SpinBudget budget(0.5, kStart);
  budget.spend(60ms);
  CHECK(budget.left(kStart) == 0ms);
  CHECK(budget.left(kStart + 20ms) == 0ms);
  CHECK(budget.left(kStart + 24ms) == 2ms);
}

TEST_CASE("a budget of nothing never has anything, and one of a whole processor no bound") {
  SpinBudget nothing(0, kStart);
  CHECK(nothing.left(kStart + 1h) == 0ms);
  SpinBudget whole(1, kStart);
  whole.spend(10h);
  CHECK(whole.left(kStart) == Duration::max());
}

TEST_CASE("a clock that goes back fills no budget") {
  SpinBudget budget(0.2, kStart);
  budget.spend(20ms);
  CHECK(budget.left(kStart - 1h) == 0ms);
}

TEST_CASE("a trickle of packets keeps a loop looking nearly all the time, and with a bound no longer than its share") {
  constexpr Duration kSpan = 400ms;
  CHECK(spent_on_looking(1, kSpan) > kSpan / 2);
  const Duration bounded = spent_on_looking(0.2, kSpan);
  CHECK(bounded <= (kSpan + SpinBudget::kWindow) / 5 + 1ms);
  CHECK(bounded >= kSpan / 5);
  CHECK(spent_on_looking(0, kSpan) == 0ms);
}

}  // namespace sluice::tun
