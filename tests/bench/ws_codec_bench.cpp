// How fast the WebSocket codec is by itself: masks, UTF-8, frames through a session, no stream under it.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "ws/echo.hpp"
#include "ws/mask.hpp"
#include "ws/session.hpp"
#include "ws/utf8.hpp"

namespace {

using namespace sluice;
using namespace sluice::ws;

using ByteVector = std::vector<std::uint8_t>;
constexpr MaskKey kMask = {0x37, 0xfa, 0x21, 0x3d};

void count_bytes(benchmark::State& state, std::size_t size) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(size));
}

void unmask(benchmark::State& state) {
  ByteVector bytes(static_cast<std::size_t>(state.range(0)) + 1, 'a');
  for (auto _ : state) {
    apply_mask(MutableBytes(bytes).subspan(1), kMask);  // payload is rarely aligned
    benchmark::DoNotOptimize(bytes.data());
    benchmark::ClobberMemory();
  }
  count_bytes(state, bytes.size() - 1);
}
BENCHMARK(unmask)->Arg(20)->Arg(1024)->Arg(65536)->Arg(4 << 20);

/// What unmasking is held against: the same bytes moved and not changed.
void copy(benchmark::State& state) {
  const ByteVector source(static_cast<std::size_t>(state.range(0)), 'a');
  ByteVector target(source.size() + 1);
  for (auto _ : state) {
    std::memcpy(target.data() + 1, source.data(), source.size());
    benchmark::DoNotOptimize(target.data());
    benchmark::ClobberMemory();
  }
  count_bytes(state, source.size());
}
BENCHMARK(copy)->Arg(1024)->Arg(65536);

/// The RFC's definition as it stands, to compare.
void unmask_byte_by_byte(benchmark::State& state) {
  ByteVector bytes(static_cast<std::size_t>(state.range(0)) + 1, 'a');
  for (auto _ : state) {
    std::uint8_t* payload = bytes.data() + 1;
    for (std::size_t i = 0; i + 1 < bytes.size(); ++i)
      payload[i] = static_cast<std::uint8_t>(payload[i] ^ kMask[i & 3]);
    benchmark::DoNotOptimize(bytes.data());
    benchmark::ClobberMemory();
  }
  count_bytes(state, bytes.size() - 1);
}
BENCHMARK(unmask_byte_by_byte)->Arg(20)->Arg(1024)->Arg(65536);

void mask_while_copying(benchmark::State& state) {
  const ByteVector source(static_cast<std::size_t>(state.range(0)), 'a');
  ByteVector target(source.size() + 1);
  for (auto _ : state) {
    copy_masked(MutableBytes(target).subspan(1), source, kMask);
    benchmark::DoNotOptimize(target.data());
    benchmark::ClobberMemory();
  }
  count_bytes(state, source.size());
}
BENCHMARK(mask_while_copying)->Arg(1024)->Arg(65536);

/// `pattern` over and over, at least `size` bytes.
ByteVector text_of(std::string_view pattern, std::size_t size) {
  ByteVector text;
  while (text.size() < size) text.insert(text.end(), pattern.begin(), pattern.end());
  return text;
}

void validate(benchmark::State& state, std::string_view pattern) {
  const ByteVector text = text_of(pattern, static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(is_utf8(text));
  count_bytes(state, text.size());
}
BENCHMARK_CAPTURE(validate, ascii, "plain text ")->Arg(20)->Arg(1024)->Arg(65536);
BENCHMARK_CAPTURE(validate, greek, "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5 ")->Arg(20)->Arg(1024)->Arg(65536);
BENCHMARK_CAPTURE(validate, emoji, "\xf0\x9f\x98\x80")->Arg(20)->Arg(1024)->Arg(65536);

ByteVector take_output(Session& session) {
  ByteVector bytes;
  for (const Slice& slice : session.poll_transmit())
    bytes.insert(bytes.end(), slice.bytes().begin(), slice.bytes().end());
  session.transmitted(bytes.size());
  return bytes;
}

/// What a client sends: messages of one size, in all at least 64 KiB of frames.
struct Traffic {
  Traffic(MessageType type, std::size_t size) {
    Random random(Key{1}, KeyUse::websocket_mask);
    Settings settings;
    Session client(Role::client, settings, &random);
    while (frames.size() < 65536) {
      (void)client.send(type, ByteVector(size, 'a'));
      const ByteVector frame = take_output(client);
      frames.insert(frames.end(), frame.begin(), frame.end());
      ++messages;
    }
  }
  ByteVector frames;
  std::int64_t messages = 0;
};

/// A server's session reads frames and, with `answer`, echoes them into its queue, which is emptied batch by batch.
void serve(benchmark::State& state, MessageType type, bool answer) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const Traffic traffic(type, size);
  BufferPool pool;
  Settings settings;
  settings.pool = &pool;
  settings.high_water = 16u << 20;
  Session server(Role::server, settings);
  ByteVector bytes = traffic.frames;
  for (auto _ : state) {
    std::copy(traffic.frames.begin(), traffic.frames.end(), bytes.begin());  // reading unmasks in place
    MutableBytes rest = bytes;
    while (!rest.empty()) {
      rest = rest.subspan(server.receive(rest));
      while (const auto event = server.poll_event()) {
        benchmark::DoNotOptimize(*event);
        if (answer) Echo()(*event, server);
      }
    }
    std::size_t waiting = 0;
    for (const Slice& slice : server.poll_transmit()) waiting += slice.size();
    server.transmitted(waiting);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * traffic.messages);
  count_bytes(state, traffic.frames.size());
}
BENCHMARK_CAPTURE(serve, read_text, MessageType::text, false)->Arg(20)->Arg(1024)->Arg(65536)->Arg(1 << 20);
BENCHMARK_CAPTURE(serve, read_binary, MessageType::binary, false)->Arg(20)->Arg(1024)->Arg(65536);
BENCHMARK_CAPTURE(serve, echo_text, MessageType::text, true)->Arg(20)->Arg(1024)->Arg(65536)->Arg(1 << 20);

void client_sends(benchmark::State& state) {
  Random random(Key{1}, KeyUse::websocket_mask);
  BufferPool pool;
  Settings settings;
  settings.pool = &pool;
  Session client(Role::client, settings, &random);
  const ByteVector payload(static_cast<std::size_t>(state.range(0)), 'a');
  for (auto _ : state) {
    (void)client.send(MessageType::binary, payload);
    if (client.writable() > 0) continue;
    std::size_t waiting = 0;
    for (const Slice& slice : client.poll_transmit()) waiting += slice.size();
    client.transmitted(waiting);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
  count_bytes(state, payload.size());
}
BENCHMARK(client_sends)->Arg(20)->Arg(1024)->Arg(65536);

void idle_session(benchmark::State& state) {
  const Settings settings;
  for (auto _ : state) {
    Session session(Role::server, settings);
    benchmark::DoNotOptimize(session);
  }
  state.counters["bytes"] = sizeof(Session);
}
BENCHMARK(idle_session);

}  // namespace
