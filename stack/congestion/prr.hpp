// Proportional rate reduction (RFC 9937): how much each ACK of a fast recovery lets go.
#pragma once

#include <cstdint>

#include "stack/congestion/controller.hpp"

namespace sluice::congestion {

/// One recovery after the other. Bytes in all places.
class Prr {
 public:
  /// A congestion episode begins: all state is new [R9937-6.1-1]. `flight` is RecoverFS [R9937-6.1-2].
  void begin(std::uint64_t flight) noexcept {
    *this = Prr();
    active_ = true;
    recover_fs_ = flight;
  }
  void end() noexcept { active_ = false; }
  bool active() const noexcept { return active_; }

  void on_sent(std::uint64_t bytes) noexcept { out_ += bytes; }
  /// The cwnd that this ACK allows [R9937-6.2-6], or `cwnd` if it says nothing new.
  std::uint64_t on_ack(const AckSample& sample, std::uint64_t cwnd, std::uint64_t ssthresh,
                       std::uint32_t smss) noexcept;

 private:
  bool active_ = false;
  std::uint64_t recover_fs_ = 0;
  std::uint64_t delivered_ = 0;  // prr_delivered
  std::uint64_t out_ = 0;        // prr_out
};

}  // namespace sluice::congestion
