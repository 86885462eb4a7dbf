// Replies that belong to no connection (RST, TIME-WAIT ACK, cookie SYN-ACK, ICMP) wait here, bounded in bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "stack/base/packet.hpp"
#include "stack/base/ring.hpp"

namespace sluice::ip {

/// A queue of small, complete frames. What doesn't fit is dropped and counted: its sender will ask again.
class Outbox {
 public:
  explicit Outbox(std::size_t limit = 256 * 1024) noexcept : limit_(limit) {}

  /// Copies head and body behind each other. False when there is no room.
  bool push(Bytes head, Bytes body = {});
  bool push(const Frame& frame);
  /// Offers frames in order until the sink is full or nothing is left.
  void drain(FrameSink& sink) {
    if (!empty()) offer_all(sink);
  }

  bool empty() const noexcept { return frames_.empty(); }
  std::size_t bytes() const noexcept { return bytes_; }
  std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  /// Room for one more frame of `size` bytes; empty when there is none, which is counted.
  MutableBytes append(std::size_t size);
  void offer_all(FrameSink& sink);

  Ring<Slice> frames_;
  std::size_t bytes_ = 0;
  std::size_t limit_;
  std::uint64_t dropped_ = 0;
};

}  // namespace sluice::ip
