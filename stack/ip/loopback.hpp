// The way from the host to itself: what it sends to one of its own addresses, or to a loopback address.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "stack/base/packet.hpp"
#include "stack/base/ring.hpp"

namespace sluice::ip {

/// A device that is always there: packets come out in the order in which they went in. It is never full for longer than
/// until the next turn.
class Loopback final : public FrameSink {
 public:
  /// Of packets under way, bytes: as much as a window of TCP.
  static constexpr std::size_t kLimit = std::size_t{1} << 20;

  bool accept(const Frame& frame) noexcept override {
    const std::size_t size = frame.size();
    if (bytes_ > 0 && size > kLimit - std::min(bytes_, kLimit)) return false;
    Packet packet(frame.copy());
    packet.interface = kLoopback;
    if (frame.gso_size > 0) packet.stand_for(size - frame.head.size(), frame.gso_size);
    packet.checksum_known_good = frame.checksum_partial;
    bytes_ += size;
    ++count_;
    packets_.push_back(std::move(packet));
    return true;
  }

  std::optional<Packet> take() {
    if (packets_.empty()) return std::nullopt;
    Packet packet = std::move(packets_.front());
    packets_.pop_front();
    bytes_ -= packet.size();
    return packet;
  }

  bool empty() const noexcept { return packets_.empty(); }
  /// All packets that ever went this way.
  std::uint64_t count() const noexcept { return count_; }

 private:
  Ring<Packet> packets_;
  std::size_t bytes_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace sluice::ip
