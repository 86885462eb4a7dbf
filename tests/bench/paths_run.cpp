// A run from words, and its figures as one line of JSON.
#include "tests/bench/paths_run.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

namespace sluice::bench {
namespace {

// A queue of less than this many packets is no queue: it would drop the pairs that delayed ACKs let go.
constexpr std::size_t kSmallestQueue = 8;

Duration milliseconds(double value) { return Duration(static_cast<Duration::rep>(value * 1e6)); }

const std::vector<std::pair<std::string, tcp::CongestionControl>>& controls() {
  static const std::vector<std::pair<std::string, tcp::CongestionControl>> all = {
      {"reno", tcp::CongestionControl::reno},
      {"cubic", tcp::CongestionControl::cubic},
      {"bbr", tcp::CongestionControl::bbr}};
  return all;
}

double number(const std::string& word, const std::string& text) {
  std::size_t used = 0;
  double value = 0;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used != text.size() || value < 0) throw std::runtime_error("not a number: " + word);
  return value;
}

System system_named(const std::string& name) {
  if (name == "sluice") return System::sluice;
  if (name == "kernel") return System::kernel;
  throw std::runtime_error("neither sluice nor kernel: " + name);
}

Sender sender_named(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) throw std::runtime_error("a sender is SYSTEM:CONGESTION, not " + text);
  return {system_named(text.substr(0, colon)), text.substr(colon + 1)};
}

}  // namespace

lab::ImpairmentSettings Run::there() const {
  const double bytes_per_second = rate * 1e6 / 8;
  const double bdp = bytes_per_second * rtt / 1e3;
  return {.loss = loss,
          .burst_enter = burst_enter,
          .burst_leave = burst_leave,
          .delay = milliseconds(rtt / 2),
          .reorder = reorder,
          .reorder_by = milliseconds(rtt / 8),
          .rate = static_cast<std::uint64_t>(bytes_per_second),
          .queue_bytes = std::max(static_cast<std::size_t>(buffer * bdp), kSmallestQueue * kMtu)};
}

lab::ImpairmentSettings Run::back() const { return {.delay = milliseconds(rtt / 2)}; }

Run parse_run(const std::vector<std::string>& words) {
  Run run;
  const std::map<std::string, double*> numbers = {{"rate", &run.rate},
                                                  {"rtt", &run.rtt},
                                                  {"loss", &run.loss},
                                                  {"burst-enter", &run.burst_enter},
                                                  {"burst-leave", &run.burst_leave},
                                                  {"reorder", &run.reorder},
                                                  {"buffer", &run.buffer},
                                                  {"seconds", &run.seconds}};
  for (const std::string& word : words) {
    const std::size_t equals = std::min(word.find('='), word.size());
    const std::string key = word.substr(0, equals);
    const std::string value = equals < word.size() ? word.substr(equals + 1) : "";
    if (const auto found = numbers.find(key); found != numbers.end())
      *found->second = number(word, value);
    else if (key == "seed")
      run.seed = value;
    else if (key == "trace")
      run.trace = value;
    else if (key == "sender")
      run.senders.push_back(sender_named(value));
    else if (key == "receiver")
      run.receiver = system_named(value);
    else if (key == "real")
      run.real = true;
    else if (key == "priority")
      run.priority = true;
    else
      throw std::runtime_error("not understood: " + word);
  }
  if (run.senders.empty()) throw std::runtime_error("nobody sends: sender=SYSTEM:CONGESTION is missing");
  if (run.rate == 0 || run.seconds == 0) throw std::runtime_error("rate and seconds are above 0");
  const auto is_kernel = [](const Sender& sender) { return sender.system == System::kernel; };
  const bool kernel = run.receiver == System::kernel || std::any_of(run.senders.begin(), run.senders.end(), is_kernel);
  if (kernel && !run.real) throw std::runtime_error("the kernel has real time only: say real");
  return run;
}

tcp::CongestionControl congestion_named(std::string_view name) {
  for (const auto& [known, control] : controls())
    if (known == name) return control;
  throw std::runtime_error("sluice has no congestion control " + std::string(name));
}

std::vector<std::string> congestion_names() {
  std::vector<std::string> names;
  for (const auto& control : controls()) names.push_back(control.first);
  return names;
}

std::string as_json(const Figures& figures) {
  return fmt::format(
      R"({{"goodput":[{:.4f}],"second_half":[{:.4f}],"retransmitted":[{:.6f}],"queue_p50":{:.3f},"queue_p99":{:.3f},)"
      R"("queue_max":{:.3f},"capacity":{:.1f},"late_p99":{:.1f},"late_max":{:.1f},"acks":{},"offered":{},"lost":{},"queue_full":{},)"
      R"("reordered":{},"notes":"{}"}})",
      fmt::join(figures.goodput, ","), fmt::join(figures.second_half, ","), fmt::join(figures.retransmitted, ","),
      figures.queue_p50, figures.queue_p99, figures.queue_max, figures.capacity, figures.late_p99, figures.late_max,
      figures.acks, figures.offered, figures.lost, figures.queue_full, figures.reordered, figures.notes);
}

}  // namespace sluice::bench
