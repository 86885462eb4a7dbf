// Two runs of a connection held against each other by what they came to.
#include "lab/replay_stream.hpp"

#include <doctest/doctest.h>

#include <chrono>

namespace sluice::lab {
namespace {

using namespace std::chrono_literals;

StreamRun good_run() {
  StreamRun run;
  run.sent = 4;
  run.heard = 3;
  run.acked = {{10ms, 2, 4}, {20ms, 3, 6}};
  run.finished = run.heard_finish = true;
  return run;
}

Verdict verdict_of(const StreamRun& replayed, Level level = Level::stream) {
  Verdict verdict;
  compare_streams(good_run(), replayed, level, 500ms, verdict);
  return verdict;
}

std::string reason_of(const StreamRun& replayed, Level level = Level::stream) {
  const Verdict verdict = verdict_of(replayed, level);
  return verdict.differences.empty() ? "" : verdict.differences.front().reason;
}

}  // namespace

TEST_CASE("runs of the same bytes and the same end are the same") {
  CHECK(verdict_of(good_run()).same());
  CHECK(verdict_of(good_run(), Level::acks).same());
}

TEST_CASE("a byte that differs, or is missing, is named in either direction") {
  StreamRun run = good_run();
  run.wrong = 2;
  CHECK(reason_of(run) == "text sent: byte 2");
  run = good_run();
  run.sent = 3;
  CHECK(reason_of(run) == "text sent: length");
  run = good_run();
  run.heard = 4;
  CHECK(reason_of(run) == "text received: length");
}

TEST_CASE("another end is a difference: no FIN, a RST instead, the peer's FIN not acknowledged") {
  StreamRun run = good_run();
  run.finished = false;
  CHECK(reason_of(run) == "end of the connection");
  run = good_run();
  run.reset = true;
  CHECK(reason_of(run) == "end of the connection");
  run = good_run();
  run.heard_finish = false;
  CHECK(reason_of(run) == "end of the connection");
}

TEST_CASE("an acknowledgement may be merged or late by the delay, and not later") {
  StreamRun run = good_run();
  run.acked = {{509ms, 3, 0}};
  CHECK(verdict_of(run, Level::acks).same());
  run.acked = {{511ms, 3, 0}};
  const Verdict late = verdict_of(run, Level::acks);
  REQUIRE(late.differences.size() == 1);
  CHECK(late.differences[0].number == 4);
  CHECK(late.differences[0].expected == "ack 3");
  CHECK(late.differences[0].got == "ack 4 at 0.511000 s");
  CHECK(verdict_of(run).same());  // at level stream times don't count
  run.acked = {{10ms, 2, 0}};
  CHECK(verdict_of(run, Level::acks).differences.at(0).got == "nothing");
}

}  // namespace sluice::lab
