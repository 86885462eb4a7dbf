// Two stacks in one thread and a wire without delay or loss between them: for counts and benchmarks, where the World's
// link would cost more than what is looked at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "stack/stack.hpp"

namespace sluice::test {

/// A copy of a frame as the packet that a device would hand over, in a block of `pool`.
inline Packet arrived(BufferPool& pool, const Frame& frame) {
  Packet packet = Packet::with_room(pool, frame.size());
  std::uint8_t* at = packet.bytes().data();
  std::memcpy(at, frame.head.data(), frame.head.size());
  at += frame.head.size();
  for (const Slice& piece : frame.body) {
    std::memcpy(at, piece.bytes().data(), piece.size());
    at += piece.size();
  }
  const std::size_t text = packet.size() - frame.head.size();
  if (frame.gso_size > 0 && text > frame.gso_size) packet.stand_for(text, frame.gso_size);
  packet.checksum_known_good = frame.checksum_partial;
  return packet;
}

/// A stack and what waits to be given to it.
struct BareHost {
  explicit BareHost(const Config& config) : stack(config) {}

  Stack stack;
  BufferPool pool;  ///< of its device
  std::vector<Packet> waiting;
};

/// The settings of a host at 10.0.0.`number`. `frame`: bytes of a super-segment, 0 = no offloads.
inline Config bare_config(std::uint8_t number, std::size_t frame = 0) {
  Config config;
  config.key[0] = number;
  config.ip.addresses = {{IpAddress::v4(10, 0, 0, number), 8}};
  config.tcp.maximum_frame = frame;
  config.memory_limit = std::size_t{4} << 30;
  return config;
}

/// What `from` has to send now goes to the other's `waiting`.
inline void transmit(BareHost& from, BareHost& to, Time now) {
  SinkOf sink([&](const Frame& frame) noexcept {
    to.waiting.push_back(arrived(to.pool, frame));
    return true;
  });
  from.stack.poll_transmit(now, sink);
}

/// Gives a host its timers and what waits for it; answers how many packets that were.
inline std::size_t deliver(BareHost& host, Time now) {
  host.stack.handle_timeout(now);
  const std::size_t count = host.waiting.size();
  host.stack.receive(host.waiting, now);
  host.waiting.clear();
  return count;
}

/// Passes packets both ways until both are silent, each way `delay` later.
inline void exchange(BareHost& a, BareHost& b, Time& now, Duration delay = std::chrono::microseconds(10)) {
  for (std::size_t moved = 1; moved > 0;) {
    now += delay;
    moved = deliver(a, now) + deliver(b, now);
    transmit(a, b, now);
    transmit(b, a, now);
    moved += a.waiting.size() + b.waiting.size();
  }
}

}  // namespace sluice::test
