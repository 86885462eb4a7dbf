// What loss, distance and buffers leave of a 100 Mbit/s link: goodput of whole stacks in virtual time, kept as a table
// in netsim.txt. A change that moves a figure shows in the diff; SLUICE_UPDATE_NETSIM=1 writes the table anew.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/world.hpp"

namespace sluice::test {
namespace {

using namespace std::chrono_literals;

constexpr std::array<double, 5> kLosses = {0, 0.001, 0.01, 0.03, 0.1};
constexpr std::array<Duration, 3> kRtts = {1ms, 20ms, 200ms};
constexpr std::array<std::size_t, 3> kBuffers = {16 << 10, 64 << 10, 1 << 20};
constexpr double kLink = 100e6;                            // bit/s
constexpr std::uint64_t kBytes = 1 << 20;                  // of each transfer
constexpr std::array<std::uint64_t, 3> kRuns = {4, 5, 6};  // one is enough without loss

Duration time_of_transfer(double loss, Duration rtt, std::size_t buffer, std::uint64_t run) {
  lab::ImpairmentSettings link;
  link.delay = rtt / 2;
  link.loss = loss;
  link.rate = static_cast<std::uint64_t>(kLink / 8);
  link.queue_packets = 100;
  WorldSettings settings;
  settings.to_right = settings.to_left = link;
  settings.stream = run;
  World world(settings);
  auto [left, right] =
      world.connect(80, {.options = {.send_buffer = 4 << 20}}, {.options = {.receive_buffer = buffer}});
  Transfer transfer(left, right, kBytes);
  transfer.finish_when_sent = true;  // so that the last small segment does not wait for an ACK
  world.on_step = [&] { transfer.step(); };
  const Time begun = world.now();
  REQUIRE(world.run_until([&] { return transfer.done(); }, 2h));
  return world.now() - begun;
}

// bit/s
double goodput(double loss, Duration rtt, std::size_t buffer) {
  const std::size_t runs = loss > 0 ? kRuns.size() : 1;
  Duration time{};
  for (std::size_t i = 0; i < runs; ++i) time += time_of_transfer(loss, rtt, buffer, kRuns[i]);
  return static_cast<double>(runs * kBytes) * 8 / std::chrono::duration<double>(time).count();
}

// [rtt][buffer][loss]
using Table = std::array<std::array<std::array<double, kLosses.size()>, kBuffers.size()>, kRtts.size()>;

const Table& table() {
  static const Table kTable = [] {
    Table made{};
    for (std::size_t r = 0; r < kRtts.size(); ++r)
      for (std::size_t b = 0; b < kBuffers.size(); ++b)
        for (std::size_t l = 0; l < kLosses.size(); ++l) made[r][b][l] = goodput(kLosses[l], kRtts[r], kBuffers[b]);
    return made;
  }();
  return kTable;
}

std::string text_of(const Table& made) {
  std::string text = fmt::format(
      "# Goodput in kbit/s of {} KB over 100 Mbit/s with a queue of 100 packets, by loss (both ways), RTT and receive "
      "buffer.\n# Virtual time; written by SLUICE_UPDATE_NETSIM=1 test_stack. CUBIC, SACK, RACK-TLP.\n{:>7} {:>8}",
      kBytes >> 10, "RTT", "buffer");
  for (const double loss : kLosses) text += fmt::format(" {:>8}", fmt::format("{:g} %", loss * 100));
  text += '\n';
  for (std::size_t r = 0; r < kRtts.size(); ++r) {
    for (std::size_t b = 0; b < kBuffers.size(); ++b) {
      text += fmt::format("{:>4} ms {:>5} KB", kRtts[r] / 1ms, kBuffers[b] >> 10);
      for (const double bits : made[r][b]) text += fmt::format(" {:>8}", std::llround(bits / 1000));
      text += '\n';
    }
  }
  return text;
}

TEST_CASE("the table of goodput by loss, RTT and buffer is as it was") {
  const std::string path = std::string(SLUICE_SOURCE_DIR) + "/tests/stack/netsim.txt";
  const std::string made = text_of(table());
  if (std::getenv("SLUICE_UPDATE_NETSIM")) std::ofstream(path) << made;
  if (std::getenv("SLUICE_SEED")) return;  // other random numbers, other figures
  std::ifstream file(path);
  const std::string kept{std::istreambuf_iterator<char>(file), {}};
  CHECK_MESSAGE(made == kept, "now:\n", made);
}

// Calls for each cell with its place in the table.
template <class Visit>
void for_each_cell(Visit visit) {
  for (std::size_t r = 0; r < kRtts.size(); ++r)
    for (std::size_t b = 0; b < kBuffers.size(); ++b)
      for (std::size_t l = 0; l < kLosses.size(); ++l) {
        CAPTURE(kRtts[r] / 1ms);
        CAPTURE(kBuffers[b] >> 10);
        CAPTURE(kLosses[l]);
        visit(r, b, l, table()[r][b][l]);
      }
}

TEST_CASE("no cell beats the link, nor a window an RTT, and none stands still [R7323-2.4-3, R5681-3.1-1]") {
  for_each_cell([](std::size_t r, std::size_t b, std::size_t, double bits) {
    CHECK(bits > 0);
    CHECK(bits <= kLink * 1448 / 1500);
    CHECK(bits <= static_cast<double>(kBuffers[b]) * 8 / std::chrono::duration<double>(kRtts[r]).count());
  });
}

TEST_CASE("more loss or a longer way never gives more, up to the luck of the draw") {
  for_each_cell([](std::size_t r, std::size_t b, std::size_t l, double bits) {
    if (l > 0) CHECK(bits <= 1.1 * table()[r][b][l - 1]);
    if (r > 0) CHECK(bits <= 1.1 * table()[r - 1][b][l]);
  });
}

TEST_CASE("a window's worth an RTT is reached without loss: four fifths of it, the start included") {
  for_each_cell([](std::size_t r, std::size_t b, std::size_t l, double bits) {
    const double window = static_cast<double>(kBuffers[b]) * 8 / std::chrono::duration<double>(kRtts[r]).count();
    const bool steady = kBytes >= 16 * kBuffers[b] && window < 0.5 * kLink;
    if (l == 0 && steady) CHECK(bits >= 0.8 * window);
  });
}

}  // namespace
}  // namespace sluice::test
