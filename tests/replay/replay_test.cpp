// Golden captures played again: a stack of this build in the place of either side says what was said.
#include "lab/replay.hpp"

#include <doctest/doctest.h>

#include "tests/support/golden.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;
using lab::Side;

TEST_CASE("each golden capture replays without a difference, times included, from either side") {
  for (const Golden& golden : goldens()) {
    const lab::Capture capture = load_golden(golden.name);
    const lab::Conversations found = lab::split(capture);
    CHECK(found.error.empty());
    CHECK(!found.all.empty());
    for (const lab::Conversation& conversation : found.all) {
      for (const Side side : {Side::opener, Side::other}) {
        if (side != golden.taken_at && !golden.both_sides) continue;
        CAPTURE(golden.name);
        const lab::Verdict verdict =
            lab::replay(conversation, side, exact_settings(conversation, side, golden.taken_at));
        CHECK_MESSAGE(verdict.same(), lab::to_text(verdict));
        CHECK(verdict.late == 0);
      }
    }
  }
}

}  // namespace
}  // namespace sluice::test
