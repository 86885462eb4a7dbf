// How the receive buffer follows what is read: flows of given speed and distance, in the tuner alone.
#include "stack/tcp/receive_tuner.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace sluice::tcp {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaximum = 6 << 20;

// A sender that always fills what it may: min(rate, window) a round trip, in 16 parts.
struct Flow {
  Duration rtt = 100ms;
  std::uint64_t bytes_a_round = 1 << 20;
  bool stamps = true;
  ReceiveTuner tuner{};
  Time now{1h};
  Seq nxt{1000};

  Flow& open(std::size_t buffer, Duration handshake) {
    tuner.set_buffer(buffer);
    tuner.start(now, handshake);
    return *this;
  }
  void round(std::size_t maximum = kMaximum) {
    const std::uint64_t window = std::min<std::uint64_t>(bytes_a_round, tuner.buffer());
    for (int i = 0; i < 16; ++i) {
      now += rtt / 16;
      nxt += window / 16;
      tuner.on_text(now, stamps ? rtt : Duration::zero(), nxt, nxt + tuner.buffer());
      tuner.on_consumed(window / 16, now, maximum);
    }
  }
  void rounds(int count) {
    while (count-- > 0) round();
  }
};

TEST_CASE("the buffer grows to twice what is read in a round trip, and no further") {
  for (const bool stamps : {true, false}) {
    for (const Duration rtt : {Duration(2ms), Duration(100ms), Duration(1s)}) {
      CAPTURE(stamps);
      CAPTURE(rtt / 1ms);
      Flow flow{.rtt = rtt, .stamps = stamps};
      flow.open(64 << 10, rtt).rounds(40);
      CHECK(flow.tuner.buffer() >= std::size_t{3} << 19);
      CHECK(flow.tuner.buffer() <= std::size_t{5} << 19);
    }
  }
}

TEST_CASE("it grows by half again in each round trip or faster while the window holds the sender back") {
  Flow flow{.bytes_a_round = 64 << 20};
  flow.open(64 << 10, flow.rtt);
  flow.rounds(2);
  for (int i = 0; i < 8 && flow.tuner.buffer() < kMaximum; ++i) {
    const std::size_t before = flow.tuner.buffer();
    flow.rounds(2);
    CHECK(flow.tuner.buffer() >= std::min(before * 3 / 2, kMaximum));
  }
  CHECK(flow.tuner.buffer() == kMaximum);
}

TEST_CASE("a slow sender, and a slow reader, need no more than there is") {
  Flow flow{.bytes_a_round = 20'000};
  flow.open(64 << 10, flow.rtt).rounds(50);
  CHECK(flow.tuner.buffer() == 64 << 10);

  Flow burst;  // all at once after ten seconds: a thousandth of it a round trip
  burst.open(64 << 10, 10ms);
  for (int i = 0; i < 10; ++i) {
    burst.tuner.on_text(burst.now, 10ms, burst.nxt += 60'000, burst.nxt + 64'000);
    burst.now += 10s;
    burst.tuner.on_consumed(60'000, burst.now, kMaximum);
  }
  CHECK(burst.tuner.buffer() == 64 << 10);
}

TEST_CASE("silence before a burst doesn't count, nor does the sender's pause as a long way") {
  Flow flow{.rtt = 10ms};
  flow.open(64 << 10, 10ms);
  for (int i = 0; i < 30; ++i) {
    flow.now += 7s;
    flow.tuner.on_text(flow.now, 7s, flow.nxt += 10, flow.nxt + 64'000);  // echoes what left seven seconds ago
    flow.rounds(4);
  }
  CHECK(flow.tuner.buffer() >= std::size_t{1} << 20);
  CHECK(flow.tuner.rtt() <= 20ms);
}

TEST_CASE("a way that becomes longer is noticed") {
  Flow flow{.rtt = 10ms, .bytes_a_round = 100'000};
  flow.open(64 << 10, 10ms).rounds(20);
  flow.rtt = 200ms;
  flow.bytes_a_round = 2'000'000;
  flow.rounds(40);
  CHECK(flow.tuner.rtt() == 200ms);
  CHECK(flow.tuner.buffer() >= 3'000'000);
}

TEST_CASE("the first sample counts when the handshake gave none") {
  for (const bool stamps : {true, false}) {
    Flow flow{.stamps = stamps};
    flow.open(64 << 10, 0s).rounds(30);
    CHECK(flow.tuner.rtt() >= 90ms);
    CHECK(flow.tuner.rtt() <= 200ms);
    CHECK(flow.tuner.buffer() >= std::size_t{3} << 19);
  }
}

TEST_CASE("a maximum below the buffer takes nothing away") {
  Flow flow;
  flow.open(256 << 10, flow.rtt);
  for (int i = 0; i < 20; ++i) flow.round(0);
  CHECK(flow.tuner.buffer() == 256 << 10);
}

}  // namespace
}  // namespace sluice::tcp
