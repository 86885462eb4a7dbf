// A million connections between two stacks of one process, in virtual time: what they cost to open, to hold and to keep
// alive. Times are of this thread's processor time, so that other processes hardly count.
#include <malloc.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/crowd.hpp"

namespace {

using namespace sluice;

constexpr const char* kUsage =
    "usage: million_peer [--connections N] [--batch N] [--at-once] [--json]\n"
    "  --connections N  how many (default 1000000)\n"
    "  --batch N        opened together, then 1 ms passes (default 256)\n"
    "  --at-once        no time passes while they are opened: all keep-alive timers are due in the same moment\n"
    "  --json           figures as JSON\n";

double processor_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// Bytes that the process has from the heap, large blocks with their own mapping included.
std::size_t heap_bytes() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

double resident_mebibytes() {
  std::size_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1048576;
}

/// Adds up the processor time of each host, and keeps its longest turn.
class Stopwatch final : public test::Crowd::Watch {
 public:
  void begin(bool) override { began_ = processor_seconds(); }
  void end(bool listens) override {
    const double took = processor_seconds() - began_;
    total_[listens] += took;
    longest_[listens] = std::max(longest_[listens], took);
  }
  void reset() { *this = Stopwatch(); }
  double total(bool listens) const { return total_[listens]; }
  double longest() const { return std::max(longest_[0], longest_[1]); }
  double both() const { return total_[0] + total_[1]; }

 private:
  double began_ = 0;
  std::array<double, 2> total_{}, longest_{};
};

struct Options {
  test::CrowdSettings crowd{.connections = 1'000'000};
  bool json = false;
  bool help = false;
};

std::size_t number_of(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value == 0 || value > 1'200'000)
    throw std::invalid_argument("not a number from 1 to 1200000: " + std::string(text));
  return value;
}

Options parse(const std::vector<std::string_view>& words) {
  Options options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool last = i + 1 == words.size();
    if (words[i] == "--json")
      options.json = true;
    else if (words[i] == "--at-once")
      options.crowd.pause = {};
    else if (words[i] == "--help")
      options.help = true;
    else if (words[i] == "--connections" && !last)
      options.crowd.connections = number_of(words[++i]);
    else if (words[i] == "--batch" && !last)
      options.crowd.batch = number_of(words[++i]);
    else
      throw std::invalid_argument("no such option, or its number is missing: " + std::string(words[i]));
  }
  return options;
}

struct Figure {
  const char* key;  ///< in JSON
  const char* name;
  double value;
};

std::vector<Figure> measure(const test::CrowdSettings& settings) {
  const auto number = static_cast<double>(settings.connections);
  Stopwatch watch;
  test::Crowd crowd(settings, &watch);
  const std::size_t empty = heap_bytes();
  if (crowd.open() != settings.connections) throw std::runtime_error("not all connections were established");
  std::vector<Figure> figures = {
      {"connections", "connections", number},
      {"opened_per_second", "opened per second of processor time, both hosts together", number / watch.both()},
      {"opened_per_second_connecting", "of the connecting host alone", number / watch.total(false)},
      {"opened_per_second_listening", "of the listening host alone", number / watch.total(true)},
      {"longest_opening_turn_ms", "longest turn while opening, ms", watch.longest() * 1e3},
      {"heap_bytes_per_connection", "heap bytes of a connection, one host",
       static_cast<double>(heap_bytes() - empty) / (2 * number)},
      {"resident_mebibytes", "resident memory, both hosts, MiB", resident_mebibytes()}};
  watch.reset();
  if (crowd.keep_alive() != settings.connections) throw std::runtime_error("not all connections were probed");
  figures.push_back(
      {"keep_alive_microseconds", "keep-alive, microseconds of a connection, both hosts", watch.both() / number * 1e6});
  figures.push_back({"most_probes_in_a_turn", "most probes of one turn", static_cast<double>(crowd.most_at_once())});
  figures.push_back({"longest_keep_alive_turn_ms", "longest turn while keeping alive, ms", watch.longest() * 1e3});
  if (crowd.listening().tcp().connection_count() != settings.connections)
    throw std::runtime_error("connections were lost");
  return figures;
}

int main_of(const std::vector<std::string_view>& words) {
  const Options options = parse(words);
  if (options.help) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  const std::vector<Figure> figures = measure(options.crowd);
  if (!options.json)
    for (const Figure& figure : figures) std::printf("%-60s %14.2f\n", figure.name, figure.value);
  if (!options.json) return 0;
  for (std::size_t i = 0; i < figures.size(); ++i)
    std::printf("%s\"%s\": %.3f", i == 0 ? "{" : ", ", figures[i].key, figures[i].value);
  std::puts("}");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return main_of({argv + 1, argv + argc});
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "million_peer: %s\n%s", error.what(), kUsage);
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "million_peer: %s\n", error.what());
    return 1;
  }
}
