// Each controller over a bottleneck: it must fill the link, leave when told, and its window over time is kept as a
// picture in cwnd.txt (SLUICE_UPDATE_CWND=1 draws it anew).
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "stack/congestion/bbr.hpp"
#include "tests/congestion/fluid_link.hpp"

namespace sluice::congestion {
namespace {

using namespace std::chrono_literals;

struct Kind {
  const char* name;
  std::unique_ptr<Controller> (*make)(const Settings&);
  bool pacing;
};
constexpr Kind kKinds[] = {{"Reno", make_reno, false},
                           {"CUBIC", make_cubic, false},
                           {"CUBIC, paced", make_cubic, true},
                           {"BBR", make_bbr, true}};

std::unique_ptr<Controller> start(const Kind& kind, EcnResponse ecn = EcnResponse::classic) {
  return kind.make(
      {.smss = FluidLink::kSmss, .initial = 10 * FluidLink::kSmss, .pacing = kind.pacing, .ecn = ecn, .seed = 7});
}

/// The window by time, in a picture of 72 x 12 signs.
std::string draw(const std::vector<FluidLink::Sighting>& sightings, Duration how_long) {
  constexpr std::size_t kColumns = 72, kRows = 12;
  std::vector<std::uint64_t> columns(kColumns);
  const Time begin = sightings.front().at;
  for (const auto& one : sightings) {
    const auto column = static_cast<std::size_t>((one.at - begin) * kColumns / how_long);
    if (column < kColumns) columns[column] = one.cwnd;
  }
  for (std::size_t i = 1; i < kColumns; ++i)
    if (columns[i] == 0) columns[i] = columns[i - 1];
  const std::uint64_t top = *std::max_element(columns.begin(), columns.end());
  std::string picture;
  for (std::size_t row = kRows; row > 0; --row) {
    std::string line = fmt::format("{:>8} |", row == kRows ? top : row == 1 ? top / kRows : 0);
    if (row != kRows && row != 1) line = "         |";
    for (const std::uint64_t cwnd : columns) line += cwnd * kRows >= top * row ? '#' : ' ';
    line.erase(line.find_last_not_of(' ') + 1);
    picture += line + '\n';
  }
  return picture;
}

}  // namespace

TEST_CASE("each controller fills a link with a queue of its bandwidth-delay product [R5681-3.1-7] [R9438-4.4-1]") {
  for (const Kind& kind : kKinds) {
    CAPTURE(kind.name);
    const auto controller = start(kind);
    FluidLink link(*controller, {});
    link.run(20s);
    CHECK(link.delivered() >= 20 * 1'250'000ull * 92 / 100);
    CHECK(link.timeouts() == 0);
    CHECK(link.dropped() < link.delivered() / FluidLink::kSmss / 50);
  }
}

TEST_CASE("a long and fat path is filled by CUBIC and BBR, where Reno needs minutes [R9438-4.4-1]") {
  const Link fat{.rate = 6'250'000, .trip = 100ms, .queue = 300'000};
  for (const Kind& kind : kKinds) {
    CAPTURE(kind.name);
    const auto controller = start(kind);
    FluidLink link(*controller, fat);
    link.run(20s);
    const std::uint64_t share = link.delivered() * 100 / (20 * fat.rate);
    CHECK(share >= (std::string_view(kind.name) == "Reno" ? 50 : 80));
  }
}

TEST_CASE("HyStart++ leaves slow start before the queue is full: no loss in the first seconds [R9406-4.2-7]") {
  const Link deep{.rate = 12'500'000, .trip = 80ms, .queue = 8'000'000};
  const auto controller = make_cubic({.smss = FluidLink::kSmss, .initial = 10 * FluidLink::kSmss});
  FluidLink link(*controller, deep);
  link.run(4s);
  CHECK(link.dropped() == 0);
  CHECK(controller->ssthresh() < (1u << 30));
  const auto reno = make_reno({.smss = FluidLink::kSmss, .initial = 10 * FluidLink::kSmss});
  FluidLink without(*reno, deep);
  without.run(4s);
  CHECK(without.dropped() > 0);
}

TEST_CASE("where the queue is as long as the path, an ACK train ends doubling before the queue is full") {
  const Link one_bdp{.rate = 12'500'000, .trip = 80ms, .queue = 1'000'000};
  struct Outcome {
    std::uint64_t dropped, delivered;
  };
  const auto start_on = [&](auto make, bool pacing) {
    const auto controller = make({.smss = FluidLink::kSmss, .initial = 10 * FluidLink::kSmss, .pacing = pacing});
    FluidLink link(*controller, one_bdp);
    link.run(3s);
    return Outcome{link.dropped(), link.delivered()};
  };
  const Outcome doubling = start_on(make_reno, false);
  CHECK(doubling.dropped > 1000);  // more than the queue holds
  const Outcome unpaced = start_on(make_cubic, false);
  CHECK(unpaced.dropped < doubling.dropped / 10);
  CHECK(unpaced.delivered * 100 >= doubling.delivered * 99);
  const Outcome paced = start_on(make_cubic, true);  // half a round trip later
  CHECK(paced.dropped < doubling.dropped / 3);
  CHECK(paced.delivered * 100 >= doubling.delivered * 99);
}

TEST_CASE("one packet in a hundred lost at random: BBR keeps the link full, the others can't") {
  const Link lossy{.rate = 2'500'000, .trip = 50ms, .queue = 200'000, .drop_every = 100};
  for (const Kind& kind : kKinds) {
    CAPTURE(kind.name);
    const auto controller = start(kind);
    FluidLink link(*controller, lossy);
    link.run(20s);
    const std::uint64_t share = link.delivered() * 100 / (20 * lossy.rate);
    CHECK((share >= 75) == (std::string_view(kind.name) == "BBR"));
  }
}

TEST_CASE("with marks instead of drops nothing is lost; DCTCP keeps the shorter queue [R3168-6.1.2-1]") {
  const Link marking{.queue = 400'000, .mark_above = 15'000};
  std::uint64_t queued[2] = {};
  for (const EcnResponse response : {EcnResponse::classic, EcnResponse::dctcp}) {
    const auto controller = start(kKinds[0], response);
    FluidLink link(*controller, marking);
    link.run(30s);
    CHECK(link.dropped() == 0);
    CHECK(link.marked() > 0);
    CHECK(link.delivered() >= 30 * 1'250'000ull * 80 / 100);
    for (const auto& one : link.sightings())
      if (one.at > Time{Duration(10s)})
        queued[response == EcnResponse::dctcp] = std::max(queued[response == EcnResponse::dctcp], one.queued);
  }
  CHECK(queued[1] <= queued[0]);
}

TEST_CASE("a link that becomes slower, then faster, is followed by all") {
  for (const Kind& kind : kKinds) {
    CAPTURE(kind.name);
    const auto controller = start(kind);
    FluidLink link(*controller, {});
    link.run(10s);
    link.set_rate(312'500);
    link.run(10s);
    const std::uint64_t before = link.delivered();
    link.run(10s);
    CHECK(link.delivered() - before >= 10 * 312'500ull * 90 / 100);
    link.set_rate(1'250'000);
    link.run(20s);
    const std::uint64_t again = link.delivered();
    link.run(10s);
    CHECK(link.delivered() - again >= 10 * 1'250'000ull * 85 / 100);
  }
}

TEST_CASE("the windows over time are those in cwnd.txt") {
  std::string text =
      "# cwnd in bytes over 20 s: 10 Mbit/s, 40 ms, a queue of 50 KB. SLUICE_UPDATE_CWND=1 test_congestion.\n";
  for (const Kind& kind : kKinds) {
    const auto controller = start(kind);
    FluidLink link(*controller, {});
    link.run(20s);
    text += fmt::format("\n{}: {} KB delivered, {} packets dropped\n{}", kind.name, link.delivered() / 1000,
                        link.dropped(), draw(link.sightings(), 20s));
  }
  const std::string path = SLUICE_SOURCE_DIR "/tests/congestion/cwnd.txt";
  if (std::getenv("SLUICE_UPDATE_CWND")) std::ofstream(path) << text;
  std::ifstream file(path);
  const std::string kept{std::istreambuf_iterator<char>(file), {}};
  CHECK_MESSAGE(kept == text, "if this is meant, run with SLUICE_UPDATE_CWND=1");
}

}  // namespace sluice::congestion
