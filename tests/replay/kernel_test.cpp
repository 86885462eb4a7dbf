// Captures with Linux in them: where a stack of ours would have said something else is written beside each, and kept.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "lab/replay.hpp"
#include "tests/support/golden.hpp"

namespace sluice::test {
namespace {

using lab::Side;

struct KernelCapture {
  std::string name;
  std::string file;
  std::vector<Side> linux_sides;  ///< played, and Linux in the capture
  std::vector<Side> our_sides;    ///< played, and ours
};

const std::vector<KernelCapture>& kernel_captures() {
  static const std::vector<KernelCapture> kAll = {
      {"linux-linux", "linux-linux.pcap", {Side::opener, Side::other}, {}},
      {"linux-linux-loss", "linux-linux-loss.pcap", {Side::opener}, {}},  // what was lost, the other side never saw
      {"linux-sluice", "linux-sluice.pcapng", {Side::opener}, {Side::other}},
  };
  return kAll;
}

/// What is Linux's own way is not compared: how it tunes its buffers, and how its clock ticks.
lab::Verdict verdict_of(const lab::Conversation& conversation, Side us, bool plays_linux) {
  lab::ReplaySettings settings = lab::settings_from(conversation, us);
  settings.windows = !plays_linux;
  settings.stamp_slack = 2;
  settings.after = std::chrono::milliseconds(100);
  return lab::replay(conversation, us, settings);
}

std::string verdicts(const KernelCapture& one) {
  const lab::Capture capture = lab::load_capture(golden_path("kernel/" + one.file));
  REQUIRE_MESSAGE(capture.error.empty(), capture.error);
  const lab::Conversations found = lab::split(capture);
  const auto connection = std::find_if(found.all.begin(), found.all.end(), [](const lab::Conversation& conversation) {
    return conversation.kind == lab::ConversationKind::tcp;
  });
  REQUIRE(connection != found.all.end());
  std::string text;
  for (const Side us : one.linux_sides) text += lab::to_text(verdict_of(*connection, us, true));
  for (const Side us : one.our_sides) {
    const lab::Verdict ours = verdict_of(*connection, us, false);
    CHECK_MESSAGE(ours.same(), lab::to_text(ours));
    text += lab::to_text(ours);
  }
  return text;
}

TEST_CASE("in the place of Linux a stack of ours brings the connection to the same: bytes both ways, and the end") {
  for (const KernelCapture& one : kernel_captures()) {
    CAPTURE(one.name);
    const lab::Capture capture = lab::load_capture(golden_path("kernel/" + one.file));
    for (const lab::Conversation& conversation : lab::split(capture).all) {
      if (conversation.kind != lab::ConversationKind::tcp) continue;
      std::vector<Side> sides = one.linux_sides;
      sides.insert(sides.end(), one.our_sides.begin(), one.our_sides.end());
      for (const Side us : sides) {
        lab::ReplaySettings settings = lab::settings_from(conversation, us);
        settings.level = lab::Level::stream;
        settings.after = std::chrono::seconds(60);
        const lab::Verdict verdict = lab::replay(conversation, us, settings);
        CHECK_MESSAGE(verdict.same(), lab::to_text(verdict));
      }
    }
  }
}

TEST_CASE("in the place of Linux a stack of ours says what the verdict beside the capture says") {
  for (const KernelCapture& one : kernel_captures()) {
    CAPTURE(one.name);
    const std::string path = golden_path("kernel/" + one.name + ".verdict");
    const std::string text = verdicts(one);
    if (std::getenv("SLUICE_UPDATE_PCAPS")) {
      std::ofstream(path) << text;
      continue;
    }
    std::stringstream kept;
    kept << std::ifstream(path).rdbuf();
    CHECK_MESSAGE(kept.str() == text,
                  "run the tests with SLUICE_UPDATE_PCAPS=1, look at what changed, and commit " << path);
  }
}

}  // namespace
}  // namespace sluice::test
