// A peer that lies to gain speed or to waste our memory and time, played out packet by packet (attacks.tsv). What a
// third party can do from outside is in tests/stack/attacks_test.cpp.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/script.hpp"
#include "tests/support/world.hpp"

namespace sluice::test {
namespace {

using tcp::Counter;
using tcp::State;

struct Attack : Script {
  /// A flight of ten segments of 1000 bytes is out, and much more waits.
  void flight(bool sack = false) {
    established({.sack = sack, .rtt = 100ms});
    write(100'000);
    CHECK(skip() == 10);
    before = socket.info()->cwnd;
  }
  std::string acknowledge(std::uint32_t number) { return ". 1:1(0) ack " + std::to_string(number); }
  std::uint32_t before = 0;
};

// --- to gain speed -----------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Attack, "optimistic ACKs of what was never sent move nothing [A-TCP-32]") {
  flight();
  std::size_t answers = 0;
  for (std::uint32_t ahead = 1; ahead <= 500; ++ahead) {
    in(acknowledge(10'001 + 1000 * ahead));
    answers += skip();
  }
  CHECK(answers <= 1);  // challenges, rationed
  CHECK(socket.info()->cwnd == before);
  CHECK(socket.info()->unacked == 10'000);
  CHECK(count(Counter::drop_bad_ack) == 500);
}

TEST_CASE_FIXTURE(Attack, "optimistic ACKs of what is on its way gain no more than honest ones [A-TCP-32]") {
  flight();
  in(acknowledge(10'001));  // half a round trip too early
  const std::size_t burst = skip();
  CHECK(burst <= 20);
  CHECK(socket.info()->cwnd <= 2 * before);
  CHECK(socket.info()->unacked <= 2 * 10'000);
}

TEST_CASE_FIXTURE(Attack, "a flight that is acknowledged byte by byte gains what it is worth in bytes [A-TCP-33]") {
  flight();
  for (std::uint32_t byte = 1; byte <= 2000; ++byte) {
    in(acknowledge(1 + byte));
    skip();
  }
  CHECK(socket.info()->cwnd <= before + 2000);
  CHECK(socket.info()->unacked <= before + 2000);
}

TEST_CASE_FIXTURE(Attack, "duplicate ACKs out of thin air release one flight and no more [A-TCP-34]") {
  flight();
  std::size_t left = 0;
  for (int i = 0; i < 1000; ++i) {
    in(acknowledge(1));
    left += skip();
  }
  CHECK(left <= 11);  // the resent segment, and no more new ones than were out
  CHECK(socket.info()->unacked <= 2 * 10'000);
  CHECK(socket.info()->cwnd <= before + 10'000);
}

TEST_CASE_FIXTURE(Attack, "with SACK, duplicate ACKs that report nothing new release nothing [A-TCP-34]") {
  flight(true);
  for (int i = 0; i < 1000; ++i) in(acknowledge(1));
  CHECK(skip() <= 1);
  CHECK(socket.info()->cwnd <= before);
}

TEST_CASE_FIXTURE(Attack, "SACKs of text that is not there are no deliveries [A-TCP-30, A-TCP-32]") {
  flight(true);
  for (int i = 0; i < 300; ++i) {
    in(". 1:1(0) ack 1 <nop,nop,sack 20001:30001 90001:100001 4000000001:4000001001>");
    skip();
  }
  CHECK(socket.info()->cwnd <= before);
  CHECK(socket.info()->unacked == 10'000);
}

// --- to waste memory and time ------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Attack, "blocks at random cut the log of what is out only so fine [A-TCP-29, A-TCP-30]") {
  flight(true);
  Random lot(run_key(), KeyUse::test);
  const std::size_t memory = socket.info()->memory;
  for (int i = 0; i < 1000; ++i) {
    const std::uint32_t from = 2 + lot.below(9'990);
    in(". 1:1(0) ack 1 <nop,nop,sack " + std::to_string(from) + ":" + std::to_string(from + 1) + ">");
    skip();
  }
  CHECK(socket.info()->memory <= memory + 64 * 1024);
  run(10s);
  skip();
  in(acknowledge(static_cast<std::uint32_t>(1 + socket.info()->unacked)));
  skip();
  state_is(State::established);
}

TEST_CASE_FIXTURE(Attack, "text in single bytes with gaps costs a bounded memory, and honest text goes on [A-TCP-27]") {
  established({.sack = true});
  for (std::uint32_t at = 3; at < 6000; at += 2) {
    in(text_line(".", at, 1));
    skip();
  }
  CHECK(socket.info()->memory < 2 * socket.info()->receive_buffer);
  CHECK(stack().memory().used() < 2 * socket.info()->receive_buffer);
  for (std::uint32_t at = 1; at < 6001; at += 1000) {
    in(text_line(".", at, 1000));
    skip();
  }
  read(6000);
  socket.close();
  run(0s);
  skip();
  CHECK(stack().memory().used() == 0);
}

TEST_CASE_FIXTURE(Attack,
                  "a hundred peers that fill windows behind a gap stay within the budget [A-TCP-22, A-TCP-27]") {
  config.memory_limit = 1 << 20;
  listen();
  std::vector<tcp::Socket> accepted;
  for (std::uint16_t port = 40'001; port <= 40'100; ++port) {
    peer(port);
    in("S 0:0(0) <mss 1400>");
    in(". 1:1(0) ack 1");
    accept();
    accepted.push_back(std::move(socket));
    for (std::uint32_t at = 2001; at < 60'000; at += 2800) {
      in(text_line(".", at, 1400));
      CHECK(stack().memory().used() <= config.memory_limit);
    }
    skip();
  }
  CHECK(count(Counter::drop_memory) > 0);
  CHECK(stack().memory().used() > config.memory_limit / 2);  // what they hold is charged
  accepted.clear();
  run(0s);
  CHECK(skip() > 0);
}

TEST_CASE_FIXTURE(Attack,
                  "a window that shrinks again and again moves no edge of ours and loses no text [9293 MUST-34]") {
  established({.window = 20'000});
  write(60'000);
  CHECK(skip() == 10);
  for (std::uint16_t window = 9000; window > 0; window = static_cast<std::uint16_t>(window - 1000)) {
    in(". 1:1(0) ack 1 win " + std::to_string(window));
    CHECK(skip() == 0);
  }
  CHECK(socket.info()->unacked == 10'000);
  run(1s);
  skip();
  in(". 1:1(0) ack 10001 win 20000");
  CHECK(skip() > 0);
}

}  // namespace
}  // namespace sluice::test
