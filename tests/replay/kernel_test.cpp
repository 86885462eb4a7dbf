// Captures with Linux in them: a stack of ours in its place brings every conversation to the same.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "lab/replay.hpp"
#include "tests/support/golden.hpp"

namespace sluice::test {
namespace {

using lab::Side;

/// Of pcaps/kernel/: their paths, in order.
std::vector<std::string> kernel_captures() {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(golden_path("kernel"))) {
    const std::string name = entry.path().filename();
    const bool capture = name.ends_with(".pcap") || name.ends_with(".pcapng");
    if (capture && !name.ends_with(".replayed.pcapng")) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

TEST_CASE("in the place of Linux a stack of ours brings each conversation to the same: bytes both ways, and the end") {
  std::size_t conversations = 0;
  for (const std::string& path : kernel_captures()) {
    CAPTURE(path);
    const lab::Capture capture = lab::load_capture(path);
    REQUIRE_MESSAGE(capture.error.empty(), capture.error);
    const lab::Conversations found = lab::split(capture);
    CHECK(!found.all.empty());
    for (const lab::Conversation& conversation : found.all) {
      ++conversations;
      for (const Side us : {Side::opener, Side::other}) {
        lab::ReplaySettings settings = lab::settings_from(conversation, us);
        settings.level = lab::Level::stream;
        settings.after = std::chrono::seconds(60);
        const lab::Verdict verdict = lab::replay(conversation, us, settings);
        CHECK_MESSAGE(verdict.same(), lab::to_text(verdict));
      }
    }
  }
  CHECK(conversations >= 40);
}

TEST_CASE("in our own place it says what it said to Linux, packet by packet") {
  std::size_t conversations = 0;
  for (const std::string& path : kernel_captures()) {
    const bool serves = path.find("/linux-sluice") != std::string::npos;
    const bool opens = path.find("/sluice-linux") != std::string::npos;
    if (!serves && !opens) continue;
    CAPTURE(path);
    const lab::Capture capture = lab::load_capture(path);
    const lab::Conversations found = lab::split(capture);
    for (const lab::Conversation& conversation : found.all) {
      const Side us = serves ? Side::other : Side::opener;
      lab::ReplaySettings settings = lab::settings_from(conversation, us);
      settings.stamp_slack = 2;
      const lab::Verdict verdict = lab::replay(conversation, us, settings);
      CHECK_MESSAGE(verdict.same(), lab::to_text(verdict));
      ++conversations;
    }
  }
  CHECK(conversations >= 9);
}

}  // namespace
}  // namespace sluice::test
