// Middleware that puts a bad link before a device: `sluice serve --loss 1% --delay 20ms`.
#pragma once

#include <optional>
#include <vector>

#include "lab/impairment.hpp"
#include "tun/device.hpp"

namespace sluice::lab {

/// Packets in both directions pass an Impairment each. What is due leaves at the end of the turn; when the inner device
/// is full it waits its turn in order.
class ImpairedDevice final : public tun::DeviceLayer {
 public:
  /// Streams 0 (in) and 1 (out) of `key`.
  ImpairedDevice(tun::Device& inner, ImpairmentSettings in, ImpairmentSettings out, const Key& key);

  Impairment& in() noexcept { return in_; }
  Impairment& out() noexcept { return out_; }

  /// Frames wait here as whole packets, so nothing above the MTU is asked of the stack; what comes in so is cut.
  tun::Offloads offloads() const noexcept override { return {}; }
  void begin_turn(Time now) noexcept override;
  bool receive_batch(std::vector<Packet>& into) noexcept override;
  bool accept(const Frame& frame) noexcept override;
  void flush() noexcept override;
  Time next_timeout() const noexcept override;

 private:
  Time now_{};
  Impairment in_;
  Impairment out_;
  std::vector<Packet> arrived_;
  std::optional<Impairment::Released> waiting_;  // due, but the inner device was full
};

}  // namespace sluice::lab
