// Two stacks that disagree, or hear everything more than once, never answer each other for ever: packets are counted.
// One stack's ration of answers is in tests/tcp/script_reset_test.cpp.
#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "tests/support/pair.hpp"
#include "tests/support/segment_view.hpp"
#include "tests/support/talk.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
namespace flag = wire::tcp;

// What a conversation costs when each packet arrives so often.
struct Cost {
  std::uint64_t packets = 0;
  std::uint64_t speaking = 0;  ///< with text, SYN or FIN
  std::uint64_t bare = 0;      ///< ACKs alone; the rest are resets
};

Cost cost_of_talk(Ending ending, int copies) {
  TalkSettings settings;
  settings.ending = ending;
  Talk talk(settings);
  Cost cost;
  talk.take_packet = [&](bool to_right, Bytes packet) {
    ++cost.packets;
    const SegmentView segment = *open_segment(packet);
    cost.speaking += segment.length() > 0;
    cost.bare += segment.bare_ack();
    for (int i = 0; i < copies; ++i) talk.world.inject(to_right, as_vector(packet), 10ms + i * 1us);
    return true;
  };
  REQUIRE(talk.play(1min));
  talk.expect_outcome();
  talk.world.run_for(1s);
  const std::uint64_t before = cost.packets;
  talk.expect_nothing_left();
  CHECK(cost.packets == before);
  return cost;
}

TEST_CASE("each packet arrives three times: no more than one answer to each copy, and an end [A-TCP-15, R9293-A.2-1]") {
  for (const Ending ending : kEndings) {
    CAPTURE(name(ending));
    const Cost clean = cost_of_talk(ending, 1);
    const Cost tripled = cost_of_talk(ending, 3);
    CHECK(tripled.speaking <= clean.speaking + 2);  // each copy of a SYN is answered with a SYN,ACK
    CHECK(tripled.bare <= 3 * tripled.speaking);    // each copy with an ACK
    CHECK(tripled.packets <= 5 * clean.packets);    // and each copy that comes after the end with a RST
  }
}

TEST_CASE("a transfer whose every packet arrives three times is not slowed by it [A-TCP-15, R5681-3.2-1]") {
  std::array<std::uint64_t, 2> packets{};
  for (const bool tripled : {false, true}) {
    Pair pair;
    if (tripled)
      pair.world.take_packet = [&](bool to_right, Bytes packet) {
        for (int i = 0; i < 3; ++i) pair.world.inject(to_right, as_vector(packet), 10ms + i * 1us);
        return true;
      };
    pair.move(300'000);
    CHECK(pair.left.info()->retransmissions == 0);
    CHECK_FALSE(pair.left.info()->in_recovery);
    packets[tripled] = pair.world.packets();
  }
  const std::uint64_t text = 300'000 / 1448 + 1;
  CHECK(packets[0] <= 2 * text);
  CHECK(packets[1] <= packets[0] + packets[0] / 10);
}

TEST_CASE("everything that ever was sent comes again: rationed answers, then silence [A-TCP-15, R5961-7-1]") {
  Pair pair;
  pair.move(60'000);
  pair.move(60'000, false);
  const Packets old = pair.seen;
  CHECK(old.size() > 80);
  for (int round = 0; round < 3; ++round) {
    for (const auto& [to_right, bytes] : old) pair.world.inject(to_right, bytes, 0s);
    CHECK(pair.packets_in(1s) <= 4);
    CHECK(pair.packets_in(1h) == 0);
  }
  pair.move(10'000);  // and the connection still works
}

TEST_CASE("old packets spread over time draw no more than one answer each [A-TCP-15]") {
  Pair pair;
  pair.move(60'000);
  const Packets old = pair.seen;
  Duration after = 0s;
  for (const auto& [to_right, bytes] : old) pair.world.inject(to_right, bytes, after += 700ms);
  CHECK(pair.packets_in(after + 1s) <= old.size());
  CHECK(pair.packets_in(1h) == 0);
  pair.move(10'000);
}

// Text of ten zeros that only the receiver believes the peer sent.
void make_believe(Pair& pair, bool to_right) {
  SegmentView forged = pair.last_from(to_right);
  forged.header.seq = forged.end();
  forged.header.ack = pair.last_from(!to_right).end();
  forged.header.flags = flag::psh | flag::ack;
  forged.text = 10;
  pair.world.inject(to_right, forge(forged));
}

TEST_CASE("text that only one side knows of: two ends that disagree fall silent [A-TCP-15, R9293-A.2-1]") {
  for (const bool both : {false, true}) {
    CAPTURE(both);
    Pair pair;
    pair.move(1000);
    pair.move(1000, false);
    make_believe(pair, true);
    if (both) make_believe(pair, false);
    CHECK(pair.packets_in(10s) <= 4);
    CHECK(pair.packets_in(1h) == 0);
    // What one of them says next can't be understood; each repetition draws few answers, and it gives up in time.
    CHECK(pair.left.write(as_bytes("hello")).value_or(0) == 5);
    CHECK(pair.packets_in(1h) <= 4 * 16);
    CHECK(pair.left.error() == Errc::timed_out);
    CHECK(pair.packets_in(1h) == 0);
  }
}

TEST_CASE("a host that lost its memory resets what it is sent, and the other learns it with one packet [MUST-12]") {
  Pair pair;
  pair.move(1000);
  pair.forget(true);
  CHECK(pair.packets_in(1h) == 0);  // nobody asks
  CHECK(pair.left.write(as_bytes("hello")).value_or(0) == 5);
  CHECK(pair.packets_in(1h) == 2);
  CHECK(pair.left.error() == Errc::connection_reset);
}

TEST_CASE("a host that lost its memory is found out by keep-alive too, and by a FIN [MUST-12, MUST-26]") {
  for (const bool finish : {false, true}) {
    Pair pair;
    tcp::Options options = *pair.left.options();
    options.keep_alive = {.on = true, .idle = 60s, .interval = 10s, .probes = 3};
    CHECK(pair.left.set_options(options));
    pair.forget(true);
    if (finish) pair.left.finish();
    CHECK(pair.packets_in(1h) == 2);
    CHECK(pair.left.error() == Errc::connection_reset);
  }
}

TEST_CASE(
    "a host that lost its memory opens the same connection again: challenge, RST, and the next SYN succeeds "
    "[R5961-4.2-1, R9293-3.10.7.4-12]") {
  Pair pair;
  pair.move(1000);
  const Endpoint from = *pair.left.local(), to = *pair.left.remote();
  auto listener = pair.world.right().listen(to);
  REQUIRE(listener);
  pair.forget(false);
  auto again = pair.world.left().connect(to, {.local = from});
  REQUIRE(again);
  const std::uint64_t before = pair.world.packets();
  REQUIRE(pair.world.run_until([&] { return again->state() == tcp::State::established; }, 2s));
  pair.world.run_for(1s);
  CHECK(pair.world.packets() - before <= 6);  // SYN, challenge, RST, SYN, SYN,ACK, ACK
  CHECK(pair.right.error() == Errc::connection_reset);
  auto accepted = listener->accept();
  REQUIRE(accepted);
  CHECK(accepted->state() == tcp::State::established);
}

TEST_CASE("two ends that both lost interest, windows closed both ways, only probe [9293 MUST-37, A-TCP-15]") {
  Pair pair;
  for (tcp::Socket* socket : {&pair.left, &pair.right})
    while (socket->writable() > 0) CHECK(socket->write(std::vector<std::uint8_t>(socket->writable())).value_or(0) > 0);
  pair.world.run_for(1min);
  REQUIRE(pair.left.info()->send_window == 0);
  REQUIRE(pair.right.info()->send_window == 0);
  // Each probes every two minutes at last, and answers the other's probe.
  CHECK(pair.packets_in(1h) <= 2 * 2 * (3600 / 120 + 10));
  CHECK(pair.packets_in(10h) <= 2 * 2 * 10 * (3600 / 120));
  CHECK(pair.left.state() == tcp::State::established);
}

}  // namespace
}  // namespace sluice::test
