// Middleware that captures what passes a device, and the observer that writes beside each segment why it left.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lab/capture.hpp"
#include "stack/base/trace.hpp"
#include "tun/device.hpp"

namespace sluice::lab {

/// Captures both directions while it has a writer; without one it costs a comparison a packet.
class CaptureTap final : public tun::DeviceLayer {
 public:
  using DeviceLayer::DeviceLayer;
  ~CaptureTap() override;

  /// From now on into this file; a capture that ran before ends.
  void start(std::unique_ptr<CaptureWriter> writer);
  /// Ends the capture and gives the writer back (its counts, its error); nullptr when none ran.
  std::unique_ptr<CaptureWriter> stop();
  const CaptureWriter* writer() const noexcept { return writer_.get(); }

  /// What tells one segment from the others around it.
  struct SegmentName {
    std::uint32_t seq = 0;
    std::uint32_t ack = 0;
    std::uint8_t flags = 0;
    friend bool operator==(const SegmentName&, const SegmentName&) = default;
  };
  /// A comment for the frame that left last, if this is its name, else for the frame of this name that leaves soon: the
  /// stack tells of its segments after accept(), and of replies without a connection before.
  void annotate(const SegmentName& segment, std::string_view comment);

  void begin_turn(Time now) noexcept override;
  bool receive_batch(std::vector<Packet>& into) noexcept override;
  bool accept(const Frame& frame) noexcept override;
  void flush() noexcept override;

 private:
  struct Note {
    SegmentName segment;
    std::string text;
  };
  void write_pending() noexcept;
  void take_early_note();

  std::unique_ptr<CaptureWriter> writer_;
  Time now_{};
  // The frame that left last waits here for its comment, which the stack tells only after accept() took it.
  bool pending_ = false;
  std::vector<std::uint8_t> frame_;
  std::string comment_;
  std::deque<Note> early_;  // notes whose frames have not left yet
};

/// Writes each segment's SendReason into the capture and passes every event on.
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
