// One run over an impaired path, in virtual or in real time, and its figures as a line of JSON. tests/bench/paths
// chooses the runs and makes tables and pictures of them.
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/paths_emulator.hpp"
#include "tests/bench/paths_kernel.hpp"
#include "tests/bench/paths_run.hpp"
#include "tools/trace_file.hpp"
#include "tun/clock.hpp"
#include "tun/open.hpp"

namespace {

using namespace sluice;
using namespace sluice::bench;
using namespace std::chrono_literals;

const IpAddress kLeftKernel = IpAddress::v4(10, 94, 1, 1), kLeftHost = IpAddress::v4(10, 94, 1, 2);
const IpAddress kRightKernel = IpAddress::v4(10, 94, 2, 1), kRightHost = IpAddress::v4(10, 94, 2, 2);
constexpr std::uint16_t kFloodPort = 9;

/// A processor that sleeps needs tens of microseconds to wake up: what is due sooner than this is waited for awake.
constexpr Duration kAwake = 200us;
constexpr Duration kFloodTime = 250ms;

Duration seconds(double value) { return Duration(static_cast<Duration::rep>(value * 1e9)); }
double milliseconds(Duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

std::uint16_t port_of(std::size_t flow) { return static_cast<std::uint16_t>(kFirstPort + flow); }

/// Both ends of a run, and what they have moved.
class Ends {
 public:
  Ends(const Run& run, Time now, KernelHost* left_kernel, KernelHost* right_kernel)
      : run_(run), left_kernel_(left_kernel), right_kernel_(right_kernel) {
    if (!run.trace.empty()) trace_ = std::make_unique<tools::TraceFile>(run.trace, now, tun::wall_clock_offset());
    left_ = std::make_unique<SluiceHost>(kLeftHost, run.seed, now, trace_.get());
    right_ = std::make_unique<SluiceHost>(kRightHost, run.seed, now);
  }

  SluiceHost& left() { return *left_; }
  SluiceHost& right() { return *right_; }

  void begin() {
    for (std::size_t flow = 0; flow < run_.senders.size(); ++flow) {
      const bool to_kernel = run_.receiver == System::kernel;
      const Endpoint remote{to_kernel ? kRightKernel : kRightHost, port_of(flow)};
      to_kernel ? right_kernel_->listen(remote.port) : right_->listen(remote.port);
      const Sender& sender = run_.senders[flow];
      if (sender.system == System::kernel)
        left_kernel_->send_to(remote, sender.congestion);
      else
        left_->send_to(remote, sender.congestion);
    }
  }

  std::vector<std::uint64_t> received() const {
    std::vector<std::uint64_t> bytes;
    for (std::size_t flow = 0; flow < run_.senders.size(); ++flow)
      bytes.push_back(run_.receiver == System::kernel ? right_kernel_->received(port_of(flow))
                                                      : right_->received(port_of(flow)));
    return bytes;
  }

  Figures figures(const std::vector<std::uint64_t>& half, const Emulator& emulator) const {
    Figures figures;
    const std::vector<std::uint64_t> whole = received();
    for (std::size_t flow = 0; flow < whole.size(); ++flow) {
      figures.goodput.push_back(static_cast<double>(whole[flow]) * 8e-6 / run_.seconds);
      figures.second_half.push_back(static_cast<double>(whole[flow] - half[flow]) * 8e-6 / (run_.seconds / 2));
      const bool kernel = run_.senders[flow].system == System::kernel;
      const SenderFigures told = kernel ? left_kernel_->sender(port_of(flow)) : left_->sender(port_of(flow));
      figures.retransmitted.push_back(
          told.sent == 0 ? 0 : static_cast<double>(told.retransmitted) / static_cast<double>(told.sent));
    }
    figures.queue_p50 = milliseconds(emulator.waited(0.5));
    figures.queue_p99 = milliseconds(emulator.waited(0.99));
    figures.queue_max = milliseconds(emulator.waited(1));
    figures.late_p99 = milliseconds(emulator.late(0.99)) * 1e3;
    figures.late_max = milliseconds(emulator.late(1)) * 1e3;
    const auto& counters = emulator.there().counters();
    using lab::ImpairmentCounter;
    figures.acks = emulator.back().counters()[ImpairmentCounter::offered];
    figures.offered = counters[ImpairmentCounter::offered];
    figures.lost = counters[ImpairmentCounter::lost] + counters[ImpairmentCounter::lost_in_burst];
    figures.queue_full = counters[ImpairmentCounter::queue_full];
    figures.reordered = counters[ImpairmentCounter::reordered];
    figures.notes = left_->notes();
    if (left_kernel_) figures.notes += left_kernel_->notes();
    return figures;
  }

 private:
  const Run& run_;
  KernelHost* left_kernel_;
  KernelHost* right_kernel_;
  std::unique_ptr<tools::TraceFile> trace_;
  std::unique_ptr<SluiceHost> left_;
  std::unique_ptr<SluiceHost> right_;
};

/// Drives the emulator from `begin` to the end of the run; `advance` answers the next moment, at most the one given.
Figures drive(const Run& run, Ends& ends, Emulator& emulator, Time begin,
              const std::function<Time(Time now, Time next)>& advance) {
  const Time middle = begin + seconds(run.seconds / 2);
  const Time end = begin + seconds(run.seconds);
  std::vector<std::uint64_t> half;
  ends.begin();
  for (Time now = begin; now < end;) {
    const bool more = emulator.turn(now);
    if (half.empty() && now >= middle) half = ends.received();
    const Time next = std::min({emulator.next_event(), half.empty() ? middle : end, end});
    now = advance(now, more ? now : next);
  }
  if (half.empty()) half = ends.received();
  return ends.figures(half, emulator);
}

Figures run_virtual(const Run& run) {
  const Time begin{std::chrono::hours(1)};
  Ends ends(run, begin, nullptr, nullptr);
  Emulator emulator(run.there(), run.back(), tun::key_from_seed(run.seed), {.host = &ends.left()},
                    {.host = &ends.right()});
  return drive(run, ends, emulator, begin, [](Time now, Time next) { return std::max(now, next); });
}

/// A namespace with a TUN towards the other side's network.
struct Place {
  Place(const IpAddress& host, const IpAddress& kernel, const char* beyond)
      : home(tun::Namespace::create()), kernel_host(home) {
    home.run([&] {
      device = tun::open_tun({.name = "path0",
                              .addresses = {{Prefix{host, 24}, kernel}},
                              .routes = {*Prefix::parse(beyond)},
                              .mtu = kMtu});
    });
  }
  tun::Namespace home;
  std::unique_ptr<tun::FdDevice> device;
  KernelHost kernel_host;
};

/// Sleeps until `next`, or a TUN has something, or looks again at once when that is soon.
Time wait_real(const Place& left, const Place& right, Time now, Time next) {
  if (next > now + kAwake) {
    pollfd watched[] = {{left.device->fd(), POLLIN, 0}, {right.device->fd(), POLLIN, 0}};
    const Duration rest = next - now - kAwake / 2;
    const timespec timeout{rest / 1s, (rest % 1s).count()};
    (void)ppoll(watched, 2, &timeout, nullptr);
  }
  return tun::monotonic_now();
}

/// Mbit/s that pass from TUN to TUN through the same code without a rate.
double capacity(const Run& run, Place& left, Place& right) {
  const tun::Fd sink = datagram_sink(right.home, {kRightKernel, kFloodPort});
  const lab::ImpairmentSettings only_delay = run.back();
  Emulator emulator(only_delay, only_delay, Key{}, {.device = left.device.get()}, {.device = right.device.get()});
  {
    const Flood flood(left.home, {kRightKernel, kFloodPort});
    const Time begin = tun::monotonic_now() + only_delay.delay;
    for (Time now = tun::monotonic_now(); now < begin + kFloodTime; now = tun::monotonic_now()) emulator.turn(now);
  }
  std::vector<Packet> rest;
  while (left.device->receive_batch(rest)) rest.clear();
  return static_cast<double>(emulator.carried()) * 8e-6 / std::chrono::duration<double>(kFloodTime).count();
}

Figures run_real(const Run& run) {
  const sched_param priority{.sched_priority = 10};
  if (run.priority && sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority) != 0)
    throw std::runtime_error("this system gives no real-time priority");
  Place left(kLeftHost, kLeftKernel, "10.94.2.0/24");
  Place right(kRightHost, kRightKernel, "10.94.1.0/24");
  const double alone = capacity(run, left, right);
  const Time begin = tun::monotonic_now();
  Ends ends(run, begin, &left.kernel_host, &right.kernel_host);
  Emulator emulator(run.there(), run.back(), tun::key_from_seed(run.seed), {&ends.left(), left.device.get()},
                    {&ends.right(), right.device.get()});
  Figures figures =
      drive(run, ends, emulator, begin, [&](Time now, Time next) { return wait_real(left, right, now, next); });
  figures.capacity = alone;
  left.kernel_host.stop();
  right.kernel_host.stop();
  return figures;
}

int go(const std::vector<std::string>& words) {
  if (words.size() == 1 && words[0] == "congestions") {
    for (const std::string& name : congestion_names()) std::printf("%s\n", name.c_str());
    return 0;
  }
  if (words.empty() || words[0] != "run") {
    std::fprintf(
        stderr,
        "usage: paths_peer congestions\n"
        "       paths_peer run sender=SYSTEM:CONGESTION... [receiver=SYSTEM] [real] [priority] [trace=FILE]\n"
        "                  [seed=TEXT] [seconds=S] [rate=MBIT/S] [rtt=MS] [buffer=BDP] [loss=0..1] [burst-enter=0..1]\n"
        "                  [burst-leave=0..1] [reorder=0..1]     SYSTEM: sluice or kernel\n");
    return 2;
  }
  const Run run = parse_run({words.begin() + 1, words.end()});
  const Figures figures = run.real ? run_real(run) : run_virtual(run);
  std::printf("%s\n", as_json(figures).c_str());
  return 0;
}

}  // namespace

int main(int count, char** words) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // the namespaces go with this process, whatever becomes of the script
  try {
    return go({words + 1, words + count});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "paths_peer: %s\n", error.what());
    return 1;
  }
}
