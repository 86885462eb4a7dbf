// Middleware that captures what passes a device, and the observer that writes beside each segment why it left and
// how its connection stood.
#pragma once

#include <memory>
#include <vector>

#include "lab/capture.hpp"
#include "lab/departures.hpp"
#include "stack/base/trace.hpp"
#include "tun/device.hpp"

namespace sluice::lab {

/// Captures both directions while it has a writer; without one it costs a comparison a packet. Of super-segments the
/// packets are captured that they stand for on a wire, with checksums that are right.
class CaptureTap final : public tun::DeviceLayer {
 public:
  explicit CaptureTap(tun::Device& device, LinkType link = LinkType::raw);
  ~CaptureTap() override;

  /// From now on into this file; a capture that ran before ends.
  void start(std::unique_ptr<CaptureWriter> writer);
  /// Ends the capture and gives the writer back (its counts, its error); nullptr when none ran.
  std::unique_ptr<CaptureWriter> stop();
  const CaptureWriter* writer() const noexcept { return writer_.get(); }

  /// An event of the stack behind the device: what it tells of a segment becomes the comment of its packet.
  void told(const TraceEvent& event);

  void begin_turn(Time now) noexcept override;
  bool receive_batch(std::vector<Packet>& into) noexcept override;
  bool accept(const Frame& frame) noexcept override;
  void flush() noexcept override;

 private:
  void write_arrival(const Packet& packet);

  std::unique_ptr<CaptureWriter> writer_;
  LinkType link_;
  Time now_{};
  Departures departures_;
};

/// Tells the capture of each segment and passes every event on.
class CaptureNotes final : public Observer {
 public:
  /// Both outlive this; `next` may be null.
  explicit CaptureNotes(CaptureTap& tap, Observer* next = nullptr) noexcept : tap_(tap), next_(next) {}
  void on_event(const TraceEvent& event) noexcept override;

 private:
  CaptureTap& tap_;
  Observer* next_;
};

}  // namespace sluice::lab
