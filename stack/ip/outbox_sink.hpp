// The outbox as a sink: for replies that go the usual way of packets.
#pragma once

#include "stack/ip/outbox.hpp"

namespace sluice::ip {

class OutboxSink final : public FrameSink {
 public:
  explicit OutboxSink(Outbox& outbox) noexcept : outbox_(outbox) {}
  bool accept(const Frame& frame) noexcept override { return outbox_.push(frame); }

 private:
  Outbox& outbox_;
};

}  // namespace sluice::ip
