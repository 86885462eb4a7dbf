// What the stack itself costs, without a device: two stacks in one thread, packets handed over in memory.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <memory>
#include <vector>

#include "stack/stack.hpp"

namespace {

using namespace sluice;

struct Host {
  Host(const IpAddress& address, std::uint8_t number, std::size_t mtu, std::size_t frame) {
    Config config;
    config.key[0] = number;
    config.ip.mtu = mtu;
    config.ip.addresses = {{address, 8}};
    config.tcp.maximum_frame = frame;
    config.tcp.maximum_half_open = 1 << 20;
    config.memory_limit = std::size_t{4} << 30;
    stack = std::make_unique<Stack>(config);
  }
  std::unique_ptr<Stack> stack;
  BufferPool pool;
  std::vector<Packet> waiting;
};

/// A wire without delay or loss.
class Wire {
 public:
  explicit Wire(std::size_t mtu = 1500, std::size_t frame = 0)
      : a_(IpAddress::v4(10, 0, 0, 1), 1, mtu, frame), b_(IpAddress::v4(10, 0, 0, 2), 2, mtu, frame) {}

  Stack& a() { return *a_.stack; }
  Stack& b() { return *b_.stack; }
  Time now() const { return now_; }

  /// Passes packets until both are silent; answers how many.
  std::size_t exchange() {
    std::size_t total = 0;
    for (;;) {
      now_ += std::chrono::microseconds(10);
      const std::size_t moved = pass(a_, b_) + pass(b_, a_);
      if (moved == 0) return total;
      total += moved;
    }
  }

 private:
  std::size_t pass(Host& from, Host& to) {
    from.stack->handle_timeout(now_);
    SinkOf sink([&](const Frame& frame) noexcept {
      Packet packet = Packet::with_room(to.pool, frame.size());
      std::uint8_t* at = packet.bytes().data();
      std::memcpy(at, frame.head.data(), frame.head.size());
      at += frame.head.size();
      for (const Slice& piece : frame.body) {
        std::memcpy(at, piece.bytes().data(), piece.size());
        at += piece.size();
      }
      packet.gso_size = frame.gso_size;
      packet.checksum_known_good = frame.checksum_partial;
      to.waiting.push_back(std::move(packet));
      return true;
    });
    from.stack->poll_transmit(now_, sink);
    const std::size_t count = to.waiting.size();
    to.stack->receive(to.waiting, now_);
    to.waiting.clear();
    return count;
  }

  Host a_;
  Host b_;
  Time now_{std::chrono::hours(1)};
};

/// Text from one stack to the other; the range says the size of a frame: 0 = MTU, else super-segments.
void bulk(benchmark::State& state) {
  Wire wire(1500, static_cast<std::size_t>(state.range(0)));
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
