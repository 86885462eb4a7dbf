// What the stack itself costs, without a device: two stacks in one thread, packets handed over in memory.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <vector>

#include "stack/stack.hpp"
#include "tests/support/bare_wire.hpp"

namespace {

using namespace sluice;

/// A wire without delay or loss.
class Wire {
 public:
  /// `frame`: bytes of a super-segment, 0 = no offloads.
  explicit Wire(std::size_t frame = 0) : a_(config_of(1, frame)), b_(config_of(2, frame)) {}

  Stack& a() { return a_.stack; }
  Stack& b() { return b_.stack; }

  /// Passes packets until both are silent.
  void exchange() { test::exchange(a_, b_, now_); }

 private:
  static Config config_of(std::uint8_t number, std::size_t frame) {
    Config config = test::bare_config(number, frame);
    config.tcp.maximum_half_open = 1 << 20;
    return config;
  }

  test::BareHost a_;
  test::BareHost b_;
  Time now_{std::chrono::hours(1)};
};

/// Text from one stack to the other; the range says the size of a frame: 0 = MTU, else super-segments.
void bulk(benchmark::State& state) {
  Wire wire(static_cast<std::size_t>(state.range(0)));
  auto listener = wire.b().listen({IpAddress::v4(10, 0, 0, 2), 80}, {.options = {.receive_buffer = 4 << 20}});
  auto from = wire.a().connect({IpAddress::v4(10, 0, 0, 2), 80}, {.options = {.send_buffer = 4 << 20}});
  wire.exchange();
  auto to = listener->accept();
  if (!to) return state.SkipWithError("no connection");
  const Slice block = Slice::copy_of(std::vector<std::uint8_t>(256 * 1024));
  std::int64_t bytes = 0;
  for (auto _ : state) {
    while (from->writable() >= block.size())
      if (!from->write(block)) break;
    wire.exchange();
    for (MutableBytes run = to->peek(); !run.empty(); run = to->peek()) {
      bytes += static_cast<std::int64_t>(run.size());
      to->consume(run.size());
    }
  }
  state.SetBytesProcessed(bytes);
}
BENCHMARK(bulk)->Arg(0)->Arg(65535);

/// One byte there and back.
void ping_pong(benchmark::State& state) {
  Wire wire;
  auto listener = wire.b().listen({IpAddress::v4(10, 0, 0, 2), 80});
  auto from = wire.a().connect({IpAddress::v4(10, 0, 0, 2), 80}, {.options = {.no_delay = true}});
  wire.exchange();
  auto to = listener->accept();
  if (!to) return state.SkipWithError("no connection");
  const std::uint8_t byte[] = {'x'};
  for (auto _ : state) {
    (void)from->write(Bytes(byte));
    wire.exchange();
    to->consume(to->peek().size());
    (void)to->write(Bytes(byte));
    wire.exchange();
    from->consume(from->peek().size());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ping_pong);

/// Handshake and orderly close; both stacks' work.
void open_and_close(benchmark::State& state) {
  Wire wire;
  auto listener = wire.b().listen({IpAddress::v4(10, 0, 0, 2), 80});
  for (auto _ : state) {
    auto from = wire.a().connect({IpAddress::v4(10, 0, 0, 2), 80});
    wire.exchange();
    auto to = listener->accept();
    if (!from || !to) return state.SkipWithError("no connection");
    to->close();  // the side that listens keeps the TIME-WAIT record, so that ports of the other don't run out
    wire.exchange();
    from->close();
    wire.exchange();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(open_and_close);

/// Heap bytes of one idle, established connection, with its place in every table: 100,000 of them are opened.
void idle_memory(benchmark::State& state) {
  constexpr std::size_t kConnections = 100'000;
  constexpr std::size_t kPorts = 20'000;
  for (auto _ : state) {
    Wire wire;
    std::vector<tcp::Listener> listeners;
    std::vector<tcp::Socket> open, accepted;
    open.reserve(kConnections);
    accepted.reserve(kConnections);
    const auto heap = [] {  // large tables have a mapping of their own
      const auto info = mallinfo2();
      return info.uordblks + info.hblkhd;
    };
    const std::size_t before = heap();
    for (std::size_t done = 0; done < kConnections; done += kPorts) {
      const Endpoint server{IpAddress::v4(10, 0, 0, 2), static_cast<std::uint16_t>(1000 + done / kPorts)};
      auto listener = wire.b().listen(server, {.backlog = kPorts});
      for (std::size_t i = 0; i < kPorts; ++i) {
        if (auto socket = wire.a().connect(server)) open.push_back(std::move(*socket));
        if (i % 256 == 0) wire.exchange();
      }
      wire.exchange();
      while (auto socket = listener->accept()) accepted.push_back(std::move(*socket));
      listeners.push_back(std::move(*listener));
    }
    if (accepted.size() != kConnections) return state.SkipWithError("not all connections were established");
    while (wire.a().poll_event() || wire.b().poll_event()) {
    }
    const std::size_t used = heap() - before;
    state.counters["bytes/connection"] = static_cast<double>(used) / (2.0 * kConnections);
  }
}
BENCHMARK(idle_memory)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
